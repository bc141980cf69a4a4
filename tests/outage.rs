//! A subscriber is down for 24 virtual hours and comes back: nothing is lost, it drains oldest first and by the configured ramp, memory
//! holds the head of what it is owed, and its neighbour notices none of it.

mod outage {
    pub mod world;
}

use std::collections::{BTreeMap, BTreeSet};

use outage::world::{
    CONCURRENCY_PER_SUBSCRIPTION_MAX, DOWN_MS, HOUR_MS, LATENCY_MS, RAMP, STORY, Sent, Story,
};
use ringback::core::id::EventId;

/// Rows of a queue, and decoded events, that memory may hold.
const ROWS_MAX: usize = 2 * 1024;
const EVENTS_MAX: usize = 4096;

/// What went out to the lost one since it was back.
fn drained(story: &Story) -> impl Iterator<Item = &Sent> {
    story.lost.iter().filter(|sent| sent.at_ms >= DOWN_MS.end)
}

#[test]
fn it_is_off_after_an_hour_and_back_within_a_probe_of_its_return() {
    let story = &*STORY;
    let off_after_ms = story.off_ms - DOWN_MS.start;
    assert!(
        (HOUR_MS..HOUR_MS + 600_000).contains(&off_after_ms),
        "{off_after_ms}"
    );
    assert!(
        (DOWN_MS.end..DOWN_MS.end + HOUR_MS + 10_000).contains(&story.back_ms),
        "{}",
        story.back_ms
    );
    let probes = story
        .lost
        .iter()
        .filter(|sent| (story.off_ms + 60_000..DOWN_MS.end).contains(&sent.at_ms));
    let probes = probes.count();
    assert!(
        (20..=24).contains(&probes),
        "{probes} calls while it was off: one each hour"
    );
}

#[test]
fn every_event_is_delivered_once() {
    let story = &*STORY;
    let mut accepted: BTreeMap<EventId, usize> = BTreeMap::new();
    for sent in story.lost.iter().filter(|sent| sent.accepted) {
        *accepted.entry(sent.event).or_default() += 1;
    }
    for (event, at_ms) in &story.made {
        assert_eq!(accepted.get(event), Some(&1), "{event} of {at_ms} ms");
    }
    assert_eq!((accepted.len(), story.owed_at_end), (story.made.len(), 0));
    assert!(story.made.len() > 21_000);
}

#[test]
fn its_neighbour_hears_everything_at_once() {
    let story = &*STORY;
    let heard: BTreeMap<EventId, u64> = story.well.iter().map(|sent| (sent.event, sent.at_ms)).collect();
    for (event, made_ms) in &story.made {
        let waited_ms = heard[event] - made_ms;
        assert!(waited_ms <= 100, "{event} waited {waited_ms} ms");
    }
    assert_eq!(
        story.well.len(),
        story.made.len() + 2,
        "and that the other was off, and is back"
    );
}

#[test]
fn it_drains_oldest_first() {
    let story = &*STORY;
    let place: BTreeMap<EventId, usize> = story
        .made
        .iter()
        .enumerate()
        .map(|(n, (event, _))| (*event, n))
        .collect();
    let tried_before: Vec<EventId> = {
        let early = story.lost.iter().filter(|sent| sent.at_ms < DOWN_MS.end);
        early.map(|sent| sent.event).collect()
    };
    let tried_before: BTreeSet<EventId> = tried_before.into_iter().collect();
    let held = drained(story).filter(|sent| !tried_before.contains(&sent.event));
    let order: Vec<usize> = held.map(|sent| place[&sent.event]).collect();
    assert!(order.len() > 19_000, "{}", order.len());
    let early = order.windows(2).find(|pair| pair[0] > pair[1]);
    assert_eq!(early, None, "an event before an older one");
}

/// What the ramp lets through so long after the return, with the burst that may come together.
fn allowed(since_ms: u64) -> f64 {
    let doublings = since_ms as f64 / RAMP.double_ms as f64;
    let per_ln2 = RAMP.per_second * RAMP.double_ms as f64 / 1000.0 / std::f64::consts::LN_2;
    let burst = (RAMP.per_second * doublings.exp2() / 10.0).max(1.0);
    1.0 + burst + per_ln2 * (doublings.exp2() - 1.0)
}

#[test]
fn it_drains_by_its_ramp() {
    let story = &*STORY;
    let probe = drained(story).next().expect("something drained");
    let back_ms = probe.at_ms + LATENCY_MS;
    let after = drained(story).skip(1);
    // From where on the ramp is steeper than what the subscriber's places let through is no matter of the ramp.
    let since: Vec<u64> = after
        .map(|sent| sent.at_ms - back_ms)
        .take_while(|ms| *ms <= 30_000)
        .collect();
    for (n, since_ms) in since.iter().enumerate() {
        assert!(
            n as f64 <= allowed(*since_ms),
            "{n} after {since_ms} ms, {} are allowed",
            allowed(*since_ms)
        );
    }
    for at_ms in [5_000, 10_000, 20_000, 30_000] {
        let count = since.iter().filter(|ms| **ms <= at_ms).count() as f64;
        assert!(
            count > 0.8 * allowed(at_ms),
            "only {count} after {at_ms} ms, {} are allowed",
            allowed(at_ms)
        );
    }
}

#[test]
fn memory_holds_a_head_of_what_is_owed_and_no_more() {
    let story = &*STORY;
    assert!(story.owed_max > 20_000, "{}", story.owed_max);
    assert!(
        (1..=ROWS_MAX).contains(&story.rows_max),
        "{} rows",
        story.rows_max
    );
    assert!(
        (1..=EVENTS_MAX).contains(&story.events_held),
        "{} events",
        story.events_held
    );
    assert!(
        story.in_flight_max <= CONCURRENCY_PER_SUBSCRIPTION_MAX,
        "{}",
        story.in_flight_max
    );
}
