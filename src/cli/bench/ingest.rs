//! Durable signed ingest: requests per second beside a bare hyper server that answers the very same requests, in alternating rounds.

use clap::Args;
use serde::Serialize;

use super::Options;
use super::load::{self, Connection, Ready};
use super::measure::{Spread, per_second, rounded};
use super::report::{Report, line};
use super::scene::{Rented, SOURCES, Scene};
use super::server::{Kind, Server};
use crate::cli::Failure;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// Keep-alive connections, each with one request under way.
    #[arg(long, default_values_t = [64, 256], value_delimiter = ',')]
    connections: Vec<usize>,
    /// Messages of one round.
    #[arg(long, default_value_t = 20_000)]
    messages: usize,
    /// Rented numbers that the messages go to in turn.
    #[arg(long, default_value_t = 10_000)]
    rentals: usize,
    /// Carriers: loopback (HMAC-SHA256), telnyx (ed25519).
    #[arg(long, default_values_t = SOURCES.map(String::from), value_delimiter = ',')]
    sources: Vec<String>,
}

const NOTES: &str = "Each message: 700 byte JSON body (loopback), an id of its own, signed ahead of time, to one of the rented numbers in turn; \
verified, parsed, matched, its code extracted, and message, rental and event (3 rows, no subscription) committed with flush and fdatasync before \
its 204. The bare server answers the same requests with 204. Generator, gateway and bare server are processes on this machine; rates and \
ratios are medians over alternating rounds. cpu_us is the processor time of the server alone for one request.";

#[derive(Serialize)]
struct Line {
    source: String,
    connections: usize,
    ingest_per_s: Spread,
    bare_per_s: Spread,
    ratio: Spread,
    ingest_cpu_us: Spread,
    bare_cpu_us: Spread,
    fsync_p50_ms: f64,
    messages: usize,
}

/// One server's part of one round.
#[derive(Clone, Copy, Default)]
struct Round {
    per_s: f64,
    cpu_us: f64,
}

pub async fn run(arguments: Arguments) -> Result<Report, Failure> {
    let mut lines = Vec::new();
    for source in &arguments.sources {
        for connections in &arguments.connections {
            lines.push(measure(&arguments, source, *connections).await?);
        }
    }
    let named = lines
        .iter()
        .filter(|l| l.source == SOURCES[0])
        .max_by_key(|l| l.connections)
        .or(lines.last());
    let headline = named.map(|l| {
        serde_json::json!({ "benchmark": "ingest", "connections": l.connections, "source": l.source,
            "ingest_per_s": l.ingest_per_s.median, "bare_per_s": l.bare_per_s.median, "ratio": l.ratio.median })
    });
    let headline = headline.as_ref().map(line).unwrap_or_default();
    Ok(Report {
        notes: NOTES,
        headline,
        lines: lines.iter().map(line).collect(),
    })
}

async fn measure(arguments: &Arguments, source: &str, connections: usize) -> Result<Line, Failure> {
    let data = &arguments.options.data;
    let scene = Scene::new(Server::start(Kind::Gateway, arguments.rentals, data).await?).await?;
    let bare = Server::start(Kind::Bare, 0, data).await?;
    let rentals = scene.rent(arguments.rentals).await?;
    let mut to_ours = Connection::open_all(scene.server.address, connections).await?;
    let mut to_bare = Connection::open_all(bare.address, connections).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // The first round warms up and is not counted.
    for round in 0..=arguments.options.rounds {
        let messages = scene.messages(
            source,
            &rotated(&rentals, round, arguments.messages),
            arguments.messages,
        )?;
        let copies = messages.clone();
        let (first, second) = if round % 2 == 0 {
            let ours = drive(&scene.server, &mut to_ours, messages).await?;
            (ours, drive(&bare, &mut to_bare, copies).await?)
        } else {
            let theirs = drive(&bare, &mut to_bare, copies).await?;
            (drive(&scene.server, &mut to_ours, messages).await?, theirs)
        };
        ours.push(first);
        theirs.push(second);
    }
    let over = |rounds: &[Round], figure: fn(&Round) -> f64| {
        Spread::of(&rounds[1..].iter().map(figure).collect::<Vec<_>>())
    };
    let ratios: Vec<f64> = ours
        .iter()
        .zip(&theirs)
        .skip(1)
        .map(|(ours, theirs)| ours.per_s / theirs.per_s)
        .collect();
    Ok(Line {
        source: source.to_owned(),
        connections,
        ingest_per_s: over(&ours, |r| r.per_s),
        bare_per_s: over(&theirs, |r| r.per_s),
        ratio: Spread::of(&ratios),
        ingest_cpu_us: over(&ours, |r| r.cpu_us),
        bare_cpu_us: over(&theirs, |r| r.cpu_us),
        fsync_p50_ms: rounded(scene.gauge("ringback_store_sync_p50_seconds").await? * 1000.0),
        messages: arguments.messages,
    })
}

/// The rentals beginning where the last round ended, so that each gets as many messages as the others.
fn rotated(rentals: &[Rented], round: usize, messages: usize) -> Vec<Rented> {
    let mut rotated = rentals.to_vec();
    let at = if rentals.is_empty() {
        0
    } else {
        round * messages % rentals.len()
    };
    rotated.rotate_left(at);
    rotated
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a benchmark are far below 2^52"
)]
async fn drive(
    server: &Server,
    connections: &mut Vec<Connection>,
    messages: Vec<Ready>,
) -> Result<Round, Failure> {
    let (count, before) = (messages.len(), server.cpu_s()?);
    let lanes = load::deal(messages, connections.len());
    let (took, _) = load::drive(connections, lanes).await?;
    Ok(Round {
        per_s: per_second(count, took),
        cpu_us: (server.cpu_s()? - before) * 1e6 / count as f64,
    })
}
