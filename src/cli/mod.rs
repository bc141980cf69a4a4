//! The commands: what can be typed, and the exit codes (0 ok, 1 failed, 2 usage, 3 not found, 4 time-out, 5 refused, 6 unavailable,
//! 141 nobody reads the output any more).

mod accounts;
mod audit;
mod bench;
mod call;
mod console;
mod deliveries;
mod demo;
mod dev;
mod doctor;
mod extract;
mod inbound;
mod keys;
mod listen;
mod mcp;
mod numbers;
mod operate;
mod pipe;
mod replay;
mod send;
mod serve;
mod signature;
mod sim;
mod sources;
mod suppliers;
mod table;
mod trigger;
mod unmatched;
mod usage;
mod verify;
mod when;

use std::fmt;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "ringback",
    version,
    about = "A self-hosted event gateway for SMS and one-time codes."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway.
    Serve(serve::Serve),
    /// Run a gateway to try things on: keys, numbers and simulated carriers are made for the occasion.
    Dev(dev::Arguments),
    /// Show the whole way of one code in under ten seconds, and check every step of it.
    Demo(demo::Arguments),
    /// Play a carrier or its customers towards a running `ringback dev`.
    #[command(subcommand)]
    Sim(sim::Sim),
    /// Find the one-time code in a text.
    Extract(extract::Arguments),
    /// Check the extractor's language and service data.
    #[command(subcommand)]
    Otp(extract::Otp),
    /// List, show, judge and replay what carriers sent.
    #[command(subcommand)]
    Inbound(inbound::Inbound),
    /// Follow an account's events on the terminal, and forward them, signed, to a program on this machine.
    Listen(listen::Arguments),
    /// Make a test event happen: subscriptions, feed and `listen` get it.
    Trigger(trigger::Arguments),
    /// List, show and send again what subscriptions were sent or are owed.
    #[command(subcommand)]
    Deliveries(deliveries::Deliveries),
    /// Send again what was missed, at a pace; or count it first.
    Replay(replay::Arguments),
    /// Sign a webhook as Ringback does (Standard Webhooks), offline.
    Sign(signature::Sign),
    /// Check a received webhook's signature, offline, and say what is wrong with it.
    VerifySignature(signature::Verify),
    /// Add numbers to a running gateway, look at them, take them out of use and back into it.
    #[command(subcommand)]
    Numbers(numbers::Numbers),
    /// See and try the ways in of a running gateway.
    #[command(subcommand)]
    Sources(sources::Sources),
    /// See and try those who carry messages out.
    #[command(subcommand)]
    Send(send::Send),
    /// See who sells numbers to a running gateway, and how they fare.
    #[command(subcommand)]
    Suppliers(suppliers::Suppliers),
    /// See what codes say and cost, count those that were sent, and see and open what abuse control has closed.
    #[command(subcommand)]
    Verify(verify::Verify),
    /// Check and write out the log of codes that were sent and checked.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Find messages that belong to nobody, and give one to its rental.
    #[command(subcommand)]
    Unmatched(unmatched::Unmatched),
    /// Export what accounts used, for a billing system.
    #[command(subcommand)]
    Usage(usage::Usage),
    /// Make, list, disable and delete the accounts of a running gateway.
    #[command(subcommand)]
    Accounts(accounts::Accounts),
    /// Make, list, replace and revoke the API keys of a running gateway.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Give agents the four tools over standard input and output, through a running gateway.
    Mcp(mcp::Arguments),
    /// Measure this machine: ingest, wake-up, held polls, deliveries.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Look at the configuration, the data folder and the gateway that runs on it, and say what to do next; changes nothing.
    Doctor(doctor::Arguments),
    /// Check a configuration and say what is wrong with it.
    CheckConfig(serve::ConfigFile),
    /// Print the configuration that results from all layers.
    PrintConfig(serve::PrintConfig),
}

/// Why a command failed, with its exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Something went wrong that no other code names.
    fn failed(message: impl ToString) -> Self {
        Self::new(1, message.to_string())
    }

    /// What was found could not be written out.
    fn unwritten(error: std::io::Error) -> Self {
        let closed = error.kind() == std::io::ErrorKind::BrokenPipe;
        Self::new(if closed { pipe::CLOSED } else { 1 }, error.to_string())
    }

    fn usage(message: impl ToString) -> Self {
        Self::new(2, message.to_string())
    }

    fn unavailable(message: impl ToString) -> Self {
        Self::new(6, message.to_string())
    }
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match pipe::until_closed(|| run(arguments.command)) {
        None => ExitCode::from(pipe::CLOSED),
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(Failure {
            code: pipe::CLOSED, ..
        })) => ExitCode::from(pipe::CLOSED),
        Some(Err(failure)) => {
            eprintln!("ringback: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => block_on(serve::serve(arguments)),
        Command::Dev(arguments) => block_on(dev::run(arguments)),
        Command::Demo(arguments) => block_on(demo::run(arguments)),
        Command::Sim(sim) => block_on(sim::run(sim)),
        Command::Extract(arguments) => extract::run(&arguments),
        Command::Otp(otp) => extract::otp(otp),
        Command::Inbound(inbound) => block_on(inbound::run(inbound)),
        Command::Listen(arguments) => block_on(listen::run(arguments)),
        Command::Trigger(arguments) => block_on(trigger::run(arguments)),
        Command::Deliveries(deliveries) => block_on(deliveries::run(deliveries)),
        Command::Replay(arguments) => block_on(replay::run(arguments)),
        Command::Sign(sign) => signature::sign(sign),
        Command::VerifySignature(verify) => signature::verify(verify),
        Command::Numbers(numbers) => block_on(numbers::run(numbers)),
        Command::Sources(sources) => block_on(sources::run(sources)),
        Command::Send(command) => block_on(send::run(command)),
        Command::Suppliers(command) => block_on(suppliers::run(command)),
        Command::Verify(command) => block_on(verify::run(command)),
        Command::Audit(command) => block_on(audit::run(command)),
        Command::Unmatched(command) => block_on(unmatched::run(command)),
        Command::Usage(command) => block_on(usage::run(command)),
        Command::Accounts(command) => block_on(accounts::run(command)),
        Command::Keys(keys) => block_on(keys::run(keys)),
        Command::Mcp(arguments) => block_on(mcp::run(arguments)),
        Command::Bench(bench) => block_on(bench::run(bench)),
        Command::Doctor(arguments) => block_on(doctor::run(arguments)),
        Command::CheckConfig(file) => serve::check_config(file),
        Command::PrintConfig(arguments) => serve::print_config(arguments),
    }
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(Failure::failed)?.block_on(work)
}
