//! Due, claim, attempt, record: reads what is owed, performs it, reports what came of it; judging is `core::delivery`'s.
//! The due index on disk is the queue. Claims live in memory only: after a restart everything unanswered is due again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backoff::backoff::Backoff;
use http::{HeaderName, HeaderValue, Method, header};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::guard::{self, Policy as GuardPolicy, Target};
use super::report::reported;
use super::sender::{Attempted, Call, Outcome as Sent, Sender};
use crate::clock::Clock;
use crate::core::delivery::{self, Attempt, Due};
use crate::core::event::Event;
use crate::core::id::{Seq, SubscriptionId};
use crate::core::retry::{self, Policy};
use crate::core::signature::{self, SigningKey};
use crate::core::subscription::Subscription;
use crate::core::time::UnixMs;
use crate::store::{self, Commit, Store};
use crate::telemetry::Metrics;

/// How deliveries are made. Every number is a key of `config.toml`, section `[outbound]`.
pub struct Rules {
    pub retry: Policy,
    pub timeout_ms: u64,
    /// Attempts in flight in all.
    pub concurrency_max: usize,
    /// Attempts in flight to one subscription, so that a hanging one cannot hold every place.
    pub concurrency_per_subscription_max: usize,
    /// How long to sleep when nothing is due and nobody rings, at most.
    pub idle_ms: u64,
}

/// What dispatch is made of; `app` builds it.
pub struct Parts<S> {
    pub store: Arc<dyn Store>,
    pub sender: S,
    pub guard: GuardPolicy,
    pub rules: Rules,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub doorbell: Arc<Notify>,
}

pub struct Dispatch<S> {
    parts: Parts<S>,
    permits: Arc<Semaphore>,
    /// Attempts under way to each subscription.
    in_flight: Mutex<HashMap<SubscriptionId, usize>>,
    prepared: Mutex<HashMap<SubscriptionId, Arc<Prepared>>>,
    /// Rung when a place is free again, or a retry is newly owed.
    freed: Notify,
}

/// A subscription with its URL and keys parsed once.
struct Prepared {
    of: Arc<Subscription>,
    target: Result<Target, guard::Error>,
    keys: Vec<SigningKey>,
}

