//! The decision as a whole, on one account's world.

mod limits;
mod worlds;

use std::collections::BTreeMap;

use super::*;
use crate::core::abuse::counter::Counter;
use crate::core::abuse::gate::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::core::id::VerificationId;
use crate::core::time::UnixMs;
use crate::core::verification::hash::Hash;
use crate::core::verification::{New, Own, Verification};

const START: UnixMs = UnixMs(1_800_000_000_000);
const TTL_MS: u64 = 10 * MINUTE_MS;
const COST: Price = Price(500);

/// As the configuration has them by default.
pub fn rules() -> Rules {
    let of_prefix = conversion::Rules {
        warn_below_pct: 35,
        block_below_pct: 21,
        block_matured_min: 15,
        challenge_below_pct: 25,
        challenge_matured_min: 15,
        outstanding_max: 10,
        hour_min: 0,
    };
    Rules {
        policy: Policy {
            countries: vec!["US".into()],
            ..Policy::default()
        },
        person: [
            Limit::new(0, 10 * MINUTE_MS),
            Limit::new(5, HOUR_MS),
            Limit::new(10, DAY_MS),
        ],
        pauses_ms: Vec::new(),
        everybody: Limit::new(15, DAY_MS),
        network: [Limit::new(5, 10 * MINUTE_MS), Limit::new(30, DAY_MS)],
        user: Limit::new(5, HOUR_MS),
        session: Limit::new(3, 10 * MINUTE_MS),
        own: Limit::new(5, HOUR_MS),
        block_of_10000: [Limit::new(10, 10 * MINUTE_MS), Limit::new(30, HOUR_MS)],
        block_of_1000: Limit::new(5, 10 * MINUTE_MS),
        account: [Limit::new(10, 1000), Limit::new(10_000, DAY_MS)],
        misses_of_network: Limit::new(20, 10 * MINUTE_MS),
        checks: checks::Rules {
            above_pct: 60,
            checks_min: 20,
        },
        locks: true,
        watches_rows: true,
        prefix_conversion: of_prefix,
        country_conversion: conversion::Rules {
            warn_below_pct: 35,
            block_below_pct: 15,
            block_matured_min: 50,
            challenge_below_pct: 15,
            challenge_matured_min: 50,
            outstanding_max: 0,
            hour_min: 50,
        },
        network_conversion: conversion::Rules {
            warn_below_pct: 35,
            block_below_pct: 15,
            block_matured_min: 50,
            challenge_below_pct: 15,
            challenge_matured_min: 50,
            outstanding_max: 0,
            hour_min: 0,
        },
        caps: Caps([None, Some(Price(500_000)), None]),
        country_caps: Caps([None; 3]),
    }
}

fn to(number: &str) -> To {
    To::Number(To::strict_number(number).unwrap())
}

fn begun(account: &AccountId, to: &To, now: UnixMs) -> Verification {
    let new = New {
        id: VerificationId([0; 16]),
        account: account.clone(),
        profile: String::new(),
        to: to.clone(),
        channel: Channel::Sms,
        hash: Hash::NOTHING,
        digits: 6,
        attempts_max: 5,
        ttl_ms: TTL_MS,
        own: Own::default(),
    };
    new.begun(now.into())
}

/// One that began so long after the world did.
pub fn pending(number: &str, after_ms: u64) -> Verification {
    begun(
        &AccountId::parse("acme").unwrap(),
        &to(number),
        START.plus_ms(after_ms),
    )
}

/// One account's world: its records, and what is under way.
pub struct World {
    rules: Rules,
    account: AccountId,
    known: Counters,
    now: UnixMs,
    /// By when it is over: the verification, and when its person gives the code back.
    open: BTreeMap<(UnixMs, u32), (Verification, Option<UnixMs>)>,
    sent: u32,
    spent: Price,
    refused: BTreeMap<&'static str, u32>,
}

impl World {
    fn new(rules: Rules) -> Self {
        Self {
            rules,
            account: AccountId::parse("acme").unwrap(),
            known: Counters::new(),
            now: START,
            open: BTreeMap::new(),
            sent: 0,
            spent: Price(0),
            refused: BTreeMap::new(),
        }
    }

