//! Whether a subscriber that hangs delays the others: the time from a message's POST to its delivery at each of the others, with all well and with
//! one hanging, in alternating rounds.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::Options;
use super::load::{Connection, Ready};
use super::measure::{Spread, percentile_ms, rounded};
use super::report::{Report, line};
use super::scene::{Rented, SOURCES, Scene};
use super::server::{Kind, Server};
use super::subscribers::{Arrival, Subscribers};
use crate::cli::Failure;
use crate::clock;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// Subscribers that hear every message, each a server of its own; in every second round the last of them hangs.
    #[arg(long, default_value_t = 10)]
    subscribers: usize,
    /// Seconds that the hanging one takes for an answer.
    #[arg(long, default_value_t = 15.0)]
    hang_s: f64,
    /// Messages a second.
    #[arg(long, default_value_t = 100)]
    per_s: usize,
    /// Seconds of one round.
    #[arg(long, default_value_t = 20)]
    seconds: usize,
}

const NOTES: &str = "Messages come at a fixed rate, whatever is slow. Times are from sending a message's POST (its commit and fdatasync are in them) to \
the arrival of its delivery at a subscriber, over all subscribers but the last. In the rounds all_well the last one answers as the others do; in the \
rounds one_hangs it takes hang_s for each answer. Each round is a new gateway with new data; rounds alternate in their order. ratio_p99: one_hangs by \
all_well, of the two rounds beside each other. slowest_subscriber_p99_ms: of the one that fared worst.";

#[derive(Serialize)]
struct Line {
    subscribers: usize,
    hang_s: f64,
    per_s: usize,
    ratio_p99: Spread,
    ratio_p50: Spread,
    all_well_p50_ms: Spread,
    one_hangs_p50_ms: Spread,
    all_well_p99_ms: Spread,
    one_hangs_p99_ms: Spread,
    all_well_slowest_subscriber_p99_ms: Spread,
    one_hangs_slowest_subscriber_p99_ms: Spread,
    attempts_at_the_hanging: Spread,
    messages: usize,
}

/// One round.
#[derive(Clone, Copy)]
struct Round {
    p50_ms: f64,
    p99_ms: f64,
    slowest_p99_ms: f64,
    at_the_last: f64,
}

pub async fn run(arguments: Arguments) -> Result<Report, Failure> {
    let (mut well, mut hangs) = (Vec::new(), Vec::new());
    for at in 0..arguments.options.rounds {
        if at % 2 == 0 {
            well.push(round(&arguments, false).await?);
            hangs.push(round(&arguments, true).await?);
        } else {
            hangs.push(round(&arguments, true).await?);
            well.push(round(&arguments, false).await?);
        }
    }
    let over = |rounds: &[Round], figure: fn(&Round) -> f64| {
        Spread::of(&rounds.iter().map(figure).collect::<Vec<_>>())
    };
    let ratio = |figure: fn(&Round) -> f64| {
        let pairs = hangs.iter().zip(&well);
        Spread::of(
            &pairs
                .map(|(hangs, well)| figure(hangs) / figure(well))
                .collect::<Vec<_>>(),
        )
    };
    let measured = Line {
        subscribers: arguments.subscribers,
        hang_s: arguments.hang_s,
        per_s: arguments.per_s,
        ratio_p99: ratio(|r| r.p99_ms),
        ratio_p50: ratio(|r| r.p50_ms),
        all_well_p50_ms: over(&well, |r| r.p50_ms),
        one_hangs_p50_ms: over(&hangs, |r| r.p50_ms),
        all_well_p99_ms: over(&well, |r| r.p99_ms),
        one_hangs_p99_ms: over(&hangs, |r| r.p99_ms),
        all_well_slowest_subscriber_p99_ms: over(&well, |r| r.slowest_p99_ms),
        one_hangs_slowest_subscriber_p99_ms: over(&hangs, |r| r.slowest_p99_ms),
        attempts_at_the_hanging: over(&hangs, |r| r.at_the_last),
        messages: arguments.per_s * arguments.seconds,
    };
    let headline = serde_json::json!({ "benchmark": "isolate", "subscribers": measured.subscribers, "hang_s": measured.hang_s,
        "ratio_p99": measured.ratio_p99.median, "all_well_p99_ms": measured.all_well_p99_ms.median,
        "one_hangs_p99_ms": measured.one_hangs_p99_ms.median });
    Ok(Report {
        notes: NOTES,
        headline: line(&headline),
        lines: vec![line(&measured)],
    })
}

