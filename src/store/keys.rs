//! The whole key space on one page. Numbers on disk are never reused; integers are big-endian, so byte order is time order.
//!
//! | tree | tag | key after the tag | value | life |
//! |---|---|---|---|---|
//! | state | 1 META | name | text | for ever |
//! | state | 2 NUMBER | keyed hash of the number (16) | sealed `Number` | until removed |
//! | state | 3 SUBSCRIPTION | account 0x00 id (16) | sealed `Subscription` | until deleted |
//! | state | 4 KEY | SHA-256 of the key (32) | sealed `Key` | until revoked |
//! | state | 5 DUE | subscription (16) due_ms (8) seq (8) manual (1) | attempts made (2), spent (2), line (8, 0: none), asked_ms (8) and a checksum | while owed and not behind another |
//! | state | 6 PARTS | set (16) | sealed `Set` | until complete or timed out |
//! | state | 7 REPLAY | id (16) | sealed `Replay` | until 100 of its account have ended after it |
//! | state | 8 LINE | subscription (16) line (8) seq (8) | nothing | while owed, where deliveries go out one after the other |
//! | state | 9 HEALTH | subscription (16) | sealed `Health` | from its first change until the subscription is deleted |
//! | state | 10 ACCOUNT | account | sealed `Account` | until deleted and its logs are gone |
//! | state | 11 KEY_USE | SHA-256 of the key (32) | sealed time of its last use, at most a minute old | until the key is revoked |
//! | state | 12 SERVICE | name | sealed name and `Service`, or none where it is withdrawn | for ever |
//! | state | 15 PURCHASE | rental (16) | sealed `Purchase` | from the intent on, until its number has rested after its end |
//! | state | 33 OPEN_VERIFICATION | ends_at_ms (8) id (16) | sealed account | until its end is counted |
//! | state | 34 COUNTER | keyed hash of its name (16) | sealed name, version and `Counter` | while forgetting it would change a decision |
//! | state | 35 PROFILE | account 0x00 id (16) | sealed `Profile` | until deleted |
//! | state | 36 TEMPLATE | account 0x00 id (16) | sealed `Template` | until the account is deleted |
//! | state | 37 STEP | due_ms (8) id (16) nth (1) | sealed account | until the step of a code went or will not |
//! | log-DAY | 16 RENTAL | account 0x00 id (16) | sealed `Rental` | day of the rental's creation + retention |
//! | log-DAY | 17 MESSAGE | id (16) | sealed `StoredMessage` | day of arrival + retention |
//! | log-DAY | 18 EVENT | seq (8) | sealed `Event` | day of writing + retention |
//! | log-DAY | 19 ATTEMPT | subscription (16) !seq (8) !attempt (2) | sealed `Attempt` | day of the event + retention |
//! | log-DAY | 20 UNMATCHED | arrival_ms (8) message id (16) | nothing | day of arrival + retention |
//! | log-DAY | 21 CAPTURE | id (16), which begins with its time | sealed `Capture` | `inbound_log.days` and `.bytes_max`, within its day's life |
//! | log-DAY | 22 OUTBOUND | id (16) | sealed `Outbound` | day it was first heard of + retention |
//! | log-DAY | 23 ONCE | hash of account, route and client's key (16) | sealed `Answered` | day of the answer + retention; counts for `accounts.idempotency_h` |
//! | seen-PERIOD | 24 SEEN | message id (16) | nothing | this period of 32 days and the next |
//! | usage-PERIOD | 25 USAGE | account 0x00 seq (8) | sealed `Usage` | this period of 32 days + `store.usage_days` |
//! | log-DAY | 26 VERIFICATION | account 0x00 id (16) | sealed `Verification` | day of its start + retention |
//! | log-DAY | 27 NEWEST_VERIFICATION | account 0x00 keyed hash of profile and address (16) | sealed id | day of its start + retention |
//! | log-DAY | 28 VERIFICATION_TO | account 0x00 keyed hash of the address (16) id (16) | nothing | day of its start + retention, where it has a profile |
//! | log-DAY | 30 FEED | account 0x00 seq (8) | id (16), rental (16, zeros: none) and type of the event, whom it is owed to (16 each), and a checksum | day of writing + retention |
//! | log-DAY | 32 AGAIN | subscription (16) seq (8) | sealed `Again` | from the first wish on; day of the event + retention |
//! | audit-PERIOD | 38 AUDIT | seq (8) | sealed line, with the hash of the one before | this period of 32 days and the next three |
//!
//! The due index is keyed by subscription first, so that one subscriber's backlog is never read on behalf of another.

