//! What is kept: every commit read back from the disk, the due index after each kind of attempt, and the subscriptions' health.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringback::core::attempt::Attempt;
use ringback::core::delivery::{Due, Next};
use ringback::core::event::Event;
use ringback::core::health::{Health, Standing, Why};
use ringback::core::id::{Seq, SubscriptionId};
use ringback::core::ingest::StoredMessage;
use ringback::core::number::{Number, State};
use ringback::core::rental::Rental;
use ringback::core::subscription::Subscription;
use ringback::core::time::UnixMs;
use ringback::store::{Access, Commit, Committed, Store};

use super::commits::rented;
use super::home::Home;
use super::samples::{self, NOON, account, phone};

const ONE: SubscriptionId = SubscriptionId([1; 16]);
const TWO: SubscriptionId = SubscriptionId([2; 16]);
const LATER: UnixMs = UnixMs(u64::MAX);

/// All that a store tells of itself.
#[derive(Debug, PartialEq)]
struct Told {
    numbers: Vec<Arc<Number>>,
    subscriptions: Vec<Arc<Subscription>>,
    key_there: bool,
    due: Vec<Due>,
    events: BTreeMap<Seq, Event>,
    rentals: Vec<Rental>,
    messages: Vec<StoredMessage>,
    unmatched: Vec<StoredMessage>,
    attempts: Vec<Attempt>,
}

fn told(store: &dyn Store) -> Told {
    let live = store.live();
    let mut numbers = live.numbers();
    numbers.sort_by_key(|number| number.number.clone());
    let mut subscriptions = live.subscriptions(&account("acc_a"));
    subscriptions.sort_by_key(|subscription| subscription.id);
    let due: Vec<Due> = [ONE, TWO]
        .iter()
        .flat_map(|id| live.due(*id, LATER, 100))
        .collect();
    let attempts: Vec<Attempt> = [ONE, TWO]
        .iter()
        .flat_map(|id| store.attempts(*id, None, 100).unwrap())
        .collect();
    let seqs = due
        .iter()
        .map(|due| due.event)
        .chain(attempts.iter().map(|attempt| attempt.due.event));
    let rentals = store.rentals(&account("acc_a"), None, 100).unwrap();
    Told {
        numbers,
        subscriptions,
        key_there: live
            .key(samples::key(1).hash)
            .is_some_and(|key| *key == samples::key(1)),
        events: seqs
            .map(|seq| (seq, store.event(seq).unwrap().unwrap()))
            .collect(),
        messages: rentals
            .iter()
            .flat_map(|r| store.messages(&r.messages).unwrap())
            .collect(),
        due,
        rentals,
        unmatched: store.unmatched(None, 100).unwrap(),
        attempts,
    }
}

fn only_due<H: Home>(home: &H) -> Due {
    let due = home.store().live().due(ONE, LATER, 10);
    assert_eq!(due.len(), 1, "{due:?}");
    due[0]
}

fn health<H: Home>(home: &H) -> Health {
    home.store().live().health(ONE)
}

/// Every kind of commit there is; the rentals as they are at the end, newest id first, and the message.
fn everything<H: Home>(home: &H) -> (Vec<Rental>, StoredMessage) {
    let both = [ONE, TWO];
    home.commit(Commit::Access(Access::AddKey(Box::new(samples::key(1)))), NOON);
    home.commit(Commit::AddNumbers((1..=4).map(samples::number).collect()), NOON);
    for n in 1..=3 {
        home.commit(Commit::Subscribe(Box::new(samples::subscription(n))), NOON);
    }
    let rentals: Vec<Rental> = (1..=3)
        .map(|n| samples::rental(&samples::number(n.into()), n, NOON))
        .collect();
    let rents: Vec<_> = (1..=3)
        .map(|n| samples::rent(&rentals[n - 1], &samples::number(n as u16), &both))
        .collect();
    home.commit_all(rents.iter().map(|(commit, _)| commit.clone()).collect(), NOON);
    // The first is completed and released, the second cancelled, the third stays open.
    let received = samples::receive(&rentals[0], "m1", "G-482913 is your code", NOON.plus_ms(5), &both);
    home.commit(received.commit, NOON.plus_ms(5));
    let (release, released, _) = samples::release(&received.rental, &rents[0].1, received.rental.ends_at);
    home.commit(release, received.rental.ends_at);
    let (end, cancelled, _) = samples::cancel(&rentals[1], &rents[1].1, NOON.plus_ms(9), &both);
    home.commit(end, NOON.plus_ms(9));
    home.commit(samples::stray("m2", NOON).0, NOON);
    home.commit(
        Commit::Unsubscribe(account("acc_a"), SubscriptionId([3; 16])),
        NOON,
    );
    let due = home.store().live().due(ONE, LATER, 10);
    home.commit(samples::record(due[0], Next::Delivered, NOON), NOON);
    home.commit(
        samples::record(
            due[1],
            Next::Retry {
                at: NOON.plus_ms(5000),
            },
            NOON,
        ),
        NOON,
    );
    home.commit(Commit::Forget(due[2]), NOON);
    (vec![rentals[2].clone(), cancelled, released], received.message)
}