async fn round(arguments: &Arguments, one_hangs: bool) -> Result<Round, Failure> {
    let count = arguments.per_s * arguments.seconds;
    // Those before the first counted message open connections and warm up.
    let warming = arguments.per_s.max(10);
    let numbers = count + warming;
    let scene = Scene::new(Server::start(Kind::Gateway, numbers, &arguments.options.data).await?).await?;
    let rentals = scene.rent(numbers).await?;
    let hang = Duration::from_secs_f64(if one_hangs { arguments.hang_s } else { 0.0 });
    let mut subscribers = Subscribers::start(arguments.subscribers, hang).await?;
    scene.subscribe(&subscribers.urls).await?;
    let messages = scene.messages(SOURCES[0], &rentals, numbers)?;
    let sent = send(&scene, &rentals, messages, arguments.per_s).await?;
    let counted: HashMap<u32, Instant> = sent.into_iter().skip(warming).collect();
    let others = arguments.subscribers.saturating_sub(1);
    let mut times = vec![Vec::with_capacity(count); others];
    let mut at_the_last = 0.0;
    let mut missing = count * others;
    while missing > 0 {
        let arrival = timeout(ARRIVAL_MAX, subscribers.arrivals.recv()).await;
        let arrival: Option<Arrival> =
            arrival.map_err(|_| Failure::new(4, format!("{missing} deliveries did not come")))?;
        let arrival = arrival.ok_or_else(|| Failure::failed("the subscribers are gone"))?;
        let Some(times) = times.get_mut(arrival.subscriber) else {
            at_the_last += 1.0;
            continue;
        };
        if let Some(sent) = counted.get(&arrival.number) {
            times.push(arrival.at.duration_since(*sent));
            missing -= 1;
        }
    }
    let mut all: Vec<Duration> = times.concat();
    let slowest = times.iter_mut().map(|times| percentile_ms(times, 99));
    Ok(Round {
        p50_ms: percentile_ms(&mut all, 50),
        p99_ms: percentile_ms(&mut all, 99),
        slowest_p99_ms: rounded(slowest.fold(0.0, f64::max)),
        at_the_last,
    })
}

/// How long the deliveries of the last message may take.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);
/// Connections that messages are sent over; each waits for its answer.
const CONNECTIONS: usize = 64;

/// Sends the messages at their rate; answers when each number's was sent.
async fn send(
    scene: &Scene,
    rentals: &[Rented],
    messages: Vec<Ready>,
    per_s: usize,
) -> Result<Vec<(u32, Instant)>, Failure> {
    let (free, mut frees): (UnboundedSender<_>, UnboundedReceiver<Result<Connection, Failure>>) =
        unbounded_channel();
    for connection in Connection::open_all(scene.server.address, CONNECTIONS).await? {
        let _ = free.send(Ok(connection));
    }
    let mut ticks =
        tokio::time::interval(Duration::from_secs(1) / u32::try_from(per_s.max(1)).unwrap_or(u32::MAX));
    let mut sent = Vec::with_capacity(messages.len());
    for (message, rented) in messages.into_iter().zip(rentals) {
        ticks.tick().await;
        let next = frees.recv().await;
        let mut connection = next.ok_or_else(|| Failure::failed("no connection is left"))??;
        sent.push((
            super::subscribers::number(rented.number.as_bytes()),
            clock::monotonic(),
        ));
        let free = free.clone();
        tokio::spawn(async move {
            let answered = connection.succeed(message).await;
            let _ = free.send(answered.map(|_| connection));
        });
    }
    Ok(sent)
}
