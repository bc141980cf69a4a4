//! How fast and how many at once: a token bucket, a window that halves when the receiver is overrun, and a ramp for one that has just come back.

use super::subscription::policy::Rate;
use super::time::UnixMs;

/// What sums of fractions may lack of a whole token.
const ROUNDING: f64 = 1e-6;
/// Attempts at once to a subscription that nothing is known of yet.
const WINDOW_START: f64 = 8.0;
/// A ramp has ended when it allows so many a second.
const RAMP_END_PER_S: f64 = 2000.0;

/// Tokens for attempts. It starts with one and not with a burst: a process that restarts often must not send more for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    tokens: f64,
    at: UnixMs,
}

impl Bucket {
    pub fn new(now: UnixMs) -> Self {
        Self { tokens: 1.0, at: now }
    }

    /// With a whole burst: for who has sent nothing yet.
    pub fn full(rate: Rate, now: UnixMs) -> Self {
        Self {
            tokens: f64::from(rate.burst),
            at: now,
        }
    }

    /// Whole tokens that are left.
    pub fn left(&self) -> u32 {
        (self.tokens + ROUNDING) as u32
    }

    /// Whether nothing is missing by now.
    pub fn is_full(&mut self, rate: Rate, now: UnixMs) -> bool {
        self.fill(rate, now);
        self.tokens >= f64::from(rate.burst) - ROUNDING
    }

    /// Adds what has come together. A clock that stepped back adds nothing, one that stepped ahead at most a burst.
    fn fill(&mut self, rate: Rate, now: UnixMs) {
        let come = now.since(self.at) as f64 / 1000.0 * rate.per_second;
        self.tokens = (self.tokens + come).min(f64::from(rate.burst));
        self.at = now;
    }

    /// When there is a token: `None` is now.
    pub fn ready_at(&mut self, rate: Rate, now: UnixMs) -> Option<UnixMs> {
        self.fill(rate, now);
        if self.tokens >= 1.0 - ROUNDING {
            return None;
        }
        let wait_ms = ((1.0 - self.tokens) / rate.per_second * 1000.0).ceil() as u64;
        Some(now.plus_ms(wait_ms.max(1)))
    }

    /// Milliseconds until there is one whole token more.
    pub fn next_after_ms(&self, rate: Rate) -> u64 {
        ((1.0 - (self.tokens + ROUNDING).fract()).max(0.0) / rate.per_second * 1000.0).ceil() as u64
    }

    /// Takes the token that `ready_at` promised.
    pub fn take(&mut self) {
        debug_assert!(
            self.tokens >= 1.0 - ROUNDING,
            "a token is taken only where there is one"
        );
        self.tokens -= 1.0;
    }
}

/// What an attempt says of how much the receiver can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Good,
    /// 429, 502, 504.
    Overrun,
    /// It did not answer in time.
    Hung,
    /// A failure that says nothing of its load.
    Other,
}

/// How many attempts may be under way: one more for each success up to where it was last too much, then one more for a whole window
/// of them; half of it when the receiver is overrun, one when it hangs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    size: f64,
    /// From here on it grows slowly.
    threshold: f64,
    cut_at: UnixMs,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            size: WINDOW_START,
            threshold: f64::INFINITY,
            cut_at: UnixMs(0),
        }
    }
}

impl Window {
    pub fn places(&self, max: u32) -> u32 {
        (self.size as u32).clamp(1, max)
    }

    /// An attempt that began at `started_at` ended. One that began before the last cut says nothing new of it.
    pub fn ended(&mut self, signal: Signal, (started_at, now): (UnixMs, UnixMs), max: u32) {
        let is_news = started_at >= self.cut_at;
        match signal {
            Signal::Good if self.size < self.threshold => self.size += 1.0,
            Signal::Good => self.size += 1.0 / self.size,
            Signal::Overrun if is_news => self.cut(self.size / 2.0, now),
            Signal::Hung if is_news => self.cut(1.0, now),
            Signal::Overrun | Signal::Hung | Signal::Other => {}
        }
        self.size = self.size.min(f64::from(max));
    }

    fn cut(&mut self, size: f64, now: UnixMs) {
        self.threshold = (self.size / 2.0).max(2.0);
        self.size = size.max(1.0);
        self.cut_at = now;
    }
}

