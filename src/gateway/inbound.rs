//! The staircase of the one flow: verify, match, decide, commit; the last two steps, wake and ring, only once the commit holds.

use super::draft::{Count, Draft};
use super::inbound_log::Brought;
use super::supply::name_supplied;
use super::{DECISIONS_MAX, Error, Gateway, Source};
use crate::carrier::{Answer, Request};
use crate::core::id::{CaptureId, MessageId, RentalId};
use crate::core::message::{Message, Report};
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

/// Gives each message the key by which its source recognises a repetition. Where nothing is one, it comes of the request's own id, so
/// that a replay of this very request still is.
pub(super) fn name_messages(source: &Source, id: CaptureId, reports: &mut [Report]) {
    for (at, report) in reports.iter_mut().enumerate() {
        if let Report::Message(message) = report {
            if source.is_supplier {
                name_supplied(message);
                continue;
            }
            let once = MessageId::derive(&id.to_string(), &at.to_string());
            message.dedupe_by(source.dedupe, once.0);
        }
    }
}

impl Gateway {
    /// Takes one carrier request to the disk and answers as that carrier expects. Must run to its end once begun: the transport
    /// spawns it, so that a carrier that hangs up does not halve it.
    pub async fn receive(&self, inbound: Inbound) -> Result<Answer, Error> {
        let source = self.source(&inbound.source)?;
        let url = inbound.url(&source.public_url);
        let method = inbound.method.as_str();
        let request = Request {
            method,
            url: &url,
            headers: &inbound.headers,
            body: &inbound.body,
        };
        let id = CaptureId::new(self.parts.clock.now(), self.parts.clock.random());
        let mut judged = self.judge(&inbound.source, source, &request).await;
        let brought = judged.as_mut().ok().map(|received| {
            name_messages(source, id, &mut received.reports);
            Brought::of(&inbound.source, received)
        });
        let answered = match judged {
            Ok(received) => {
                let settled = self.settle(&inbound.source, received.reports).await;
                settled.map(|_| received.answer)
            }
            Err(error) => Err(error),
        };
        self.log_inbound(id, inbound, brought, &answered);
        answered
    }

    /// Takes reports to the disk that came over a session which a provider and we hold, under its name.
    pub async fn hear(&self, source: &str, reports: Vec<Report>) -> Result<(), Error> {
        self.settle(source, reports).await.map(drop)
    }

    /// Does what a believed request asks for; answers how many of its messages were there already.
    pub(super) async fn settle(&self, source: &str, reports: Vec<Report>) -> Result<usize, Error> {
        for report in &reports {
            if let Report::Confirmation(confirmation) = report {
                self.confirm(source, confirmation).await?;
            }
        }
        self.take(source, reports).await
    }

    /// All of one request in one commit: read, decide, commit; again if the state changed in between. What was there already is
    /// left out and counted, and the rest of the request is stored.
    async fn take(&self, source: &str, mut reports: Vec<Report>) -> Result<usize, Error> {
        let mut known_before = 0;
        for _ in 0..DECISIONS_MAX {
            let mut draft = Draft::new(self);
            for report in &reports {
                match report {
                    Report::Message(message) => draft.message(source, message).await?,
                    Report::Receipt(receipt) => draft.receipt(source, receipt).await?,
                    // No carrier runs verifications for us yet, so there is nothing that this could be about.
                    Report::Verify(_) => draft.counts.push(Count::Ignored(source.to_owned())),
                    Report::Confirmation(_) => {}
                }
            }
            let batch = std::mem::take(&mut draft.batch);
            let committed = if batch.is_empty() {
                Committed::New(None)
            } else {
                self.commit(Commit::Receive(Box::new(batch))).await?
            };
            match committed {
                Committed::New(_) => {
                    self.act_on(&draft);
                    return Ok(known_before);
                }
                Committed::Known(known) => {
                    let is_known = |m: &Message| known.contains(&MessageId::derive(source, &m.dedupe_key));
                    reports.retain(|report| !matches!(report, Report::Message(m) if is_known(m)));
                    known.iter().for_each(|_| self.parts.metrics.duplicate(source));
                    known_before += known.len();
                }
                Committed::Conflict => {}
            }
        }
        Err(Error::Contended)
    }

    /// What may happen only after a commit holds: count, wake the polls, ring dispatch. Counted first: who is woken may look.
    pub(super) fn act_on(&self, draft: &Draft<'_>) {
        let metrics = &self.parts.metrics;
        for count in &draft.counts {
            match count {
                Count::Message(source, owner, code_found) => metrics.message(source, *owner, *code_found),
                Count::Assigned(source) => metrics.assigned(source),
                Count::Receipt(source, is_news) => metrics.receipt(source, *is_news),
                Count::Repeated(source) => metrics.duplicate(source),
                Count::Compared(verdict) => metrics.compared(verdict.as_str()),
                Count::Ignored(source) => metrics.ignored(source),
            }
        }
        draft.woken.iter().for_each(|id| self.parts.waiters.wake(*id));
        if draft.rings {
            self.parts.doorbell.notify_one();
        }
    }

    /// A changed rental with its event and those it is owed to.
    pub(super) fn change(&self, rental: Rental, event: crate::core::event::Event) -> Box<Change> {
        let targets = self.targets(&event, Some(&rental));
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
