//! Commands for messages that belong to nobody, through the admin listener of a running gateway: look at them, give one to a rental.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::operate::AdminAt;

#[derive(Subcommand)]
pub enum Unmatched {
    /// List them, newest first: id, time, number, sender, reason. The text only with --json.
    Ls(Ls),
    /// Give one to the rental that it was meant for, once.
    Assign {
        /// The message, as `ls` shows it.
        message: String,
        /// The account that has the rental.
        #[arg(long)]
        account: String,
        /// The rental, which the API calls a verification.
        #[arg(long)]
        rental: String,
        #[command(flatten)]
        admin: AdminAt,
    },
}

#[derive(Args)]
pub struct Ls {
    /// Only those that came to this number.
    #[arg(long)]
    number: Option<String>,
    /// Only those of this sender.
    #[arg(long)]
    from: Option<String>,
    /// Only those that came in by this source.
    #[arg(long)]
    source: Option<String>,
    /// Only those with this reason: unknown_number, bad_number, no_rental, expired, cancelled, ambiguous.
    #[arg(long)]
    reason: Option<String>,
    /// How many, 1 to 100.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Go on after the page before, with the cursor that it showed.
    #[arg(long)]
    cursor: Option<String>,
    /// The gateway's answer as it is, with the texts.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminAt,
}

pub async fn run(command: Unmatched) -> Result<(), Failure> {
    match command {
        Unmatched::Ls(wish) => list(wish).await,
        Unmatched::Assign {
            message,
            account,
            rental,
            admin,
        } => {
            if message.parse::<crate::core::id::MessageId>().is_err() {
                return Err(Failure::usage(
                    "a message is msg_ and 32 digits, as `ls` shows it",
                ));
            }
            let path = format!("/admin/unmatched/{message}/assign");
            let wish = json!({ "account": account, "verificationId": rental });
            let answer = admin.gateway()?.post(&path, &wish).await?.ok()?;
            let code = if answer["codeFound"] == true {
                "with a code"
            } else {
                "without a code"
            };
            let late = if answer["late"] == true { ", late" } else { "" };
            println!("{message} belongs to {rental} now, {code}{late}");
            Ok(())
        }
    }
}

async fn list(wish: Ls) -> Result<(), Failure> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &wish.limit.to_string());
    let filters = [
        ("number", wish.number),
        ("from", wish.from),
        ("source", wish.source),
        ("reason", wish.reason),
        ("cursor", wish.cursor),
    ];
    for (name, value) in filters {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    let path = format!("/admin/unmatched?{}", query.finish());
    let answer = wish.admin.gateway()?.get(&path).await?.ok()?;
    if wish.json {
        println!("{answer}");
        return Ok(());
    }
    for message in answer["messages"].as_array().into_iter().flatten() {
        println!("{}", line(message));
    }
    if let Some(next) = answer["nextCursor"].as_str() {
        println!("more: --cursor {next}");
    }
    Ok(())
}

/// One line; what stands in it comes from outside, so nothing that drives a terminal is let through.
fn line(message: &Value) -> String {
    let fields = ["id", "receivedAt", "number", "from", "reason", "source"];
    let texts = fields.map(|name| message[name].as_str().unwrap_or_default());
    texts.join("  ").chars().filter(|c| !c.is_control()).collect()
}
