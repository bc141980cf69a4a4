//! Codes as they are on the disk, and what was charged for sending them, told by the commits that were synced. It judges nothing.

use std::collections::BTreeMap;

use ringback::core::id::{AccountId, VerificationId};
use ringback::core::money::Price;
use ringback::core::verification::Verification;
use ringback::core::verification::address::To;
use ringback::store::VerifyStep;

use super::model::At;

const HOUR_MS: u64 = 3_600_000;

/// One sending that was charged, whether or not that was taken back.
#[derive(Debug)]
pub struct Charged {
    pub id: VerificationId,
    pub account: AccountId,
    pub to: To,
    /// The how manyth of its code.
    pub nth: u8,
    pub cost: Price,
    /// The hour of its cap. A clock that went back begins none anew.
    pub hour: u64,
    pub at: At,
}

#[derive(Debug, Default)]
pub struct Tally {
    /// As they were written last.
    pub codes: BTreeMap<VerificationId, Verification>,
    pub charged: Vec<Charged>,
    hours: BTreeMap<AccountId, u64>,
}

impl Tally {
    pub fn step(&mut self, step: &VerifyStep, at: At) {
        for (verification, _) in &step.verifications {
            let known = self.codes.insert(verification.id, verification.clone());
            for charge in &verification.charges {
                let was = known.as_ref().is_some_and(|known| known.charges.contains(charge));
                if !was {
                    self.charge(verification, (charge.nth, charge.cost), at);
                }
            }
        }
    }

    fn charge(&mut self, of: &Verification, (nth, cost): (u8, Price), at: At) {
        let hour = self.hours.entry(of.account.clone()).or_default();
        *hour = (*hour).max(at.now.0 / HOUR_MS);
        self.charged.push(Charged {
            id: of.id,
            account: of.account.clone(),
            to: of.to.clone(),
            nth,
            cost,
            hour: *hour,
            at,
        });
    }

    /// Whether it still is charged: what no provider took is given back.
    pub fn is_charged(&self, id: VerificationId, nth: u8) -> bool {
        let code = self.codes.get(&id);
        code.is_some_and(|code| code.charges.iter().any(|charge| charge.nth == nth))
    }
}
