//! The inbound log: every judged request is kept for the operator, after its verdict and beside its answer, and may be run through again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::inbound::{Inbound, name_messages};
use super::{Error, Gateway};
use crate::carrier::{Contents, Received, Request};
use crate::core::capture::{Capture, Redaction, Verdict};
use crate::core::id::{CaptureId, MessageId};
use crate::core::message::Report;
use crate::core::time::UnixMs;
use crate::store::{Commit, Keep};

/// Rows on their way to the writer; more are left out, so that the log never takes a message's place in the store's queue.
const WRITING_MAX: usize = 256;
/// Rows that are looked at for one list.
const SCANNED_MAX: usize = 10_000;
const MINUTE_MS: u64 = 60_000;

/// What is logged. Every number is a key of `config.toml`, section `[inbound_log]`.
#[derive(Debug, Clone, Copy)]
pub struct LogRules {
    pub enabled: bool,
    pub keep: Keep,
    pub body_bytes_max: usize,
    /// Of one source; anybody can be refused as often as he likes.
    pub refused_per_minute_max: u32,
}

/// The log's rules, and how much of it is going on.
pub struct InboundLog {
    rules: LogRules,
    writing: Arc<Semaphore>,
    /// By source: the minute and how many refused requests it had.
    refused: Mutex<HashMap<String, (u64, u32)>>,
}

impl InboundLog {
    pub fn new(rules: LogRules) -> Self {
        Self {
            rules,
            writing: Arc::new(Semaphore::new(WRITING_MAX)),
            refused: Mutex::default(),
        }
    }

    /// Keeps nothing.
    pub fn off() -> Self {
        let keep = Keep {
            days: 0,
            bytes_max: 0,
        };
        Self::new(LogRules {
            enabled: false,
            keep,
            body_bytes_max: 0,
            refused_per_minute_max: 0,
        })
    }

    fn takes_refused(&self, source: &str, now: UnixMs) -> bool {
        let minute = now.0 / MINUTE_MS;
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, count) = refused.entry(source.to_owned()).or_default();
        if *of != minute {
            (*of, *count) = (minute, 0);
        }
        *count = count.saturating_add(1);
        *count <= self.rules.refused_per_minute_max
    }
}

/// What a verified request brought.
pub(super) struct Brought {
    key_index: usize,
    messages: Vec<MessageId>,
}

impl Brought {
    pub fn of(source: &str, received: &Received) -> Self {
        Self {
            key_index: received.key_index,
            messages: messages(source, &received.reports),
        }
    }
}

fn messages(source: &str, reports: &[Report]) -> Vec<MessageId> {
    let id = |report: &Report| match report {
        Report::Message(message) => Some(MessageId::derive(source, &message.dedupe_key)),
        Report::Receipt(_) | Report::Verify(_) | Report::Confirmation(_) => None,
    };
    reports.iter().filter_map(id).collect()
}

/// Which of the kept requests are asked for.
#[derive(Debug, Clone, Default)]
pub struct CaptureFilter {
    pub source: Option<String>,
    pub verdict: Option<Verdict>,
}

/// Why a kept request was believed when it was run through again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Believed {
    /// It verifies with today's keys, at the time it came.
    Verified,
    /// It does not, for a credential is not kept or a key is gone, but it was accepted when it came.
    Recorded,
    /// The operator says that it is genuine.
    Trusted,
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    pub believed: Believed,
    /// What the request brings.
    pub messages: Vec<MessageId>,
    /// How many of these were there already and stay as they are.
    pub known: usize,
}

impl Gateway {
    /// Keeps a judged request. Neither waits nor fails: what cannot be kept is counted.
    pub(super) fn log_inbound<T>(
        &self,
        id: CaptureId,
        inbound: Inbound,
        brought: Option<Brought>,
        ended: &Result<T, Error>,
    ) {
        let log = &self.parts.inbound_log;
        if !log.rules.enabled {
            return;
        }
        let now = self.parts.clock.moment();
        let metrics = &self.parts.metrics;
        let (verdict, reason) = match ended {
            Ok(_) => (Verdict::Accept, None),
            Err(Error::Refused(reason) | Error::RefusedForNow(reason)) => {
                (Verdict::Reject, Some(reason.as_str().to_owned()))
            }
            Err(error) => (Verdict::Accept, Some(error.to_string())),
        };
        if verdict == Verdict::Reject && !log.takes_refused(&inbound.source, now.wall) {
            return metrics.logged("left_out_refused");
        }
        let Ok(permit) = log.writing.clone().try_acquire_owned() else {
            return metrics.logged("left_out_busy");
        };
        let capture = Capture {
            verdict,
            reason,
            key_index: brought
                .as_ref()
                .and_then(|brought| brought.key_index.try_into().ok()),
            messages: brought.map(|brought| brought.messages).unwrap_or_default(),
            ..without_secrets(id, inbound, log.rules.body_bytes_max)
        };
        let (store, metrics, keep) = (self.parts.store.clone(), metrics.clone(), log.rules.keep);
        tokio::spawn(async move {
            let written = store
                .commit(Commit::LogInbound(Box::new(capture), keep), now)
                .await;
            metrics.logged(if written.is_ok() { "kept" } else { "failed" });
            drop(permit);
        });
    }

