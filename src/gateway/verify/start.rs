//! A code is asked for: decided, hashed, decided and committed, and only then sent (`send.rs`), once.

use std::sync::Arc;

use super::choice::Way;
use super::send::Going;
use super::{Read, VerifyError, bound, by};
use crate::core::abuse::{self, Ask, Decision, Reason, Verdict, Who};
use crate::core::audit::{Action, Entry};
use crate::core::id::VerificationId;
use crate::core::key::Key;
use crate::core::money::Price;
use crate::core::sending::Channel;
use crate::core::verification::address::To;
use crate::core::verification::code::Code;
use crate::core::verification::fallback::Words;
use crate::core::verification::hash::{Hash, Scheme};
use crate::core::verification::profile::Profile;
use crate::core::verification::{New, Own, Sent, Status, Verification};
use crate::gateway::{DECISIONS_MAX, Error, Gateway, Once};
use crate::store::VerifyStep;

/// A wish for a code to be sent.
#[derive(Debug, Clone)]
pub struct VerifyWish {
    pub key: Arc<Key>,
    /// By which it is sent: then the profile's limits count, and the same wish again at once is the one before.
    pub profile: Option<Arc<Profile>>,
    pub to: To,
    pub channel: Channel,
    pub digits: u8,
    pub words: Words,
    pub who: Who,
    pub own: Own,
    /// How long it holds, where not for as long as usual.
    pub ttl_ms: Option<u64>,
    /// For a request that may come again.
    pub once: Option<Arc<Once<Verification>>>,
}

impl VerifyWish {
    fn profile_id(&self) -> String {
        self.profile
            .as_ref()
            .map_or_else(String::new, |profile| profile.id.to_string())
    }
}

/// A code that is ready to go out.
pub(super) struct Ready {
    pub verification: Verification,
    code: Code,
}

/// What a wish came to.
enum Begun {
    Anew(Ready),
    /// The same was asked for a moment ago.
    Already(Verification),
}

impl Gateway {
    /// Has a code sent, and answers once the provider took it, or nobody knows. Runs on to its end if the caller goes away.
    pub async fn start_verification(self: &Arc<Self>, wish: VerifyWish) -> Result<Verification, VerifyError> {
        let started = self.begin_verification(wish).await?;
        match &started.sent {
            Sent::Refused { reason, .. } if !started.withheld => {
                Err(VerifyError::Undelivered(reason.clone()))
            }
            _ => Ok(started),
        }
    }

    /// The same; one that no provider took is an answer too.
    pub(super) async fn begin_verification(
        self: &Arc<Self>,
        wish: VerifyWish,
    ) -> Result<Verification, VerifyError> {
        let this = self.clone();
        let started = tokio::spawn(async move {
            let started = this.started(&wish).await?;
            this.answered_so(&wish, started).await
        });
        started.await.map_err(|_| Error::Contended)?
    }

    async fn started(self: &Arc<Self>, wish: &VerifyWish) -> Result<Verification, VerifyError> {
        let rules = self.verify_rules()?;
        if let Some(repeated) = self
            .pending(wish)
            .await?
            .filter(|known| self.is_repeated(known, wish))
        {
            return self.met(wish, repeated).await;
        }
        if let Some(code) = rules.test_codes.get(wish.to.as_str()) {
            let code = wish.own.code.as_ref().unwrap_or(code);
            return self.test_verification(wish, code.clone()).await;
        }
        // Before anything is hashed: what is refused costs nothing.
        let (asker, ways) = (wish.asker(), self.ways(wish).await?);
        let (read, choice) = self.chosen(&asker, &ways).await?;
        let way = &ways[choice.at];
        let refused = match choice.decision.is_allowed() {
            false => Some(choice.decision),
            true => (!self.consents(&asker.ask(way)).await).then(abuse::denied),
        };
        if let Some(decision) = refused {
            if self.conceals(wish, &decision) {
                return self.concealed_start(wish, way, (&read, decision)).await;
            }
            return self.refused_start(wish, &asker.ask(way), (&read, decision)).await;
        }
        let ready = self.ready(wish).await?;
        match self.committed(wish, (&ways, choice.at), ready).await? {
            Begun::Anew(ready) => {
                let going = Going::new(ready.verification, &way.step, (&ready.code, &way.words));
                self.gone_on(self.sent_out(going).await?).await
            }
            Begun::Already(known) => self.met(wish, known).await,
        }
    }

    /// Whether whoever asks asks again for what was asked for a moment ago: SDKs do that by themselves where an answer is lost.
    fn is_repeated(&self, known: &Verification, wish: &VerifyWish) -> bool {
        let within_ms = self.verify_rules().map_or(0, |rules| rules.repeated_ms);
        wish.profile.is_some() && known.is_repeated(wish.channel, &wish.own, (within_ms, self.steady()))
    }

