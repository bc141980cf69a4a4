//! Asking a supplier: with a token that is renewed before its time, and once more where it is not believed; never before the supplier
//! wants to be asked again.

use std::sync::{Mutex, PoisonError};

use super::{Gateway, Supplier};
use crate::core::supply::{Cause, Shown};
use crate::core::time::UnixMs;
use crate::supplier::{Dialect, Question, Refusal, Token};

/// A token is renewed so long before its end, or in the last tenth of its life.
const RENEW_MS: u64 = 60_000;
/// Where a supplier refuses for it was asked too often, and does not say when to come again.
const QUIET_S: u64 = 10;
/// While so many rentals there are not over that it sells no more.
const CROWDED_MS: u64 = 30_000;

#[derive(Default)]
pub struct Talk {
    /// Held while one is made, so that only one is.
    token: tokio::sync::Mutex<Option<Held>>,
    /// The supplier is not asked before this time.
    quiet_until: Mutex<UnixMs>,
}

struct Held {
    token: Token,
    renew_at: UnixMs,
}

impl Talk {
    fn hush(&self, until: UnixMs) {
        let mut quiet = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        *quiet = until.max(*quiet);
    }

    /// Seconds until it may be asked.
    fn quiet_s(&self, now: UnixMs) -> u64 {
        let until = *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.since(now).div_ceil(1000)
    }
}

impl Gateway {
    /// Asks a supplier something; `name` is for the metrics. What its dialect has no question for is refused.
    pub(super) async fn question<T>(
        &self,
        supplier: &Supplier,
        name: &'static str,
        make: impl Fn(&Dialect) -> Option<Question<T>> + Send + Sync,
    ) -> Result<T, Refusal> {
        let quiet_s = supplier.talk.quiet_s(self.parts.clock.steady());
        if quiet_s > 0 {
            return Err(Refusal::TooMany {
                after_s: Some(quiet_s),
            });
        }
        let answered = Box::pin(self.ask_twice(supplier, make)).await;
        if let Err(Refusal::TooMany { after_s }) = &answered {
            let after_ms = after_s.unwrap_or(QUIET_S).saturating_mul(1000);
            supplier
                .talk
                .hush(self.parts.clock.steady().plus_ms(after_ms.min(3_600_000)));
        }
        let result = answered.as_ref().err().map_or("ok", Refusal::name);
        self.parts.metrics.supplier_asked(&supplier.name, name, result);
        answered
    }

    async fn ask_twice<T>(
        &self,
        supplier: &Supplier,
        make: impl Fn(&Dialect) -> Option<Question<T>> + Send + Sync,
    ) -> Result<T, Refusal> {
        let none = || Refusal::NotOffered("it cannot be asked that".into());
        let mut question = make(&supplier.dialect).ok_or_else(none)?;
        let (ask, timeout_ms) = (&self.parts.supply.ask, supplier.terms.timeout_ms);
        let Some(token) = self.token(supplier, None).await? else {
            return question.put(ask, timeout_ms).await;
        };
        match question.bearing(&token).put(ask, timeout_ms).await {
            Err(Refusal::Unauthorized) => {}
            answered => return answered,
        }
        // It was not done, so it may be asked again.
        question = make(&supplier.dialect).ok_or_else(none)?;
        let token = self
            .token(supplier, Some(&token))
            .await?
            .ok_or(Refusal::Unauthorized)?;
        question.bearing(&token).put(ask, timeout_ms).await
    }

    /// What lets us in, where that is needed; another one than `refused`.
    async fn token(&self, supplier: &Supplier, refused: Option<&Token>) -> Result<Option<Token>, Refusal> {
        let Some(sign_in) = supplier.dialect.sign_in() else {
            return Ok(None);
        };
        let mut held = supplier.talk.token.lock().await;
        let now = self.parts.clock.steady();
        let is_good =
            |held: &&Held| now < held.renew_at && refused.is_none_or(|refused| !refused.is_same(&held.token));
        if let Some(held) = held.as_ref().filter(is_good) {
            return Ok(Some(held.token.clone()));
        }
        *held = None;
        let token = sign_in
            .put(&self.parts.supply.ask, supplier.terms.timeout_ms)
            .await?;
        let renew_in_ms = token.lives_ms - RENEW_MS.min(token.lives_ms / 10);
        *held = Some(Held {
            token: token.clone(),
            renew_at: now.plus_ms(renew_in_ms),
        });
        Ok(Some(token))
    }

    /// Judges a supplier by what it said to somebody who wants to rent.
    pub(super) fn judge_supplier(&self, supplier: &Supplier, refusal: &Refusal) {
        let cause = match refusal {
            Refusal::NoBalance | Refusal::Unauthorized => Cause::Aside(refusal.name()),
            Refusal::TooMany { after_s } => Cause::Hint(after_s.unwrap_or(QUIET_S).saturating_mul(1000)),
            Refusal::TooManyOpen => Cause::Hint(CROWDED_MS),
            Refusal::Unreached(_) | Refusal::Unanswered(_) | Refusal::Failed(_) | Refusal::Unsound(_) => {
                Cause::Failed
            }
            Refusal::NoNumbers | Refusal::NotOffered(_) | Refusal::TooDear => {
                return supplier.standing().worked();
            }
            Refusal::Unknown | Refusal::Over(_) | Refusal::NotCancellable => Cause::Failed,
        };
        let now = self.parts.clock.steady();
        let before = supplier.standing().shown();
        supplier.standing().failed(cause, now);
        match (cause, before) {
            // Said already, and it is shown as long as it lasts.
            (Cause::Aside(why), Shown::Aside(said, _)) if why == said => {}
            (Cause::Aside(_), _) => {
                tracing::warn!(supplier = %supplier.name, %refusal, "a supplier is put aside; `ringback suppliers ls` shows it");
            }
            _ => {
                tracing::warn!(supplier = %supplier.name, reason = refusal.name(), "a supplier is left alone for a while");
            }
        }
    }
}
