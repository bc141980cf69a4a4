//! Webhook deliveries per second: from the first message's POST until the sink has every delivery of it and of those after it.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::timeout;

use super::Options;
use super::bare::Bare;
use super::load::{self, Connection};
use super::measure::{self, Spread, mib, per_second};
use super::report::{Report, line};
use super::scene::{SOURCES, Scene};
use super::server::{Kind, Server};
use crate::cli::Failure;
use crate::clock;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// Subscriptions that each message is delivered to.
    #[arg(long, default_values_t = [1, 4], value_delimiter = ',')]
    fan_out: Vec<usize>,
    /// Messages of one round.
    #[arg(long, default_value_t = 5_000)]
    messages: usize,
    /// Connections that post them.
    #[arg(long, default_value_t = 64)]
    connections: usize,
}

const NOTES: &str = "From the first POST until the sink has received every delivery; each is signed, sent over loopback, answered 204 by a bare hyper sink and \
recorded durably as an attempt. cpu_s_per_1k: processor seconds of everything (generator, gateway and sink) for 1,000 messages with all their \
deliveries, until the last record is on the disk; gateway_cpu_s_per_1k: the gateway's share of it. One message is 3 rows and one due row for each \
subscription; one delivery is one attempt row and the removal of its due row.";

#[derive(Serialize)]
struct Line {
    fan_out: usize,
    deliveries_per_s: Spread,
    messages_per_s: Spread,
    cpu_s_per_1k: Spread,
    gateway_cpu_s_per_1k: Spread,
    /// The gateway's memory at its most, all rounds together.
    rss_mib_max: f64,
    repeated: usize,
    messages: usize,
}

/// One round.
struct Round {
    deliveries_per_s: f64,
    messages_per_s: f64,
    cpu_s_per_1k: f64,
    gateway_cpu_s_per_1k: f64,
}

pub async fn run(arguments: Arguments) -> Result<Report, Failure> {
    let mut lines = Vec::new();
    for fan_out in &arguments.fan_out {
        lines.push(measure(&arguments, *fan_out).await?);
    }
    let most = lines.iter().max_by_key(|l| l.fan_out);
    let least = lines.iter().min_by_key(|l| l.fan_out);
    let headline = most.zip(least).map(|(most, least)| {
        serde_json::json!({ "benchmark": "deliver", "fan_out": most.fan_out, "deliveries_per_s": most.deliveries_per_s.median,
            "cpu_s_per_1k": least.cpu_s_per_1k.median, "cpu_fan_out": least.fan_out })
    });
    let headline = headline.as_ref().map(line).unwrap_or_default();
    Ok(Report {
        notes: NOTES,
        headline,
        lines: lines.iter().map(line).collect(),
    })
}

async fn measure(arguments: &Arguments, fan_out: usize) -> Result<Line, Failure> {
    let scene =
        Scene::new(Server::start(Kind::Gateway, arguments.messages, &arguments.options.data).await?).await?;
    let sink = Bare::start().await?;
    let rentals = scene.rent(arguments.messages).await?;
    scene.subscribe(&sink.urls(fan_out)).await?;
    let mut connections = Connection::open_all(scene.server.address, arguments.connections).await?;
    let mut rounds = Vec::new();
    // The first round warms up and is not counted.
    for _ in 0..=arguments.options.rounds {
        let messages = scene.messages(SOURCES[0], &rentals, arguments.messages)?;
        rounds.push(round(&scene, &sink, &mut connections, messages, fan_out).await?);
    }
    let over = |figure: fn(&Round) -> f64| Spread::of(&rounds[1..].iter().map(figure).collect::<Vec<_>>());
    Ok(Line {
        fan_out,
        deliveries_per_s: over(|r| r.deliveries_per_s),
        messages_per_s: over(|r| r.messages_per_s),
        cpu_s_per_1k: over(|r| r.cpu_s_per_1k),
        gateway_cpu_s_per_1k: over(|r| r.gateway_cpu_s_per_1k),
        rss_mib_max: mib(scene.server.rss_peak_bytes()?),
        repeated: sink.posts() - rounds.len() * arguments.messages * fan_out,
        messages: arguments.messages,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a benchmark are far below 2^52"
)]
async fn round(
    scene: &Scene,
    sink: &Bare,
    connections: &mut Vec<Connection>,
    messages: Vec<load::Ready>,
    fan_out: usize,
) -> Result<Round, Failure> {
    let (count, goal) = (messages.len(), sink.posts() + messages.len() * fan_out);
    let (own, theirs) = (measure::cpu_s(std::process::id())?, scene.server.cpu_s()?);
    let started = clock::monotonic();
    let lanes = load::deal(messages, connections.len());
    load::drive(connections, lanes).await?;
    timeout(Duration::from_secs(120), sink.reach(goal))
        .await
        .map_err(|_| Failure::new(4, "the sink did not get all deliveries within two minutes"))?;
    let took = clock::monotonic().duration_since(started);
    scene.until("ringback_delivery_due", |due| due <= 0.0).await?;
    let gateway_s = scene.server.cpu_s()? - theirs;
    let thousands = count as f64 / 1000.0;
    Ok(Round {
        deliveries_per_s: per_second(count * fan_out, took),
        messages_per_s: per_second(count, took),
        cpu_s_per_1k: (measure::cpu_s(std::process::id())? - own + gateway_s) / thousands,
        gateway_cpu_s_per_1k: gateway_s / thousands,
    })
}