/// What a subscription gets that has just come back: so much a second, and twice as much after each while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    pub per_second: f64,
    pub double_ms: u64,
}

impl Ramp {
    /// The rate so long after it came back; `None` once the ramp has ended.
    pub fn rate(&self, back_at: UnixMs, now: UnixMs) -> Option<Rate> {
        let doublings = now.since(back_at) as f64 / self.double_ms as f64;
        let per_second = self.per_second * doublings.exp2();
        (per_second < RAMP_END_PER_S).then_some(Rate {
            per_second,
            // What comes together in a tenth of a second, so that fast rates need no fast clock.
            burst: ((per_second / 10.0) as u32).max(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: Rate = Rate {
        per_second: 10.0,
        burst: 5,
    };

    fn taken(bucket: &mut Bucket, now: UnixMs) -> u32 {
        let mut taken = 0;
        while bucket.ready_at(RATE, now).is_none() {
            bucket.take();
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_bucket_starts_with_one_and_gives_its_rate() {
        let mut bucket = Bucket::new(UnixMs(0));
        assert_eq!(taken(&mut bucket, UnixMs(0)), 1);
        assert_eq!(bucket.ready_at(RATE, UnixMs(0)), Some(UnixMs(100)));
        assert_eq!(taken(&mut bucket, UnixMs(99)), 0);
        assert_eq!(taken(&mut bucket, UnixMs(100)), 1);
        assert_eq!(taken(&mut bucket, UnixMs(100_000)), 5, "never more than a burst");
    }

    proptest! {
        /// Whatever the clock does, no more comes out than a burst and what time brought.
        #[test]
        fn steps_of_the_clock_never_give_more(steps in prop::collection::vec(-5_000i64..5_000, 1..200)) {
            let (mut bucket, mut now, mut ahead_ms, mut out) = (Bucket::new(UnixMs(1_000_000)), 1_000_000i64, 0i64, 0);
            for step in steps {
                now += step;
                ahead_ms += step.max(0);
                out += taken(&mut bucket, UnixMs(now.unsigned_abs()));
            }
            prop_assert!(f64::from(out) <= 1.0 + ahead_ms as f64 / 100.0 + 1e-6);
        }
    }

    fn ended(window: &mut Window, signal: Signal, at: u64) {
        window.ended(signal, (UnixMs(at), UnixMs(at)), 64);
    }

    #[test]
    fn a_window_doubles_until_it_was_too_much_and_then_grows_by_one() {
        let mut window = Window::default();
        assert_eq!(window.places(64), 8);
        (0..8).for_each(|at| ended(&mut window, Signal::Good, at));
        assert_eq!(window.places(64), 16);
        (0..100).for_each(|at| ended(&mut window, Signal::Good, at));
        assert_eq!(window.places(64), 64);
        ended(&mut window, Signal::Overrun, 200);
        assert_eq!(window.places(64), 32);
        (0..32).for_each(|at| ended(&mut window, Signal::Good, 300 + at));
        assert_eq!(
            window.places(64),
            32,
            "a window of successes brings not quite one"
        );
        (0..2).for_each(|at| ended(&mut window, Signal::Good, 400 + at));
        assert_eq!(window.places(64), 33);
    }

    #[test]
    fn all_that_was_under_way_cuts_once() {
        let mut window = Window::default();
        for _ in 0..8 {
            window.ended(Signal::Overrun, (UnixMs(0), UnixMs(100)), 64);
        }
        assert_eq!(window.places(64), 4);
        window.ended(Signal::Hung, (UnixMs(100), UnixMs(15_100)), 64);
        assert_eq!(window.places(64), 1);
        window.ended(Signal::Overrun, (UnixMs(20_000), UnixMs(20_001)), 64);
        assert_eq!(window.places(64), 1, "one is always left");
    }

    #[test]
    fn a_ramp_doubles_and_ends() {
        let ramp = Ramp {
            per_second: 10.0,
            double_ms: 5000,
        };
        let rate = |at| ramp.rate(UnixMs(0), UnixMs(at));
        assert_eq!(
            rate(0),
            Some(Rate {
                per_second: 10.0,
                burst: 1
            })
        );
        assert_eq!(
            rate(10_000),
            Some(Rate {
                per_second: 40.0,
                burst: 4
            })
        );
        assert_eq!(rate(40_000), None, "2560 a second is no limit");
    }
}
