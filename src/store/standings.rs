//! How events stand with subscriptions, read through the account's index rows in the order of the events, as much as one reading may cost.

use super::Error;
use super::feed::Entry;
use super::keys::{self, Tree};
use super::query::Query;
use super::rows::{Pair, Rows};
use crate::core::id::{AccountId, EventId, Seq, SubscriptionId};
use crate::core::standing::{Delivery, Status};
use crate::core::subscription::Pattern;

/// Index rows that one reading looks at; a filter that rarely matches goes on from there.
const ROWS_MAX: usize = 1000;

/// Which deliveries are read.
#[derive(Debug, Clone)]
pub struct Standings {
    pub account: AccountId,
    /// To these, and whether what each is owed is held.
    pub subscriptions: Vec<(SubscriptionId, bool)>,
    /// Of events between these, both left out.
    pub above: Seq,
    pub below: Seq,
    pub newest_first: bool,
    /// The types of the events; none: all of them.
    pub patterns: Vec<Pattern>,
    pub event: Option<EventId>,
    /// None: all but what was never owed.
    pub statuses: Vec<Status>,
    pub deliveries_max: usize,
}

/// What such a reading found.
#[derive(Debug, PartialEq, Eq)]
pub struct StandingsPage {
    pub deliveries: Vec<(Delivery, Status)>,
    /// The last event that was looked at, where there may be more behind it.
    pub more_behind: Option<Seq>,
    /// Events that were looked at.
    pub events: usize,
}

impl Standings {
    fn wants(&self, entry: &Entry) -> bool {
        self.event.is_none_or(|event| event == entry.event)
            && (self.patterns.is_empty() || self.patterns.iter().any(|p| p.matches(&entry.kind)))
    }

    fn wants_status(&self, status: Status) -> bool {
        match self.statuses.as_slice() {
            [] => status != Status::Unwanted,
            statuses => statuses.contains(&status),
        }
    }
}

impl<R: Rows> Query<'_, R> {
    /// Reads on, up to `newest`: what is written after that may not be durable yet.
    pub fn standings(&self, reading: &Standings, newest: Seq) -> Result<StandingsPage, Error> {
        let mut page = StandingsPage {
            deliveries: Vec::new(),
            more_behind: None,
            events: 0,
        };
        let below = reading.below.min(Seq(newest.0.saturating_add(1)));
        let mut days = self.rows.log_days();
        if reading.newest_first {
            days.reverse();
        }
        for day in days {
            let tree = Tree::Log(day);
            if tree < Tree::of(reading.above.written_at()) || tree > Tree::of(below.written_at()) {
                continue;
            }
            for (key, value) in self.entries(tree, reading, below, ROWS_MAX - page.events)? {
                let seq = keys::parse_feed(&key).ok_or(Error::Damaged("a feed row of a wrong length"))?;
                if seq <= reading.above || seq >= below {
                    break;
                }
                page.events += 1;
                let entry = Entry::parse(&key, &value)?;
                if reading.wants(&entry) {
                    self.stand(reading, (seq, &entry), &mut page)?;
                }
                if page.deliveries.len() >= reading.deliveries_max || page.events >= ROWS_MAX {
                    page.more_behind = Some(seq);
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }

    fn entries(&self, tree: Tree, reading: &Standings, below: Seq, limit: usize) -> Result<Vec<Pair>, Error> {
        let prefix = keys::feed_of(&reading.account);
        if reading.newest_first {
            let below = keys::feed(&reading.account, below);
            self.rows.scan_down(tree, &prefix, Some(&below), limit)
        } else {
            let above = keys::feed(&reading.account, reading.above);
            self.rows.scan_up(tree, &prefix, Some(&above), limit)
        }
    }

    /// Adds how one event stands with each of the subscriptions.
    fn stand(
        &self,
        reading: &Standings,
        (seq, entry): (Seq, &Entry),
        page: &mut StandingsPage,
    ) -> Result<(), Error> {
        for (subscription, is_held) in &reading.subscriptions {
            let place = (*subscription, seq);
            let was_wanted = entry.targets.contains(subscription);
            let again = self.again(place)?;
            let newest = if was_wanted || again.is_some() {
                self.newest_attempt(place)?
            } else {
                None
            };
            let delivery = Delivery {
                subscription: *subscription,
                event: seq,
                event_id: entry.event,
                kind: entry.kind.clone(),
                was_wanted,
                newest,
                again,
            };
            let status = delivery.status(*is_held);
            if reading.wants_status(status) {
                page.deliveries.push((delivery, status));
            }
        }
        Ok(())
    }
}
