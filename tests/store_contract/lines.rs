//! Subscriptions that change, deliveries that go out one after the other, and a queue that is longer than what memory holds of it.

use ringback::core::delivery::{Due, Next};
use ringback::core::health::Health;
use ringback::core::id::SubscriptionId;
use ringback::core::rental::Rental;
use ringback::core::subscription::Subscription;
use ringback::core::subscription::policy::Order;
use ringback::core::time::UnixMs;
use ringback::store::{Commit, Committed};

use super::home::Home;
use super::samples::{self, NOON, phone};

const ONE: SubscriptionId = SubscriptionId([1; 16]);
const LATER: UnixMs = UnixMs(u64::MAX);

fn ordered() -> Subscription {
    let mut subscription = samples::subscription(1);
    subscription.settings.policy.order = Order::Rental;
    subscription
}

/// Two rentals, each with its own first event, for one subscription that wants a rental's events in order.
fn two_rentals<H: Home>() -> (H, [Rental; 2]) {
    let home = H::new();
    home.commit(Commit::Subscribe(Box::new(ordered())), NOON);
    home.commit(Commit::AddNumbers((1..=2).map(samples::number).collect()), NOON);
    let rentals = [1u8, 2].map(|n| {
        let number = samples::number(n.into());
        assert_eq!(number.number, phone(n.into()));
        let rental = samples::rental(&number, n, NOON);
        home.commit(samples::rent(&rental, &number, &[ONE]).0, NOON);
        rental
    });
    (home, rentals)
}

fn due<H: Home>(home: &H) -> Vec<Due> {
    home.store().live().due(ONE, LATER, 10)
}

pub fn a_changed_subscription_is_guarded_by_its_version<H: Home>() {
    let home = H::new();
    let first = samples::subscription(1);
    home.commit(Commit::Subscribe(Box::new(first.clone())), NOON);
    let changed = |url: &str| {
        let mut next = first.clone();
        next.settings.url = url.into();
        next.version = 1;
        Commit::Resubscribe(Box::new(next), Some(Health::resumed(NOON)))
    };
    let answers = home.commit_all(
        vec![changed("https://a.example"), changed("https://b.example")],
        NOON,
    );
    assert_eq!(answers, [Committed::New(None), Committed::Conflict]);
    let home = home.reopened();
    let kept = home.store().live().subscription(ONE).unwrap();
    assert_eq!(kept.settings.url, "https://a.example");
    assert_eq!(home.store().live().health(ONE), Health::resumed(NOON));
    home.commit(Commit::Unsubscribe(first.account.clone(), ONE), NOON);
    let gone = home.commit(changed("https://c.example"), NOON);
    assert_eq!(
        (gone, home.reopened().store().live().health(ONE)),
        (Committed::Conflict, Health::default())
    );
}

pub fn a_line_lets_one_out_at_a_time<H: Home>() {
    let (home, rentals) = two_rentals::<H>();
    for (n, rental) in rentals.iter().enumerate() {
        let at = NOON.plus_ms(1 + n as u64);
        home.commit(
            samples::receive(rental, &format!("m{n}"), "hello", at, &[ONE]).commit,
            at,
        );
    }
    let check = |home: &H| {
        let due = due(home);
        assert_eq!((due.len(), home.store().live().counts().due), (2, 4), "{due:?}");
        assert_ne!(due[0].line, due[1].line, "one of each rental");
        due
    };
    check(&home);
    let home = home.reopened();
    let heads = check(&home);
    // A retry keeps its place, so nothing overtakes it.
    let at = NOON.plus_ms(5000);
    home.commit(samples::record(heads[0], Next::Retry { at }, NOON), NOON);
    assert_eq!(home.store().live().due(ONE, NOON, 10), [heads[1]]);
    // The other's end lets out what stands behind it.
    home.commit(samples::record(heads[1], Next::Exhausted, NOON), NOON);
    let home = home.reopened();
    let next = home.store().live().due(ONE, NOON.plus_ms(10), 10);
    assert_eq!((next.len(), next[0].line), (1, heads[1].line));
    assert!(next[0].event > heads[1].event);
    assert_eq!(home.store().live().counts().due, 3);
}

pub fn a_line_holds_within_one_group_and_ends_empty<H: Home>() {
    let (home, [rental, _]) = two_rentals::<H>();
    let received = samples::receive(&rental, "m1", "hello", NOON, &[ONE]);
    let second = samples::receive(&received.rental, "m2", "hello", NOON, &[ONE]);
    let first = due(&home)[0];
    let group = vec![
        received.commit,
        samples::record(first, Next::Delivered, NOON),
        second.commit,
    ];
    home.commit_all(group, NOON);
    let home = home.reopened();
    let mut delivered = vec![first.event];
    while let Some(head) = due(&home).into_iter().find(|due| due.line == first.line) {
        assert_eq!(due(&home).iter().filter(|due| due.line == first.line).count(), 1);
        home.commit(samples::record(head, Next::Delivered, NOON), NOON);
        delivered.push(head.event);
    }
    assert_eq!(delivered.len(), 3);
    assert!(delivered.is_sorted());
    assert_eq!(
        home.reopened().store().live().counts().due,
        1,
        "the other rental's"
    );
}

/// More than memory holds of one queue: every row comes out once, in order, also after reopening.
pub fn a_long_queue_is_read_on_as_it_is_done_with<H: Home>() {
    const MESSAGES: usize = 2600;
    let (home, mut rental, _) = super::commits::rented::<H>();
    let mut commits = Vec::new();
    for n in 0..MESSAGES {
        let received = samples::receive(&rental, &format!("m{n}"), "hello", NOON, &[ONE]);
        rental = received.rental;
        commits.push(received.commit);
    }
    home.commit_all(commits, NOON);
    let home = home.reopened();
    assert_eq!(home.store().live().counts().due, MESSAGES + 1);
    let mut out = Vec::new();
    loop {
        let claimed = home.store().live().claim(ONE, LATER, 400);
        if claimed.is_empty() {
            break;
        }
        out.extend(claimed.iter().map(|due| due.event));
        let records = claimed
            .into_iter()
            .map(|due| samples::record(due, Next::Delivered, NOON));
        home.commit_all(records.collect(), NOON);
    }
    assert_eq!(out.len(), MESSAGES + 1);
    assert!(out.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(home.reopened().store().live().counts().due, 0);
}
