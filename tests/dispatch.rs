//! Dispatch beside a disk slower than the network and beside receivers that are slow, overrun or hang: what is sent and not recorded is
//! bounded, who cannot take more gets less, and whoever is well is served at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use ringback::clock::Clock;
use ringback::core::attempt::Timing;
use ringback::core::event::{Event, Kind};
use ringback::core::health;
use ringback::core::id::{AccountId, EventId, SubscriptionId};
use ringback::core::limit::Ramp;
use ringback::core::retry::Policy;
use ringback::core::subscription::{Pattern, Settings, Subscription};
use ringback::core::time::UnixMs;
use ringback::dispatch::deliver::{Dispatch, Parts, Rules};
use ringback::dispatch::guard;
use ringback::dispatch::sender::{Answer, Attempted, Call, Failure, Outcome, Sender};
use ringback::store::sim::{Simulated, Sync};
use ringback::store::vault::Vault;
use ringback::store::{Commit, Kept, Store};
use ringback::telemetry::Metrics;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

const OWED: usize = 50;
/// Places of attempts; four times as many may be unrecorded.
const PLACES: usize = 2;
const TO: SubscriptionId = SubscriptionId([1; 16]);

/// Every call is answered at once.
struct Instant(Arc<AtomicUsize>);

impl Sender for Instant {
    async fn send(&self, _call: Call) -> Attempted {
        self.0.fetch_add(1, Ordering::SeqCst);
        came_to(Ok(204))
    }
}

/// An answer of this status and nothing more, or this failure.
fn came_to(end: Result<u16, Failure>) -> Attempted {
    let answer = |status| Answer {
        status,
        retry_after: None,
        location: None,
        control: None,
        headers: Vec::new(),
        body: Bytes::new(),
        truncated: false,
    };
    Attempted {
        outcome: end.map_or_else(Outcome::Failed, |status| Outcome::Answered(answer(status))),
        timing: Timing::default(),
        remote: None,
        reused: true,
    }
}

fn rules(places: usize) -> Rules {
    Rules {
        retry: Policy::standard(),
        timeout_ms: 1000,
        concurrency_max: places,
        concurrency_per_subscription_max: 64,
        health: health::Rules::default(),
        ramp: Ramp {
            per_second: 1e9,
            double_ms: 1000,
        },
        idle_ms: 1000,
    }
}

fn account() -> AccountId {
    AccountId::parse("acc_a").unwrap()
}

fn subscription(id: SubscriptionId, host: &str, at: UnixMs) -> Commit {
    Commit::Subscribe(Box::new(Subscription {
        id,
        account: account(),
        settings: Settings::new(format!("https://{host}/"), vec![Pattern::parse("*").unwrap()]),
        signing_keys: Vec::new(),
        created_at: at,
        paused_at: None,
        version: 0,
    }))
}

fn event(n: u128, to: SubscriptionId, at: UnixMs) -> Commit {
    let event = Event {
        id: EventId(n.to_be_bytes()),
        account: account(),
        kind: Kind::MessageReceived,
        rental: None,
        message: None,
        at,
        body: "{}".into(),
    };
    Commit::Publish(Box::new(event), vec![to])
}

/// A store in which one subscription is owed this much; from now on nothing becomes durable but by hand.
fn owing() -> Arc<Simulated> {
    let vault = Vault::new(&[7; 32]);
    let store = Simulated::open(Default::default(), vault, Sync::ByHand).unwrap();
    let at = Clock::System.now();
    drop(store.commit(subscription(TO, "hooks.example", at), Clock::System.moment()));
    for n in 0..OWED {
        drop(store.commit(event(n as u128, TO, at), Clock::System.moment()));
    }
    store.sync();
    assert_eq!(store.live().counts().due, OWED);
    Arc::new(store)
}

