//! What was used: metered with its completion and once, read by account or of all in spans that miss nothing, and kept beyond the logs.

use ringback::core::id::{AccountId, Seq};
use ringback::core::rental::Rental;
use ringback::core::time::UnixMs;
use ringback::core::usage::Usage;
use ringback::store::{Commit, Committed, Kept, Metering};

use super::commits::rented;
use super::home::Home;
use super::samples::{self, DAY_MS, NOON, account};

fn reading(of: Option<&str>, since: Seq, until: Seq) -> Metering {
    Metering {
        account: of.map(account),
        after: None,
        since,
        until,
        items_max: 1000,
    }
}

/// Up to some years after.
fn all(of: Option<&str>) -> Metering {
    reading(of, Seq(0), Seq::first_at(NOON.plus_ms(1000 * DAY_MS)))
}

fn used<H: Home>(home: &H, reading: &Metering) -> Vec<(Seq, Usage)> {
    let found = home.store().usage(reading).unwrap();
    assert!(!found.more);
    found.items
}

/// All of it, read a few at a time.
fn paged<H: Home>(home: &H, reading: &Metering, items_max: usize) -> Vec<Seq> {
    let mut reading = Metering {
        items_max,
        ..reading.clone()
    };
    let mut seqs = Vec::new();
    loop {
        let found = home.store().usage(&reading).unwrap();
        assert!(found.items.len() <= items_max);
        seqs.extend(found.items.iter().map(|(seq, _)| *seq));
        if !found.more {
            return seqs;
        }
        reading.after = found.read_to;
    }
}

/// A rental of `owner` that a code completes at once.
fn complete<H: Home>(home: &H, owner: &AccountId, n: u8, now: UnixMs) -> Rental {
    let number = samples::number(n.into());
    home.commit(Commit::AddNumbers(vec![number.clone()]), now);
    let rental = Rental {
        account: owner.clone(),
        ..samples::rental(&number, n, now)
    };
    home.commit(samples::rent(&rental, &number, &[]).0, now);
    let received = samples::receive(&rental, &format!("m{n}"), "G-482913 is your code", now, &[]);
    assert!(matches!(home.commit(received.commit, now), Committed::New(_)));
    received.rental
}

pub fn a_completion_is_metered_once_whatever_comes_with_it<H: Home>() {
    let (home, rental, number) = rented::<H>();
    assert_eq!(used(&home, &all(None)), []);
    let first = samples::receive(&rental, "m1", "G-482913 is your code", NOON, &[]);
    let rival = samples::receive(&rental, "m2", "G-111222 is your code", NOON, &[]);
    let (cancel, ..) = samples::cancel(&rental, &number, NOON, &[]);
    let together = vec![first.commit.clone(), rival.commit.clone(), cancel, first.commit];
    let answers = home.commit_all(together, NOON);
    assert!(matches!(answers[0], Committed::New(Some(_))));
    assert_eq!(answers[1..3], [Committed::Conflict, Committed::Conflict]);
    let second = samples::receive(&first.rental, "m2", "G-111222 is your code", NOON, &[]);
    home.commit(second.commit, NOON);
    let (release, ..) = samples::release(&second.rental, &number, second.rental.ends_at);
    home.commit(release, second.rental.ends_at);
    let metered = used(&home, &all(None));
    let usage = Usage::of(&rental, &first.rental).unwrap();
    assert_eq!(
        metered.iter().map(|(_, usage)| usage).collect::<Vec<_>>(),
        [&usage]
    );
    let Committed::New(Some(told)) = answers[0] else {
        panic!("{answers:?}")
    };
    assert!(metered[0].0 < told, "whoever sees the event sees what was used");
    let home = home.reopened();
    assert_eq!(used(&home, &all(Some("acc_a"))), metered);
    assert_eq!(used(&home, &all(Some("acc"))), []);
}

pub fn a_cancelled_one_is_not_metered_by_its_late_code<H: Home>() {
    let (home, rental, number) = rented::<H>();
    let (cancel, cancelled, _) = samples::cancel(&rental, &number, NOON, &[]);
    home.commit(cancel, NOON);
    let late = samples::receive(&cancelled, "m1", "G-482913 is your code", NOON, &[]);
    assert!(matches!(home.commit(late.commit, NOON), Committed::New(_)));
    assert_eq!(used(&home.reopened(), &all(None)), []);
}

pub fn usage_is_read_in_spans_over_periods_and_pages<H: Home>() {
    let home = H::new();
    let names = ["acc", "acc_b", "b"];
    for n in 0..24u8 {
        let at = NOON.plus_ms(u64::from(n) * 5 * DAY_MS);
        complete(&home, &account(names[usize::from(n) % 3]), n, at);
    }
    let home = home.reopened();
    for of in [None, Some("acc"), Some("acc_b"), Some("b")] {
        let whole: Vec<Seq> = used(&home, &all(of)).iter().map(|(seq, _)| *seq).collect();
        assert_eq!(whole.len(), if of.is_some() { 8 } else { 24 });
        for items_max in [1, 3, 7, 100] {
            assert_eq!(paged(&home, &all(of), items_max), whole, "{of:?} by {items_max}");
        }
        let mut spans = Vec::new();
        for days in 0..30 {
            let day = |days: u64| Seq::first_at(NOON.plus_ms(days * 5 * DAY_MS + 1));
            let since = if days == 0 { Seq(0) } else { day(days - 1) };
            spans.extend(paged(&home, &reading(of, since, day(days)), 2));
        }
        spans.sort();
        let mut sorted = whole;
        sorted.sort();
        assert_eq!(spans, sorted, "spans that touch have each item once: {of:?}");
    }
    let of_one = used(&home, &all(Some("acc")));
    assert!(of_one.iter().all(|(_, usage)| usage.account == account("acc")));
    assert!(of_one.windows(2).all(|two| two[0].0 < two[1].0));
}

pub fn usage_outlives_the_logs_and_not_its_days<H: Home>() {
    let home = H::new();
    complete(&home, &account("acc"), 1, NOON);
    let kept = Kept {
        log_days: 4,
        usage_days: 90,
    };
    let drop_at = |days: u64| {
        home.store()
            .drop_old_logs(NOON.plus_ms(days * DAY_MS), kept)
            .unwrap()
    };
    assert_eq!(drop_at(5), 1, "the log of that day");
    assert_eq!(drop_at(90), 0);
    assert_eq!(used(&home, &all(None)).len(), 1);
    assert_eq!(drop_at(90 + 64), 1);
    assert_eq!(used(&home, &all(None)), []);
}
