//! Starting and stopping: sockets are bound before anything runs, and what took requests stops before what they need.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::gauges::Gauges;
use super::providers::Sessions;
use super::{BuildError, accounts, build, catalogue, extractor, fetcher, files, providers, supply, verify};
use crate::clock::Clock;
use crate::config::Config;
use crate::core::key::Key;
use crate::dispatch::client::Client;
use crate::dispatch::deliver::{self, Dispatch};
use crate::dispatch::{guard, prepare};
use crate::gateway::waiters::Waiters;
use crate::gateway::{Fetch, Gateway, InboundLog, Parts, Providers, Trial};
use crate::http::admin::{self, Admin};
use crate::http::app::App;
use crate::http::connections::Connections;
use crate::http::dev::Dev;
use crate::http::limits::Limits;
use crate::http::router;
use crate::http::server::Server;
use crate::store::Store;
use crate::store::sled::Sled;
use crate::telemetry::Metrics;

/// Connections to the admin listener.
const ADMIN_CONNECTIONS_MAX: usize = 64;

/// What a start may add to the configuration.
#[derive(Default)]
pub struct Start {
    /// Keys that must exist.
    pub keys: Vec<Key>,
    /// Turns the routes of `dev` on.
    pub dev: Option<Dev>,
    /// How carriers' certificates and confirmations are fetched, instead of over the internet.
    pub fetch: Option<Fetch>,
    /// Who carries messages out besides those of the configuration.
    pub providers: Vec<crate::gateway::Provider>,
}

/// A running gateway.
pub struct Running {
    pub address: SocketAddr,
    pub admin_address: SocketAddr,
    pub gateway: Arc<Gateway>,
    store: Arc<Sled>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<usize>>,
    workers: Vec<JoinHandle<()>>,
}

/// Builds and starts a gateway on the embedded store.
pub async fn start(config: &Config, extra: Start) -> Result<Running, BuildError> {
    build::check(config)?;
    let store = open_store(config).await?;
    let token = files::admin_token(&config.store.folder)?;
    let (listener, address) = bind(&config.server.listen).await?;
    let (admin_listener, admin_address) = bind(&config.admin.listen).await?;

    let (stop, stopped) = watch::channel(false);
    let shared = Shared {
        store,
        doorbell: Arc::new(Notify::new()),
        metrics: Arc::new(Metrics::default()),
        stopped,
    };
    let policy = build::guard_policy(config, vec![address, admin_address])?;
    let fetch = match extra.fetch {
        Some(fetch) => fetch,
        None => fetcher(build::fetch_options(config, policy.clone()))?,
    };
    let dev_signing_key = extra.dev.as_ref().map(|dev| dev.signing_key.clone());
    let dispatch = dispatch(config, &shared, policy.clone())?;
    let (providers, sessions) = outward(config, &policy, address, &shared, extra.providers)?;
    let rules = verify::rules(config, build::client_options(config, policy.clone()))?;
    let mut parts = parts(config, &shared, address, (policy, fetch, trial(&dispatch)))?;
    parts.dev_signing_key = dev_signing_key;
    let gateway = Gateway::new(parts).with_providers(providers);
    let gateway = Arc::new(gateway.with_verify(rules));
    gateway_start(&gateway, config, extra.keys).await?;
    let watched = dispatch.clone();
    let mut workers = work(config, &shared, &gateway, dispatch);
    workers.extend(sessions.heard_by(gateway.clone()));
    let app = api(config, &gateway, address, extra.dev)?;
    let connections = Arc::new(Connections::default());
    let gauges = Gauges {
        gateway: gateway.clone(),
        store: shared.store.clone(),
        connections: connections.clone(),
    };
    let admin = admin(config, (app.clone(), token), gauges, watched);
    let limits = Arc::new(build::limits(config));
    let listeners = vec![
        serve(
            config,
            limits.clone(),
            connections,
            (listener, app),
            &shared.stopped,
        )?,
        serve_admin(limits, admin_listener, admin, &shared.stopped),
    ];
    Ok(Running {
        address,
        admin_address,
        gateway,
        store: shared.store,
        stop,
        listeners,
        workers,
    })
}

