//! What a test chooses of the rules by which a house sends codes.

use std::time::Duration;

use ringback::core::abuse::gate::{DAY_MS, Limit};
use ringback::core::abuse::spend::Caps;
use ringback::core::abuse::{self, checks, conversion};
use ringback::core::money::Price;
use ringback::core::sending::{Channel, Class, Refusal, Sent};
use ringback::core::time::UnixMs;
use ringback::core::verification::fallback::Step;
use ringback::core::verification::pepper::{Pepper, Peppers};
use ringback::gateway::VerifyRules;

use crate::verify_rules::{NO_ALARM, NO_GUARD, NO_LIMIT, abuse_rules, verify_rules};

pub const START: UnixMs = UnixMs(1_793_534_400_000);
pub const TTL_MS: u64 = 600_000;
pub const PRICE: Price = Price(500);

/// What a test chooses of the rules.
#[derive(Debug, Clone)]
pub struct Choice {
    pub fallback: Vec<Step>,
    pub person_per_day_max: u32,
    pub pauses_ms: Vec<u64>,
    pub day_max: Option<Price>,
    pub prefix: conversion::Rules,
    pub network: conversion::Rules,
    pub checks: checks::Rules,
    pub pepper: u8,
    pub pepper_before: Option<u8>,
    pub strict_privacy: bool,
    /// The operator's own check says no to these, and takes so long.
    pub denies: Vec<Channel>,
    pub consent_takes: Duration,
    /// Until a provider says what became of a code.
    pub provider_takes: Duration,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            fallback: Vec::new(),
            person_per_day_max: 0,
            pauses_ms: Vec::new(),
            day_max: None,
            prefix: NO_GUARD,
            network: NO_GUARD,
            checks: NO_ALARM,
            pepper: 7,
            pepper_before: None,
            strict_privacy: false,
            denies: Vec::new(),
            consent_takes: Duration::ZERO,
            provider_takes: Duration::ZERO,
        }
    }
}

pub fn step(channel: Channel, wait_s: Option<u32>) -> Step {
    Step {
        channel,
        provider: None,
        wait_s,
    }
}

pub fn no() -> Sent {
    Sent::Refused(Refusal::new(Class::Unreachable, "not now"))
}

pub fn unknown() -> Sent {
    Sent::Unknown("no answer".into())
}

pub fn rules_of(choice: &Choice) -> VerifyRules {
    let country = conversion::Rules {
        block_below_pct: 0,
        challenge_below_pct: 0,
        warn_below_pct: 0,
        ..choice.prefix
    };
    VerifyRules {
        abuse: abuse::Rules {
            person: [NO_LIMIT, NO_LIMIT, Limit::new(choice.person_per_day_max, DAY_MS)],
            pauses_ms: choice.pauses_ms.clone(),
            checks: choice.checks,
            prefix_conversion: choice.prefix,
            country_conversion: country,
            network_conversion: choice.network,
            caps: Caps([None, choice.day_max, None]),
            ..abuse_rules()
        },
        peppers: Peppers {
            newest: Pepper([choice.pepper; 32]),
            before: choice.pepper_before.map(|byte| Pepper([byte; 32])),
        },
        ttl_ms: TTL_MS,
        fallback: choice.fallback.clone(),
        price: PRICE,
        strict_privacy: choice.strict_privacy,
        ..verify_rules()
    }
}
