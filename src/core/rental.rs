//! A rental: a number leased for a service, and its life as pure transitions; contract 000 calls it a verification in its URLs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{AccountId, MessageId, RentalId};
use super::key::KeyId;
use super::money::Price;
use super::otp::Filter;
use super::phone::PhoneNumber;
use super::tags::Tags;
use super::time::UnixMs;

/// How many messages a rental lists; later ones are stored and delivered, but no longer listed under it.
const MESSAGES_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Active,
    Completed,
    Cancelled,
    Expired,
}

impl Status {
    /// As contract 000 spells it (double l in cancelled).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rental {
    pub id: RentalId,
    pub account: AccountId,
    /// The line of keys that made it; nobody's where it was not made with one.
    pub maker: Option<KeyId>,
    pub service: String,
    pub number: PhoneNumber,
    pub cost: Price,
    pub status: Status,
    /// What its holder expects of the code, over what the service does.
    pub filter: Filter,
    /// Its holder's own words, which subscriptions can filter by.
    pub tags: Tags,
    pub created_at: UnixMs,
    /// When the number is given back; earlier once a code has come.
    pub ends_at: UnixMs,
    /// The number has been given back.
    pub closed: bool,
    /// Its holder says that the number is bad.
    pub reported: bool,
    /// Who sold the number for this rental; `None`: it is our own.
    pub supplied: Option<Supplied>,
    /// The newest code, and the message it came in.
    pub code: Option<Code>,
    pub messages: Vec<MessageRef>,
    /// Grows with every change; a commit names the version it decided on.
    pub version: u32,
}

/// A supplier, and the rental's id there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplied {
    pub supplier: String,
    pub id: String,
}

/// A code found in a message. `Debug` hides both.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Code {
    pub code: String,
    pub text: String,
    pub message: MessageId,
    pub confidence: f32,
    pub at: UnixMs,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<code of {}>", self.message)
    }
}

/// Where a message of this rental is stored: its id, and its arrival, whose day's log holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRef {
    pub id: MessageId,
    pub at: UnixMs,
}

/// The rental is over, so it cannot be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the verification is already {}", .0.as_str())]
pub struct AlreadyOver(pub Status);

impl Rental {
    /// A message arrived. A code completes an active rental, and then the number is held for at most `linger_ms` more,
    /// for a service that sends twice. A late message attaches and opens nothing again.
    pub fn receive(&self, message: MessageRef, code: Option<Code>, now: UnixMs, linger_ms: u64) -> Self {
        let mut next = self.changed();
        if next.messages.len() < MESSAGES_MAX {
            next.messages.push(message);
        }
        if let Some(code) = code {
            if next.status == Status::Active {
                next.status = Status::Completed;
            }
            if next.status == Status::Completed {
                next.code = Some(code);
                next.ends_at = next.ends_at.min(now.plus_ms(linger_ms));
            }
        }
        next
    }

    /// Ends an active rental at its holder's wish. `Ok(None)`: it was cancelled before, which is no error.
    pub fn cancel(&self, now: UnixMs) -> Result<Option<Self>, AlreadyOver> {
        match self.status {
            Status::Active => Ok(Some(Self {
                status: Status::Cancelled,
                ..self.closed_at(now)
            })),
            Status::Cancelled => Ok(None),
            over => Err(AlreadyOver(over)),
        }
    }

    /// As `cancel`, because the number is bad. `Ok(None)`: it was reported before, which is no error.
    pub fn report(&self, now: UnixMs) -> Result<Option<Self>, AlreadyOver> {
        if self.reported {
            return Ok(None);
        }
        match self.status {
            Status::Active => Ok(Some(Self {
                status: Status::Cancelled,
                reported: true,
                ..self.closed_at(now)
            })),
            over => Err(AlreadyOver(over)),
        }
    }

    /// Gives the number back at its holder's wish: an active rental is cancelled, a completed one stays completed.
    pub fn finish(&self, now: UnixMs) -> Result<Self, AlreadyOver> {
        match self.status {
            Status::Active => Ok(Self {
                status: Status::Cancelled,
                ..self.closed_at(now)
            }),
            Status::Completed if !self.closed => Ok(self.closed_at(now)),
            over => Err(AlreadyOver(over)),
        }
    }

    /// Ends a rental whose time is up: an active one expires, a completed one stays completed and gives its number back.
    pub fn time_up(&self, now: UnixMs) -> Option<Self> {
        if self.closed || now < self.ends_at {
            return None;
        }
        let status = if self.status == Status::Active {
            Status::Expired
        } else {
            self.status
        };
        Some(Self {
            status,
            ..self.closed_at(now)
        })
    }

    /// Its supplier has ended it: an active one is cancelled, or expired, as it is there.
    pub fn ended_there(&self, status: Status, now: UnixMs) -> Option<Self> {
        let is_end = matches!(status, Status::Cancelled | Status::Expired);
        (is_end && self.status == Status::Active).then(|| Self {
            status,
            ..self.closed_at(now)
        })
    }

    fn closed_at(&self, now: UnixMs) -> Self {
        debug_assert!(!self.closed, "a number is given back once");
        Self {
            closed: true,
            ends_at: self.ends_at.min(now),
            ..self.changed()
        }
    }

