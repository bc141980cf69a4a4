//! How a code goes on where it does not arrive: by which channel, or provider, and after how long. Which step is due is decided here; the
//! time is an argument. It is always the same code, and never one that is over.

use serde::{Deserialize, Serialize};

use super::autofill::Autofill;
use super::code::Code;
use super::text::{self, Filling};
use super::{Sent, Status, Verification};
use crate::core::abuse::Who;
use crate::core::money::Price;
use crate::core::sending::Channel;
use crate::core::time::UnixMs;

/// Steps of one way.
pub const STEPS_MAX: usize = 5;
/// How long a step may be waited for, in seconds.
pub const WAIT_S_MAX: u32 = 3600;

/// One way to bring a code to its person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub channel: Channel,
    /// By this provider alone; `None`: by whoever serves the channel.
    pub provider: Option<String>,
    /// After so long without a word that it arrived, and without the code, the next one goes. `None`: only where it surely did not arrive.
    pub wait_s: Option<u32>,
}

impl Step {
    /// By this channel, and that is all.
    fn alone(channel: Channel) -> Self {
        Self {
            channel,
            provider: None,
            wait_s: None,
        }
    }

    /// When the next one is due, of one that goes now.
    pub fn due_at(&self, now: UnixMs) -> Option<UnixMs> {
        self.wait_s.map(|wait_s| now.plus_ms(u64::from(wait_s) * 1000))
    }
}

/// Whether these may follow one another.
pub fn check(steps: &[Step]) -> Result<(), &'static str> {
    if steps.len() > STEPS_MAX {
        return Err("has at most 5 steps");
    }
    if steps.iter().any(|step| step.channel == Channel::Email) {
        return Err("has no e-mail: whoever is sent a code by a number is known by it alone");
    }
    let waits = |step: &Step| {
        step.wait_s
            .is_none_or(|wait_s| (1..=WAIT_S_MAX).contains(&wait_s))
    };
    if !steps.iter().all(waits) {
        return Err("waits 1 to 3600 seconds for a step");
    }
    Ok(())
}

/// The step that a code begins with which is asked for by this channel, and those behind it.
pub fn from(steps: &[Step], channel: Channel) -> (Step, Vec<Step>) {
    let at = steps.iter().position(|step| step.channel == channel);
    at.map_or_else(
        || (Step::alone(channel), Vec::new()),
        |at| (steps[at].clone(), steps[at + 1..].to_vec()),
    )
}

/// In what words a code is told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Words {
    pub language: String,
    /// The caller's own text, with a place for the code.
    pub text: Option<String>,
    pub app_name: Option<String>,
    /// Whose phones fill the code in, where it is an SMS.
    pub autofill: Autofill,
}

impl Words {
    /// What its person reads by this channel.
    pub fn told(&self, channel: Channel, code: &Code, ttl_ms: u64) -> String {
        let filling = Filling {
            code,
            app_name: self.app_name.as_deref(),
            minutes: ttl_ms.div_ceil(60_000),
        };
        let text = text::written(self.text.as_deref(), &self.language, filling);
        match channel {
            Channel::Sms => self.autofill.marked(&text, code),
            _ => text,
        }
    }
}

/// What is left of a code's way, and all that its next step needs, so that it goes on after a restart. The code itself is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// Never empty.
    pub rest: Vec<Step>,
    /// When the next step is due, by the steady clock; `None`: once it is known that the last one failed.
    pub due_at: Option<UnixMs>,
    pub digits: u8,
    /// Without a profile, whose words are looked up.
    pub words: Words,
    /// Who asked for it, and with which key: a further step is counted as theirs too.
    pub who: Who,
    pub actor: String,
}

/// What was charged for one sending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The how manyth.
    pub nth: u8,
    pub channel: Channel,
    pub at: UnixMs,
    pub cost: Price,
    /// The network that it went to, or by which provider, where that was known: whether it came back is counted there too.
    pub route: Option<String>,
}

/// Where a due step stands in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub due_at: UnixMs,
    pub id: super::VerificationId,
    /// Which sending it is about, so that a place never means another step.
    pub nth: u8,
}

