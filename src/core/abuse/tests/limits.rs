//! Each limit alone: how many it lets through at once, as shipped, and that the refusal names it.

use super::*;

const NONE: Limit = Limit::new(0, 1);

/// Nothing is limited.
fn unlimited() -> Rules {
    let guard = conversion::Rules {
        warn_below_pct: 0,
        block_below_pct: 0,
        challenge_below_pct: 0,
        outstanding_max: 0,
        hour_min: 0,
        ..rules().prefix_conversion
    };
    Rules {
        person: [NONE; 3],
        everybody: NONE,
        network: [NONE; 2],
        user: NONE,
        session: NONE,
        own: NONE,
        block_of_10000: [NONE; 2],
        block_of_1000: NONE,
        account: [NONE; 2],
        watches_rows: false,
        prefix_conversion: guard,
        country_conversion: guard,
        network_conversion: guard,
        caps: Caps([None; 3]),
        ..rules()
    }
}

/// The how manyth asks for what: by which account, for which number, on whose behalf.
type Asks = fn(u32) -> (&'static str, String, Who);

/// How many are let through, and why the next is not.
fn through(rules: Rules, asks: Asks) -> (u32, Vec<&'static str>) {
    let mut world = World::new(rules);
    for nth in 0..20_000 {
        let (account, number, who) = asks(nth);
        world.account = AccountId::parse(account).unwrap();
        if !matches!(world.ask(&to(&number), &who, None), Verdict::Allow(_)) {
            return (nth, world.refused.into_keys().collect());
        }
    }
    (u32::MAX, Vec::new())
}

/// Numbers of which no two share a prefix, for a while.
fn spread(nth: u32) -> String {
    format!("+1202{}{:04}", 200 + nth % 700, nth)
}

fn nobody() -> Who {
    Who::default()
}

fn at(ip: &str) -> Who {
    Who {
        ip: Some(ip.parse().unwrap()),
        ..nobody()
    }
}

fn one_person(_: u32) -> (&'static str, String, Who) {
    ("acme", "+12025550143".into(), nobody())
}

fn all_accounts(nth: u32) -> (&'static str, String, Who) {
    let accounts = ["acme", "globex", "initech", "umbrella"];
    (accounts[nth as usize % 4], "+12025550143".into(), nobody())
}

fn one_address(nth: u32) -> (&'static str, String, Who) {
    ("acme", spread(nth), at("192.0.2.7"))
}

fn one_64(nth: u32) -> (&'static str, String, Who) {
    ("acme", spread(nth), at(&format!("2001:db8:1:2::{nth:x}")))
}

fn one_48(nth: u32) -> (&'static str, String, Who) {
    ("acme", spread(nth), at(&format!("2001:db8:1:{nth:x}::7")))
}

fn one_user(nth: u32) -> (&'static str, String, Who) {
    let user = Some("u".to_owned());
    ("acme", spread(nth), Who { user, ..nobody() })
}

fn one_session(nth: u32) -> (&'static str, String, Who) {
    let session = Some("s".to_owned());
    ("acme", spread(nth), Who { session, ..nobody() })
}

fn one_device(nth: u32) -> (&'static str, String, Who) {
    let own = vec![("device".to_owned(), "d".to_owned())];
    ("acme", spread(nth), Who { own, ..nobody() })
}

fn one_block(nth: u32) -> (&'static str, String, Who) {
    ("acme", format!("+1202555{:04}", nth * 111 % 10_000), nobody())
}

fn one_thousand(nth: u32) -> (&'static str, String, Who) {
    ("acme", format!("+12025550{nth:03}"), nobody())
}

fn anybody(nth: u32) -> (&'static str, String, Who) {
    ("acme", spread(nth), nobody())
}

#[test]
fn each_limit_alone_lets_its_number_through_and_is_named() {
    let (all, none) = (rules(), unlimited);
    let only = |at: usize, of: [Limit; 2]| [0, 1].map(|nth| if nth == at { of[nth] } else { NONE });
    let [_, person, day] = all.person;
    let (network, block, account) = (all.network, all.block_of_10000, all.account);
    #[rustfmt::skip]
    let cases: [(Rules, Asks, u32, &str); 16] = [
        (Rules { person: [NONE, person, NONE], ..none() }, one_person, 5, "person_rate"),
        (Rules { person: [NONE, NONE, day], ..none() }, one_person, 10, "person_rate"),
        (Rules { everybody: all.everybody, ..none() }, all_accounts, 15, "everybody_rate"),
        (Rules { network: only(0, network), ..none() }, one_address, 5, "network_rate"),
        (Rules { network: only(1, network), ..none() }, one_address, 30, "network_rate"),
        (Rules { network: only(0, network), ..none() }, one_64, 5, "network_rate"),
        (Rules { network: only(0, network), ..none() }, one_48, 20, "network_rate"),
        (Rules { user: all.user, ..none() }, one_user, 5, "user_rate"),
        (Rules { session: all.session, ..none() }, one_session, 3, "session_rate"),
        (Rules { own: all.own, ..none() }, one_device, 5, "own_rate"),
        (Rules { block_of_10000: only(0, block), ..none() }, one_block, 10, "prefix_rate"),
        (Rules { block_of_10000: only(1, block), ..none() }, one_block, 30, "prefix_rate"),
        (Rules { block_of_1000: all.block_of_1000, ..none() }, one_thousand, 5, "prefix_rate"),
        (Rules { country_conversion: conversion::Rules { hour_min: 50, ..none().country_conversion }, ..none() }, anybody, 50, "country_rate"),
        (Rules { account: only(0, account), ..none() }, anybody, 10, "account_rate"),
        (Rules { account: only(1, account), ..none() }, anybody, 10_000, "account_rate"),
    ];
    for (nth, (rules, asks, max, reason)) in cases.into_iter().enumerate() {
        assert_eq!(through(rules, asks), (max, vec![reason]), "case {nth}");
    }
    assert_eq!(through(unlimited(), anybody).0, u32::MAX, "else nothing is");
}

/// As many that differ in nothing but one limit's key pass it.
#[test]
fn another_key_has_a_limit_of_its_own() {
    let all = rules();
    let others: Asks = |nth| ("acme", spread(nth), at(&format!("192.0.2.{}", nth % 200)));
    let only = Rules {
        network: [all.network[0], NONE],
        ..unlimited()
    };
    assert_eq!(through(only, others), (1000, vec!["network_rate"]));
    let only = Rules {
        everybody: all.everybody,
        ..unlimited()
    };
    let two: Asks = |nth| ("acme", format!("+1202555010{}", nth % 2), nobody());
    assert_eq!(through(only, two), (30, vec!["everybody_rate"]));
}
