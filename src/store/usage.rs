//! What was used: written with what completed it, and read by account in the order in which it became durable.

use super::Error;
use super::deliveries::Effects;
use super::execute::Writer;
use super::keys::{self, Tree};
use super::query::Query;
use super::rows::{Row, Rows};
use crate::core::id::{AccountId, Seq};
use crate::core::time::Moment;
use crate::core::usage::Usage;

/// Rows that one reading looks at.
const ROWS_MAX: usize = 1000;

/// What is read: of one account or of all of them.
#[derive(Debug, Clone)]
pub struct Metering {
    pub account: Option<AccountId>,
    /// The last item that was read before.
    pub after: Option<(AccountId, Seq)>,
    /// Written from this on.
    pub since: Seq,
    /// And before this: what is written after `Live::newest_event` may not be durable yet.
    pub until: Seq,
    pub items_max: usize,
}

/// What such a reading found: period by period, in each account by account.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Metered {
    pub items: Vec<(Seq, Usage)>,
    /// The last item that was looked at.
    pub read_to: Option<(AccountId, Seq)>,
    /// There may be more behind it.
    pub more: bool,
}

impl<R: Rows> Writer<R> {
    /// Gives each a place before the events of the commit: whoever sees these, sees it.
    pub(super) fn meter_all(
        &mut self,
        all: &[Usage],
        effects: &mut Effects,
        now: Moment,
    ) -> Result<(), Error> {
        for usage in all {
            let seq = Seq::next(self.last_seq, now.wall);
            let key = keys::usage(&usage.account, seq);
            let sealed = self.vault.seal(&key, usage)?;
            let tree = Tree::usage(seq.written_at());
            effects.rows.push(Row::put(tree, key, sealed));
            self.last_seq = seq;
        }
        Ok(())
    }
}

impl<R: Rows> Query<'_, R> {
    /// Reads on.
    pub fn usage(&self, reading: &Metering) -> Result<Metered, Error> {
        let mut found = Metered {
            read_to: reading.after.clone(),
            ..Metered::default()
        };
        let first = reading.after.as_ref().map_or(reading.since, |(_, seq)| *seq);
        let (Tree::Usage(first), Tree::Usage(last)) = (
            Tree::usage(first.written_at()),
            Tree::usage(reading.until.written_at()),
        ) else {
            return Ok(found);
        };
        let mut rows = 0;
        for period in first..=last {
            let above = self.place(reading, period == first);
            let prefix = reading
                .account
                .as_ref()
                .map_or_else(|| vec![keys::USAGE], keys::usage_of);
            let wanted = ROWS_MAX - rows;
            for (key, record) in self
                .rows
                .scan_up(Tree::Usage(period), &prefix, above.as_deref(), wanted)?
            {
                let seq = keys::parse_usage(&key).ok_or(Error::Damaged("a usage row of a wrong length"))?;
                let usage: Usage = self.vault.open(&key, &record)?;
                if reading.account.is_some() && seq >= reading.until {
                    return Ok(found);
                }
                if found.items.len() >= reading.items_max {
                    found.more = true;
                    return Ok(found);
                }
                (found.read_to, rows) = (Some((usage.account.clone(), seq)), rows + 1);
                if seq >= reading.since && seq < reading.until {
                    found.items.push((seq, usage));
                }
            }
            if rows >= ROWS_MAX {
                found.more = true;
                return Ok(found);
            }
        }
        Ok(found)
    }

    /// Where the first period is gone on in.
    fn place(&self, reading: &Metering, is_first: bool) -> Option<Vec<u8>> {
        let from = match (&reading.after, &reading.account) {
            (Some((account, seq)), _) => keys::usage(account, *seq),
            (None, Some(account)) => keys::usage(account, Seq(reading.since.0.saturating_sub(1))),
            (None, None) => return None,
        };
        is_first.then_some(from)
    }
}
