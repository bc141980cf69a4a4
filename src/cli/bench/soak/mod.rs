//! Whether the gateway keeps its promises for half an hour: numbers are rented, waited for, cancelled and left to expire at a steady rate, with
//! messages that come twice and too late; every answer and every webhook is held against the books, and memory must stay flat.

mod act;
mod book;
mod plot;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;

use self::act::{Act, Soak};
use super::measure::{per_second, rounded};
use super::report::{Report, line};
use super::scene::Scene;
use super::server::{Kind, Server};
use crate::cli::Failure;
use crate::clock;

#[derive(Args)]
pub struct Arguments {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// How long.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Requests a second: rentals, messages, polls, looks and cancels together.
    #[arg(long, default_value_t = 500)]
    per_s: u32,
    /// By how much memory may grow from the middle to the end, in MiB; more is a failure.
    #[arg(long, default_value_t = 32.0)]
    growth_mib_max: f64,
    /// Draws memory over time into this file (SVG).
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// A folder on the disk to be used; what is made in it is removed. The system's folder for temporary files by default.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    data: PathBuf,
}

const NOTES: &str = "Each rental is one of: waited for, its code sent and a fifth of them once more (half of all); cancelled, or left to expire, and \
two in five of these get a message too late. Held against the books: no number is rented to two or within its cool-down; each poll answers the code that \
was sent to its rental; each rental's events come, each once by its webhook-id; what told a code is metered once and nothing else; all numbers are there at the end, none leased. growth_mib: the median memory \
of the last tenth less that of the tenth after the middle.";

/// Rentals of a request, about: the rest is what follows of them.
const RENTALS_PER_REQUEST: f64 = 0.42;
/// Requests under way at most; more means that the gateway does not keep up.
const UNDER_WAY_MAX: usize = 4000;
/// How long what was owed at the end may take.
const REST_MAX: Duration = Duration::from_secs(90);

#[derive(Serialize)]
struct Line {
    minutes: f64,
    requests: usize,
    requests_per_s: f64,
    rentals: usize,
    codes: usize,
    cancelled: usize,
    expired: usize,
    late_messages: usize,
    duplicates: usize,
    metered: usize,
    numbers: usize,
    faults: usize,
    rss_mib_middle: f64,
    rss_mib_end: f64,
    growth_mib: f64,
}

pub async fn run(arguments: Arguments) -> Result<Report, Failure> {
    let seconds = arguments.minutes * 60.0;
    let cycle_s = act::PROMISE.cool_down.as_secs_f64() + 60.0;
    let rentals = f64::from(arguments.per_s) * RENTALS_PER_REQUEST * seconds.min(cycle_s);
    let numbers = (rentals * 1.1) as usize + 500;
    let scene = Scene::new(Server::start(Kind::Soak, numbers, &arguments.data).await?).await?;
    let soak = Soak::start(scene).await?;
    let load = load(&soak, &arguments).await?;
    let took = load.took;
    rest(&soak, load).await?;
    soak.all_numbers_are_there(numbers).await?;
    let metered = soak.all_is_metered().await?;
    let samples = soak.samples();
    if let Some(path) = &arguments.plot {
        let title = format!(
            "Memory of the gateway (MiB), {} requests a second",
            arguments.per_s
        );
        let written = std::fs::write(path, plot::svg(&title, &samples));
        written.map_err(|e| Failure::failed(format!("{}: {e}", path.display())))?;
    }
    let middle = median(&samples, seconds * 0.5, seconds * 0.6);
    let end = median(&samples, seconds * 0.9, f64::MAX);
    let measured = soak.line(&arguments, (numbers, metered, took), (middle, end));
    verdict(&soak, &measured, &arguments)?;
    let headline = serde_json::json!({ "benchmark": "soak", "minutes": measured.minutes, "requests_per_s": measured.requests_per_s,
        "faults": measured.faults, "growth_mib": measured.growth_mib });
    Ok(Report {
        notes: NOTES,
        headline: line(&headline),
        lines: vec![line(&measured)],
    })
}

fn verdict(soak: &Soak, measured: &Line, arguments: &Arguments) -> Result<(), Failure> {
    let faults = soak.faults();
    if !faults.is_empty() {
        return Err(Failure::new(
            4,
            format!("{} faults: {}", measured.faults, faults.join("; ")),
        ));
    }
    if measured.growth_mib > arguments.growth_mib_max {
        let (grew, most) = (measured.growth_mib, arguments.growth_mib_max);
        return Err(Failure::new(
            4,
            format!("memory grew by {grew} MiB from the middle to the end, {most} are allowed"),
        ));
    }
    Ok(())
}

