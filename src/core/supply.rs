//! Which supplier is asked for a number, and when one is left alone for a while: decided from prices and from how each has fared lately.

use super::money::Price;
use super::time::UnixMs;

/// How many of its latest rentals a supplier is judged by.
pub const WINDOW: usize = 20;
/// The first pause after a failure; each further failure in a row doubles it.
const PAUSE_MS: u64 = 5_000;
const PAUSE_MAX_MS: u64 = 600_000;
/// How long a supplier is put aside that wants the operator's hand first.
const ASIDE_MS: u64 = 600_000;

/// One who could sell the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<T> {
    pub who: T,
    /// What the renter would pay.
    pub price: Price,
    /// Of its latest rentals, those that got a code, and all.
    pub heard: usize,
    pub judged: usize,
}

impl<T> Candidate<T> {
    /// What a code costs there as far as is known: a supplier that gets a code every second time is twice as dear. Who was never tried is
    /// believed.
    fn expected(&self) -> u128 {
        u128::from(self.price.0) * (self.judged as u128 + 1) * 1_000_000 / (self.heard as u128 + 1)
    }
}

/// In which order they are asked. Our own number, if there is one at this price, goes before all that are not cheaper; so does the
/// renter's limit.
pub fn order<T>(
    mut candidates: Vec<Candidate<T>>,
    below: Option<Price>,
    price_max: Option<Price>,
) -> Vec<Candidate<T>> {
    candidates.retain(|candidate| {
        below.is_none_or(|own| candidate.price < own) && price_max.is_none_or(|max| candidate.price <= max)
    });
    // Stable: of two that are alike the one that is configured first.
    candidates.sort_by_key(Candidate::expected);
    candidates
}

/// What a renter pays for what costs us `cost`; rounded up, so that it never sells at a loss.
pub fn selling(cost: Price, markup_percent: u32) -> Price {
    let markup = (u128::from(cost.0) * u128::from(markup_percent)).div_ceil(100);
    Price(cost.0.saturating_add(u64::try_from(markup).unwrap_or(u64::MAX)))
}

/// The most that may be paid for what sells for `price` at most.
pub fn buying(price: Price, markup_percent: u32) -> Price {
    let cost = u128::from(price.0) * 100 / (100 + u128::from(markup_percent));
    Price(u64::try_from(cost).unwrap_or(u64::MAX))
}

/// Why a supplier is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It failed: it is tried again after a pause that grows.
    Failed,
    /// It named the time, in milliseconds.
    Hint(u64),
    /// Its operator has to do something there or here: the word says what.
    Aside(&'static str),
}

/// How a supplier has fared since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    failures: u32,
    /// Not asked before this time, and then by one alone until it is known how it fares.
    until: Option<UnixMs>,
    trying: bool,
    aside: Option<&'static str>,
}

/// What an operator sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Asked,
    Paused(UnixMs),
    Aside(&'static str, UnixMs),
}

impl Standing {
    /// Whether it may be asked to sell now. After a pause one may, and the others wait for what becomes of it.
    pub fn begin(&mut self, now: UnixMs) -> bool {
        match self.until {
            None => true,
            Some(until) if now < until || self.trying => false,
            Some(_) => {
                self.trying = true;
                true
            }
        }
    }

    /// It answered as it should, whatever it said.
    pub fn worked(&mut self) {
        *self = Self::default();
    }

    /// Whoever began gave up before anything was known.
    pub fn dropped(&mut self) {
        self.trying = false;
    }

    pub fn failed(&mut self, cause: Cause, now: UnixMs) {
        self.trying = false;
        self.failures = self.failures.saturating_add(1);
        self.aside = None;
        let pause_ms = match cause {
            Cause::Failed => PAUSE_MS
                .saturating_mul(1 << (self.failures - 1).min(16))
                .min(PAUSE_MAX_MS),
            Cause::Hint(ms) => ms.clamp(1_000, PAUSE_MAX_MS),
            Cause::Aside(why) => {
                self.aside = Some(why);
                ASIDE_MS
            }
        };
        self.until = Some(now.plus_ms(pause_ms));
    }

