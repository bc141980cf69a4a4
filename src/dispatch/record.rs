//! Puts what came of an attempt on the disk, however long a full one takes.

use std::time::Duration;

use super::deliver::Dispatch;
use super::sender::Sender;
use crate::core::retry;
use crate::store::{self, Commit};

impl<S: Sender> Dispatch<S> {
    /// Records until the store takes it; `false` where the store is done for, and with it the process.
    pub(super) async fn record(&self, commit: Commit) -> bool {
        let mut waits = retry::exponential(10, 2.0, 1000);
        loop {
            let moment = self.parts.clock.moment();
            match self.parts.store.commit(commit.clone(), moment).await {
                Ok(_) => return true,
                Err(store::Error::Busy | store::Error::DiskFull) => {
                    tokio::time::sleep(waits.next().unwrap_or(Duration::from_secs(1))).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "an attempt could not be recorded; it is made again after the restart");
                    return false;
                }
            }
        }
    }
}
