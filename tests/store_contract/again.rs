//! What is asked for again stands beside what is owed by itself: neither ends the other, also within one group and over a restart.

use ringback::clock::Clock;
use ringback::core::attempt::Attempt;
use ringback::core::delivery::{Due, Next};
use ringback::core::id::{Seq, SubscriptionId};
use ringback::core::time::UnixMs;
use ringback::store::{Commit, Committed};

use super::commits::rented;
use super::home::Home;
use super::samples::{self, NOON, account};

const ONE: SubscriptionId = SubscriptionId([1; 16]);
const LATER: UnixMs = UnixMs(u64::MAX);

fn due<H: Home>(home: &H) -> Vec<Due> {
    let due = home.store().live().due(ONE, LATER, 10);
    assert_eq!(home.store().live().counts().due, due.len());
    due
}

fn again(event: Seq) -> Commit {
    Commit::Redeliver(ONE, event)
}

/// One event that is owed by itself, and once more since the same millisecond.
fn owed_twice<H: Home>() -> (H, Due, Due) {
    let (home, ..) = rented::<H>();
    let automatic = due(&home)[0];
    assert_eq!(home.commit(again(automatic.event), NOON), Committed::New(None));
    let both = due(&home);
    assert_eq!((both.len(), both[0]), (2, automatic));
    let manual = Due {
        asked_at: Some(NOON),
        ..automatic
    };
    assert_eq!(both[1], manual);
    (home, automatic, manual)
}

pub fn both_kinds_are_owed_at_once_and_neither_ends_the_other<H: Home>() {
    let at = NOON.plus_ms(5000);
    for next in [
        Next::Delivered,
        Next::Exhausted,
        Next::Expired,
        Next::Retry { at },
    ] {
        let (home, automatic, manual) = owed_twice::<H>();
        let mut home = home.reopened();
        for (first, other) in [(automatic, manual), (manual, automatic)] {
            home.commit(samples::record(first, next, NOON), NOON);
            assert!(due(&home).contains(&other), "{first:?} {next:?}");
            home = home.reopened();
            let owed = due(&home);
            assert!(
                owed.contains(&other) && !owed.contains(&first),
                "{first:?} {next:?}"
            );
            for due in owed.iter().filter(|due| **due != other) {
                home.commit(samples::record(*due, Next::Delivered, at), at);
            }
            assert_eq!(due(&home), [other]);
            home.commit(samples::record(other, Next::Delivered, at), at);
            // And once more, for the other order.
            home = owed_twice::<H>().0;
        }
    }
}

pub fn what_was_delivered_is_owed_again_with_all_attempts_before_it<H: Home>() {
    let (home, ..) = rented::<H>();
    let first = due(&home)[0];
    home.commit(samples::record(first, Next::Delivered, NOON), NOON);
    for round in 0..3u16 {
        let at = NOON.plus_ms(1000 + u64::from(round));
        home.commit(again(first.event), at);
        let asked = due(&home)[0];
        assert_eq!(
            (asked.due_at, asked.spent, asked.attempts),
            (at, 0, 1 + 2 * round)
        );
        home.commit(samples::record(asked, Next::Retry { at }, at), at);
        home.commit(samples::record(due(&home)[0], Next::Exhausted, at), at);
    }
    let home = home.reopened();
    assert_eq!(due(&home), []);
    assert_eq!(
        logged(&home),
        [
            (7, true),
            (6, true),
            (5, true),
            (4, true),
            (3, true),
            (2, true),
            (1, false)
        ]
    );
}

/// The attempts' numbers, newest first, and which were asked for.
fn logged<H: Home>(home: &H) -> Vec<(u16, bool)> {
    let attempts = home.store().attempts(ONE, None, 20).unwrap();
    attempts
        .iter()
        .map(|attempt| (attempt.number(), attempt.due.is_manual()))
        .collect()
}

/// In one group, in groups of their own, and with the wish before or after the first attempt: no attempt takes another's place.
pub fn attempts_of_both_kinds_have_one_count<H: Home>() {
    let at = NOON.plus_ms(9);
    let retry = |due: &Due| samples::record(*due, Next::Retry { at }, NOON);
    let done = |due: &Due| samples::record(*due, Next::Delivered, at);
    let (home, automatic, manual) = owed_twice::<H>();
    home.commit_all(vec![retry(&automatic), retry(&manual)], NOON);
    let rest = due(&home);
    assert_eq!(rest.iter().map(|due| due.attempts).collect::<Vec<_>>(), [1, 2]);
    let home = home.reopened();
    home.commit(done(&rest[1]), at);
    home.commit(done(&rest[0]), at);
    assert_eq!(logged(&home), [(4, false), (3, true), (2, true), (1, false)]);

    let (home, ..) = rented::<H>();
    let first = due(&home)[0];
    home.commit_all(vec![retry(&first), again(first.event)], NOON);
    let rest = due(&home);
    home.commit_all(rest.iter().map(done).collect(), at);
    assert_eq!(logged(&home.reopened()), [(3, false), (2, true), (1, false)]);
}