    /// What codes are timed by.
    pub fn steady(&self) -> crate::core::time::UnixMs {
        self.parts.clock.moment().steady
    }

    /// What one sending is reckoned to cost: by the table of whoever would be asked first, else what a code costs as a rule.
    pub(super) fn price_of(&self, to: &To, by: (Channel, Option<&str>), text: &str) -> Price {
        match (to, self.verify_rules()) {
            (To::Number(number), Ok(rules)) if !self.goes_by_loopback(number) => {
                let first = self.quotes(by, number, text).into_iter().next();
                first.and_then(|quote| quote.cost).unwrap_or(rules.price)
            }
            _ => Price::default(),
        }
    }

    /// Notes why there is no code, and what the decision found due.
    pub(super) async fn refused_start(
        &self,
        wish: &VerifyWish,
        ask: &Ask<'_>,
        (read, decision): (&Read, Decision),
    ) -> Result<Verification, VerifyError> {
        let (word, error) = (decision.verdict.as_str(), refusal(&decision));
        let entry = self.about(self.entry(&wish.key.account, Action::Start, word), &wish.to, None);
        let step = VerifyStep {
            events: self.events_of_refusal(ask, (&decision, None), false),
            audit: vec![Entry {
                reasons: decision.words(),
                ..by(entry, &wish.key, wish.who.ip)
            }],
            counters: read.changes(decision.changes),
            ..VerifyStep::default()
        };
        // Where the records have changed since, the next decision finds the same due; only the line and the event are missing then.
        self.take_step(step).await?;
        Err(error)
    }

    /// The code and its hash: a new one, or that of the pending verification where it goes out again.
    pub(super) async fn ready(&self, wish: &VerifyWish) -> Result<Ready, VerifyError> {
        let rules = self.verify_rules()?;
        let is_told_again = rules.resends_same || !self.way(wish)?.1.is_empty();
        if rules.resends_same
            && let Some(pending) = self.pending(wish).await?
            && let Some(next) = pending.resent(wish.channel)
        {
            let own = wish.own.code.as_ref();
            if let Some(code) = self.code_again(&pending, (own, wish.digits)).await? {
                return Ok(Ready {
                    verification: next,
                    code,
                });
            }
        }
        let id = VerificationId::new(self.now(), self.parts.clock.random());
        let new = self.new_verification(wish, id);
        let blank = new.begun(self.parts.clock.moment());
        let code = match (&wish.own.code, is_told_again) {
            (Some(own), _) => own.clone(),
            (None, true) => rules.peppers.newest.code(bound(&blank), wish.digits),
            (None, false) => Code::drawn(wish.digits, || self.parts.clock.random::<1>()[0]),
        };
        if wish.channel != Channel::Flashcall {
            self.warn_of_short(&blank.account, &blank.profile, wish.digits);
        }
        let verification = self.with_hash(blank, &code, rules.scheme).await?;
        Ok(Ready { verification, code })
    }

    fn new_verification(&self, wish: &VerifyWish, id: VerificationId) -> New {
        let rules = self.verifying.as_ref().map(|verifying| &verifying.rules);
        New {
            id,
            account: wish.key.account.clone(),
            profile: wish.profile_id(),
            to: wish.to.clone(),
            channel: wish.channel,
            hash: Hash::NOTHING,
            digits: wish.digits,
            attempts_max: rules.map_or(1, |rules| rules.attempts_max),
            ttl_ms: wish.ttl_ms.or(rules.map(|rules| rules.ttl_ms)).unwrap_or(0),
            own: wish.own.clone(),
        }
    }

    async fn with_hash(
        &self,
        blank: Verification,
        code: &Code,
        scheme: Scheme,
    ) -> Result<Verification, VerifyError> {
        let (pepper, salt, code) = (
            self.verify_rules()?.peppers.newest.clone(),
            self.parts.clock.random(),
            code.clone(),
        );
        self.hashed(scheme.is_slow(), move || {
            let hash = scheme.hash(&pepper, bound(&blank), &code, salt);
            Verification { hash, ..blank }
        })
        .await
    }

    /// The newest one to the same address that is still pending.
    pub(super) async fn pending(&self, wish: &VerifyWish) -> Result<Option<Verification>, VerifyError> {
        let (account, profile, to, now) = (
            wish.key.account.clone(),
            wish.profile_id(),
            wish.to.clone(),
            self.now(),
        );
        let newest = self
            .read(move |store| store.newest_verification(&account, (&profile, &to), now))
            .await?;
        let steady = self.steady();
        Ok(newest.filter(|known| known.status_at(steady) == Status::Pending))
    }

