//! Figures of codes that were sent: how many went out, arrived and came back, and what they cost, by where they went and who carried them.
//! They are counted from the codes themselves, so no second record can say something else.

use std::collections::BTreeMap;

use super::{Sent, Status, Verification};
use crate::core::abuse::destination;
use crate::core::money::Price;

/// By what codes are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    Country,
    /// Numbers without their last four digits.
    Prefix,
    Channel,
    Provider,
}

impl By {
    pub const ALL: [Self; 4] = [Self::Country, Self::Prefix, Self::Channel, Self::Provider];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Prefix => "prefix",
            Self::Channel => "channel",
            Self::Provider => "provider",
        }
    }

    /// `None`: e-mail has no country, and what nobody was asked for no provider.
    fn of(self, verification: &Verification) -> Option<String> {
        match self {
            Self::Country => verification
                .to
                .number()
                .and_then(destination::country)
                .map(str::to_owned),
            Self::Prefix => verification.to.block_of_10000().map(str::to_owned),
            Self::Channel => Some(verification.channel.as_str().to_owned()),
            Self::Provider => verification.sent.provider().map(str::to_owned),
        }
    }
}

/// Codes, counted once each however often they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// They went out, or nobody knows whether they did.
    pub sent: u64,
    /// By the carrier's report; many carriers do not report.
    pub delivered: u64,
    pub approved: u64,
    /// They were not taken, or by the carrier's report did not arrive.
    pub failed: u64,
    /// Of those that went out, for each time.
    pub cost: Price,
}

impl Figures {
    fn add(&mut self, verification: &Verification) {
        let went_out = match &verification.sent {
            Sent::Accepted { .. } | Sent::Unknown { .. } | Sent::Delivered { .. } | Sent::Failed { .. } => {
                true
            }
            Sent::Asked | Sent::Refused { .. } | Sent::Nothing => false,
        };
        if went_out {
            self.sent += 1;
            self.cost = Price(self.cost.0.saturating_add(verification.cost().0));
            self.approved += u64::from(verification.status == Status::Approved);
        }
        self.delivered += u64::from(matches!(verification.sent, Sent::Delivered { .. }));
        self.failed += u64::from(verification.sent.reason().is_some());
    }
}

/// What tells the codes of one row, in the table's order.
pub type Place = Vec<Option<String>>;

/// Figures by some of `By`. Test numbers, which get nothing, are in none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    by: Vec<By>,
    rows: BTreeMap<Place, Figures>,
}

impl Table {
    pub fn new(by: Vec<By>) -> Self {
        Self {
            by,
            rows: BTreeMap::new(),
        }
    }

    pub fn by(&self) -> &[By] {
        &self.by
    }

    pub fn add(&mut self, verification: &Verification) {
        if verification.sent != Sent::Nothing {
            let place = self.by.iter().map(|by| by.of(verification)).collect();
            self.rows.entry(place).or_default().add(verification);
        }
    }

    /// Those with the most codes first.
    pub fn rows(&self) -> Vec<(&Place, Figures)> {
        let mut rows: Vec<_> = self
            .rows
            .iter()
            .map(|(place, figures)| (place, *figures))
            .collect();
        rows.sort_by_key(|(_, figures)| std::cmp::Reverse(figures.sent));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::abuse::tests::pending;

    fn with(number: &str, sent: Sent, status: Status) -> Verification {
        let once = pending(number, 0);
        let at = once.began_at;
        let twice = once.charged(Price(500), None, at).charged(Price(500), None, at);
        Verification {
            sent,
            status,
            sends: 2,
            ..twice
        }
    }

    #[test]
    fn each_code_is_in_one_row_and_counts_as_what_became_of_it() {
        let provider = || "main".to_owned();
        let refused = Sent::Refused {
            provider: provider(),
            reason: "no".into(),
        };
        let taken = Sent::Accepted {
            provider: provider(),
            id: "1".into(),
        };
        let mut table = Table::new(vec![By::Country, By::Provider]);
        for (number, sent, status) in [
            ("+12025550143", taken.clone(), Status::Expired),
            (
                "+12025550144",
                Sent::Delivered { provider: provider() },
                Status::Approved,
            ),
            ("+12025550145", refused, Status::Canceled),
            ("+12025550146", Sent::Nothing, Status::Approved),
            ("+447700900123", taken, Status::Approved),
        ] {
            table.add(&with(number, sent, status));
        }
        let place = |country: &str| vec![Some(country.to_owned()), Some(provider())];
        let figures = |sent, delivered, approved, failed, cost| Figures {
            sent,
            delivered,
            approved,
            failed,
            cost: Price(cost),
        };
        assert_eq!(
            table.rows(),
            [
                (&place("US"), figures(2, 1, 1, 1, 2000)),
                (&place("GB"), figures(1, 0, 1, 0, 1000))
            ]
        );
    }
}
