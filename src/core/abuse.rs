//! Whether a code may be sent, and what is remembered of it: one pure decision over the records that `names` names. Everything that
//! matches is looked at, and charged only if all of it agrees.

pub mod checks;
mod choice;
pub mod conversion;
pub mod counter;
mod decision;
pub mod destination;
mod ends;
pub mod gate;
mod guesses;
pub mod misses;
pub mod network;
pub mod numbers;
mod purses;
pub mod spend;
mod texts;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use self::counter::{Counters, Name};
use self::destination::{Denied, Policy};
use self::gate::Limit;
use self::purses::purses;
use self::spend::{Caps, Warning};
use super::id::{AccountId, ProfileId};
use super::money::Price;
use super::sending::Channel;
use super::verification::address::To;
use super::verification::profile::ChannelSettings;

pub use choice::{Choice, choose, names_of_choice};
pub use decision::{decide, decide_limits};
pub use ends::{ended, names_of_end, names_of_refund, settled, unsent};
pub use guesses::{Guess, Guessed, guessed, names_of_guess, right};
pub use texts::{decide_text, names_of_text, text_settled};

/// Every limit. Each is a key of `config.toml`; a limit of none is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    pub policy: Policy,
    /// Exact windows for one person: what contract 002 promises.
    pub person: [Limit; 3],
    /// Between two codes to one person; the last one counts on.
    pub pauses_ms: Vec<u64>,
    pub everybody: Limit,
    pub network: [Limit; 2],
    pub user: Limit,
    pub session: Limit,
    pub own: Limit,
    /// Numbers that are equal but for their last four digits.
    pub block_of_10000: [Limit; 2],
    pub block_of_1000: Limit,
    pub account: [Limit; 2],
    pub misses_of_network: Limit,
    /// When most codes that are given back are wrong.
    pub checks: checks::Rules,
    /// Wrong codes in a row make whoever guesses wait.
    pub locks: bool,
    /// Whether who asks for numbers in a row is challenged.
    pub watches_rows: bool,
    pub prefix_conversion: conversion::Rules,
    pub country_conversion: conversion::Rules,
    /// Of a network of numbers where it is known, else of a provider.
    pub network_conversion: conversion::Rules,
    pub caps: Caps,
    /// Of one account's codes to one country.
    pub country_caps: Caps,
}

/// Addresses of a /48 may do so many times what one of a /64 may.
const SITE_FACTOR: u32 = 4;

/// A code that somebody wants sent.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub account: &'a AccountId,
    pub to: &'a To,
    pub channel: Channel,
    pub who: &'a Who,
    /// What it will cost.
    pub cost: Price,
    /// It follows a sending of the same code that did not arrive: it counts as any other, but needs no pause before it.
    pub follows: bool,
    /// What the profile adds that it is sent by.
    pub profile: Option<OfProfile<'a>>,
    /// The network that it goes to, or by which provider, as `network::route` tells.
    pub route: Option<&'a str>,
}

/// A profile's own limits, within the operator's.
#[derive(Debug, Clone, Copy)]
pub struct OfProfile<'a> {
    pub id: ProfileId,
    /// `None`: as a channel is by default.
    pub channel: Option<&'a ChannelSettings>,
    pub caps: Caps,
}

/// What the caller says of whoever asked it. It is never the caller's own address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Who {
    pub ip: Option<IpAddr>,
    pub user: Option<String>,
    pub session: Option<String>,
    /// Keys of the caller's own, each with a limit of its own.
    pub own: Vec<(String, String)>,
    /// The caller has seen that a person asks.
    pub challenge_passed: bool,
}

