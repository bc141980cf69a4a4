//! The guard closes what nobody gives back, for longer each time, and leaves the rest alone.

use super::*;

const RULES: Rules = Rules {
    warn_below_pct: 35,
    block_below_pct: 21,
    block_matured_min: 15,
    challenge_below_pct: 25,
    challenge_matured_min: 15,
    outstanding_max: 10,
    hour_min: 0,
};
const START: UnixMs = UnixMs(1_800_000_000_000);

/// So many that were sent and are over, of which some came back.
fn after(mut known: Conversion, sent: u32, converted: u32, at: UnixMs) -> Conversion {
    for nth in 0..sent {
        known = known.sent(at).matured(at, nth < converted);
    }
    known
}

#[test]
fn the_bound_is_as_computed_elsewhere() {
    for (converted, matured, pct) in [
        (0, 10, 27.8),
        (0, 15, 20.4),
        (0, 20, 16.1),
        (0, 30, 11.4),
        (2, 20, 30.1),
        (5, 50, 21.4),
        (17, 50, 47.8),
    ] {
        let bound = upper_bound(converted, matured) * 100.0;
        assert!((bound - pct).abs() < 0.06, "{converted}/{matured}: {bound}");
    }
}

#[test]
fn few_samples_block_nobody_and_those_under_way_are_not_held_against_it() {
    assert_eq!(
        after(Conversion::default(), 14, 0, START).judged(&RULES, START).0,
        Standing::Open
    );
    let mut young = Conversion::default();
    (0..9).for_each(|_| young = young.sent(START));
    assert_eq!(young.judged(&RULES, START).0, Standing::Open);
    assert_eq!(young.sent(START).judged(&RULES, START).0, Standing::Challenge);
    assert_eq!(
        after(Conversion::default(), 15, 1, START).judged(&RULES, START).0,
        Standing::Open
    );
}

#[test]
fn blocks_grow_and_are_probed_and_lifted() {
    let (mut known, mut now) = (after(Conversion::default(), 15, 0, START), START);
    for lasts_ms in BLOCKS_MS {
        let (standing, next) = known.judged(&RULES, now);
        assert_eq!(standing, Standing::Blocked(lasts_ms));
        known = next.unwrap();
        assert_eq!(
            known.judged(&RULES, now.plus_ms(lasts_ms - 1)),
            (Standing::Blocked(1), None)
        );
        now = now.plus_ms(lasts_ms);
        for _ in 0..PROBES {
            assert_eq!(known.judged(&RULES, now).0, Standing::Open);
            known = known.sent(now);
        }
        assert_eq!(
            known.judged(&RULES, now),
            (Standing::Blocked(SLOT_MS), None),
            "the probes are under way"
        );
        (0..PROBES).for_each(|_| known = known.matured(now, false));
    }
    let (standing, next) = known.judged(&RULES, now);
    assert_eq!(standing, Standing::Blocked(u64::MAX));
    let closed = next.unwrap();
    assert!(
        closed.blocked(now.plus_ms(1 << 40)) == Some((u64::MAX, 5)) && !closed.is_over(now.plus_ms(1 << 40))
    );
    assert_eq!(closed.lifted().judged(&RULES, now).0, Standing::Open);
}

#[test]
fn probes_that_come_back_open_it_again() {
    let known = after(Conversion::default(), 15, 0, START)
        .judged(&RULES, START)
        .1
        .unwrap();
    let now = START.plus_ms(HOUR_MS);
    let known = after(known, 2, 2, now);
    let (standing, next) = known.judged(&RULES, now);
    assert_eq!(standing, Standing::Open);
    let known = after(next.unwrap(), 40, 0, now);
    assert_eq!(
        known.judged(&RULES, now).0,
        Standing::Blocked(6 * HOUR_MS),
        "the next one is longer"
    );
}

#[test]
fn what_was_sent_before_a_block_does_not_count_after_it() {
    let mut known = after(Conversion::default(), 15, 0, START).sent(START);
    known = known.judged(&RULES, START).1.unwrap().matured(START, true);
    assert_eq!(known.figures(START), (0, 0, 0));
}

#[test]
fn a_day_is_remembered_and_no_more() {
    let known = after(Conversion::default(), 15, 0, START);
    let later = START.plus_ms(DAY_MS + SLOT_MS);
    assert_eq!(
        (known.figures(later), known.judged(&RULES, later).0),
        ((0, 0, 0), Standing::Open)
    );
    assert!(known.is_over(START.plus_ms(3 * DAY_MS)) && !known.is_over(START));
}

#[test]
fn more_in_an_hour_than_usual_waits_for_the_next() {
    let rules = Rules {
        hour_min: 50,
        outstanding_max: 0,
        ..RULES
    };
    let (mut known, mut now) = (Conversion::default(), UnixMs(START.0 / HOUR_MS * HOUR_MS));
    known = after(known, 50, 50, now);
    assert_eq!(
        known.judged(&rules, now.plus_ms(1000)).0,
        Standing::Fast(HOUR_MS - 1000)
    );
    for _ in 0..12 {
        now = now.plus_ms(HOUR_MS);
        known = after(known, 50, 50, now);
    }
    now = now.plus_ms(HOUR_MS);
    assert_eq!(
        after(known, 200, 200, now).judged(&rules, now).0,
        Standing::Open,
        "50 are usual by now"
    );
}

#[test]
fn a_clock_set_back_shortens_no_block_and_lengthens_none() {
    let blocked = after(Conversion::default(), 15, 0, START)
        .judged(&RULES, START)
        .1
        .unwrap();
    let back = START.minus_ms(10 * HOUR_MS);
    let healed = blocked.healed(back);
    assert_eq!(healed.judged(&RULES, back).0, Standing::Blocked(HOUR_MS));
    assert_eq!(healed.judged(&RULES, back.plus_ms(HOUR_MS)).0, Standing::Open);
    assert_eq!(blocked.healed(START.plus_ms(1000)), blocked);
    let known = after(Conversion::default(), 10, 0, START);
    assert_eq!(
        after(known, 5, 0, back).judged(&RULES, back).0,
        Standing::Blocked(HOUR_MS)
    );
}
