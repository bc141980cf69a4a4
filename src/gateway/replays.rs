//! Replays: made, listed, cancelled, and walked through the events a page at a time at their pace; each step is one commit, so that a
//! restart goes on where the last one ended and asks for nothing twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify};

use super::{DECISIONS_MAX, Error, Gateway, Once};
use crate::core::event::{self, Kind};
use crate::core::id::{AccountId, ReplayId, Seq, SubscriptionId};
use crate::core::replay::{Counts, End, Found, KEPT_MAX, Pace, Replay, Selection};
use crate::core::retry;
use crate::core::standing::{Delivery, Status};
use crate::core::subscription::Pattern;
use crate::core::time::UnixMs;
use crate::store::{Commit, Committed, Heard, ReplayStep, Standings};

/// Between two steps of a replay.
const STEP_EVERY: Duration = Duration::from_millis(100);
/// Between two tries of a step that fails on and on, in milliseconds: each reads all that a step looks at, and a disk may stay full for hours.
const RETRY_MAX_MS: u64 = 30_000;
/// Events that one step looks at, so that each of several replays gets on.
const EVENTS_MAX: u64 = 5000;
/// Deliveries that are in memory at one time, each with its newest attempt.
const PAGE_MAX: usize = 200;
/// Deliveries due to a subscription and not begun, from which on a replay waits for it: what just happened must not queue behind it.
const BEHIND_MAX: usize = 100;

/// What a gateway needs for its replays.
#[derive(Default)]
pub struct Replaying {
    /// Rung where one was made.
    bell: Notify,
    /// Held while one is made, so that two do not pass the limit together.
    making: Mutex<()>,
}

/// How many and how fast. Each is a key of `config.toml`, section `[outbound]`.
#[derive(Debug, Clone, Copy)]
pub struct ReplayRules {
    pub per_second_max: u32,
    pub running_max: usize,
    pub deliveries_max: u64,
}

/// A wish for a replay; what is not said matches all.
#[derive(Debug, Clone, Default)]
pub struct ReplayWish {
    pub since: Option<UnixMs>,
    pub until: Option<UnixMs>,
    pub statuses: Vec<Status>,
    pub patterns: Vec<Pattern>,
    pub subscription: Option<SubscriptionId>,
    pub missing_only: bool,
    pub per_second: Option<u32>,
    pub dry_run: bool,
}

impl Gateway {
    pub async fn replay(
        &self,
        account: &AccountId,
        wish: ReplayWish,
        once: Option<&Once<Replay>>,
    ) -> Result<Arc<Replay>, Error> {
        let _making = self.replaying.making.lock().await;
        let replay = self.decide_replay(account, wish)?;
        let mut ended = self.replays(account);
        ended.retain(|replay| !replay.is_running());
        let step = ReplayStep {
            forgotten: ended.iter().skip(KEPT_MAX - 1).map(|replay| replay.id).collect(),
            deliveries: Vec::new(),
            event: None,
            next: replay.clone(),
        };
        let commit = Commit::Replay(Box::new(step));
        if self.commit_once(commit, once, &replay).await? == Committed::Conflict {
            return Err(Error::Contended);
        }
        self.replaying.bell.notify_one();
        Ok(Arc::new(replay))
    }

