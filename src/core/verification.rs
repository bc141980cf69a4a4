//! A code that we sent and check: its life from pending to one of its ends, as pure transitions. A guess is counted before it is compared,
//! so guesses at the same moment are no way past the limit.

pub mod address;
pub mod autofill;
pub mod code;
pub mod fallback;
pub mod figures;
pub mod hash;
pub mod pepper;
pub mod profile;
pub mod text;

use serde::{Deserialize, Serialize};

use self::address::To;
use self::code::Code;
use self::fallback::{Charge, Fallback};
use self::hash::Hash;
use super::id::{AccountId, VerificationId};
use super::outbound::{Sending, State};
use super::sending;
use super::time::{Moment, UnixMs};

pub use super::sending::Channel;

/// Guesses at a code of four digits; a longer one has as many as the configuration says.
const ATTEMPTS_OF_FOUR_DIGITS_MAX: u8 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Pending,
    /// The right code was given, once.
    Approved,
    Expired,
    /// As many wrong codes were given as may be.
    Failed,
    /// Its owner took it back; or nobody took its code, and nothing follows.
    Canceled,
    /// A newer one to the same address took its place.
    Superseded,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Superseded => "superseded",
        }
    }
}

/// What became of the sending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sent {
    /// It was handed over and nothing was heard of it yet.
    Asked,
    /// The provider took it, under this id of its own.
    Accepted { provider: String, id: String },
    /// The provider did not take it, for this reason in its own words.
    Refused { provider: String, reason: String },
    /// Nobody knows whether it was taken: no other code is sent by itself, for a person who gets two codes trusts neither. The same one
    /// goes by another way only where a time was set after which it does.
    Unknown { provider: String },
    /// By the provider's report it reached the handset.
    Delivered { provider: String },
    /// By the provider's report it will not arrive, for a reason in its own words.
    Failed { provider: String, reason: String },
    /// A test number: nothing is sent.
    Nothing,
}

impl Sent {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Accepted { .. } => "accepted",
            Self::Refused { .. } => "refused",
            Self::Unknown { .. } => "unknown",
            Self::Delivered { .. } => "delivered",
            Self::Failed { .. } => "failed",
            Self::Nothing => "nothing",
        }
    }

    /// Who was asked; nobody where no provider could be.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::Accepted { provider, .. }
            | Self::Refused { provider, .. }
            | Self::Unknown { provider }
            | Self::Delivered { provider }
            | Self::Failed { provider, .. } => {
                Some(provider).filter(|name| !name.is_empty()).map(String::as_str)
            }
            Self::Asked | Self::Nothing => None,
        }
    }

    /// Why it does not arrive.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused { reason, .. } | Self::Failed { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// What a provider said.
    pub fn of(provider: &str, sent: &sending::Sent) -> Self {
        let provider = provider.to_owned();
        match sent {
            sending::Sent::Accepted(taken) => Self::Accepted {
                provider,
                id: taken.carrier_message_id.clone(),
            },
            sending::Sent::Refused(refusal) => Self::Refused {
                provider,
                reason: refusal.class.as_str().to_owned(),
            },
            sending::Sent::Unknown(_) => Self::Unknown { provider },
        }
    }
}

/// A code that we sent and check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    pub id: VerificationId,
    pub account: AccountId,
    /// Within it a newer verification takes the place of an older one to the same address: contract 003's profile, empty in contract 002.
    pub profile: String,
    pub to: To,
    /// By which it was asked for, and by which it goes now.
    pub asked: Channel,
    pub channel: Channel,
    pub status: Status,
    pub hash: Hash,
    /// Guesses that were made, and those of them that are known to be wrong.
    pub attempts: u8,
    pub wrong: u8,
    pub attempts_max: u8,
    /// How often its code was sent.
    pub sends: u8,
    pub sent: Sent,
    /// It is there only so that its refusal is not told: no code of it is right.
    pub withheld: bool,
    /// What spend caps were charged for those of its sendings that went out, or may have.
    pub charges: Vec<Charge>,
    /// What follows where it does not arrive.
    pub fallback: Option<Box<Fallback>>,
    /// On both clocks: what is shown has the wall's time, what ends it is counted by the steady one.
    pub created_at: UnixMs,
    pub began_at: UnixMs,
    pub ttl_ms: u64,
    /// What its caller said of it that contract 003 shows again.
    pub own: Own,
    /// Of the last change, by the wall's clock; the store writes it.
    pub updated_at: UnixMs,
    pub version: u32,
}

