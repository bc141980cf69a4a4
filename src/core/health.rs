//! How a subscription fares: since when it fails, when it is given up, how it is probed and comes back; changes in the same commit as the attempt.
//! Its times are the steady clock's, which a restart may set back: no wait is longer than a day, so one that would be has begun before that.

use serde::{Deserialize, Serialize};

use super::delivery::{Next, Outcome};
use super::retry::DELAY_MAX_MS;
use super::time::UnixMs;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// The first failure after the latest success.
    pub failing_since: Option<UnixMs>,
    /// Failures since then.
    pub failures: u32,
    pub disabled: Option<Disabled>,
    /// The subscriber asked with `Retry-After` to be left alone until then.
    pub hold_until: Option<UnixMs>,
    /// When it last came back after a disabling or a pause; what was held drains slowly from then on.
    pub back_at: Option<UnixMs>,
}

/// It hears nothing more; what it is owed is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    pub at: UnixMs,
    pub why: Why,
    /// When one held delivery is tried, to see whether it is back. Absent where it asked to hear nothing.
    pub probe_at: Option<UnixMs>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// It answered 410.
    Gone,
    /// It answered with `webhook-delivery: disable`, and is set to be obeyed in that.
    Asked,
    /// Nothing succeeded for too long.
    Failing,
}

impl Why {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Asked => "asked",
            Self::Failing => "failing",
        }
    }
}

/// When a subscription is given up and how often it is probed. Each is a key of `config.toml`, section `[outbound]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Without a success for so long, and
    pub disable_after_ms: u64,
    /// with so many failures at least.
    pub disable_failures_min: u32,
    pub probe_every_ms: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            disable_after_ms: 5 * 86_400_000,
            disable_failures_min: 20,
            probe_every_ms: 3_600_000,
        }
    }
}

/// What may be sent to a subscription now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Open,
    /// Nothing until then.
    Waiting(UnixMs),
    /// One attempt, to see whether it is back.
    Probe,
    /// Nothing, until somebody resumes it.
    Held,
}

impl Health {
    pub fn standing(&self, paused: bool, now: UnixMs) -> Standing {
        match (paused, self.disabled) {
            (true, _) => Standing::Held,
            (false, Some(disabled)) => match disabled.probe_at {
                Some(at) if is_ahead(at, now) => Standing::Waiting(at),
                Some(_) => Standing::Probe,
                None => Standing::Held,
            },
            (false, None) => match self.hold_until {
                Some(at) if is_ahead(at, now) => Standing::Waiting(at),
                _ => Standing::Open,
            },
        }
    }

    /// After an attempt. A success while disabled counts only as the answer to a probe: an older one says nothing of now.
    pub fn after(self, outcome: &Outcome, next: Next, rules: &Rules, now: UnixMs) -> Self {
        match next {
            Next::Delivered => self.succeeded(now),
            Next::Expired if *outcome == Outcome::Untried => self,
            Next::Probed => {
                let hint_ms = outcome.retry_after_ms().unwrap_or(0).min(DELAY_MAX_MS);
                let next = now.plus_ms(rules.probe_every_ms.max(hint_ms));
                Self {
                    disabled: self.disabled.map(|disabled| Disabled {
                        probe_at: disabled.probe_at.map(|_| next),
                        ..disabled
                    }),
                    ..self.failed(now)
                }
            }
            Next::Recovered => Self {
                back_at: Some(now),
                ..Self::default()
            },
            Next::Disabled(why) => Self {
                disabled: Some(Disabled {
                    at: self.disabled.map_or(now, |disabled| disabled.at),
                    why,
                    probe_at: None,
                }),
                ..self.failed(now)
            },
            Next::Aborted => self.succeeded(now).held(outcome, now),
            Next::Retry { .. } | Next::Exhausted | Next::Expired => {
                self.failed(now).held(outcome, now).given_up(rules, now)
            }
        }
    }