    fn ask(&mut self, to: &To, who: &Who, comes_back_after_ms: Option<u64>) -> Verdict {
        let ask = Ask {
            account: &self.account,
            to,
            channel: Channel::Sms,
            who,
            cost: COST,
            follows: false,
            profile: None,
            route: Some("provider/main"),
        };
        let names = names(&ask, &self.rules);
        let read = names
            .iter()
            .filter_map(|name| Some((name.clone(), self.known.get(name)?.clone())));
        let decision = decide(&ask, &read.collect(), &self.rules, self.now);
        assert!(
            decision.changes.keys().all(|name| names.contains(name)),
            "only what was named changes"
        );
        self.known.extend(decision.changes);
        if !matches!(decision.verdict, Verdict::Allow(_)) {
            *self.refused.entry(decision.reasons[0].as_str()).or_default() += 1;
            return decision.verdict;
        }
        self.sent += 1;
        self.spent = Price(self.spent.0 + COST.0);
        let verification = begun(&self.account, to, self.now)
            .charged(COST, None, self.now)
            .over(ask.route);
        let back = comes_back_after_ms.map(|ms| self.now.plus_ms(ms));
        let end = back.unwrap_or(verification.ends_at());
        self.open.insert((end, self.sent), (verification, back));
        decision.verdict
    }

    /// Time passes, and what ends within it is told.
    fn pass(&mut self, ms: u64) {
        let hours_gone = (self.now.0 + ms) / HOUR_MS - self.now.0 / HOUR_MS;
        self.now = self.now.plus_ms(ms);
        while let Some(entry) = self.open.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (verification, back) = entry.remove();
            let changes = ended(&verification, &self.known, back.is_some());
            self.known.extend(changes);
        }
        if hours_gone > 0 {
            self.known.retain(|_, counter| !counter.is_over(self.now));
        }
    }

    /// What is kept goes through the form that it has on the disk.
    fn restart(&mut self) {
        let kept = postcard::to_stdvec(&self.known).unwrap();
        self.known = postcard::from_bytes(&kept).unwrap();
    }
}

fn ask_once(world: &mut World, number: &str, who: &Who) -> Verdict {
    world.ask(&to(number), who, Some(1000))
}

#[test]
fn five_an_hour_for_one_person_and_the_wait_is_told() {
    let mut world = World::new(rules());
    for _ in 0..5 {
        assert_eq!(
            ask_once(&mut world, "+12025550143", &Who::default()),
            Verdict::Allow(Vec::new())
        );
    }
    assert_eq!(
        ask_once(&mut world, "+12025550143", &Who::default()),
        Verdict::Delayed(HOUR_MS)
    );
    assert_eq!(world.refused, BTreeMap::from([("person_rate", 1)]));
}

#[test]
fn three_in_ten_minutes_after_growing_pauses_still_leave_five_an_hour() {
    let mut world = World::new(rules());
    world.rules.person[0] = Limit::new(3, 10 * MINUTE_MS);
    world.rules.pauses_ms = [30, 60, 120, 300].map(|s| s * 1000).into();
    let mut at_s = Vec::new();
    for second in 0..3600 {
        if let Verdict::Allow(_) = ask_once(&mut world, "+12025550143", &Who::default()) {
            at_s.push(second);
        }
        world.pass(1000);
    }
    assert_eq!(
        at_s,
        [0, 30, 90, 600, 900],
        "the fourth waits for the ten minutes, the fifth for its pause"
    );
    assert_eq!(world.refused.keys().copied().collect::<Vec<_>>(), ["person_rate"]);
}

#[test]
fn a_refusal_charges_nothing() {
    let mut world = World::new(rules());
    let who = Who {
        session: Some("s".into()),
        ..Who::default()
    };
    (0..3).for_each(|nth| drop(ask_once(&mut world, &format!("+1202555{nth}143"), &who)));
    let before = world.known.clone();
    assert!(matches!(
        ask_once(&mut world, "+12025559143", &who),
        Verdict::Delayed(_)
    ));
    assert_eq!(world.known, before);
    assert_eq!(world.refused, BTreeMap::from([("session_rate", 1)]));
}

