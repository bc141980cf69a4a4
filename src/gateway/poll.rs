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
        if let Some(settled) = self.settled(key, id).await? {
            return Ok(settled);
        }
        if wait.is_zero() || self.is_draining() {
            return Ok(Code::Pending);
        }
        self.hold(key, id, wait).await
    }

    async fn hold(&self, key: &Key, id: RentalId, wait: Duration) -> Result<Code, Error> {
        let waiter = self.parts.waiters.join(id, key.hash)?;
        let mut draining = self.parts.draining.clone();
        let time_up = tokio::time::sleep(wait);
        tokio::pin!(time_up);
        loop {
            let changed = waiter.notify.notified();
            if let Some(settled) = self.settled(key, id).await? {
                return Ok(settled);
            }
            // A code that comes in the very last moment is told, not missed.
            tokio::select! {
                biased;
                () = changed => {}
                () = &mut time_up => return Ok(Code::Pending),
                _ = draining.wait_for(|draining| *draining) => return Ok(Code::Pending),
            }
        }
    }

    /// The rental once it is decided. Boxed: its reading from the disk is rare and larger than a held poll should be.
    async fn settled(&self, key: &Key, id: RentalId) -> Result<Option<Code>, Error> {
        let rental = Box::pin(self.rental(&key.account, id)).await?;
        Ok((rental.status != Status::Active).then(|| Code::Settled(Box::new(rental))))
    }
}