impl Verification {
    /// What was charged for all of its sendings that went out, or may have.
    pub fn cost(&self) -> Price {
        let sum = self.charges.iter().map(|charge| charge.cost.0);
        Price(sum.fold(0, u64::saturating_add))
    }

    /// What was charged for one of them.
    pub fn charge(&self, nth: u8) -> Option<&Charge> {
        self.charges.iter().find(|charge| charge.nth == nth)
    }

    /// One of its sendings turned out to cost this; `None`: it was charged so, or not at all.
    pub fn settled(&self, nth: u8, cost: Price) -> Option<Self> {
        self.charge(nth).filter(|charge| charge.cost != cost)?;
        let mut next = self.changed();
        let charge = next.charges.iter_mut().find(|charge| charge.nth == nth);
        charge.into_iter().for_each(|charge| charge.cost = cost);
        Some(next)
    }

    /// Charged for this sending; what is left of its way begins to be waited for.
    pub fn charged(self, cost: Price, rest: Option<Fallback>, now: UnixMs) -> Self {
        let charge = Charge {
            nth: self.sends,
            channel: self.channel,
            at: now,
            cost,
            route: None,
        };
        let mut charges = self.charges;
        charges.push(charge);
        Self {
            charges,
            fallback: rest.map(Box::new),
            ..self
        }
    }

    /// Its latest sending goes over this network, or by this provider.
    pub fn over(mut self, route: Option<&str>) -> Self {
        if let Some(charge) = self.charges.last_mut() {
            charge.route = route.map(str::to_owned);
        }
        self
    }

    /// So many of the steps that are left are passed over.
    pub fn without(&self, steps: usize) -> Self {
        let mut next = self.clone();
        if let Some(fallback) = &mut next.fallback {
            fallback.rest.drain(..steps.min(fallback.rest.len()));
        }
        next
    }

    /// Where its next step stands, if one is waited for.
    pub fn place(&self) -> Option<Place> {
        let fallback = self
            .fallback
            .as_ref()
            .filter(|_| self.status == Status::Pending)?;
        Some(Place {
            due_at: fallback.due_at?,
            id: self.id,
            nth: self.sends,
        })
    }

    /// The step that is due.
    pub fn step_due(&self, now: UnixMs) -> Option<&Step> {
        let is_pending = self.status_at(now) == Status::Pending;
        let fallback = self.fallback.as_ref().filter(|_| is_pending)?;
        let is_due = fallback.due_at.is_some_and(|due_at| due_at <= now);
        fallback.rest.first().filter(|_| is_due)
    }

    /// It goes on by the step that is due, for so much; it ends when it would have.
    pub fn stepped(&self, cost: Price, now: UnixMs) -> Option<(Self, Step)> {
        let step = self.step_due(now)?.clone();
        let fallback = self.fallback.as_deref()?;
        let rest = fallback.rest[1..].to_vec();
        let left = (!rest.is_empty()).then(|| Fallback {
            rest,
            due_at: step.due_at(now),
            ..fallback.clone()
        });
        let next = Self {
            channel: step.channel,
            sends: self.sends.saturating_add(1),
            sent: Sent::Asked,
            ..self.changed()
        };
        Some((next.charged(cost, left, now), step))
    }

    /// It goes no further, whatever comes; one of which nothing went out is over.
    pub fn stayed(&self) -> Self {
        Self {
            fallback: None,
            ..self.changed()
        }
        .or_over()
    }

    /// The last of its sendings surely did not arrive: the next step is due.
    pub(super) fn hastened(self, now: UnixMs) -> Self {
        let fallback = self.fallback.map(|fallback| {
            Box::new(Fallback {
                due_at: Some(now),
                ..*fallback
            })
        });
        Self { fallback, ..self }
    }

    /// Nothing of it is out and nothing follows: nobody will ever give it back.
    pub(super) fn or_over(self) -> Self {
        let status = match self.status {
            Status::Pending if self.is_taken_by_nobody() => Status::Canceled,
            status => status,
        };
        Self { status, ..self }
    }
}

#[cfg(test)]
mod tests;
