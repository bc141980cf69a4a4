//! Two subscribers, one of them down for a day, before the shipped dispatch on the simulated disk, in virtual time; and what there is to be judged.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::time::Duration;

use ringback::clock::Clock;
use ringback::core::event::{Event, Kind};
use ringback::core::health;
use ringback::core::id::{AccountId, EventId, Seq, SubscriptionId};
use ringback::core::limit::Ramp;
use ringback::core::retry::Policy;
use ringback::core::signature::{Scheme, SigningKey};
use ringback::core::subscription::keys::HeldKey;
use ringback::core::subscription::{Pattern, Settings, Subscription};
use ringback::core::time::UnixMs;
use ringback::dispatch::deliver::{Dispatch, Parts, Rules};
use ringback::dispatch::guard;
use ringback::dispatch::sender::{Answer, Attempted, Call, Failure, Outcome, Sender};
use ringback::store::sim::{Disk, Simulated, Sync};
use ringback::store::vault::Vault;
use ringback::store::{Commit, Committed, Live, Store};
use ringback::telemetry::Metrics;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

pub const HOUR_MS: u64 = 3_600_000;
pub const DOWN_MS: std::ops::Range<u64> = 60_000..60_000 + 24 * HOUR_MS;
const EVENT_EVERY_MS: u64 = 4_000;
pub const LATENCY_MS: u64 = 20;
pub const CONCURRENCY_PER_SUBSCRIPTION_MAX: usize = 64;
pub const RAMP: Ramp = Ramp {
    per_second: 10.0,
    double_ms: 5_000,
};

const LOST: SubscriptionId = SubscriptionId([1; 16]);
const WELL: SubscriptionId = SubscriptionId([2; 16]);

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub at_ms: u64,
    pub event: EventId,
    pub accepted: bool,
}

/// Virtual time, and the subscribers' side of it.
struct World {
    clock: Clock,
    began: OnceLock<Instant>,
    seen_ms: AtomicU64,
    sent: Mutex<BTreeMap<&'static str, Vec<Sent>>>,
    in_flight: AtomicUsize,
    in_flight_max: AtomicUsize,
}

impl World {
    fn elapsed_ms(&self) -> u64 {
        self.began.get_or_init(Instant::now).elapsed().as_millis() as u64
    }

    /// Called whenever virtual time may have moved.
    fn follow(&self) {
        let now_ms = self.elapsed_ms();
        self.clock
            .pass(now_ms - self.seen_ms.swap(now_ms, Ordering::Relaxed));
    }
}

struct Wire(Arc<World>);

