//! What one carrier request, or one time-out, comes to: decided item by item, each on what those before it decided. Nothing is written
//! here; the gateway commits the whole of it and only then acts.

use std::sync::Arc;

use super::claims::{Known, is_late};
use super::{Error, Gateway};
use crate::core::event::{self, Event};
use crate::core::id::{AccountId, RentalId};
use crate::core::ingest::{self, Arrival, StoredMessage, Telling};
use crate::core::message::Message;
use crate::core::multipart::{Owner, PartOf};
use crate::core::number::{Sent, Unmatched};
use crate::core::otp::{Compared, Extraction};
use crate::core::phone::Address;
use crate::core::rental::{Rental, Status};
use crate::core::time::UnixMs;
use crate::store::{Batch, Filed, Heard, Novelty};

pub(super) struct Draft<'a> {
    pub gateway: &'a Gateway,
    pub now: UnixMs,
    pub batch: Batch,
    /// Whose polls to wake once it holds.
    pub woken: Vec<RentalId>,
    pub counts: Vec<Count>,
    /// Somebody is owed something by it.
    pub rings: bool,
}

/// What the metrics hear once it holds.
#[derive(Debug, Clone)]
pub(super) enum Count {
    /// A message was told: its source, why it belongs to nobody, and whether it had a code.
    Message(String, Option<Unmatched>, bool),
    /// A message of nobody was given to a rental.
    Assigned(String),
    /// The same text came again under the same number of its set, or twice in one request.
    Repeated(String),
    /// A carrier reported on a message that was sent, and whether that was news.
    Receipt(String, bool),
    /// A carrier named a code too: how ours stands to it.
    Compared(Compared),
    /// A report that is no message.
    Ignored(String),
}

impl<'a> Draft<'a> {
    pub fn new(gateway: &'a Gateway) -> Self {
        Self {
            gateway,
            now: gateway.parts.clock.now(),
            batch: Batch::default(),
            woken: Vec::new(),
            counts: Vec::new(),
            rings: false,
        }
    }

    /// A message that a carrier brought: whole, or one part.
    pub async fn message(&mut self, source: &str, message: &Message) -> Result<(), Error> {
        let arrival = Arrival {
            source,
            message,
            now: self.now,
        };
        let waits_as = message
            .concat
            .as_ref()
            .filter(|concat| PartOf::of(concat).is_some() && self.may_wait(source, message, concat));
        let text = Some(message.text.as_str()).filter(|_| waits_as.is_none());
        let (owner, late) = self.owner(source, message, text).await?;
        let stored = ingest::stored(arrival, owner.clone().map(|(_, id)| id), late);
        if self
            .batch
            .messages
            .iter()
            .any(|filed| filed.message.id == stored.id)
        {
            self.counts.push(Count::Repeated(source.to_owned()));
            return Ok(());
        }
        let novelty = self.novelty(source);
        if let (Some(concat), Some(part)) = (waits_as, stored.part) {
            return self.part(arrival, (concat, part), &owner, stored).await;
        }
        match owner {
            Err(_) => self.unmatched(stored, novelty),
            Ok((account, id)) => {
                let rental = self.rental(&account, id).await?;
                let found = self.extract(&rental, &stored.from, &stored.text);
                let found = self.compared(&rental, message, found);
                self.attach(&rental, stored.with(&found), Telling::of(&found), novelty);
            }
        }
        Ok(())
    }

    /// How far back a repetition from this source is known.
    pub fn novelty(&self, source: &str) -> Novelty {
        let source = self.gateway.parts.sources.get(source);
        if source.is_some_and(|source| source.carrier.repeats_late()) {
            Novelty::NewForLong
        } else {
            Novelty::New
        }
    }

