//! A code goes out, once, and what its provider says is committed: the answer here, reports on it in the carrier's own request.

use std::sync::Arc;

use super::{Read, VerifyError};
use crate::core::abuse;
use crate::core::abuse::counter::{Counters, Name};
use crate::core::abuse::network;
use crate::core::audit::Action;
use crate::core::event::Kind;
use crate::core::id::AccountId;
use crate::core::money::Price;
use crate::core::outbound::{Outbound, Sending, State};
use crate::core::phone::PhoneNumber;
use crate::core::sending::{self, Order, Recipient};
use crate::core::verification::address::To;
use crate::core::verification::code::Code;
use crate::core::verification::fallback::{Step, Words};
use crate::core::verification::text::{self, Filling};
use crate::core::verification::{Sent, Status, Verification};
use crate::gateway::draft::Draft;
use crate::gateway::sending::Behalf;
use crate::gateway::{DECISIONS_MAX, Error, Gateway};
use crate::store::{CounterChange, Open, VerifyStep};

/// A code on its way to whoever carries it.
pub(super) struct Going {
    verification: Verification,
    /// By this provider alone.
    provider: Option<String>,
    order: Order,
}

impl Going {
    /// As it was committed, by this step, in these words.
    pub fn new(verification: Verification, step: &Step, (code, words): (&Code, &Words)) -> Self {
        let filling = Filling {
            code,
            app_name: words.app_name.as_deref(),
            minutes: verification.ttl_ms.div_ceil(60_000),
        };
        let order = Order {
            key: format!("{}-{}", verification.id, verification.sends),
            to: match &verification.to {
                To::Number(number) => Recipient::Phone(number.clone()),
                To::Email(email) => Recipient::Email(email.as_str().to_owned()),
            },
            text: words.told(verification.channel, code, verification.ttl_ms),
            code: Some(code.as_str().to_owned()),
            language: words.language.clone(),
            subject: text::written(None, &words.language, filling),
            extension: verification.own.extension.clone(),
        };
        Self {
            provider: step.provider.clone(),
            verification,
            order,
        }
    }
}

impl Gateway {
    pub(super) fn goes_by_loopback(&self, number: &PhoneNumber) -> bool {
        let is_ours = || self.parts.store.live().number(number).is_some();
        self.verify_rules().is_ok_and(|rules| rules.loopback) && is_ours()
    }

    /// Sends it, and keeps what came of it. An unknown outcome is none that anything else follows from.
    pub(super) async fn sent_out(self: &Arc<Self>, going: Going) -> Result<Verification, VerifyError> {
        let Going {
            verification,
            provider,
            order,
        } = going;
        let behalf = Behalf {
            account: verification.account.clone(),
            code: Some((verification.id, verification.sends)),
        };
        let by = (verification.channel, provider.as_deref());
        let number = verification.to.number();
        let (provider, sent, cost) = match number.filter(|number| self.goes_by_loopback(number)) {
            Some(number) => ("loopback".to_owned(), self.loop_back(number, &order).await, None),
            None => match self.send(by, Some(behalf), order).await {
                Ok(handover) => (handover.provider, handover.sent, handover.cost),
                Err(error) => {
                    let refusal = sending::Refusal::new(sending::Class::Misconfigured, error.to_string());
                    (String::new(), sending::Sent::Refused(refusal), None)
                }
            },
        };
        self.heard(&verification, (Sent::of(&provider, &sent), cost))
            .await
    }

    /// Commits what was heard of one sending, and what it cost by whoever took it. A refusal takes back what was charged for it, and ends
    /// one that nothing else is known of.
    async fn heard(
        &self,
        verification: &Verification,
        (sent, cost): (Sent, Option<Price>),
    ) -> Result<Verification, VerifyError> {
        let word = match &sent {
            Sent::Refused { reason, .. } => reason.as_str(),
            sent => sent.as_str(),
        };
        let entry = self.entry(&verification.account, Action::Sent, word);
        let entry = self.about(entry, &verification.to, Some(verification.id));
        let is_refused = matches!(sent, Sent::Refused { .. });
        let kind = if is_refused {
            Kind::VerifyFailed
        } else {
            Kind::VerifySent
        };
        let nth = verification.sends;
        let _lane = self.lane(&verification.account).await?;
        for _ in 0..DECISIONS_MAX {
            let known = self.verification(&verification.account, verification.id).await?;
            let Some(next) = known.heard(nth, sent.clone(), self.steady()) else {
                return Ok(known);
            };
            let mut next = self.kept_quiet(&known, next);
            let mut step = VerifyStep {
                audit: vec![entry.clone()],
                ..VerifyStep::default()
            };
            if is_refused {
                step.counters = self.taken_back(&known, nth).await?;
                let is_over = known.status == Status::Pending && next.status != Status::Pending;
                step.settled.extend(is_over.then(|| Open::from(&known)));
            }
            if let Some((settled, cost)) = cost.and_then(|cost| Some((next.settled(nth, cost)?, cost))) {
                let read = self.counters(abuse::names_of_refund(&known)).await?;
                step.counters = read.changes(abuse::settled(&known, (nth, cost), &read.known));
                next = settled;
            }
            step.events.push(self.event_of(kind, &next));
            step.verifications.push((next.clone(), Some(known.version)));
            if self.take_step(step).await? {
                return Ok(next);
            }
        }
        Err(Error::Contended.into())
    }
}

