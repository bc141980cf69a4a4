//! What sending costs an account: charged before it is sent, against caps by the hour, the day and the month, so that the last wall holds
//! whatever the others let through.

use serde::{Deserialize, Serialize};

use super::gate::{DAY_MS, HOUR_MS};
use crate::core::id::ProfileId;
use crate::core::money::Price;
use crate::core::time::UnixMs;

/// The windows of caps: an hour, a day, and 30 days.
const WINDOWS_MS: [u64; 3] = [HOUR_MS, DAY_MS, 30 * DAY_MS];
pub const WINDOWS: [&str; 3] = ["hour", "day", "month"];
/// The part of a cap after which its account is warned, in per cent.
const WARN_PCT: u64 = 80;

/// The most that may be spent in an hour, a day and 30 days; `None` is no cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps(pub [Option<Price>; 3]);

/// Whose spending a cap is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Account,
    /// The account's, for codes to it.
    Country(&'static str),
    Profile(ProfileId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Window {
    number: u64,
    spent: Price,
    is_warned: bool,
}

/// What was spent in the present windows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spend([Window; 3]);

/// A cap that is nearly reached: which, what was spent of it, and how much it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warning {
    pub whose: Whose,
    pub window: &'static str,
    pub spent: Price,
    pub cap: Price,
}

impl Spend {
    /// A clock that went back begins no window anew.
    fn at(&self, now: UnixMs) -> [Window; 3] {
        let mut windows = self.0;
        for (window, ms) in windows.iter_mut().zip(WINDOWS_MS) {
            if now.0 / ms > window.number {
                *window = Window {
                    number: now.0 / ms,
                    ..Window::default()
                };
            }
        }
        windows
    }

    /// Spends so much, with the warnings that are due by it; or how long until a cap allows it.
    pub fn charged(
        &self,
        cost: Price,
        (whose, caps): (Whose, Caps),
        now: UnixMs,
    ) -> Result<(Self, Vec<Warning>), u64> {
        let mut windows = self.at(now);
        let (mut warnings, mut wait_ms) = (Vec::new(), 0);
        for (nth, window) in windows.iter_mut().enumerate() {
            let (cap, ms) = (caps.0[nth], WINDOWS_MS[nth]);
            window.spent = Price(window.spent.0.saturating_add(cost.0));
            let Some(cap) = cap else {
                continue;
            };
            if window.spent > cap {
                wait_ms = wait_ms.max(ms - now.0 % ms);
            }
            if !window.is_warned && window.spent.0.saturating_mul(100) >= cap.0.saturating_mul(WARN_PCT) {
                window.is_warned = true;
                warnings.push(Warning {
                    whose,
                    window: WINDOWS[nth],
                    spent: window.spent,
                    cap,
                });
            }
        }
        if wait_ms > 0 {
            return Err(wait_ms);
        }
        Ok((Self(windows), warnings))
    }

    /// What was charged turns out to cost this, in the windows in which it was charged.
    pub fn settled(&self, (charged, cost): (Price, Price), charged_at: UnixMs) -> Self {
        let mut next = self.clone();
        for (window, ms) in next.0.iter_mut().zip(WINDOWS_MS) {
            if window.number == charged_at.0 / ms {
                let without = window.spent.0.saturating_sub(charged.0);
                window.spent = Price(without.saturating_add(cost.0));
            }
        }
        next
    }

    /// In the present hour, day and month.
    pub fn spent(&self, now: UnixMs) -> [Price; 3] {
        self.at(now).map(|window| window.spent)
    }

    pub fn is_over(&self, now: UnixMs) -> bool {
        self.spent(now) == [Price::default(); 3]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONE: Price = Price(0);

    fn of(caps: Caps) -> (Whose, Caps) {
        (Whose::Account, caps)
    }

    #[test]
    fn a_cap_is_never_passed_and_warned_of_once() {
        let caps = Caps([None, Some(Price(1000)), None]);
        let (mut spend, now) = (Spend::default(), UnixMs(DAY_MS * 20_000 + 1000));
        for nth in 0..10 {
            let (next, warnings) = spend.charged(Price(100), of(caps), now).unwrap();
            assert_eq!(warnings.len(), usize::from(nth == 7), "{nth}");
            spend = next;
        }
        assert_eq!(spend.charged(Price(100), of(caps), now), Err(DAY_MS - 1000));
        assert!(spend.charged(NONE, of(caps), now).is_ok());
        assert!(
            spend
                .settled((Price(100), NONE), now)
                .charged(Price(100), of(caps), now)
                .is_ok()
        );
        assert!(spend.charged(Price(100), of(caps), now.plus_ms(DAY_MS)).is_ok());
        let long_after = now.plus_ms(40 * DAY_MS);
        assert_eq!(spend.settled((Price(100), NONE), long_after), spend);
    }

    #[test]
    fn what_turns_out_dearer_or_cheaper_counts_as_what_it_costs() {
        let caps = Caps([Some(Price(1000)), None, Some(Price(5000))]);
        let now = UnixMs(DAY_MS * 20_000);
        let (spend, _) = Spend::default().charged(Price(300), of(caps), now).unwrap();
        assert_eq!(
            spend.settled((Price(300), Price(900)), now).spent(now),
            [Price(900); 3]
        );
        assert_eq!(spend.settled((Price(300), NONE), now).spent(now), [NONE; 3]);
        let next_hour = now.plus_ms(HOUR_MS);
        let (spend, _) = spend.charged(Price(50), of(caps), next_hour).unwrap();
        let settled = spend.settled((Price(300), Price(400)), now);
        assert_eq!(settled.spent(next_hour), [Price(50), Price(450), Price(450)]);
    }

    proptest! {
        #[test]
        fn no_step_of_the_clock_back_passes_a_cap(steps in prop::collection::vec((-3_600_000i64..0, 1u64..400), 1..80)) {
            let caps = Caps([None, Some(Price(1000)), None]);
            let (mut spend, mut now, mut sum) = (Spend::default(), 1i64 << 41, 0);
            for (step, cost) in steps {
                now += step;
                if let Ok((next, _)) = spend.charged(Price(cost), of(caps), UnixMs(now.unsigned_abs())) {
                    (spend, sum) = (next, sum + cost);
                }
            }
            prop_assert!(sum <= 1000);
        }
    }
}
