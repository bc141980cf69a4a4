//! Starts whose refusal is not told, where `verify.privacy` or a profile is strict: the answer is that of a code that went out, nothing is
//! sent, no code is right, and the audit log and the events say why.

use super::choice::Way;
use super::start::Ready;
use super::{Read, VerifyError, VerifyWish};
use crate::core::abuse::{self, Ask, Decision, Reason, Verdict};
use crate::core::audit::Entry;
use crate::core::sending::Class;
use crate::core::verification::{Sent, Status, Verification};
use crate::gateway::{DECISIONS_MAX, Error, Gateway};
use crate::store::VerifyStep;

/// Whether a decision says something of the number that is none of the caller's: limits and caps are the same for every number.
fn tells_of_number(decision: &Decision) -> bool {
    let is_of_number = |reason: &Reason| {
        matches!(
            reason,
            Reason::NeverAllowed
                | Reason::CountryNotAllowed
                | Reason::PrefixDenied
                | Reason::NotATestDestination
                | Reason::Blocked
                | Reason::Denied
        )
    };
    matches!(
        decision.verdict,
        Verdict::Blocked(_) | Verdict::ChannelSwitch(Some(_))
    ) && decision.reasons.iter().any(is_of_number)
}

impl Gateway {
    /// Whether codes by this profile, or none, are answered so.
    fn is_strict(&self, profile: Option<bool>) -> bool {
        let by_rule = || self.verify_rules().is_ok_and(|rules| rules.strict_privacy);
        profile.unwrap_or_else(by_rule)
    }

    /// Whether a refusal of this wish is not told.
    pub(super) fn conceals(&self, wish: &VerifyWish, decision: &Decision) -> bool {
        let own = wish
            .profile
            .as_ref()
            .and_then(|profile| profile.settings.strict_privacy);
        self.is_strict(own) && tells_of_number(decision)
    }

    /// One whose provider would not take it for its person's sake stays as it was, where that is not told: no code of it is right.
    pub(super) fn kept_quiet(&self, known: &Verification, next: Verification) -> Verification {
        let live = self.parts.store.live();
        let profile = known.profile.parse().ok();
        let profile = profile.and_then(|id| live.profile(&known.account, id));
        let own = profile.and_then(|profile| profile.settings.strict_privacy);
        let is_of_person = next.sent.reason().is_some_and(Class::is_word_of_person);
        let is_over = known.status == Status::Pending && next.status == Status::Canceled;
        if is_over && is_of_person && self.is_strict(own) {
            return Verification {
                status: Status::Pending,
                withheld: true,
                ..next
            };
        }
        next
    }

    /// Begins one that nothing is sent for. It is limited as any other, so that limits do not tell it either.
    pub(super) async fn concealed_start(
        &self,
        wish: &VerifyWish,
        way: &Way,
        (read, refused): (&Read, Decision),
    ) -> Result<Verification, VerifyError> {
        let ask = wish.asker().ask(way);
        let ready = match self.limited(&ask).await? {
            Ok(_) => self.ready(wish).await?,
            Err((read, limited)) => return self.refused_start(wish, &ask, (&read, limited)).await,
        };
        // What the first decision found due is kept whatever comes of this.
        let found = VerifyStep {
            counters: read.changes(refused.changes.clone()),
            ..VerifyStep::default()
        };
        self.take_step(found).await?;
        let _lane = self.lane(&wish.key.account).await?;
        for _ in 0..DECISIONS_MAX {
            let (read, decision) = match self.limited(&ask).await? {
                Ok(limits) => limits,
                Err((read, limited)) => return self.refused_start(wish, &ask, (&read, limited)).await,
            };
            let (verification, mut step) = self.quiet_step(wish, &ready).await?;
            let entry = self.start_entry(wish, &verification, refused.verdict.as_str());
            step.audit.push(Entry {
                reasons: refused.words(),
                ..entry
            });
            step.events = self.events_of_refusal(&ask, (&refused, Some(verification.id)), false);
            step.counters = read.changes(decision.changes);
            let once = wish.once.as_deref();
            if self.take_step_once(step, once, &verification).await? {
                return Ok(verification);
            }
        }
        Err(Error::Contended.into())
    }

    /// It, and the step that begins it. Where a pending code would go out once more, it is that one, and stays as it is.
    async fn quiet_step(
        &self,
        wish: &VerifyWish,
        ready: &Ready,
    ) -> Result<(Verification, VerifyStep), VerifyError> {
        let (before, mut step) = (self.pending(wish).await?, VerifyStep::default());
        match before {
            Some(before) if before.id == ready.verification.id => Ok((before, step)),
            _ if ready.verification.sends > 1 => Err(Error::Contended.into()),
            before => {
                let verification = Verification {
                    sent: Sent::Nothing,
                    withheld: true,
                    ..ready.verification.clone()
                };
                let over = before
                    .as_ref()
                    .and_then(|before| before.ended(Status::Superseded));
                let was = before.map(|before| before.version);
                step.verifications.extend(over.map(|over| (over, was)));
                step.verifications.push((verification.clone(), None));
                Ok((verification, step))
            }
        }
    }

    /// What the limits of whoever asks say; what speaks against it is an error, with the records that it was decided on.
    async fn limited(
        &self,
        ask: &Ask<'_>,
    ) -> Result<Result<(Read, Decision), (Read, Decision)>, VerifyError> {
        let rules = &self.verify_rules()?.abuse;
        let read = self.counters(abuse::names_of_limits(ask, rules)).await?;
        let decision = abuse::decide_limits(ask, &read.known, rules, self.steady());
        Ok(match decision.is_allowed() {
            true => Ok((read, decision)),
            false => Err((read, decision)),
        })
    }
}