/// Dispatch from this store to a network that counts calls and answers them; it drains when it is told to stop.
fn begin(
    store: &Arc<Simulated>,
    sent: &Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
) -> (watch::Sender<bool>, JoinHandle<()>) {
    let dispatch = Dispatch::new(Parts {
        store: store.clone(),
        sender: Instant(sent.clone()),
        guard: guard::Policy::strict(),
        rules: rules(PLACES),
        clock: Clock::System,
        metrics,
        doorbell: Arc::new(Notify::new()),
    });
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(dispatch.run(stopped, Duration::from_secs(10)));
    (stop, running)
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_and_not_recorded_is_bounded() {
    let (store, sent) = (owing(), Arc::new(AtomicUsize::new(0)));
    let (stop, running) = begin(&store, &sent, Arc::default());
    let mut recorded = 0;
    while recorded < OWED {
        // Time enough for whatever would be sent.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let ahead = sent.load(Ordering::SeqCst) - recorded;
        assert!((1..=4 * PLACES).contains(&ahead), "{ahead} sent and not recorded");
        recorded += store.sync();
        assert_eq!(store.live().counts().due, OWED - recorded);
    }
    stop.send_replace(true);
    running.await.unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), OWED, "and none twice");
}

#[tokio::test(start_paused = true)]
async fn what_is_held_longer_than_its_event_is_kept_is_forgotten_and_counted() {
    let (store, sent) = (owing(), Arc::new(AtomicUsize::new(0)));
    let kept = Kept {
        log_days: 4,
        usage_days: 400,
    };
    let later = Clock::System.now().plus_ms(6 * 86_400_000);
    store.drop_old_logs(later, kept).unwrap();
    // Opened again, it has no event in memory.
    let disk = store.cut_power();
    let store = Arc::new(Simulated::open(disk, Vault::new(&[7; 32]), Sync::ByHand).unwrap());
    let metrics = Arc::new(Metrics::default());
    let (stop, running) = begin(&store, &sent, metrics.clone());
    while store.live().counts().due > 0 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        store.sync();
    }
    stop.send_replace(true);
    running.await.unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), 0);
    let counted = format!("ringback_delivery_outcomes_total{{outcome=\"forgotten\"}} {OWED}\n");
    assert!(metrics.render(&[]).contains(&counted), "{}", metrics.render(&[]));
}

/// This one answers 204 at once; all others behave as they are told.
const WELL: &str = "well.example";
const STEP_MS: u64 = 10;

/// How long a call takes, and what it comes to.
type Manner = (u64, Result<u16, Failure>);

struct Servers {
    manner: Mutex<Manner>,
    /// Calls under way to all but the well one.
    under_way: AtomicUsize,
    /// Calls that the well one heard.
    heard: AtomicUsize,
}

impl Servers {
    fn manner(&self) -> Manner {
        self.manner.lock().unwrap().clone()
    }
}

struct Network(Arc<Servers>);

impl Sender for Network {
    async fn send(&self, call: Call) -> Attempted {
        let Self(servers) = self;
        if call.target.origin().host.to_string() == WELL {
            servers.heard.fetch_add(1, Ordering::SeqCst);
            return came_to(Ok(204));
        }
        servers.under_way.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(servers.manner().0)).await;
        servers.under_way.fetch_sub(1, Ordering::SeqCst);
        came_to(servers.manner().1)
    }
}

/// Dispatch at work, on a clock that goes with the runtime's and a store whose commits are durable at once.
struct World {
    store: Arc<Simulated>,
    servers: Arc<Servers>,
    clock: Clock,
    doorbell: Arc<Notify>,
    happened: u128,
    _stop: watch::Sender<bool>,
}

