//! The inbound log: read newest first, kept for so long and up to so much, and never worth a sync of its own.

use ringback::core::capture::{Capture, Verdict};
use ringback::core::id::CaptureId;
use ringback::core::time::UnixMs;
use ringback::store::{Commit, Committed, Keep, Store};

use super::home::{Home, OnSled};
use super::samples::{self, DAY_MS, NOON};

const ALL: Keep = Keep {
    days: 4,
    bytes_max: u64::MAX,
};

fn day(n: u64) -> UnixMs {
    NOON.plus_ms(n * DAY_MS)
}

/// A request that arrived at `at` with a body of 1000 bytes; `n` makes its id.
pub fn capture(n: u8, at: UnixMs) -> Capture {
    Capture {
        id: CaptureId::new(at, [n; 10]),
        source: "main".into(),
        method: "POST".into(),
        query: None,
        headers: vec![("content-type".into(), b"application/json".to_vec())],
        body: vec![n; 1000],
        body_bytes: 1000,
        redacted: Vec::new(),
        verdict: Verdict::Accept,
        reason: None,
        key_index: Some(0),
        messages: Vec::new(),
    }
}

fn logged<H: Home>(home: &H, at: impl Fn(u8) -> UnixMs, keep: Keep) -> Vec<Capture> {
    let made = (0..20).map(|n| capture(n, at(n)));
    let made: Vec<Capture> = made.collect();
    for one in &made {
        let commit = Commit::LogInbound(Box::new(one.clone()), keep);
        assert_eq!(home.commit(commit, one.arrived_at()), Committed::New(None));
    }
    made.into_iter().rev().collect()
}

fn ids(store: &dyn Store) -> Vec<CaptureId> {
    store
        .captures(None, 100)
        .unwrap()
        .iter()
        .map(|capture| capture.id)
        .collect()
}

pub fn requests_are_paged_newest_first_over_days<H: Home>() {
    let home = H::new();
    let newest_first = logged(&home, |n| day(u64::from(n) / 6).plus_ms(u64::from(n)), ALL);
    let home = home.reopened();
    assert_eq!(home.store().captures(None, 100).unwrap(), newest_first);
    for limit in [1, 3, 7] {
        let mut paged: Vec<Capture> = Vec::new();
        loop {
            let before = paged.last().map(|capture| capture.id);
            let page = home.store().captures(before, limit).unwrap();
            let ends = page.len() < limit;
            paged.extend(page);
            if ends {
                break;
            }
        }
        assert_eq!(paged, newest_first, "pages of {limit}");
    }
    for one in &newest_first {
        assert_eq!(home.store().capture(one.id).unwrap().as_ref(), Some(one));
    }
    assert_eq!(
        home.store().capture(CaptureId::new(day(1), [99; 10])).unwrap(),
        None
    );
}

pub fn requests_are_kept_for_their_days<H: Home>() {
    let home = H::new();
    let newest_first = logged(&home, |n| day(u64::from(n) / 5), ALL);
    let keep = Keep { days: 1, ..ALL };
    let trim = |now| home.commit(Commit::TrimInboundLog(keep), now);
    trim(day(1));
    assert_eq!(ids(home.store()).len(), 20, "nothing is too old yet");
    trim(day(3));
    let kept: Vec<CaptureId> = newest_first.iter().take(10).map(|capture| capture.id).collect();
    assert_eq!(ids(home.store()), kept, "days 2 and 3");
    // What else stands in those days' logs stays.
    let (commit, message) = samples::stray("m1", day(0));
    home.commit(commit, day(0));
    trim(day(5));
    assert_eq!(ids(home.store()), []);
    assert_eq!(home.store().unmatched(None, 10).unwrap(), [message]);
}

pub fn requests_are_kept_up_to_their_bytes<H: Home>() {
    let keep = Keep {
        days: 4,
        bytes_max: 10_000,
    };
    let mut home = H::new();
    let newest_first = logged(&home, |n| day(0).plus_ms(u64::from(n)), keep);
    // Each takes somewhat more than its body: 1000 bytes and at most 200 more.
    let kept = ids(home.store());
    assert!(
        (8..=9).contains(&kept.len()),
        "{} of 1000 bytes and more in 10000",
        kept.len()
    );
    let newest: Vec<CaptureId> = newest_first
        .iter()
        .take(kept.len())
        .map(|capture| capture.id)
        .collect();
    assert_eq!(kept, newest, "the oldest went");
    // The count begins where it ended, over days too.
    home = home.reopened();
    for n in 0..20 {
        let one = capture(n, day(1).plus_ms(u64::from(n)));
        home.commit(Commit::LogInbound(Box::new(one), keep), day(1));
        assert!((8..=9).contains(&ids(home.store()).len()), "after {n}");
    }
    assert!(ids(home.store()).iter().all(|id| id.arrived_at() >= day(1)));
}

#[test]
fn a_request_in_the_log_costs_no_sync() {
    let home = OnSled::new();
    let groups = || {
        home.store
            .timings()
            .groups
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    let newest_first = logged(&home, |n| day(0).plus_ms(u64::from(n)), ALL);
    assert_eq!(groups(), 0);
    assert_eq!(ids(home.store()).len(), 20, "and is there to be read");
    let (commit, _) = samples::stray("m1", day(0));
    home.commit(commit, day(0));
    assert_eq!(groups(), 1);
    let home = home.reopened();
    assert_eq!(home.store().captures(None, 100).unwrap(), newest_first);
}
