//! The decision itself: every matching record is looked at, what speaks against a code is gathered, and the gravest of it counts.

use super::conversion::{self, Standing};
use super::counter::{self, Counter, Counters, Name};
use super::gate::{Gate, Limit};
use super::spend::Warning;
use super::{
    Alarm, Ask, Decision, Rate, Reason, Rules, Verdict, blocks, conversions, place, purses, rates, row,
};
use crate::core::time::UnixMs;

/// Gathers what speaks against a code, and the records as they will be.
#[derive(Default)]
struct Findings {
    reasons: Vec<Reason>,
    delayed_ms: u64,
    blocked_ms: u64,
    is_challenged: bool,
    /// If it is sent.
    charged: Counters,
    /// Whether or not it is.
    kept: Counters,
    alarms: Vec<Alarm>,
}

impl Findings {
    fn delay(&mut self, reason: Reason, wait_ms: u64) {
        self.reasons.push(reason);
        self.delayed_ms = self.delayed_ms.max(wait_ms);
    }

    fn block(&mut self, reason: Reason, wait_ms: u64) {
        self.reasons.push(reason);
        self.blocked_ms = self.blocked_ms.max(wait_ms);
    }

    /// A record, mended after a clock that went back, where that changed it.
    fn heal(&mut self, name: &Name, was: &Counter, healed: Counter) {
        if *was != healed {
            self.kept.insert(name.clone(), healed);
        }
    }

    fn rate(&mut self, rate: Rate<'_>, known: &Counters, now: UnixMs) {
        let Rate {
            name,
            limits,
            reason,
            pauses_ms,
        } = rate;
        let taken = match pauses_ms {
            Some(pauses_ms) => {
                let recent = counter::recent(known, &name);
                self.heal(
                    &name,
                    &Counter::Recent(recent.clone()),
                    Counter::Recent(recent.healed(now)),
                );
                recent.taken(&limits, pauses_ms, now).map(Counter::Recent)
            }
            None => {
                let mut gates = counter::gates(known, &name);
                gates.resize(limits.len(), Gate::default());
                let healed = gates
                    .iter()
                    .zip(&limits)
                    .map(|(gate, limit)| gate.healed(*limit, now))
                    .collect();
                self.heal(&name, &Counter::Gates(gates.clone()), Counter::Gates(healed));
                all_taken(&gates, &limits, now).map(Counter::Gates)
            }
        };
        match taken {
            Ok(next) => drop(self.charged.insert(name, next)),
            Err(wait_ms) => self.delay(reason, wait_ms),
        }
    }

    fn conversion(
        &mut self,
        ask: &Ask<'_>,
        (about, rules): (&str, &conversion::Rules),
        known: &Counters,
        now: UnixMs,
    ) {
        let name = Name::conversion(ask.account, ask.channel, about);
        let was = counter::conversion(known, &name);
        let looked_at = was.healed(now).looked_at(rules, now);
        let alarm = |closed_ms| Alarm {
            channel: ask.channel,
            about: about.to_owned(),
            figures: was.figures(now),
            closed_ms,
        };
        let (standing, next) = looked_at.judged(rules, now);
        match standing {
            Standing::Blocked(closed_ms) if next.is_some() => self.alarms.push(alarm(Some(closed_ms))),
            _ if looked_at.is_warned && !was.is_warned => self.alarms.push(alarm(None)),
            _ => {}
        }
        self.heal(
            &name,
            &Counter::Conversion(was),
            Counter::Conversion(looked_at.clone()),
        );
        let next = match next {
            Some(next) => {
                self.kept.insert(name.clone(), Counter::Conversion(next.clone()));
                next
            }
            None => looked_at,
        };
        match standing {
            Standing::Open => {}
            Standing::Challenge => {
                self.reasons.push(Reason::LowConversion);
                self.is_challenged = true;
            }
            Standing::Fast(wait_ms) => self.delay(Reason::CountryRate, wait_ms),
            Standing::Blocked(wait_ms) => self.block(Reason::Blocked, wait_ms),
        }
        self.charged.insert(name, Counter::Conversion(next.sent(now)));
    }

    fn row(&mut self, ask: &Ask<'_>, rules: &Rules, known: &Counters, now: UnixMs) {
        let (Some(name), Some(number)) = (row(ask, rules), ask.to.number()) else {
            return;
        };
        let (next, is_of_a_row) = counter::numbers(known, &name).with(number, now);
        if is_of_a_row {
            self.reasons.push(Reason::SequentialNumbers);
            self.is_challenged = true;
        }
        self.charged.insert(name, Counter::Numbers(next));
    }
}

impl Findings {
    /// The gravest of it counts.
    fn decided(self, ask: &Ask<'_>, warnings: Vec<Warning>) -> Decision {
        let verdict = if self.blocked_ms > 0 {
            Verdict::Blocked(self.blocked_ms)
        } else if self.delayed_ms > 0 {
            Verdict::Delayed(self.delayed_ms)
        } else if self.is_challenged && !ask.who.challenge_passed {
            Verdict::Challenge
        } else {
            Verdict::Allow(warnings)
        };
        let changes = match verdict {
            Verdict::Allow(_) => self.charged,
            _ => self.kept,
        };
        Decision {
            verdict,
            reasons: self.reasons,
            changes,
            alarms: self.alarms,
        }
    }
}

fn all_taken(gates: &[Gate], limits: &[Limit], now: UnixMs) -> Result<Vec<Gate>, u64> {
    let each: Vec<Result<Gate, u64>> = gates
        .iter()
        .zip(limits)
        .map(|(gate, limit)| gate.taken(*limit, now))
        .collect();
    match each.iter().filter_map(|taken| taken.err()).max() {
        Some(wait_ms) => Err(wait_ms),
        None => Ok(each.into_iter().flatten().collect()),
    }
}

/// Whether this code may be sent, by what is known of the names that `names` named.
pub fn decide(ask: &Ask<'_>, known: &Counters, rules: &Rules, now: UnixMs) -> Decision {
    let place = match place(ask, &rules.policy) {
        Ok(place) => place,
        Err(denied) => {
            return Decision {
                verdict: Verdict::Blocked(u64::MAX),
                reasons: vec![denied.into()],
                changes: Counters::new(),
                alarms: Vec::new(),
            };
        }
    };
    let mut findings = Findings::default();
    for rate in rates(ask, blocks(ask), rules) {
        findings.rate(rate, known, now);
    }
    for of in conversions(ask, place, rules) {
        findings.conversion(ask, of, known, now);
    }
    findings.row(ask, rules, known, now);
    let mut warnings = Vec::new();
    for (name, whose, caps) in purses(ask, rules) {
        match counter::spend(known, &name).charged(ask.cost, (whose, caps), now) {
            Ok((next, due)) => {
                findings.charged.insert(name, Counter::Spend(next));
                warnings.extend(due);
            }
            Err(wait_ms) => findings.delay(Reason::SpendCap, wait_ms),
        }
    }
    findings.decided(ask, warnings)
}

/// Whether whoever asks may ask for one more, whatever is known of where it would go: for a code that is not sent and must look as if it
/// were. For the names of `names_of_limits`.
pub fn decide_limits(ask: &Ask<'_>, known: &Counters, rules: &Rules, now: UnixMs) -> Decision {
    let mut findings = Findings::default();
    for rate in rates(ask, blocks(ask), rules) {
        findings.rate(rate, known, now);
    }
    findings.row(ask, rules, known, now);
    findings.decided(ask, Vec::new())
}
