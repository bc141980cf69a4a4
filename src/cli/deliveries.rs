//! `ringback deliveries`: how what a subscription was sent or is owed stands, one delivery with its attempts, and one sent again.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::{Gateway, GatewayAt};
use super::table::table;
use super::when::when;
use crate::core::id::{DeliveryId, EventId, SubscriptionId};
use crate::core::time::UnixMs;

#[derive(Subcommand)]
pub enum Deliveries {
    /// List them, newest first.
    Ls(List),
    /// Show one, with its attempts.
    Show(One),
    /// Send one again, with all attempts, beside the automatic delivery.
    Retry(One),
}

#[derive(Args)]
pub struct List {
    /// Those of this subscription; where the account has only one, it is that.
    #[arg(long, value_name = "ID")]
    subscription: Option<SubscriptionId>,
    /// Only these, with commas between: delivered, pending, held, exhausted, expired, aborted.
    #[arg(long)]
    status: Option<String>,
    /// Only events of these types, with commas between, such as verification.*
    #[arg(long = "type", value_name = "PATTERNS")]
    types: Option<String>,
    /// Only this event: the webhook-id that its receiver saw.
    #[arg(long, value_name = "ID")]
    event: Option<EventId>,
    /// Of events from then on: a time, or how long ago, like 2h.
    #[arg(long, value_parser = when)]
    since: Option<UnixMs>,
    /// Of events up to then.
    #[arg(long, value_parser = when)]
    until: Option<UnixMs>,
    /// How many, 1 to 100.
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// Go on after the page before, with the cursor that it showed.
    #[arg(long)]
    cursor: Option<String>,
    /// The gateway's answer as it is.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: GatewayAt,
}

#[derive(Args)]
pub struct One {
    /// The delivery as `ls` shows it (dlv_..), or its event: the webhook-id that the receiver saw (evt_..).
    id: String,
    /// To this subscription; only needed where several heard the event.
    #[arg(long, value_name = "ID")]
    subscription: Option<SubscriptionId>,
    /// The gateway's answer as it is.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: GatewayAt,
}

pub async fn run(deliveries: Deliveries) -> Result<(), Failure> {
    match deliveries {
        Deliveries::Ls(wish) => list(wish).await,
        Deliveries::Show(wish) => show(wish).await,
        Deliveries::Retry(wish) => retry(wish).await,
    }
}

