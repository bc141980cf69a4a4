//! One subscription's lane: whether it may have an attempt now, by its health, its rate, its window and its ramp; and what it learns
//! when one ends.

use super::delivery::Outcome;
use super::health::{Health, Standing};
use super::limit::{Bucket, Ramp, Signal, Window};
use super::subscription::policy::Rate;
use super::time::UnixMs;

/// A lane whose attempts take longer than this is slow.
const SLOW_MS: f64 = 1000.0;

/// By which a lane is run: the subscription's policy over the gateway's configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    pub concurrency_max: u32,
    pub rate: Option<Rate>,
    pub ramp: Ramp,
}

/// Whether it is its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Go,
    /// As `Go`, with the one attempt that shows whether a disabled subscription is back.
    Probe,
    At(UnixMs),
    /// When an attempt ends, or somebody resumes it.
    Later,
}

/// Not on the disk: after a restart it starts anew, with the health that is.
#[derive(Debug, Default)]
pub struct Lane {
    window: Window,
    bucket: Option<Bucket>,
    in_flight: u32,
    /// When it came back, as its health says and as it is counted.
    back: Option<(UnixMs, UnixMs)>,
    /// How long its attempts take, smoothed over the latest eight.
    latency_ms: f64,
    /// Verdicts on the whole subscription that its health does not tell of yet.
    verdicts: u32,
}

impl Lane {
    pub fn turn(&mut self, (health, paused): (&Health, bool), terms: &Terms, now: UnixMs) -> Turn {
        if self.verdicts > 0 {
            return Turn::Later;
        }
        let is_probe = match health.standing(paused, now) {
            Standing::Held => return Turn::Later,
            Standing::Waiting(at) => return Turn::At(at),
            Standing::Probe => true,
            Standing::Open => false,
        };
        let places = if is_probe {
            1
        } else {
            self.window.places(terms.concurrency_max)
        };
        if self.in_flight >= places {
            return Turn::Later;
        }
        if is_probe {
            return Turn::Probe;
        }
        match rate(self.back_at(health, now), terms, now) {
            None => self.bucket = None,
            Some(rate) => {
                let bucket = self.bucket.get_or_insert(Bucket::new(now));
                if let Some(at) = bucket.ready_at(rate, now) {
                    return Turn::At(at);
                }
            }
        }
        Turn::Go
    }

    /// When it came back. A time that is yet to come is from before the clock was set back at a restart: its ramp begins anew, now.
    fn back_at(&mut self, health: &Health, now: UnixMs) -> Option<UnixMs> {
        let at = health.back_at?;
        let (_, from) = *self.back.insert(match self.back {
            Some(known) if known.0 == at => known,
            _ => (at, at.min(now)),
        });
        Some(from)
    }

    /// An attempt begins, after `turn` said so.
    pub fn begin(&mut self, turn: Turn) {
        self.in_flight += 1;
        if let (Turn::Go, Some(bucket)) = (turn, &mut self.bucket) {
            bucket.take();
        }
    }

    /// It is over and came to this; `None` where nothing was tried.
    pub fn end(&mut self, outcome: Option<&Outcome>, (started_at, now): (UnixMs, UnixMs), max: u32) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(outcome) = outcome else { return };
        self.window.ended(signal(outcome), (started_at, now), max);
        self.latency_ms += (now.since(started_at) as f64 - self.latency_ms) / 8.0;
    }

    /// An answer spoke for the whole subscription: nothing more goes out until `settle` says that its record is made, however long a full
    /// disk takes.
    pub fn judge(&mut self) {
        self.verdicts += 1;
    }

    pub fn settle(&mut self) {
        self.verdicts = self.verdicts.saturating_sub(1);
    }

    /// Nothing is under way, or waits for its record.
    pub fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.verdicts == 0
    }

    /// Whether it holds its places so long that it must not have them all, even where it succeeds.
    pub fn is_slow(&self) -> bool {
        self.latency_ms > SLOW_MS
    }

    /// What a turn costs: the time that a place is held.
    pub fn cost(&self) -> u64 {
        self.latency_ms as u64
    }
}

fn rate(back_at: Option<UnixMs>, terms: &Terms, now: UnixMs) -> Option<Rate> {
    let ramp = back_at.and_then(|at| terms.ramp.rate(at, now));
    match (terms.rate, ramp) {
        (Some(rate), Some(ramp)) if ramp.per_second < rate.per_second => Some(ramp),
        (Some(rate), _) => Some(rate),
        (None, ramp) => ramp,
    }
}

