//! What days and clocks do to a store: sequences, the memory for repetitions, lists that span days, and retention.

use ringback::core::delivery::{Due, Next};
use ringback::core::id::{RentalId, Seq, SubscriptionId};
use ringback::core::ingest::StoredMessage;
use ringback::core::time::UnixMs;
use ringback::store::{Batch, Commit, Committed, Novelty};

use super::commits::{known, rented};
use super::home::Home;
use super::samples::{self, DAY_MS, HOUR_MS, KEPT, NOON, account};

const TARGET: SubscriptionId = SubscriptionId([1; 16]);

fn day(n: u64) -> UnixMs {
    NOON.plus_ms(n * DAY_MS)
}

pub fn sequences_grow_whatever_the_clock_does<H: Home>() {
    let (mut home, mut rental, _) = rented::<H>();
    let mut last = Seq::default();
    let clocks = [
        NOON,
        NOON.plus_ms(HOUR_MS),
        NOON,
        day(2),
        NOON,
        NOON.minus_ms(DAY_MS),
    ];
    for (n, now) in clocks.into_iter().enumerate() {
        for part in ["a", "b"] {
            let received = samples::receive(&rental, &format!("{n}{part}"), "hello", now, &[TARGET]);
            let Committed::New(Some(seq)) = home.commit(received.commit, now) else {
                panic!("not new")
            };
            assert!(seq > last, "{seq:?} does not follow {last:?}");
            assert!(home.store().event(seq).unwrap().is_some());
            (last, rental) = (seq, received.rental);
        }
        home = home.reopened();
    }
    // Nothing owed and the events' days dropped: a clock that went on has nothing to collide with.
    let due = home.store().live().due(TARGET, UnixMs(u64::MAX), 100);
    for due in due {
        home.commit(Commit::Forget(due), day(9));
    }
    home.store().drop_old_logs(day(9), KEPT).unwrap();
    let home = home.reopened();
    let rental = samples::rental(&samples::number(2), 2, day(9));
    home.commit(Commit::AddNumbers(vec![samples::number(2)]), day(9));
    let Committed::New(Some(seq)) = home.commit(samples::rent(&rental, &samples::number(2), &[]).0, day(9))
    else {
        panic!("not new")
    };
    assert!(seq > last);
}

pub fn a_message_is_known_for_three_days_and_over_midnight<H: Home>() {
    let home = H::new();
    let midnight = UnixMs(NOON.0 / DAY_MS * DAY_MS + DAY_MS);
    let before = midnight.minus_ms(1);
    home.commit(samples::stray("m1", before).0, before);
    home.commit(samples::stray("m2", midnight).0, midnight);
    for now in [midnight, midnight.plus_ms(DAY_MS), before.plus_ms(3 * DAY_MS)] {
        home.store().drop_old_logs(now, KEPT).unwrap();
        let (again, message) = samples::stray("m1", now);
        assert_eq!(home.commit(again, now), known(&message), "{now}");
    }
    // The clock stepped back over midnight.
    let (again, message) = samples::stray("m2", before);
    assert_eq!(home.commit(again, before), known(&message));
    // It had been set ahead by a year.
    let ahead = before.plus_ms(365 * DAY_MS);
    home.commit(samples::stray("m3", ahead).0, ahead);
    let (again, message) = samples::stray("m3", before);
    assert_eq!(home.commit(again, before), known(&message));
    assert_eq!(home.store().unmatched(None, 10).unwrap().len(), 3);
}

pub fn a_message_is_new_again_after_its_retention<H: Home>() {
    let home = H::new();
    home.commit(samples::stray("m1", NOON).0, NOON);
    let later = day(u64::from(KEPT.log_days) + 1);
    assert_eq!(home.store().drop_old_logs(later, KEPT).unwrap(), 1);
    assert_eq!(
        home.commit(samples::stray("m1", later).0, later),
        Committed::New(None)
    );
}

/// From a source that repeats late: known when its log is long gone, and forgotten in the end.
pub fn a_message_may_be_known_for_32_days<H: Home>() {
    let mut home = H::new();
    let long = |id: &str, now: UnixMs| {
        let message = samples::stray(id, now).1;
        let mut filed = samples::filed(&message);
        filed.novelty = Novelty::NewForLong;
        let commit = Commit::Receive(Box::new(Batch {
            messages: vec![filed],
            ..Batch::default()
        }));
        (commit, message)
    };
    home.commit(long("m1", NOON).0, NOON);
    home.commit(samples::stray("m2", NOON).0, NOON);
    for days in [3, 8, 31, 32] {
        let now = day(days);
        home.store().drop_old_logs(now, KEPT).unwrap();
        home = home.reopened();
        let (again, message) = long("m1", now);
        assert_eq!(home.commit(again, now), known(&message), "after {days} days");
    }
    let (again, _) = samples::stray("m2", day(8));
    assert_eq!(
        home.commit(again, day(8)),
        Committed::New(None),
        "from a source that does not"
    );
    home.store().drop_old_logs(day(64), KEPT).unwrap();
    assert_eq!(home.commit(long("m1", day(64)).0, day(64)), Committed::New(None));
}