fn text(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn list(wish: List) -> Result<(), Failure> {
    let gateway = wish.at.gateway()?;
    let all = subscriptions(&gateway, wish.subscription).await?;
    let [subscription] = all.as_slice() else {
        return Err(which(&all));
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &wish.limit.to_string());
    let filters = [
        ("status", wish.status),
        ("types", wish.types),
        ("event", wish.event.map(|event| event.to_string())),
        ("since", wish.since.map(|at| at.to_string())),
        ("until", wish.until.map(|at| at.to_string())),
        ("cursor", wish.cursor),
    ];
    for (name, value) in filters {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    let path = format!("/api/webhooks/{subscription}/deliveries?{}", query.finish());
    let found = gateway.get(&path).await?.ok()?;
    if wish.json {
        println!("{found}");
        return Ok(());
    }
    let columns = [
        "id",
        "createdAt",
        "eventType",
        "status",
        "attempts",
        "responseCode",
    ];
    match found["deliveries"].as_array() {
        Some(all) if !all.is_empty() => print!("{}", table(&columns, all)),
        _ => println!("nothing found here"),
    }
    if let Some(next) = found["nextCursor"].as_str() {
        println!("more: --cursor {next}");
    }
    Ok(())
}

async fn show(wish: One) -> Result<(), Failure> {
    let gateway = wish.at.gateway()?;
    let path = find(&gateway, &wish.id, wish.subscription).await?;
    let shown = gateway.get(&path).await?.ok()?;
    if wish.json {
        println!("{shown}");
        return Ok(());
    }
    for name in [
        "id",
        "eventId",
        "eventType",
        "createdAt",
        "status",
        "attempts",
        "detail",
    ] {
        println!(
            "{:10} {}",
            name,
            text(&shown, name).replace(char::is_control, " ")
        );
    }
    for owed in shown["owed"].as_array().into_iter().flatten() {
        println!(
            "{:10} {}, due {}",
            "owed",
            text(owed, "trigger"),
            text(owed, "dueAt")
        );
    }
    let columns = [
        "number",
        "startedAt",
        "trigger",
        "class",
        "responseCode",
        "status",
        "advice",
    ];
    if let Some(log) = shown["attemptLog"].as_array().filter(|log| !log.is_empty()) {
        print!("\n{}", table(&columns, log));
    }
    Ok(())
}

async fn retry(wish: One) -> Result<(), Failure> {
    let gateway = wish.at.gateway()?;
    let path = find(&gateway, &wish.id, wish.subscription).await?;
    let asked = gateway.post(&format!("{path}/retry"), &json!({})).await?.ok()?;
    if wish.json {
        println!("{asked}");
    } else if asked["status"] == "held" {
        println!("{} goes out when its subscription is resumed", text(&asked, "id"));
    } else {
        println!(
            "{} is sent again; `ringback deliveries show` says what comes of it",
            text(&asked, "id")
        );
    }
    Ok(())
}

/// The named subscription, or all of the account.
async fn subscriptions(
    gateway: &Gateway,
    named: Option<SubscriptionId>,
) -> Result<Vec<SubscriptionId>, Failure> {
    if let Some(id) = named {
        return Ok(vec![id]);
    }
    let all = gateway.get("/api/webhooks").await?.ok()?;
    let ids = all["webhooks"].as_array().into_iter().flatten();
    Ok(ids.filter_map(|one| one["id"].as_str()?.parse().ok()).collect())
}

fn which(all: &[SubscriptionId]) -> Failure {
    let ids: Vec<String> = all.iter().map(ToString::to_string).collect();
    match ids.as_slice() {
        [] => Failure::new(3, "the account has no subscription"),
        _ => Failure::usage(format!(
            "say which subscription with --subscription: {}",
            ids.join(", ")
        )),
    }
}

/// The path of a delivery.
async fn find(gateway: &Gateway, id: &str, named: Option<SubscriptionId>) -> Result<String, Failure> {
    let all = subscriptions(gateway, named).await?;
    let mut found = Vec::new();
    if let Ok(delivery) = id.parse::<DeliveryId>() {
        let of_it = all
            .iter()
            .filter(|subscription| delivery.event(**subscription).is_some());
        found.extend(of_it.map(|subscription| (*subscription, delivery.to_string())));
    } else if let Ok(event) = id.parse::<EventId>() {
        for subscription in all {
            let delivery = find_event(gateway, subscription, event).await?;
            found.extend(delivery.map(|delivery| (subscription, delivery)));
        }
    } else {
        return Err(Failure::usage(
            "a delivery is dlv_ and 32 digits, its event evt_ and 32 digits",
        ));
    }
    match found.as_slice() {
        [(subscription, delivery)] => Ok(format!("/api/webhooks/{subscription}/deliveries/{delivery}")),
        [] => Err(Failure::new(
            3,
            format!("no subscription of this account has the delivery {id}"),
        )),
        several => Err(which(&several.iter().map(|(id, _)| *id).collect::<Vec<_>>())),
    }
}

/// Pages through the deliveries until that of the event.
async fn find_event(
    gateway: &Gateway,
    subscription: SubscriptionId,
    event: EventId,
) -> Result<Option<String>, Failure> {
    let mut cursor = String::new();
    loop {
        let path = format!("/api/webhooks/{subscription}/deliveries?event={event}&limit=1{cursor}");
        let page = gateway.get(&path).await?.ok()?;
        if let Some(id) = page["deliveries"][0]["id"].as_str() {
            return Ok(Some(id.to_owned()));
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(None),
        }
    }
}
