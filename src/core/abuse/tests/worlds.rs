//! Days in which somebody pumps and days in which everybody is honest, for many seeds.

use super::*;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.throw() % limit
    }
}

const SEEDS: u64 = 1000;

/// How fast a pump goes, in milliseconds between two.
const PACES_MS: [u64; 6] = [10, 1000, 10_000, 20_000, 30_000, 45_000];

#[test]
fn a_pump_in_one_prefix_gets_thirty_codes_at_most_and_never_passes_the_cap() {
    let mut most = 0;
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        let mut rules = rules();
        // Rates and challenges must each do without the other: no rate holds in half of the worlds.
        if seed % 2 == 0 {
            (rules.block_of_10000, rules.block_of_1000) = ([Limit::new(0, 1); 2], Limit::new(0, 1));
            rules.watches_rows = false;
        }
        rules.caps = Caps([None, Some(Price(COST.0 * (10 + dice.below(40)))), None]);
        let cap = rules.caps.0[1];
        let (mut world, passes_challenges) = (World::new(rules), seed % 6 == 3);
        let pace_ms = PACES_MS[dice.below(6) as usize];
        for _ in 0..500 {
            let number = to(&format!("+1202555{:04}", dice.below(10_000)));
            let ip = [192, 0, dice.below(256) as u8, dice.below(256) as u8];
            let who = Who {
                ip: Some(IpAddr::from(ip)),
                challenge_passed: passes_challenges,
                ..Who::default()
            };
            world.ask(&number, &who, None);
            if dice.below(40) == 0 {
                world.restart();
            }
            world.pass(dice.below(2 * pace_ms));
        }
        most = most.max(world.sent);
        // A pump whose every request is said to come from a person passes all challenges: then the five probes after a block go out too.
        let most_allowed = if passes_challenges { 35 } else { 30 };
        assert!(
            world.sent <= most_allowed,
            "seed {seed}: {} sent, refused {:?}",
            world.sent,
            world.refused
        );
        assert!(Some(world.spent) <= cap, "seed {seed}");
    }
    assert!(most >= 10, "a pump that gets nothing shows nothing: {most}");
}

/// A day of an account whose persons give 70 % of the codes back, most of them within two minutes, some of them after a second code.
fn honest_day(seed: u64) -> World {
    let mut dice = Dice(seed);
    let mut world = World::new(rules());
    let end = START.plus_ms(DAY_MS);
    while world.now < end {
        let number = to(&format!(
            "+1{}{:07}",
            [202, 212, 415, 617, 305][dice.below(5) as usize],
            2_000_000 + dice.below(8_000_000)
        ));
        let ip = IpAddr::from([
            dice.below(200) as u8 + 1,
            dice.below(256) as u8,
            dice.below(256) as u8,
            7,
        ]);
        let who = Who {
            ip: Some(ip),
            ..Who::default()
        };
        let mut back = || (dice.below(100) < 70).then(|| dice.below(2 * MINUTE_MS));
        let first = back();
        let second = back();
        world.ask(&number, &who, first);
        if first.is_none() {
            world.pass(MINUTE_MS);
            world.ask(&number, &who, second);
        }
        // Twenty an hour, each as likely as any other.
        let unit = (dice.below(1 << 30) as f64 + 1.0) / f64::from(1 << 30);
        world.pass((-unit.ln() * 180_000.0) as u64);
    }
    world
}

#[test]
fn an_honest_account_is_never_blocked() {
    for seed in 0..SEEDS {
        let world = honest_day(seed);
        assert!(
            world.refused.is_empty(),
            "seed {seed}: {:?} of {}",
            world.refused,
            world.sent
        );
        assert!(world.sent > 200, "seed {seed}: {}", world.sent);
    }
}

#[test]
fn a_restart_and_a_step_of_the_clock_change_no_limit() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let mut world = World::new(rules());
        let number = to("+12025550143");
        let (mut times, mut steps) = (Vec::<UnixMs>::new(), 0);
        let mut real_ms = 0;
        for _ in 0..60 {
            if let Verdict::Allow(_) = world.ask(&number, &Who::default(), Some(1000)) {
                times.push(UnixMs(real_ms));
            }
            world.restart();
            let passed_ms = dice.below(5 * MINUTE_MS);
            real_ms += passed_ms;
            world.pass(passed_ms);
            if dice.below(10) == 0 {
                world.now = world.now.minus_ms(dice.below(HOUR_MS));
                steps += 1;
            }
        }
        let most = times
            .iter()
            .map(|from| {
                times
                    .iter()
                    .filter(|at| at.since(*from) < HOUR_MS && *at >= from)
                    .count()
            })
            .max();
        assert!(
            most <= Some(5),
            "seed {seed}: {most:?} in an hour after {steps} steps back"
        );
    }
}

/// Over a restart a clock that was set ahead cannot be told from time that passed: it brings a whole window, and no more.
#[test]
fn a_step_of_the_clock_ahead_gives_no_more_than_a_burst() {
    let mut most = 0;
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let mut world = World::new(rules());
        world.rules.person[2] = Limit::new(0, DAY_MS);
        world.rules.everybody = Limit::new(0, DAY_MS);
        let number = to("+12025550143");
        let (mut through, mut steps, mut real_ms) = (Vec::<(u64, usize)>::new(), 0, 0);
        for _ in 0..120 {
            if let Verdict::Allow(_) = world.ask(&number, &Who::default(), Some(1000)) {
                through.push((real_ms, steps));
            }
            world.restart();
            let passed_ms = dice.below(2 * MINUTE_MS);
            real_ms += passed_ms;
            world.pass(passed_ms);
            if dice.below(20) == 0 {
                world.pass(dice.below(HOUR_MS));
                steps += 1;
            }
        }
        for (at, (from_ms, before)) in through.iter().enumerate() {
            let within = through[at..].iter().take_while(|(ms, _)| ms - from_ms < HOUR_MS);
            let (count, after) = within.fold((0, 0), |(count, _), (_, steps)| (count + 1, *steps));
            assert!(
                count <= 5 * (1 + after - before),
                "seed {seed}: {count} in an hour with {} steps ahead",
                after - before
            );
            most = most.max(count);
        }
    }
    assert!(most > 5, "steps that bring nothing show nothing: {most}");
}
