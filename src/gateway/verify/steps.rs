//! A code goes on where it did not arrive: by the step that is due, decided and committed as its start was, and only then sent. It is the
//! same code, made again from its pepper, for it is kept nowhere.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::choice::{Asker, Way};
use super::{Read, VerifyError, VerifyWish};
use crate::core::abuse::{self, Ask, Choice, Verdict};
use crate::core::audit::{Action, Entry};
use crate::core::event::Kind;
use crate::core::id::AccountId;
use crate::core::time::UnixMs;
use crate::core::verification::code::Code;
use crate::core::verification::fallback::{self, Fallback, Place, Step};
use crate::core::verification::profile::Profile;
use crate::core::verification::{Status, Verification};
use crate::gateway::verify::send::Going;
use crate::gateway::{DECISIONS_MAX, Error, Gateway};
use crate::store::VerifyStep;

/// Steps that are looked at in one go, and of those that are decided on at one time.
const DUE_MAX: usize = 100;
const AT_ONCE_MAX: usize = 16;

/// A code that can be told once more, and by whose rules.
struct Told {
    code: Code,
    profile: Option<Arc<Profile>>,
}

impl Gateway {
    /// The step by which a wish's code begins, and those that follow.
    pub(super) fn way(&self, wish: &VerifyWish) -> Result<(Step, Vec<Step>), VerifyError> {
        let steps = match &wish.profile {
            Some(profile) => &profile.settings.fallback,
            None => &self.verify_rules()?.fallback,
        };
        Ok(fallback::from(steps, wish.channel))
    }

    /// What follows a sending that begins now.
    pub(super) fn follows(
        &self,
        wish: &VerifyWish,
        (step, rest): (&Step, &[Step]),
        now: UnixMs,
    ) -> Option<Fallback> {
        (!rest.is_empty()).then(|| Fallback {
            rest: rest.to_vec(),
            due_at: step.due_at(now),
            digits: wish.digits,
            words: wish.words.clone(),
            who: wish.who.clone(),
            actor: wish.key.id.as_str().to_owned(),
        })
    }

    /// Goes on with codes whose step is due, until the process drains.
    pub async fn go_on_for_ever(self: &Arc<Self>, every: Duration) {
        let mut draining = self.parts.draining.clone();
        while !*draining.borrow() {
            if let Err(error) = self.go_on_due().await {
                tracing::warn!(%error, "codes whose next step is due could not be looked for; tried again");
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep(every) => {}
                _ = draining.wait_for(|draining| *draining) => {}
            }
        }
    }

    /// Goes on with those whose step is due; says how many it looked at.
    pub async fn go_on_due(self: &Arc<Self>) -> Result<usize, Error> {
        if self.verifying.is_none() {
            return Ok(0);
        }
        let now = self.steady();
        let due = self.read(move |store| store.steps_due(now, DUE_MAX)).await?;
        for some in due.chunks(AT_ONCE_MAX) {
            let each = some.iter().map(|(account, place)| self.go_on(account, *place));
            for failed in join_all(each).await.into_iter().filter_map(Result::err) {
                tracing::warn!(error = %failed, "the next step of a code failed; tried again");
            }
        }
        Ok(due.len())
    }

    async fn go_on(self: &Arc<Self>, account: &AccountId, place: Place) -> Result<(), VerifyError> {
        let known = match self.verification(account, place.id).await {
            Ok(known) => Some(known),
            Err(VerifyError::NotFound) => None,
            Err(error) => return Err(error),
        };
        let is_due =
            |known: &Verification| known.place() == Some(place) && known.step_due(self.steady()).is_some();
        let Some(known) = known.filter(is_due) else {
            // It was given back, is over, has arrived, or goes on from another place.
            let step = VerifyStep {
                passed: vec![place],
                ..VerifyStep::default()
            };
            self.take_step(step).await?;
            return Ok(());
        };
        if let Some(going) = self.stepped(&known).await? {
            let this = self.clone();
            // Its provider may take its time; what comes of it is committed, and others do not wait for it.
            tokio::spawn(async move { this.went(going).await });
        }
        Ok(())
    }

    async fn went(self: &Arc<Self>, going: Going) {
        let sent = match self.sent_out(going).await {
            Ok(known) => self.gone_on(known).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            tracing::warn!(%error, "what came of a code's further step could not be written down");
        }
    }

    /// Goes on by all steps that are due; the verification as it stands then.
    pub(super) async fn gone_on(
        self: &Arc<Self>,
        mut known: Verification,
    ) -> Result<Verification, VerifyError> {
        while known.step_due(self.steady()).is_some() {
            known = match self.stepped(&known).await? {
                Some(going) => self.sent_out(going).await?,
                None => return self.verification(&known.account, known.id).await,
            };
        }
        Ok(known)
    }