impl Gateway {
    /// What a sending that did not go out takes back. Where the end of its code was counted already, that stays.
    async fn taken_back(&self, known: &Verification, nth: u8) -> Result<Vec<CounterChange>, VerifyError> {
        let is_counted = matches!(
            known.status,
            Status::Approved | Status::Expired | Status::Canceled
        );
        let names = abuse::names_of_end(known)
            .into_iter()
            .chain(abuse::names_of_refund(known));
        let read = self.counters(names.collect()).await?;
        Ok(read.changes(match is_counted {
            true => abuse::settled(known, (nth, Price::default()), &read.known),
            false => abuse::unsent(known, nth, &read.known),
        }))
    }
}

impl Draft<'_> {
    /// What a report on a message means for the code that it carries.
    pub async fn code_reported(&mut self, outbound: &Outbound) -> Result<(), Error> {
        let (Some(code), Some((account, _))) = (&outbound.code, &outbound.sender) else {
            return Ok(());
        };
        let Some((known, at)) = self.verification(account, code).await? else {
            return Ok(());
        };
        self.network_told(account, &known, outbound).await?;
        let report = (outbound.state, outbound.error_code.as_deref());
        let told = known.reported(code, report, self.gateway.steady());
        let is_free = outbound.state == State::Failed && self.gateway.bills_delivered(&code.provider);
        let free = match is_free {
            true => told
                .as_ref()
                .unwrap_or(&known)
                .settled(code.nth, Price::default()),
            false => None,
        };
        if free.is_some() {
            let read = self.counters(abuse::names_of_refund(&known)).await?;
            let paid_back = abuse::settled(&known, (code.nth, Price::default()), &read.known);
            self.put_counters(&read, paid_back);
        }
        if let Some(told) = &told {
            let kind = match outbound.state {
                State::Delivered => Kind::VerifyDelivered,
                _ => Kind::VerifyFailed,
            };
            let heard = self.gateway.event_of(kind, told);
            self.rings |= !heard.targets.is_empty();
            self.batch.verify.events.push(heard);
        }
        let verify = &mut self.batch.verify;
        match (free.or(told), at) {
            (Some(next), Some(at)) => verify.verifications[at].0 = next,
            (Some(next), None) => verify.verifications.push((next, Some(known.version))),
            (None, _) => {}
        }
        Ok(())
    }

    /// What a report tells of the network that a number is of holds for its block.
    async fn network_told(
        &mut self,
        account: &AccountId,
        known: &Verification,
        outbound: &Outbound,
    ) -> Result<(), Error> {
        let (Some(code), Some(name)) = (&outbound.network, network::name(account, &known.to)) else {
            return Ok(());
        };
        let read = self.counters(vec![name.clone()]).await?;
        if let Some(told) = network::told(&read.known, &name, code, self.gateway.steady()) {
            self.put_counters(&read, told);
        }
        Ok(())
    }

    /// Records of abuse control as decided so far.
    async fn counters(&self, names: Vec<Name>) -> Result<Read, Error> {
        let mut read = self.gateway.counters(names.clone()).await?;
        let drafted = self.batch.verify.counters.iter();
        for change in drafted.filter(|change| names.contains(&change.name)) {
            let next = change.next.clone();
            read.known.extend(next.map(|next| (change.name.clone(), next)));
        }
        Ok(read)
    }

    /// Each record is in the draft once, with the version that was read of it.
    fn put_counters(&mut self, read: &Read, next: Counters) {
        for change in read.changes(next) {
            let drafted = &mut self.batch.verify.counters;
            match drafted.iter_mut().find(|drafted| drafted.name == change.name) {
                Some(drafted) => drafted.next = change.next,
                None => drafted.push(change),
            }
        }
    }

    /// As decided so far, and its place in the draft.
    async fn verification(
        &self,
        account: &AccountId,
        code: &Sending,
    ) -> Result<Option<(Verification, Option<usize>)>, Error> {
        let drafted = &self.batch.verify.verifications;
        if let Some(at) = drafted
            .iter()
            .position(|(known, _)| known.id == code.verification)
        {
            return Ok(Some((drafted[at].0.clone(), Some(at))));
        }
        let (account, id) = (account.clone(), code.verification);
        let known = self
            .gateway
            .read(move |store| store.verification(&account, id))
            .await?;
        Ok(known.map(|known| (known, None)))
    }
}
