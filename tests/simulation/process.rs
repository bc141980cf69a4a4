//! One life of the gateway: the shipped core, gateway and dispatch on a simulated disk and network, and the tasks that run them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ringback::carrier::Carrier;
use ringback::carrier::simulate::Signer;
use ringback::core::health;
use ringback::core::limit::Ramp;
use ringback::core::money::Price;
use ringback::core::number;
use ringback::core::otp::Engine;
use ringback::core::retry::Policy;
use ringback::dispatch::deliver::{self, Dispatch};
use ringback::dispatch::guard;
use ringback::gateway::waiters::Waiters;
use ringback::gateway::{Gateway, InboundLog, Parts, Rules, Service, Source, Supply};
use ringback::store::sim::Disk as Image;
use ringback::telemetry::Metrics;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::codes;
use super::customer;
use super::disk::Disk;
use super::network::Wire;
use super::plant::Plant;
use super::world::World;
use crate::gateway_rules::gateway_rules;

pub const GRACE_MS: u64 = 120_000;
pub const LINGER_MS: u64 = 120_000;
pub const COOL_DOWN_MS: u64 = 900_000;
pub const SAME_SERVICE_MS: u64 = 1_800_000;
/// Attempts at once, in all and to one subscription.
pub const CONCURRENCY_MAX: usize = 64;
pub const CONCURRENCY_PER_SUBSCRIPTION_MAX: usize = 8;
pub const ATTEMPT_TIMEOUT_MS: u64 = 15_000;
/// How long dispatch and the sweep sleep at most: longer than in the product, for a day has many seconds.
pub const IDLE_MS: u64 = 20_000;
/// Sooner than in the product, so that a world sees it.
pub const HEALTH: health::Rules = health::Rules {
    disable_after_ms: 4 * 3_600_000,
    disable_failures_min: 8,
    probe_every_ms: 1_800_000,
};
pub const RAMP: Ramp = Ramp {
    per_second: 5.0,
    double_ms: 5000,
};
pub const PARTS_WAIT_MS: u64 = 1_800_000;
pub const POLL_MAX_MS: u64 = 60_000;
const LOG_DAYS: u32 = 30;

/// Names and lifetimes of what can be rented.
pub const SERVICES: [(&str, u64); 2] = [("google", 1_200_000), ("telegram", 90_000)];
/// One for whole messages, one for receipts too, one that brings parts, and one that brings several messages at once.
pub const SOURCES: [(&str, &str); 4] = [
    ("main", "standard_webhooks"),
    ("phone", "android_sms_gateway"),
    ("smpp", "kannel"),
    ("bulk", "infobip"),
];
pub const PHONE: usize = 1;
pub const SMPP: usize = 2;
pub const BULK: usize = 3;

pub struct Process {
    pub gateway: Arc<Gateway>,
    pub disk: Arc<Disk>,
    pub tasks: JoinSet<()>,
    draining: watch::Sender<bool>,
}

pub fn signer(source: usize) -> Signer {
    let (_, carrier) = SOURCES[source];
    let random = std::array::from_fn(|n| (n * 37 + source) as u8);
    Signer::generate(carrier, &random).expect("a known carrier")
}

pub fn url_of(source: usize) -> String {
    format!("https://gw.example/inbound/{}", SOURCES[source].0)
}

pub fn retry() -> Policy {
    Policy::standard()
}

