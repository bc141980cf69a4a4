//! What was seen of each source since the start, and the tests of a source that wait for their request. In memory alone: it is a look at
//! the moment, the counters of the metrics are the record.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::{Error, Gateway};
use crate::carrier::{Received, Reject};
use crate::clock;
use crate::core::id::MessageId;
use crate::core::message::Report;
use crate::core::time::UnixMs;

/// How long a test waits for its request.
const TEST_MS: u64 = 60_000;
/// Tests of one source that are remembered; an older one makes room.
const TESTS_MAX: usize = 16;

#[derive(Debug, Default)]
pub struct Seen(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    accepted: u64,
    refused: u64,
    last_accepted_at: Option<UnixMs>,
    last_refused: Option<(UnixMs, Reject)>,
    /// By the index of the key.
    keys_used_at: BTreeMap<usize, UnixMs>,
    /// By the message id that the request will bring.
    tests: BTreeMap<String, Test>,
}

#[derive(Debug, Clone, Copy)]
struct Test {
    begun_at: UnixMs,
    /// The key that verified its request.
    passed: Option<usize>,
}

/// A source as its operator sees it. The path token is not in here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceView {
    pub name: String,
    pub carrier: &'static str,
    pub url: String,
    /// Whether the URL that the carrier needs goes on with a secret.
    pub path_token: bool,
    pub keys: usize,
    pub allow_ips: Vec<String>,
    pub accepted: u64,
    pub refused: u64,
    pub last_accepted_at: Option<String>,
    pub last_refused_at: Option<String>,
    pub last_refused_reason: Option<&'static str>,
    /// By key: when it last matched.
    pub keys_used_at: Vec<Option<String>>,
}

/// How a test stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestView {
    pub passed: bool,
    /// The index of the key that verified it.
    pub key: Option<usize>,
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn refused(&self, reason: Reject, now: UnixMs) {
        let mut counts = self.lock();
        counts.refused += 1;
        counts.last_refused = Some((now, reason));
    }

    /// Counts a verified request. If it is the one that a test waits for, the test has passed, and its reports are taken out: it
    /// leaves nothing. Nobody else can bring one: the id is random and known to the operator alone.
    pub fn accepted(&self, received: &mut Received, now: UnixMs) {
        let mut counts = self.lock();
        counts.accepted += 1;
        counts.last_accepted_at = Some(now);
        counts.keys_used_at.insert(received.key_index, now);
        let [Report::Message(message)] = &received.reports[..] else {
            return;
        };
        if let Some(test) = counts.tests.get_mut(&message.carrier_message_id)
            && now.since(test.begun_at) < TEST_MS
        {
            test.passed = Some(received.key_index);
            received.reports.clear();
        }
    }

    fn begin_test(&self, id: String, now: UnixMs) {
        let mut counts = self.lock();
        counts.tests.retain(|_, test| now.since(test.begun_at) < TEST_MS);
        if counts.tests.len() >= TESTS_MAX {
            let oldest = counts.tests.iter().min_by_key(|(_, test)| test.begun_at);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                counts.tests.remove(&oldest);
            }
        }
        let test = Test {
            begun_at: now,
            passed: None,
        };
        counts.tests.insert(id, test);
    }
}

impl Gateway {
    /// Every source with what was seen of it, by name.
    pub fn sources(&self) -> Vec<SourceView> {
        let mut all: Vec<_> = self.parts.sources.iter().collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        let view = |(name, source): (&String, &super::Source)| {
            let counts = source.seen.lock();
            let shown = |at: UnixMs| at.to_string();
            SourceView {
                name: name.clone(),
                carrier: source.carrier.name(),
                url: source.public_url.clone(),
                path_token: source.path_token,
                keys: source.keys,
                allow_ips: source.allow_ips.iter().map(ToString::to_string).collect(),
                accepted: counts.accepted,
                refused: counts.refused,
                last_accepted_at: counts.last_accepted_at.map(shown),
                last_refused_at: counts.last_refused.map(|(at, _)| shown(at)),
                last_refused_reason: counts.last_refused.map(|(_, reason)| reason.as_str()),
                keys_used_at: (0..source.keys)
                    .map(|key| counts.keys_used_at.get(&key).copied().map(shown))
                    .collect(),
            }
        };
        all.into_iter().map(view).collect()
    }

    /// Waits for a request that brings a message with the answered id, for a minute.
    pub fn begin_test(&self, source: &str) -> Result<String, Error> {
        let id = format!("test-{}", MessageId(clock::random()));
        let now = self.parts.clock.now();
        self.source(source)?.seen.begin_test(id.clone(), now);
        Ok(id)
    }

    pub fn test(&self, source: &str, id: &str) -> Result<TestView, Error> {
        let counts = self.source(source)?.seen.lock();
        let test = counts.tests.get(id).ok_or(Error::NotFound)?;
        Ok(TestView {
            passed: test.passed.is_some(),
            key: test.passed,
        })
    }
}