pub fn asked_for_twice_it_is_owed_once_and_now<H: Home>() {
    let (home, automatic, manual) = owed_twice::<H>();
    let later = NOON.plus_ms(1);
    home.commit(again(automatic.event), later);
    assert_eq!(due(&home), [automatic, manual], "it was due already");
    let waits = NOON.plus_ms(60_000);
    home.commit(samples::record(manual, Next::Retry { at: waits }, NOON), NOON);
    home.commit(again(automatic.event), later);
    let check = |home: &H| {
        let owed = due(home);
        assert_eq!((owed.len(), owed[0]), (2, automatic));
        let forward = owed[1];
        assert_eq!((forward.due_at, forward.spent, forward.attempts), (later, 0, 1));
    };
    check(&home);
    check(&home.reopened());
}

pub fn within_one_group_it_is_as_one_after_the_other<H: Home>() {
    let (home, automatic, manual) = owed_twice::<H>();
    let at = NOON.plus_ms(60_000);
    let group = vec![
        samples::record(manual, Next::Retry { at }, NOON),
        again(automatic.event),
        again(automatic.event),
    ];
    home.commit_all(group, NOON.plus_ms(9));
    let check = |home: &H| {
        let owed = due(home);
        assert_eq!(
            owed.iter().map(|due| due.due_at).collect::<Vec<_>>(),
            [NOON, NOON.plus_ms(9)]
        );
    };
    check(&home);
    check(&home.reopened());
}

/// The clock went back while an attempt was under way, so what it belongs to could be brought forward.
pub fn an_attempt_under_way_does_not_undo_a_newer_wish<H: Home>() {
    let (home, automatic, manual) = owed_twice::<H>();
    let claimed = home.store().live().claim(ONE, NOON, 10);
    assert_eq!(claimed, [automatic, manual]);
    let before = NOON.minus_ms(1000);
    home.commit(again(automatic.event), before);
    home.commit(samples::record(manual, Next::Exhausted, before), before);
    let owed = home.store().live().due(ONE, LATER, 10);
    assert_eq!(owed.len(), 1, "the automatic one is claimed");
    assert_eq!(owed[0].due_at, before);
    let home = home.reopened();
    home.commit(samples::record(owed[0], Next::Delivered, before), before);
    assert_eq!(due(&home), [automatic], "it ends as any other");
}

pub fn nothing_is_owed_to_a_subscription_that_is_gone<H: Home>() {
    let (home, ..) = rented::<H>();
    let event = due(&home)[0].event;
    let gone = Commit::Unsubscribe(account("acc_a"), ONE);
    let answers = home.commit_all(vec![gone, again(event), again(event)], NOON);
    assert_eq!(
        answers,
        [Committed::New(None), Committed::Conflict, Committed::Conflict]
    );
    assert_eq!(
        home.reopened().store().live().counts().due,
        1,
        "what was owed by itself"
    );
}

/// The races of both kinds, in an order that a seed repeats: attempts that end, wishes, claims, restarts. The automatic one is owed until
/// its own attempts end it, one that was asked for at most once, and every attempt keeps its own place in the log.
pub fn in_any_order_both_kinds_keep_apart<H: Home>() {
    for seed in 0..6 {
        race::<H>(seed);
    }
}

fn race<H: Home>(seed: u64) {
    let clock = Clock::seeded(NOON, seed);
    let dice = |sides: usize| (clock.dice() * sides as f64) as usize;
    let (mut home, ..) = rented::<H>();
    let event = due(&home)[0].event;
    let (mut is_owed, mut wishes, mut records) = (true, 0, 0);
    for step in 0..120 {
        let now = NOON.plus_ms(step * 10);
        let owed = home.store().live().due(ONE, LATER, 10);
        match dice(6) {
            0 => {
                home.commit(again(event), now);
                wishes += 1;
            }
            1 if dice(4) == 0 => home = home.reopened(),
            _ if owed.is_empty() => {}
            _ => {
                let which = owed[dice(owed.len())];
                let ends = dice(8) == 0;
                let next = match (ends, which.is_manual()) {
                    (true, true) => [Next::Delivered, Next::Exhausted, Next::Expired][dice(3)],
                    (true, false) if step > 60 => Next::Exhausted,
                    _ => Next::Retry {
                        at: now.plus_ms(dice(40) as u64),
                    },
                };
                is_owed &= which.is_manual() || next != Next::Exhausted;
                let mut group = vec![samples::record(which, next, now)];
                if dice(3) == 0 {
                    group.push(again(event));
                    wishes += 1;
                }
                home.commit_all(group, now);
                records += 1;
            }
        }
        let owed = due(&home);
        let manual = owed.iter().filter(|due| due.is_manual()).count();
        assert_eq!(
            owed.len() - manual,
            usize::from(is_owed),
            "seed {seed}, step {step}: {owed:?}"
        );
        assert!(manual <= wishes.min(1), "seed {seed}, step {step}: {owed:?}");
    }
    let attempts = home.store().attempts(ONE, None, 1000).unwrap();
    let numbers: Vec<u16> = attempts.iter().map(Attempt::number).collect();
    let expected: Vec<u16> = (1..=records).rev().collect();
    assert_eq!(numbers, expected, "seed {seed}: no attempt took another's place");
}
