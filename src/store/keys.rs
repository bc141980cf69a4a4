//! The whole key space on one page. Numbers on disk are never reused; integers are big-endian, so byte order is time order.
//!
//! | tree | tag | key after the tag | value | life |
//! |---|---|---|---|---|
//! | state | 1 META | name | text | for ever |
//! | state | 2 NUMBER | keyed hash of the number (16) | sealed `Number` | until removed |
//! | state | 3 SUBSCRIPTION | account 0x00 id (16) | sealed `Subscription` | until deleted |
//! | state | 4 KEY | SHA-256 of the key (32) | sealed `Key` | until revoked |
//! | state | 5 DUE | subscription (16) due_ms (8) seq (8) | attempts made (2) and a checksum | while owed |
//! | state | 6 PARTS | set (16) | sealed `Set` | until complete or timed out |
//! | log-DAY | 16 RENTAL | account 0x00 id (16) | sealed `Rental` | day of the rental's creation + retention |
//! | log-DAY | 17 MESSAGE | id (16) | sealed `StoredMessage` | day of arrival + retention |
//! | log-DAY | 18 EVENT | seq (8) | sealed `Event` | day of writing + retention |
//! | log-DAY | 19 ATTEMPT | subscription (16) !seq (8) !attempt (2) | sealed `Attempt` | day of the event + retention |
//! | log-DAY | 20 UNMATCHED | arrival_ms (8) message id (16) | nothing | day of arrival + retention |
//!
//! The due index is keyed by subscription first, so that one subscriber's backlog is never read on behalf of another.

use crate::core::delivery::{Attempt, Due};
use crate::core::id::{AccountId, MessageId, RentalId, Seq, SetId, SubscriptionId};
use crate::core::key::Hash;
use crate::core::time::UnixMs;

/// Version of everything on this page and of the record encoding; changes with any of them.
pub const FORMAT: u32 = 2;

pub const META: u8 = 1;
pub const NUMBER: u8 = 2;
pub const SUBSCRIPTION: u8 = 3;
pub const KEY: u8 = 4;
pub const DUE: u8 = 5;
pub const PARTS: u8 = 6;
pub const RENTAL: u8 = 16;
pub const MESSAGE: u8 = 17;
pub const EVENT: u8 = 18;
pub const ATTEMPT: u8 = 19;
pub const UNMATCHED: u8 = 20;

const DAY_MS: u64 = 86_400_000;

/// A tree of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tree {
    State,
    /// The log of one day, counted from 1970-01-01 in UTC; retention drops it whole.
    Log(u32),
}

impl Tree {
    pub fn of(time: UnixMs) -> Self {
        Self::Log(u32::try_from(time.0 / DAY_MS).unwrap_or(u32::MAX))
    }

    pub fn name(self) -> String {
        match self {
            Self::State => "state".into(),
            Self::Log(day) => format!("log-{day:010}"),
        }
    }

    pub fn parse(name: &[u8]) -> Option<Self> {
        match std::str::from_utf8(name).ok()? {
            "state" => Some(Self::State),
            name => name.strip_prefix("log-")?.parse().ok().map(Self::Log),
        }
    }
}

pub type Key = Vec<u8>;

fn key(tag: u8, parts: &[&[u8]]) -> Key {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|p| p.len()).sum::<usize>());
    key.push(tag);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

pub fn meta(name: &str) -> Key {
    key(META, &[name.as_bytes()])
}

pub fn number(blinded: [u8; 16]) -> Key {
    key(NUMBER, &[&blinded])
}

pub fn subscription(account: &AccountId, id: SubscriptionId) -> Key {
    key(SUBSCRIPTION, &[account.as_str().as_bytes(), &[0], &id.0])
}

pub fn api_key(hash: Hash) -> Key {
    key(KEY, &[&hash.0])
}

pub fn due(due: &Due) -> Key {
    key(
        DUE,
        &[
            &due.subscription.0,
            &due.due_at.0.to_be_bytes(),
            &due.event.0.to_be_bytes(),
        ],
    )
}

/// Reads a due key back; the attempts stand in its value.
pub fn parse_due(key: &[u8], attempts: u16) -> Option<Due> {
    let rest = key.strip_prefix(&[DUE])?;
    Some(Due {
        subscription: SubscriptionId(rest.get(..16)?.try_into().ok()?),
        due_at: UnixMs(u64::from_be_bytes(rest.get(16..24)?.try_into().ok()?)),
        event: Seq(u64::from_be_bytes(rest.get(24..)?.try_into().ok()?)),
        attempts,
    })
}

pub fn parts(set: SetId) -> Key {
    key(PARTS, &[&set.0])
}

/// All rentals of an account.
pub fn rentals(account: &AccountId) -> Key {
    key(RENTAL, &[account.as_str().as_bytes(), &[0]])
}

pub fn rental(account: &AccountId, id: RentalId) -> Key {
    key(RENTAL, &[account.as_str().as_bytes(), &[0], &id.0])
}

pub fn message(id: MessageId) -> Key {
    key(MESSAGE, &[&id.0])
}

pub fn event(seq: Seq) -> Key {
    key(EVENT, &[&seq.0.to_be_bytes()])
}

/// All attempts for a subscription.
pub fn attempts(subscription: SubscriptionId) -> Key {
    key(ATTEMPT, &[&subscription.0])
}

pub fn attempt(attempt: &Attempt) -> Key {
    let Due {
        subscription, event, ..
    } = attempt.due;
    key(
        ATTEMPT,
        &[
            &subscription.0,
            &(!event.0).to_be_bytes(),
            &(!attempt.number()).to_be_bytes(),
        ],
    )
}

pub fn unmatched(at: UnixMs, id: MessageId) -> Key {
    key(UNMATCHED, &[&at.0.to_be_bytes(), &id.0])
}

/// The message of an unmatched row.
pub fn parse_unmatched(key: &[u8]) -> Option<MessageId> {
    Some(MessageId(key.get(9..)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn due_of(subscription: [u8; 16], at: u64, event: u64) -> Due {
        Due {
            subscription: SubscriptionId(subscription),
            due_at: UnixMs(at),
            event: Seq(event),
            attempts: 3,
        }
    }

    #[test]
    fn one_account_is_no_prefix_of_another() {
        let keys = |name: &str| rentals(&AccountId::parse(name).unwrap());
        assert!(!keys("ab").starts_with(&keys("a")));
    }

    proptest! {
        #[test]
        fn due_keys_round_trip_and_sort_by_time(sub: [u8; 16], a: u64, b: u64, seq: u64) {
            let (first, second) = (due_of(sub, a.min(b), seq), due_of(sub, a.max(b), seq));
            prop_assert_eq!(parse_due(&due(&first), 3), Some(first));
            prop_assert!(due(&first) <= due(&second));
            prop_assert_eq!(due(&first).len(), 33);
        }

        #[test]
        fn trees_round_trip(day: u32) {
            prop_assert_eq!(Tree::parse(Tree::Log(day).name().as_bytes()), Some(Tree::Log(day)));
        }

        #[test]
        fn newer_days_sort_later(a: u32, b: u32) {
            prop_assert_eq!(a < b, Tree::Log(a).name() < Tree::Log(b).name());
        }

        #[test]
        fn unmatched_keys_round_trip(at: u64, id: [u8; 16]) {
            prop_assert_eq!(parse_unmatched(&unmatched(UnixMs(at), MessageId(id))), Some(MessageId(id)));
        }
    }
}