mod contract;
mod inbound;
mod profiles;
mod verify;

pub use contract::{once, parse_usage, usage, usage_of};
pub use inbound::{capture, parse_unmatched, seen, unmatched};
pub use profiles::{profile, template};
pub use verify::{
    audit, audit_head, counter, newest_verification, open_verification, parse_open_verification, parse_step,
    parse_verification_to, step, verification, verification_to, verifications, verifications_to,
};

use super::{AttemptPlace, Kept};
use crate::core::delivery::{Due, Line, Place};
use crate::core::id::{AccountId, MessageId, OutboundId, RentalId, ReplayId, Seq, SetId, SubscriptionId};
use crate::core::key::Hash;
use crate::core::time::{DAY_MS, UnixMs};

/// Version of everything on this page and of the record encoding; changes with any of them.
pub const FORMAT: u32 = 4;

pub const META: u8 = 1;
pub const NUMBER: u8 = 2;
pub const SUBSCRIPTION: u8 = 3;
pub const KEY: u8 = 4;
pub const DUE: u8 = 5;
pub const PARTS: u8 = 6;
pub const REPLAY: u8 = 7;
pub const LINE: u8 = 8;
pub const HEALTH: u8 = 9;
pub const SERVICE: u8 = 12;
pub const ACCOUNT: u8 = 10;
pub const KEY_USE: u8 = 11;
pub const PURCHASE: u8 = 15;
pub const RENTAL: u8 = 16;
pub const MESSAGE: u8 = 17;
pub const EVENT: u8 = 18;
pub const ATTEMPT: u8 = 19;
pub const UNMATCHED: u8 = 20;
pub const CAPTURE: u8 = 21;
pub const OUTBOUND: u8 = 22;
pub const ONCE: u8 = 23;
pub const SEEN: u8 = 24;
pub const USAGE: u8 = 25;
pub const VERIFICATION: u8 = 26;
pub const NEWEST_VERIFICATION: u8 = 27;
pub const VERIFICATION_TO: u8 = 28;
pub const FEED: u8 = 30;
pub const AGAIN: u8 = 32;
pub const OPEN_VERIFICATION: u8 = 33;
pub const COUNTER: u8 = 34;
pub const PROFILE: u8 = 35;
pub const TEMPLATE: u8 = 36;
pub const STEP: u8 = 37;
pub const AUDIT: u8 = 38;

/// Days of one tree of marks. They are asked for in this period and the next, so a mark is there for at least so long.
const SEEN_DAYS: u32 = 32;
/// Days of one tree of usage: few trees, however long it is kept.
const USAGE_PERIOD_DAYS: u32 = 32;
/// Days of one tree of the audit log, and how many of them are kept besides the one that is.
const AUDIT_DAYS: u32 = 32;
const AUDIT_PERIODS: u32 = 3;

/// A tree of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tree {
    State,
    /// The log of one day, counted from 1970-01-01 in UTC; retention drops it whole.
    Log(u32),
    /// Marks of the messages that came in one period, from sources that must be remembered for longer than the logs are kept.
    Seen(u32),
    /// The audit log of one period.
    Audit(u32),
    /// What was used in one period, which is kept for as long as it may be billed.
    Usage(u32),
}

impl Tree {
    pub fn of(time: UnixMs) -> Self {
        Self::Log(day_of(time))
    }

