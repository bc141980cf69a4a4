//! Accounts and keys: what is kept over an opening, what a change is guarded by, and what comes too late.

use ringback::core::account::{Account, State};
use ringback::core::time::UnixMs;
use ringback::store::sim::{Disk, Simulated, Sync};
use ringback::store::vault::Vault;
use ringback::store::{Access, Closing, Commit, Committed, Store};

use super::home::{Home, MASTER, wait};
use super::samples::{self, NOON, account};

const NEW: Committed = Committed::New(None);

fn access<H: Home>(home: &H, access: Access) -> Committed {
    home.commit(Commit::Access(access), NOON)
}

fn add<H: Home>(home: &H, n: u32) -> Committed {
    access(home, Access::AddKey(Box::new(samples::key(n))))
}

/// Key `n` replaced by the next one.
fn replace(n: u32) -> Access {
    let (old, _) = samples::key(n).rotated("next", 5000, NOON);
    Access::ReplaceKey {
        old: Box::new(old),
        new: Box::new(samples::key(n + 1)),
    }
}

fn known<H: Home>(home: &H) -> Option<Account> {
    let live = home.store().live();
    live.access(|table| {
        table
            .account(&account("acc_a"))
            .map(|account| (**account).clone())
    })
}

fn has_key<H: Home>(home: &H, n: u32) -> bool {
    home.store().live().key(samples::key(n).hash).is_some()
}

fn closing(state: Option<Account>) -> Access {
    Access::CloseAccount(Box::new(Closing {
        account: state.expect("an account that can be deleted"),
        keys: vec![samples::key(1).hash],
        subscriptions: vec![samples::subscription(1).id],
        profiles: Vec::new(),
        templates: Vec::new(),
    }))
}

pub fn accounts_keys_and_uses_are_kept<H: Home>() {
    let home = H::new();
    assert_eq!(add(&home, 1), NEW);
    assert_eq!(access(&home, replace(1)), NEW);
    let uses = vec![
        (samples::key(2).hash, NOON.plus_ms(7)),
        (samples::key(3).hash, NOON),
    ];
    access(&home, Access::NoteUses(uses));
    let renamed = Account {
        name: "A".into(),
        version: 1,
        ..Account::new(account("acc_a"), NOON)
    };
    assert_eq!(access(&home, Access::SetAccount(Box::new(renamed.clone()))), NEW);
    let home = home.reopened();
    assert_eq!(known(&home), Some(renamed));
    let old = home.store().live().key(samples::key(1).hash).unwrap();
    assert_eq!(
        (old.expires_at, old.is_replaced, old.version),
        (Some(NOON.plus_ms(5000)), true, 1)
    );
    let used = |n: u32| {
        home.store()
            .live()
            .access(|table| table.used_at(samples::key(n).hash))
    };
    assert_eq!(
        (used(2), used(3)),
        (Some(NOON.plus_ms(7)), None),
        "a key that is not there has no use"
    );
    access(&home, Access::RevokeKey(samples::key(2).hash));
    let home = home.reopened();
    assert!(!has_key(&home, 2) && has_key(&home, 1));
    assert_eq!(
        home.store()
            .live()
            .access(|table| table.used_at(samples::key(2).hash)),
        None
    );
}

pub fn a_key_is_replaced_once_and_not_after_it_was_revoked<H: Home>() {
    let home = H::new();
    add(&home, 1);
    let both = vec![Commit::Access(replace(1)), Commit::Access(replace(1))];
    assert_eq!(home.commit_all(both, NOON), [NEW, Committed::Conflict]);
    add(&home, 5);
    let revoke = Access::RevokeKey(samples::key(5).hash);
    let both = vec![Commit::Access(revoke), Commit::Access(replace(5))];
    assert_eq!(home.commit_all(both, NOON), [NEW, Committed::Conflict]);
    let home = home.reopened();
    assert!(!has_key(&home, 5) && !has_key(&home, 6), "it is not brought back");
}

pub fn an_account_is_made_once_and_changed_on_its_version<H: Home>() {
    let home = H::new();
    let made = Account::new(account("acc_a"), NOON);
    let make = || Commit::Access(Access::SetAccount(Box::new(made.clone())));
    assert_eq!(
        home.commit_all(vec![make(), make()], NOON),
        [NEW, Committed::Conflict]
    );
    assert_eq!(add(&home, 1), NEW);
    assert_eq!(
        known(&home),
        Some(made.clone()),
        "a key leaves an account as it is"
    );
    let disabled = made.with_state(State::Disabled { at: NOON }).unwrap();
    let disable = || Commit::Access(Access::SetAccount(Box::new(disabled.clone())));
    assert_eq!(
        home.commit_all(vec![disable(), disable()], NOON),
        [NEW, Committed::Conflict]
    );
    assert_eq!(home.commit(disable(), NOON), Committed::Conflict);
}