impl<S: Sender> Dispatch<S> {
    pub fn new(parts: Parts<S>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(parts.rules.concurrency_max));
        Arc::new(Self {
            parts,
            permits,
            in_flight: Mutex::default(),
            prepared: Mutex::default(),
            freed: Notify::new(),
        })
    }

    fn in_flight(&self) -> MutexGuard<'_, HashMap<SubscriptionId, usize>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers until `stop` turns true, then lets what is in flight end within `grace`; what does not is due again later.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>, grace: Duration) {
        let mut attempts = JoinSet::new();
        while !*stop.borrow() {
            let full = self.start_due(&mut attempts).await;
            while attempts.try_join_next().is_some() {}
            let idle = self.idle_time();
            tokio::select! {
                biased;
                () = self.parts.doorbell.notified(), if !full => {}
                () = self.freed.notified() => {}
                () = tokio::time::sleep(idle) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
        let ended =
            tokio::time::timeout(grace, async { while attempts.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::info!(
                attempts = attempts.len(),
                "deliveries cut off by the shutdown; they are due again at the next start"
            );
        }
    }

    /// Starts what is due and has a place; true if places ran out.
    async fn start_due(self: &Arc<Self>, attempts: &mut JoinSet<()>) -> bool {
        let now = self.parts.clock.now();
        let live = self.parts.store.live();
        for id in live.owed(now) {
            let Some(subscription) = live.subscription(id) else {
                self.forget_all(id, now).await;
                continue;
            };
            if !subscription.is_active() {
                continue;
            }
            let places = self.permits.available_permits();
            if places == 0 {
                return true;
            }
            let prepared = self.prepare(subscription);
            for due in live.claim(id, now, places.min(self.free_places(id))) {
                // Only this loop takes permits, so as many as were free are there; a claim without one goes back.
                let Ok(permit) = self.permits.clone().try_acquire_owned() else {
                    live.unclaim(due);
                    continue;
                };
                *self.in_flight().entry(id).or_default() += 1;
                attempts.spawn(self.clone().deliver(due, prepared.clone(), permit));
            }
        }
        false
    }

    /// Attempts that may still be started to this subscription. A claim outlives its attempt until the record is durable, the
    /// place does not.
    fn free_places(&self, id: SubscriptionId) -> usize {
        let in_flight = self.in_flight().get(&id).copied().unwrap_or(0);
        self.parts
            .rules
            .concurrency_per_subscription_max
            .saturating_sub(in_flight)
    }

    /// Dropped by a shutdown at any point: nothing is recorded, so it is due again.
    async fn deliver(self: Arc<Self>, due: Due, prepared: Arc<Prepared>, permit: OwnedSemaphorePermit) {
        let commit = match self.event(due.event).await {
            Ok(Some(event)) => Commit::Record(Box::new(self.attempt(due, &event, &prepared).await)),
            // Its day's log is older than the retention: there is nothing left to send.
            Ok(None) => Commit::Forget(due),
            Err(error) => {
                tracing::error!(%error, delivery.event = due.event.0, "an owed event cannot be read; tried again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                self.parts.store.live().unclaim(due);
                self.release_place(&due);
                return;
            }
        };
        drop(permit);
        self.release_place(&due);
        // The record settles the claim. Where the store is done for, the delivery stays owed, and claimed until the restart.
        self.record(commit).await;
        // A retry may now fall due sooner than what the loop sleeps for.
        self.freed.notify_one();
    }

    /// One attempt with an event that is neither owed nor recorded, to try a subscription out.
    pub async fn try_out(&self, subscription: Arc<Subscription>, event: &Event) -> Attempt {
        let due = Due {
            subscription: subscription.id,
            due_at: self.parts.clock.now(),
            event: Seq(0),
            attempts: 0,
        };
        let prepared = self.prepare(subscription);
        self.attempt(due, event, &prepared).await
    }

    async fn attempt(&self, due: Due, event: &Event, prepared: &Prepared) -> Attempt {
        let started_at = self.parts.clock.now();
        let attempted = match &prepared.target {
            Ok(target) => {
                self.parts
                    .sender
                    .send(self.call(target, event, prepared, started_at))
                    .await
            }
            Err(refused) => Attempted {
                outcome: Sent::Failed(refused.clone().into()),
                duration_us: 0,
                remote: None,
                reused: false,
            },
        };
        let now = self.parts.clock.now();
        let (outcome, detail, class) = reported(&attempted.outcome, now);
        self.parts.metrics.attempt(&class);
        let next = delivery::after(
            &outcome,
            due.attempts + 1,
            &self.parts.rules.retry,
            now,
            self.parts.clock.dice(),
        );
        tracing::debug!(delivery.event = %event.id, subscription = %due.subscription, class, attempts = due.attempts + 1, "delivery attempted");
        let duration_ms = attempted.duration_us / 1000;
        Attempt {
            due,
            event: event.id,
            kind: event.kind.as_str().into(),
            started_at,
            duration_ms,
            outcome,
            next,
            detail,
        }
    }

    fn call(&self, target: &Target, event: &Event, prepared: &Prepared, now: UnixMs) -> Call {
        let (id, timestamp_s) = (
            event.id.to_string(),
            i64::try_from(now.secs()).unwrap_or(i64::MAX),
        );
        let signature = signature::sign(&prepared.keys, &id, timestamp_s, event.body.as_bytes());
        let text =
            |value: String| HeaderValue::try_from(value).expect("ids, digits and base64 are header text");
        let headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (
                header::USER_AGENT,
                HeaderValue::from_static(concat!("ringback/", env!("CARGO_PKG_VERSION"))),
            ),
            (HeaderName::from_static("webhook-id"), text(id)),
            (
                HeaderName::from_static("webhook-timestamp"),
                text(timestamp_s.to_string()),
            ),
            (HeaderName::from_static("webhook-signature"), text(signature)),
        ];
        let body = bytes::Bytes::copy_from_slice(event.body.as_bytes());
        Call {
            method: Method::POST,
            target: target.clone(),
            headers,
            body,
            timeout_ms: self.parts.rules.timeout_ms,
        }
    }

    async fn event(&self, seq: Seq) -> Result<Option<Arc<Event>>, store::Error> {
        if let Some(event) = self.parts.store.live().event(seq) {
            return Ok(Some(event));
        }
        let read = store::read(&self.parts.store, move |store| store.event(seq)).await?;
        Ok(read.map(Arc::new))
    }

    /// Records until the store takes it or is done for.
    async fn record(&self, commit: Commit) {
        let mut waits = retry::exponential(10, 2.0, 1000);
        loop {
            match self
                .parts
                .store
                .commit(commit.clone(), self.parts.clock.now())
                .await
            {
                Ok(_) => return,
                Err(store::Error::Busy | store::Error::DiskFull) => {
                    tokio::time::sleep(waits.next_backoff().unwrap_or(Duration::from_secs(1))).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "an attempt could not be recorded; it is made again after the restart");
                    return;
                }
            }
        }
    }

    async fn forget_all(&self, id: SubscriptionId, now: UnixMs) {
        self.prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        for due in self
            .parts
            .store
            .live()
            .claim(id, now, self.parts.rules.concurrency_max)
        {
            self.record(Commit::Forget(due)).await;
        }
    }

    fn release_place(&self, due: &Due) {
        let mut places = self.in_flight();
        if let Some(in_flight) = places.get_mut(&due.subscription) {
            *in_flight -= 1;
            if *in_flight == 0 {
                places.remove(&due.subscription);
            }
        }
        drop(places);
        self.freed.notify_one();
    }

    fn idle_time(&self) -> Duration {
        let now = self.parts.clock.now();
        let next = self
            .parts
            .store
            .live()
            .next_due_after(now)
            .map_or(u64::MAX, |at| at.since(now));
        Duration::from_millis(next.min(self.parts.rules.idle_ms))
    }

    fn prepare(&self, subscription: Arc<Subscription>) -> Arc<Prepared> {
        let mut all = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all
            .get(&subscription.id)
            .filter(|known| Arc::ptr_eq(&known.of, &subscription))
        {
            return known.clone();
        }
        let target = guard::check_url(&subscription.url, &self.parts.guard);
        let keys = subscription
            .signing_keys
            .iter()
            .filter_map(|key| key.parse().ok())
            .collect();
        let prepared = Arc::new(Prepared {
            of: subscription.clone(),
            target,
            keys,
        });
        all.insert(subscription.id, prepared.clone());
        prepared
    }
}