/// Who carries messages out, those of the configuration and then the others, and the sessions that run for them.
fn outward(
    config: &Config,
    policy: &guard::Policy,
    address: SocketAddr,
    shared: &Shared,
    others: Vec<crate::gateway::Provider>,
) -> Result<(Providers, Sessions), BuildError> {
    let told = address.to_string();
    let called = |source: &crate::config::Source| build::public_url(config, source, &told);
    let (mut providers, sessions) = providers::outward(config, policy, called, &shared.stopped)?;
    providers.all.extend(others);
    Ok((providers, sessions))
}

/// What stands behind the API's listener.
fn api(
    config: &Config,
    gateway: &Arc<Gateway>,
    address: SocketAddr,
    dev: Option<Dev>,
) -> Result<Arc<App>, BuildError> {
    Ok(Arc::new(App {
        gateway: gateway.clone(),
        body: build::body_limits(config, config.server.body_bytes_max),
        carrier_body: build::body_limits(config, config.server.carrier_body_bytes_max),
        trusted_proxies: build::trusted_proxies(config)?,
        json_depth_max: config.server.json_depth_max,
        mcp: build::mcp(config, address)?,
        dev,
    }))
}

/// What stands behind the admin's.
fn admin(
    config: &Config,
    (app, token): (Arc<App>, String),
    gauges: Gauges,
    watched: Arc<Dispatch<Client>>,
) -> Arc<Admin> {
    Arc::new(Admin {
        app,
        token,
        metrics: Box::new({
            let gauges = gauges.clone();
            move || gauges.rendered()
        }),
        gauges: Box::new(move || gauges.plain()),
        still_ms: Box::new(move || watched.still_ms()),
        still_ms_max: config.outbound.stuck_s * 1000,
        started_at: Clock::System.now(),
    })
}

async fn open_store(config: &Config) -> Result<Arc<Sled>, BuildError> {
    let master = files::master_key(&config.store.folder, &config.store.master_key)?;
    let options = build::store_options(config);
    let opened = tokio::task::spawn_blocking(move || Sled::open(&options, &master)).await;
    Ok(Arc::new(opened.map_err(|_| {
        BuildError::File("opening the store panicked".into())
    })??))
}

fn dispatch(
    config: &Config,
    shared: &Shared,
    policy: guard::Policy,
) -> Result<Arc<Dispatch<Client>>, BuildError> {
    Ok(Dispatch::new(deliver::Parts {
        store: shared.store.clone(),
        sender: Client::new(build::client_options(config, policy.clone()))?,
        guard: policy,
        rules: build::deliver_rules(config)?,
        clock: Clock::System,
        metrics: shared.metrics.clone(),
        doorbell: shared.doorbell.clone(),
    }))
}

/// Has dispatch try a subscription out for the gateway, which does not know it.
fn trial(dispatch: &Arc<Dispatch<Client>>) -> Trial {
    let dispatch = dispatch.clone();
    Box::new(move |subscription, event| {
        let dispatch = dispatch.clone();
        Box::pin(async move { dispatch.try_out(subscription, &event).await })
    })
}

/// Dispatch, the sweeper, what follows codes, the replays and the suppliers, each a task of its own.
fn work(
    config: &Config,
    shared: &Shared,
    gateway: &Arc<Gateway>,
    dispatch: Arc<Dispatch<Client>>,
) -> Vec<JoinHandle<()>> {
    let drain = Duration::from_millis(config.server.drain_ms);
    let (sweeping, replaying, supplying) = (gateway.clone(), gateway.clone(), gateway.clone());
    let stepping = gateway.clone();
    let sweep_every = Duration::from_millis(config.rental.sweep_ms);
    vec![
        tokio::spawn(dispatch.run(shared.stopped.clone(), drain)),
        tokio::spawn(async move { sweeping.sweep_for_ever(sweep_every).await }),
        tokio::spawn(async move { stepping.go_on_for_ever(sweep_every).await }),
        tokio::spawn(async move { replaying.replay_for_ever().await }),
        tokio::spawn(async move { supplying.supply_for_ever().await }),
    ]
}

