//! The staircase of the one flow: verify, match, decide, commit; the last two steps, wake and ring, only once the commit holds.

use super::{DECISIONS_MAX, Error, Gateway};
use crate::carrier::{Answer, Request};
use crate::core::id::RentalId;
use crate::core::ingest::{self, Arrival, Decision};
use crate::core::message::{Message, Report};
use crate::core::number::{Owner, Unmatched};
use crate::core::otp::Extraction;
use crate::core::rental::Rental;
use crate::store::{Change, Commit, Committed};

/// A carrier's request as the transport has it: raw bytes, and the query as it stood in the URL.
pub struct Inbound {
    pub source: String,
    /// What stood in the path after the source: the secret of a carrier that signs nothing.
    pub path_token: Option<String>,
    pub method: http::Method,
    pub query: Option<String>,
    pub headers: http::HeaderMap,
    pub body: bytes::Bytes,
}

impl Inbound {
    /// The URL that was called, rebuilt from the one that the carrier was given by configuration; never from `Host`.
    fn url(&self, public_url: &str) -> String {
        let mut url = public_url.to_owned();
        if let Some(token) = &self.path_token {
            url = format!("{}/{token}", url.trim_end_matches('/'));
        }
        match &self.query {
            Some(query) => format!("{url}?{query}"),
            None => url,
        }
    }
}

impl Gateway {
    /// Takes one carrier request to the disk and answers as that carrier expects. Must run to its end once begun: the transport
    /// spawns it, so that a carrier that hangs up does not halve it.
    pub async fn receive(&self, inbound: Inbound) -> Result<Answer, Error> {
        let metrics = &self.parts.metrics;
        let source = self.source(&inbound.source)?;
        let url = inbound.url(&source.public_url);
        let method = inbound.method.as_str();
        let request = Request {
            method,
            url: &url,
            headers: &inbound.headers,
            body: &inbound.body,
        };
        let received = self.judge(&inbound.source, source, &request).await?;
        for report in received.reports {
            match report {
                Report::Message(message) => self.take(&inbound.source, &message).await?,
                Report::Confirmation(confirmation) => self.confirm(&inbound.source, &confirmation).await?,
                // Receipts and verify events belong to messages that we sent; nothing is sent yet, so there is nothing to update.
                Report::Receipt(_) | Report::Verify(_) => {
                    metrics.ignored(&inbound.source);
                }
            }
        }
        Ok(received.answer)
    }

    /// One message: read, decide, commit; again if the state changed in between.
    async fn take(&self, source: &str, message: &Message) -> Result<(), Error> {
        let arrival = Arrival {
            source,
            message,
            now: self.parts.clock.now(),
        };
        for _ in 0..DECISIONS_MAX {
            let decision = self.decide(arrival).await?;
            let woken = decision.matched.as_ref().map(|(rental, _)| rental.id);
            let code_found = decision.message.code.is_some();
            let owner = decision.message.owner;
            match self.commit(self.commit_of(decision)).await? {
                Committed::New(_) => {
                    // Counted first: who is woken may look at the counter.
                    self.parts.metrics.message(source, owner.err(), code_found);
                    self.announce(woken);
                    return Ok(());
                }
                Committed::Duplicate => {
                    self.parts.metrics.duplicate(source);
                    return Ok(());
                }
                Committed::Conflict => {}
            }
        }
        Err(Error::Contended)
    }

    async fn decide(&self, arrival: Arrival<'_>) -> Result<Decision, Error> {
        let Some(number) = arrival.message.to.number() else {
            return Ok(ingest::unmatched(arrival, Unmatched::BadNumber));
        };
        let Some(number) = self.parts.store.live().number(&number) else {
            return Ok(ingest::unmatched(arrival, Unmatched::UnknownNumber));
        };
        let time = ingest::matching_time(arrival.message, arrival.now);
        let (lease, late) = match number.owner_at(time, self.parts.rules.grace_ms) {
            Owner::Rental { lease, late } => (lease, late),
            Owner::Nobody(reason) => return Ok(ingest::unmatched(arrival, reason)),
        };
        // A rental is kept longer than any message of it can be late, so its absence is damage and not a decision.
        let rental = self.rental_of(&lease.account, lease.rental).await?;
        let filter = self.filter_of(&rental);
        let found = if filter.accepts_sender(arrival.message.from.as_str()) {
            self.parts.engine.extract(&arrival.message.text, &filter)
        } else {
            Extraction::default()
        };
        Ok(ingest::matched(
            arrival,
            &rental,
            late,
            &found,
            self.parts.rules.linger_ms,
        ))
    }

    fn commit_of(&self, decision: Decision) -> Commit {
        let matched = decision.matched.map(|(rental, event)| self.change(rental, event));
        Commit::Receive {
            message: Box::new(decision.message),
            matched,
        }
    }

    /// A changed rental with its event and those it is owed to.
    pub(super) fn change(&self, rental: Rental, event: crate::core::event::Event) -> Box<Change> {
        let targets = self.targets(&rental.account, event.kind.as_str());
        Box::new(Change {
            rental,
            event,
            targets,
        })
    }

    /// What may happen only after a commit holds: wake the polls, ring dispatch.
    pub(super) fn announce(&self, rental: Option<RentalId>) {
        if let Some(id) = rental {
            self.parts.waiters.wake(id);
            self.parts.doorbell.notify_one();
        }
    }
}
