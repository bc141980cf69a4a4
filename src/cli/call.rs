//! How the commands call a gateway: the product's own HTTP client, allowed to go where its user points it.

use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use url::Url;

use super::{Failure, sim};
use crate::app::{Call, Client, ClientOptions, Outcome, Policy, Sender, check_url};
use crate::config;

/// Bytes of an answer that are read.
const REPLY_BYTES_MAX: usize = 8 << 20;

/// An answer: its status, the first 4 KiB of its header fields, and its body as JSON (null where it has none) and as it came.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Value,
    pub bytes: Bytes,
}

impl Reply {
    /// The body of a 2xx; else what the gateway said.
    pub fn ok(self) -> Result<Value, Failure> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let code = match self.status {
            404 => 3,
            429 | 500..=599 => 6,
            _ => 5,
        };
        let detail = self.body["detail"]
            .as_str()
            .or(self.body["title"].as_str())
            .unwrap_or("no reason given");
        Err(Failure::new(
            code,
            format!("the gateway answered {}: {detail}", self.status),
        ))
    }
}

/// A client that may go where its user points it, and nowhere else: no redirects, no proxies.
pub fn client(url: &Url, reply_bytes_max: usize) -> Result<(Client, Policy), Failure> {
    let everywhere = ["0.0.0.0/0", "::/0"]
        .iter()
        .filter_map(|cidr| cidr.parse().ok())
        .collect();
    let policy = Policy {
        allow_http: true,
        allow_loopback: true,
        allow_cidrs: everywhere,
        ports: url.port_or_known_default().into_iter().collect(),
        own_listeners: Vec::new(),
    };
    let mut options = ClientOptions::new(policy.clone());
    options.reply_bytes_max = reply_bytes_max;
    Ok((Client::new(options).map_err(Failure::failed)?, policy))
}

/// Which gateway a customer's command calls, and with which key.
#[derive(Args)]
pub struct GatewayAt {
    /// The gateway; by default the dev gateway started last.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    /// Its API key, or env:NAME or file:PATH to read it from; by default that of the dev gateway started last.
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
}

impl GatewayAt {
    pub fn gateway(self) -> Result<Gateway, Failure> {
        let key = self.api_key.map(|key| config::secret(&key)).transpose();
        let (base, key) = sim::gateway(self.gateway, key.map_err(Failure::usage)?)?;
        Gateway::new(&base, &key)
    }
}

/// A gateway and the key for it.
pub struct Gateway {
    client: Client,
    policy: Policy,
    base: String,
    bearer: String,
}

impl Gateway {
    pub fn new(base: &str, bearer: &str) -> Result<Self, Failure> {
        let url = Url::parse(base).map_err(|e| Failure::usage(format!("{base}: {e}")))?;
        let (client, policy) = client(&url, REPLY_BYTES_MAX)?;
        Ok(Self {
            client,
            policy,
            base: base.trim_end_matches('/').to_owned(),
            bearer: bearer.to_owned(),
        })
    }

    pub async fn get(&self, path: &str) -> Result<Reply, Failure> {
        self.send(Method::GET, path, Vec::new(), Bytes::new()).await
    }

    /// As `get`, and gives up after this time.
    pub async fn get_within(&self, path: &str, time: Duration) -> Result<Reply, Failure> {
        let late = |_| Failure::unavailable(format!("{}: no answer within {} s", self.base, time.as_secs()));
        tokio::time::timeout(time, self.get(path)).await.map_err(late)?
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Reply, Failure> {
        self.send_json(Method::POST, path, body).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Result<Reply, Failure> {
        self.send_json(Method::PATCH, path, body).await
    }

    async fn send_json(&self, method: Method, path: &str, body: &Value) -> Result<Reply, Failure> {
        let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(method, path, vec![json], body.to_string().into()).await
    }

    /// Sends a request with these header fields besides the key.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        mut headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
    ) -> Result<Reply, Failure> {
        let url = format!("{}{path}", self.base);
        let target = check_url(&url, &self.policy).map_err(Failure::usage)?;
        if !headers.iter().any(|(name, _)| name == AUTHORIZATION) {
            let bearer = HeaderValue::try_from(format!("Bearer {}", self.bearer));
            headers.push((
                AUTHORIZATION,
                bearer.map_err(|_| Failure::usage("the API key has characters that no key has"))?,
            ));
        }
        let call = Call {
            method,
            target,
            headers,
            body,
            timeout_ms: 90_000,
        };
        match self.client.send(call).await.outcome {
            Outcome::Answered(answer) => Ok(Reply {
                status: answer.status,
                headers: answer.headers,
                body: serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
                bytes: answer.body,
            }),
            Outcome::Failed(failure) => Err(Failure::unavailable(format!("{}: {failure}", self.base))),
        }
    }
}