    pub fn shown(&self) -> Shown {
        match (self.until, self.aside) {
            (None, _) => Shown::Asked,
            (Some(until), None) => Shown::Paused(until),
            (Some(until), Some(why)) => Shown::Aside(why, until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(who: &'static str, price: u64, (heard, judged): (usize, usize)) -> Candidate<&'static str> {
        Candidate {
            who,
            price: Price(price),
            heard,
            judged,
        }
    }

    fn names(
        candidates: &[Candidate<&'static str>],
        below: Option<u64>,
        max: Option<u64>,
    ) -> Vec<&'static str> {
        let ordered = order(candidates.to_vec(), below.map(Price), max.map(Price));
        ordered.into_iter().map(|candidate| candidate.who).collect()
    }

    #[test]
    fn the_cheapest_code_comes_first() {
        let all = [
            candidate("dear", 9000, (20, 20)),
            candidate("cheap and bad", 6000, (3, 20)),
            candidate("new", 9000, (0, 0)),
            candidate("cheap", 8000, (19, 20)),
        ];
        assert_eq!(names(&all, None, None), ["cheap", "dear", "new", "cheap and bad"]);
        assert_eq!(names(&all, Some(9000), None), ["cheap", "cheap and bad"]);
        assert_eq!(names(&all, None, Some(6000)), ["cheap and bad"]);
        assert!(names(&all, Some(6000), None).is_empty(), "our own is not dearer");
    }

    #[test]
    fn after_a_pause_one_is_tried_and_the_rest_wait_for_it() {
        let mut standing = Standing::default();
        assert!(standing.begin(UnixMs(0)) && standing.begin(UnixMs(0)));
        standing.failed(Cause::Failed, UnixMs(0));
        assert!(!standing.begin(UnixMs(4999)));
        assert!(standing.begin(UnixMs(5000)) && !standing.begin(UnixMs(5000)));
        standing.failed(Cause::Failed, UnixMs(5000));
        assert_eq!(standing.shown(), Shown::Paused(UnixMs(15_000)));
        assert!(standing.begin(UnixMs(15_000)));
        standing.dropped();
        assert!(standing.begin(UnixMs(15_000)));
        standing.worked();
        assert!(standing.begin(UnixMs(0)) && standing.begin(UnixMs(0)));
    }

    #[test]
    fn a_hint_is_obeyed_and_what_wants_a_hand_says_so() {
        let mut standing = Standing::default();
        standing.failed(Cause::Hint(7000), UnixMs(0));
        assert_eq!(standing.shown(), Shown::Paused(UnixMs(7000)));
        standing.failed(Cause::Hint(u64::MAX), UnixMs(0));
        assert_eq!(standing.shown(), Shown::Paused(UnixMs(600_000)));
        standing.failed(Cause::Aside("no_balance"), UnixMs(1));
        assert_eq!(standing.shown(), Shown::Aside("no_balance", UnixMs(600_001)));
        (0..100).for_each(|_| standing.failed(Cause::Failed, UnixMs(0)));
        assert_eq!(standing.shown(), Shown::Paused(UnixMs(600_000)));
        standing.worked();
        assert_eq!(standing.shown(), Shown::Asked);
    }

    proptest! {
        /// What is bought within the limit is never sold above it.
        #[test]
        fn a_limit_on_the_price_holds_after_the_markup(price in 0u64..1_000_000_000, markup in 0u32..1000) {
            let cost = buying(Price(price), markup);
            prop_assert!(selling(cost, markup) <= Price(price));
            prop_assert!(selling(Price(price), markup) >= Price(price));
            prop_assert!(selling(Price(cost.0 + 1), markup) > Price(price) || markup > 100);
        }
    }
}