    /// Where the marks of this time are.
    pub fn seen(time: UnixMs) -> Self {
        Self::Seen(day_of(time) / SEEN_DAYS)
    }

    /// Where the marks are that count at this time; the clock may have stepped back.
    pub fn seen_around(time: UnixMs) -> [Self; 3] {
        let period = day_of(time) / SEEN_DAYS;
        [
            Self::Seen(period),
            Self::Seen(period.saturating_sub(1)),
            Self::Seen(period.saturating_add(1)),
        ]
    }

    /// Where a line of the audit log goes that is written now.
    pub fn audit(time: UnixMs) -> Self {
        Self::Audit(day_of(time) / AUDIT_DAYS)
    }

    /// Where what was used at this time is.
    pub fn usage(time: UnixMs) -> Self {
        Self::Usage(day_of(time) / USAGE_PERIOD_DAYS)
    }

    /// The log of this day, of the one before, and, for a clock that was set back, of the next.
    pub fn days_around(time: UnixMs) -> [Self; 3] {
        let day = day_of(time);
        [day.saturating_add(1), day, day.saturating_sub(1)].map(Self::Log)
    }

    /// The day of a log.
    pub fn log_day(&self) -> Option<u32> {
        match self {
            Self::Log(day) => Some(*day),
            Self::State | Self::Seen(_) | Self::Audit(_) | Self::Usage(_) => None,
        }
    }

    /// Nobody asks for it any more.
    pub fn is_over(self, now: UnixMs, kept: Kept) -> bool {
        match self {
            Self::State => false,
            Self::Log(day) => day < day_of(now).saturating_sub(kept.log_days),
            Self::Seen(period) => period < (day_of(now) / SEEN_DAYS).saturating_sub(1),
            Self::Audit(period) => period < (day_of(now) / AUDIT_DAYS).saturating_sub(AUDIT_PERIODS),
            Self::Usage(period) => period < day_of(now).saturating_sub(kept.usage_days) / USAGE_PERIOD_DAYS,
        }
    }

    pub fn name(self) -> String {
        match self {
            Self::State => "state".into(),
            Self::Seen(period) => format!("seen-{period:010}"),
            Self::Audit(period) => format!("audit-{period:010}"),
            Self::Usage(period) => format!("usage-{period:010}"),
            Self::Log(day) => format!("log-{day:010}"),
        }
    }

    pub fn parse(name: &[u8]) -> Option<Self> {
        match std::str::from_utf8(name).ok()? {
            "state" => Some(Self::State),
            name => {
                let (kind, number) = name.split_once('-')?;
                let of = match kind {
                    "log" => Self::Log,
                    "seen" => Self::Seen,
                    "audit" => Self::Audit,
                    "usage" => Self::Usage,
                    _ => return None,
                };
                number.parse().ok().map(of)
            }
        }
    }
}