    /// Lets go of what is too old, where no new request does that.
    pub(super) async fn trim_inbound_log(&self) {
        let keep = self.parts.inbound_log.rules.keep;
        if let Err(error) = self.commit(Commit::TrimInboundLog(keep)).await {
            tracing::warn!(%error, "the inbound log was not trimmed; tried again in ten minutes");
        }
    }

    /// The kept requests, newest first, starting below `before`.
    pub async fn captures(
        &self,
        filter: CaptureFilter,
        before: Option<CaptureId>,
        limit: usize,
    ) -> Result<Vec<Capture>, Error> {
        let wanted = move |capture: &Capture| {
            filter
                .source
                .as_ref()
                .is_none_or(|source| *source == capture.source)
                && filter.verdict.is_none_or(|verdict| verdict == capture.verdict)
        };
        self.read(move |store| {
            let (mut found, mut before, mut scanned) = (Vec::new(), before, 0);
            while found.len() < limit && scanned < SCANNED_MAX {
                let page = store.captures(before, limit)?;
                let ends = page.len() < limit;
                scanned += page.len();
                before = page.last().map(|capture| capture.id);
                found.extend(page.into_iter().filter(&wanted));
                if ends {
                    break;
                }
            }
            found.truncate(limit);
            Ok(found)
        })
        .await
    }

    pub async fn capture(&self, id: CaptureId) -> Result<Capture, Error> {
        let found = self.read(move |store| store.capture(id)).await?;
        found.ok_or(Error::NoCapture)
    }

    /// The URL that this request is judged at; `None` where its source is configured no more. A path token is not kept.
    pub fn url_of(&self, capture: &Capture) -> Option<String> {
        let source = self.parts.sources.get(&capture.source)?;
        Some(match &capture.query {
            Some(query) => format!("{}?{query}", source.public_url),
            None => source.public_url.clone(),
        })
    }

    /// Runs a kept request through the same way again, after what stopped it is mended. Done twice it is still done once: what is
    /// stored already stays as it is.
    pub async fn replay_inbound(&self, id: CaptureId, trust: bool) -> Result<Replayed, Error> {
        let capture = self.capture(id).await?;
        if capture.is_cut() {
            return Err(Error::CutCapture);
        }
        let source = self.source(&capture.source)?;
        let url = self.url_of(&capture).ok_or(Error::UnknownSource)?;
        let headers = headers(&capture);
        let request = Request {
            method: &capture.method,
            url: &url,
            headers: &headers,
            body: &capture.body,
        };
        let verified = self
            .verify_kept(&capture.source, source, &request, capture.arrived_at())
            .await;
        let believed = match (verified, capture.verdict) {
            (Ok(_), _) => Believed::Verified,
            (Err(_), Verdict::Accept) => Believed::Recorded,
            (Err(_), Verdict::Reject) if trust => Believed::Trusted,
            (Err(reason), Verdict::Reject) => return Err(Error::StillRefused(reason)),
        };
        let Contents { mut reports, .. } = source.carrier.read(&request).map_err(Error::StillRefused)?;
        name_messages(source, id, &mut reports);
        let messages = messages(&capture.source, &reports);
        let known = self.settle(&capture.source, reports).await?;
        tracing::info!(request.id = %id, ?believed, messages = messages.len(), "an inbound request was run through again");
        Ok(Replayed {
            believed,
            messages,
            known,
        })
    }
}

/// What is kept of a request, before its verdict is put in.
fn without_secrets(id: CaptureId, inbound: Inbound, body_bytes_max: usize) -> Capture {
    let mut redaction = Redaction::of(inbound.path_token.as_deref());
    let headers = inbound.headers.iter().map(|(name, value)| {
        let kept = redaction.header(name.as_str(), value.as_bytes());
        (name.as_str().to_owned(), kept)
    });
    let headers = headers.collect();
    let query = inbound.query.map(|query| redaction.query(&query));
    Capture {
        id,
        source: inbound.source,
        method: inbound.method.as_str().to_owned(),
        query,
        headers,
        body: inbound.body[..inbound.body.len().min(body_bytes_max)].to_vec(),
        body_bytes: inbound.body.len() as u64,
        redacted: redaction.redacted,
        verdict: Verdict::Reject,
        reason: None,
        key_index: None,
        messages: Vec::new(),
    }
}

fn headers(capture: &Capture) -> http::HeaderMap {
    let field = |(name, value): &(String, Vec<u8>)| {
        let name = http::HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, http::HeaderValue::from_bytes(value).ok()?))
    };
    let mut headers = http::HeaderMap::new();
    for (name, value) in capture.headers.iter().filter_map(field) {
        headers.append(name, value);
    }
    headers
}