/// Why a code is not sent. The account's own log and events tell it; the answer does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    NeverAllowed,
    CountryNotAllowed,
    PrefixDenied,
    NotATestDestination,
    PersonRate,
    EverybodyRate,
    NetworkRate,
    UserRate,
    SessionRate,
    OwnRate,
    PrefixRate,
    CountryRate,
    AccountRate,
    SpendCap,
    SequentialNumbers,
    LowConversion,
    /// The prefix or country is closed for a while.
    Blocked,
    /// The operator's own check said no.
    Denied,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverAllowed => "never_allowed",
            Self::CountryNotAllowed => "country_not_allowed",
            Self::PrefixDenied => "prefix_denied",
            Self::NotATestDestination => "not_a_test_destination",
            Self::PersonRate => "person_rate",
            Self::EverybodyRate => "everybody_rate",
            Self::NetworkRate => "network_rate",
            Self::UserRate => "user_rate",
            Self::SessionRate => "session_rate",
            Self::OwnRate => "own_rate",
            Self::PrefixRate => "prefix_rate",
            Self::CountryRate => "country_rate",
            Self::AccountRate => "account_rate",
            Self::SpendCap => "spend_cap",
            Self::SequentialNumbers => "sequential_numbers",
            Self::LowConversion => "low_conversion",
            Self::Blocked => "blocked",
            Self::Denied => "denied",
        }
    }
}

impl From<Denied> for Reason {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Never => Self::NeverAllowed,
            Denied::Country => Self::CountryNotAllowed,
            Denied::Prefix => Self::PrefixDenied,
            Denied::NotATest => Self::NotATestDestination,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Send it. These caps are nearly reached by it.
    Allow(Vec<Warning>),
    /// Only once the caller says that it saw a person.
    Challenge,
    /// Not before so many milliseconds.
    Delayed(u64),
    /// Not for so many milliseconds; `u64::MAX`: not at all.
    Blocked(u64),
    /// Not by this channel, and another one may: not for so many milliseconds, or, `None`, only once the caller says that it saw a person.
    ChannelSwitch(Option<u64>),
}

impl Verdict {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Allow(_) => "allow",
            Self::Challenge => "challenge",
            Self::Delayed(_) => "delayed",
            Self::Blocked(_) => "blocked",
            Self::ChannelSwitch(_) => "channel_switch",
        }
    }
}

/// What is decided, why, and the records that change by it. A refusal charges nothing; a block that it found due is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    pub reasons: Vec<Reason>,
    pub changes: Counters,
    /// What the account should hear besides.
    pub alarms: Vec<Alarm>,
}

impl Decision {
    pub fn is_allowed(&self) -> bool {
        matches!(self.verdict, Verdict::Allow(_))
    }

    /// Its reasons, as the audit log has them.
    pub fn words(&self) -> Vec<String> {
        words(&self.reasons)
    }
}

/// Reasons, as the audit log has them.
pub fn words(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(|reason| reason.as_str().to_owned()).collect()
}

/// The operator's own check said no: what was counted stays as it is.
pub fn denied() -> Decision {
    Decision {
        verdict: Verdict::Blocked(u64::MAX),
        reasons: vec![Reason::Denied],
        changes: Counters::new(),
        alarms: Vec::new(),
    }
}

/// Few codes come back from a block of numbers, a country or a network, by one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub channel: Channel,
    /// The beginning of the numbers, two letters, or a route; `network::shown` tells which.
    pub about: String,
    /// Codes of the last day, those of them that are over or given back, and those given back.
    pub figures: (u32, u32, u32),
    /// It is closed for so long by it, `u64::MAX` for good; `None`: a warning.
    pub closed_ms: Option<u64>,
}

/// A record's rates, and whose they are.
struct Rate<'a> {
    name: Name,
    limits: Vec<Limit>,
    reason: Reason,
    /// For the exact windows alone.
    pauses_ms: Option<&'a [u64]>,
}

/// What a number is counted under: its prefixes without the last four and the last three digits.
#[derive(Debug, Clone, Copy)]
struct Blocks<'a> {
    of_10000: &'a str,
    of_1000: &'a str,
}

/// The same, and its country.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    country: &'static str,
    blocks: Blocks<'a>,
}

fn blocks<'a>(ask: &Ask<'a>) -> Option<Blocks<'a>> {
    let text = ask.to.number()?.as_str();
    Some(Blocks {
        of_10000: &text[..text.len() - 4],
        of_1000: &text[..text.len() - 3],
    })
}

/// Where a code goes, if it may go there.
fn place<'a>(ask: &Ask<'a>, policy: &Policy) -> Result<Option<Place<'a>>, Denied> {
    let (Some(number), Some(blocks)) = (ask.to.number(), blocks(ask)) else {
        return Ok(None);
    };
    let country = policy.check(number)?;
    let settings = ask.profile.and_then(|profile| profile.channel);
    if settings.is_some_and(|settings| !settings.allows(country)) {
        return Err(Denied::Country);
    }
    Ok(Some(Place { country, blocks }))
}

