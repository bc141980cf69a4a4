//! What time brings about: codes that nobody gave back are over, and records that change no decision any more are forgotten.

use std::sync::PoisonError;

use super::VerifyError;
use crate::core::abuse;
use crate::core::abuse::gate::HOUR_MS;
use crate::core::audit::{Action, Entry};
use crate::core::event::Kind;
use crate::core::id::AccountId;
use crate::core::verification::{Status, Verification};
use crate::gateway::{Error, Gateway};
use crate::store::{CounterChange, Open, VerifyStep};

/// How many one sweep ends, so that codes are sent beside it.
const SWEEP_MAX: usize = 100;
/// Records that are looked at in one go.
const FORGET_MAX: usize = 500;

impl Gateway {
    /// Ends codes whose time is over; says how many it looked at.
    pub async fn sweep_verifications(&self) -> Result<usize, Error> {
        let Some(verifying) = &self.verifying else {
            return Ok(0);
        };
        verifying
            .none_ahead
            .get_or_try_init(|| self.end_those_ahead())
            .await?;
        let steady = self.steady();
        let over = self
            .read(move |store| store.verifications_over(steady, SWEEP_MAX))
            .await?;
        for (account, open) in &over {
            self.end_verification(account, *open).await.map_err(inner)?;
        }
        Ok(over.len())
    }

    /// Ends those that seem to begin only later, as this process found them: the clock was set back before it started, so nobody can tell how
    /// old they are, and they must not begin to hold again when the clock comes to them.
    async fn end_those_ahead(&self) -> Result<(), Error> {
        let (steady, mut below) = (self.steady(), None);
        loop {
            let open = self
                .read(move |store| store.verifications_open(below, SWEEP_MAX))
                .await?;
            for (account, open) in &open {
                let known = self.verification(account, open.id).await;
                // By the time that it is now: one that was begun since this sweep was is none of them.
                if known.is_ok_and(|known| self.steady() < known.began_at) {
                    self.end_verification(account, *open).await.map_err(inner)?;
                }
            }
            below = open.last().map(|(_, open)| *open);
            if below.is_none_or(|last| last.ends_at <= steady) {
                return Ok(());
            }
        }
    }

    /// Ends one whose pepper was taken away: no guess at it can be right any more.
    pub(super) async fn end_without_pepper(&self, known: &Verification) -> Result<(), VerifyError> {
        tracing::warn!(
            account = known.account.as_str(),
            verification = %known.id,
            "the pepper of a code that was given back is not here: it is over; keep a pepper as verify.pepper_before until its codes are"
        );
        self.end_for(&known.account, known.into(), &["pepper_gone"]).await
    }

    async fn end_verification(&self, account: &AccountId, open: Open) -> Result<(), VerifyError> {
        self.end_for(account, open, &[]).await
    }

    /// Its end is counted. One that changed meanwhile is found again by the next sweep.
    async fn end_for(&self, account: &AccountId, open: Open, reasons: &[&str]) -> Result<(), VerifyError> {
        let _lane = self.lane(account).await?;
        let known = match self.verification(account, open.id).await {
            Ok(known) => known,
            // The gateway was down for longer than its logs are kept: there is nothing left to count.
            Err(VerifyError::NotFound) => {
                let step = VerifyStep {
                    settled: vec![open],
                    ..VerifyStep::default()
                };
                self.take_step(step).await?;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let read = self.counters(abuse::names_of_end(&known)).await?;
        let mut step = VerifyStep {
            settled: vec![open],
            counters: read.changes(abuse::ended(
                &known,
                &read.known,
                known.status == Status::Approved,
            )),
            ..VerifyStep::default()
        };
        if let Some(next) = known.ended(Status::Expired) {
            let entry = Entry {
                reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
                ..self.entry(account, Action::Expire, "expired")
            };
            step.audit.push(self.about(entry, &known.to, Some(open.id)));
            step.events.push(self.event_of(Kind::VerifyExpired, &next));
            step.verifications.push((next, Some(known.version)));
        }
        self.take_step(step).await?;
        Ok(())
    }

    /// Looks at some of the records and forgets those that have changed nothing for an hour; says how many.
    pub async fn forget_counters(&self) -> Result<usize, Error> {
        let Some(verifying) = &self.verifying else {
            return Ok(0);
        };
        let place = || {
            verifying
                .forgetting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let after = place().clone();
        let page = self
            .read(move |store| store.all_counters(after.as_deref(), FORGET_MAX))
            .await?;
        let long_ago = self.steady().minus_ms(HOUR_MS);
        let over = page
            .counters
            .into_iter()
            .filter(|known| known.counter.is_over(long_ago));
        let forget: Vec<CounterChange> = over
            .map(|known| CounterChange {
                name: known.name,
                was: known.version,
                next: None,
            })
            .collect();
        let count = forget.len();
        if count > 0 {
            let step = VerifyStep {
                counters: forget,
                ..VerifyStep::default()
            };
            self.take_step(step).await?;
        }
        *place() = page.next;
        Ok(count)
    }
}

/// Nobody asked for what a sweep does, so it has no other errors.
fn inner(error: VerifyError) -> Error {
    match error {
        VerifyError::Gateway(error) => error,
        _ => Error::Contended,
    }
}
