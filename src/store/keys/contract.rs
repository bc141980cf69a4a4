//! Keys of what an account used, and of what was answered to requests that may come again.

use super::{Key, ONCE, USAGE, key};
use crate::core::id::{AccountId, Seq};
use crate::core::once::OnceId;

/// All that an account used.
pub fn usage_of(account: &AccountId) -> Key {
    key(USAGE, &[account.as_str().as_bytes(), &[0]])
}

pub fn usage(account: &AccountId, seq: Seq) -> Key {
    key(USAGE, &[account.as_str().as_bytes(), &[0], &seq.0.to_be_bytes()])
}

/// The sequence of a row of usage.
pub fn parse_usage(key: &[u8]) -> Option<Seq> {
    Some(Seq(u64::from_be_bytes(*key.last_chunk::<8>()?)))
}

pub fn once(id: OnceId) -> Key {
    key(ONCE, &[&id.0])
}
