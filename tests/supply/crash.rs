//! Crash-point enumeration of a rental from a supplier: the power goes at every commit, before and after its sync. Nothing that was bought
//! is left open there without a rental that has it, and nobody who rents again pays for two.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ringback::app::{ClientOptions, Policy, asker};
use ringback::clock::Clock;
use ringback::core::id::AccountId;
use ringback::core::money::Price;
use ringback::core::otp::Engine;
use ringback::core::rental::{Rental, Status};
use ringback::gateway::waiters::Waiters;
use ringback::gateway::{Error, Gateway, InboundLog, Parts, Service, Supplier, Supply, Terms, Wish};
use ringback::store::Reads;
use ringback::store::sim::Disk;
use ringback::supplier::Dialect;
use ringback::telemetry::Metrics;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::upstream::{KEY, Trouble, USER, Upstream};
use crate::fused::{Cut, Fused};
use crate::gateway_rules::gateway_rules;
use crate::support::within;

fn account() -> AccountId {
    AccountId::parse("acme").unwrap()
}

/// A gateway over what a power cut left, with its worker.
struct House {
    gateway: Arc<Gateway>,
    store: Arc<Fused>,
    clock: Clock,
    worker: JoinHandle<()>,
    _draining: watch::Sender<bool>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

impl House {
    fn open(disk: Disk, cut: Option<Cut>, upstream: &Upstream, engine: &Arc<Engine>) -> Self {
        let store = Arc::new(Fused::open(disk, cut));
        let clock = Clock::manual(Clock::System.now());
        let policy = Policy {
            allow_loopback: true,
            ..Policy::strict()
        };
        let ask = asker(ClientOptions::new(policy), clock.clone()).unwrap();
        let dialect = Dialect::new("textverified", &upstream.url, (USER, KEY)).unwrap();
        let terms = Terms {
            price_max: Price(20_000),
            markup_percent: 0,
            poll_ms: 200,
            timeout_ms: 1000,
        };
        let (draining, drained) = watch::channel(false);
        let service = Service {
            name: "google".into(),
            description: "Google".into(),
            capability: Default::default(),
            price: Price(5000),
            lifetime_ms: 600_000,
            filter: Default::default(),
            brands: Vec::new(),
        };
        let gateway = Arc::new(Gateway::new(Parts {
            store: store.clone(),
            sources: HashMap::new(),
            services: vec![service],
            supply: Supply::new(vec![Supplier::new("tv".into(), dialect, terms)], ask),
            rules: gateway_rules(),
            inbound_log: InboundLog::off(),
            engine: engine.clone(),
            clock: clock.clone(),
            metrics: Arc::new(Metrics::default()),
            waiters: Waiters::new(10, 10),
            target_check: Box::new(|_| Ok(())),
            fetch: Box::new(|_| Box::pin(async { Err("nothing is fetched here".to_owned()) })),
            trial: Box::new(|_, _| unreachable!("nobody tries a subscription here")),
            dev_signing_key: None,
            doorbell: Arc::new(Notify::new()),
            draining: drained,
        }));
        let works = gateway.clone();
        let worker = tokio::spawn(async move { works.supply_for_ever().await });
        Self {
            gateway,
            store,
            clock,
            worker,
            _draining: draining,
        }
    }

    async fn rent(&self) -> Result<Rental, Error> {
        let wish = Wish {
            service: "google".into(),
            ..Wish::default()
        };
        self.gateway.rent(&account(), &wish).await
    }

    /// Rents and cancels again; stops at the power cut.
    async fn live(&self) {
        let life = async {
            if let Ok(rental) = self.rent().await {
                // An error is the power cut's.
                let _ = self.gateway.cancel(&account(), rental.id).await;
            }
            self.settle().await;
        };
        tokio::select! {
            () = life => {}
            () = self.store.blown.notified() => {}
        }
    }

    /// Lets time pass until nothing is being bought or given back.
    async fn settle(&self) {
        let settling = async {
            while self.gateway.suppliers()[0].unsettled > 0 {
                self.clock.pass(5000);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within("all is settled", settling).await;
    }

    fn active(&self) -> Vec<Rental> {
        let mut rentals = self.store.rentals(&account(), None, 100).unwrap();
        rentals.retain(|rental| rental.status == Status::Active);
        rentals
    }
}

/// What is open at the supplier, by its ids.
fn open(upstream: &Upstream) -> Vec<String> {
    let books = upstream.books();
    let open = books
        .sold
        .iter()
        .filter(|sold| sold.state == "verificationPending");
    open.map(|sold| sold.id.clone()).collect()
}

/// After the start that follows a crash: what is open there is what is rented here.
async fn check(disk: Disk, upstream: &Upstream, engine: &Arc<Engine>, place: &str) {
    let house = House::open(disk, None, upstream, engine);
    house.settle().await;
    let held = |house: &House| -> Vec<String> {
        let supplied = house.active().into_iter().filter_map(|rental| rental.supplied);
        supplied.map(|supplied| supplied.id).collect()
    };
    assert_eq!(open(upstream), held(&house), "{place}");
    assert!(house.active().len() <= 1, "{place}");
    // Who heard nothing rents again, and whatever there is of the first is cancelled by its list.
    for rental in house.active() {
        house.gateway.cancel(&account(), rental.id).await.unwrap();
    }
    let again = house.rent().await.unwrap();
    house.settle().await;
    assert_eq!(open(upstream), held(&house), "{place}");
    assert_eq!(house.active().len(), 1, "{place}: {}", again.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_power_goes_at_every_commit() {
    let engine = Arc::new(Engine::with_rules(&[]).unwrap());
    let upstream = Upstream::start().await;
    let whole = House::open(Disk::default(), None, &upstream, &engine);
    whole.live().await;
    let commits = whole.store.commits();
    drop(whole);
    assert_eq!(commits, 5, "meant, bought, rented, cancelled, settled");
    for at in 0..commits {
        for synced in [false, true] {
            let upstream = Upstream::start().await;
            let house = House::open(Disk::default(), Some(Cut { at, synced }), &upstream, &engine);
            house.live().await;
            let disk = house.store.disk();
            drop(house);
            check(
                disk,
                &upstream,
                &engine,
                &format!("commit {at}, synced: {synced}"),
            )
            .await;
        }
    }
}

/// As above, where the answer to the purchase never came: the intent alone is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_it_is_bought() {
    let engine = Arc::new(Engine::with_rules(&[]).unwrap());
    let upstream = Upstream::start().await;
    upstream.trouble("POST /verifications", Trouble::Silence);
    let house = House::open(Disk::default(), None, &upstream, &engine);
    let bought = async {
        while upstream.books().sold.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        _ = house.rent() => panic!("its answer never comes"),
        () = bought => {}
    }
    let disk = house.store.disk();
    drop(house);
    assert_eq!(open(&upstream), ["lr_01"]);
    check(disk, &upstream, &engine, "while it is bought").await;
    assert_eq!(upstream.books().sold[0].state, "verificationCanceled");
}
