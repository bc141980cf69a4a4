//! From what a code is paid: its account, the country that it goes to, and the profile that it is sent by, each with caps of its own.

use super::counter::Name;
use super::destination;
use super::spend::{Caps, Whose};
use super::{Ask, Rules};
use crate::core::id::AccountId;
use crate::core::verification::address::To;

/// What a decision charges; those without a cap too, so that one that is set later knows what was spent before.
pub(super) fn purses(ask: &Ask<'_>, rules: &Rules) -> Vec<(Name, Whose, Caps)> {
    let account = (Name::spend(ask.account), Whose::Account, rules.caps);
    let country = ask.to.number().and_then(destination::country).map(|country| {
        let name = Name::spend_in_country(ask.account, country);
        (name, Whose::Country(country), rules.country_caps)
    });
    let profile = ask.profile.map(|profile| {
        let name = Name::spend_of_profile(ask.account, &profile.id.to_string());
        (name, Whose::Profile(profile.id), profile.caps)
    });
    std::iter::once(account).chain(country).chain(profile).collect()
}

/// The records that a code to this address, by this profile or none, was paid from.
pub(super) fn names(account: &AccountId, profile: &str, to: &To) -> Vec<Name> {
    let country = to.number().and_then(destination::country);
    let country = country.map(|country| Name::spend_in_country(account, country));
    let profile = (!profile.is_empty()).then(|| Name::spend_of_profile(account, profile));
    std::iter::once(Name::spend(account))
        .chain(country)
        .chain(profile)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::gate::{DAY_MS, HOUR_MS};
    use super::super::tests::{pending, rules};
    use super::super::{Counters, OfProfile, Reason, Verdict, Who, decide};
    use super::*;
    use crate::core::id::ProfileId;
    use crate::core::money::Price;
    use crate::core::sending::Channel;
    use crate::core::time::UnixMs;

    const PROFILE: ProfileId = ProfileId([7; 16]);

    /// Whether a code is sent; if so, whose caps are nearly reached by it.
    fn sent(known: &mut Counters, caps: [Caps; 3], now: UnixMs) -> Result<Vec<Whose>, u64> {
        let (of, who) = (pending("+12025550143", 0), Who::default());
        let ask = Ask {
            account: &of.account,
            to: &of.to,
            channel: Channel::Sms,
            who: &who,
            cost: Price(400),
            follows: false,
            profile: Some(OfProfile {
                id: PROFILE,
                channel: None,
                caps: caps[2],
            }),
            route: None,
        };
        let rules = Rules {
            caps: caps[0],
            country_caps: caps[1],
            ..rules()
        };
        let decision = decide(&ask, known, &rules, now);
        known.extend(decision.changes);
        match decision.verdict {
            Verdict::Allow(warnings) => Ok(warnings.iter().map(|warning| warning.whose).collect()),
            Verdict::Delayed(wait_ms) => {
                assert_eq!(decision.reasons, [Reason::SpendCap]);
                Err(wait_ms)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_of_the_nine_caps_holds_by_itself_and_is_warned_of() {
        let owners = [Whose::Account, Whose::Country("US"), Whose::Profile(PROFILE)];
        for (at, whose) in owners.into_iter().enumerate() {
            for (window, ms) in [HOUR_MS, DAY_MS, 30 * DAY_MS].into_iter().enumerate() {
                let mut caps = [Caps([None; 3]); 3];
                caps[at].0[window] = Some(Price(1000));
                let (mut known, now) = (Counters::new(), UnixMs(100 * 30 * DAY_MS + 1));
                let seen = [(); 3].map(|()| sent(&mut known, caps, now));
                assert_eq!(
                    seen,
                    [Ok(vec![]), Ok(vec![whose]), Err(ms - 1)],
                    "{whose:?} {window}"
                );
                assert_eq!(
                    sent(&mut known, caps, now.plus_ms(ms - 1)),
                    Ok(vec![]),
                    "the next one begins"
                );
            }
        }
    }
}
