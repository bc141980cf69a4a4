//! The held poll: join the waiters, then read, then wait; this order closes the race with a commit in between.

use std::time::Duration;

use super::{Error, Gateway};
use crate::core::id::RentalId;
use crate::core::key::Key;
use crate::core::rental::{Rental, Status};

/// What a poll for the code answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Code {
    /// Still waiting when the time was up or the process drains.
    Pending,
    /// Decided: completed with its code, cancelled or expired.
    Settled(Box<Rental>),
}

/// What a rental is held for; small, because thousands are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// Its code, or its end.
    Settled,
    /// More messages than so many, or its end.
    Messages(usize),
    /// Any change of this version.
    Change(u32),
}

impl Awaited {
    fn is_there(self, rental: &Rental) -> bool {
        match self {
            Self::Settled => rental.status != Status::Active,
            Self::Messages(known) => rental.messages.len() > known || rental.closed,
            Self::Change(known) => rental.version != known,
        }
    }
}

impl Gateway {
    /// Answers the moment the code is durable, also on cancel, expiry and drain, else after `wait`.
    /// May be dropped at any point: a client that hangs up leaves nothing behind.
    pub async fn code(&self, key: &Key, id: RentalId, wait: Duration) -> Result<Code, Error> {
        let settled = self.when(key, id, wait, Awaited::Settled);
        Ok(settled
            .await?
            .map_or(Code::Pending, |rental| Code::Settled(Box::new(rental))))
    }

    /// The rental once it is another than this version of it; the same after `wait` or on drain.
    pub async fn changed(&self, key: &Key, known: Rental, wait: Duration) -> Result<Rental, Error> {
        let (id, version) = (known.id, known.version);
        drop(known);
        match self.when(key, id, wait, Awaited::Change(version)).await? {
            Some(rental) => Ok(rental),
            None => self.rental(&key.account, id).await,
        }
    }

    /// A page of the list once it is another than the known one, or after `wait` or on drain. Every change that the list shows is an
    /// event of the account, so its readers wait as those of the feed do.
    pub async fn rentals_changed(
        &self,
        key: &Key,
        (before, limit): (Option<RentalId>, usize),
        wait: Duration,
        is_known: impl Fn(&[Rental]) -> bool,
    ) -> Result<Vec<Rental>, Error> {
        let max = self.waiters_max(&key.account);
        let waiter = self.parts.waiters.join(&key.account, key, max)?;
        let mut draining = self.parts.draining.clone();
        let time_up = tokio::time::sleep(self.wait_of(key, wait));
        tokio::pin!(time_up);
        loop {
            let changed = waiter.notify.notified();
            self.check_key(key)?;
            let page = self.rentals(&key.account, before, limit).await?;
            if !is_known(&page) {
                return Ok(page);
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = &mut time_up => return Ok(page),
                _ = draining.wait_for(|draining| *draining) => return Ok(page),
            }
        }
    }

    /// The rental once what is awaited is there, also on a change that is durable only now; `None` after `wait` or on drain.
    pub(super) async fn when(
        &self,
        key: &Key,
        id: RentalId,
        wait: Duration,
        awaited: Awaited,
    ) -> Result<Option<Rental>, Error> {
        let now = self.once(key, id, awaited).await?;
        if now.is_some() || wait.is_zero() || self.is_draining() {
            return Ok(now);
        }
        self.hold(key, id, wait, awaited).await
    }

    async fn hold(
        &self,
        key: &Key,
        id: RentalId,
        wait: Duration,
        awaited: Awaited,
    ) -> Result<Option<Rental>, Error> {
        let waiter = self.parts.waiters.join(id, key, self.waiters_max(&key.account))?;
        let mut draining = self.parts.draining.clone();
        let time_up = tokio::time::sleep(self.wait_of(key, wait));
        tokio::pin!(time_up);
        loop {
            let changed = waiter.notify.notified();
            // Revoked, its holder hears so and nothing else.
            self.check_key(key)?;
            let now = self.once(key, id, awaited).await?;
            if now.is_some() {
                return Ok(now);
            }
            // A code that comes in the very last moment is told, not missed.
            tokio::select! {
                biased;
                () = changed => {}
                () = &mut time_up => return Ok(None),
                _ = draining.wait_for(|draining| *draining) => return Ok(None),
            }
        }
    }

    /// The rental if what is awaited is there. Boxed: its reading from the disk is rare and larger than a held poll should be.
    async fn once(&self, key: &Key, id: RentalId, awaited: Awaited) -> Result<Option<Rental>, Error> {
        let rental = Box::pin(self.rental(&key.account, id)).await?;
        Ok(awaited.is_there(&rental).then_some(rental))
    }
}
