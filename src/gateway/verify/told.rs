//! What an account hears of its codes: events that go into the step which brings them about.

use crate::core::abuse::checks::Failing;
use crate::core::abuse::{Ask, Decision, Reason, Verdict};
use crate::core::event::{self, Event, Kind};
use crate::core::id::{AccountId, VerificationId};
use crate::core::verification::Verification;
use crate::gateway::{Error, Gateway, Once};
use crate::store::{Commit, Committed, Heard, VerifyStep};

impl Gateway {
    /// Commits a step, and rings where somebody is owed something by it; false: it was decided on an older state.
    pub(super) async fn take_step(&self, step: VerifyStep) -> Result<bool, Error> {
        self.take_step_once::<()>(step, None, &()).await
    }

    /// The same, with what is answered to a request that may come again.
    pub(super) async fn take_step_once<T>(
        &self,
        step: VerifyStep,
        once: Option<&Once<T>>,
        made: &T,
    ) -> Result<bool, Error> {
        let rings = step.events.iter().any(|heard| !heard.targets.is_empty());
        let committed = self
            .commit_once(Commit::Verify(Box::new(step)), once, made)
            .await?;
        let holds = matches!(committed, Committed::New(_));
        if holds && rings {
            self.parts.doorbell.notify_one();
        }
        Ok(holds)
    }

    fn owed(&self, event: Event) -> Heard {
        Heard {
            targets: self.targets(&event, None),
            event,
        }
    }

    /// Of a code that is given back: that most of those before it were wrong.
    pub(super) fn events_of_guess(&self, account: &AccountId, failing: Option<Failing>) -> Vec<Heard> {
        let at = || (self.now(), self.parts.clock.random());
        let event = failing.map(|failing| self.owed(event::of_failing(account, failing, at())));
        event.into_iter().collect()
    }

    /// A verification came to this, as it stands in the step.
    pub(super) fn event_of(&self, kind: Kind, verification: &Verification) -> Heard {
        let mut heard = self.owed(event::of_verification(kind, verification, self.now()));
        heard.targets.extend(self.webhook_for(kind, verification));
        heard
    }

    /// Of a start that is let through: what the account should know besides.
    pub(super) fn events_of_start(&self, account: &AccountId, decision: &Decision) -> Vec<Heard> {
        let at = || (self.now(), self.parts.clock.random());
        let alarms = decision.alarms.iter();
        let mut events: Vec<Event> = alarms
            .map(|alarm| event::of_alarm(account, alarm, at()))
            .collect();
        if let Verdict::Allow(warnings) = &decision.verdict {
            events.extend(
                warnings
                    .iter()
                    .map(|warning| event::of_warning(account, warning, at())),
            );
        }
        events.into_iter().map(|event| self.owed(event)).collect()
    }

    /// Of one that is not: one that is only too early, or wants a person shown, is told by its answer alone, unless nobody hears that. What
    /// was answered in its place is named.
    pub(super) fn events_of_refusal(
        &self,
        ask: &Ask<'_>,
        (decision, answered): (&Decision, Option<VerificationId>),
        always: bool,
    ) -> Vec<Heard> {
        let mut events = self.events_of_start(ask.account, decision);
        let wait_ms = match decision.verdict {
            Verdict::Blocked(wait_ms) | Verdict::ChannelSwitch(Some(wait_ms)) => Some(wait_ms),
            Verdict::Delayed(wait_ms) if always || decision.reasons.contains(&Reason::SpendCap) => {
                Some(wait_ms)
            }
            _ => always.then_some(u64::MAX),
        };
        if let Some(wait_ms) = wait_ms {
            let at = (self.now(), self.parts.clock.random());
            let refused = event::of_refusal(ask, (decision, answered), wait_ms, at);
            events.push(self.owed(refused));
        }
        events
    }
}
