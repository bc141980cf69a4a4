//! What a verification's end tells: whether its code came back, and, where nothing was sent, that nothing was spent.

use super::counter::{self, Counter, Counters, Name};
use super::destination;
use crate::core::sending::Channel;
use crate::core::verification::Verification;

/// What was given back of what went by this channel to where it goes.
fn names_of(verification: &Verification, channel: Channel) -> impl Iterator<Item = Name> {
    let name = move |about: &str| Name::conversion(&verification.account, channel, about);
    let number = verification.to.number();
    let block = number.map(|number| name(&number.as_str()[..number.as_str().len() - 4]));
    let country = number.and_then(destination::country).map(name);
    block.into_iter().chain(country)
}

/// The records that its end changes. Of one that nothing was sent for there are none.
pub fn names_of_end(verification: &Verification) -> Vec<Name> {
    let charges = verification.charges.iter();
    let mut names: Vec<Name> = charges
        .flat_map(|charge| names_of(verification, charge.channel))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Its code came back, or its time is over: each of its sendings is held to have done so, for nobody knows which one was read. To be told
/// once.
pub fn ended(verification: &Verification, known: &Counters, came_back: bool) -> Counters {
    let mut next = Counters::new();
    for charge in &verification.charges {
        for name in names_of(verification, charge.channel) {
            let of = if next.contains_key(&name) { &next } else { known };
            let matured = counter::conversion(of, &name).matured(charge.at, came_back);
            next.insert(name, Counter::Conversion(matured));
        }
    }
    next
}

/// The records that it was paid from.
pub fn names_of_refund(verification: &Verification) -> Vec<Name> {
    let account = &verification.account;
    let of_profile = Name::spend_of_profile(account, &verification.profile);
    let of_profile = (!verification.profile.is_empty()).then_some(of_profile);
    std::iter::once(Name::spend(account)).chain(of_profile).collect()
}

/// This sending did not go out: nothing was spent for it, and that nothing comes back of it is held against nobody. For the names of its
/// end and its refund.
pub fn unsent(verification: &Verification, nth: u8, known: &Counters) -> Counters {
    let Some(charge) = verification.charges.iter().find(|charge| charge.nth == nth) else {
        return Counters::new();
    };
    let paid = names_of_refund(verification).into_iter();
    let paid = paid.filter(|name| known.contains_key(name));
    let refunded = |name| {
        let spend = counter::spend(known, &name).refunded(charge.cost, charge.at);
        (name, Counter::Spend(spend))
    };
    let mut changes: Counters = paid.map(refunded).collect();
    for name in names_of(verification, charge.channel) {
        let unsent = counter::conversion(known, &name).unsent(charge.at);
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
                follows: false,
                profile: None,
            };
            let (sent, at) = (verification.clone(), verification.began_at);
            let sent = sent.charged(ask.cost, None, at);
            let decision = decide(&ask, &known, &rules, at);
            assert_eq!(
                decision.verdict,
                Verdict::Allow(Vec::new()),
                "{nth}: {:?}",
                decision.reasons
            );
            assert!(
                names_of_end(&sent)
                    .iter()
                    .all(|name| names(&ask, &rules).contains(name))
            );
            known.extend(decision.changes);
            let taken_back = unsent(&sent, sent.sends, &known);
            known.extend(taken_back);
        }
    }
}
