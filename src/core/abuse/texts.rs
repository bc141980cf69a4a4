//! Texts of a caller's own: limited and charged as codes are. Whether the code in one came back is known elsewhere alone, so they are not
//! counted among those that may.

use super::counter::{self, Counter, Counters, Name};
use super::{Ask, Decision, Rules, decide};
use crate::core::id::AccountId;
use crate::core::money::Price;
use crate::core::time::UnixMs;

/// Whether this text may be sent, by what is known of the names that `names` named.
pub fn decide_text(ask: &Ask<'_>, known: &Counters, rules: &Rules, now: UnixMs) -> Decision {
    let mut decision = decide(ask, known, rules, now);
    let is_kept = |counter: &Counter| !matches!(counter, Counter::Conversion(_));
    if decision.is_allowed() {
        decision.changes.retain(|_, counter| is_kept(counter));
    }
    decision
}

/// The record that a text was paid from.
pub fn names_of_text(account: &AccountId) -> Vec<Name> {
    vec![Name::spend(account)]
}

/// It did not go out: nothing was spent for it. For the name of that record.
pub fn text_unsent(account: &AccountId, (cost, charged_at): (Price, UnixMs), known: &Counters) -> Counters {
    let name = Name::spend(account);
    let spend = counter::spend(known, &name).refunded(cost, charged_at);
    Counters::from_iter([(name, Counter::Spend(spend))])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{pending, rules};
    use super::super::{Verdict, Who, names};
    use super::*;

    #[test]
    fn texts_are_charged_and_never_held_to_come_back() {
        let (rules, who) = (rules(), Who::default());
        let (mut known, mut sent) = (Counters::new(), 0);
        let of = pending("+12025550143", 0);
        let ask = |cost| Ask {
            account: &of.account,
            to: &of.to,
            channel: of.channel,
            who: &who,
            cost,
            follows: false,
            profile: None,
        };
        // A code an hour to this person for a year would be far below every rate.
        for hour in 0..365 * 24 {
            let (ask, now) = (ask(Price(1)), UnixMs(hour * 3_600_000 + 1));
            let decision = decide_text(&ask, &known, &rules, now);
            sent += u32::from(decision.is_allowed());
            known.extend(decision.changes);
        }
        assert!(
            sent > 3000,
            "{sent}: as many as the limits for one person let out"
        );
        assert!(
            names(&ask(Price(1)), &rules)
                .iter()
                .all(|name| !matches!(known.get(name), Some(Counter::Conversion(_))))
        );
    }

    #[test]
    fn what_does_not_go_out_is_paid_back() {
        let (rules, who) = (rules(), Who::default());
        let (of, mut known) = (pending("+12025550143", 0), Counters::new());
        let ask = Ask {
            account: &of.account,
            to: &of.to,
            channel: of.channel,
            who: &who,
            cost: Price(500),
            follows: false,
            profile: None,
        };
        let now = UnixMs(90_000_000);
        known.extend(decide_text(&ask, &known, &rules, now).changes);
        let spend = |known: &Counters| counter::spend(known, &Name::spend(&of.account)).spent(now);
        assert_eq!(spend(&known), [Price(500); 3]);
        known.extend(text_unsent(&of.account, (Price(500), now), &known));
        assert_eq!(spend(&known), [Price(0); 3]);
        assert!(matches!(
            decide_text(&ask, &known, &rules, now).verdict,
            Verdict::Allow(_)
        ));
    }
}