/// What a caller decides of one code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Own {
    /// The code itself, where the caller brought it: it is kept, sealed, because contract 003 tells it again.
    pub code: Option<Code>,
    /// Keys that are pressed once a call is answered.
    pub extension: Option<String>,
}

/// Why a code is not compared at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is over, in whatever way: as good as unknown.
    Over(Status),
    /// All guesses were made.
    NoAttempts,
}

impl Verification {
    /// When it ends, as people read it.
    pub fn expires_at(&self) -> UnixMs {
        self.created_at.plus_ms(self.ttl_ms)
    }

    /// When it ends by the steady clock.
    pub fn ends_at(&self) -> UnixMs {
        self.began_at.plus_ms(self.ttl_ms)
    }

    /// Its time is over. One that seems to begin only later outlived a restart with the clock set back: how old it is cannot be known.
    pub fn is_over(&self, steady: UnixMs) -> bool {
        steady >= self.ends_at() || steady < self.began_at
    }

    /// As it stands now, whether or not anybody wrote down yet that it did.
    pub fn status_at(&self, steady: UnixMs) -> Status {
        match self.status {
            Status::Pending if self.is_over(steady) => Status::Expired,
            Status::Pending if self.attempts >= self.attempts_max => Status::Failed,
            status => status,
        }
    }

    /// None of its sendings went out, or may have, and nothing follows: what makes it canceled without its owner's word.
    pub fn is_taken_by_nobody(&self) -> bool {
        let is_refused = matches!(self.sent, Sent::Refused { .. });
        is_refused && self.charges.is_empty() && self.fallback.is_none()
    }