async fn bind(address: &str) -> Result<(TcpListener, SocketAddr), BuildError> {
    let refuse = |error| BuildError::Listen {
        address: address.to_owned(),
        error,
    };
    let listener = TcpListener::bind(address).await.map_err(refuse)?;
    let bound = listener.local_addr().map_err(refuse)?;
    Ok((listener, bound))
}

/// What gateway and dispatch have in common.
struct Shared {
    store: Arc<Sled>,
    doorbell: Arc<Notify>,
    metrics: Arc<Metrics>,
    stopped: watch::Receiver<bool>,
}

fn parts(
    config: &Config,
    shared: &Shared,
    address: SocketAddr,
    (policy, fetch, trial): (guard::Policy, Fetch, Trial),
) -> Result<Parts, BuildError> {
    Ok(Parts {
        store: shared.store.clone(),
        sources: build::sources(config, &address.to_string())?,
        services: catalogue::services(config)?,
        supply: supply::supply(config, policy.clone())?,
        rules: build::rules(config)?,
        inbound_log: InboundLog::new(build::log_rules(config)),
        engine: extractor::engine(config)?,
        clock: Clock::System,
        metrics: shared.metrics.clone(),
        waiters: Waiters::new(config.poll.waiters_max, config.poll.waiters_per_key_max),
        target_check: Box::new(move |settings| {
            prepare::target(settings, &policy)
                .map(drop)
                .map_err(|e| e.to_string())
        }),
        fetch,
        trial,
        dev_signing_key: None,
        doorbell: shared.doorbell.clone(),
        draining: shared.stopped.clone(),
    })
}

/// Adds the numbers, accounts and keys that must be there.
async fn gateway_start(gateway: &Gateway, config: &Config, keys: Vec<Key>) -> Result<(), BuildError> {
    let failed = |e: crate::gateway::Error| BuildError::Config(e.to_string());
    let mut numbers = build::numbers(config)?;
    // Those already there are not written again: a start needs no free disk space, or what is owed would not be delivered.
    numbers.retain(|number| gateway.store().live().number(&number.number).is_none());
    if !numbers.is_empty() {
        gateway.add_numbers(numbers).await.map_err(failed)?;
    }
    for account in accounts::built(config)? {
        gateway.ensure_account(account).await.map_err(failed)?;
    }
    for key in keys {
        gateway.add_key(key).await.map_err(failed)?;
    }
    Ok(())
}

fn serve(
    config: &Config,
    limits: Arc<Limits>,
    connections: Arc<Connections>,
    (listener, app): (TcpListener, Arc<App>),
    stopped: &watch::Receiver<bool>,
) -> Result<JoinHandle<usize>, BuildError> {
    let server = Server {
        limits,
        tls: build::tls_config(config)?,
        connections,
    };
    let service = move |request, peer| router::route(app.clone(), request, peer);
    let stopped = stopped.clone();
    Ok(tokio::spawn(async move {
        server.serve(listener, service, until(stopped)).await
    }))
}

fn serve_admin(
    limits: Arc<Limits>,
    listener: TcpListener,
    admin: Arc<Admin>,
    stopped: &watch::Receiver<bool>,
) -> JoinHandle<usize> {
    let limits = Arc::new(Limits {
        connections_max: ADMIN_CONNECTIONS_MAX,
        ..(*limits).clone()
    });
    let server = Server {
        limits,
        tls: None,
        connections: Arc::new(Connections::default()),
    };
    let service = move |request, _peer| admin::route(admin.clone(), request);
    let stopped = stopped.clone();
    tokio::spawn(async move { server.serve(listener, service, until(stopped)).await })
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone stops as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

impl Running {
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin_address)
    }

    /// The median time of the latest syncs to the disk, in microseconds.
    pub fn sync_p50_us(&self) -> u64 {
        self.store.timings().sync_p50_us()
    }

    /// Not ready first; held polls answer pending, requests in work finish, deliveries in flight are recorded, then the store
    /// closes. Answers how many connections had to be cut.
    pub async fn stop(self) -> usize {
        self.stop.send_replace(true);
        let mut cut = 0;
        for listener in self.listeners {
            cut += listener.await.unwrap_or(0);
        }
        for worker in self.workers {
            // A worker that panicked has nothing left to finish; the panic is in the log.
            let _ = worker.await;
        }
        let store = self.store;
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
        cut
    }
}
