//! Texts of a caller's own: limited and charged as codes are. Whether the code in one came back is known elsewhere alone, so they are not
//! counted among those that may.

use super::counter::{Counter, Counters, Name};
use super::ends::paid;
use super::{Ask, Decision, Rules, decide, purses};
use crate::core::id::AccountId;
use crate::core::money::Price;
use crate::core::time::UnixMs;
use crate::core::verification::address::To;

/// Whether this text may be sent, by what is known of the names that `names` named.
pub fn decide_text(ask: &Ask<'_>, known: &Counters, rules: &Rules, now: UnixMs) -> Decision {
    let mut decision = decide(ask, known, rules, now);
    let is_kept = |counter: &Counter| !matches!(counter, Counter::Conversion(_));
    if decision.is_allowed() {
        decision.changes.retain(|_, counter| is_kept(counter));
    }
    decision
}

/// The records that a text to this address was paid from.
pub fn names_of_text(account: &AccountId, to: &To) -> Vec<Name> {
    purses::names(account, "", to)
}

/// What was charged for it at that time turned out to cost something else. For the names of those records.
pub fn text_settled(names: &[Name], costs: (Price, Price), charged_at: UnixMs, known: &Counters) -> Counters {
    paid(names, costs, charged_at, known)
}

#[cfg(test)]
mod tests {
    use super::super::spend::Caps;
    use super::super::tests::{pending, rules};
    use super::super::{Verdict, Who, counter, names};
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
            route: None,
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
        let rules = Rules {
            country_caps: Caps([None, Some(Price(600)), None]),
            ..rules()
        };
        let (of, mut known, who) = (pending("+12025550143", 0), Counters::new(), Who::default());
        let ask = Ask {
            account: &of.account,
            to: &of.to,
            channel: of.channel,
            who: &who,
            cost: Price(500),
            follows: false,
            profile: None,
            route: None,
        };
        let now = UnixMs(90_000_000);
        known.extend(decide_text(&ask, &known, &rules, now).changes);
        let names = names_of_text(&of.account, &of.to);
        assert_eq!(names.len(), 2, "the account's, and the country's");
        let spent = |known: &Counters| {
            let of = |name| counter::spend(known, name).spent(now);
            names.iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(spent(&known), [[Price(500); 3]; 2]);
        assert!(!decide_text(&ask, &known, &rules, now).is_allowed());
        known.extend(text_settled(&names, (Price(500), Price(0)), now, &known));
        assert_eq!(spent(&known), [[Price(0); 3]; 2]);
        assert!(matches!(
            decide_text(&ask, &known, &rules, now).verdict,
            Verdict::Allow(_)
        ));
    }
}
