//! A code is given back: counted, compared, judged, in this order and in two commits, whether it is right or wrong.

use std::net::IpAddr;
use std::sync::Arc;

use super::{VerifyError, by};
use crate::core::abuse;
use crate::core::audit::Action;
use crate::core::event::Kind;
use crate::core::id::VerificationId;
use crate::core::key::Key;
use crate::core::verification::code::Code;
use crate::core::verification::{Closed, Status, Verification};
use crate::gateway::{DECISIONS_MAX, Error, Gateway};
use crate::store::VerifyStep;

/// A code that somebody gives back.
#[derive(Debug, Clone)]
pub struct Guess {
    pub key: Arc<Key>,
    pub id: VerificationId,
    pub code: Code,
    /// Whoever asked the caller.
    pub ip: Option<IpAddr>,
}

impl Gateway {
    /// Checks a code. Runs on to its end if the caller goes away: a guess that was counted is judged.
    pub async fn check_verification(self: &Arc<Self>, guess: Guess) -> Result<Verification, VerifyError> {
        let this = self.clone();
        let checked = tokio::spawn(async move { this.checked(&guess).await });
        checked.await.map_err(|_| Error::Contended)?
    }

    pub(super) async fn checked(&self, guess: &Guess) -> Result<Verification, VerifyError> {
        let counted = self.count_guess(guess).await?;
        let is_right = self.is_code_of(&counted, &guess.code).await? && !counted.withheld;
        self.judge_guess(guess, is_right).await
    }

    /// One more guess, counted as wrong for its person and where it comes from, before anybody compares.
    async fn count_guess(&self, guess: &Guess) -> Result<Verification, VerifyError> {
        let rules = &self.verify_rules()?.abuse;
        let account = &guess.key.account;
        let lane = self.lane(account).await?;
        for _ in 0..DECISIONS_MAX {
            let known = self.verification(account, guess.id).await?;
            let next = known.counted(self.steady()).map_err(|closed| match closed {
                Closed::NoAttempts => VerifyError::NoAttempts,
                Closed::Over(_) => VerifyError::NotFound,
            })?;
            if self.pepper_of(&known)?.is_none() {
                drop(lane);
                self.end_without_pepper(&known).await?;
                return Err(VerifyError::NotFound);
            }
            let of = abuse::Guess {
                account,
                to: &known.to,
                ip: guess.ip,
            };
            let read = self.counters(abuse::names_of_guess(&of)).await?;
            let guessed =
                abuse::guessed(&of, &read.known, rules, self.steady()).map_err(VerifyError::Limited)?;
            let step = VerifyStep {
                verifications: vec![(next.clone(), Some(known.version))],
                counters: read.changes(guessed.changes),
                events: self.events_of_guess(account, guessed.failing),
                ..VerifyStep::default()
            };
            if self.take_step(step).await? {
                return Ok(next);
            }
        }
        Err(Error::Contended.into())
    }

    async fn judge_guess(&self, guess: &Guess, is_right: bool) -> Result<Verification, VerifyError> {
        let rules = &self.verify_rules()?.abuse;
        let account = &guess.key.account;
        let _lane = self.lane(account).await?;
        for _ in 0..DECISIONS_MAX {
            let known = self.verification(account, guess.id).await?;
            let Some(next) = known.judged(is_right) else {
                // Another guess was right before, or it ended: this one tells nothing.
                return Err(VerifyError::NotFound);
            };
            let (word, told) = match next.status {
                Status::Approved => ("approved", Some(Kind::VerifyApproved)),
                Status::Failed => ("failed", Some(Kind::VerifyFailed)),
                _ => ("wrong", None),
            };
            let entry = self.about(
                self.entry(account, Action::Check, word),
                &known.to,
                Some(known.id),
            );
            let mut step = VerifyStep {
                verifications: vec![(next.clone(), Some(known.version))],
                audit: vec![by(entry, &guess.key, guess.ip)],
                events: told.map(|kind| self.event_of(kind, &next)).into_iter().collect(),
                ..VerifyStep::default()
            };
            if is_right {
                let of = abuse::Guess {
                    account,
                    to: &known.to,
                    ip: guess.ip,
                };
                let names = abuse::names_of_end(&known)
                    .into_iter()
                    .chain(abuse::names_of_guess(&of));
                let read = self.counters(names.collect()).await?;
                let mut changes = abuse::ended(&known, &read.known, true);
                changes.extend(abuse::right(&of, &read.known, rules.misses_of_network));
                step.counters = read.changes(changes);
                step.settled.push((&known).into());
            }
            if self.take_step(step).await? {
                return match is_right {
                    true => Ok(next),
                    false => Err(VerifyError::Wrong(
                        next.attempts_max.saturating_sub(next.attempts),
                    )),
                };
            }
        }
        Err(Error::Contended.into())
    }
}
