//! Guesses at codes: each is counted as wrong before it is compared, for its person and for where it comes from; a right one is taken back.

use std::net::IpAddr;

use super::Rules;
use super::checks::Failing;
use super::counter::{self, Counter, Counters, Name};
use super::gate::Limit;
use super::misses::Misses;
use crate::core::id::AccountId;
use crate::core::time::UnixMs;
use crate::core::verification::address::To;

/// Somebody guesses at a code.
#[derive(Debug, Clone, Copy)]
pub struct Guess<'a> {
    pub account: &'a AccountId,
    pub to: &'a To,
    /// Whoever asked the caller.
    pub ip: Option<IpAddr>,
}

impl Guess<'_> {
    fn network(&self) -> Option<Name> {
        self.ip.map(|ip| Name::misses_of_network(self.account, ip))
    }
}

/// The records that a guess needs.
pub fn names_of_guess(guess: &Guess<'_>) -> Vec<Name> {
    let person = Name::misses(guess.account, guess.to);
    let all = Name::checks(guess.account);
    [person, all].into_iter().chain(guess.network()).collect()
}

/// The records with one more wrong code, and what the account is to hear of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guessed {
    pub changes: Counters,
    pub failing: Option<Failing>,
}

/// One more wrong code; or how long to wait before one may be given.
pub fn guessed(guess: &Guess<'_>, known: &Counters, rules: &Rules, now: UnixMs) -> Result<Guessed, u64> {
    let (mut next, mut wait_ms) = (Counters::new(), 0);
    if rules.locks {
        let name = Name::misses(guess.account, guess.to);
        match counter::misses(known, &name).healed(now).counted(now) {
            Ok(misses) => drop(next.insert(name, Counter::Misses(misses))),
            Err(left_ms) => wait_ms = left_ms,
        }
    }
    if let Some(name) = guess.network() {
        let gate = counter::gates(known, &name).first().copied().unwrap_or_default();
        match gate
            .healed(rules.misses_of_network, now)
            .taken(rules.misses_of_network, now)
        {
            Ok(gate) => drop(next.insert(name, Counter::Gates(vec![gate]))),
            Err(left_ms) => wait_ms = wait_ms.max(left_ms),
        }
    }
    if wait_ms > 0 {
        return Err(wait_ms);
    }
    let all = Name::checks(guess.account);
    let (checks, failing) = counter::checks(known, &all).counted(&rules.checks, now);
    next.insert(all, Counter::Checks(checks));
    Ok(Guessed {
        changes: next,
        failing,
    })
}

/// It was right: nothing is held against its person any more, and it is given back to where it came from.
pub fn right(guess: &Guess<'_>, known: &Counters, limit: Limit) -> Counters {
    let person = Name::misses(guess.account, guess.to);
    let all = Name::checks(guess.account);
    let checks = counter::checks(known, &all).right();
    let mut next = Counters::from([
        (person, Counter::Misses(Misses::default())),
        (all, Counter::Checks(checks)),
    ]);
    if let Some(name) = guess.network() {
        let gate = counter::gates(known, &name).first().copied().unwrap_or_default();
        next.insert(name, Counter::Gates(vec![gate.given_back(limit)]));
    }
    next
}

#[cfg(test)]
mod tests {
    use super::super::tests::rules;
    use super::*;

    #[test]
    fn many_guesses_from_one_network_wait_and_right_ones_do_not_count() {
        let account = AccountId::parse("acme").unwrap();
        let (rules, now) = (rules(), UnixMs(1 << 40));
        let mut known = Counters::new();
        let mut wrong = 0;
        for nth in 0..100 {
            let to = To::Number(To::strict_number(&format!("+1202555{nth:04}")).unwrap());
            let guess = Guess {
                account: &account,
                to: &to,
                ip: Some("192.0.2.1".parse().unwrap()),
            };
            let Ok(next) = guessed(&guess, &known, &rules, now) else {
                break;
            };
            known.extend(next.changes);
            if nth % 2 == 0 {
                let taken_back = right(&guess, &known, rules.misses_of_network);
                known.extend(taken_back);
            } else {
                wrong += 1;
            }
        }
        assert_eq!(wrong, rules.misses_of_network.max);
    }

    #[test]
    fn a_right_code_forgets_the_wrong_ones() {
        let account = AccountId::parse("acme").unwrap();
        let to = To::Number(To::strict_number("+12025550143").unwrap());
        let guess = Guess {
            account: &account,
            to: &to,
            ip: None,
        };
        let (rules, now) = (rules(), UnixMs(1 << 40));
        let mut known = Counters::new();
        for _ in 0..10 {
            known.extend(guessed(&guess, &known, &rules, now).unwrap().changes);
        }
        assert_eq!(guessed(&guess, &known, &rules, now), Err(30_000));
        known.extend(right(&guess, &known, rules.misses_of_network));
        assert!(guessed(&guess, &known, &rules, now).is_ok());
        let off = Rules {
            locks: false,
            ..rules
        };
        assert!(guessed(&guess, &known, &off, now).is_ok());
    }
}
