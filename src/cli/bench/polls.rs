//! Memory that one more held poll costs, beside the same on bare hyper with the same allocator.

use std::time::Duration;

use clap::Args;
use http::Method;
use serde::Serialize;

use super::Options;
use super::bare::HELD_PATH;
use super::load::{self, Connection, Ready};
use super::measure::{self, Spread, rounded};
use super::report::{Report, line};
use super::scene::Scene;
use super::server::{Kind, Server};
use crate::cli::Failure;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// Polls held, each on a connection and a rental of its own.
    #[arg(long, default_value_t = 10_000)]
    held: usize,
}

const NOTES: &str = "The memory in RAM (VmRSS) of the server process with all polls held, less that with the first fifth of them held, divided by the \
polls in between: what a poll adds, connection included. The first fifth takes up what start and renting left free. Each side in a new process \
in each round; the polls come from another process. Bare hyper runs on the same allocator (jemalloc). Socket buffers are the kernel's and not \
in here.";

#[derive(Serialize)]
struct Line {
    held: usize,
    bytes_per_poll: Spread,
    bare_bytes_per_poll: Spread,
    rss_mib_all_held: Spread,
}

pub async fn run(arguments: Arguments) -> Result<Report, Failure> {
    measure::allow_files(arguments.held)?;
    let (mut ours, mut bare, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..arguments.options.rounds {
        bare.push(of_bare(&arguments).await?);
        let (per_poll, rss_mib) = of_gateway(&arguments).await?;
        ours.push(per_poll);
        all.push(rss_mib);
    }
    let measured = Line {
        held: arguments.held,
        bytes_per_poll: Spread::of(&ours),
        bare_bytes_per_poll: Spread::of(&bare),
        rss_mib_all_held: Spread::of(&all),
    };
    let headline = serde_json::json!({ "benchmark": "polls", "held": measured.held, "bytes_per_poll": measured.bytes_per_poll.median,
        "bare_bytes_per_poll": measured.bare_bytes_per_poll.median });
    Ok(Report {
        notes: NOTES,
        headline: line(&headline),
        lines: vec![line(&measured)],
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a benchmark are far below 2^52"
)]
async fn of_gateway(arguments: &Arguments) -> Result<(f64, f64), Failure> {
    let scene =
        Scene::new(Server::start(Kind::Gateway, arguments.held, &arguments.options.data).await?).await?;
    let rentals = scene.rent(arguments.held).await?;
    let polls = rentals
        .iter()
        .map(|rental| scene.poll(rental))
        .collect::<Result<Vec<_>, _>>()?;
    let (first, rest) = polls.split_at(arguments.held / 5);
    let mut held = hold(&scene.server, first).await?;
    scene
        .until("ringback_longpoll_waiting", |waiting| {
            waiting >= first.len() as f64
        })
        .await?;
    let before = scene.server.rss_bytes()?;
    held.extend(hold(&scene.server, rest).await?);
    scene
        .until("ringback_longpoll_waiting", |waiting| {
            waiting >= polls.len() as f64
        })
        .await?;
    let after = scene.server.rss_bytes()?;
    Ok((
        each(before, after, rest.len()),
        rounded(after as f64 / f64::from(1 << 20)),
    ))
}

async fn of_bare(arguments: &Arguments) -> Result<f64, Failure> {
    let server = Server::start(Kind::Bare, 0, &arguments.options.data).await?;
    let polls = (0..arguments.held)
        .map(|_| load::request(Method::GET, "/", &[], Vec::new()))
        .collect::<Result<Vec<_>, _>>()?;
    let (first, rest) = polls.split_at(arguments.held / 5);
    let mut held = hold(&server, first).await?;
    until_held(&server, first.len()).await?;
    let before = server.rss_bytes()?;
    held.extend(hold(&server, rest).await?);
    until_held(&server, polls.len()).await?;
    Ok(each(before, server.rss_bytes()?, rest.len()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes of a benchmark are far below 2^52"
)]
fn each(before: u64, after: u64, polls: usize) -> f64 {
    after.saturating_sub(before) as f64 / polls.max(1) as f64
}

/// Sends each poll on a connection of its own; the polls end when what is answered is dropped.
async fn hold(server: &Server, polls: &[Ready]) -> Result<Vec<Poll>, Failure> {
    let mut held = Vec::with_capacity(polls.len());
    for poll in polls {
        let mut connection = Connection::open(server.address).await?;
        let poll = poll.clone();
        held.push(Poll(tokio::spawn(async move {
            connection.send(poll).await.map(drop).ok()
        })));
    }
    Ok(held)
}

/// A poll under way.
struct Poll(tokio::task::JoinHandle<Option<()>>);

impl Drop for Poll {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn until_held(server: &Server, polls: usize) -> Result<(), Failure> {
    let mut asking = Connection::open(server.address).await?;
    loop {
        let held = asking
            .succeed(load::request(Method::GET, HELD_PATH, &[], Vec::new())?)
            .await?;
        if String::from_utf8_lossy(&held)
            .parse::<usize>()
            .is_ok_and(|held| held >= polls)
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
