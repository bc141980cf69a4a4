//! Texts of an account's own, as identity servers have them sent: decided on and charged as a code is, and sent once. The code that may
//! stand in one is checked by whoever wrote it.

use std::sync::Arc;

use super::start::refusal;
use super::{Read, VerifyError, by};
use crate::core::abuse::{self, Ask, Decision, Who};
use crate::core::audit::{Action, Entry};
use crate::core::id::{MessageId, OutboundId};
use crate::core::key::Key;
use crate::core::money::Price;
use crate::core::phone::PhoneNumber;
use crate::core::segments;
use crate::core::sending::{Channel, Class, Order, Recipient, Refusal, Sent};
use crate::core::time::UnixMs;
use crate::core::verification::address::To;
use crate::gateway::sending::{Behalf, Handover};
use crate::gateway::{DECISIONS_MAX, Error, Gateway, Once};
use crate::store::VerifyStep;

/// A wish for a text to be sent by SMS.
#[derive(Debug)]
pub struct TextWish {
    pub key: Arc<Key>,
    pub to: PhoneNumber,
    pub text: String,
    /// The code that stands in it, where the caller says.
    pub code: Option<String>,
    /// For a request that may come again.
    pub once: Option<Once<TextSent>>,
}

/// What came of a text.
#[derive(Debug, Clone)]
pub struct TextSent {
    pub outcome: Outcome,
    pub provider: Option<String>,
    pub segments: u32,
    /// By the provider's table.
    pub cost: Option<Price>,
    /// Under what the account hears of it.
    pub outbound: Option<OutboundId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    /// It may be on its way: it is not sent again.
    Unknown,
    /// The number gets nothing.
    Test,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unknown => "unknown",
            Self::Test => "test",
        }
    }
}

impl Gateway {
    /// Sends a text, and answers once the provider took it, or nobody knows. Runs on to its end if the caller goes away.
    pub async fn send_text(self: &Arc<Self>, wish: TextWish) -> Result<TextSent, VerifyError> {
        let this = self.clone();
        let sent = tokio::spawn(async move { this.text_sent(&wish).await });
        sent.await.map_err(|_| Error::Contended)?
    }

    async fn text_sent(self: &Arc<Self>, wish: &TextWish) -> Result<TextSent, VerifyError> {
        let is_test = self.verify_rules()?.test_codes.contains_key(wish.to.as_str());
        let begun = TextSent {
            outcome: if is_test { Outcome::Test } else { Outcome::Unknown },
            provider: None,
            segments: segments::encode(&wish.text).segments(),
            cost: None,
            outbound: None,
        };
        let to = To::Number(wish.to.clone());
        if is_test {
            let step = VerifyStep {
                audit: vec![self.text_line(wish, &to, "test")],
                ..VerifyStep::default()
            };
            self.take_step_once(step, wish.once.as_ref(), &begun).await?;
            return Ok(begun);
        }
        // Nobody is there who could be asked whether he is a person.
        let who = Who {
            challenge_passed: true,
            ..Who::default()
        };
        let by = (Channel::Sms, None);
        let route = self.route((&wish.key.account, &to), by, &wish.text).await?;
        let ask = Ask {
            account: &wish.key.account,
            to: &to,
            channel: Channel::Sms,
            who: &who,
            cost: self.price_of(&to, by, &wish.text),
            follows: false,
            profile: None,
            route: route.as_deref(),
        };
        let charged_at = self.charge_text(wish, &ask, &begun).await?;
        let handover = self.carry_text(wish, begun.segments).await;
        let sent = self.text_heard(&ask, charged_at, handover).await?;
        if let Some(once) = &wish.once {
            self.answer_anew(once, sent.as_ref().ok()).await?;
        }
        sent.map_err(|class| VerifyError::Undelivered(class.as_str().to_owned()))
    }

    async fn decided_text(&self, ask: &Ask<'_>) -> Result<(Read, Decision, UnixMs), VerifyError> {
        let (rules, now) = (&self.verify_rules()?.abuse, self.steady());
        let read = self.counters(abuse::names(ask, rules)).await?;
        let decision = abuse::decide_text(ask, &read.known, rules, now);
        Ok((read, decision, now))
    }