pub fn a_deleted_account_leaves_nothing_and_gets_no_key<H: Home>() {
    let home = H::new();
    add(&home, 1);
    home.commit(Commit::Subscribe(Box::new(samples::subscription(1))), NOON);
    let deleted = known(&home).unwrap().with_state(State::Deleted { at: NOON });
    let late = Commit::Access(Access::AddKey(Box::new(samples::key(2))));
    let together = vec![Commit::Access(closing(deleted.clone())), late];
    assert_eq!(home.commit_all(together, NOON), [NEW, Committed::Conflict]);
    assert_eq!(access(&home, closing(deleted.clone())), Committed::Conflict);
    let home = home.reopened();
    assert_eq!(known(&home), deleted);
    assert!(!has_key(&home, 1) && !has_key(&home, 2));
    assert_eq!(home.store().live().counts().subscriptions, 0);
    assert_eq!(add(&home, 2), Committed::Conflict);

    assert_eq!(
        access(&home, Access::ForgetAccount(Box::new(deleted.unwrap()))),
        NEW
    );
    assert_eq!(add(&home, 2), NEW);
    let again = known(&home.reopened()).unwrap();
    assert_eq!((again.state, again.version), (State::Active, 0));
}

pub fn open_rentals_are_counted<H: Home>() {
    let home = H::new();
    let count = |home: &H| {
        home.store()
            .live()
            .access(|table| table.open_rentals(&account("acc_a")))
    };
    home.commit(Commit::AddNumbers((1..=2).map(samples::number).collect()), NOON);
    let rented = [1u8, 2].map(|n| {
        let number = samples::number(n.into());
        let rental = samples::rental(&number, n, NOON);
        let (rent, number) = samples::rent(&rental, &number, &[]);
        home.commit(rent, NOON);
        (rental, number)
    });
    assert_eq!(count(&home), 2);
    let received = samples::receive(&rented[0].0, "m1", "G-482913 is your code", NOON, &[]);
    home.commit(received.commit, NOON);
    assert_eq!(count(&home), 2, "a completed one holds its number still");
    let home = home.reopened();
    assert_eq!(count(&home), 2);
    let at = UnixMs(NOON.0 + 9);
    let (end, ..) = samples::cancel(&rented[1].0, &rented[1].1, at, &[]);
    home.commit(end, at);
    let (release, ..) = samples::release(&received.rental, &rented[0].1, received.rental.ends_at);
    home.commit(release, received.rental.ends_at);
    assert_eq!(count(&home), 0);
    assert_eq!(count(&home.reopened()), 0);
}

/// Synced by hand, so that nothing of the earlier commits is in memory when the later ones are judged.
#[test]
fn within_a_group_the_later_commits_see_the_earlier_ones() {
    let store = Simulated::open(Disk::default(), Vault::new(&MASTER), Sync::ByHand).unwrap();
    let together = |changes: Vec<Access>| {
        let commits = changes.into_iter().map(Commit::Access);
        let tickets: Vec<_> = commits.map(|commit| store.commit(commit, NOON.into())).collect();
        store.sync();
        tickets
            .into_iter()
            .map(|ticket| wait(ticket).unwrap())
            .collect::<Vec<_>>()
    };
    let account = || {
        store.live().access(|table| {
            table
                .account(&account("acc_a"))
                .map(|account| (**account).clone())
        })
    };
    let add = |n| Access::AddKey(Box::new(samples::key(n)));
    let revoke = |n| Access::RevokeKey(samples::key(n).hash);
    let old = Committed::Conflict;
    assert_eq!(
        together(vec![add(1), add(5), replace(1), replace(1)]),
        [NEW, NEW, NEW, old.clone()]
    );
    let uses = Access::NoteUses(vec![(samples::key(5).hash, NOON)]);
    assert_eq!(
        together(vec![revoke(5), replace(5), uses]),
        [NEW, old.clone(), NEW]
    );
    let used = store.live().access(|table| table.used_at(samples::key(5).hash));
    assert_eq!(used, None);
    let deleted = account().unwrap().with_state(State::Deleted { at: NOON });
    assert_eq!(
        together(vec![closing(deleted.clone()), add(3), closing(deleted.clone())]),
        [NEW, old.clone(), old]
    );
    assert_eq!(account(), deleted);
    let forget = Access::ForgetAccount(Box::new(deleted.unwrap()));
    assert_eq!(together(vec![forget, add(3)]), [NEW, NEW]);
    let again = account().unwrap();
    assert_eq!((again.state, again.version), (State::Active, 0));
}
