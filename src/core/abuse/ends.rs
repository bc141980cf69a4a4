//! What a verification's end tells: whether its code came back, and, where nothing was sent, that nothing was spent.

use super::counter::{self, Counter, Counters, Name};
use super::{destination, purses};
use crate::core::money::Price;
use crate::core::time::UnixMs;
use crate::core::verification::Verification;
use crate::core::verification::fallback::Charge;

/// What was given back of what went as this sending did.
fn names_of<'a>(verification: &'a Verification, charge: &'a Charge) -> impl Iterator<Item = Name> + 'a {
    let name = move |about: &str| Name::conversion(&verification.account, charge.channel, about);
    let number = verification.to.number();
    let block = number.map(|number| name(&number.as_str()[..number.as_str().len() - 4]));
    let country = number.and_then(destination::country).map(name);
    let route = charge.route.as_deref().map(name);
    block.into_iter().chain(country).chain(route)
}

/// The records that its end changes. Of one that nothing was sent for there are none.
pub fn names_of_end(verification: &Verification) -> Vec<Name> {
    let charges = verification.charges.iter();
    let mut names: Vec<Name> = charges
        .flat_map(|charge| names_of(verification, charge))
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
        for name in names_of(verification, charge) {
            let of = if next.contains_key(&name) { &next } else { known };
            let matured = counter::conversion(of, &name).matured(charge.at, came_back);
            next.insert(name, Counter::Conversion(matured));
        }
    }
    next
}

/// The records that it was paid from.
pub fn names_of_refund(verification: &Verification) -> Vec<Name> {
    purses::names(&verification.account, &verification.profile, &verification.to)
}

/// One of its sendings turned out to cost this. For the names of its refund.
pub fn settled(verification: &Verification, (nth, cost): (u8, Price), known: &Counters) -> Counters {
    let Some(charge) = verification.charge(nth).filter(|charge| charge.cost != cost) else {
        return Counters::new();
    };
    paid(
        &names_of_refund(verification),
        (charge.cost, cost),
        charge.at,
        known,
    )
}

/// What was charged to these at that time turned out to cost something else.
pub(super) fn paid(names: &[Name], costs: (Price, Price), at: UnixMs, known: &Counters) -> Counters {
    let counted = names.iter().filter(|name| known.contains_key(name));
    let next = |name: &Name| Counter::Spend(counter::spend(known, name).settled(costs, at));
    counted.map(|name| (name.clone(), next(name))).collect()
}

/// This sending did not go out: nothing was spent for it, and that nothing comes back of it is held against nobody. For the names of its
/// end and its refund.
pub fn unsent(verification: &Verification, nth: u8, known: &Counters) -> Counters {
    let Some(charge) = verification.charge(nth) else {
        return Counters::new();
    };
    let mut changes = settled(verification, (nth, Price::default()), known);
    for name in names_of(verification, charge) {
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
                route: Some("provider/main"),
            };
            let (sent, at) = (verification.clone(), verification.began_at);
            let sent = sent.charged(ask.cost, None, at).over(ask.route);
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
