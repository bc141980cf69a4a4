//! A code goes out, once, and what its provider says is committed: the answer here, reports on it in the carrier's own request.

use std::sync::Arc;

use super::{VerifyError, VerifyWish};
use crate::core::abuse;
use crate::core::audit::Action;
use crate::core::event::Kind;
use crate::core::outbound::{Outbound, Sending, State};
use crate::core::phone::PhoneNumber;
use crate::core::sending::{self, Order};
use crate::core::verification::{Sent, Status, Verification};
use crate::gateway::draft::Draft;
use crate::gateway::sending::Behalf;
use crate::gateway::{DECISIONS_MAX, Error, Gateway};
use crate::store::VerifyStep;

impl Gateway {
    pub(super) fn goes_by_loopback(&self, number: &PhoneNumber) -> bool {
        let is_ours = || self.parts.store.live().number(number).is_some();
        self.verify_rules().is_ok_and(|rules| rules.loopback) && is_ours()
    }

    /// Sends it, and keeps what came of it. An unknown outcome is none that anything else follows from.
    pub(super) async fn sent_out(
        self: &Arc<Self>,
        wish: &VerifyWish,
        verification: Verification,
        order: Order,
    ) -> Result<Verification, VerifyError> {
        let behalf = Behalf {
            account: verification.account.clone(),
            code: Some((verification.id, verification.sends)),
        };
        let (provider, sent) = match wish.to.number().filter(|number| self.goes_by_loopback(number)) {
            Some(number) => ("loopback".to_owned(), self.loop_back(number, &order).await),
            None => match self.send(wish.channel, Some(behalf), order).await {
                Ok(handover) => (handover.provider, handover.sent),
                Err(error) => {
                    let refusal = sending::Refusal::new(sending::Class::Misconfigured, error.to_string());
                    (String::new(), sending::Sent::Refused(refusal))
                }
            },
        };
        self.heard(&verification, Sent::of(&provider, &sent)).await
    }

    /// Commits what was heard of the sending. A refusal takes back what was charged, and ends it.
    async fn heard(&self, verification: &Verification, sent: Sent) -> Result<Verification, VerifyError> {
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
        let _lane = self.lane(&verification.account).await?;
        for _ in 0..DECISIONS_MAX {
            let known = self.verification(&verification.account, verification.id).await?;
            let Some(mut next) = known.heard(sent.clone()) else {
                return Ok(known);
            };
            let mut step = VerifyStep {
                audit: vec![entry.clone()],
                ..VerifyStep::default()
            };
            if is_refused && known.status == Status::Pending {
                next.status = Status::Canceled;
                step.settled.push((&known).into());
                let names = abuse::names_of_end(&known)
                    .into_iter()
                    .chain(abuse::names_of_refund(&known));
                let read = self.counters(names.collect()).await?;
                step.counters = read.changes(abuse::unsent(&known, &read.known));
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

impl Draft<'_> {
    /// What a report on a message means for the code that it carries.
    pub async fn code_reported(&mut self, outbound: &Outbound) -> Result<(), Error> {
        let (Some(code), Some((account, _))) = (&outbound.code, &outbound.sender) else {
            return Ok(());
        };
        let Some((known, at)) = self.verification(account, code).await? else {
            return Ok(());
        };
        let Some(next) = known.reported(code, outbound.state, outbound.error_code.as_deref()) else {
            return Ok(());
        };
        let kind = match outbound.state {
            State::Delivered => Kind::VerifyDelivered,
            _ => Kind::VerifyFailed,
        };
        let heard = self.gateway.event_of(kind, &next);
        self.rings |= !heard.targets.is_empty();
        let verify = &mut self.batch.verify;
        verify.events.push(heard);
        match at {
            Some(at) => verify.verifications[at].0 = next,
            None => verify.verifications.push((next, Some(known.version))),
        }
        Ok(())
    }

    /// As decided so far, and its place in the draft.
    async fn verification(
        &self,
        account: &crate::core::id::AccountId,
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
