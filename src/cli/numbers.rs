//! Commands for the inventory of a running gateway, through its admin listener: import, ls, show, share, quarantine, release, retire.

mod import;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::Failure;
use super::operate::AdminAt;

#[derive(Subcommand)]
pub enum Numbers {
    /// Add the numbers of a CSV file (header: number,country,price,capability,shared) or a JSON file (a list of such objects).
    Import {
        file: PathBuf,
        /// Import the good lines although others are wrong; those are told, and left out.
        #[arg(long)]
        skip_bad: bool,
        #[command(flatten)]
        admin: AdminAt,
    },
    /// List them in the order of their digits: number, country, state, until when, and which are shared by how many.
    Ls(Ls),
    /// Show one: its state, its latest rentals, what is held against it.
    Show(One),
    /// Let several rent one at once, one of each service; `--off`: one renter at a time. Whoever rents it keeps it to the end.
    Share {
        #[command(flatten)]
        one: One,
        #[arg(long)]
        off: bool,
    },
    /// Take one out of use. Whoever rents it keeps it to the end.
    Quarantine {
        #[command(flatten)]
        one: One,
        /// `operator`: until `release`. `carrier-error`: for a time that grows, as if the gateway had noticed it itself.
        #[arg(long, value_enum, default_value = "operator")]
        reason: Reason,
    },
    /// Take one into use again, quarantined or retired, with nothing held against it.
    Release(One),
    /// Take one out of use for good. Whoever rents it keeps it to the end.
    Retire(One),
}

#[derive(Args)]
pub struct One {
    /// As +12025550143.
    number: String,
    #[command(flatten)]
    admin: AdminAt,
}

#[derive(Args)]
pub struct Ls {
    /// Only those in this state: free, reserved, active, cooling, quarantined, retired.
    #[arg(long)]
    state: Option<String>,
    /// Only those of this country, ISO 3166-1 alpha-2.
    #[arg(long)]
    country: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// One JSON object per line, as the gateway tells it.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminAt,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Reason {
    Operator,
    CarrierError,
}

pub async fn run(command: Numbers) -> Result<(), Failure> {
    match command {
        Numbers::Import {
            file,
            skip_bad,
            admin,
        } => import::run(&file, skip_bad, admin).await,
        Numbers::Ls(wish) => list(wish).await,
        Numbers::Show(one) => {
            let path = path(&one.number, "");
            println!("{:#}", one.admin.gateway()?.get(&path).await?.ok()?);
            Ok(())
        }
        Numbers::Quarantine { one, reason } => {
            let reason = match reason {
                Reason::Operator => "operator",
                Reason::CarrierError => "carrier_error",
            };
            change(one, "/quarantine", &json!({ "reason": reason })).await
        }
        Numbers::Share { one, off } => change(one, "/share", &json!({ "shared": !off })).await,
        Numbers::Release(one) => change(one, "/release", &json!({})).await,
        Numbers::Retire(one) => change(one, "/retire", &json!({})).await,
    }
}

fn path(number: &str, act: &str) -> String {
    let number: String = form_urlencoded::byte_serialize(number.as_bytes()).collect();
    format!("/admin/numbers/{number}{act}")
}

async fn change(one: One, act: &str, wish: &Value) -> Result<(), Failure> {
    let path = path(&one.number, act);
    let shown = one.admin.gateway()?.post(&path, wish).await?.ok()?;
    println!("{}", line(&shown));
    Ok(())
}

/// Asks for page after page.
async fn list(wish: Ls) -> Result<(), Failure> {
    let gateway = wish.admin.gateway()?;
    let (mut left, mut cursor) = (wish.limit, None::<String>);
    while left > 0 {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &left.min(100).to_string());
        let filters = [
            ("state", &wish.state),
            ("country", &wish.country),
            ("cursor", &cursor),
        ];
        for (name, value) in filters {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let page = gateway
            .get(&format!("/admin/numbers?{}", query.finish()))
            .await?
            .ok()?;
        let numbers = page["numbers"].as_array().map_or(&[][..], Vec::as_slice);
        for number in numbers {
            println!(
                "{}",
                if wish.json {
                    number.to_string()
                } else {
                    line(number)
                }
            );
        }
        left = left.saturating_sub(numbers.len());
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    if cursor.is_some() {
        eprintln!("there are more: ask with a higher --limit");
    }
    Ok(())
}

/// One line: number, country, state, and what of the rest there is.
fn line(number: &Value) -> String {
    let text = |name: &str| number[name].as_str().unwrap_or_default();
    let mut line = format!("{}  {}  {}", text("number"), text("country"), text("state"));
    for (before, name) in [("by ", "reason"), ("until ", "until")] {
        if number[name].is_string() {
            line += &format!("  {before}{}", text(name));
        }
    }
    match (number["rentals"].as_u64(), number["shared"].as_bool()) {
        (Some(rentals), _) => line += &format!("  shared by {rentals}"),
        (None, Some(true)) => line += "  shared",
        _ => {}
    }
    line
}