    fn changed(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// Whether this is the same wish again so soon that its first answer may have been lost on its way.
    pub fn is_repeated(&self, channel: Channel, own: &Own, (within_ms, steady): (u64, UnixMs)) -> bool {
        self.asked == channel && self.own == *own && steady.since(self.began_at) < within_ms
    }

    /// A guess is made: it is counted, and only then may anybody compare.
    pub fn counted(&self, steady: UnixMs) -> Result<Self, Closed> {
        match self.status_at(steady) {
            Status::Pending => Ok(Self {
                attempts: self.attempts + 1,
                ..self.changed()
            }),
            Status::Failed => Err(Closed::NoAttempts),
            over => Err(Closed::Over(over)),
        }
    }

    /// What a counted guess came to. `None`: another one was right before, or it is over in another way, so this one changes nothing.
    pub fn judged(&self, is_right: bool) -> Option<Self> {
        if self.status != Status::Pending {
            return None;
        }
        let mut next = self.changed();
        if is_right {
            next.status = Status::Approved;
            return Some(next);
        }
        debug_assert!(self.wrong < self.attempts, "only what was counted is wrong");
        next.wrong += 1;
        if next.wrong >= next.attempts_max {
            next.status = Status::Failed;
        }
        Some(next)
    }

    /// Ends it in this way, if it is pending.
    pub fn ended(&self, status: Status) -> Option<Self> {
        (self.status == Status::Pending).then(|| Self {
            status,
            ..self.changed()
        })
    }

    /// Its owner takes it back. `None`: it is canceled already; an error: it is over in another way.
    pub fn canceled(&self, steady: UnixMs) -> Result<Option<Self>, Status> {
        match self.status_at(steady) {
            Status::Pending => Ok(Some(Self {
                status: Status::Canceled,
                fallback: None,
                ..self.changed()
            })),
            Status::Canceled => Ok(None),
            over => Err(over),
        }
    }

    /// Its code goes out once more, by this channel; it ends when it would have.
    pub fn resent(&self, channel: Channel) -> Option<Self> {
        (self.status == Status::Pending).then(|| Self {
            asked: channel,
            channel,
            sends: self.sends.saturating_add(1),
            sent: Sent::Asked,
            withheld: false,
            fallback: None,
            ..self.changed()
        })
    }

    /// What was heard of a sending. What is known is never forgotten for what is not, and a report may come before the answer; of one
    /// before the latest only counts that it was refused, and so cost nothing.
    pub fn heard(&self, nth: u8, sent: Sent, now: UnixMs) -> Option<Self> {
        let is_reported = matches!(self.sent, Sent::Delivered { .. } | Sent::Failed { .. });
        let is_news = self.sent != sent && sent != Sent::Asked && !is_reported && nth == self.sends;
        let is_refused = matches!(sent, Sent::Refused { .. });
        let is_charged = self.charges.iter().any(|charge| charge.nth == nth);
        let was_charged = is_refused && is_charged;
        if !is_news && !was_charged {
            return None;
        }
        let mut next = self.changed();
        if is_news {
            next.sent = sent;
        }
        if is_refused {
            next.charges.retain(|charge| charge.nth != nth);
        }
        if is_refused && is_news {
            next = next.hastened(now);
        }
        Some(next.or_over())
    }

    /// A carrier's report on one sending of its code. That one arrived is news whichever it was, and nothing follows it; that one did not
    /// only of the latest.
    pub fn reported(&self, of: &Sending, report: (State, Option<&str>), now: UnixMs) -> Option<Self> {
        let provider = of.provider.clone();
        let (state, reason) = report;
        match (state, &self.sent) {
            (State::Delivered, Sent::Delivered { .. }) => None,
            (State::Delivered, _) => Some(Self {
                sent: Sent::Delivered { provider },
                fallback: None,
                ..self.changed()
            }),
            (State::Failed, Sent::Asked | Sent::Accepted { .. } | Sent::Unknown { .. })
                if of.nth == self.sends =>
            {
                let reason = reason.unwrap_or_default().to_owned();
                let failed = Self {
                    sent: Sent::Failed { provider, reason },
                    ..self.changed()
                };
                Some(failed.hastened(now))
            }
            _ => None,
        }
    }
}

/// A verification that is asked for, with its code's hash.
#[derive(Debug, Clone)]
pub struct New {
    pub id: VerificationId,
    pub account: AccountId,
    pub profile: String,
    pub to: To,
    pub channel: Channel,
    pub hash: Hash,
    pub digits: u8,
    pub attempts_max: u8,
    pub ttl_ms: u64,
    pub own: Own,
}

impl New {
    /// Nothing is known of its sending yet.
    pub fn begun(self, now: Moment) -> Verification {
        Verification {
            attempts_max: attempts_max(self.digits, self.attempts_max),
            id: self.id,
            account: self.account,
            profile: self.profile,
            to: self.to,
            asked: self.channel,
            channel: self.channel,
            status: Status::Pending,
            hash: self.hash,
            attempts: 0,
            wrong: 0,
            sends: 1,
            sent: Sent::Asked,
            withheld: false,
            charges: Vec::new(),
            fallback: None,
            created_at: now.wall,
            began_at: now.steady,
            ttl_ms: self.ttl_ms,
            own: self.own,
            updated_at: now.wall,
            version: 0,
        }
    }
}

/// Four digits are guessed with the odds of one in 2,000 by five guesses, which is too good for whoever may ask for five codes an hour.
fn attempts_max(digits: u8, max: u8) -> u8 {
    if digits <= 4 {
        max.min(ATTEMPTS_OF_FOUR_DIGITS_MAX)
    } else {
        max
    }
}

#[cfg(test)]
mod tests;
