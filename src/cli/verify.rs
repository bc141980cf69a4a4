//! `ringback verify`: figures of codes that a running gateway sent, and what abuse control has closed there.

mod preview;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Failure;
use super::operate::AdminAt;
use super::table::table;
use super::when::when;
use crate::core::time::UnixMs;

#[derive(Subcommand)]
pub enum Verify {
    /// List the blocks of numbers, countries and networks that get no codes now, and until when.
    Blocks {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// Open what `blocks` lists, or let a person guess again who was locked out by wrong codes.
    Unblock(Unblock),
    /// Show what a code would say, how many SMS that is, and what it would cost by whom. Nothing is sent.
    Preview(preview::Preview),
    /// List the text of every language, and how many SMS each is; offline.
    Texts(preview::Texts),
    /// Count an account's codes: sent, delivered, approved, failed, and what they cost.
    Figures(Figures),
}

#[derive(Args)]
pub struct Unblock {
    /// The account.
    #[arg(long, value_name = "ID")]
    account: String,
    /// sms, voice or whatsapp.
    #[arg(long, default_value = "sms")]
    channel: String,
    /// A block of numbers: a number without its last four digits.
    #[arg(long, value_name = "PREFIX", group = "what")]
    prefix: Option<String>,
    /// A country, by two letters.
    #[arg(long, value_name = "CC", group = "what")]
    country: Option<String>,
    /// A network of numbers: its mobile country code and network code.
    #[arg(long, value_name = "MCCMNC", group = "what")]
    network: Option<String>,
    /// A provider, where no network is known.
    #[arg(long, value_name = "NAME", group = "what")]
    provider: Option<String>,
    /// A person's number.
    #[arg(long, value_name = "NUMBER", group = "what", required_unless_present_any = ["prefix", "country", "network", "provider"])]
    to: Option<String>,
    #[command(flatten)]
    admin: AdminAt,
}

#[derive(Args)]
pub struct Figures {
    /// The account.
    #[arg(long, value_name = "ID")]
    account: String,
    /// Rows: some of country, prefix, channel, provider.
    #[arg(long, value_name = "LIST", default_value = "country,provider")]
    by: String,
    /// A time like 2026-11-21T19:00:00Z, or how long ago.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = when)]
    since: UnixMs,
    /// Print the gateway's answer as it is.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminAt,
}

pub async fn run(verify: Verify) -> Result<(), Failure> {
    match verify {
        Verify::Blocks { json, admin } => blocks(json, admin).await,
        Verify::Unblock(wish) => unblock(wish).await,
        Verify::Preview(wish) => preview::preview(wish).await,
        Verify::Texts(wish) => preview::texts(&wish),
        Verify::Figures(wish) => figures(wish).await,
    }
}

async fn blocks(json: bool, admin: AdminAt) -> Result<(), Failure> {
    let answer = admin.gateway()?.get("/admin/verify/blocks").await?.ok()?;
    if json {
        println!("{answer}");
        return Ok(());
    }
    let blocks = answer["blocks"].as_array().map_or(&[][..], Vec::as_slice);
    let columns = [
        "account", "channel", "country", "prefix", "network", "provider", "reason", "times", "until",
    ];
    print!("{}", table(&columns, blocks));
    Ok(())
}

async fn unblock(wish: Unblock) -> Result<(), Failure> {
    let mut body = Map::from_iter([("account".to_owned(), json!(wish.account))]);
    if wish.to.is_none() {
        body.insert("channel".into(), json!(wish.channel));
    }
    for (name, value) in [
        ("prefix", wish.prefix),
        ("country", wish.country),
        ("network", wish.network),
        ("provider", wish.provider),
        ("to", wish.to),
    ] {
        if let Some(value) = value {
            body.insert(name.into(), json!(value));
        }
    }
    let gateway = wish.admin.gateway()?;
    gateway
        .post("/admin/verify/unblock", &Value::Object(body))
        .await?
        .ok()?;
    println!("open again");
    Ok(())
}

async fn figures(wish: Figures) -> Result<(), Failure> {
    let Figures {
        account,
        by,
        since,
        json: is_json,
        admin,
    } = wish;
    let path = format!("/admin/verify/figures?account={account}&by={by}&since={since}");
    let answer = admin.gateway()?.get(&path).await?.ok()?;
    if is_json {
        println!("{answer}");
        return Ok(());
    }
    let mut rows = answer["rows"].as_array().cloned().unwrap_or_default();
    for row in &mut rows {
        let count = |name: &str| row[name].as_f64().unwrap_or_default();
        let share = match count("sent") {
            sent if sent > 0.0 => format!("{:.1}%", count("approved") / sent * 100.0),
            _ => String::new(),
        };
        row["conversion"] = json!(share);
    }
    let figures = ["sent", "delivered", "approved", "failed", "conversion", "cost"];
    let columns: Vec<&str> = by.split(',').chain(figures).collect();
    print!("{}", table(&columns, &rows));
    if answer["since"].as_str() != Some(since.to_string().as_str()) {
        eprintln!(
            "only codes since {} were counted: there are too many",
            answer["since"].as_str().unwrap_or_default()
        );
    }
    Ok(())
}