fn signal(outcome: &Outcome) -> Signal {
    match outcome {
        Outcome::Failed(class) if class.ends_with("timeout") || class == "body_too_slow" => Signal::Hung,
        Outcome::Failed(_) | Outcome::Untried => Signal::Other,
        Outcome::Answered { status, .. } => match status {
            200..=299 => Signal::Good,
            429 | 502 | 504 => Signal::Overrun,
            _ => Signal::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::health::{Disabled, Why};

    const TERMS: Terms = Terms {
        concurrency_max: 64,
        rate: None,
        ramp: Ramp {
            per_second: 10.0,
            double_ms: 5000,
        },
    };
    const WELL: Health = Health {
        failing_since: None,
        failures: 0,
        disabled: None,
        hold_until: None,
        back_at: None,
    };

    fn answered(status: u16) -> Outcome {
        Outcome::Answered {
            status,
            retry_after_ms: None,
            control: None,
        }
    }

    fn turn(lane: &mut Lane, health: &Health, at: u64) -> Turn {
        lane.turn((health, false), &TERMS, UnixMs(at))
    }

    #[test]
    fn the_window_bounds_what_is_under_way_and_the_policy_the_window() {
        let mut lane = Lane::default();
        let started = (0..).take_while(|_| {
            let turn = turn(&mut lane, &WELL, 0);
            (turn == Turn::Go).then(|| lane.begin(turn)).is_some()
        });
        assert_eq!(started.count(), 8);
        lane.end(
            Some(&Outcome::Failed("timeout".into())),
            (UnixMs(0), UnixMs(15_000)),
            64,
        );
        assert_eq!(
            turn(&mut lane, &WELL, 15_000),
            Turn::Later,
            "seven under way, one allowed"
        );
        let mut one = Lane::default();
        let terms = Terms {
            concurrency_max: 1,
            ..TERMS
        };
        assert_eq!(one.turn((&WELL, false), &terms, UnixMs(0)), Turn::Go);
        one.begin(Turn::Go);
        assert_eq!(one.turn((&WELL, false), &terms, UnixMs(0)), Turn::Later);
    }

    #[test]
    fn an_unrecorded_verdict_holds_all_that_follows() {
        let mut lane = Lane::default();
        lane.judge();
        lane.judge();
        lane.settle();
        assert_eq!(turn(&mut lane, &WELL, 1), Turn::Later);
        lane.settle();
        assert_eq!(turn(&mut lane, &WELL, 2), Turn::Go);
    }

    #[test]
    fn statuses_that_mean_too_much_halve_and_others_do_not() {
        for (status, places) in [(429, 4), (502, 4), (504, 4), (500, 8), (503, 8), (204, 9)] {
            let mut lane = Lane::default();
            lane.begin(Turn::Go);
            lane.end(Some(&answered(status)), (UnixMs(1), UnixMs(2)), 64);
            assert_eq!(lane.window.places(64), places, "{status}");
        }
    }

    #[test]
    fn a_hint_a_pause_and_a_disabling_keep_it_back() {
        let mut lane = Lane::default();
        let held = Health {
            hold_until: Some(UnixMs(500)),
            ..WELL
        };
        assert_eq!(turn(&mut lane, &held, 0), Turn::At(UnixMs(500)));
        assert_eq!(turn(&mut lane, &held, 500), Turn::Go);
        assert_eq!(lane.turn((&WELL, true), &TERMS, UnixMs(0)), Turn::Later);
        let disabled = Health {
            disabled: Some(Disabled {
                at: UnixMs(0),
                why: Why::Failing,
                probe_at: Some(UnixMs(100)),
            }),
            ..WELL
        };
        assert_eq!(turn(&mut lane, &disabled, 0), Turn::At(UnixMs(100)));
        assert_eq!(turn(&mut lane, &disabled, 100), Turn::Probe);
        lane.begin(Turn::Probe);
        assert_eq!(
            turn(&mut lane, &disabled, 100),
            Turn::Later,
            "one probe at a time"
        );
    }

    #[test]
    fn the_slower_of_rate_and_ramp_counts() {
        let mut lane = Lane::default();
        let back = Health {
            back_at: Some(UnixMs(0)),
            ..WELL
        };
        assert_eq!(turn(&mut lane, &back, 0), Turn::Go);
        lane.begin(Turn::Go);
        assert_eq!(turn(&mut lane, &back, 0), Turn::At(UnixMs(100)));
        let terms = Terms {
            rate: Some(Rate {
                per_second: 1.0,
                burst: 1,
            }),
            ..TERMS
        };
        assert_eq!(
            lane.turn((&back, false), &terms, UnixMs(0)),
            Turn::At(UnixMs(1000))
        );
        assert_eq!(turn(&mut lane, &back, 60_000), Turn::Go);
        assert_eq!(lane.bucket, None, "the ramp has ended");
        let ahead = Health {
            back_at: Some(UnixMs(u64::MAX)),
            ..WELL
        };
        assert_eq!(turn(&mut lane, &ahead, 60_000), Turn::Go);
        lane.begin(Turn::Go);
        assert_eq!(
            turn(&mut lane, &ahead, 60_000),
            Turn::At(UnixMs(60_100)),
            "the clock was set back"
        );
        assert_eq!(turn(&mut lane, &ahead, 120_000), Turn::Go);
        assert_eq!(lane.bucket, None, "and that prolongs none");
    }
}