    /// Charges and begins it in one commit; the one before it ends by it. It goes by the way that was chosen, or not at all.
    async fn committed(
        &self,
        wish: &VerifyWish,
        (ways, at): (&[Way], usize),
        ready: Ready,
    ) -> Result<Begun, VerifyError> {
        let (way, asker) = (&ways[at], wish.asker());
        let _lane = self.lane(&wish.key.account).await?;
        for _ in 0..DECISIONS_MAX {
            let (read, choice) = self.chosen(&asker, ways).await?;
            if !choice.decision.is_allowed() {
                self.refused_start(wish, &asker.ask(way), (&read, choice.decision))
                    .await?;
                continue;
            }
            let now = self.steady();
            let mut verification = ready.verification.clone();
            let follows = self.follows(wish, (&way.step, &way.rest), now);
            let before = self.pending(wish).await?;
            let mut step = VerifyStep {
                events: self.events_of_start(&wish.key.account, &choice.decision),
                counters: read.changes(choice.decision.changes),
                ..VerifyStep::default()
            };
            let is_resend = verification.sends > 1;
            match before {
                _ if choice.at != at => return Err(Error::Contended.into()),
                Some(before) if is_resend && before.id == verification.id => {
                    // As it is now: a guess may have been counted since it was read.
                    let next = before.resent(wish.channel).unwrap_or(verification);
                    verification = next.charged_by(way, follows, now);
                    step.passed.extend(before.place());
                    step.verifications
                        .push((verification.clone(), Some(before.version)));
                }
                _ if is_resend => return Err(Error::Contended.into()),
                Some(before) if self.is_repeated(&before, wish) => return Ok(Begun::Already(before)),
                before => {
                    let over = before
                        .as_ref()
                        .and_then(|before| before.ended(Status::Superseded));
                    let was = before.map(|before| before.version);
                    verification = verification.charged_by(way, follows, now);
                    step.verifications.extend(over.map(|over| (over, was)));
                    step.verifications.push((verification.clone(), None));
                }
            }
            step.audit = self.lines_of_start(wish, &verification, &choice.switched);
            let once = wish.once.as_deref();
            if self.take_step_once(step, once, &verification).await? {
                return Ok(Begun::Anew(Ready {
                    verification,
                    ..ready
                }));
            }
        }
        Err(Error::Contended.into())
    }

    /// That it is let through, and before that, why not by the channel that was asked for.
    fn lines_of_start(
        &self,
        wish: &VerifyWish,
        verification: &Verification,
        switched: &[Reason],
    ) -> Vec<Entry> {
        let allowed = self.start_entry(wish, verification, "allow");
        let switch = (!switched.is_empty()).then(|| Entry {
            verdict: Verdict::ChannelSwitch(None).as_str().to_owned(),
            reasons: abuse::words(switched),
            ..allowed.clone()
        });
        switch.into_iter().chain([allowed]).collect()
    }

    pub(super) fn start_entry(&self, wish: &VerifyWish, verification: &Verification, verdict: &str) -> Entry {
        let entry = self.entry(&wish.key.account, Action::Start, verdict);
        by(
            self.about(entry, &wish.to, Some(verification.id)),
            &wish.key,
            wish.who.ip,
        )
    }

    /// A number that gets nothing, whose code is known.
    async fn test_verification(&self, wish: &VerifyWish, code: Code) -> Result<Verification, VerifyError> {
        let id = VerificationId::new(self.now(), self.parts.clock.random());
        let blank = self.new_verification(wish, id).begun(self.parts.clock.moment());
        let hashed = self.with_hash(blank, &code, Scheme::Hmac).await?;
        let verification = Verification {
            sent: Sent::Nothing,
            ..hashed
        };
        let step = VerifyStep {
            audit: vec![self.start_entry(wish, &verification, "test")],
            verifications: vec![(verification.clone(), None)],
            ..VerifyStep::default()
        };
        let once = wish.once.as_deref();
        if self.take_step_once(step, once, &verification).await? {
            return Ok(verification);
        }
        Err(Error::Contended.into())
    }
}

/// What whoever asked hears of a decision against it.
pub(super) fn refusal(decision: &Decision) -> VerifyError {
    match decision.verdict {
        Verdict::Challenge | Verdict::ChannelSwitch(None) => VerifyError::Challenge,
        Verdict::Blocked(_) if decision.reasons.iter().any(|reason| is_of_destination(*reason)) => {
            VerifyError::Destination
        }
        Verdict::Delayed(wait_ms) | Verdict::Blocked(wait_ms) | Verdict::ChannelSwitch(Some(wait_ms)) => {
            VerifyError::Limited(wait_ms)
        }
        Verdict::Allow(_) => VerifyError::Gateway(Error::Contended),
    }
}

fn is_of_destination(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NeverAllowed | Reason::CountryNotAllowed | Reason::PrefixDenied | Reason::NotATestDestination
    )
}
