//! The messages of one rental, read on by cursor and held for the next one that is looked for. The cursor is how many of them were looked
//! at: they are only ever added, in the order in which they were attached, so it skips none and repeats none.

use std::time::Duration;

use super::poll::Awaited;
use super::{Error, Gateway};
use crate::core::id::RentalId;
use crate::core::ingest::StoredMessage;
use crate::core::key::Key;
use crate::core::phone::Address;
use crate::core::rental::Rental;
use crate::core::time::UnixMs;

/// What is looked for; what is absent is not asked for.
#[derive(Debug, Clone, Default)]
pub struct MessagesWish {
    /// How many were looked at before.
    pub cursor: usize,
    pub limit: usize,
    /// Received later than this, by our own clock.
    pub after: Option<UnixMs>,
    pub from: Option<Address>,
    /// Somewhere in the text, in small letters.
    pub contains: Option<String>,
    pub min_confidence: Option<f32>,
}

/// Oldest first.
#[derive(Debug, Default)]
pub struct MessagesPage {
    pub messages: Vec<StoredMessage>,
    /// Where to read on.
    pub next: usize,
    /// There are more already.
    pub more: bool,
    /// The rental has given its number back: what comes now is late.
    pub is_over: bool,
}

impl MessagesWish {
    fn fits(&self, message: &StoredMessage) -> bool {
        let has = |wanted: &String| message.text.to_lowercase().contains(wanted.as_str());
        let is_from = |from: &Address| message.from.as_str().eq_ignore_ascii_case(from.as_str());
        self.after.is_none_or(|after| message.received_at > after)
            && self.from.as_ref().is_none_or(is_from)
            && self.contains.as_ref().is_none_or(has)
            && self.min_confidence.is_none_or(|min| message.confidence >= min)
    }
}

impl Gateway {
    /// The messages behind the cursor, at once; where none is looked for, the next one that is or, after `wait`, none. May be dropped
    /// at any point.
    pub async fn messages_after(
        &self,
        key: &Key,
        id: RentalId,
        mut wish: MessagesWish,
        wait: Duration,
    ) -> Result<MessagesPage, Error> {
        let rental = self.rental(&key.account, id).await?;
        if wish.cursor > rental.messages.len() {
            return Err(Error::NoSuchMessages);
        }
        let mut page = self.messages_page(&rental, &wish).await?;
        if !wait.is_zero() {
            let holding = self.hold_messages(key, &mut wish, &mut page, id);
            // What it has read so far stands where the time is up.
            if let Ok(held) = tokio::time::timeout(self.wait_of(key, wait), holding).await {
                held?;
            }
        }
        Ok(page)
    }

    async fn hold_messages(
        &self,
        key: &Key,
        wish: &mut MessagesWish,
        page: &mut MessagesPage,
        id: RentalId,
    ) -> Result<(), Error> {
        let longest = Duration::from_secs(self.parts.rules.poll_max_s);
        while page.messages.is_empty() && !page.more && !page.is_over && !self.is_draining() {
            wish.cursor = page.next;
            let awaited = Awaited::Messages(wish.cursor);
            if let Some(rental) = self.when(key, id, longest, awaited).await? {
                *page = self.messages_page(&rental, wish).await?;
            }
        }
        Ok(())
    }

    async fn messages_page(&self, rental: &Rental, wish: &MessagesWish) -> Result<MessagesPage, Error> {
        let mut page = MessagesPage {
            next: rental.messages.len(),
            is_over: rental.closed,
            ..MessagesPage::default()
        };
        let places = rental.messages.get(wish.cursor..).unwrap_or_default().to_vec();
        if places.is_empty() {
            return Ok(page);
        }
        let refs = places.clone();
        let stored = self.read(move |store| store.messages(&refs)).await?;
        for message in stored.into_iter().filter(|message| wish.fits(message)) {
            if page.messages.len() == wish.limit {
                page.more = true;
                break;
            }
            page.messages.push(message);
        }
        if let Some(last) = page.messages.last().filter(|_| page.more) {
            let at = places.iter().position(|place| place.id == last.id);
            page.next = wish.cursor + at.map_or(0, |at| at + 1);
        }
        Ok(page)
    }
}