pub fn rentals_are_paged_over_days_newest_first<H: Home>() {
    let home = H::new();
    home.commit(Commit::AddNumbers((0..12).map(samples::number).collect()), NOON);
    // Three a day, on four days; the first of each day belongs to somebody else.
    let mut own = Vec::new();
    for n in 0..12u8 {
        let (number, now) = (samples::number(n.into()), day(u64::from(n / 3)).plus_ms(n.into()));
        let mut rental = samples::rental(&number, n, now);
        if n % 3 == 0 {
            rental.account = account("acc_");
        } else {
            own.insert(0, rental.id);
        }
        home.commit(samples::rent(&rental, &number, &[]).0, now);
    }
    let home = home.reopened();
    for limit in 1..=9 {
        let mut paged: Vec<RentalId> = Vec::new();
        loop {
            let page = home
                .store()
                .rentals(&account("acc_a"), paged.last().copied(), limit)
                .unwrap();
            paged.extend(page.iter().map(|rental| rental.id));
            if page.len() < limit {
                break;
            }
        }
        assert_eq!(paged, own, "pages of {limit}");
    }
    assert_eq!(
        home.store().rentals(&account("acc_"), None, 100).unwrap().len(),
        4
    );
    assert_eq!(home.store().rentals(&account("acc_a"), None, 0).unwrap(), []);
}

pub fn attempts_come_newest_first_over_days<H: Home>() {
    let (home, ..) = rented::<H>();
    home.commit(Commit::AddNumbers((2..6).map(samples::number).collect()), NOON);
    for n in 2..6 {
        let (number, now) = (samples::number(n), day(u64::from(n) / 2));
        home.commit(
            samples::rent(&samples::rental(&number, n as u8, now), &number, &[TARGET]).0,
            now,
        );
    }
    for n in 0..3 {
        for due in home.store().live().due(TARGET, UnixMs(u64::MAX), 100) {
            let at = due.due_at.plus_ms(1000 + n);
            home.commit(samples::record(due, Next::Retry { at }, at), at);
        }
    }
    let home = home.reopened();
    let all = home.store().attempts(TARGET, None, 100).unwrap();
    assert_eq!(all.len(), 15);
    let place = |due: &Due| (std::cmp::Reverse(due.event), std::cmp::Reverse(due.attempts));
    assert!(all.is_sorted_by_key(|attempt| place(&attempt.due)));
    for limit in [0, 1, 4, 14] {
        assert_eq!(home.store().attempts(TARGET, None, limit).unwrap(), all[..limit]);
    }
    for (at, attempt) in all.iter().enumerate() {
        let behind = |place| home.store().attempts(TARGET, Some(place), 4).unwrap();
        let place = (attempt.due.event, attempt.number());
        assert_eq!(behind(place), all[at + 1..(at + 5).min(15)]);
        let next_event = (at / 3 + 1) * 3;
        assert_eq!(
            behind((attempt.due.event, 0)),
            all[next_event..(next_event + 4).min(15)]
        );
    }
}

pub fn unmatched_messages_come_newest_first_over_days<H: Home>() {
    let home = H::new();
    let mut sent: Vec<StoredMessage> = Vec::new();
    for n in 0..9u64 {
        let now = day(n / 3).plus_ms(n);
        let (commit, message) = samples::stray(&n.to_string(), now);
        home.commit(commit, now);
        sent.insert(0, message);
    }
    let home = home.reopened();
    for limit in [0, 1, 4, 9, 50] {
        assert_eq!(home.store().unmatched(None, limit).unwrap(), sent[..limit.min(9)]);
    }
    for (at, before) in sent.iter().map(samples::reference).enumerate() {
        let below = home.store().unmatched(Some(&before), 4).unwrap();
        assert_eq!(below, sent[at + 1..(at + 5).min(9)]);
    }
}

pub fn old_logs_are_dropped_whole<H: Home>() {
    let (home, rental, _) = rented::<H>();
    let received = samples::receive(&rental, "m1", "G-482913 is your code", NOON, &[TARGET]);
    home.commit(received.commit, NOON);
    let now = day(3);
    home.commit(samples::stray("m2", now).0, now);
    let due = home.store().live().due(TARGET, UnixMs(u64::MAX), 10);
    assert_eq!(home.store().drop_old_logs(day(4), KEPT).unwrap(), 0);
    assert_eq!(home.store().drop_old_logs(day(5), KEPT).unwrap(), 1);
    assert_eq!(home.store().drop_old_logs(day(5), KEPT).unwrap(), 0);
    let home = home.reopened();
    assert_eq!(home.store().rentals(&account("acc_a"), None, 10).unwrap(), []);
    assert_eq!(home.store().messages(&received.rental.messages).unwrap(), []);
    assert_eq!(home.store().unmatched(None, 10).unwrap().len(), 1);
    // What is owed outlives its event, so that whoever delivers it sees that and forgets it.
    assert_eq!(home.store().live().due(TARGET, UnixMs(u64::MAX), 10), due);
    assert_eq!(home.store().event(due[0].event).unwrap(), None);
    assert_eq!(home.store().live().counts().numbers, 1);
}
