//! `ringback send`: the providers of a running gateway as its operator wants to see them, and a message to try one.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::operate::AdminAt;

#[derive(Subcommand)]
pub enum Send {
    /// List the providers: kind, channel, who hears their reports, how they fare.
    Ls {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// Send one message by a provider and say what came of it. It is a real message, and costs what it costs.
    Test(Test),
}

#[derive(Args)]
pub struct Test {
    /// The provider.
    #[arg(long, value_name = "NAME")]
    provider: String,
    /// A number such as +12025550143, or an e-mail address.
    #[arg(long, value_name = "RECIPIENT")]
    to: String,
    /// What it says.
    #[arg(long, default_value = "This is a test of Ringback. Your test code is 123456.")]
    text: String,
    /// The code in the text: a call says it digit by digit, a WhatsApp template carries it alone.
    #[arg(long, default_value = "123456")]
    code: String,
    /// The text's language, such as en or pt-BR.
    #[arg(long, default_value = "en")]
    language: String,
    /// The account that hears what becomes of it, as events outbound.*.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Say what it would be and cost, and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the gateway's answer as it is.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminAt,
}

pub async fn run(send: Send) -> Result<(), Failure> {
    match send {
        Send::Ls { json, admin } => ls(json, admin).await,
        Send::Test(test) => try_out(test).await,
    }
}

async fn ls(json: bool, admin: AdminAt) -> Result<(), Failure> {
    let answer = admin.gateway()?.get("/admin/providers").await?.ok()?;
    if json {
        println!("{answer}");
        return Ok(());
    }
    let providers = answer["providers"].as_array().map_or(&[][..], Vec::as_slice);
    if providers.is_empty() {
        println!("no [[provider]] is configured, so nothing can be sent");
    }
    for provider in providers {
        let text = |name: &str| provider[name].as_str().unwrap_or_default();
        let rests = match provider["restsMs"].as_u64() {
            Some(ms) => format!(" for {} s more", ms.div_ceil(1000)),
            None => String::new(),
        };
        println!(
            "{} ({}, {})\n  reports   by source {}\n  fares     {}{rests}",
            text("name"),
            text("kind"),
            text("channel"),
            text("source"),
            text("standing"),
        );
    }
    Ok(())
}

async fn try_out(test: Test) -> Result<(), Failure> {
    let path = format!("/admin/providers/{}/tests", test.provider);
    let mut wish = json!({ "to": test.to, "text": test.text, "code": test.code, "language": test.language, "subject": "Test of Ringback" });
    if test.dry_run {
        wish["dryRun"] = true.into();
    }
    if let Some(account) = test.account {
        wish["account"] = account.into();
    }
    let answer = test.admin.gateway()?.post(&path, &wish).await?.ok()?;
    if test.json {
        println!("{answer}");
    } else {
        print!("{}", shown(&answer));
    }
    match answer["outcome"].as_str() {
        Some("accepted" | "dry_run") => Ok(()),
        Some("unknown") => Err(Failure::new(
            4,
            "the message may be on its way: look at the provider's own log before you send it again",
        )),
        _ => Err(Failure::new(5, format!("not sent: {}", advice(&answer)))),
    }
}

fn shown(answer: &Value) -> String {
    let mut text = format!(
        "{} by {}\n",
        answer["outcome"].as_str().unwrap_or_default(),
        answer["provider"].as_str().unwrap_or_default()
    );
    for (label, name) in [
        ("id", "carrierMessageId"),
        ("class", "class"),
        ("code", "code"),
        ("reason", "reason"),
        ("wait", "retryAfterSeconds"),
        ("coding", "encoding"),
        ("sms", "segments"),
        ("cost", "cost"),
        ("price", "carrierPrice"),
        ("events", "outboundId"),
    ] {
        match &answer[name] {
            Value::Null => {}
            Value::String(value) => text.push_str(&format!("  {label:<7} {value}\n")),
            value => text.push_str(&format!("  {label:<7} {value}\n")),
        }
    }
    text
}

/// What to do about a refusal.
fn advice(answer: &Value) -> &'static str {
    match answer["class"].as_str().unwrap_or_default() {
        "invalid_recipient" => "the number or address cannot be reached this way; check it",
        "unreachable" => "the number is not reachable now; try later or by another channel",
        "opted_out" => "the person refused messages of this sender; they have to allow them again",
        "destination_not_allowed" => "allow this country or network at the provider",
        "rate_limited" => "too many messages; wait, or lower per_second_max",
        "no_credit" => "top up the account at the provider",
        "unauthorized" => "check the provider's keys in the configuration",
        "carrier_down" => "nothing went out; the provider was not reached or does not work, try again",
        "content_refused" => "the provider does not carry this text; change it",
        _ => "check the provider's settings, its sender above all",
    }
}
