//! By which of a code's ways it goes: the one that was asked for; or, where all that speaks against that is how few codes come back by its
//! channel, the next one by another channel that is let through.

use super::counter::{Counters, Name};
use super::{Ask, Decision, Reason, Rules, Verdict, decide, names};
use crate::core::time::UnixMs;

/// The way that counts, and what was decided of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The how manyth of the asked.
    pub at: usize,
    pub decision: Decision,
    /// Why it is not the first one.
    pub switched: Vec<Reason>,
}

/// The records that a choice needs.
pub fn names_of_choice(asks: &[Ask<'_>], rules: &Rules) -> Vec<Name> {
    let mut all: Vec<Name> = asks.iter().flat_map(|ask| names(ask, rules)).collect();
    all.sort();
    all.dedup();
    all
}

/// Chooses among these ways of one code, the one asked for first. `elsewhere`: another channel than these would reach its person.
pub fn choose(asks: &[Ask<'_>], elsewhere: bool, known: &Counters, rules: &Rules, now: UnixMs) -> Choice {
    let first = decide(&asks[0], known, rules, now);
    let Some(wait_ms) = of_its_channel(&first) else {
        return stays(first);
    };
    let others = asks.iter().enumerate().skip(1);
    for (at, ask) in others.filter(|(_, ask)| ask.channel != asks[0].channel) {
        let other = decide(ask, known, rules, now);
        if other.is_allowed() {
            let mut changes = first.changes;
            changes.extend(other.changes);
            return Choice {
                at,
                switched: first.reasons,
                decision: Decision {
                    changes,
                    alarms: [first.alarms, other.alarms].concat(),
                    ..other
                },
            };
        }
    }
    match elsewhere {
        true => stays(Decision {
            verdict: Verdict::ChannelSwitch(wait_ms),
            ..first
        }),
        false => stays(first),
    }
}

fn stays(decision: Decision) -> Choice {
    Choice {
        at: 0,
        decision,
        switched: Vec::new(),
    }
}

/// Whether only how few codes come back by its channel speaks against it: for how long, `None` where it asks for a person.
fn of_its_channel(decision: &Decision) -> Option<Option<u64>> {
    let is_of_it = |reason: &Reason| matches!(reason, Reason::LowConversion | Reason::Blocked);
    if !decision.reasons.iter().all(is_of_it) {
        return None;
    }
    match decision.verdict {
        Verdict::Blocked(wait_ms) => Some(Some(wait_ms)),
        Verdict::Challenge => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::conversion::Conversion;
    use super::super::counter::Counter;
    use super::super::gate::{HOUR_MS, Limit};
    use super::super::tests::{pending, rules};
    use super::super::{Who, names};
    use super::*;
    use crate::core::money::Price;
    use crate::core::sending::Channel;

    const NOW: UnixMs = UnixMs(1_800_000_000_000);

    fn chosen(
        channels: &[Channel],
        lost: &[(Channel, u32)],
        elsewhere: bool,
        rules: &Rules,
    ) -> (Choice, Counters) {
        let (of, who) = (pending("+12025550143", 0), Who::default());
        let ask = |channel: &Channel| Ask {
            account: &of.account,
            to: &of.to,
            channel: *channel,
            who: &who,
            cost: Price(100),
            follows: false,
            profile: None,
            route: None,
        };
        let asks: Vec<Ask<'_>> = channels.iter().map(ask).collect();
        let lost = lost.iter().map(|(channel, count)| {
            let name = Name::conversion(&of.account, *channel, "+1202555");
            let lost = (0..*count).fold(Conversion::default(), |known, _| {
                known.sent(NOW).matured(NOW, false)
            });
            (name, Counter::Conversion(lost))
        });
        let known: Counters = lost.collect();
        let choice = choose(&asks, elsewhere, &known, rules, NOW);
        let named = names_of_choice(&asks, rules);
        assert!(choice.decision.changes.keys().all(|name| named.contains(name)));
        assert!(names(&asks[0], rules).iter().all(|name| named.contains(name)));
        (choice, known)
    }

    const WAY: [Channel; 3] = [Channel::Sms, Channel::Voice, Channel::Whatsapp];

    #[test]
    fn a_closed_channel_leaves_the_first_step_to_the_next_that_is_open() {
        let (choice, known) = chosen(&WAY, &[(Channel::Sms, 20), (Channel::Voice, 20)], true, &rules());
        assert_eq!((choice.at, choice.switched), (2, vec![Reason::Blocked]));
        assert!(choice.decision.is_allowed());
        assert_eq!(choice.decision.alarms.len(), 1, "that SMS are closed is told");
        let closed = choice.decision.changes.iter().filter(|(name, counter)| {
            let Counter::Conversion(is) = counter else {
                return false;
            };
            known.contains_key(*name) && is.blocked(NOW).is_some()
        });
        assert_eq!(closed.count(), 1, "and kept");
    }

    #[test]
    fn where_nobody_named_another_the_verdict_says_that_there_is_one() {
        let (choice, _) = chosen(&WAY[..1], &[(Channel::Sms, 20)], true, &rules());
        assert_eq!(
            (choice.decision.verdict, choice.decision.reasons),
            (Verdict::ChannelSwitch(Some(HOUR_MS)), vec![Reason::Blocked])
        );
        let (none, _) = chosen(&WAY[..1], &[(Channel::Sms, 20)], false, &rules());
        assert_eq!(none.decision.verdict, Verdict::Blocked(HOUR_MS));
        let mut only_challenged = rules();
        only_challenged.prefix_conversion.block_below_pct = 0;
        let (asked, _) = chosen(&WAY[..1], &[(Channel::Sms, 20)], true, &only_challenged);
        assert_eq!(asked.decision.verdict, Verdict::ChannelSwitch(None));
        let (goes, _) = chosen(&WAY, &[(Channel::Sms, 20)], true, &only_challenged);
        assert_eq!((goes.at, goes.switched), (1, vec![Reason::LowConversion]));
    }

    #[test]
    fn what_speaks_against_the_person_speaks_against_every_channel() {
        let mut full = rules();
        full.person[1] = Limit::new(1, HOUR_MS);
        full.caps.0[0] = Some(Price(10));
        let (choice, _) = chosen(&WAY, &[(Channel::Sms, 20)], true, &full);
        assert_eq!((choice.at, choice.switched), (0, vec![]));
        assert_eq!(choice.decision.verdict, Verdict::Blocked(HOUR_MS));
        assert!(choice.decision.reasons.contains(&Reason::SpendCap));
        let (open, _) = chosen(&WAY, &[(Channel::Voice, 20)], true, &rules());
        assert_eq!((open.at, open.decision.is_allowed()), (0, true));
    }
}
