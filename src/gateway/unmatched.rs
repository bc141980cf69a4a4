//! Messages that belong to nobody: the operator finds them for some days, and may give one to the rental that it was meant for.

use super::draft::{Count, Draft};
use super::{DECISIONS_MAX, Error, Gateway};
use crate::core::id::{AccountId, MessageId, RentalId};
use crate::core::ingest::{StoredMessage, Telling};
use crate::core::number::Unmatched;
use crate::core::phone::Address;
use crate::core::rental::{MessageRef, Rental};
use crate::core::time::UnixMs;
use crate::store::{Commit, Committed, Novelty};

/// How many messages one request looks at; where more have to be, its page ends early and the next one goes on.
const SCAN_MAX: usize = 5000;
/// How many are read at a time.
const CHUNK: usize = 200;

/// What is looked for; what is absent is not asked for.
#[derive(Debug, Clone, Default)]
pub struct UnmatchedWish {
    pub number: Option<Address>,
    pub from: Option<Address>,
    pub source: Option<String>,
    pub reason: Option<Unmatched>,
    pub before: Option<MessageRef>,
    pub limit: usize,
}

/// Newest first; `next` goes on where there may be more.
#[derive(Debug, Default)]
pub struct UnmatchedPage {
    pub messages: Vec<StoredMessage>,
    pub next: Option<MessageRef>,
}

/// Which message is given to which rental of which account.
#[derive(Debug, Clone)]
pub struct Assignment {
    pub message: MessageId,
    pub account: AccountId,
    pub rental: RentalId,
}

impl UnmatchedWish {
    fn fits(&self, message: &StoredMessage) -> bool {
        let reason = message.owner.err();
        self.number.as_ref().is_none_or(|number| *number == message.to)
            && self.from.as_ref().is_none_or(|from| *from == message.from)
            && self
                .source
                .as_ref()
                .is_none_or(|source| *source == message.source)
            && self.reason.is_none_or(|wanted| Some(wanted) == reason)
    }
}

impl Gateway {
    /// Whether this account may see messages of nobody.
    pub fn is_operator(&self, account: &AccountId) -> bool {
        self.parts.rules.operator.as_ref() == Some(account)
    }

    pub async fn unmatched(&self, wish: UnmatchedWish) -> Result<UnmatchedPage, Error> {
        let oldest = self.oldest_unmatched();
        let mut page = UnmatchedPage::default();
        let mut before = wish.before.clone();
        for _ in 0..SCAN_MAX / CHUNK {
            let below = before.clone();
            let chunk = self
                .read(move |store| store.unmatched(below.as_ref(), CHUNK))
                .await?;
            let is_last = chunk.len() < CHUNK;
            for message in chunk {
                if message.received_at < oldest {
                    return Ok(page);
                }
                before = Some(message.place());
                if wish.fits(&message) {
                    page.messages.push(message);
                }
                if page.messages.len() == wish.limit {
                    page.next = before;
                    return Ok(page);
                }
            }
            if is_last {
                return Ok(page);
            }
        }
        page.next = before;
        Ok(page)
    }

    fn oldest_unmatched(&self) -> UnixMs {
        self.parts.clock.now().minus_ms(self.parts.rules.unmatched_ms)
    }

    /// Gives a message of nobody to a rental, once: its code is looked for, its account hears the event, its polls wake.
    pub async fn assign(&self, wish: &Assignment) -> Result<StoredMessage, Error> {
        for _ in 0..DECISIONS_MAX {
            let message = self.assignable(wish.message).await?;
            let mut draft = Draft::new(self);
            let rental = draft.rental(&wish.account, wish.rental).await?;
            // Memory knows a rental by its id alone.
            if rental.account != wish.account {
                return Err(Error::NotFound);
            }
            if !may_be_of(&rental, &message) {
                return Err(Error::NotOfThisRental);
            }
            let found = draft.extract(&rental, &message.from, &message.text);
            let assigned = StoredMessage {
                owner: Ok(rental.id),
                late: message.received_at > rental.ends_at,
                ..message
            };
            let assigned = assigned.with(&found);
            draft.batch.assigned.push(assigned.place());
            draft.attach(&rental, assigned.clone(), Telling::of(&found), Novelty::Known);
            draft.counts = vec![Count::Assigned(assigned.source.clone())];
            let commit = Commit::Receive(Box::new(std::mem::take(&mut draft.batch)));
            if let Committed::New(_) = self.commit(commit).await? {
                self.act_on(&draft);
                return Ok(assigned);
            }
        }
        Err(Error::Contended)
    }

    async fn assignable(&self, id: MessageId) -> Result<StoredMessage, Error> {
        let message = self.read(move |store| store.message(id)).await?;
        let message = message.filter(|message| message.received_at >= self.oldest_unmatched());
        match message {
            None => Err(Error::NotFound),
            Some(message) if message.owner.is_ok() => Err(Error::NotUnmatched),
            Some(message) => Ok(message),
        }
    }
}

/// Not of another number, and not from before the rental: then it was meant for somebody else.
fn may_be_of(rental: &Rental, message: &StoredMessage) -> bool {
    let is_its_number = message.to.number().is_none_or(|number| number == rental.number);
    is_its_number && message.received_at >= rental.created_at
}
