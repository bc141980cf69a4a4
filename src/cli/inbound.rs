//! `ringback inbound`: what carriers sent, why it was refused, and running it through again.

mod verify;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::operate::AdminAt;
use crate::core::id::CaptureId;

#[derive(Subcommand)]
pub enum Inbound {
    /// List the kept requests, newest first.
    Ls(List),
    /// Show one as JSON; with --content it is a file for `inbound verify --request`.
    Show {
        id: CaptureId,
        /// Show the body and the query too: they hold texts and codes.
        #[arg(long)]
        content: bool,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// Run one through again, after a fix; what is stored already stays as it is.
    Replay {
        id: CaptureId,
        /// Believe it although it was refused when it came and does not verify now.
        #[arg(long)]
        trust: bool,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// Judge a captured request, or a list of them, as the gateway would; needs no running gateway.
    Verify(verify::Arguments),
}

#[derive(Args)]
pub struct List {
    /// Only those of this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only those with this verdict.
    #[arg(long, value_parser = ["accept", "reject"])]
    verdict: Option<String>,
    /// How many, 1 to 100.
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// Those older than this one.
    #[arg(long, value_name = "ID")]
    before: Option<CaptureId>,
    #[command(flatten)]
    admin: AdminAt,
}

pub async fn run(inbound: Inbound) -> Result<(), Failure> {
    match inbound {
        Inbound::Ls(arguments) => list(arguments).await,
        Inbound::Show { id, content, admin } => {
            let path = format!("/admin/inbound/{id}?content={content}");
            let shown = admin.gateway()?.get(&path).await?.ok()?;
            println!(
                "{}",
                serde_json::to_string_pretty(&shown).map_err(Failure::failed)?
            );
            Ok(())
        }
        Inbound::Replay { id, trust, admin } => {
            let path = format!("/admin/inbound/{id}/replay");
            let replayed = admin
                .gateway()?
                .post(&path, &json!({ "trust": trust }))
                .await?
                .ok()?;
            println!("{}", told(&replayed));
            Ok(())
        }
        Inbound::Verify(arguments) => verify::run(arguments),
    }
}

async fn list(arguments: List) -> Result<(), Failure> {
    let wish = [
        ("source", arguments.source),
        ("verdict", arguments.verdict),
        ("cursor", arguments.before.map(|id| id.to_string())),
        ("limit", Some(arguments.limit.to_string())),
    ];
    let pairs = wish
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let found = arguments
        .admin
        .gateway()?
        .get(&format!("/admin/inbound?{query}"))
        .await?
        .ok()?;
    for request in found["requests"].as_array().into_iter().flatten() {
        let text = |name: &str| request[name].as_str().unwrap_or("-").to_owned();
        let count = request["messages"].as_array().map_or(0, Vec::len);
        println!(
            "{}  {}  {}  {}  {}  {} {} B  {count} messages",
            text("id"),
            text("arrivedAt"),
            text("source"),
            text("verdict"),
            text("reason"),
            text("method"),
            request["bodyBytes"]
        );
    }
    if let Some(cursor) = found["cursor"].as_str() {
        eprintln!("There may be more: --before {cursor}");
    }
    Ok(())
}

/// What a replay came to, in a sentence.
fn told(replayed: &Value) -> String {
    let why = match replayed["believed"].as_str() {
        Some("verified") => "it verifies",
        Some("recorded") => "it was accepted when it came",
        _ => "you trust it",
    };
    let count = replayed["messages"].as_array().map_or(0, Vec::len);
    format!(
        "replayed, because {why}: {count} messages, {} of them there already",
        replayed["known"]
    )
}