    /// Charges for it, and keeps that it is under way as the answer to its repetition; says when that was.
    async fn charge_text(
        &self,
        wish: &TextWish,
        ask: &Ask<'_>,
        begun: &TextSent,
    ) -> Result<UnixMs, VerifyError> {
        let (read, decision, _) = self.decided_text(ask).await?;
        if !decision.is_allowed() {
            return self.refused_text(wish, ask, (&read, decision)).await;
        }
        if !self.consents(ask).await {
            return self.refused_text(wish, ask, (&read, abuse::denied())).await;
        }
        let _lane = self.lane(ask.account).await?;
        for _ in 0..DECISIONS_MAX {
            let (read, decision, now) = self.decided_text(ask).await?;
            if !decision.is_allowed() {
                return self.refused_text(wish, ask, (&read, decision)).await;
            }
            let step = VerifyStep {
                events: self.events_of_start(ask.account, &decision),
                counters: read.changes(decision.changes),
                audit: vec![self.text_line(wish, ask.to, "allow")],
                ..VerifyStep::default()
            };
            if self.take_step_once(step, wish.once.as_ref(), begun).await? {
                return Ok(now);
            }
        }
        Err(Error::Contended.into())
    }

    /// Notes why it does not go, and what the decision found due.
    async fn refused_text(
        &self,
        wish: &TextWish,
        ask: &Ask<'_>,
        (read, decision): (&Read, Decision),
    ) -> Result<UnixMs, VerifyError> {
        let error = refusal(&decision);
        let entry = Entry {
            reasons: decision.words(),
            ..self.text_line(wish, ask.to, decision.verdict.as_str())
        };
        let step = VerifyStep {
            events: self.events_of_refusal(ask, (&decision, None), false),
            counters: read.changes(decision.changes),
            audit: vec![entry],
            ..VerifyStep::default()
        };
        self.take_step(step).await?;
        Err(error)
    }

    fn text_line(&self, wish: &TextWish, to: &To, verdict: &str) -> Entry {
        let entry = self.entry(&wish.key.account, Action::Text, verdict);
        by(self.about(entry, to, None), &wish.key, None)
    }

    async fn carry_text(self: &Arc<Self>, wish: &TextWish, segments: u32) -> Handover {
        let order = Order {
            key: MessageId(self.parts.clock.random()).to_string(),
            to: Recipient::Phone(wish.to.clone()),
            text: wish.text.clone(),
            code: wish.code.clone(),
            language: String::new(),
            subject: String::new(),
            extension: None,
        };
        let none = |provider: &str, sent| Handover {
            provider: provider.to_owned(),
            sent,
            segments,
            cost: None,
            outbound: None,
        };
        if self.goes_by_loopback(&wish.to) {
            return none("loopback", self.loop_back(&wish.to, &order).await);
        }
        let behalf = Behalf::from(wish.key.account.clone());
        let sent = self.send((Channel::Sms, None), Some(behalf), order).await;
        sent.unwrap_or_else(|error| {
            let refusal = Refusal::new(Class::Misconfigured, error.to_string());
            none("", Sent::Refused(refusal))
        })
    }

    /// Commits what was heard of the sending, and settles what was charged: a refusal costs nothing, another provider what its table says.
    async fn text_heard(
        &self,
        ask: &Ask<'_>,
        charged_at: UnixMs,
        handover: Handover,
    ) -> Result<Result<TextSent, Class>, VerifyError> {
        let account = ask.account;
        let (word, heard) = match &handover.sent {
            Sent::Accepted(_) => ("accepted", Ok(Outcome::Accepted)),
            Sent::Unknown(_) => ("unknown", Ok(Outcome::Unknown)),
            Sent::Refused(refusal) => (refusal.class.as_str(), Err(refusal.class)),
        };
        let cost = match heard {
            Ok(_) => handover.cost.unwrap_or(ask.cost),
            Err(_) => Price::default(),
        };
        let _lane = self.lane(account).await?;
        for _ in 0..DECISIONS_MAX {
            let entry = self.about(self.entry(account, Action::Sent, word), ask.to, None);
            let mut step = VerifyStep {
                audit: vec![entry],
                ..VerifyStep::default()
            };
            if cost != ask.cost {
                let names = abuse::names_of_text(account, ask.to);
                let read = self.counters(names.clone()).await?;
                let settled = abuse::text_settled(&names, (ask.cost, cost), charged_at, &read.known);
                step.counters = read.changes(settled);
            }
            if self.take_step(step).await? {
                return Ok(heard.map(|outcome| TextSent {
                    outcome,
                    provider: Some(handover.provider),
                    segments: handover.segments,
                    cost: handover.cost,
                    outbound: handover.outbound,
                }));
            }
        }
        Err(Error::Contended.into())
    }
}