fn rates<'a>(ask: &Ask<'_>, blocks: Option<Blocks<'_>>, rules: &'a Rules) -> Vec<Rate<'a>> {
    let (account, who) = (ask.account, ask.who);
    let gates = |name, limits: &[Limit], reason| Rate {
        name,
        limits: limits.to_vec(),
        reason,
        pauses_ms: None,
    };
    let mut rates = vec![
        Rate {
            pauses_ms: Some(if ask.follows { &[] } else { &rules.pauses_ms }),
            ..gates(Name::person(account, ask.to), &rules.person, Reason::PersonRate)
        },
        Rate {
            pauses_ms: Some(&[]),
            ..gates(Name::everybody(ask.to), &[rules.everybody], Reason::EverybodyRate)
        },
        gates(Name::account_rate(account), &rules.account, Reason::AccountRate),
    ];
    if let Some(ip) = who.ip {
        let bits = if ip.to_canonical().is_ipv4() { 32 } else { 64 };
        rates.push(gates(
            Name::network(account, ip, bits),
            &rules.network,
            Reason::NetworkRate,
        ));
        if bits == 64 {
            let site = rules
                .network
                .map(|limit| Limit::new(limit.max.saturating_mul(SITE_FACTOR), limit.per_ms));
            rates.push(gates(Name::network(account, ip, 48), &site, Reason::NetworkRate));
        }
    }
    if let Some(user) = &who.user {
        rates.push(gates(Name::user(account, user), &[rules.user], Reason::UserRate));
    }
    if let Some(session) = &who.session {
        rates.push(gates(
            Name::session(account, session),
            &[rules.session],
            Reason::SessionRate,
        ));
    }
    for (key, value) in &who.own {
        rates.push(gates(
            Name::own(account, (key, value)),
            &[rules.own],
            Reason::OwnRate,
        ));
    }
    if let Some(blocks) = blocks {
        let block = Name::prefix(account, blocks.of_10000);
        rates.push(gates(block, &rules.block_of_10000, Reason::PrefixRate));
        let block = Name::prefix(account, blocks.of_1000);
        rates.push(gates(block, &[rules.block_of_1000], Reason::PrefixRate));
    }
    rates
}

/// What records of what was given back are about, with their rules.
fn conversions<'a>(
    ask: &Ask<'a>,
    place: Option<Place<'a>>,
    rules: &'a Rules,
) -> Vec<(&'a str, &'a conversion::Rules)> {
    place.map_or_else(Vec::new, |place| {
        let route = ask.route.map(|route| (route, &rules.network_conversion));
        let known = [
            (place.blocks.of_10000, &rules.prefix_conversion),
            (place.country, &rules.country_conversion),
        ];
        known.into_iter().chain(route).collect()
    })
}

/// Whose latest numbers are looked at: the user's, else the network's.
fn row(ask: &Ask<'_>, rules: &Rules) -> Option<Name> {
    let network = || ask.who.ip.map(counter::usual_network);
    let who = ask.who.user.clone().or_else(network);
    who.filter(|_| rules.watches_rows)
        .map(|who| Name::numbers(ask.account, &who))
}

/// The records that a decision needs; empty where the destination decides.
pub fn names(ask: &Ask<'_>, rules: &Rules) -> Vec<Name> {
    let Ok(place) = place(ask, &rules.policy) else {
        return Vec::new();
    };
    let rates = rates(ask, blocks(ask), rules).into_iter().map(|rate| rate.name);
    let conversions = conversions(ask, place, rules)
        .into_iter()
        .map(|(about, _)| Name::conversion(ask.account, ask.channel, about));
    rates
        .chain(conversions)
        .chain(row(ask, rules))
        .chain(purses(ask, rules).into_iter().map(|(name, _, _)| name))
        .collect()
}

/// The records of whoever asks, whatever is known of where it would go.
pub fn names_of_limits(ask: &Ask<'_>, rules: &Rules) -> Vec<Name> {
    let rates = rates(ask, blocks(ask), rules).into_iter().map(|rate| rate.name);
    rates.chain(row(ask, rules)).collect()
}

#[cfg(test)]
pub(crate) mod tests;
