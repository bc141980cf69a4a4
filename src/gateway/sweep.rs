//! What time alone brings about: rentals whose time is up, parts that waited too long, codes that nobody gave back, and logs that are older than their retention.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Error, Gateway};
use crate::core::rental::Rental;
use crate::store::Kept;

/// How many rentals one sweep ends, so that ingest keeps its pace beside it.
const SWEEP_MAX: usize = 100;
/// How often the logs' age is looked at.
const LOGS_EVERY: Duration = Duration::from_secs(600);
/// How often it is written down when keys were used.
const USES_EVERY: Duration = Duration::from_secs(60);

impl Gateway {
    /// Ends what is over, until the process drains. Runs beside everything else.
    pub async fn sweep_for_ever(&self, every: Duration) {
        let mut draining = self.parts.draining.clone();
        let (mut logs_in, mut uses_in) = (Duration::ZERO, USES_EVERY);
        while !*draining.borrow() {
            let swept = [
                self.sweep().await,
                self.sweep_parts().await,
                self.sweep_verifications().await,
            ];
            for swept in swept {
                told(swept);
            }
            if logs_in.is_zero() {
                self.drop_old_logs().await;
                self.trim_inbound_log().await;
                told(self.forget_accounts().await);
                told(self.forget_purchases().await);
                logs_in = LOGS_EVERY;
            }
            if uses_in.is_zero() {
                told(self.note_key_uses().await);
                self.forget_requests();
                told(self.forget_counters().await);
                uses_in = USES_EVERY;
            }
            logs_in = logs_in.saturating_sub(every);
            uses_in = uses_in.saturating_sub(every);
            tokio::select! {
                biased;
                () = tokio::time::sleep(every) => {}
                _ = draining.wait_for(|draining| *draining) => {}
            }
        }
        told(self.note_key_uses().await);
    }

    /// Ends rentals whose time is up, and gives what has cooled down to those who wait; says how many ended.
    pub async fn sweep(&self) -> Result<usize, Error> {
        let now = self.parts.clock.now();
        let over = self.parts.store.live().rentals_over(now, SWEEP_MAX);
        let mut by_number: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for next in over.iter().filter_map(|rental| rental.time_up(now)) {
            by_number.entry(next.number.clone()).or_default().push(next);
        }
        let closing = by_number.into_values().map(|ended| self.close_all(ended));
        let mut ended = 0;
        for closed in futures_util::future::join_all(closing).await {
            ended += closed?;
        }
        self.parts.store.live().forget_closed(now);
        self.serve_line();
        Ok(ended)
    }

    /// One after the other, for they share their number's row; says how many ended.
    async fn close_all(&self, rentals: Vec<Rental>) -> Result<usize, Error> {
        let mut ended = 0;
        for rental in rentals {
            // One that changed in between is found again by the next sweep.
            ended += usize::from(self.close(rental).await?);
        }
        Ok(ended)
    }

    async fn drop_old_logs(&self) {
        let rules = &self.parts.rules;
        let kept = Kept {
            log_days: rules.log_days,
            usage_days: rules.usage_days,
        };
        // A clock that is set ahead makes nothing old.
        let now = self.parts.clock.moment().earlier();
        match self.read(move |store| store.drop_old_logs(now, kept)).await {
            Ok(0) => {}
            Ok(days) => tracing::info!(days, "dropped logs older than their retention"),
            Err(error) => tracing::warn!(%error, "old logs could not be dropped; tried again in ten minutes"),
        }
    }
}

fn told<T>(swept: Result<T, Error>) {
    if let Err(error) = swept {
        tracing::warn!(%error, "a sweep failed; the next one tries again");
    }
}
