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

impl Gateway {
    /// Answers the moment the code is durable, also on cancel, expiry and drain, else after `wait`.
    /// May be dropped at any point: a client that hangs up leaves nothing behind.
    pub async fn code(&self, key: &Key, id: RentalId, wait: Duration) -> Result<Code, Error> {
        let settled = self.when(key, id, wait, |rental| rental.status != Status::Active);
        Ok(settled
            .await?
            .map_or(Code::Pending, |rental| Code::Settled(Box::new(rental))))
    }

    /// The rental once it `is` so, also on a change that is durable only now; `None` after `wait` or on drain.
    pub(super) async fn when(
        &self,
        key: &Key,
        id: RentalId,
        wait: Duration,
        is: fn(&Rental) -> bool,
    ) -> Result<Option<Rental>, Error> {
        let now = self.once(key, id, is).await?;
        if now.is_some() || wait.is_zero() || self.is_draining() {
            return Ok(now);
        }
        self.hold(key, id, wait, is).await
    }

    async fn hold(
        &self,
        key: &Key,
        id: RentalId,
        wait: Duration,
        is: fn(&Rental) -> bool,
    ) -> Result<Option<Rental>, Error> {
        let waiter = self.parts.waiters.join(id, key, self.waiters_max(&key.account))?;
        let mut draining = self.parts.draining.clone();
        let time_up = tokio::time::sleep(self.wait_of(key, wait));
        tokio::pin!(time_up);
        loop {
            let changed = waiter.notify.notified();
            // Revoked, its holder hears so and nothing else.
            self.check_key(key)?;
            let now = self.once(key, id, is).await?;
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

    /// The rental if it `is` so. Boxed: its reading from the disk is rare and larger than a held poll should be.
    async fn once(&self, key: &Key, id: RentalId, is: fn(&Rental) -> bool) -> Result<Option<Rental>, Error> {
        let rental = Box::pin(self.rental(&key.account, id)).await?;
        Ok(is(&rental).then_some(rental))
    }
}
