//! Codes that are sent to the US without a limit, a cap or a guard: each test sets those that it is about. Hashes take no time.

use ringback::core::abuse::destination::Policy;
use ringback::core::abuse::gate::{DAY_MS, Limit};
use ringback::core::abuse::spend::Caps;
use ringback::core::abuse::{self, checks, conversion};
use ringback::core::money::Price;
use ringback::core::verification::hash::Scheme;
use ringback::core::verification::pepper::{Lasting, Pepper, Peppers};
use ringback::gateway::VerifyRules;

pub const NO_LIMIT: Limit = Limit::new(0, DAY_MS);
pub const NO_GUARD: conversion::Rules = conversion::Rules {
    warn_below_pct: 0,
    block_below_pct: 0,
    block_matured_min: 1,
    challenge_below_pct: 0,
    challenge_matured_min: 1,
    outstanding_max: 0,
    hour_min: 0,
};
pub const NO_ALARM: checks::Rules = checks::Rules {
    above_pct: 0,
    checks_min: 1,
};

pub fn abuse_rules() -> abuse::Rules {
    abuse::Rules {
        policy: Policy {
            countries: vec!["US".into()],
            ..Policy::default()
        },
        person: [NO_LIMIT; 3],
        pauses_ms: Vec::new(),
        everybody: NO_LIMIT,
        network: [NO_LIMIT, NO_LIMIT],
        user: NO_LIMIT,
        session: NO_LIMIT,
        own: NO_LIMIT,
        block_of_10000: [NO_LIMIT, NO_LIMIT],
        block_of_1000: NO_LIMIT,
        account: [NO_LIMIT, NO_LIMIT],
        misses_of_network: NO_LIMIT,
        checks: NO_ALARM,
        locks: false,
        watches_rows: false,
        prefix_conversion: NO_GUARD,
        country_conversion: NO_GUARD,
        network_conversion: NO_GUARD,
        caps: Caps([None; 3]),
        country_caps: Caps([None; 3]),
    }
}

pub fn verify_rules() -> VerifyRules {
    VerifyRules {
        abuse: abuse_rules(),
        scheme: Scheme::Hmac,
        peppers: Peppers {
            newest: Pepper([7; 32]),
            before: None,
        },
        lasting: Lasting::of_master(&[7; 32]),
        ttl_ms: 600_000,
        attempts_max: 5,
        resends_same: false,
        fallback: Vec::new(),
        price: Price(500),
        strict_privacy: false,
        tells_why: false,
        test_codes: Default::default(),
        loopback: false,
        consent: None,
        consent_fails_open: true,
        hashing_max: 2,
        hashing_queue_max: 64,
        repeated_ms: 0,
        profiles_max: 10,
        templates_max: 10,
    }
}
