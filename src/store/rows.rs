//! The few reads that a store's logic needs of the thing that holds the bytes, and the rows it writes.

use super::Error;
use super::keys::{Key, Tree};

/// A stored pair as read back.
pub type Pair = (Vec<u8>, Vec<u8>);

/// What holds the bytes: sled's trees, or the simulated disk. It sees what has been applied so far.
pub trait Rows {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;
    /// Pairs whose key starts with `prefix`, in ascending or descending order; descending may start below a key.
    fn scan(&self, tree: Tree, prefix: &[u8], limit: usize) -> Result<Vec<Pair>, Error>;
    /// Those of them whose key is greater than `after`, ascending.
    fn scan_after(&self, tree: Tree, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Pair>, Error>;
    fn scan_down(
        &self,
        tree: Tree,
        prefix: &[u8],
        below: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error>;
    /// Days that have a log, oldest first.
    fn log_days(&self) -> Vec<u32>;
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

/// The value of a due row: attempts made, then CRC-32 of key and attempts. It holds nothing secret, so it is not sealed.
pub fn due_value(key: &[u8], attempts: u16) -> Vec<u8> {
    let mut value = attempts.to_be_bytes().to_vec();
    value.extend_from_slice(&due_checksum(key, attempts).to_be_bytes());
    value
}

pub fn parse_due_value(key: &[u8], value: &[u8]) -> Result<u16, Error> {
    let parts = value
        .split_at_checked(2)
        .and_then(|(a, c)| Some((a.try_into().ok()?, c.try_into().ok()?)));
    let (attempts, checksum) = parts.ok_or(Error::Damaged("a due row of a wrong length"))?;
    let attempts = u16::from_be_bytes(attempts);
    if due_checksum(key, attempts) != u32::from_be_bytes(checksum) {
        return Err(Error::Damaged("a due row fails its check"));
    }
    Ok(attempts)
}

fn due_checksum(key: &[u8], attempts: u16) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(&attempts.to_be_bytes());
    hasher.finalize()
}