impl Sender for Wire {
    async fn send(&self, call: Call) -> Attempted {
        let Self(world) = self;
        let host = if call.target.origin().host.to_string().starts_with("lost") {
            "lost"
        } else {
            "well"
        };
        let at_ms = world.elapsed_ms();
        let accepted = host == "well" || !DOWN_MS.contains(&at_ms);
        let id = call
            .headers
            .iter()
            .find(|(name, _)| name == "webhook-id")
            .expect("every call names its event");
        let event = id.1.to_str().unwrap().parse().unwrap();
        world.sent.lock().unwrap().entry(host).or_default().push(Sent {
            at_ms,
            event,
            accepted,
        });
        if host == "lost" {
            let now = 1 + world.in_flight.fetch_add(1, Ordering::Relaxed);
            world.in_flight_max.fetch_max(now, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(LATENCY_MS)).await;
        if host == "lost" {
            world.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        let answer = Answer {
            status: 204,
            retry_after: None,
            location: None,
            control: None,
            headers: Vec::new(),
            body: Default::default(),
            truncated: false,
        };
        Attempted {
            outcome: if accepted {
                Outcome::Answered(answer)
            } else {
                Outcome::Failed(Failure::Reset)
            },
            timing: Default::default(),
            remote: None,
            reused: false,
        }
    }
}

/// What is to be judged.
pub struct Story {
    /// Every event that both are owed, when it was made, in its order.
    pub made: Vec<(EventId, u64)>,
    pub lost: Vec<Sent>,
    pub well: Vec<Sent>,
    /// When the lost one was switched off and back on again, by its health.
    pub off_ms: u64,
    pub back_ms: u64,
    /// The most that was owed, and that memory held of it.
    pub owed_max: usize,
    pub rows_max: usize,
    pub events_held: usize,
    pub in_flight_max: usize,
    pub owed_at_end: usize,
}

pub static STORY: LazyLock<Story> = LazyLock::new(|| {
    let world = Arc::new(World {
        clock: Clock::seeded(UnixMs(1_793_534_400_000), 1),
        began: OnceLock::new(),
        seen_ms: AtomicU64::new(0),
        sent: Mutex::default(),
        in_flight: AtomicUsize::new(0),
        in_flight_max: AtomicUsize::new(0),
    });
    let follows = world.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .on_thread_unpark(move || follows.follow())
        .build()
        .expect("a runtime without sockets");
    runtime.block_on(live(world))
});

fn subscription(id: SubscriptionId, host: &str, events: &str) -> Subscription {
    let url = format!("https://{host}.example/hook");
    let key = SigningKey::from_random(Scheme::V1, [7; 32]);
    Subscription {
        id,
        account: AccountId::parse("acme").unwrap(),
        settings: Settings::new(url, vec![Pattern::parse(events).unwrap()]),
        signing_keys: vec![HeldKey::new(&key, UnixMs(0))],
        created_at: UnixMs(0),
        paused_at: None,
        version: 0,
    }
}

fn event(n: u64, at: UnixMs) -> Event {
    Event {
        id: EventId::derive(&n.to_be_bytes(), "outage"),
        account: AccountId::parse("acme").unwrap(),
        kind: Kind::VerificationCreated,
        rental: None,
        message: None,
        at,
        body: "{}".into(),
    }
}

fn parts(store: Arc<Simulated>, world: &Arc<World>, doorbell: Arc<Notify>) -> Parts<Wire> {
    Parts {
        store,
        sender: Wire(world.clone()),
        guard: guard::Policy::strict(),
        rules: Rules {
            retry: Policy::standard(),
            timeout_ms: 15_000,
            concurrency_max: 256,
            concurrency_per_subscription_max: CONCURRENCY_PER_SUBSCRIPTION_MAX,
            health: health::Rules {
                disable_after_ms: HOUR_MS,
                disable_failures_min: 20,
                probe_every_ms: HOUR_MS,
            },
            ramp: RAMP,
            idle_ms: 1000,
        },
        clock: world.clock.clone(),
        metrics: Arc::new(Metrics::default()),
        doorbell,
    }
}

/// What is looked at while time passes.
#[derive(Default)]
struct Watch {
    made: Vec<(EventId, u64)>,
    seqs: Vec<Seq>,
    off_ms: u64,
    back_ms: u64,
    owed_max: usize,
    rows_max: usize,
    events_held: usize,
}

impl Watch {
    /// The next event, where it is time for it.
    async fn publish(&mut self, store: &Simulated, world: &World) -> bool {
        let (n, now_ms) = (self.made.len() as u64, world.elapsed_ms());
        if now_ms < n * EVENT_EVERY_MS {
            return false;
        }
        let event = event(n, world.clock.now());
        self.made.push((event.id, now_ms));
        let commit = Commit::Publish(Box::new(event), vec![LOST, WELL]);
        let Committed::New(Some(seq)) = store.commit(commit, world.clock.moment()).await.unwrap() else {
            panic!("an event has a sequence")
        };
        self.seqs.push(seq);
        true
    }

    fn look(&mut self, live: &Live, now_ms: u64) {
        let is_off = live.health(LOST).disabled.is_some();
        if is_off && self.off_ms == 0 {
            self.off_ms = now_ms;
        }
        if !is_off && self.off_ms > 0 && self.back_ms == 0 {
            self.back_ms = now_ms;
            self.events_held = self.seqs.iter().filter(|seq| live.event(**seq).is_some()).count();
        }
        self.owed_max = self.owed_max.max(live.counts().due);
        self.rows_max = self
            .rows_max
            .max(live.due(LOST, UnixMs(u64::MAX), usize::MAX).len());
    }
}

/// Events all the while, until the lost one is back and has caught up.
async fn live(world: Arc<World>) -> Story {
    world.follow();
    let store = Arc::new(Simulated::open(Disk::default(), Vault::new(&[7; 32]), Sync::AtOnce).unwrap());
    for known in [
        subscription(LOST, "lost", "verification.*"),
        subscription(WELL, "well", "*"),
    ] {
        let subscribed = Commit::Subscribe(Box::new(known));
        store.commit(subscribed, world.clock.moment()).await.unwrap();
    }
    let doorbell = Arc::new(Notify::new());
    let (_running, stop) = watch::channel(false);
    let dispatch = Dispatch::new(parts(store.clone(), &world, doorbell.clone()));
    tokio::spawn(dispatch.run(stop, Duration::ZERO));
    let (mut watch, live) = (Watch::default(), store.live());
    loop {
        if watch.publish(&store, &world).await {
            doorbell.notify_one();
        }
        let now_ms = world.elapsed_ms();
        watch.look(live, now_ms);
        if watch.back_ms > 0 && live.counts().due == 0 {
            break;
        }
        assert!(
            now_ms < 48 * HOUR_MS,
            "it never caught up: {} are owed",
            live.counts().due
        );
        let pace_ms = if now_ms > DOWN_MS.end { 100 } else { EVENT_EVERY_MS };
        tokio::time::sleep(Duration::from_millis(pace_ms)).await;
    }
    let mut sent = std::mem::take(&mut *world.sent.lock().unwrap());
    Story {
        made: watch.made,
        lost: sent.remove("lost").unwrap(),
        well: sent.remove("well").unwrap(),
        off_ms: watch.off_ms,
        back_ms: watch.back_ms,
        owed_max: watch.owed_max,
        rows_max: watch.rows_max,
        events_held: watch.events_held,
        in_flight_max: world.in_flight_max.load(Ordering::Relaxed),
        owed_at_end: live.counts().due,
    }
}