    /// Somebody says that it is back.
    pub fn resumed(now: UnixMs) -> Self {
        Self {
            back_at: Some(now),
            ..Self::default()
        }
    }

    fn succeeded(self, now: UnixMs) -> Self {
        if self.disabled.is_some() {
            return self;
        }
        Self {
            failing_since: None,
            failures: 0,
            hold_until: self.hold_until.filter(|at| *at > now),
            ..self
        }
    }

    fn failed(self, now: UnixMs) -> Self {
        Self {
            failing_since: self.failing_since.filter(|since| *since <= now).or(Some(now)),
            failures: self.failures.saturating_add(1),
            ..self
        }
    }

    fn held(self, outcome: &Outcome, now: UnixMs) -> Self {
        let hint = outcome
            .retry_after_ms()
            .map(|ms| now.plus_ms(ms.min(DELAY_MAX_MS)));
        Self {
            hold_until: self.hold_until.max(hint),
            ..self
        }
    }

    fn given_up(self, rules: &Rules, now: UnixMs) -> Self {
        let for_ms = self.failing_since.map_or(0, |since| now.since(since));
        let is_lost = for_ms >= rules.disable_after_ms && self.failures >= rules.disable_failures_min;
        if self.disabled.is_some() || !is_lost {
            return self;
        }
        Self {
            disabled: Some(Disabled {
                at: now,
                why: Why::Failing,
                probe_at: Some(now.plus_ms(rules.probe_every_ms)),
            }),
            ..self
        }
    }
}

