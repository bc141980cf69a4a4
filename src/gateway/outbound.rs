//! Messages that were sent: the carrier's answer to the sending, and what it reports afterwards, or before.

use super::draft::{Count, Draft};
use super::{DECISIONS_MAX, Error, Gateway};
use crate::core::event::Event;
use crate::core::id::OutboundId;
use crate::core::message::Receipt;
use crate::core::outbound::{Accepted, Outbound};
use crate::store::{Commit, Committed, OutboundChange};

impl Gateway {
    /// Notes that a carrier took a message, so that its reports are told to whom sent it; those that came before are told now.
    /// A repetition changes nothing.
    pub async fn accepted(&self, accepted: &Accepted) -> Result<OutboundId, Error> {
        let id = OutboundId::derive(&accepted.source, &accepted.carrier_message_id);
        for _ in 0..DECISIONS_MAX {
            let mut draft = Draft::new(self);
            let known = draft.outbound(id).await?;
            let Some(next) = Outbound::accepted(known.as_ref(), accepted, draft.now) else {
                return Ok(id);
            };
            draft.put_outbound(known.as_ref(), next).await?;
            let commit = Commit::Receive(Box::new(std::mem::take(&mut draft.batch)));
            if let Committed::New(_) = self.commit(commit).await? {
                self.act_on(&draft);
                return Ok(id);
            }
        }
        Err(Error::Contended)
    }
}

impl Draft<'_> {
    /// A carrier's report on a message that was, or is being, sent.
    pub async fn receipt(&mut self, source: &str, receipt: &Receipt) -> Result<(), Error> {
        let id = OutboundId::derive(source, &receipt.carrier_message_id);
        let known = self.outbound(id).await?;
        let next = Outbound::reported(known.as_ref(), source, receipt, self.now);
        self.counts
            .push(Count::Receipt(source.to_owned(), next.is_some()));
        if let Some(next) = next {
            self.put_outbound(known.as_ref(), next).await?;
        }
        Ok(())
    }

    /// As decided so far.
    async fn outbound(&self, id: OutboundId) -> Result<Option<Outbound>, Error> {
        match self.batch.outbound.iter().find(|change| change.next.id == id) {
            Some(change) => Ok(Some(change.next.clone())),
            None => self.gateway.read(move |store| store.outbound(id)).await,
        }
    }

    async fn put_outbound(
        &mut self,
        known: Option<&Outbound>,
        (next, event): (Outbound, Option<Event>),
    ) -> Result<(), Error> {
        self.code_reported(&next).await?;
        let drafted = self.batch.outbound.iter_mut();
        match drafted.into_iter().find(|change| change.next.id == next.id) {
            Some(change) => change.next = next,
            None => self.batch.outbound.push(OutboundChange {
                was: known.map(|known| known.version),
                next,
            }),
        }
        if let Some(event) = event {
            self.tell(event, None);
        }
        Ok(())
    }
}