    fn changed(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::number::samples::rented;

    fn rental() -> Rental {
        Rental {
            cost: Price(5000),
            ..rented(1, 1000, 10_000)
        }
    }

    fn message(n: u8) -> MessageRef {
        MessageRef {
            id: MessageId([n; 16]),
            at: UnixMs(u64::from(n)),
        }
    }

    fn code(n: u8) -> Option<Code> {
        let message = MessageId([n; 16]);
        Some(Code {
            code: n.to_string(),
            text: "t".into(),
            message,
            confidence: 1.0,
            at: UnixMs(2000),
        })
    }

    #[test]
    fn a_code_completes_and_a_second_one_replaces_it() {
        let once = rental().receive(message(1), code(1), UnixMs(2000), 3000);
        assert_eq!(
            (once.status, once.ends_at, once.version),
            (Status::Completed, UnixMs(5000), 1)
        );
        let twice = once.receive(message(2), code(2), UnixMs(4000), 3000);
        assert_eq!(
            (twice.code.unwrap().code.as_str(), twice.ends_at),
            ("2", UnixMs(5000))
        );
        assert_eq!(twice.messages.len(), 2);
    }

    #[test]
    fn a_message_without_a_code_only_attaches() {
        let next = rental().receive(message(1), None, UnixMs(2000), 3000);
        assert_eq!(
            (next.status, next.ends_at, next.messages.len()),
            (Status::Active, UnixMs(10_000), 1)
        );
    }

    #[test]
    fn cancelled_once_and_then_over() {
        let over = rental().cancel(UnixMs(3000)).unwrap().unwrap();
        assert_eq!(
            (over.status, over.ends_at, over.closed),
            (Status::Cancelled, UnixMs(3000), true)
        );
        assert_eq!(over.cancel(UnixMs(4000)), Ok(None));
        let late = over.receive(message(1), code(1), UnixMs(3500), 3000);
        assert_eq!((late.status, late.code), (Status::Cancelled, None));
        let completed = rental().receive(message(1), code(1), UnixMs(2000), 3000);
        assert_eq!(
            completed.cancel(UnixMs(3000)),
            Err(AlreadyOver(Status::Completed))
        );
    }

    #[test]
    fn a_report_ends_what_is_active_and_nothing_else() {
        let over = rental().report(UnixMs(3000)).unwrap().unwrap();
        assert_eq!(
            (over.status, over.ends_at, over.closed, over.reported),
            (Status::Cancelled, UnixMs(3000), true, true)
        );
        assert_eq!(over.report(UnixMs(4000)), Ok(None));
        assert_eq!(over.cancel(UnixMs(4000)), Ok(None));
        let cancelled = rental().cancel(UnixMs(3000)).unwrap().unwrap();
        assert_eq!(
            cancelled.report(UnixMs(4000)),
            Err(AlreadyOver(Status::Cancelled))
        );
        let completed = rental().receive(message(1), code(1), UnixMs(2000), 3000);
        assert_eq!(
            completed.report(UnixMs(3000)),
            Err(AlreadyOver(Status::Completed))
        );
    }

    #[test]
    fn a_number_is_given_back_once_whatever_came() {
        let unused = rental().finish(UnixMs(3000)).unwrap();
        assert_eq!(
            (unused.status, unused.ends_at, unused.closed),
            (Status::Cancelled, UnixMs(3000), true)
        );
        assert_eq!(unused.finish(UnixMs(4000)), Err(AlreadyOver(Status::Cancelled)));
        let used = rental()
            .receive(message(1), code(1), UnixMs(2000), 3000)
            .finish(UnixMs(3000))
            .unwrap();
        assert_eq!(
            (used.status, used.ends_at, used.closed),
            (Status::Completed, UnixMs(3000), true)
        );
        assert_eq!(used.finish(UnixMs(4000)), Err(AlreadyOver(Status::Completed)));
    }

    #[test]
    fn time_ends_what_is_open() {
        assert_eq!(rental().time_up(UnixMs(9999)), None);
        assert_eq!(rental().time_up(UnixMs(10_000)).unwrap().status, Status::Expired);
        let completed = rental().receive(message(1), code(1), UnixMs(2000), 3000);
        let over = completed.time_up(UnixMs(5000)).unwrap();
        assert_eq!((over.status, over.closed), (Status::Completed, true));
        assert_eq!(over.time_up(UnixMs(9000)), None);
    }

    #[test]
    fn what_its_supplier_ended_is_over() {
        let ended = |status| rental().ended_there(status, UnixMs(3000));
        let over = ended(Status::Expired).unwrap();
        assert_eq!(
            (over.status, over.ends_at, over.closed),
            (Status::Expired, UnixMs(3000), true)
        );
        assert_eq!(ended(Status::Cancelled).unwrap().status, Status::Cancelled);
        assert_eq!((ended(Status::Completed), ended(Status::Active)), (None, None));
        assert_eq!(over.ended_there(Status::Cancelled, UnixMs(4000)), None);
    }

    #[test]
    fn debug_hides_the_code() {
        let shown = format!("{:?}", rental().receive(message(1), code(9), UnixMs(2000), 0));
        assert!(
            !shown.contains("code: \"9\"") && !shown.contains("2025550143"),
            "{shown}"
        );
    }

    #[test]
    fn the_list_of_messages_is_bounded() {
        let full = (0..100).fold(rental(), |r, n| r.receive(message(n), None, UnixMs(2000), 0));
        assert_eq!((full.messages.len(), full.version), (MESSAGES_MAX, 100));
    }
}