    /// Decides on the step that is due, and commits it; `None`: it does not go, or somebody else was quicker. Where its channel is what
    /// speaks against it, one behind it by another channel goes in its place. Who comes to it together goes one after the other, so that the
    /// operator's own check is asked once.
    async fn stepped(&self, known: &Verification) -> Result<Option<Going>, VerifyError> {
        let _turn = self.step_turn(known.id).await?;
        let now_is = self.verification(&known.account, known.id).await?;
        if now_is.place() != known.place() {
            return Ok(None);
        }
        let told = self.told_again(known).await?;
        let (Some(told), Some(left)) = (&told, &known.fallback) else {
            return self.not_told(known).await;
        };
        let asker = Asker {
            account: &known.account,
            to: &known.to,
            who: &left.who,
            profile: told.profile.as_deref(),
            follows: true,
        };
        let ways = self.ways_left((known, left), &asker, told).await?;
        let (_, choice) = self.chosen(&asker, &ways).await?;
        let consents = self.consents(&asker.ask(&ways[choice.at])).await;
        let _lane = self.lane(&known.account).await?;
        for _ in 0..DECISIONS_MAX {
            let (now_is, now) = (self.verification(&known.account, known.id).await?, self.steady());
            if now_is.place() != known.place() || now_is.step_due(now).is_none() {
                return Ok(None);
            }
            let (read, mut choice) = self.chosen(&asker, &ways).await?;
            if !consents {
                choice.decision = abuse::denied();
            }
            let ask = asker.ask(&ways[choice.at]);
            let (going, step) = self.decided((&now_is, left), &ask, (choice, &read), now);
            if self.take_step(step).await? {
                let way = |(next, at): (Verification, usize)| {
                    Going::new(next, &ways[at].step, (&told.code, &ways[at].words))
                };
                return Ok(going.map(way));
            }
        }
        Err(Error::Contended.into())
    }

    /// Its code or its profile is gone: it stays.
    async fn not_told(&self, known: &Verification) -> Result<Option<Going>, VerifyError> {
        let _lane = self.lane(&known.account).await?;
        for _ in 0..DECISIONS_MAX {
            let known = self.verification(&known.account, known.id).await?;
            let (Some(_), Some(left)) = (known.step_due(self.steady()), &known.fallback) else {
                return Ok(None);
            };
            let reasons = vec!["code_or_profile_gone".to_owned()];
            let step = self.stays(&known, self.line(&known, left, ("blocked", reasons)));
            if self.take_step(step).await? {
                return Ok(None);
            }
        }
        Err(Error::Contended.into())
    }

    /// The steps that are left, each asked for as its code was, by whoever asked for it.
    async fn ways_left(
        &self,
        (known, left): (&Verification, &Fallback),
        asker: &Asker<'_>,
        told: &Told,
    ) -> Result<Vec<Way>, VerifyError> {
        let told = |step: &Step| {
            let words = match &told.profile {
                Some(profile) => self.words(profile, step.channel),
                None => left.words.clone(),
            };
            let text = words.told(step.channel, &told.code, known.ttl_ms);
            (words, text)
        };
        self.ways_of(asker, &left.rest, &told).await
    }

    fn decided(
        &self,
        (known, left): (&Verification, &Fallback),
        ask: &Ask<'_>,
        (choice, read): (Choice, &Read),
        now: UnixMs,
    ) -> (Option<(Verification, usize)>, VerifyStep) {
        let Choice {
            at,
            decision,
            switched,
        } = choice;
        let going = match decision.verdict {
            Verdict::Allow(_) => known.without(at).stepped(ask.cost, now),
            _ => None,
        };
        let switch = (!switched.is_empty()).then(|| {
            let word = Verdict::ChannelSwitch(None).as_str();
            self.line(known, left, (word, abuse::words(&switched)))
        });
        let mut step = match &going {
            Some((next, _)) => VerifyStep {
                passed: known.place().into_iter().collect(),
                audit: switch
                    .into_iter()
                    .chain([self.line(known, left, ("allow", vec![known.sent.as_str().to_owned()]))])
                    .collect(),
                events: self.events_of_start(&known.account, &decision),
                verifications: vec![(next.clone().over(ask.route), Some(known.version))],
                ..VerifyStep::default()
            },
            None => {
                let line = self.line(known, left, (decision.verdict.as_str(), decision.words()));
                let mut step = self.stays(known, line);
                // Nobody waits for an answer that would tell it.
                let refused = self.events_of_refusal(ask, (&decision, None), true);
                step.events.extend(refused);
                step
            }
        };
        step.counters = read.changes(decision.changes);
        (going.map(|(next, _)| (next, at)), step)
    }

    /// It goes no further, as this line says.
    fn stays(&self, known: &Verification, line: Entry) -> VerifyStep {
        let next = self.kept_quiet(known, known.stayed());
        let is_over = next.status == Status::Canceled;
        VerifyStep {
            passed: known.place().into_iter().collect(),
            settled: is_over.then(|| known.into()).into_iter().collect(),
            audit: vec![line],
            events: is_over
                .then(|| self.event_of(Kind::VerifyFailed, &next))
                .into_iter()
                .collect(),
            verifications: vec![(next, Some(known.version))],
            ..VerifyStep::default()
        }
    }

    fn line(&self, known: &Verification, left: &Fallback, (word, reasons): (&str, Vec<String>)) -> Entry {
        let entry = self.about(
            self.entry(&known.account, Action::Fallback, word),
            &known.to,
            Some(known.id),
        );
        Entry {
            actor: left.actor.clone(),
            ip: left.who.ip.map(|ip| ip.to_string()),
            reasons,
            ..entry
        }
    }

    /// Its code, and the profile whose words tell it; `None` where that or its pepper is gone.
    async fn told_again(&self, known: &Verification) -> Result<Option<Told>, VerifyError> {
        let (Some(left), Some(_)) = (&known.fallback, known.step_due(self.steady())) else {
            return Ok(None);
        };
        let profile = match known.profile.parse() {
            Err(_) => None,
            Ok(id) => match self.parts.store.live().profile(&known.account, id) {
                None => return Ok(None),
                profile => profile,
            },
        };
        let own = known.own.code.as_ref();
        let code = self.code_again(known, (own, left.digits)).await?;
        Ok(code.map(|code| Told { code, profile }))
    }
}
