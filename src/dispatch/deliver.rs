//! Due, claim, attempt, record: reads what is owed, performs it, reports what came of it; judging is `core::delivery`'s, whose turn it is
//! `core::lane`'s. The due index on disk is the queue. Claims live in memory only: after a restart everything unanswered is due again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::guard::Policy as GuardPolicy;
use super::lanes::{Lanes, Place};
use super::prepare::Prepared;
use super::pulse::Pulse;
use super::report::reported;
use super::sender::{Attempted, Outcome as Sent, Sender};
use crate::clock::Clock;
use crate::core::attempt::{Attempt, Timing, Trigger};
use crate::core::delivery::{self, Due, Next, Outcome, Terms};
use crate::core::event::Event;
use crate::core::health;
use crate::core::id::{Seq, SubscriptionId};
use crate::core::limit::Ramp;
use crate::core::retry::Policy;
use crate::core::subscription::Subscription;
use crate::core::time::UnixMs;
use crate::store::{self, Commit, Store};
use crate::telemetry::Metrics;

/// How deliveries are made. Every number is a key of `config.toml`, section `[outbound]`.
pub struct Rules {
    /// For subscriptions that have no policy of their own.
    pub retry: Policy,
    pub timeout_ms: u64,
    /// Attempts in flight in all.
    pub concurrency_max: usize,
    /// Attempts in flight to one subscription, so that a hanging one cannot hold every place.
    pub concurrency_per_subscription_max: usize,
    pub health: health::Rules,
    pub ramp: Ramp,
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
    pub(super) parts: Parts<S>,
    permits: Arc<Semaphore>,
    /// Held from the claim to the record.
    unrecorded: Arc<Semaphore>,
    lanes: Mutex<Lanes>,
    prepared: Mutex<HashMap<SubscriptionId, Arc<Prepared>>>,
    /// Rung when a place is free again, or a retry is newly owed.
    freed: Notify,
    pulse: Pulse,
}

/// For each attempt in flight, so many more may wait for their record. A drain that sends faster than the disk writes would else fill memory
/// and the writer's queue, and carriers would hear 503.
const UNRECORDED_PER_PLACE: usize = 4;

/// The place of an attempt, in all and in its lane; given back when dropped, whatever became of it.
struct Seat<S: Sender> {
    dispatch: Arc<Dispatch<S>>,
    place: Place,
    /// What the attempt came to, once it is known.
    outcome: Option<Outcome>,
    _permit: OwnedSemaphorePermit,
}

impl<S: Sender> Drop for Seat<S> {
    fn drop(&mut self) {
        let Parts { clock, rules, .. } = &self.dispatch.parts;
        let mut lanes = self.dispatch.lanes();
        lanes.end(self.place, self.outcome.as_ref(), clock.steady(), rules);
        drop(lanes);
        self.dispatch.pulse.beat(clock.steady());
        self.dispatch.freed.notify_one();
    }
}