impl Process {
    /// Builds everything as `app` does, and starts what runs beside the requests.
    pub fn start(image: Image, world: &Arc<World>) -> Self {
        let disk = Arc::new(Disk::open(image, world));
        let (draining, drained) = watch::channel(false);
        let doorbell = Arc::new(Notify::new());
        let metrics = Arc::new(Metrics::default());
        let gateway = Gateway::new(Parts {
            store: disk.clone(),
            sources: sources(),
            services: services(world.plant),
            supply: Supply::none(),
            rules: rules(world.plant),
            engine: engine(),
            clock: world.wall.clock.clone(),
            metrics: metrics.clone(),
            waiters: Waiters::new(1000, 1000),
            target_check: Box::new(|_| Ok(())),
            fetch: Box::new(|_| Box::pin(async { Err("nothing is fetched here".into()) })),
            inbound_log: InboundLog::off(),
            trial: Box::new(|_, _| unreachable!("nobody tries a subscription here")),
            dev_signing_key: None,
            doorbell: doorbell.clone(),
            draining: drained.clone(),
        });
        let gateway = gateway
            .with_providers(codes::providers(world))
            .with_verify(codes::rules());
        let gateway = Arc::new(gateway);
        let dispatch = Dispatch::new(deliver::Parts {
            store: disk.clone(),
            sender: Wire(world.clone()),
            guard: guard::Policy::strict(),
            rules: deliver_rules(world.plant),
            clock: world.wall.clock.clone(),
            metrics,
            doorbell,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(dispatch.run(drained, Duration::from_secs(10)));
        let sweeper = gateway.clone();
        tasks.spawn(async move {
            sweeper.sweep_for_ever(Duration::from_millis(IDLE_MS)).await;
        });
        let replaying = gateway.clone();
        tasks.spawn(async move { replaying.replay_for_ever().await });
        if world.sends_codes() {
            codes::tend(&gateway, &mut tasks);
        }
        tasks.spawn(syncs(world.clone(), disk.clone()));
        Self {
            gateway,
            disk,
            tasks,
            draining,
        }
    }

    /// Not a step further for anyone.
    pub fn kill(&mut self) {
        self.tasks.abort_all();
    }

    /// Asks everything to end, and waits as long as the product does.
    pub async fn stop(mut self) {
        self.draining.send_replace(true);
        tokio::time::sleep(Duration::from_secs(12)).await;
        ringback::store::Store::close(&*self.disk);
        self.kill();
    }

    /// Ended tasks go; the words of those that panicked.
    pub fn reap(&mut self) -> Vec<String> {
        let mut panicked = Vec::new();
        while let Some(ended) = self.tasks.try_join_next() {
            let error = ended.err().filter(tokio::task::JoinError::is_panic);
            panicked.extend(error.map(|error| error.to_string()));
        }
        panicked
    }
}

/// The disk's own pace: a few milliseconds for a sync, now and then far more.
async fn syncs(world: Arc<World>, disk: Arc<Disk>) {
    loop {
        disk.handed_in.notified().await;
        let longest = if world.dice.one_in(40) { 2000 } else { 20 };
        tokio::time::sleep(Duration::from_millis(world.dice.below(longest))).await;
        disk.sync(true);
    }
}

fn sources() -> HashMap<String, Source> {
    let source = |at: usize| {
        let signer = signer(at);
        let carrier = Carrier::from_settings(signer.carrier(), signer.settings()).expect("its own settings");
        let source = Source::new(carrier, url_of(at));
        (SOURCES[at].0.to_owned(), source)
    };
    (0..SOURCES.len()).map(source).collect()
}

fn services(plant: Option<Plant>) -> Vec<Service> {
    let mut services = SERVICES.map(service).to_vec();
    if plant == Some(Plant::MistakesServices) {
        let [google, telegram] = &mut services[..] else {
            unreachable!("there are two")
        };
        std::mem::swap(&mut google.brands, &mut telegram.brands);
    }
    services
}

fn service((name, lifetime_ms): (&str, u64)) -> Service {
    Service {
        name: name.into(),
        description: name.into(),
        capability: Default::default(),
        price: Price(5000),
        lifetime_ms,
        filter: Default::default(),
        brands: vec![name.into()],
    }
}

fn rules(plant: Option<Plant>) -> Rules {
    Rules {
        grace_ms: match plant {
            Some(Plant::LongGrace) => 6 * GRACE_MS,
            _ => GRACE_MS,
        },
        linger_ms: LINGER_MS,
        numbers: number::Rules {
            cool_down_ms: match plant {
                Some(Plant::NoRest) => 0,
                _ => COOL_DOWN_MS,
            },
            same_service_ms: match plant {
                Some(Plant::NoRest) => 0,
                _ => SAME_SERVICE_MS,
            },
            used_before_ms: 2 * SAME_SERVICE_MS,
            ..number::Rules::standard()
        },
        poll_max_s: POLL_MAX_MS / 1000,
        parts_wait_ms: PARTS_WAIT_MS,
        sets_per_sender_max: 16,
        sets_max: 1000,
        log_days: LOG_DAYS,
        operator: Some(customer::account(customer::ACCOUNTS[0])),
        ..gateway_rules()
    }
}

fn deliver_rules(plant: Option<Plant>) -> deliver::Rules {
    let (all, each) = match plant {
        Some(Plant::OneForAll) => (2, 2),
        Some(Plant::Crowds) => (CONCURRENCY_MAX, CONCURRENCY_MAX),
        _ => (CONCURRENCY_MAX, CONCURRENCY_PER_SUBSCRIPTION_MAX),
    };
    deliver::Rules {
        retry: match plant {
            Some(Plant::Hasty) => Policy::ScheduleS(vec![0; 10]),
            _ => retry(),
        },
        timeout_ms: ATTEMPT_TIMEOUT_MS,
        concurrency_max: all,
        concurrency_per_subscription_max: each,
        health: HEALTH,
        ramp: match plant {
            Some(Plant::NoRamp) => Ramp {
                per_second: 1e9,
                ..RAMP
            },
            _ => RAMP,
        },
        idle_ms: IDLE_MS,
    }
}

/// Built once: it reads all languages.
fn engine() -> Arc<Engine> {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| Arc::new(Engine::with_rules(&[]).unwrap()));
    ENGINE.clone()
}
