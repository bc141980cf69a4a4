//! How much of the inbound log there is, and which of its rows have to go: the oldest first, by age and by bytes.

use std::collections::BTreeMap;

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

/// Rows that are read at a time while counting.
const COUNT_ROWS: usize = 512;

/// The writer's count.
#[derive(Debug, Default)]
pub struct InboundLog {
    bytes_by_day: BTreeMap<u32, u64>,
}

impl InboundLog {
    /// Counts what is there; once, when a store is opened.
    pub fn load(rows: &impl Rows) -> Result<Self, Error> {
        let mut log = Self::default();
        for day in rows.log_days() {
            let mut below: Option<Vec<u8>> = None;
            loop {
                let found = rows.scan_down(Tree::Log(day), &[keys::CAPTURE], below.as_deref(), COUNT_ROWS)?;
                let bytes: usize = found.iter().map(|(key, value)| key.len() + value.len()).sum();
                log.add(day, bytes);
                if found.len() < COUNT_ROWS {
                    break;
                }
                below = found.into_iter().next_back().map(|(key, _)| key);
            }
        }
        Ok(log)
    }

    fn add(&mut self, day: u32, bytes: usize) {
        if bytes > 0 {
            *self.bytes_by_day.entry(day).or_default() += bytes as u64;
        }
    }

    /// Counts a row that is about to be written.
    pub fn note(&mut self, row: &Row) {
        if let Tree::Log(day) = row.tree {
            self.add(day, row.key.len() + row.value.as_ref().map_or(0, Vec::len));
        }
    }

    /// The deletions that `keep` asks for, of stored rows, at most about `rows_max` at a time; the next call goes on.
    pub fn excess(
        &mut self,
        rows: &impl Rows,
        keep: Keep,
        now: UnixMs,
        rows_max: usize,
    ) -> Result<Vec<Row>, Error> {
        // Whole days are dropped elsewhere.
        let days = rows.log_days();
        self.bytes_by_day.retain(|day, _| days.contains(day));
        let Tree::Log(today) = Tree::of(now) else {
            return Ok(Vec::new());
        };
        let mut total: u64 = self.bytes_by_day.values().sum();
        let mut deleted = Vec::new();
        for (day, bytes) in &mut self.bytes_by_day {
            let is_old = *day < today.saturating_sub(keep.days);
            if deleted.len() >= rows_max || (!is_old && total <= keep.bytes_max) {
                break;
            }
            for (key, value) in rows.scan(Tree::Log(*day), &[keys::CAPTURE], rows_max)? {
                if !is_old && total <= keep.bytes_max {
                    break;
                }
                let size = (key.len() + value.len()) as u64;
                (total, *bytes) = (total.saturating_sub(size), bytes.saturating_sub(size));
                deleted.push(Row::delete(Tree::Log(*day), key));
            }
        }
        self.bytes_by_day.retain(|_, bytes| *bytes > 0);
        Ok(deleted)
    }
}