fn median(samples: &[(f64, f64)], from_s: f64, until_s: f64) -> f64 {
    let within = samples.iter().filter(|(s, _)| (from_s..until_s).contains(s));
    let mut mib: Vec<f64> = within.map(|sample| sample.1).collect();
    mib.sort_by(f64::total_cmp);
    mib.get(mib.len() / 2).copied().unwrap_or_default()
}

/// What is still to be done when the time is up.
struct Load {
    under_way: JoinSet<Result<Vec<(Instant, Act)>, Failure>>,
    /// What is to be done, soonest first; counted, because two may be due at once.
    agenda: BTreeMap<(Instant, u64), Act>,
    planned: u64,
    took: Duration,
}

impl Load {
    fn plan(&mut self, acts: Vec<(Instant, Act)>) {
        for (at, act) in acts {
            self.agenda.insert((at, self.planned), act);
            self.planned += 1;
        }
    }

    /// What is due now, if anything is.
    fn due(&mut self, now: Instant) -> Option<Act> {
        let first = self.agenda.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Takes up what ended.
    fn settle(&mut self) -> Result<(), Failure> {
        while let Some(ended) = self.under_way.try_join_next() {
            let follow = ended.map_err(Failure::failed)??;
            self.plan(follow);
        }
        if self.under_way.len() > UNDER_WAY_MAX {
            return Err(Failure::new(
                4,
                "the gateway does not keep up: give --per-s a smaller number",
            ));
        }
        Ok(())
    }

    fn begin(&mut self, soak: &Arc<Soak>, act: Act) {
        let soak = soak.clone();
        self.under_way.spawn(async move { soak.perform(act).await });
    }
}

/// One request with each tick: what follows of a rental when it is due, else another rental.
async fn load(soak: &Arc<Soak>, arguments: &Arguments) -> Result<Load, Failure> {
    let started = clock::monotonic();
    let most = Duration::from_secs_f64(arguments.minutes * 60.0);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / arguments.per_s.max(1));
    let mut load = Load {
        under_way: JoinSet::new(),
        agenda: BTreeMap::new(),
        planned: 0,
        took: Duration::ZERO,
    };
    let mut sampled_s = None;
    loop {
        ticks.tick().await;
        let now = clock::monotonic();
        load.took = now.duration_since(started);
        if load.took >= most {
            soak.sample(load.took.as_secs_f64())?;
            return Ok(load);
        }
        if sampled_s != Some(load.took.as_secs()) {
            sampled_s = Some(load.took.as_secs());
            soak.sample(load.took.as_secs_f64())?;
        }
        load.settle()?;
        let act = load.due(now).unwrap_or(Act::Rent);
        load.begin(soak, act);
    }
}

/// Does what is left, without another rental, and waits for what was owed.
async fn rest(soak: &Arc<Soak>, mut load: Load) -> Result<(), Failure> {
    let started = clock::monotonic();
    let left = |now: Instant| now.duration_since(started) < REST_MAX;
    loop {
        load.settle()?;
        let now = clock::monotonic();
        while let Some(act) = load.due(now) {
            load.begin(soak, act);
        }
        let is_done = load.agenda.is_empty() && load.under_way.is_empty() && soak.missing() == 0;
        if is_done {
            return Ok(());
        }
        if !left(now) {
            return Err(Failure::new(
                4,
                format!(
                    "after {} s {} things are to be done, {} under way, and {} events have not come",
                    REST_MAX.as_secs(),
                    load.agenda.len(),
                    load.under_way.len(),
                    soak.missing()
                ),
            ));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Soak {
    fn line(
        &self,
        arguments: &Arguments,
        (numbers, metered, took): (usize, usize, Duration),
        (middle, end): (f64, f64),
    ) -> Line {
        let counts = self.counts();
        Line {
            minutes: rounded(took.as_secs_f64() / 60.0),
            requests: counts.requests,
            requests_per_s: rounded(per_second(
                counts.requests,
                Duration::from_secs_f64(arguments.minutes * 60.0),
            )),
            rentals: self.events(0),
            codes: self.events(1),
            cancelled: self.events(2),
            expired: self.events(3),
            late_messages: self.events(4),
            duplicates: counts.duplicates,
            metered,
            numbers,
            faults: self.fault_count(),
            rss_mib_middle: rounded(middle),
            rss_mib_end: rounded(end),
            growth_mib: rounded(end - middle),
        }
    }
}
