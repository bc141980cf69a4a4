//! What an account hears of its own deliveries is decided by the writer and stands in the commit that brought it about.

use ringback::core::delivery::Next;
use ringback::core::event::Kind;
use ringback::core::health::{self, Health, Why};
use ringback::core::id::{Seq, SubscriptionId};
use ringback::core::subscription::Subscription;
use ringback::core::time::UnixMs;
use ringback::store::{Commit, Committed};

use super::commits::rented;
use super::home::Home;
use super::samples::{self, NOON, account};

const ONE: SubscriptionId = SubscriptionId([1; 16]);
const TWO: SubscriptionId = SubscriptionId([2; 16]);
const OTHER: SubscriptionId = SubscriptionId([3; 16]);
const LATER: UnixMs = UnixMs(u64::MAX);

/// The store of `rented`, with a second subscription of the account and one of another, all of which hear everything.
fn three<H: Home>() -> H {
    let (home, ..) = rented::<H>();
    home.commit(Commit::Subscribe(Box::new(samples::subscription(2))), NOON);
    let other = Subscription {
        account: account("acc_b"),
        ..samples::subscription(3)
    };
    home.commit(Commit::Subscribe(Box::new(other)), NOON);
    home
}

fn owed<H: Home>(home: &H, id: SubscriptionId) -> Vec<(Seq, Kind)> {
    let due = home.store().live().due(id, LATER, 10);
    let kind = |seq| home.store().event(seq).unwrap().unwrap().kind;
    due.iter().map(|due| (due.event, kind(due.event))).collect()
}

fn told(committed: &Committed) -> Seq {
    let Committed::New(Some(seq)) = committed else {
        panic!("nothing was told: {committed:?}")
    };
    *seq
}

pub fn a_change_of_health_is_told_to_the_accounts_others<H: Home>() {
    let home = three::<H>();
    let due = home.store().live().due(ONE, LATER, 10)[0];
    let gone = home.commit(samples::record(due, Next::Disabled(Why::Gone), NOON), NOON);
    let disabled = (told(&gone), Kind::SubscriptionDisabled);
    let home = home.reopened();
    assert_eq!((owed(&home, TWO), owed(&home, OTHER)), (vec![disabled], vec![]));
    assert_eq!(
        owed(&home, ONE),
        [(due.event, Kind::VerificationCreated)],
        "not of itself"
    );
    let event = home.store().event(disabled.0).unwrap().unwrap();
    assert!(
        event.body.contains(r#""reason":"gone","failures":1"#),
        "{}",
        event.body
    );

    let at = NOON.plus_ms(5000);
    let resumed = |version| {
        let subscription = Subscription {
            version,
            ..samples::subscription(1)
        };
        Commit::Resubscribe(Box::new(subscription), Some(Health::resumed(at)))
    };
    let back = (told(&home.commit(resumed(1), at)), Kind::SubscriptionRecovered);
    assert_eq!(owed(&home, TWO), [disabled, back]);
    assert_eq!(
        home.commit(resumed(2), at),
        Committed::New(None),
        "it was well already"
    );
}

pub fn a_given_up_delivery_is_told_once_and_not_of_itself<H: Home>() {
    let home = three::<H>();
    let due = home.store().live().due(ONE, LATER, 10)[0];
    let seq = told(&home.commit(samples::record(due, Next::Exhausted, NOON), NOON));
    assert_eq!(owed(&home, TWO), [(seq, Kind::DeliveryExhausted)]);
    let mut attempt = samples::attempt(home.store().live().due(TWO, LATER, 10)[0], Next::Exhausted, NOON);
    attempt.kind = "delivery.exhausted".into();
    let record = Commit::Record(Box::new(attempt), health::Rules::default());
    assert_eq!(home.commit(record, NOON), Committed::New(None));
    assert_eq!((owed(&home, ONE), owed(&home, TWO)), (vec![], vec![]));
}

pub fn too_many_failures_are_told_with_their_last<H: Home>() {
    let home = three::<H>();
    let rules = health::Rules {
        disable_failures_min: 3,
        ..health::Rules::default()
    };
    let mut answers = Vec::new();
    for n in 0..4 {
        let now = NOON.plus_ms(n * rules.disable_after_ms / 2);
        let due = home.store().live().due(ONE, LATER, 10)[0];
        let attempt = samples::attempt(due, Next::Retry { at: now.plus_ms(1) }, now);
        answers.push(home.commit(Commit::Record(Box::new(attempt), rules), now));
    }
    let (none, some) = (Committed::New(None), told(&answers[2]));
    assert_eq!(
        (&answers[..2], &answers[3]),
        (&[none.clone(), none.clone()][..], &none)
    );
    assert_eq!(owed(&home, TWO), [(some, Kind::SubscriptionDisabled)]);
    let event = home.store().event(some).unwrap().unwrap();
    assert!(
        event
            .body
            .contains(r#""reason":"failing","failures":3,"failingSince":"2026-"#),
        "{}",
        event.body
    );
}

pub fn who_hears_is_decided_on_the_group_so_far<H: Home>() {
    let home = three::<H>();
    let due = home.store().live().due(ONE, LATER, 10)[0];
    let four = samples::subscription(4);
    let commits = vec![
        Commit::Unsubscribe(account("acc_a"), TWO),
        Commit::Subscribe(Box::new(four.clone())),
        samples::record(due, Next::Disabled(Why::Asked), NOON),
    ];
    let answers = home.commit_all(commits, NOON);
    assert_eq!(
        owed(&home, four.id),
        [(told(&answers[2]), Kind::SubscriptionDisabled)]
    );
    assert_eq!(owed(&home, TWO), []);
}