    fn decide_replay(&self, account: &AccountId, wish: ReplayWish) -> Result<Replay, Error> {
        let (now, rules) = (self.now(), &self.parts.rules.replay);
        let running = self.replays(account).iter().filter(|r| r.is_running()).count();
        if running >= rules.running_max {
            return Err(Error::TooManyReplays(rules.running_max));
        }
        let subscriptions = match wish.subscription {
            None => self.subscriptions(account),
            Some(id) => {
                let known = self.subscription(account, id)?;
                if known.health.disabled.is_some() {
                    return Err(Error::SubscriptionDisabled);
                }
                vec![known]
            }
        };
        let subscriptions: Vec<_> = subscriptions.iter().map(|known| known.subscription.id).collect();
        let oldest = now.minus_ms((u64::from(self.parts.rules.log_days) + 1) * 86_400_000);
        let (since, until) = (wish.since.unwrap_or(oldest), wish.until.unwrap_or(now).min(now));
        let refuse = |why: &str| Err(Error::BadReplay(why.to_owned()));
        if subscriptions.is_empty() {
            return refuse("the account has no subscription to send to: make one first (POST /api/webhooks)");
        }
        if since >= until {
            return refuse("\"since\" is before \"until\", and not after now");
        }
        let per_second = wish.per_second.unwrap_or(rules.per_second_max);
        if !(1..=rules.per_second_max).contains(&per_second) {
            return refuse(&format!("\"ratePerS\" is 1 to {}", rules.per_second_max));
        }
        Ok(Replay {
            id: ReplayId::new(now, self.parts.clock.random()),
            account: account.clone(),
            selection: Selection {
                since,
                until,
                statuses: wish.statuses,
                patterns: wish.patterns,
                subscriptions,
                missing_only: wish.missing_only,
            },
            per_second,
            deliveries_max: if wish.dry_run {
                u64::MAX
            } else {
                rules.deliveries_max
            },
            dry_run: wish.dry_run,
            created_at: now,
            read_to: Seq::just_before(since),
            counts: Counts::default(),
            sample: Vec::new(),
            end: None,
            version: 0,
        })
    }

    /// Newest first.
    pub fn replays(&self, account: &AccountId) -> Vec<Arc<Replay>> {
        let mut all = self.parts.store.live().replays(Some(account));
        all.sort_by_key(|replay| std::cmp::Reverse(replay.id));
        all
    }

    pub fn replay_of(&self, account: &AccountId, id: ReplayId) -> Result<Arc<Replay>, Error> {
        let found = self.parts.store.live().replay(id);
        found
            .filter(|replay| replay.account == *account)
            .ok_or(Error::NotFound)
    }

    /// Asks for nothing more; what it asked for so far goes out. One that has ended stays as it is.
    pub async fn cancel_replay(&self, account: &AccountId, id: ReplayId) -> Result<Arc<Replay>, Error> {
        for _ in 0..DECISIONS_MAX {
            let replay = self.replay_of(account, id)?;
            if !replay.is_running() {
                return Ok(replay);
            }
            let mut next = (*replay).clone();
            next.end = Some((self.now(), End::Cancelled));
            if self.step(next, Vec::new()).await? {
                return self.replay_of(account, id);
            }
        }
        Err(Error::Contended)
    }

    /// Commits a replay as it will be, with what it asks for and, at its end, the event. False: it changed in between.
    async fn step(&self, mut next: Replay, deliveries: Vec<(SubscriptionId, Seq)>) -> Result<bool, Error> {
        next.version += 1;
        let event = event::of_replay(&next).map(|event| {
            let targets = self.targets(&event, None);
            Heard { event, targets }
        });
        let step = ReplayStep {
            next,
            deliveries,
            event,
            forgotten: Vec::new(),
        };
        let committed = self.commit(Commit::Replay(Box::new(step))).await?;
        self.parts.doorbell.notify_one();
        Ok(matches!(committed, Committed::New(_)))
    }

    /// Walks all that run, until the process drains. Runs beside everything else.
    pub async fn replay_for_ever(&self) {
        let mut draining = self.parts.draining.clone();
        let mut paces: HashMap<ReplayId, Pace> = HashMap::new();
        let afresh = || retry::exponential(200, 2.0, RETRY_MAX_MS);
        let mut retries = afresh();
        while !*draining.borrow() {
            let mut running = self.parts.store.live().replays(None);
            running.retain(|replay| replay.is_running());
            paces.retain(|id, _| running.iter().any(|replay| replay.id == *id));
            let mut is_failing = false;
            for replay in &running {
                let pace = paces.entry(replay.id);
                let pace = pace.or_insert_with(|| Pace::new(self.parts.clock.steady()));
                if let Err(error) = self.walk(replay, pace).await {
                    tracing::warn!(%error, replay = %replay.id, "a step of a replay failed; it is tried again");
                    is_failing = true;
                }
            }
            let wait = if is_failing {
                retries.next().unwrap_or(STEP_EVERY)
            } else {
                retries = afresh();
                STEP_EVERY
            };
            tokio::select! {
                biased;
                _ = draining.wait_for(|draining| *draining) => {}
                () = self.replaying.bell.notified() => {}
                () = tokio::time::sleep(wait), if !running.is_empty() => {}
            }
        }
    }