fn day_of(time: UnixMs) -> u32 {
    u32::try_from(time.0 / DAY_MS).unwrap_or(u32::MAX)
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

/// Tells under which master key the store was written.
pub fn master_check() -> Key {
    meta("master-check")
}

/// In a day's log: how many bytes of the inbound log are in it.
pub fn captured_bytes() -> Key {
    meta("captured-bytes")
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

pub fn account(id: &AccountId) -> Key {
    key(ACCOUNT, &[id.as_str().as_bytes()])
}

pub fn key_use(hash: Hash) -> Key {
    key(KEY_USE, &[&hash.0])
}

/// The key of a row of its use.
pub fn parse_key_use(key: &[u8]) -> Option<Hash> {
    Some(Hash(key.get(1..)?.try_into().ok()?))
}

pub fn due(due: &Due) -> Key {
    due_at(due.subscription, due.place())
}

/// All that a subscription is owed.
pub fn due_of(subscription: SubscriptionId) -> Key {
    key(DUE, &[&subscription.0])
}

/// What a subscription is owed at this place of its queue.
pub fn due_at(subscription: SubscriptionId, place: Place) -> Key {
    let (at, event) = (place.due_at.0.to_be_bytes(), place.event.0.to_be_bytes());
    key(DUE, &[&subscription.0, &at, &event, &[u8::from(place.is_manual)]])
}

/// Reads a due key back: the subscription and the place in its queue.
pub fn parse_due(key: &[u8]) -> Option<(SubscriptionId, Place)> {
    let rest = key.strip_prefix(&[DUE])?;
    let place = Place {
        due_at: UnixMs(u64::from_be_bytes(rest.get(16..24)?.try_into().ok()?)),
        event: Seq(u64::from_be_bytes(rest.get(24..32)?.try_into().ok()?)),
        is_manual: match rest.get(32..)? {
            [0] => false,
            [1] => true,
            _ => return None,
        },
    };
    Some((SubscriptionId(rest.get(..16)?.try_into().ok()?), place))
}

pub fn service(name: &str) -> Key {
    key(SERVICE, &[name.as_bytes()])
}

pub fn parts(set: SetId) -> Key {
    key(PARTS, &[&set.0])
}

pub fn purchase(rental: RentalId) -> Key {
    key(PURCHASE, &[&rental.0])
}

pub fn replay(id: ReplayId) -> Key {
    key(REPLAY, &[&id.0])
}

/// All that stands in one line of a subscription, in the order it goes out.
pub fn line(subscription: SubscriptionId, line: Line) -> Key {
    key(LINE, &[&subscription.0, &line.0.to_be_bytes()])
}

pub fn place_in_line(subscription: SubscriptionId, line: Line, event: Seq) -> Key {
    key(
        LINE,
        &[&subscription.0, &line.0.to_be_bytes(), &event.0.to_be_bytes()],
    )
}

/// Whose line this place is in.
pub fn parse_line(key: &[u8]) -> Option<SubscriptionId> {
    Some(SubscriptionId(key.get(1..17)?.try_into().ok()?))
}

/// The event that stands at this place.
pub fn parse_place_in_line(key: &[u8]) -> Option<Seq> {
    Some(Seq(u64::from_be_bytes(key.get(25..)?.try_into().ok()?)))
}

pub fn health(subscription: SubscriptionId) -> Key {
    key(HEALTH, &[&subscription.0])
}

/// The subscription of a health row.
pub fn parse_health(key: &[u8]) -> Option<SubscriptionId> {
    Some(SubscriptionId(key.get(1..)?.try_into().ok()?))
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

/// All events of an account, in the order of their sequences.
pub fn feed_of(account: &AccountId) -> Key {
    key(FEED, &[account.as_str().as_bytes(), &[0]])
}

pub fn feed(account: &AccountId, seq: Seq) -> Key {
    key(FEED, &[account.as_str().as_bytes(), &[0], &seq.0.to_be_bytes()])
}

/// The sequence of a feed row.
pub fn parse_feed(key: &[u8]) -> Option<Seq> {
    let seq = key.last_chunk::<8>()?;
    Some(Seq(u64::from_be_bytes(*seq)))
}

/// All attempts for a subscription.
pub fn attempts(subscription: SubscriptionId) -> Key {
    key(ATTEMPT, &[&subscription.0])
}

/// All attempts for a subscription with one event.
pub fn attempts_of((subscription, event): (SubscriptionId, Seq)) -> Key {
    key(ATTEMPT, &[&subscription.0, &(!event.0).to_be_bytes()])
}

/// The newest event's come first, and of one event the newest attempt.
pub fn attempt(subscription: SubscriptionId, (event, number): AttemptPlace) -> Key {
    key(
        ATTEMPT,
        &[
            &subscription.0,
            &(!event.0).to_be_bytes(),
            &(!number).to_be_bytes(),
        ],
    )
}

pub fn again((subscription, event): (SubscriptionId, Seq)) -> Key {
    key(AGAIN, &[&subscription.0, &event.0.to_be_bytes()])
}

pub fn outbound(id: OutboundId) -> Key {
    key(OUTBOUND, &[&id.0])
}

#[cfg(test)]
mod tests;
