//! Which provider is asked first: what it costs there, and whether it works. Pure: prices are a table, health is counted by its answers.

use super::money::{self, Price};
use super::phone::PhoneNumber;
use super::sending::Sent;
use super::time::UnixMs;

/// What one SMS or call costs by where it goes: prefixes of numbers (`1`, `44`, `4477`), the longest that fits counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tariff {
    /// By prefix, in order, so that a number's longest is found by cutting it shorter and shorter.
    prices: Vec<(String, Price)>,
    elsewhere: Option<Price>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TariffError {
    #[error(
        "{0:?} is no prefix of a number: write 1 to 15 digits without +, or \"*\" for every other number"
    )]
    Prefix(String),
    #[error("{prefix}: {error}")]
    Price { prefix: String, error: money::Error },
}

/// Stands for every number that no prefix fits.
const ELSEWHERE: &str = "*";

impl Tariff {
    /// Reads prefixes and prices, such as `("49", "0.0750")`.
    pub fn parse<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, TariffError> {
        let mut tariff = Self::default();
        for (prefix, price) in rows {
            let price = Price::parse(price).map_err(|error| TariffError::Price {
                prefix: prefix.to_owned(),
                error,
            })?;
            if prefix == ELSEWHERE {
                tariff.elsewhere = Some(price);
                continue;
            }
            let digits = prefix.bytes().all(|b| b.is_ascii_digit()) && !prefix.starts_with('0');
            if !digits || !(1..=15).contains(&prefix.len()) {
                return Err(TariffError::Prefix(prefix.to_owned()));
            }
            tariff.prices.push((prefix.to_owned(), price));
        }
        tariff.prices.sort();
        Ok(tariff)
    }

    /// What one costs to this number; `None` where the table does not say.
    pub fn price(&self, to: &PhoneNumber) -> Option<Price> {
        let digits = &to.as_str()[1..];
        let of = |length| {
            let at = self
                .prices
                .binary_search_by(|(prefix, _)| prefix.as_str().cmp(&digits[..length]));
            at.ok().map(|at| self.prices[at].1)
        };
        (1..=digits.len()).rev().find_map(of).or(self.elsewhere)
    }

    /// What a text costs that becomes so many SMS.
    pub fn cost(&self, to: &PhoneNumber, segments: u32) -> Option<Price> {
        let each = self.price(to)?;
        Some(Price(each.0.saturating_mul(u64::from(segments))))
    }
}

/// When a provider is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Faults of its own, one after the other, after which it rests.
    pub faults_max: u32,
    /// Its first rest; each further one in a row is twice as long.
    pub rest_ms: u64,
    pub rest_ms_max: u64,
    /// How long a try after a rest is waited for before another is made.
    pub try_ms: u64,
}

impl Rules {
    /// Those of the built-in configuration.
    pub fn standard() -> Self {
        Self {
            faults_max: 5,
            rest_ms: 30_000,
            rest_ms_max: 600_000,
            try_ms: 60_000,
        }
    }
}

/// How a provider fares. Begins well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// Faults since it last did what it was asked.
    faults: u32,
    /// Rests since then.
    rests: u32,
    rests_until: Option<UnixMs>,
    tried_at: Option<UnixMs>,
}

/// Whether a provider may be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Well,
    /// Its rest is over: one message tries it.
    Try,
    /// Nothing until then.
    Rests(UnixMs),
}

impl Health {
    pub fn standing(&self, rules: Rules, now: UnixMs) -> Standing {
        let Some(until) = self.rests_until else {
            return Standing::Well;
        };
        let tried_until = self.tried_at.map_or(until, |at| at.plus_ms(rules.try_ms));
        match until.max(tried_until) {
            until if until > now => Standing::Rests(until),
            _ => Standing::Try,
        }
    }

    /// A message is given to it.
    pub fn begins(&mut self, rules: Rules, now: UnixMs) {
        if self.standing(rules, now) == Standing::Try {
            self.tried_at = Some(now);
        }
    }

    /// What came of a message. A refusal for the recipient's sake shows that the provider works; silence does not.
    pub fn ended(&mut self, sent: &Sent, rules: Rules, now: UnixMs) {
        let (is_fault, asked_ms) = match sent {
            Sent::Accepted(_) => (false, 0),
            Sent::Refused(refusal) => {
                let asked_ms = refusal.retry_after_s.unwrap_or(0).saturating_mul(1000);
                (refusal.class.is_the_providers(), asked_ms.min(rules.rest_ms_max))
            }
            Sent::Unknown(_) => (true, 0),
        };
        if !is_fault {
            *self = Self::default();
            return;
        }
        let was_tried = self.tried_at.take().is_some();
        self.faults = self.faults.saturating_add(1);
        let rest_ms = if self.faults >= rules.faults_max || was_tried {
            // Messages that were under way together end one after the other: they are one rest, not many.
            let begins = was_tried || self.rests == 0 || self.rests_until.is_none_or(|until| until <= now);
            self.rests = self.rests.saturating_add(u32::from(begins));
            let doubled = rules.rest_ms.saturating_mul(1 << (self.rests - 1).min(32));
            doubled.min(rules.rest_ms_max)
        } else {
            0
        };
        let rest_ms = rest_ms.max(asked_ms);
        if rest_ms > 0 {
            self.rests_until = self.rests_until.max(Some(now.plus_ms(rest_ms)));
        }
    }
}

