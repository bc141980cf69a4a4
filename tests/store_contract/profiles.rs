//! Profiles and templates of codes: kept, guarded by their versions, and nobody else's.

use ringback::core::account::{Account, State};
use ringback::core::id::{ProfileId, TemplateId};
use ringback::core::money::Price;
use ringback::core::verification::Verification;
use ringback::core::verification::profile::{ChannelSettings, Profile, Settings, Template};
use ringback::store::{Access, Closing, Commit, Committed, ProfileStep};

use super::home::Home;
use super::samples::{DAY_MS, NOON, account};
use super::verify::{begun, commit, step, to};

const NEW: Committed = Committed::New(None);

fn profile(n: u8) -> Profile {
    Profile {
        id: ProfileId::new(NOON.plus_ms(n.into()), [n; 10]),
        account: account("acc_a"),
        settings: Settings {
            name: format!("profile {n}"),
            daily_spend_limit: Some(Price(1)),
            sms: Some(ChannelSettings {
                template: Some(template(1).id),
                countries: Some(vec!["US".into()]),
                ..ChannelSettings::default()
            }),
            ..Settings::default()
        },
        created_at: NOON,
        updated_at: NOON,
        version: 0,
    }
}

fn template(n: u8) -> Template {
    Template {
        id: TemplateId::new(NOON.plus_ms(n.into()), [n; 10]),
        account: account("acc_a"),
        text: "{{code}}".into(),
        version: 0,
    }
}

fn set<H: Home>(home: &H, profile: &Profile) -> Committed {
    let step = ProfileStep::Set(Box::new(profile.clone()), None);
    home.commit(Commit::Profile(step), NOON)
}

fn set_template<H: Home>(home: &H, template: &Template) -> Committed {
    let step = ProfileStep::SetTemplate(Box::new(template.clone()));
    home.commit(Commit::Profile(step), NOON)
}

fn kept<H: Home>(home: &H) -> (Vec<Profile>, Vec<Template>) {
    let live = home.store().live();
    let profiles = live.profiles(&account("acc_a")).into_iter();
    let templates = live.templates(&account("acc_a")).into_iter();
    (
        profiles.map(|profile| (*profile).clone()).collect(),
        templates.map(|template| (*template).clone()).collect(),
    )
}

pub fn profiles_and_templates_are_kept_and_their_accounts_own<H: Home>() {
    let home = H::new();
    for n in [2, 1] {
        assert_eq!(
            (set(&home, &profile(n)), set_template(&home, &template(n))),
            (NEW, NEW)
        );
    }
    let home = home.reopened();
    let all = (vec![profile(1), profile(2)], vec![template(1), template(2)]);
    assert_eq!(kept(&home), all, "oldest first");
    let live = home.store().live();
    assert!(live.profiles(&account("acc_b")).is_empty() && live.templates(&account("acc_b")).is_empty());
    assert!(live.profile(&account("acc_b"), profile(1).id).is_none());
    assert!(live.template(&account("acc_b"), template(1).id).is_none());
}

pub fn of_two_changes_to_one_profile_one_conflicts<H: Home>() {
    let home = H::new();
    assert_eq!(set(&home, &profile(1)), NEW);
    assert_eq!(
        set(&home, &profile(1)),
        Committed::Conflict,
        "it is there already"
    );
    let next = profile(1).changed(Settings::default(), NOON.plus_ms(1));
    assert_eq!((set(&home, &next), set(&home, &next)), (NEW, Committed::Conflict));
    let remove = |of: &Profile| home.commit(Commit::Profile(ProfileStep::Remove(Box::new(of.clone()))), NOON);
    assert_eq!(remove(&profile(1)), Committed::Conflict);
    assert_eq!((remove(&next), remove(&next)), (NEW, Committed::Conflict));
    let later = next.changed(Settings::default(), NOON);
    assert_eq!(
        set(&home, &later),
        Committed::Conflict,
        "a change brings none back"
    );
    assert_eq!(set_template(&home, &template(1)), NEW);
    assert_eq!(set_template(&home, &template(1)), Committed::Conflict);
    let home = home.reopened();
    assert_eq!(kept(&home), (Vec::new(), vec![template(1)]));
}

pub fn a_deleted_accounts_profiles_are_gone<H: Home>() {
    let home = H::new();
    let made = Account::new(account("acc_a"), NOON);
    let access = |access| home.commit(Commit::Access(access), NOON);
    assert_eq!(access(Access::SetAccount(Box::new(made.clone()))), NEW);
    set(&home, &profile(1));
    set_template(&home, &template(1));
    let closing = Closing {
        account: made.with_state(State::Deleted { at: NOON }).unwrap(),
        keys: Vec::new(),
        subscriptions: Vec::new(),
        profiles: vec![profile(1).id],
        templates: vec![template(1).id],
    };
    assert_eq!(access(Access::CloseAccount(Box::new(closing))), NEW);
    assert_eq!(kept(&home), (Vec::new(), Vec::new()));
    assert_eq!(kept(&home.reopened()), (Vec::new(), Vec::new()));
}

pub fn those_to_one_address_by_profiles_are_listed_over_days<H: Home>() {
    let home = H::new();
    let mut ids = Vec::new();
    for n in 0..4 {
        let at = NOON.plus_ms(u64::from(n) * DAY_MS / 2);
        let verification = Verification {
            profile: format!("profile {}", n % 2),
            ..begun(n, at)
        };
        commit(&home, step(&verification, None), at);
        ids.insert(0, verification.id);
    }
    let of_no_profile = begun(9, NOON);
    commit(&home, step(&of_no_profile, None), NOON);
    let home = home.reopened();
    let to_one = |acc: &str, limit| {
        home.store()
            .verifications_to(&account(acc), &to(1), limit)
            .unwrap()
    };
    let (all, count) = to_one("acc_a", 10);
    assert_eq!(
        all.iter().map(|known| known.id).collect::<Vec<_>>(),
        ids,
        "newest first"
    );
    assert_eq!(
        (count, to_one("acc_a", 2).0, to_one("acc_a", 2).1),
        (4, all[..2].to_vec(), 4)
    );
    assert_eq!(to_one("acc_b", 10), (Vec::new(), 0));
    assert_eq!(
        home.store()
            .verifications_to(&account("acc_a"), &to(2), 10)
            .unwrap()
            .1,
        0
    );
}
