//! `ringback bench`: load generator and sink inside, bounded in time; every figure beside its yardstick in one run, with its spread.

mod backlog;
mod bare;
mod deliver;
mod guesses;
mod ingest;
mod isolate;
mod load;
mod measure;
mod polls;
mod report;
mod scene;
mod server;
mod soak;
mod subscribers;
mod verify;
mod wake;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use measure::Machine;

#[derive(Subcommand)]
pub enum Bench {
    /// Durable signed messages per second, beside a bare hyper server.
    Ingest(ingest::Arguments),
    /// Time from a message's POST to the answer of the poll that waits for its code.
    Wake(wake::Arguments),
    /// Memory per held poll, beside a bare hyper server.
    Polls(polls::Arguments),
    /// Webhook deliveries per second to a local sink.
    Deliver(deliver::Arguments),
    /// What a subscriber that hangs costs the others: their delivery times with and without it.
    Isolate(isolate::Arguments),
    /// Memory, start and drain with a million deliveries owed.
    Backlog(backlog::Arguments),
    /// What it costs to verify and read one request of each carrier's dialect.
    Verify(verify::Arguments),
    /// What a guess at a code takes where there is one for the number and where there is none: whoever times them should learn nothing.
    Guesses(guesses::Arguments),
    /// Half an hour of rentals, messages, polls and cancels at a steady rate: nothing is lost or doubled, and memory stays flat.
    Soak(soak::Arguments),
    /// The measured side, started by the others.
    #[command(hide = true)]
    Server(server::Arguments),
}

/// What all benchmarks have in common.
#[derive(Args)]
pub struct Options {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Rounds that are counted; figures are their medians, with the extremes.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A folder on the disk to be measured; what is made in it is removed. The system's folder for temporary files by default.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    data: PathBuf,
}

impl Bench {
    fn json(&self) -> bool {
        match self {
            Self::Ingest(arguments) => arguments.options.json,
            Self::Wake(arguments) => arguments.options.json,
            Self::Polls(arguments) => arguments.options.json,
            Self::Deliver(arguments) => arguments.options.json,
            Self::Isolate(arguments) => arguments.options.json,
            Self::Backlog(arguments) => arguments.json,
            Self::Verify(arguments) => arguments.json,
            Self::Guesses(arguments) => arguments.options.json,
            Self::Soak(arguments) => arguments.json,
            Self::Server(_) => false,
        }
    }
}

pub async fn run(bench: Bench) -> Result<(), Failure> {
    let json = bench.json();
    // Read before the load, so that the load average is that of others.
    let machine = Machine::read();
    let report = match bench {
        Bench::Ingest(arguments) => ingest::run(arguments).await?,
        Bench::Wake(arguments) => wake::run(arguments).await?,
        Bench::Polls(arguments) => polls::run(arguments).await?,
        Bench::Deliver(arguments) => deliver::run(arguments).await?,
        Bench::Isolate(arguments) => isolate::run(arguments).await?,
        Bench::Backlog(arguments) => backlog::run(arguments).await?,
        Bench::Verify(arguments) => verify::run(&arguments)?,
        Bench::Guesses(arguments) => guesses::run(arguments).await?,
        Bench::Soak(arguments) => soak::run(arguments).await?,
        Bench::Server(arguments) => return server::run(arguments).await,
    };
    let command = std::iter::once("ringback".to_owned())
        .chain(std::env::args().skip(1))
        .collect::<Vec<_>>()
        .join(" ");
    if json {
        println!("{}", report.json(&machine, &command));
    } else {
        print!("{}", report.table(&machine, &command));
    }
    Ok(())
}