/// Those that may be asked, in the order in which they are: what is cheaper first, what has no known price last, and of equals the one
/// that was configured first. Who rests is not asked at all.
pub fn order(providers: impl IntoIterator<Item = (Option<Price>, Standing)>) -> Vec<usize> {
    let providers = providers.into_iter().enumerate();
    let mut able: Vec<(bool, Option<Price>, usize)> = providers
        .filter(|(_, (_, standing))| !matches!(standing, Standing::Rests(_)))
        .map(|(at, (price, _))| (price.is_none(), price, at))
        .collect();
    able.sort();
    able.into_iter().map(|(_, _, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::sending::{Class, Refusal, Taken};
    use proptest::prelude::*;

    const RULES: Rules = Rules {
        faults_max: 3,
        rest_ms: 1_000,
        rest_ms_max: 10_000,
        try_ms: 500,
    };

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    fn refused(class: Class, retry_after_s: Option<u64>) -> Sent {
        Sent::Refused(Refusal {
            retry_after_s,
            ..Refusal::new(class, "")
        })
    }

    #[test]
    fn the_longest_prefix_counts() {
        let tariff = Tariff::parse([("1", "0.0079"), ("44", "0.04"), ("447", "0.05"), ("*", "0.2")]).unwrap();
        for (to, price) in [
            ("+12025550143", 79),
            ("+447700900123", 500),
            ("+442079460000", 400),
            ("+4915112345678", 2000),
        ] {
            assert_eq!(tariff.price(&number(to)), Some(Price(price)), "{to}");
        }
        assert_eq!(tariff.cost(&number("+12025550143"), 3), Some(Price(237)));
        assert_eq!(Tariff::default().cost(&number("+12025550143"), 3), None);
        for bad in ["", "+1", "01", "1a", "1234567890123456"] {
            assert!(
                matches!(Tariff::parse([(bad, "1")]), Err(TariffError::Prefix(_))),
                "{bad:?}"
            );
        }
        assert!(matches!(
            Tariff::parse([("1", "cheap")]),
            Err(TariffError::Price { .. })
        ));
    }

    #[test]
    fn rests_after_faults_and_is_tried_once_afterwards() {
        let (mut health, down) = (Health::default(), refused(Class::CarrierDown, None));
        let mut now = UnixMs(50_000);
        for _ in 0..2 {
            health.ended(&down, RULES, now);
            assert_eq!(health.standing(RULES, now), Standing::Well);
        }
        health.ended(&Sent::Unknown(String::new()), RULES, now);
        assert_eq!(health.standing(RULES, now), Standing::Rests(now.plus_ms(1_000)));
        // Two that were under way when it began to rest do not make the rest longer.
        health.ended(&down, RULES, now);
        health.ended(&down, RULES, now);
        for rest_ms in [1_000, 2_000, 4_000, 8_000, 10_000, 10_000] {
            assert_eq!(health.standing(RULES, now), Standing::Rests(now.plus_ms(rest_ms)));
            now = now.plus_ms(rest_ms);
            assert_eq!(health.standing(RULES, now), Standing::Try);
            health.begins(RULES, now);
            assert_eq!(health.standing(RULES, now), Standing::Rests(now.plus_ms(500)));
            health.ended(&down, RULES, now);
        }
        // A try that nobody hears of again is made once more.
        now = now.plus_ms(10_000);
        health.begins(RULES, now);
        now = now.plus_ms(500);
        assert_eq!(health.standing(RULES, now), Standing::Try);
        health.ended(&Sent::Accepted(Taken::default()), RULES, now);
        assert_eq!(health, Health::default());
    }

    #[test]
    fn a_recipients_refusal_is_the_providers_health() {
        let (mut health, now) = (Health::default(), UnixMs(1));
        for _ in 0..10 {
            health.ended(&refused(Class::InvalidRecipient, None), RULES, now);
        }
        assert_eq!(health.standing(RULES, now), Standing::Well);
        health.ended(&refused(Class::RateLimited, Some(2)), RULES, now);
        assert_eq!(
            health.standing(RULES, now),
            Standing::Rests(UnixMs(2_001)),
            "it asked for two seconds"
        );
        health.ended(&refused(Class::RateLimited, Some(1 << 60)), RULES, now);
        assert_eq!(
            health.standing(RULES, now),
            Standing::Rests(UnixMs(10_001)),
            "but not for ever"
        );
    }

    #[test]
    fn the_cheapest_that_works_is_asked_first() {
        let (well, rests) = (Standing::Well, Standing::Rests(UnixMs(9)));
        let providers = [
            (None, well),
            (Some(Price(80)), well),
            (Some(Price(50)), rests),
            (Some(Price(70)), Standing::Try),
            (Some(Price(80)), well),
        ];
        assert_eq!(order(providers), [3, 1, 4, 0]);
        assert_eq!(order([(None, rests)]), [0usize; 0]);
    }

    proptest! {
        /// Whatever comes, it is never left alone for longer than the longest rest, and never for ever.
        #[test]
        fn every_rest_ends(steps in proptest::collection::vec((0usize..12, 0u64..3_000, any::<bool>()), 0..60)) {
            let (mut health, mut now) = (Health::default(), UnixMs(0));
            for (what, wait_ms, begins) in steps {
                now = now.plus_ms(wait_ms);
                if begins {
                    health.begins(RULES, now);
                }
                let sent = match Class::ALL.get(what) {
                    Some(class) => refused(*class, Some(wait_ms)),
                    None if what == 10 => Sent::Unknown(String::new()),
                    None => Sent::Accepted(Taken::default()),
                };
                health.ended(&sent, RULES, now);
                if let Standing::Rests(until) = health.standing(RULES, now) {
                    prop_assert!(until.since(now) <= RULES.rest_ms_max);
                }
            }
            prop_assert_eq!(health.standing(RULES, now.plus_ms(RULES.rest_ms_max)) , match health.rests_until {
                None => Standing::Well,
                Some(_) => Standing::Try,
            });
        }
    }
}
