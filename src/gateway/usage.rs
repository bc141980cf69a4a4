//! What accounts used, read by whoever bills them: in spans whose end is fixed, so that each item is in one of them.

use super::{Error, Gateway};
use crate::core::id::{AccountId, Seq};
use crate::core::time::UnixMs;
use crate::core::usage::{Cursor, Sum, Sums, Usage};
use crate::store::Metering;

/// Items of one reading.
const ITEMS_MAX: usize = 1000;
/// Items that one request sums up.
const SUMMED_MAX: usize = 200_000;
/// Readings of one request: many accounts may have nothing in the span.
const READINGS_MAX: usize = 100;
/// What was written longer ago than this is durable, or the store takes nothing any more.
const SETTLED_MS: u64 = 600_000;

/// Some of what was used.
#[derive(Debug, PartialEq, Eq)]
pub struct UsagePage {
    /// Each with its place, which tells when it became durable.
    pub items: Vec<(Seq, Usage)>,
    /// Where to read on: in this span or, where all of it was read, in the one after it.
    pub next: Cursor,
    /// There is more in this span.
    pub more: bool,
}

impl Gateway {
    /// A span from `since` on that ends before `until`, or with what is durable now.
    pub fn usage_span(&self, since: UnixMs, until: Option<UnixMs>) -> Cursor {
        let end = self.usage_end();
        Cursor {
            since: Seq::first_at(since),
            until: Some(until.map_or(end, |until| Seq::first_at(until).min(end))),
            after: None,
        }
    }

    /// The place from which on something may not be durable yet. The newest event alone does not tell it: its log may be gone.
    fn usage_end(&self) -> Seq {
        let newest = self.parts.store.live().newest_event();
        let settled = Seq::first_at(self.now().minus_ms(SETTLED_MS));
        Seq(newest.0.saturating_add(1)).max(settled)
    }

    /// Of one account, or of all.
    pub async fn usage(
        &self,
        account: Option<&AccountId>,
        at: Cursor,
        limit: usize,
    ) -> Result<UsagePage, Error> {
        let until = at.until.unwrap_or_else(|| self.usage_end());
        // Whatever a cursor says: the id may have been another account's before.
        let begins = account.map_or(Seq(0), |account| self.usage_begins(account));
        let since = at.since.max(begins);
        let mut reading = Metering {
            account: account.cloned(),
            after: at.after,
            since,
            until,
            items_max: limit.min(ITEMS_MAX),
        };
        let (mut items, mut more) = (Vec::new(), true);
        for _ in 0..READINGS_MAX {
            let one = reading.clone();
            let found = self.read(move |store| store.usage(&one)).await?;
            (reading.after, more, items) = (found.read_to, found.more, found.items);
            if !more || !items.is_empty() {
                break;
            }
        }
        let next = Cursor {
            since: if more { since } else { until.max(since) },
            until: more.then_some(until),
            after: reading.after.filter(|_| more),
        };
        Ok(UsagePage { items, next, more })
    }

    /// All of a span by day and service.
    pub async fn usage_sums(&self, account: &AccountId, span: Cursor) -> Result<Vec<Sum>, Error> {
        let (mut sums, mut at, mut count) = (Sums::default(), span, 0);
        loop {
            let page = self.usage(Some(account), at, ITEMS_MAX).await?;
            page.items
                .iter()
                .for_each(|(place, usage)| sums.add(*place, usage));
            count += page.items.len();
            if !page.more {
                return Ok(sums.list());
            }
            if count >= SUMMED_MAX {
                return Err(Error::TooMuchUsage(SUMMED_MAX));
            }
            at = page.next;
        }
    }

    /// From when on usage can be this account's.
    fn usage_begins(&self, account: &AccountId) -> Seq {
        let live = self.parts.store.live();
        let known = live.access(|table| table.account(account).map(|account| account.created_at));
        Seq::first_at(known.unwrap_or_default())
    }
}
