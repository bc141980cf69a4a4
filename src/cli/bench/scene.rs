//! What the benchmarks play: rented numbers, polls for their codes, subscriptions, and messages to them, signed ahead of time.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::load::{self, Connection, Ready};
use super::server::Server;
use crate::app::DevSource;
use crate::carrier::simulate::{Draft, signed};
use crate::cli::{Failure, call, sim};
use crate::clock::{self, Clock};
use crate::core::id::MessageId;
use crate::core::signature::{self, SigningKey};

/// Bytes of the body of an inbound POST.
pub const BODY_BYTES: usize = 700;
/// Connections that rent at once; more would only want the same numbers.
const RENTERS: usize = 16;
/// Seconds a poll is held, which bounds every benchmark that holds polls.
pub const WAIT_S: u64 = 60;

/// A rented number.
#[derive(Clone)]
pub struct Rented {
    pub id: String,
    pub number: String,
}

/// The carriers whose messages are measured, by the name of their source.
pub const SOURCES: [&str; 2] = ["loopback", "telnyx"];

/// A gateway under measurement and the keys of its simulated carriers.
pub struct Scene {
    pub server: Server,
    gateway: call::Gateway,
    sources: Vec<DevSource>,
}

impl Scene {
    pub async fn new(server: Server) -> Result<Self, Failure> {
        let gateway = call::Gateway::new(&server.base_url, &server.api_key)?;
        let sources = sim::sources(&gateway).await?;
        Ok(Self {
            server,
            gateway,
            sources,
        })
    }

    /// The same scene with its gateway stopped and started again; answers how long the start took.
    pub async fn restarted(mut self, numbers: usize) -> Result<(Self, Duration), Failure> {
        let took = self.server.restart(numbers).await?;
        Ok((Self::new(self.server).await?, took))
    }

    pub fn bearer(&self) -> Vec<(String, String)> {
        vec![("authorization".into(), format!("Bearer {}", self.server.api_key))]
    }

    /// Rents so many numbers.
    pub async fn rent(&self, count: usize) -> Result<Vec<Rented>, Failure> {
        let mut headers = self.bearer();
        headers.push(("content-type".into(), "application/json".into()));
        let wish = || {
            load::request(
                Method::POST,
                "/api/verifications",
                &headers,
                br#"{"serviceName":"google"}"#.to_vec(),
            )
        };
        let wishes = (0..count).map(|_| wish()).collect::<Result<Vec<_>, _>>()?;
        let mut renters = Connection::open_all(self.server.address, RENTERS).await?;
        let (_, answers) = load::drive(&mut renters, load::deal(wishes, RENTERS)).await?;
        answers.iter().map(|answer| rented(answer)).collect()
    }

    /// The request that waits for this rental's code.
    pub fn poll(&self, rental: &Rented) -> Result<Ready, Failure> {
        let path = format!("/api/verifications/{}/code?wait={WAIT_S}", rental.id);
        load::request(Method::GET, &path, &self.bearer(), Vec::new())
    }