pub fn everything_is_equal_after_reopening<H: Home>() {
    let home = H::new();
    let (rentals, message) = everything(&home);
    let before = told(home.store());
    assert_eq!(before.rentals, rentals);
    assert_eq!(
        (before.numbers.len(), before.subscriptions.len(), before.key_there),
        (4, 2, true)
    );
    // Five events for each of two subscriptions; of the first one is delivered and one forgotten.
    assert_eq!(
        (before.due.len(), before.attempts.len(), before.events.len()),
        (8, 2, 5)
    );
    assert_eq!(before.messages, [message]);
    let home = home.reopened();
    assert_eq!(told(home.store()), before);
    for rental in rentals {
        assert_eq!(home.store().rental(&account("acc_b"), rental.id).unwrap(), None);
        assert_eq!(
            home.store().rental(&rental.account, rental.id).unwrap(),
            Some(rental)
        );
    }
    assert_eq!(home.store().rentals(&account("acc_b"), None, 10).unwrap(), []);
}

pub fn a_retry_is_due_later<H: Home>() {
    let (home, ..) = rented::<H>();
    let due = only_due(&home);
    assert_eq!((due.due_at, due.attempts), (NOON, 0));
    let at = NOON.plus_ms(7000);
    home.commit(
        samples::record(due, Next::Retry { at }, NOON.plus_ms(100)),
        NOON.plus_ms(100),
    );
    let check = |home: &H| {
        assert_eq!(
            only_due(home),
            Due {
                due_at: at,
                attempts: 1,
                spent: 1,
                ..due
            }
        );
        assert_eq!(home.store().live().owed(at.minus_ms(1)), []);
        assert_eq!(home.store().live().owed(at), [ONE]);
        assert_eq!(home.store().live().next_due_after(NOON), Some(at));
        assert_eq!(
            health(home),
            Health {
                failing_since: Some(NOON.plus_ms(100)),
                failures: 1,
                ..Health::default()
            }
        );
    };
    check(&home);
    let home = home.reopened();
    check(&home);
    home.commit(
        samples::record(only_due(&home), Next::Retry { at: at.plus_ms(9) }, at),
        at,
    );
    assert_eq!((only_due(&home).attempts, health(&home).failures), (2, 2));
    let numbers: Vec<u16> = home
        .store()
        .attempts(ONE, None, 10)
        .unwrap()
        .iter()
        .map(Attempt::number)
        .collect();
    assert_eq!(numbers, [2, 1]);
}

pub fn a_delivered_event_is_no_longer_due<H: Home>() {
    let (home, ..) = rented::<H>();
    let due = only_due(&home);
    home.commit(
        samples::record(due, Next::Retry { at: NOON.plus_ms(1) }, NOON),
        NOON,
    );
    home.commit(
        samples::record(only_due(&home), Next::Delivered, NOON.plus_ms(2)),
        NOON.plus_ms(2),
    );
    let home = home.reopened();
    assert_eq!(
        (home.store().live().counts().due, health(&home)),
        (0, Health::default())
    );
    let attempts = home.store().attempts(ONE, None, 10).unwrap();
    assert_eq!(
        attempts.iter().map(|a| a.next).collect::<Vec<_>>(),
        [Next::Delivered, Next::Retry { at: NOON.plus_ms(1) }]
    );
}

