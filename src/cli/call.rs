//! How the commands call a gateway: the product's own HTTP client, allowed to go where its user points it.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use url::Url;

use super::Failure;
use crate::app::{Call, Client, ClientOptions, Outcome, Policy, Sender, check_url};

/// Bytes of an answer that are read.
const REPLY_BYTES_MAX: usize = 8 << 20;

/// An answer: its status, and its body as JSON (null where it has none).
pub struct Reply {
    pub status: u16,
    pub body: Value,
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
        options.reply_bytes_max = REPLY_BYTES_MAX;
        let client = Client::new(options).map_err(Failure::failed)?;
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

    pub async fn post(&self, path: &str, body: &Value) -> Result<Reply, Failure> {
        let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(Method::POST, path, vec![json], body.to_string().into())
            .await
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
                body: serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
            }),
            Outcome::Failed(failure) => Err(Failure::unavailable(format!("{}: {failure}", self.base))),
        }
    }
}