    /// Subscribes these addresses to everything; answers the subscriptions' ids.
    pub async fn subscribe(&self, urls: &[String]) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::with_capacity(urls.len());
        for url in urls {
            let wish = json!({ "url": url, "events": ["*"] });
            let made = self.gateway.post("/api/webhooks", &wish).await?.ok()?;
            ids.extend(made["id"].as_str().map(str::to_owned));
        }
        Ok(ids)
    }

    /// Pauses or resumes subscriptions.
    pub async fn each(&self, subscriptions: &[String], change: &str) -> Result<(), Failure> {
        for id in subscriptions {
            let path = format!("/api/webhooks/{id}/{change}");
            self.gateway.post(&path, &json!({})).await?.ok()?;
        }
        Ok(())
    }

    /// One message with a code to each of these numbers in turn, `count` in all, each with an id of its own.
    pub fn messages(&self, source: &str, to: &[Rented], count: usize) -> Result<Vec<Ready>, Failure> {
        let source = self
            .sources
            .iter()
            .find(|s| s.name == source)
            .ok_or_else(|| Failure::failed("a simulated carrier is missing"))?;
        to.iter()
            .cycle()
            .take(count)
            .map(|rented| message(source, rented))
            .collect()
    }

    /// This text to this number, under this id of its carrier's.
    pub fn message(&self, to: &Rented, id: &str, text: String) -> Result<Ready, Failure> {
        let source = self.sources.iter().find(|s| s.name == SOURCES[0]);
        let source = source.ok_or_else(|| Failure::failed("a simulated carrier is missing"))?;
        let draft = Draft {
            id: id.to_owned(),
            from: "Google".into(),
            to: to.number.clone(),
            text,
            sent_at: Clock::System.now(),
        };
        posted(source, draft)
    }

    /// One gauge of the gateway's metrics.
    pub async fn gauge(&self, name: &str) -> Result<f64, Failure> {
        Ok(self.gauges(&[name]).await?[0])
    }

    /// Some of them, as they are at one moment.
    pub async fn gauges(&self, names: &[&str]) -> Result<Vec<f64>, Failure> {
        let address = self
            .server
            .admin_url
            .trim_start_matches("http://")
            .parse()
            .map_err(Failure::failed)?;
        let mut admin = Connection::open(address).await?;
        let text = admin
            .succeed(load::request(Method::GET, "/metrics", &[], Vec::new())?)
            .await?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let all: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once(' ')).collect();
        let value = |name: &&str| {
            let value = all.get(name).and_then(|value| value.parse().ok());
            value.ok_or_else(|| Failure::failed(format!("the metrics have no {name}")))
        };
        names.iter().map(value).collect()
    }

    /// Waits until a gauge is at least, or at most, this.
    pub async fn until(&self, gauge: &str, holds: impl Fn(f64) -> bool) -> Result<(), Failure> {
        let started = clock::monotonic();
        while !holds(self.gauge(gauge).await?) {
            if clock::monotonic().duration_since(started) > Duration::from_secs(WAIT_S) {
                return Err(Failure::new(
                    4,
                    format!("{gauge} did not get there within a minute"),
                ));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

fn rented(answer: &[u8]) -> Result<Rented, Failure> {
    let answer: Value = serde_json::from_slice(answer).map_err(Failure::failed)?;
    let text = |name: &str| {
        answer[name]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| Failure::failed("an answer lacks a member"))
    };
    Ok(Rented {
        id: text("id")?,
        number: text("number")?,
    })
}

/// A message with a code of its own.
fn message(source: &DevSource, to: &Rented) -> Result<Ready, Failure> {
    let random: [u8; 16] = clock::random();
    let text = format!(
        "G-{:06} is your Google verification code.",
        u32::from_be_bytes([0, random[0], random[1], random[2]]) % 1_000_000
    );
    let id = MessageId(random).to_string();
    let draft = Draft {
        id,
        from: "Google".into(),
        to: to.number.clone(),
        text,
        sent_at: Clock::System.now(),
    };
    posted(source, draft)
}

/// As its carrier posts it.
fn posted(source: &DevSource, draft: Draft) -> Result<Ready, Failure> {
    let now = draft.sent_at;
    let path = format!("/inbound/{}", source.name);
    if source.signer.carrier() == "standard_webhooks" {
        let body = padded(&draft);
        let at_s = i64::try_from(now.secs()).unwrap_or(i64::MAX);
        let key: SigningKey = serde_json::to_value(&source.signer)
            .ok()
            .and_then(|signer| signer["secret"].as_str()?.parse().ok())
            .ok_or_else(|| Failure::failed("the loopback carrier has no key"))?;
        let signature = signature::sign(&[key], &draft.id, at_s, &body);
        let headers = [
            ("content-type", "application/json".into()),
            ("webhook-id", draft.id),
            ("webhook-timestamp", at_s.to_string()),
            ("webhook-signature", signature),
        ];
        return load::request(
            Method::POST,
            &path,
            &headers.map(|(name, value)| (name.to_owned(), value)),
            body,
        );
    }
    let request = signed(&source.signer, &draft, &source.public_url, now);
    load::request(Method::POST, &path, &request.headers, request.body)
}

/// The body of a real carrier is longer than what we read of it: a member that we pass over fills it up.
fn padded(draft: &Draft) -> Vec<u8> {
    let sent_at = draft.sent_at.to_string();
    let body = |pad: &str| {
        let data = json!({ "id": draft.id, "from": draft.from, "to": draft.to, "text": draft.text, "received_at": sent_at, "carrier": pad });
        json!({ "type": "sms.received", "timestamp": sent_at, "data": data })
            .to_string()
            .into_bytes()
    };
    let short = BODY_BYTES.saturating_sub(body("").len());
    body(&"x".repeat(short))
}
