//! `ringback sim`: plays a carrier towards a running gateway, over a real socket and with a real signature.

pub mod carrier;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::call::{Gateway, Reply};
use super::{Failure, dev};
use crate::app::DevSource;
use crate::carrier::simulate::{Draft, SignedRequest, signed};
use crate::clock::{self, Clock};
use crate::config;
use crate::core::id::MessageId;

#[derive(Subcommand)]
pub enum Sim {
    /// Post an inbound SMS as its carrier would.
    Sms(Sms),
    /// Post an inbound SMS or a receipt to a `serve` gateway, as the carrier of one of its sources would.
    Carrier(carrier::Carrier),
}

#[derive(Args)]
pub struct Sms {
    /// The gateway; by default the dev gateway started last.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    /// Its API key; by default that of the dev gateway started last.
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// The number it is sent to.
    #[arg(long)]
    to: String,
    /// Who it is from: a number, a short code or a name.
    #[arg(long)]
    from: String,
    #[arg(long)]
    text: String,
    /// The carrier that brings it: loopback, telnyx, twilio, ... (`sources` of the dev gateway).
    #[arg(long, default_value = "loopback")]
    carrier: String,
    /// The carrier's id of the message; the same id again is a repetition.
    #[arg(long)]
    id: Option<String>,
}

pub async fn run(sim: Sim) -> Result<(), Failure> {
    let sms = match sim {
        Sim::Sms(sms) => sms,
        Sim::Carrier(arguments) => return carrier::run(arguments).await,
    };
    let (base, key) = gateway(sms.gateway.clone(), sms.api_key.clone())?;
    let gateway = Gateway::new(&base, &key)?;
    let sources = sources(&gateway).await?;
    let wanted = |source: &&DevSource| source.name == sms.carrier || source.signer.carrier() == sms.carrier;
    let names: Vec<&str> = sources.iter().map(|s| s.name.as_str()).collect();
    let source = sources
        .iter()
        .find(wanted)
        .ok_or_else(|| Failure::usage(format!("--carrier is one of {}", names.join(", "))))?;
    let id = sms.id.unwrap_or_else(|| MessageId(clock::random()).to_string());
    let now = Clock::System.now();
    let draft = Draft {
        id: id.clone(),
        from: sms.from,
        to: sms.to,
        text: sms.text,
        sent_at: now,
    };
    post_sms(&gateway, source, &draft).await?;
    println!("accepted: message {id} as {}", source.name);
    Ok(())
}

/// Signs the draft as this source's carrier and posts it.
pub async fn post_sms(gateway: &Gateway, source: &DevSource, draft: &Draft) -> Result<(), Failure> {
    let request = signed(&source.signer, draft, &source.public_url, Clock::System.now());
    post(gateway, source, request).await
}

/// Posts what this source's carrier signed.
async fn post(gateway: &Gateway, source: &DevSource, request: SignedRequest) -> Result<(), Failure> {
    let path = format!("/inbound/{}{}", source.name, added(source, &request));
    send(gateway, &path, request).await?.ok().map(drop)
}

/// What the simulated URL adds to the source's own: a path token, a query.
pub fn added<'a>(source: &DevSource, request: &'a SignedRequest) -> &'a str {
    let given = source.public_url.trim_end_matches('/');
    request.url.strip_prefix(given).unwrap_or_default()
}

/// Sends a request as it was signed, to this path.
pub async fn send(gateway: &Gateway, path: &str, request: SignedRequest) -> Result<Reply, Failure> {
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        let name = HeaderName::try_from(name.as_str()).map_err(Failure::failed)?;
        headers.push((
            name,
            HeaderValue::try_from(value.as_str()).map_err(Failure::failed)?,
        ));
    }
    let method = http::Method::from_bytes(request.method.as_bytes()).map_err(Failure::failed)?;
    gateway.send(method, path, headers, request.body.into()).await
}

/// The sources of a dev gateway with the keys to sign as their carriers.
pub async fn sources(gateway: &Gateway) -> Result<Vec<DevSource>, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        sources: Vec<DevSource>,
    }
    let reply = gateway.get("/api/dev/sources").await?;
    if reply.status == 404 {
        return Err(Failure::new(
            5,
            "this gateway is not `ringback dev`, so nobody can sign for its carriers",
        ));
    }
    let answer: Answer = serde_json::from_value(reply.ok()?).map_err(Failure::failed)?;
    Ok(answer.sources)
}

/// What `dev` leaves for `sim`.
#[derive(Deserialize)]
struct Last {
    base_url: String,
    api_key: String,
}

/// The gateway and key that were given, the rest as of the dev gateway started last.
pub fn gateway(base: Option<String>, key: Option<String>) -> Result<(String, String), Failure> {
    if let (Some(base), Some(key)) = (&base, &key) {
        return Ok((base.clone(), key.clone()));
    }
    let missing = || {
        Failure::usage(
            "no dev gateway was started here: start `ringback dev`, or give --gateway and --api-key",
        )
    };
    let text = std::fs::read_to_string(state_file()).map_err(|_| missing())?;
    let last: Last = serde_json::from_str(&text).map_err(|_| missing())?;
    Ok((base.unwrap_or(last.base_url), key.unwrap_or(last.api_key)))
}

/// Remembers this gateway as the one started last. It is a comfort: where it cannot be written, `sim` asks for flags.
pub fn remember(session: &dev::Session) {
    let path = state_file();
    if let Some(folder) = path.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    if let Ok(file) = options.open(&path) {
        let _ = serde_json::to_writer(file, &dev::facts(session));
    }
}

fn state_file() -> PathBuf {
    config::state_folder().join("dev.json")
}
