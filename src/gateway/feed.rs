//! The events feed: an account's own events in their order, held for the next one; the polls and the streams stand on the same steps:
//! join the waiters, then read, then wait. The order closes the race with a commit in between, so no committed event is missed.

use std::sync::Arc;
use std::time::Duration;

use super::waiters::{Topic, Waiter};
use super::{Error, Gateway};
use crate::core::cursor::{Cursor, Start};
use crate::core::event::Event;
use crate::core::id::{AccountId, RentalId, Seq};
use crate::core::key::Key;
use crate::core::subscription::Pattern;
use crate::store::Reading;

/// Readings of one request, so that a filter that never matches ends too.
const READINGS_MAX: usize = 10;

/// Some of an account's events, oldest first.
#[derive(Debug, PartialEq, Eq)]
pub struct Feed {
    pub events: Vec<(Cursor, Event)>,
    /// Where to read on.
    pub next: Cursor,
    /// There may be more already.
    pub more: bool,
}

/// What a reader of the feed wants.
#[derive(Debug, Clone)]
pub struct Following {
    pub start: Start,
    /// None: all types.
    pub patterns: Vec<Pattern>,
    /// What is about this rental alone; then `Oldest` is its beginning.
    pub rental: Option<RentalId>,
    pub events_max: usize,
}

/// A reader who has joined the waiters: what commits from now on wakes it. Dropping it leaves.
pub struct Follower {
    gateway: Arc<Gateway>,
    waiter: Waiter,
    key: Arc<Key>,
    patterns: Vec<Pattern>,
    rental: Option<RentalId>,
    events_max: usize,
    at: Cursor,
    has_ended: bool,
}

impl Gateway {
    /// The events after the start, at once; where there are none, the next ones or, after `wait`, none.
    /// May be dropped at any point: a client that hangs up leaves nothing behind.
    pub async fn events(
        self: &Arc<Self>,
        key: &Arc<Key>,
        wish: Following,
        wait: Duration,
    ) -> Result<Feed, Error> {
        if !wait.is_zero() {
            return self.follow(key, wish).await?.read_on(wait).await;
        }
        let at = self.begin(&key.account, &wish).await?;
        let mut reading = Reading {
            account: key.account.clone(),
            after: at.seq,
            patterns: wish.patterns,
            rental: wish.rental,
            events_max: wish.events_max,
        };
        self.read_feed(&mut reading, at).await
    }

    /// Looks where the start is, then joins the waiters; what comes in between is read, since each reading begins after the joining.
    pub async fn follow(self: &Arc<Self>, key: &Arc<Key>, wish: Following) -> Result<Follower, Error> {
        let at = self.begin(&key.account, &wish).await?;
        let max = self.waiters_max(&key.account);
        let topic = wish.rental.map_or_else(|| Topic::from(&key.account), Topic::from);
        let waiter = self.parts.waiters.join(topic, key, max)?;
        Ok(Follower {
            gateway: self.clone(),
            waiter,
            key: key.clone(),
            patterns: wish.patterns,
            rental: wish.rental,
            events_max: wish.events_max,
            at,
            has_ended: false,
        })
    }

    async fn begin(&self, account: &AccountId, wish: &Following) -> Result<Cursor, Error> {
        let now = self.parts.clock.now();
        if let Some(id) = wish.rental {
            let rental = self.rental(account, id).await?;
            if wish.start == Start::Oldest {
                return Ok(Cursor::at_end(Seq::just_before(rental.created_at), now));
            }
        }
        match wish.start {
            Start::Oldest => Ok(Cursor::at_end(Seq(0), now)),
            Start::After(cursor) if cursor.is_gone(now, self.parts.rules.log_days) => Err(Error::CursorGone),
            Start::After(cursor) => Ok(cursor),
            // Not the newest event of all: a cursor must not tell an account when others heard something.
            Start::Latest => {
                let account = account.clone();
                let newest = self.read(move |store| store.newest_event(&account)).await?;
                Ok(Cursor::at_end(newest.unwrap_or_default(), now))
            }
        }
    }

    /// Reads on from `reading.after` until something is wanted, all is read, or it was enough for one request.
    async fn read_feed(&self, reading: &mut Reading, from: Cursor) -> Result<Feed, Error> {
        // Before the reading, so that a day that ends meanwhile counts as not looked at.
        let begun = self.parts.clock.now();
        for _ in 0..READINGS_MAX {
            let one = reading.clone();
            let page = self.read(move |store| store.events(&one)).await?;
            reading.after = page.read_to;
            if page.events.is_empty() && page.more {
                continue;
            }
            // Days are dropped beside us: what was not looked at yet may be gone since.
            if from.is_gone(self.parts.clock.now(), self.parts.rules.log_days) {
                return Err(Error::CursorGone);
            }
            let next = if page.more {
                Cursor::inside(page.read_to)
            } else {
                Cursor::at_end(page.read_to, begun)
            };
            let events = page
                .events
                .into_iter()
                .map(|(seq, event)| (Cursor::inside(seq), event));
            let mut events: Vec<_> = events.collect();
            // Whoever has read the last one has read all that was looked at.
            if let Some((cursor, _)) = events.last_mut() {
                *cursor = next;
            }
            return Ok(Feed {
                events,
                next,
                more: page.more,
            });
        }
        Ok(Feed {
            events: Vec::new(),
            next: Cursor::inside(reading.after),
            more: true,
        })
    }
}

impl Follower {
    /// The next events; none when the time is up, the process drains, or the rental that is followed is over and all of it is told.
    /// Nothing is lost by dropping the future: what it would have answered is read again.
    pub async fn read_on(&mut self, wait: Duration) -> Result<Feed, Error> {
        let mut draining = self.gateway.parts.draining.clone();
        let time_up = tokio::time::sleep(self.gateway.wait_of(&self.key, wait));
        tokio::pin!(time_up);
        loop {
            let changed = self.waiter.notify.notified();
            self.gateway.check_key(&self.key)?;
            // Before the reading: its end is told by what is durable with it.
            let is_over = self.is_over().await?;
            let mut reading = Reading {
                account: self.key.account.clone(),
                after: self.at.seq,
                patterns: self.patterns.clone(),
                rental: self.rental,
                events_max: self.events_max,
            };
            let feed = self.gateway.read_feed(&mut reading, self.at).await?;
            self.at = feed.next;
            if !feed.events.is_empty() || feed.more || is_over {
                self.has_ended = is_over && feed.events.is_empty() && !feed.more;
                return Ok(feed);
            }
            // An event that comes in the very last moment is told, not missed.
            tokio::select! {
                biased;
                () = changed => {}
                () = &mut time_up => return Ok(feed),
                _ = draining.wait_for(|draining| *draining) => return Ok(feed),
            }
        }
    }

    /// The rental that is followed has given its number back. An account's events have no end.
    async fn is_over(&self) -> Result<bool, Error> {
        match self.rental {
            Some(id) => Ok(self.gateway.rental(&self.key.account, id).await?.closed),
            None => Ok(false),
        }
    }

    /// The rental that is followed is over, and all of it was told.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub fn is_draining(&self) -> bool {
        self.gateway.is_draining()
    }
}
