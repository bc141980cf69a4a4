//! A code is taken back by its owner: no guess at it is right from then on, and nothing more of it goes out. It stays charged and counted, for
//! what was sent was sent; so it counts among those that nobody gave back.

use super::{VerifyError, by};
use crate::core::abuse;
use crate::core::audit::Action;
use crate::core::event::Kind;
use crate::core::id::VerificationId;
use crate::core::key::Key;
use crate::core::verification::Verification;
use crate::gateway::{DECISIONS_MAX, Error, Gateway};
use crate::store::VerifyStep;

impl Gateway {
    /// Takes it back; once more is as good as once.
    pub async fn cancel_verification(
        &self,
        key: &Key,
        id: VerificationId,
    ) -> Result<Verification, VerifyError> {
        let account = &key.account;
        let _lane = self.lane(account).await?;
        for _ in 0..DECISIONS_MAX {
            let known = self.verification(account, id).await?;
            let Some(next) = known.canceled(self.steady()).map_err(VerifyError::Over)? else {
                return Ok(known);
            };
            let entry = self.entry(account, Action::Cancel, "canceled");
            let entry = self.about(entry, &known.to, Some(id));
            let read = self.counters(abuse::names_of_end(&known)).await?;
            let step = VerifyStep {
                passed: known.place().into_iter().collect(),
                audit: vec![by(entry, key, None)],
                counters: read.changes(abuse::ended(&known, &read.known, false)),
                settled: vec![(&known).into()],
                events: vec![self.event_of(Kind::VerifyCanceled, &next)],
                verifications: vec![(next.clone(), Some(known.version))],
                ..VerifyStep::default()
            };
            if self.take_step(step).await? {
                return Ok(next);
            }
        }
        Err(Error::Contended.into())
    }
}
