//! Dispatch beside a disk that is slower than the network: what is sent and not recorded yet is bounded, and all of it goes out in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
use ringback::dispatch::sender::{Answer, Attempted, Call, Outcome, Sender};
use ringback::store::sim::{Simulated, Sync};
use ringback::store::vault::Vault;
use ringback::store::{Commit, Kept, Store};
use ringback::telemetry::Metrics;
use tokio::sync::{Notify, watch};

const OWED: usize = 50;
/// Places of attempts; four times as many may be unrecorded.
const PLACES: usize = 2;
const TO: SubscriptionId = SubscriptionId([1; 16]);

/// Every call is answered at once.
struct Instant(Arc<AtomicUsize>);

impl Sender for Instant {
    async fn send(&self, _call: Call) -> Attempted {
        self.0.fetch_add(1, Ordering::SeqCst);
        Attempted {
            outcome: Outcome::Answered(Answer {
                status: 204,
                retry_after: None,
                location: None,
                control: None,
                headers: Vec::new(),
                body: Bytes::new(),
                truncated: false,
            }),
            timing: Timing::default(),
            remote: None,
            reused: true,
        }
    }
}

fn rules() -> Rules {
    Rules {
        retry: Policy::standard(),
        timeout_ms: 1000,
        concurrency_max: PLACES,
        concurrency_per_subscription_max: 64,
        health: health::Rules::default(),
        ramp: Ramp {
            per_second: 1e9,
            double_ms: 1000,
        },
        idle_ms: 1000,
    }
}

/// A store in which one subscription is owed this much; from now on nothing becomes durable but by hand.
fn owing() -> Arc<Simulated> {
    let vault = Vault::new(&[7; 32]);
    let store = Simulated::open(Default::default(), vault, Sync::ByHand).unwrap();
    let (account, at) = (AccountId::parse("acc_a").unwrap(), Clock::System.now());
    let subscription = Subscription {
        id: TO,
        account: account.clone(),
        settings: Settings::new(
            "https://hooks.example/".into(),
            vec![Pattern::parse("*").unwrap()],
        ),
        signing_keys: Vec::new(),
        created_at: at,
        paused_at: None,
        version: 0,
    };
    drop(store.commit(Commit::Subscribe(Box::new(subscription)), Clock::System.moment()));
    for n in 0..OWED {
        let event = Event {
            id: EventId([u8::try_from(n).unwrap(); 16]),
            account: account.clone(),
            kind: Kind::MessageReceived,
            rental: None,
            message: None,
            at: UnixMs(at.0),
            body: "{}".into(),
        };
        drop(store.commit(Commit::Publish(Box::new(event), vec![TO]), Clock::System.moment()));
    }
    store.sync();
    assert_eq!(store.live().counts().due, OWED);
    Arc::new(store)
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_and_not_recorded_is_bounded() {
    let (store, sent) = (owing(), Arc::new(AtomicUsize::new(0)));
    let dispatch = Dispatch::new(Parts {
        store: store.clone(),
        sender: Instant(sent.clone()),
        guard: guard::Policy::strict(),
        rules: rules(),
        clock: Clock::System,
        metrics: Arc::new(Metrics::default()),
        doorbell: Arc::new(Notify::new()),
    });
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(dispatch.run(stopped, Duration::from_secs(10)));
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
    let dispatch = Dispatch::new(Parts {
        store: store.clone(),
        sender: Instant(sent.clone()),
        guard: guard::Policy::strict(),
        rules: rules(),
        clock: Clock::System,
        metrics: metrics.clone(),
        doorbell: Arc::new(Notify::new()),
    });
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(dispatch.run(stopped, Duration::from_secs(10)));
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
