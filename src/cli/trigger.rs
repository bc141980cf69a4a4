//! `ringback trigger`: a test event of any type on a running gateway, to everyone who hears that type or to one subscription.

use clap::Args;
use serde_json::json;

use super::Failure;
use super::call::GatewayAt;

#[derive(Args)]
pub struct Arguments {
    /// The event type, such as verification.code_received.
    #[arg(value_name = "EVENT")]
    kind: String,
    /// Call this subscription alone, once, and show what came of it.
    #[arg(long, value_name = "ID")]
    subscription: Option<String>,
    #[command(flatten)]
    at: GatewayAt,
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let gateway = arguments.at.gateway()?;
    let wish = json!({ "type": arguments.kind });
    let Some(id) = arguments.subscription else {
        let made = gateway.post("/api/events/test", &wish).await?.ok()?;
        println!(
            "{} {}",
            made["type"].as_str().unwrap_or_default(),
            made["id"].as_str().unwrap_or_default()
        );
        return Ok(());
    };
    let tried = gateway
        .post(&format!("/api/webhooks/{id}/test"), &wish)
        .await?
        .ok()?;
    println!("{tried}");
    if tried["delivered"] == true {
        return Ok(());
    }
    let detail = tried["detail"].as_str().unwrap_or_default();
    Err(Failure::failed(format!(
        "the subscriber did not take it: {detail}"
    )))
}