/// Whether this is still to be waited for.
fn is_ahead(at: UnixMs, now: UnixMs) -> bool {
    (1..=DELAY_MAX_MS).contains(&at.since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 86_400_000;

    fn answered(status: u16, retry_after_ms: Option<u64>) -> Outcome {
        Outcome::Answered {
            status,
            retry_after_ms,
            control: None,
        }
    }

    fn fails(health: Health, at: u64) -> Health {
        let next = Next::Retry { at: UnixMs(at) };
        health.after(&answered(500, None), next, &Rules::default(), UnixMs(at))
    }

    #[test]
    fn five_days_and_twenty_failures_disable_and_neither_alone_does() {
        let mut health = Health::default();
        for n in 0..19 {
            health = fails(health, n * DAY_MS / 3);
        }
        assert_eq!((health.failures, health.disabled), (19, None));
        let at = 19 * DAY_MS / 3;
        let disabled = Disabled {
            at: UnixMs(at),
            why: Why::Failing,
            probe_at: Some(UnixMs(at + 3_600_000)),
        };
        assert_eq!(fails(health, at).disabled, Some(disabled));
        let often = (0..1000).fold(Health::default(), fails);
        assert_eq!((often.failures, often.disabled), (1000, None));
        let saved = health.after(
            &answered(204, None),
            Next::Delivered,
            &Rules::default(),
            UnixMs(at),
        );
        assert_eq!(saved, Health::default());
    }

    #[test]
    fn a_probe_is_one_attempt_and_its_success_opens() {
        let health = Health {
            disabled: Some(Disabled {
                at: UnixMs(0),
                why: Why::Failing,
                probe_at: Some(UnixMs(1000)),
            }),
            ..Health::default()
        };
        assert_eq!(
            health.standing(false, UnixMs(999)),
            Standing::Waiting(UnixMs(1000))
        );
        assert_eq!(health.standing(false, UnixMs(1000)), Standing::Probe);
        assert_eq!(health.standing(true, UnixMs(1000)), Standing::Held);
        let rules = Rules::default();
        let failed = health.after(&answered(500, None), Next::Probed, &rules, UnixMs(1000));
        assert_eq!(
            failed.standing(false, UnixMs(1001)),
            Standing::Waiting(UnixMs(3_601_000))
        );
        let hinted = |ms| {
            let next = health.after(&answered(503, Some(ms)), Next::Probed, &rules, UnixMs(1000));
            next.standing(false, UnixMs(1001))
        };
        assert_eq!(hinted(10_000), Standing::Waiting(UnixMs(3_601_000)), "not sooner");
        assert_eq!(
            hinted(7_200_000),
            Standing::Waiting(UnixMs(7_201_000)),
            "a hint is obeyed"
        );
        assert_eq!(
            hinted(u64::MAX),
            Standing::Waiting(UnixMs(1000 + DAY_MS)),
            "for a day at most"
        );
        let late = health.after(&answered(200, None), Next::Delivered, &rules, UnixMs(2000));
        assert_eq!(late, health, "a success that is no probe's opens nothing");
        let back = health.after(&answered(200, None), Next::Recovered, &rules, UnixMs(2000));
        assert_eq!(
            (back.standing(false, UnixMs(2000)), back.back_at),
            (Standing::Open, Some(UnixMs(2000)))
        );
    }

    #[test]
    fn gone_is_held_until_somebody_resumes() {
        let gone = Health::default().after(
            &answered(410, None),
            Next::Disabled(Why::Gone),
            &Rules::default(),
            UnixMs(5),
        );
        assert_eq!(gone.standing(false, UnixMs(u64::MAX)), Standing::Held);
        assert_eq!(
            Health::resumed(UnixMs(9)).standing(false, UnixMs(9)),
            Standing::Open
        );
    }

    #[test]
    fn a_hint_holds_the_whole_subscription_for_a_day_at_most() {
        let next = Next::Retry { at: UnixMs(0) };
        let hinted = |health: Health, ms| {
            health.after(&answered(429, Some(ms)), next, &Rules::default(), UnixMs(1000))
        };
        let held = hinted(Health::default(), 60_000);
        assert_eq!(
            held.standing(false, UnixMs(1000)),
            Standing::Waiting(UnixMs(61_000))
        );
        assert_eq!(held.standing(false, UnixMs(61_000)), Standing::Open);
        assert_eq!(
            hinted(held, 10).hold_until,
            held.hold_until,
            "a shorter hint takes nothing back"
        );
        assert_eq!(hinted(held, u64::MAX).hold_until, Some(UnixMs(1000 + DAY_MS)));
        let success = held.after(
            &answered(204, None),
            Next::Delivered,
            &Rules::default(),
            UnixMs(2000),
        );
        assert_eq!(
            success.hold_until, held.hold_until,
            "one that was under way before the hint"
        );
    }

    #[test]
    fn a_hint_counts_where_the_delivery_is_not_wanted_any_more() {
        let aborted = answered(429, Some(60_000));
        let held = Health::default().after(&aborted, Next::Aborted, &Rules::default(), UnixMs(1000));
        assert_eq!((held.failures, held.hold_until), (0, Some(UnixMs(61_000))));
    }

    #[test]
    fn what_a_clock_that_was_set_back_seems_to_ask_for_is_not_waited_for() {
        let disabled = Disabled {
            at: UnixMs(9 * DAY_MS),
            why: Why::Failing,
            probe_at: Some(UnixMs(9 * DAY_MS)),
        };
        let held = Health {
            hold_until: Some(UnixMs(9 * DAY_MS)),
            ..Health::default()
        };
        let lost = Health {
            disabled: Some(disabled),
            ..held
        };
        let soon = UnixMs(8 * DAY_MS);
        assert_eq!(held.standing(false, soon), Standing::Waiting(UnixMs(9 * DAY_MS)));
        assert_eq!(held.standing(false, UnixMs(soon.0 - 1)), Standing::Open);
        assert_eq!(lost.standing(false, UnixMs(soon.0 - 1)), Standing::Probe);
        let failing = Health {
            failing_since: Some(soon),
            ..Health::default()
        };
        assert_eq!(fails(failing, 5).failing_since, Some(UnixMs(5)));
    }

    #[test]
    fn a_success_when_all_is_well_changes_nothing() {
        let well = Health::default();
        assert_eq!(
            well.after(
                &answered(204, None),
                Next::Delivered,
                &Rules::default(),
                UnixMs(5)
            ),
            well
        );
    }
}
