//! What a verification's end tells: whether its code came back, and, where nothing was sent, that nothing was spent.

use super::counter::{self, Counter, Counters, Name};
use super::destination;
use crate::core::verification::{Sent, Verification};

/// The records that its end changes. Of one that nothing was sent for there are none.
pub fn names_of_end(verification: &Verification) -> Vec<Name> {
    let Some(number) = verification
        .to
        .number()
        .filter(|_| verification.sent != Sent::Nothing)
    else {
        return Vec::new();
    };
    let name = |about: &str| Name::conversion(&verification.account, verification.channel, about);
    let block = &number.as_str()[..number.as_str().len() - 4];
    let country = destination::country(number).map(name);
    std::iter::once(name(block)).chain(country).collect()
}

/// Its code came back, or its time is over. To be told once.
pub fn ended(verification: &Verification, known: &Counters, came_back: bool) -> Counters {
    let each = names_of_end(verification).into_iter().map(|name| {
        let matured = counter::conversion(known, &name).matured(verification.began_at, came_back);
        (name, Counter::Conversion(matured))
    });
    each.collect()
}

/// The records that it was paid from.
pub fn names_of_refund(verification: &Verification) -> Vec<Name> {
    let account = &verification.account;
    let of_profile = Name::spend_of_profile(account, &verification.profile);
    let of_profile = (!verification.profile.is_empty()).then_some(of_profile);
    std::iter::once(Name::spend(account)).chain(of_profile).collect()
}

/// Nothing was sent: nothing was spent, and that nothing comes back is held against nobody. For the names of its end and its refund.
pub fn unsent(verification: &Verification, known: &Counters) -> Counters {
    let paid = names_of_refund(verification).into_iter();
    let paid = paid.filter(|name| known.contains_key(name));
    let refunded = |name| {
        let spend = counter::spend(known, &name).refunded(verification.cost, verification.began_at);
        (name, Counter::Spend(spend))
    };
    let mut changes: Counters = paid.map(refunded).collect();
    for name in names_of_end(verification) {
        let unsent = counter::conversion(known, &name).unsent(verification.began_at);
        changes.insert(name, Counter::Conversion(unsent));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::super::tests::{pending, rules};
    use super::super::{Ask, Verdict, Who, decide, names};
    use super::*;
    use crate::core::money::Price;

    #[test]
    fn a_provider_that_refuses_is_held_against_nobody() {
        let (rules, who) = (rules(), Who::default());
        let mut known = Counters::new();
        for nth in 0..40 {
            let verification = pending(&format!("+1202555{nth:04}"), nth * 600_000);
            let ask = Ask {
                account: &verification.account,
                to: &verification.to,
                channel: verification.channel,
                who: &who,
                cost: Price(20_000),
                profile: None,
            };
            let verification = Verification {
                cost: ask.cost,
                ..verification.clone()
            };
            let decision = decide(&ask, &known, &rules, verification.began_at);
            assert_eq!(
                decision.verdict,
                Verdict::Allow(Vec::new()),
                "{nth}: {:?}",
                decision.reasons
            );
            assert!(
                names_of_end(&verification)
                    .iter()
                    .all(|name| names(&ask, &rules).contains(name))
            );
            known.extend(decision.changes);
            let taken_back = unsent(&verification, &known);
            known.extend(taken_back);
        }
    }
}