    /// One step, as far as the pace and the engine allow.
    async fn walk(&self, replay: &Replay, pace: &mut Pace) -> Result<(), Error> {
        let mut allowed = PAGE_MAX;
        if !replay.dry_run {
            if !self.replay_waits_for(replay).is_empty() {
                return Ok(());
            }
            let left = usize::try_from(replay.left()).unwrap_or(usize::MAX);
            allowed = pace
                .allowed(replay.per_second, self.parts.clock.steady())
                .min(left);
        }
        let (mut next, mut deliveries) = (replay.clone(), Vec::new());
        let enough = replay.counts.events + EVENTS_MAX;
        while allowed > 0 && next.is_running() && next.counts.events < enough {
            let mut found = self.find(&next, allowed).await?;
            next.advance(&found, self.now());
            if !replay.dry_run {
                allowed = allowed.saturating_sub(found.deliveries.len());
                deliveries.append(&mut found.deliveries);
            }
        }
        if next.read_to == replay.read_to && next.is_running() {
            return Ok(());
        }
        pace.used(deliveries.len());
        // Where it changed in between it was cancelled, and the next look sees that.
        self.step(next, deliveries).await.map(drop)
    }

    /// Subscriptions that have more due than is being sent, slow, paused or disabled ones, so that more would only queue.
    pub fn replay_waits_for(&self, replay: &Replay) -> Vec<SubscriptionId> {
        let (live, now) = (self.parts.store.live(), self.parts.clock.steady());
        let is_behind = |id: &&SubscriptionId| live.due(**id, now, BEHIND_MAX).len() >= BEHIND_MAX;
        let runs = replay.is_running() && !replay.dry_run;
        let subscriptions = replay.selection.subscriptions.iter().filter(|_| runs);
        subscriptions.filter(is_behind).copied().collect()
    }

    /// Looks at the next page of events.
    async fn find(&self, replay: &Replay, deliveries_max: usize) -> Result<Found, Error> {
        let selection = &replay.selection;
        let there = selection.subscriptions.iter();
        let held = there.filter_map(|id| Some((*id, self.is_held(&replay.account, *id).ok()?)));
        let reading = Standings {
            account: replay.account.clone(),
            subscriptions: held.collect(),
            above: replay.read_to,
            below: Seq(selection.last().0.saturating_add(1)),
            newest_first: false,
            patterns: selection.patterns.clone(),
            event: None,
            statuses: selection.statuses(),
            deliveries_max: deliveries_max.min(PAGE_MAX),
        };
        let page = self.read(move |store| store.standings(&reading)).await?;
        let mut found = Found {
            events: page.events,
            deliveries: Vec::new(),
            more_behind: page.more_behind,
        };
        for (delivery, status) in page.deliveries {
            // What waits for its first attempt is not missing: it goes out by itself.
            let is_to_come = delivery.newest.is_none() && delivery.is_owed_by_itself();
            if selection.missing_only && is_to_come {
                continue;
            }
            if status != Status::Unwanted || self.wants_now(&replay.account, &delivery).await? {
                found.deliveries.push((delivery.subscription, delivery.event));
            }
        }
        Ok(found)
    }

    /// Whether a subscription wants this event by its settings as they are now. What is told of the deliveries themselves, it does
    /// not: whom that is owed to is settled when it happens, and it may be about this very subscription.
    async fn wants_now(&self, account: &AccountId, delivery: &Delivery) -> Result<bool, Error> {
        if Kind::parse(&delivery.kind).is_some_and(Kind::is_operational) {
            return Ok(false);
        }
        let (id, seq, owner) = (delivery.subscription, delivery.event, account.clone());
        let known = self.parts.store.live().subscription(id);
        let wants = |pattern: &Pattern| pattern.matches(&delivery.kind);
        if !known.is_some_and(|known| known.settings.events.iter().any(wants)) {
            return Ok(false);
        }
        let read = move |store: &dyn crate::store::Store| {
            let Some(event) = store.event(seq)? else {
                return Ok(None);
            };
            let about = event.rental.map(|id| store.rental(&owner, id));
            Ok(Some((event, about.transpose()?.flatten())))
        };
        let Some((event, about)) = self.read(read).await? else {
            return Ok(false);
        };
        Ok(self.targets(&event, about.as_ref()).contains(&id))
    }
}