impl World {
    fn new(places: usize, manner: Manner) -> Self {
        let store = Simulated::open(Default::default(), Vault::new(&[7; 32]), Sync::AtOnce).unwrap();
        let (store, doorbell) = (Arc::new(store), Arc::new(Notify::new()));
        let clock = Clock::seeded(UnixMs(1_790_000_000_000), 7);
        let servers = Arc::new(Servers {
            manner: Mutex::new(manner),
            under_way: AtomicUsize::new(0),
            heard: AtomicUsize::new(0),
        });
        let dispatch = Dispatch::new(Parts {
            store: store.clone(),
            sender: Network(servers.clone()),
            guard: guard::Policy::strict(),
            rules: rules(places),
            clock: clock.clone(),
            metrics: Arc::new(Metrics::default()),
            doorbell: doorbell.clone(),
        });
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(dispatch.run(stopped, Duration::ZERO));
        Self {
            store,
            servers,
            clock,
            doorbell,
            happened: 0,
            _stop: stop,
        }
    }

    /// A subscription to this host that is owed so much.
    fn owed(&mut self, n: u8, host: &str, count: usize) -> SubscriptionId {
        let id = SubscriptionId([n; 16]);
        let commit = subscription(id, host, self.clock.now());
        drop(self.store.commit(commit, self.clock.moment()));
        (0..count).for_each(|_| self.happen(id));
        id
    }

    fn happen(&mut self, to: SubscriptionId) {
        self.happened += 1;
        let commit = event(self.happened, to, self.clock.now());
        drop(self.store.commit(commit, self.clock.moment()));
        self.doorbell.notify_one();
    }

    async fn pass(&self, ms: u64) {
        for _ in 0..ms / STEP_MS {
            tokio::time::sleep(Duration::from_millis(STEP_MS)).await;
            self.clock.pass(STEP_MS);
        }
    }

    fn under_way(&self) -> usize {
        self.servers.under_way.load(Ordering::SeqCst)
    }

    fn heard(&self) -> usize {
        self.servers.heard.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_overrun_or_hangs_gets_less_and_more_again_when_it_is_well() {
    let mut world = World::new(64, (100, Ok(429)));
    world.owed(1, "bends.example", 300);
    world.pass(50).await;
    let mut under_way = vec![world.under_way()];
    for end in [Ok(429), Err(Failure::Timeout), Ok(204)] {
        world.servers.manner.lock().unwrap().1 = end;
        world.pass(100).await;
        under_way.push(world.under_way());
    }
    assert_eq!(under_way, [8, 4, 1, 2], "half of it, then one, then one more");
    for _ in 0..12 {
        world.pass(100).await;
        under_way.push(world.under_way());
    }
    let back = &under_way[3..];
    assert!(back.is_sorted() && back.last() >= Some(&8), "{under_way:?}");
}

/// How long at most an event of the well subscription waits beside so many others once they are known, and how many places these have.
async fn beside(others: u8, places: usize, manner: Manner) -> (u64, usize) {
    let mut world = World::new(places, manner);
    for n in 0..others {
        world.owed(n, &format!("other-{n}.example"), 200);
    }
    let well = world.owed(u8::MAX, WELL, 0);
    // Nobody knows one before its first attempts end, and only so many have places at a time.
    world.pass(300_000).await;
    let (mut longest_ms, mut places) = (0, 0);
    for n in 1..=60 {
        world.happen(well);
        let mut waited_ms = 0;
        while world.heard() < n {
            world.pass(STEP_MS).await;
            waited_ms += STEP_MS;
        }
        longest_ms = longest_ms.max(waited_ms);
        places = places.max(world.under_way());
        world.pass(1000).await;
    }
    (longest_ms, places)
}

#[tokio::test(start_paused = true)]
async fn twenty_that_hang_leave_half_of_the_places_to_the_well_one() {
    let (waited_ms, places) = beside(20, 16, (15_000, Err(Failure::Timeout))).await;
    assert_eq!(places, 8, "they are tried on, with half of the places");
    assert!(waited_ms <= 2 * STEP_MS, "{waited_ms}");
}

#[tokio::test(start_paused = true)]
async fn four_that_answer_well_but_slowly_leave_half_of_the_places_too() {
    let (waited_ms, places) = beside(4, 16, (14_000, Ok(200))).await;
    assert_eq!(places, 8, "they go on, with half of the places");
    assert!(waited_ms <= 2 * STEP_MS, "{waited_ms}");
}