    /// Whose message it is, by its number and its time, and whether it is late. What a supplier sold counts by its id there.
    async fn owner(
        &self,
        source: &str,
        message: &Message,
        text: Option<&str>,
    ) -> Result<(Owner, bool), Error> {
        let sent = Sent {
            at: message.received_at,
            now: self.now,
        };
        let Some(purchase) = self.gateway.purchase_of(source, message)? else {
            let known = Known {
                from: &message.from,
                to: &message.to,
                sent,
                text,
                is_doubted: false,
            };
            return self.owner_on_number(known).await;
        };
        let rental = self.rental(&purchase.account, purchase.rental).await?;
        let grace_ms = self.gateway.parts.rules.grace_ms;
        Ok(match is_late(sent.matched_at(), rental.ends_at, grace_ms) {
            Ok(late) => (Ok((purchase.account.clone(), purchase.rental)), late),
            Err(_) if rental.status == Status::Cancelled => (Err(Unmatched::Cancelled), false),
            Err(reason) => (Err(reason), false),
        })
    }

    /// The rental as decided so far. It is kept longer than any message of it can be late, so its absence is damage.
    pub async fn rental(&self, account: &AccountId, id: RentalId) -> Result<Arc<Rental>, Error> {
        if let Some((rental, _)) = self.batch.rentals.iter().find(|(rental, _)| rental.id == id) {
            return Ok(Arc::new(rental.clone()));
        }
        self.gateway.rental_of(account, id).await
    }

    /// What this rental's service and holder take for a code in a text from this sender.
    pub fn extract(&self, rental: &Rental, from: &Address, text: &str) -> Extraction {
        let filter = self.gateway.filter_of(rental);
        if filter.accepts_sender(from.as_str()) {
            self.gateway.parts.engine.extract(text, &filter)
        } else {
            Extraction::default()
        }
    }

    /// What was found beside what the carrier found.
    fn compared(&mut self, rental: &Rental, message: &Message, found: Extraction) -> Extraction {
        let Some(theirs) = &message.parsed_code else {
            return found;
        };
        let filter = self.gateway.filter_of(rental);
        if !filter.accepts_sender(message.from.as_str()) {
            return found;
        }
        let (found, verdict) = found.beside(theirs, &message.text, &filter);
        self.counts.push(Count::Compared(verdict));
        found
    }

    /// Gives the rental this message, and its account the event.
    pub fn attach(
        &mut self,
        rental: &Rental,
        message: StoredMessage,
        telling: Telling<'_>,
        novelty: Novelty,
    ) {
        let linger_ms = self.gateway.parts.rules.linger_ms;
        let attached = ingest::attach(rental, &message, telling, linger_ms);
        let next = attached.rental;
        let known = self
            .batch
            .rentals
            .iter_mut()
            .find(|(known, _)| known.id == next.id);
        match known {
            Some(place) => place.0 = next,
            None => self.batch.rentals.push((next, rental.version)),
        }
        self.woken.push(rental.id);
        let found = message.code.is_some() && telling.code;
        self.counts
            .push(Count::Message(message.source.clone(), None, found));
        self.tell(attached.event, Some(rental));
        if let Some((event, usage)) = attached.completion {
            self.tell(event, Some(rental));
            self.batch.usage.push(usage);
        }
        self.file(message, novelty, false);
    }

    /// Lists a message that belongs to nobody.
    pub fn unmatched(&mut self, message: StoredMessage, novelty: Novelty) {
        let reason = message.owner.err();
        if let (Some(reason), Some(operator)) = (reason, &self.gateway.parts.rules.operator) {
            self.tell(event::of_unmatched(operator, &message, reason), None);
        }
        self.counts
            .push(Count::Message(message.source.clone(), reason, false));
        self.file(message, novelty, true);
    }

    pub fn file(&mut self, message: StoredMessage, novelty: Novelty, is_unmatched: bool) {
        self.batch.messages.push(Filed {
            message,
            novelty,
            is_unmatched,
        });
    }

    pub fn tell(&mut self, event: Event, about: Option<&Rental>) {
        let targets = self.gateway.targets(&event, about);
        self.rings |= !targets.is_empty();
        self.batch.events.push(Heard { event, targets });
    }
}