#[test]
fn every_key_has_its_limit() {
    let mut who = Who {
        ip: Some("2001:db8:1:2::9".parse().unwrap()),
        user: Some("u".into()),
        own: vec![("device".into(), "d".into())],
        ..Who::default()
    };
    let counts = |who: &Who| {
        let mut world = World::new(rules());
        let spread = |nth: u32| format!("+1202{:03}{nth:04}", 200 + nth * 7);
        (0..30)
            .filter(|nth| matches!(ask_once(&mut world, &spread(*nth), who), Verdict::Allow(_)))
            .count()
    };
    assert_eq!(counts(&who), 5);
    who.user = None;
    assert_eq!(counts(&who), 5);
    who.own.clear();
    assert_eq!(counts(&who), 5);
    who.ip = None;
    assert_eq!(counts(&who), 10, "the account's own ten a second");
}

#[test]
fn a_row_of_numbers_and_a_low_rate_are_let_through_once_a_person_was_seen() {
    let mut world = World::new(rules());
    let mut who = Who {
        user: Some("u".into()),
        ..Who::default()
    };
    world.rules.user = Limit::new(0, 1);
    world.rules.block_of_1000 = Limit::new(0, 1);
    for nth in 0..5 {
        assert_eq!(
            ask_once(&mut world, &format!("+1202555000{nth}"), &who),
            Verdict::Allow(Vec::new())
        );
    }
    assert_eq!(ask_once(&mut world, "+12025550009", &who), Verdict::Challenge);
    who.challenge_passed = true;
    assert_eq!(
        ask_once(&mut world, "+12025550009", &who),
        Verdict::Allow(Vec::new())
    );
}

#[test]
fn a_closed_prefix_leaves_other_channels_open() {
    let mut world = World::new(rules());
    let (number, name) = (to("+12025550143"), |channel| {
        Name::conversion(&AccountId::parse("acme").unwrap(), channel, "+1202555")
    });
    let mut bad = conversion::Conversion::default();
    (0..15).for_each(|_| bad = bad.sent(START).matured(START, false));
    world.known.insert(name(Channel::Sms), Counter::Conversion(bad));
    assert_eq!(
        world.ask(&number, &Who::default(), None),
        Verdict::Blocked(HOUR_MS)
    );
    let blocked = world.known[&name(Channel::Sms)].clone();
    assert!(
        matches!(blocked, Counter::Conversion(known) if known.blocked(START).is_some()),
        "the block is kept"
    );
    let ask = Ask {
        account: &world.account,
        to: &number,
        channel: Channel::Whatsapp,
        who: &Who::default(),
        cost: COST,
        follows: false,
        profile: None,
        route: None,
    };
    assert_eq!(
        decide(&ask, &world.known, &world.rules, START).verdict,
        Verdict::Allow(Vec::new())
    );
}

#[test]
fn an_address_has_no_country_and_where_nothing_may_be_sent_nothing_is_read() {
    let (account, who) = (AccountId::parse("acme").unwrap(), Who::default());
    let email = To::Email(crate::core::verification::address::Email::parse("ann@example.com").unwrap());
    let number = to("+919876543210");
    let ask = |to| Ask {
        account: &account,
        to,
        channel: Channel::Email,
        who: &who,
        cost: Price(0),
        follows: false,
        profile: None,
        route: None,
    };
    assert!(
        names(&ask(&email), &rules())
            .iter()
            .all(|name| !["prefix", "conversion"].contains(&name.kind()))
    );
    assert_eq!(
        decide(&ask(&email), &Counters::new(), &rules(), START).verdict,
        Verdict::Allow(Vec::new())
    );
    assert_eq!(names(&ask(&number), &rules()), []);
    let refused = decide(&ask(&number), &Counters::new(), &rules(), START);
    assert_eq!(
        (refused.verdict, refused.reasons),
        (Verdict::Blocked(u64::MAX), vec![Reason::CountryNotAllowed])
    );
}
