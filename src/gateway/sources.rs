//! The configured ways in: who may come in by them, what a request is judged to be, and what has been seen of each since the start.
//! The dialects judge without I/O; what one of them wants fetched first is fetched here, by what `app` gave.

use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::seen::Seen;
use super::{Error, Gateway};
use crate::carrier::{Carrier, Received, Reject, Request};
use crate::core::cidr::Cidr;
use crate::core::message::{Confirmation, Dedupe};
use crate::core::time::UnixMs;

/// Gets what stands at a URL; the error is for the log.
pub type Fetch = Box<dyn Fn(String) -> Fetching + Send + Sync>;
pub type Fetching = Pin<Box<dyn Future<Output = Result<Bytes, String>> + Send>>;

/// How long a request waits for the fetch of another. Together with the fetch's own time it stays below the fifteen seconds that
/// SNS waits.
const FETCH_WAIT: Duration = Duration::from_secs(5);

/// A configured way in: whose webhooks arrive under this name, and the URL that carrier was given.
#[derive(Debug)]
pub struct Source {
    pub carrier: Carrier,
    pub public_url: String,
    /// Who may post here; everybody where empty.
    pub allow_ips: Vec<Cidr>,
    /// The most bytes of a body; that of the listener where absent.
    pub body_bytes_max: Option<usize>,
    /// What makes two messages the same.
    pub dedupe: Dedupe,
    /// How many keys it has, and whether its URL ends in one.
    pub keys: usize,
    pub path_token: bool,
    /// Its messages come from the supplier of this name, and are fetched there too.
    pub is_supplier: bool,
    pub(super) seen: Seen,
    /// Held by the one fetch at a time.
    fetching: Mutex<()>,
}

impl Source {
    /// Without limits of its own.
    pub fn new(carrier: Carrier, public_url: String) -> Self {
        Self {
            carrier,
            public_url,
            allow_ips: Vec::new(),
            body_bytes_max: None,
            dedupe: Dedupe::default(),
            keys: 1,
            path_token: false,
            is_supplier: false,
            seen: Seen::default(),
            fetching: Mutex::default(),
        }
    }

    fn admits(&self, client: Option<IpAddr>) -> bool {
        let known = |client: IpAddr| self.allow_ips.iter().any(|cidr| cidr.contains(client));
        self.allow_ips.is_empty() || client.is_some_and(known)
    }
}

impl Gateway {
    pub(super) fn source(&self, name: &str) -> Result<&Source, Error> {
        self.parts.sources.get(name).ok_or(Error::UnknownSource)
    }

    /// Whether a client may post to this source, before its body is read; the most bytes that its body may have. `None` is a client
    /// that the proxies did not tell.
    pub fn admit(&self, name: &str, client: Option<IpAddr>) -> Result<Option<usize>, Error> {
        let source = self.source(name)?;
        if source.admits(client) {
            Ok(source.body_bytes_max)
        } else {
            Err(self.refused(name, source, Reject::AddressNotAllowed))
        }
    }

    /// What the request is, once its signature holds.
    pub(super) async fn judge(
        &self,
        name: &str,
        source: &Source,
        request: &Request<'_>,
    ) -> Result<Received, Error> {
        let now = self.parts.clock.now();
        self.fetch_wanted(name, source, request, now).await;
        let mut received = source
            .carrier
            .receive(request, now)
            .map_err(|reason| self.refused(name, source, reason))?;
        self.parts.metrics.accepted(name, received.key_index);
        source.seen.accepted(&mut received, now);
        tracing::debug!(source = %name, key.index = received.key_index, reports = received.reports.len(), "inbound request verified");
        Ok(received)
    }

    /// Whether a kept request verifies with today's keys, at the time it came; the answer is which key matches.
    pub(super) async fn verify_kept(
        &self,
        name: &str,
        source: &Source,
        request: &Request<'_>,
        at: UnixMs,
    ) -> Result<usize, Reject> {
        self.fetch_wanted(name, source, request, at).await;
        source.carrier.verify(request, at)
    }

    async fn fetch_wanted(&self, name: &str, source: &Source, request: &Request<'_>, now: UnixMs) {
        if let Some(url) = source.carrier.wants(request, now) {
            self.fetch(name, source, (request, url), now).await;
        }
    }

    fn refused(&self, name: &str, source: &Source, reason: Reject) -> Error {
        self.parts.metrics.rejected(name, reason.as_str());
        source.seen.refused(reason, self.parts.clock.now());
        tracing::warn!(source = %name, reason = reason.as_str(), "inbound request refused");
        if source.carrier.gives_up_on_4xx() {
            Error::RefusedForNow(reason)
        } else {
            Error::Refused(reason)
        }
    }

    /// One at a time per source: whoever waited looks again whether it is still missing. Where it stays missing, `receive` says so.
    async fn fetch(&self, name: &str, source: &Source, (request, url): (&Request<'_>, String), now: UnixMs) {
        let Ok(_one) = timeout(FETCH_WAIT, source.fetching.lock()).await else {
            return;
        };
        if source.carrier.wants(request, now).as_ref() != Some(&url) {
            return;
        }
        let fetched = (self.parts.fetch)(url.clone()).await;
        if let Err(reason) = &fetched {
            tracing::warn!(source = %name, %reason, "the signing certificate was not fetched");
        }
        let taken = source
            .carrier
            .take_certificate(&url, fetched.ok().as_deref(), now);
        self.parts.metrics.fetched(name, "certificate", taken);
    }

    /// Confirms a subscription, which only ever comes of a verified request for a configured topic and leads to SNS itself. Done
    /// twice it is still done once.
    pub(super) async fn confirm(&self, name: &str, confirmation: &Confirmation) -> Result<(), Error> {
        let fetched = (self.parts.fetch)(confirmation.subscribe_url.clone()).await;
        self.parts.metrics.fetched(name, "confirmation", fetched.is_ok());
        match fetched {
            Ok(_) => {
                tracing::info!(source = %name, topic = %confirmation.topic_arn, "the subscription is confirmed");
                Ok(())
            }
            Err(reason) => {
                tracing::warn!(source = %name, %reason, "the subscription is not confirmed yet");
                Err(Error::Unconfirmed)
            }
        }
    }
}
