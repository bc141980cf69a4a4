//! Starts that may come again: what is answered is kept from the commit that begins the code on, and follows what comes of the sending.

use super::{VerifyError, VerifyWish};
use crate::core::verification::{Sent, Verification};
use crate::gateway::Gateway;
use crate::store::VerifyStep;

impl Gateway {
    /// Keeps what came of a request that may come again. One that no provider took made nothing: the same request tries again.
    pub(super) async fn answered_so(
        &self,
        wish: &VerifyWish,
        started: Verification,
    ) -> Result<Verification, VerifyError> {
        if let Some(once) = &wish.once {
            let is_refused = matches!(started.sent, Sent::Refused { .. }) && !started.withheld;
            let made = Some(&started).filter(|_| !is_refused);
            self.answer_anew(once, made).await?;
        }
        Ok(started)
    }

    /// A wish meets its own verification, which was begun a moment ago: what is answered is kept all the same.
    pub(super) async fn met(
        &self,
        wish: &VerifyWish,
        known: Verification,
    ) -> Result<Verification, VerifyError> {
        if wish.once.is_some() {
            self.take_step_once(VerifyStep::default(), wish.once.as_deref(), &known)
                .await?;
        }
        Ok(known)
    }
}
