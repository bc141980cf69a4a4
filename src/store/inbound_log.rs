//! How much of the inbound log there is, and which of its rows have to go: the oldest first, by age and by bytes.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::keys::{self, Tree};
use super::rows::{Row, Rows};
use crate::core::time::UnixMs;

/// How long and how much of the inbound log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Days after a request's own.
    pub days: u32,
    /// Bytes of all of them, encoded.
    pub bytes_max: u64,
}

/// The writer's count. Each day's stands in a row of that day's log and changes in the group that it counts, so that nobody need read
/// through the log to know it.
#[derive(Debug, Default)]
pub struct InboundLog {
    bytes_by_day: BTreeMap<u32, u64>,
    /// Days whose row is behind.
    changed: BTreeSet<u32>,
}

impl InboundLog {
    /// Reads the counts; once, when a store is opened.
    pub fn load(rows: &impl Rows) -> Result<Self, Error> {
        let mut log = Self::default();
        for day in rows.log_days() {
            if let Some(count) = rows.get(Tree::Log(day), &keys::captured_bytes())? {
                let count = count.try_into();
                let count =
                    count.map_err(|_| Error::Damaged("a count of the inbound log of a wrong length"))?;
                log.bytes_by_day.insert(day, u64::from_be_bytes(count));
            }
        }
        Ok(log)
    }

    fn add(&mut self, day: u32, bytes: usize) {
        if bytes > 0 {
            *self.bytes_by_day.entry(day).or_default() += bytes as u64;
            self.changed.insert(day);
        }
    }

    /// Counts a row that is about to be written.
    pub fn note(&mut self, row: &Row) {
        if let Tree::Log(day) = row.tree {
            self.add(day, row.key.len() + row.value.as_ref().map_or(0, Vec::len));
        }
    }

    /// What has to be written beside the rows of a group: the deletions that `keep` asks for, of stored rows, at most about `rows_max` at
    /// a time (the next call goes on), and the counts after them.
    pub fn trim(
        &mut self,
        rows: &impl Rows,
        keep: Keep,
        now: UnixMs,
        rows_max: usize,
    ) -> Result<Vec<Row>, Error> {
        // Whole days are dropped elsewhere.
        let days = rows.log_days();
        let changed = &self.changed;
        self.bytes_by_day
            .retain(|day, _| days.contains(day) || changed.contains(day));
        let Tree::Log(today) = Tree::of(now) else {
            return Ok(Vec::new());
        };
        let mut total: u64 = self.bytes_by_day.values().sum();
        let mut written = Vec::new();
        for (day, bytes) in &mut self.bytes_by_day {
            let is_old = *day < today.saturating_sub(keep.days);
            if written.len() >= rows_max || (!is_old && total <= keep.bytes_max) {
                break;
            }
            for (key, value) in rows.scan(Tree::Log(*day), &[keys::CAPTURE], rows_max)? {
                if !is_old && total <= keep.bytes_max {
                    break;
                }
                let size = (key.len() + value.len()) as u64;
                (total, *bytes) = (total.saturating_sub(size), bytes.saturating_sub(size));
                written.push(Row::delete(Tree::Log(*day), key));
                self.changed.insert(*day);
            }
        }
        for day in std::mem::take(&mut self.changed) {
            let bytes = self.bytes_by_day.get(&day).copied().unwrap_or_default();
            let key = keys::captured_bytes();
            written.push(Row::put(Tree::Log(day), key, bytes.to_be_bytes().into()));
        }
        self.bytes_by_day.retain(|_, bytes| *bytes > 0);
        Ok(written)
    }
}