pub fn an_exhausted_delivery_is_no_longer_due<H: Home>() {
    let (home, ..) = rented::<H>();
    home.commit(samples::record(only_due(&home), Next::Exhausted, NOON), NOON);
    let home = home.reopened();
    assert_eq!((home.store().live().counts().due, health(&home).failures), (0, 1));
}

pub fn a_gone_subscriber_is_disabled_and_still_owed<H: Home>() {
    let (home, ..) = rented::<H>();
    let due = only_due(&home);
    home.commit(
        samples::record(due, Next::Disabled(Why::Gone), NOON.plus_ms(3)),
        NOON.plus_ms(3),
    );
    let home = home.reopened();
    assert_eq!(health(&home).standing(false, LATER), Standing::Held);
    assert_eq!(only_due(&home), Due { attempts: 1, ..due });
}

pub fn failures_of_one_group_are_all_counted<H: Home>() {
    let (home, rental, _) = rented::<H>();
    home.commit(
        samples::receive(&rental, "m1", "hello", NOON, &[ONE]).commit,
        NOON,
    );
    let due = home.store().live().due(ONE, LATER, 10);
    let at = NOON.plus_ms(50);
    let records = due
        .iter()
        .map(|due| samples::record(*due, Next::Retry { at }, NOON))
        .collect();
    home.commit_all(records, NOON);
    let home = home.reopened();
    assert_eq!(health(&home).failures, 2);
    assert_eq!(home.store().live().due(ONE, at, 10).len(), 2);
}

pub fn a_late_attempt_brings_no_subscription_back<H: Home>() {
    let (home, ..) = rented::<H>();
    let due = only_due(&home);
    let gone = Commit::Unsubscribe(account("acc_a"), ONE);
    home.commit_all(vec![gone, samples::record(due, Next::Exhausted, NOON)], NOON);
    let home = home.reopened();
    assert_eq!(
        (
            home.store().live().subscription(ONE),
            home.store().live().counts().due
        ),
        (None, 0)
    );
}

pub fn a_forgotten_delivery_is_gone<H: Home>() {
    let (home, ..) = rented::<H>();
    home.commit(Commit::Forget(only_due(&home)), NOON);
    assert_eq!(home.reopened().store().live().counts().due, 0);
}

pub fn a_rescheduled_delivery_is_due_at_its_new_time_alone<H: Home>() {
    let (home, ..) = rented::<H>();
    let due = only_due(&home);
    let sooner = UnixMs(1);
    home.commit(Commit::Reschedule(due, sooner), NOON);
    let moved = Due {
        due_at: sooner,
        ..due
    };
    assert_eq!(only_due(&home), moved);
    let home = home.reopened();
    assert_eq!((only_due(&home), home.store().live().counts().due), (moved, 1));
}

pub fn a_known_number_stays_as_it_is<H: Home>() {
    let (home, _, number) = rented::<H>();
    home.commit(
        Commit::AddNumbers(vec![samples::number(1), samples::number(2)]),
        NOON,
    );
    let home = home.reopened();
    assert_eq!(*home.store().live().number(&phone(1)).unwrap(), number);
    assert_eq!(
        *home.store().live().number(&phone(2)).unwrap(),
        samples::number(2)
    );
    let state = |n| {
        let live = home.store().live();
        live.state_of(&live.number(&phone(n)).unwrap(), NOON)
    };
    assert_eq!((state(1), state(2)), (State::Active, State::Free));
}

pub fn an_open_rental_still_ends_after_reopening<H: Home>() {
    let (home, rental, number) = rented::<H>();
    let received = samples::receive(&rental, "m1", "G-482913 is your code", NOON, &[]);
    home.commit(received.commit, NOON);
    let home = home.reopened();
    let ends_at = received.rental.ends_at;
    assert_eq!(home.store().live().rentals_over(ends_at.minus_ms(1), 10), []);
    assert_eq!(
        home.store().live().rentals_over(ends_at, 10),
        [Arc::new(received.rental.clone())]
    );
    let (release, ..) = samples::release(&received.rental, &number, ends_at);
    assert!(matches!(home.commit(release, ends_at), Committed::New(None)));
    let home = home.reopened();
    let live = home.store().live();
    let number = live.number(&phone(1)).unwrap();
    assert_eq!(live.state_of(&number, ends_at), State::Cooling);
    assert_eq!(live.state_of(&number, number.cooling_until), State::Free);
}
