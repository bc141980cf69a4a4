//! The few reads that a store's logic needs of the thing that holds the bytes, and the rows it writes.

use super::Error;
use super::keys::{self, Key, Tree};
use crate::core::delivery::{Due, Line};
use crate::core::time::UnixMs;

const DUE_VALUE_BYTES: usize = 24;

/// A stored pair as read back.
pub type Pair = (Vec<u8>, Vec<u8>);

/// What holds the bytes: sled's trees, or the simulated disk. It sees what has been applied so far.
pub trait Rows {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;
    /// Pairs whose key starts with `prefix`, in ascending or descending order; ascending may start above a key, descending below.
    fn scan(&self, tree: Tree, prefix: &[u8], limit: usize) -> Result<Vec<Pair>, Error> {
        self.scan_up(tree, prefix, None, limit)
    }
    fn scan_up(
        &self,
        tree: Tree,
        prefix: &[u8],
        above: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error>;
    fn scan_down(
        &self,
        tree: Tree,
        prefix: &[u8],
        below: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error>;
    /// Days that have a log, oldest first.
    fn log_days(&self) -> Vec<u32>;
    /// Periods of the audit log, oldest first.
    fn audit_trees(&self) -> Vec<Tree>;
}

/// One row to write; no value: to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub tree: Tree,
    pub key: Key,
    pub value: Option<Vec<u8>>,
}

impl Row {
    pub fn put(tree: Tree, key: Key, value: Vec<u8>) -> Self {
        Self {
            tree,
            key,
            value: Some(value),
        }
    }

    pub fn delete(tree: Tree, key: Key) -> Self {
        Self {
            tree,
            key,
            value: None,
        }
    }
}

/// The value of a due row: attempts made, attempts spent, its line or 0, when it was asked for or 0, then CRC-32 of key and all that.
/// It holds nothing secret, so it is not sealed.
pub fn due_value(key: &[u8], due: &Due) -> Vec<u8> {
    let mut value = Vec::with_capacity(DUE_VALUE_BYTES);
    value.extend_from_slice(&due.attempts.to_be_bytes());
    value.extend_from_slice(&due.spent.to_be_bytes());
    value.extend_from_slice(&due.line.map_or(0, |line| line.0).to_be_bytes());
    value.extend_from_slice(&due.asked_at.unwrap_or_default().0.to_be_bytes());
    let checksum = checksum(key, &value);
    value.extend_from_slice(&checksum.to_be_bytes());
    value
}

/// Reads a due row back.
pub fn parse_due(key: &[u8], value: &[u8]) -> Result<Due, Error> {
    const DAMAGED: Error = Error::Damaged("a due row of a wrong length");
    let (plain, checksum) = value.split_last_chunk().ok_or(DAMAGED)?;
    let (attempts, rest) = plain.split_first_chunk().ok_or(DAMAGED)?;
    let (spent, rest) = rest.split_first_chunk().ok_or(DAMAGED)?;
    let (line, asked_at) = rest.split_first_chunk().ok_or(DAMAGED)?;
    let line = u64::from_be_bytes(*line);
    let asked_at = UnixMs(u64::from_be_bytes(asked_at.try_into().map_err(|_| DAMAGED)?));
    if self::checksum(key, plain) != u32::from_be_bytes(*checksum) {
        return Err(Error::Damaged("a due row fails its check"));
    }
    let (subscription, place) = keys::parse_due(key).ok_or(DAMAGED)?;
    Ok(Due {
        subscription,
        due_at: place.due_at,
        event: place.event,
        attempts: u16::from_be_bytes(*attempts),
        spent: u16::from_be_bytes(*spent),
        line: Some(Line(line)).filter(|line| line.0 != 0),
        asked_at: place.is_manual.then_some(asked_at),
    })
}

/// CRC-32 of a row that is not sealed.
pub fn checksum(key: &[u8], plain: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(plain);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::{Seq, SubscriptionId};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_due_row_round_trips_and_any_flipped_bit_is_seen(sub: [u8; 16], numbers: (u64, u64, u64), counts: (u16, u16), asked: Option<u64>, bit in 0usize..192) {
            let (at, seq, line) = numbers;
            let due = Due {
                subscription: SubscriptionId(sub),
                due_at: UnixMs(at),
                event: Seq(seq),
                attempts: counts.0,
                spent: counts.1,
                line: Some(Line(line)).filter(|line| line.0 != 0),
                asked_at: asked.map(UnixMs),
            };
            let key = keys::due(&due);
            let mut value = due_value(&key, &due);
            prop_assert_eq!(parse_due(&key, &value).unwrap(), due);
            value[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(parse_due(&key, &value).is_err());
        }
    }
}