impl<S: Sender> Dispatch<S> {
    pub fn new(parts: Parts<S>) -> Arc<Self> {
        let places = parts.rules.concurrency_max;
        let permits = Arc::new(Semaphore::new(places));
        let unrecorded = Arc::new(Semaphore::new(places * UNRECORDED_PER_PLACE));
        Arc::new(Self {
            pulse: Pulse::new(parts.clock.steady()),
            parts,
            permits,
            unrecorded,
            lanes: Mutex::default(),
            prepared: Mutex::default(),
            freed: Notify::new(),
        })
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers until `stop` turns true, then lets what is in flight end within `grace`; what does not is due again later.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>, grace: Duration) {
        self.call_back_stranded().await;
        let mut attempts = JoinSet::new();
        while !*stop.borrow() {
            let full = self.start_due(&mut attempts);
            if !full {
                self.pulse.beat(self.parts.clock.steady());
            }
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

    /// For how long nothing got on: attempts that may begin do not, and none ends. While all is well it is a second at most.
    pub fn still_ms(&self) -> u64 {
        self.pulse.still_ms(self.parts.clock.steady())
    }

    /// Starts what is due and has a place; true if places ran out. The permit comes before the claim, so that nothing is claimed that
    /// then waits.
    fn start_due(self: &Arc<Self>, attempts: &mut JoinSet<()>) -> bool {
        let Parts {
            store, clock, rules, ..
        } = &self.parts;
        let (now, live) = (clock.steady(), store.live());
        let owed = live.owed(now);
        for id in owed.iter().filter(|id| live.subscription(**id).is_none()) {
            attempts.spawn(self.clone().forget_all(*id, now));
        }
        self.lanes().join(&owed);
        loop {
            let free = |places: &Arc<Semaphore>| places.clone().try_acquire_owned().ok();
            let Some((permit, record)) = free(&self.permits).zip(free(&self.unrecorded)) else {
                return true;
            };
            let Some(place) = self.lanes().next(live, rules, now) else {
                return false;
            };
            let seat = Seat {
                dispatch: self.clone(),
                place,
                outcome: None,
                _permit: permit,
            };
            // Only this loop claims, so what was due a moment ago is, unless its subscription was deleted.
            let claimed = live.claim(place.id, now, 1).pop();
            if let Some((due, subscription)) = claimed.zip(live.subscription(place.id)) {
                let prepared = self.prepare(subscription);
                attempts.spawn(self.clone().deliver(due, prepared, seat, record));
            }
        }
    }

    /// Dropped by a shutdown at any point: nothing is recorded, so it is due again.
    async fn deliver(
        self: Arc<Self>,
        due: Due,
        prepared: Arc<Prepared>,
        mut seat: Seat<S>,
        record: OwnedSemaphorePermit,
    ) {
        let Parts { metrics, clock, .. } = &self.parts;
        metrics.lag(clock.steady().since(due.due_at));
        let commit = match self.event(due.event).await {
            Ok(Some(event)) => {
                let attempt = self
                    .attempt(due, &event, (&prepared, seat.place.is_probe()))
                    .await;
                seat.outcome = Some(attempt.outcome.clone());
                metrics.outcome(attempt.next.as_str());
                if attempt.next.is_success() && !due.is_manual() {
                    metrics.end_to_end(clock.now().since(due.event.written_at()));
                }
                Commit::Record(Box::new(attempt), self.parts.rules.health)
            }
            Ok(None) => {
                tracing::warn!(subscription = %due.subscription, delivery.event = due.event.0, "an owed event is older than the retention and is given up: raise store.log_days");
                metrics.outcome("forgotten");
                Commit::Forget(due)
            }
            Err(error) => {
                tracing::error!(%error, delivery.event = due.event.0, "an owed event cannot be read; tried again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                self.parts.store.live().unclaim(due);
                return;
            }
        };
        let is_verdict = matches!(&commit, Commit::Record(attempt, _) if attempt.is_verdict());
        if is_verdict {
            self.lanes().judge(due.subscription);
        }
        // A probe's place is kept until its record says when the next one may be made.
        let _probing = seat.place.is_probe().then_some(seat);
        // The record settles the claim. Where the store is done for, the delivery stays owed, and claimed until the restart.
        let is_recorded = self.record(commit).await;
        if is_verdict && is_recorded {
            self.lanes().settle(due.subscription);
        }
        drop(record);
        // A retry may now fall due sooner than what the loop sleeps for.
        self.freed.notify_one();
    }

    /// One attempt with an event that is neither owed nor recorded, to try a subscription out.
    pub async fn try_out(&self, subscription: Arc<Subscription>, event: &Event) -> Attempt {
        let due = Due {
            subscription: subscription.id,
            due_at: self.parts.clock.steady(),
            event: Seq(0),
            attempts: 0,
            spent: 0,
            line: None,
            asked_at: None,
        };
        let prepared = self.prepare(subscription);
        self.attempt(due, event, (&prepared, false)).await
    }

    async fn attempt(&self, due: Due, event: &Event, (prepared, is_probe): (&Prepared, bool)) -> Attempt {
        let Parts {
            clock, rules, sender, ..
        } = &self.parts;
        let (started_at, policy) = (clock.now(), &prepared.of.settings.policy);
        let kind = event.kind.as_str();
        let terms = Terms {
            retry: policy.retry.as_ref().unwrap_or(&rules.retry),
            expires_at: policy.expires_at(kind, due.since(event.at)),
            obeys_control: policy.obeys_control,
            is_probe,
        };
        if terms.expires_at.is_some_and(|end| started_at >= end) {
            self.parts.metrics.attempt("expired");
            return untried(due, event, started_at, terms.expires_at);
        }
        let (target, url) = prepared.target_after(due.attempts);
        let attempted = match target {
            Ok(target) => {
                let call = match self.as_telnyx(event, prepared, (due.attempts + 1, url)).await {
                    Some(body) => prepared.telnyx_call(target, body, started_at, rules.timeout_ms),
                    None => prepared.call(target, event, started_at, rules.timeout_ms),
                };
                sender.send(call).await
            }
            Err(refused) => Attempted {
                outcome: Sent::Failed(refused.clone()),
                timing: Timing::default(),
                remote: None,
                reused: false,
            },
        };
        let (now, timing) = (clock.moment(), attempted.timing);
        let reported = reported(attempted.outcome, now.wall);
        self.parts.metrics.attempt(&reported.class);
        tracing::debug!(delivery.event = %event.id, subscription = %due.subscription, class = reported.class, attempts = due.attempts + 1, "delivery attempted");
        Attempt {
            due,
            trigger: trigger(&due, is_probe),
            event: event.id,
            kind: kind.into(),
            started_at,
            timing,
            next: delivery::after(&reported.outcome, &due, &terms, now, clock.dice()),
            outcome: reported.outcome,
            class: reported.class,
            advice: reported.advice,
            response: reported.response,
            signed_with: prepared.signs_with(started_at),
            expires_at: terms.expires_at,
        }
    }

    async fn event(&self, seq: Seq) -> Result<Option<Arc<Event>>, store::Error> {
        if let Some(event) = self.parts.store.live().event(seq) {
            return Ok(Some(event));
        }
        let read = store::read(&self.parts.store, move |store| store.event(seq)).await?;
        let read = read.map(Arc::new);
        if let Some(event) = &read {
            self.parts.store.live().keep_event(seq, event.clone());
        }
        Ok(read)
    }

    /// A subscription is gone: so is what it was owed, some of it at a time.
    async fn forget_all(self: Arc<Self>, id: SubscriptionId, now: UnixMs) {
        self.prepared().remove(&id);
        self.lanes().forget(id);
        let claimed = self
            .parts
            .store
            .live()
            .claim(id, now, self.parts.rules.concurrency_max);
        join_all(claimed.into_iter().map(|due| self.record(Commit::Forget(due)))).await;
        self.freed.notify_one();
    }

    fn idle_time(&self) -> Duration {
        let now = self.parts.clock.steady();
        let next = [
            self.parts.store.live().next_due_after(now),
            self.lanes().earliest(),
        ];
        let next = next
            .into_iter()
            .flatten()
            .min()
            .map_or(u64::MAX, |at| at.since(now));
        Duration::from_millis(next.min(self.parts.rules.idle_ms))
    }

    fn prepared(&self) -> MutexGuard<'_, HashMap<SubscriptionId, Arc<Prepared>>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn prepare(&self, subscription: Arc<Subscription>) -> Arc<Prepared> {
        let mut all = self.prepared();
        if let Some(known) = all
            .get(&subscription.id)
            .filter(|known| Arc::ptr_eq(&known.of, &subscription))
        {
            return known.clone();
        }
        let prepared = Arc::new(Prepared::new(subscription.clone(), &self.parts.guard));
        all.insert(subscription.id, prepared.clone());
        prepared
    }
}

fn trigger(due: &Due, is_probe: bool) -> Trigger {
    match (is_probe, due.is_manual()) {
        (true, _) => Trigger::Probe,
        (false, true) => Trigger::Manual,
        (false, false) => Trigger::Automatic,
    }
}

/// What was worthless before its turn came.
fn untried(due: Due, event: &Event, now: UnixMs, expires_at: Option<UnixMs>) -> Attempt {
    Attempt {
        due,
        trigger: trigger(&due, false),
        event: event.id,
        kind: event.kind.as_str().into(),
        started_at: now,
        timing: Timing::default(),
        outcome: Outcome::Untried,
        next: Next::Expired,
        class: "expired".into(),
        advice: "not sent: its time was over; raise \"expireAfterS\" or \"deadlineS\" if it is of use later"
            .into(),
        response: None,
        signed_with: Vec::new(),
        expires_at,
    }
}
