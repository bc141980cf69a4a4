//! From a message's POST to the answer of the poll that waits for its code, while many other polls are held; beside the commit itself.

use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::Options;
use super::load::{Connection, Ready};
use super::measure::{self, Spread, percentile_ms, rounded};
use super::report::{Report, line};
use super::scene::{Rented, SOURCES, Scene, WAIT_S};
use super::server::{Kind, Server};
use crate::cli::Failure;
use crate::clock;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// Polls held at a time, each on a connection and a rental of its own.
    #[arg(long, default_values_t = [100, 10_000], value_delimiter = ',')]
    held: Vec<usize>,
    /// Messages of one round, one after the other.
    #[arg(long, default_value_t = 400)]
    messages: usize,
}

const NOTES: &str = "One message at a time; the poll that it wakes is replaced by another, so that the number held stays. wake: from sending the \
POST to having read the waiting GET's answer. commit: from sending the same POST to having read its own 204, which waits for the commit and \
fdatasync alone. over_commit: the difference of the two 99th percentiles. Percentiles over all messages; by_round: medians of the rounds' \
99th percentiles.";

/// Sampling ends here even if messages are left: the polls are held for a minute.
const SAMPLING_MAX: Duration = Duration::from_secs(WAIT_S - 20);

#[derive(Serialize)]
struct Line {
    held: usize,
    wake_p50_ms: f64,
    wake_p99_ms: f64,
    commit_p50_ms: f64,
    commit_p99_ms: f64,
    over_commit_p99_ms: f64,
    wake_p99_by_round_ms: Spread,
    commit_p99_by_round_ms: Spread,
    fsync_p50_ms: f64,
    messages: usize,
}

/// When a poll was answered, and its place.
type Answered = (usize, Result<Instant, Failure>);

/// The held polls: each place is a connection that polls one rental after another.
struct Held {
    places: Vec<UnboundedSender<Ready>>,
    answered: UnboundedReceiver<Answered>,
}

pub async fn run(arguments: Arguments) -> Result<Report, Failure> {
    measure::allow_files(arguments.held.iter().max().copied().unwrap_or_default())?;
    let mut lines = Vec::new();
    for held in &arguments.held {
        lines.push(measure(&arguments, *held).await?);
    }
    let headline = lines.iter().max_by_key(|l| l.held).map(|l| {
        serde_json::json!({ "benchmark": "wake", "held": l.held, "wake_p50_ms": l.wake_p50_ms, "wake_p99_ms": l.wake_p99_ms,
            "commit_p99_ms": l.commit_p99_ms, "fsync_p50_ms": l.fsync_p50_ms })
    });
    let headline = headline.as_ref().map(line).unwrap_or_default();
    Ok(Report {
        notes: NOTES,
        headline,
        lines: lines.iter().map(line).collect(),
    })
}

async fn measure(arguments: &Arguments, held: usize) -> Result<Line, Failure> {
    let wanted = arguments.messages * arguments.options.rounds;
    let scene =
        Scene::new(Server::start(Kind::Gateway, held + wanted, &arguments.options.data).await?).await?;
    let rentals = scene.rent(held + wanted).await?;
    let messages = scene.messages(SOURCES[0], &rentals, wanted)?;
    let mut polls = hold(&scene, &rentals[..held]).await?;
    let mut poster = Connection::open(scene.server.address).await?;
    let (mut wakes, mut commits) = (Vec::with_capacity(wanted), Vec::with_capacity(wanted));
    let started = clock::monotonic();
    // Poll number n waits for rental number n, which message number n is for; its place then goes to number n + held.
    for (number, message) in messages.into_iter().enumerate() {
        if clock::monotonic().duration_since(started) > SAMPLING_MAX {
            break;
        }
        let sent = clock::monotonic();
        poster.succeed(message).await?;
        commits.push(clock::monotonic().duration_since(sent));
        let answered = timeout(Duration::from_secs(WAIT_S), polls.answered.recv()).await;
        let (place, at) = answered
            .map_err(|_| Failure::new(4, "a poll was not woken"))?
            .ok_or_else(|| Failure::failed("the polls are gone"))?;
        if place != number % held {
            return Err(Failure::failed("a poll was answered before its code came"));
        }
        wakes.push(at?.duration_since(sent));
        rearm(&scene, &polls, place, &rentals[number + held])?;
    }
    let p99s = |times: &[Duration]| {
        Spread::of(
            &times
                .chunks(arguments.messages)
                .map(|round| percentile_ms(&mut round.to_vec(), 99))
                .collect::<Vec<_>>(),
        )
    };
    let (wake_rounds, commit_rounds) = (p99s(&wakes), p99s(&commits));
    let (wake_p99_ms, commit_p99_ms) = (percentile_ms(&mut wakes, 99), percentile_ms(&mut commits, 99));
    Ok(Line {
        held,
        wake_p50_ms: rounded(percentile_ms(&mut wakes, 50)),
        wake_p99_ms: rounded(wake_p99_ms),
        commit_p50_ms: rounded(percentile_ms(&mut commits, 50)),
        commit_p99_ms: rounded(commit_p99_ms),
        over_commit_p99_ms: rounded(wake_p99_ms - commit_p99_ms),
        wake_p99_by_round_ms: wake_rounds,
        commit_p99_by_round_ms: commit_rounds,
        fsync_p50_ms: rounded(scene.gauge("ringback_store_sync_p50_seconds").await? * 1000.0),
        messages: wakes.len(),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a benchmark are far below 2^52"
)]
async fn hold(scene: &Scene, rentals: &[Rented]) -> Result<Held, Failure> {
    let (answer, answered) = unbounded_channel();
    let mut places = Vec::with_capacity(rentals.len());
    for (place, rental) in rentals.iter().enumerate() {
        let (poll, mut next) = unbounded_channel::<Ready>();
        let mut connection = Connection::open(scene.server.address).await?;
        let answer = answer.clone();
        tokio::spawn(async move {
            while let Some(request) = next.recv().await {
                let polled = connection.succeed(request).await.map(|_| clock::monotonic());
                if answer.send((place, polled)).is_err() {
                    break;
                }
            }
        });
        poll.send(scene.poll(rental)?)
            .map_err(|_| Failure::failed("a poll ended at once"))?;
        places.push(poll);
    }
    let count = rentals.len() as f64;
    scene
        .until("ringback_longpoll_waiting", |waiting| waiting >= count)
        .await?;
    Ok(Held { places, answered })
}

fn rearm(scene: &Scene, polls: &Held, place: usize, rental: &Rented) -> Result<(), Failure> {
    polls.places[place]
        .send(scene.poll(rental)?)
        .map_err(|_| Failure::failed("a poll ended before its code came"))
}
