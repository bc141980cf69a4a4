//! What was asked of a gateway and what it acknowledged, kept where no crash of it can reach.

use ringback::carrier::simulate::Draft;
use ringback::core::event::Kind;
use ringback::core::id::{EventId, MessageId, RentalId};

use super::process::SOURCE;

/// Where the journal of the disk stood when an answer came; 0 where none is kept. What was not answered has none.
pub type Answered = Option<u64>;

#[derive(Debug, Clone)]
pub struct Sent {
    pub draft: Draft,
    pub code: String,
    pub answered: Answered,
}

impl Sent {
    pub fn id(&self) -> MessageId {
        MessageId::derive(SOURCE, &self.draft.id)
    }

    /// The event that this message makes, if its code is found.
    pub fn event(&self) -> EventId {
        EventId::derive(&self.id().0, Kind::VerificationCodeReceived.as_str())
    }
}

#[derive(Debug, Clone, Default)]
pub struct Cancel {
    pub asked: bool,
    pub answered: Answered,
}

/// A rental whose making was answered.
#[derive(Debug, Clone)]
pub struct Rented {
    pub id: RentalId,
    pub number: String,
    pub answered: u64,
    pub sent: Vec<Sent>,
    pub cancel: Cancel,
}

impl Rented {
    pub fn created(&self) -> EventId {
        EventId::derive(&self.id.0, Kind::VerificationCreated.as_str())
    }

    pub fn cancelled(&self) -> EventId {
        EventId::derive(&self.id.0, Kind::VerificationCancelled.as_str())
    }
}

#[derive(Debug, Default)]
pub struct Books {
    pub rentals: Vec<Rented>,
    /// Wishes for a rental that no answer came to: they were made or they were not.
    pub rents_unanswered: usize,
}

impl Books {
    /// Answers that a client relies on.
    pub fn acknowledged(&self) -> usize {
        let of = |r: &Rented| {
            1 + r.sent.iter().filter(|s| s.answered.is_some()).count()
                + usize::from(r.cancel.answered.is_some())
        };
        self.rentals.iter().map(of).sum()
    }

    /// The events that are owed to every subscription for what was acknowledged.
    pub fn events(&self) -> Vec<EventId> {
        let mut events = Vec::new();
        for rental in &self.rentals {
            events.push(rental.created());
            events.extend(
                rental
                    .sent
                    .iter()
                    .filter(|s| s.answered.is_some())
                    .map(Sent::event),
            );
            events.extend(rental.cancel.answered.map(|_| rental.cancelled()));
        }
        events
    }
}
