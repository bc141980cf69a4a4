//! `ringback replay`: sends again what a subscription missed, or counts it first; follows how far it is, lists and cancels replays.

mod bar;

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::bar::Bar;
use super::Failure;
use super::call::{Gateway, GatewayAt};
use super::table::table;
use super::when::when;
use crate::core::id::{ReplayId, SubscriptionId};
use crate::core::time::UnixMs;

/// Between two looks at a replay.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Looks without an answer after which it is given up to follow; the gateway may be starting anew.
const UNANSWERED_MAX: u32 = 100;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    wish: Wish,
}

#[derive(Subcommand)]
enum Command {
    /// List replays, newest first.
    Ls {
        /// The gateway's answer as it is.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: GatewayAt,
    },
    /// Show one.
    Show {
        id: ReplayId,
        /// Follow it to its end.
        #[arg(long)]
        watch: bool,
        /// The gateway's answer as it is.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: GatewayAt,
    },
    /// End one; what it asked for so far goes out.
    Cancel {
        id: ReplayId,
        /// The gateway's answer as it is.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: GatewayAt,
    },
}

#[derive(Args)]
struct Wish {
    /// Of events from then on: a time, or how long ago, like 2h. The oldest that is kept where absent.
    #[arg(long, value_parser = when)]
    since: Option<UnixMs>,
    /// Of events up to then; now where absent.
    #[arg(long, value_parser = when)]
    until: Option<UnixMs>,
    /// Only what stands so, with commas between: delivered, pending, held, exhausted, expired, aborted.
    #[arg(long, value_delimiter = ',')]
    status: Vec<String>,
    /// Only events of these types, with commas between, such as verification.*
    #[arg(long = "type", value_name = "PATTERNS", value_delimiter = ',')]
    types: Vec<String>,
    /// Only to this subscription.
    #[arg(long, value_name = "ID")]
    subscription: Option<SubscriptionId>,
    /// Only what was never delivered, although the subscription wanted it then or wants it now.
    #[arg(long)]
    missing_only: bool,
    /// Only count it, and show the first few.
    #[arg(long)]
    dry_run: bool,
    /// Deliveries a second, at most; as many as outbound.replay_per_s allows where absent.
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// The gateway's answer at its end as it is.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: GatewayAt,
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        None => begin(arguments.wish).await,
        Some(Command::Ls { json, at }) => list(&at.gateway()?, json).await,
        Some(Command::Show { id, watch, json, at }) => {
            let gateway = at.gateway()?;
            if watch {
                return follow_to_end(&gateway, &id.to_string(), json).await;
            }
            let shown = gateway.get(&format!("/api/replays/{id}")).await?.ok()?;
            print(&shown, json);
            Ok(())
        }
        Some(Command::Cancel { id, json, at }) => {
            let path = format!("/api/replays/{id}/cancel");
            let cancelled = at.gateway()?.post(&path, &json!({})).await?.ok()?;
            print(&cancelled, json);
            Ok(())
        }
    }
}

async fn begin(wish: Wish) -> Result<(), Failure> {
    let gateway = wish.at.gateway()?;
    let mut body = json!({
        "status": wish.status,
        "types": wish.types,
        "missingOnly": wish.missing_only,
        "dryRun": wish.dry_run,
    });
    let options = [
        ("since", wish.since.map(|at| json!(at.to_string()))),
        ("until", wish.until.map(|at| json!(at.to_string()))),
        ("subscription", wish.subscription.map(|id| json!(id.to_string()))),
        ("ratePerS", wish.rate.map(|rate| json!(rate))),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    let made = gateway.post("/api/replays", &body).await?.ok()?;
    let id = made["id"].as_str().unwrap_or_default();
    follow_to_end(&gateway, id, wish.json).await
}

/// Follows a replay. On Ctrl-C it goes on without us.
async fn follow_to_end(gateway: &Gateway, id: &str, json: bool) -> Result<(), Failure> {
    let mut bar = Bar::default();
    tokio::select! {
        ended = follow(gateway, id, &mut bar) => {
            let ended = ended?;
            bar.clear();
            print(&ended, json);
        }
        _ = tokio::signal::ctrl_c() => {
            bar.clear();
            eprintln!("the replay goes on: `ringback replay show {id} --watch` follows it, `ringback replay cancel {id}` ends it");
        }
    }
    Ok(())
}

async fn follow(gateway: &Gateway, id: &str, bar: &mut Bar) -> Result<Value, Failure> {
    let mut unanswered = 0;
    loop {
        match gateway.get(&format!("/api/replays/{id}")).await {
            Ok(reply) if reply.status != 503 => {
                let shown = reply.ok()?;
                if shown["status"] != "running" {
                    return Ok(shown);
                }
                bar.show(&shown);
                unanswered = 0;
            }
            Err(failure) if unanswered >= UNANSWERED_MAX => return Err(failure),
            Ok(_) | Err(_) => unanswered += 1,
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn list(gateway: &Gateway, json: bool) -> Result<(), Failure> {
    let all = gateway.get("/api/replays").await?.ok()?;
    if json {
        println!("{all}");
        return Ok(());
    }
    let columns = [
        "id",
        "createdAt",
        "status",
        "dryRun",
        "progress",
        "deliveries",
        "events",
    ];
    match all["replays"].as_array() {
        Some(all) if !all.is_empty() => print!("{}", table(&columns, all)),
        _ => println!("there is no replay yet: ringback replay --dry-run counts what one would send"),
    }
    Ok(())
}

fn print(shown: &Value, json: bool) {
    if json {
        println!("{shown}");
        return;
    }
    let text = |name: &str| shown[name].as_str().unwrap_or("-").to_owned();
    let did = if shown["dryRun"] == true {
        "would ask for"
    } else {
        "asked for"
    };
    println!(
        "{} {}: {did} {} deliveries of {} events, up to {}",
        text("id"),
        text("status"),
        shown["deliveries"],
        shown["events"],
        text("readTo"),
    );
    for one in shown["sample"].as_array().into_iter().flatten() {
        let text = |name: &str| one[name].as_str().unwrap_or("-");
        println!(
            "  {}  {}  {}",
            text("id"),
            text("createdAt"),
            text("subscription")
        );
    }
    if shown["status"] == "limited" {
        println!("it came to its limit; go on with --since {}", text("readTo"));
    }
}
