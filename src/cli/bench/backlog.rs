//! A long outage: a million deliveries are owed to subscriptions that are paused, the gateway is started anew, and then they drain. What it holds in
//! memory all the while, how long the start takes and how fast the drain is.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::bare::Bare;
use super::load::{self, Connection};
use super::measure::{mib, per_second, rounded};
use super::report::{Report, line};
use super::scene::{Rented, SOURCES, Scene};
use super::server::{Kind, Server};
use crate::cli::Failure;
use crate::clock;

#[derive(Args)]
pub struct Arguments {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// A folder on the disk to be measured; what is made in it is removed. The system's folder for temporary files by default.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    data: PathBuf,
    /// Deliveries that are owed.
    #[arg(long, default_value_t = 1_000_000)]
    deliveries: usize,
    /// Subscriptions that they are owed to, each message to all of them.
    #[arg(long, default_value_t = 4)]
    subscriptions: usize,
    /// Connections that post the messages.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seconds after which a drain that has not ended is reported as far as it is.
    #[arg(long, default_value_t = 900)]
    drain_s: u64,
}

const NOTES: &str = "Messages come through HTTP to paused subscriptions; then the gateway is stopped and started anew on its data, and the subscriptions \
are resumed: each begins at outbound.ramp_per_s and doubles every outbound.ramp_double_s. Memory is that of the gateway's process (VmRSS, VmHWM): \
_filled when the last message is in, _held after the start, _max the most at any time of that stretch. start_s: from the process's start until it \
serves. drained_per_s: deliveries by the time from resuming to the last; fastest_per_s: of the best five seconds in between.";

#[derive(Serialize)]
struct Line {
    deliveries: usize,
    subscriptions: usize,
    filled_per_s: f64,
    filling_rss_mib_max: f64,
    rss_mib_filled: f64,
    start_s: f64,
    starting_rss_mib_max: f64,
    rss_mib_held: f64,
    draining_rss_mib_max: f64,
    rss_mib_drained: f64,
    drained: usize,
    drain_s: f64,
    drained_per_s: f64,
    fastest_per_s: f64,
    drain_cpu_s_per_1k: f64,
    repeated: usize,
}

/// Messages posted at a time: what is ready to be sent is in our own memory.
const BATCH: usize = 10_000;
/// How often the drain is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks that make up the stretch whose rate is the fastest.
const LOOKS: usize = 10;

pub async fn run(arguments: Arguments) -> Result<Report, Failure> {
    let subscriptions = arguments.subscriptions.max(1);
    let messages = arguments.deliveries.div_ceil(subscriptions);
    let numbers = messages.clamp(1, BATCH);
    let scene = Scene::new(Server::start(Kind::Gateway, numbers, &arguments.data).await?).await?;
    let sink = Bare::start().await?;
    let rentals = scene.rent(numbers).await?;
    let ids = scene.subscribe(&sink.urls(subscriptions)).await?;
    scene.each(&ids, "pause").await?;
    let filled = fill(&scene, &rentals, messages, arguments.connections).await?;
    let (filling, rss_filled) = (scene.server.rss_peak_bytes()?, scene.server.rss_bytes()?);
    let (scene, start) = scene.restarted(numbers).await?;
    let owed = messages * subscriptions;
    scene
        .until("ringback_delivery_due", |due| due >= owed as f64)
        .await?;
    let (starting, held) = (scene.server.rss_peak_bytes()?, scene.server.rss_bytes()?);
    let cpu_s = scene.server.cpu_s()?;
    scene.each(&ids, "resume").await?;
    let drain = drain(&sink, owed, Duration::from_secs(arguments.drain_s)).await;
    let measured = Line {
        deliveries: owed,
        subscriptions,
        filled_per_s: rounded(per_second(owed, filled)),
        filling_rss_mib_max: mib(filling),
        rss_mib_filled: mib(rss_filled),
        start_s: rounded(start.as_secs_f64()),
        starting_rss_mib_max: mib(starting),
        rss_mib_held: mib(held),
        draining_rss_mib_max: mib(scene.server.rss_peak_bytes()?),
        rss_mib_drained: mib(scene.server.rss_bytes()?),
        drained: drain.deliveries.min(owed),
        drain_s: rounded(drain.took.as_secs_f64()),
        drained_per_s: rounded(per_second(drain.deliveries, drain.took)),
        fastest_per_s: rounded(drain.fastest_per_s),
        drain_cpu_s_per_1k: rounded(
            (scene.server.cpu_s()? - cpu_s) * 1000.0 / drain.deliveries.max(1) as f64,
        ),
        repeated: sink.posts().saturating_sub(owed),
    };
    let headline = serde_json::json!({ "benchmark": "backlog", "deliveries": owed, "rss_mib_held": measured.rss_mib_held,
        "draining_rss_mib_max": measured.draining_rss_mib_max, "start_s": measured.start_s, "drained_per_s": measured.drained_per_s });
    Ok(Report {
        notes: NOTES,
        headline: line(&headline),
        lines: vec![line(&measured)],
    })
}

async fn fill(
    scene: &Scene,
    rentals: &[Rented],
    messages: usize,
    connections: usize,
) -> Result<Duration, Failure> {
    let (mut left, mut filled) = (messages, Duration::ZERO);
    while left > 0 {
        let count = left.min(BATCH);
        let lanes = load::deal(scene.messages(SOURCES[0], rentals, count)?, connections);
        // Opened anew: making a batch may take longer than the gateway keeps an idle connection.
        let mut connections = Connection::open_all(scene.server.address, connections).await?;
        filled += load::drive(&mut connections, lanes).await?.0;
        left -= count;
    }
    Ok(filled)
}

struct Drain {
    deliveries: usize,
    took: Duration,
    fastest_per_s: f64,
}

async fn drain(sink: &Bare, owed: usize, most: Duration) -> Drain {
    let started = clock::monotonic();
    let mut looks: Vec<(Instant, usize)> = vec![(started, sink.posts())];
    while sink.posts() < owed && clock::monotonic().duration_since(started) < most {
        let _ = tokio::time::timeout(LOOK_EVERY, sink.reach(owed)).await;
        looks.push((clock::monotonic(), sink.posts()));
    }
    let stretches = looks.windows(LOOKS + 1);
    let rates = stretches.map(|looks| {
        let ((from, before), (until, after)) = (looks[0], looks[LOOKS]);
        per_second(after - before, until.duration_since(from))
    });
    Drain {
        deliveries: sink.posts(),
        took: clock::monotonic().duration_since(started),
        fastest_per_s: rates.fold(0.0, f64::max),
    }
}
