//! Asks the operator's own service whether a code may go out: one signed POST, judged by the outbound guard as every call is.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, header};
use serde_json::Value;

use super::BuildError;
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::core::id::EventId;
use crate::core::signature::{self, SigningKey};
use crate::dispatch::client::{Client, Options};
use crate::dispatch::guard::{Policy, check_url};
use crate::dispatch::sender::{Call, Outcome, Sender};
use crate::gateway::Consent;

/// An answer is one flag.
const REPLY_BYTES_MAX: usize = 4 * 1024;

/// How it is asked.
struct Asked {
    client: Client,
    policy: Policy,
    url: String,
    key: SigningKey,
    timeout_ms: u64,
}

/// What the configuration alone decides: with a URL there is a key.
pub fn key(config: &Config) -> Result<Option<SigningKey>, BuildError> {
    let verify = &config.verify;
    if verify.callback_url.is_empty() {
        return Ok(None);
    }
    let refused =
        "verify.callback_secret: write whsec_ and 24 to 64 bytes as base64; verify.callback_url needs it";
    let key = verify.callback_secret.parse();
    key.map(Some).map_err(|_| BuildError::Config(refused.to_owned()))
}

/// `None` where nobody is to be asked. Must be called within a runtime.
pub fn consent(config: &Config, options: Options) -> Result<Option<Consent>, BuildError> {
    let Some(key) = key(config)? else {
        return Ok(None);
    };
    let policy = options.policy.clone();
    let client = Client::new(Options {
        reply_bytes_max: REPLY_BYTES_MAX,
        ..options
    })?;
    let asked = Arc::new(Asked {
        client,
        policy,
        url: config.verify.callback_url.clone(),
        key,
        timeout_ms: config.verify.callback_timeout_ms,
    });
    Ok(Some(Box::new(move |body| {
        let asked = asked.clone();
        Box::pin(async move { asked.ask(body).await })
    })))
}

impl Asked {
    async fn ask(&self, body: String) -> Result<bool, String> {
        let id = EventId(clock::random()).to_string();
        let timestamp_s = i64::try_from(Clock::System.now().secs()).unwrap_or(i64::MAX);
        let keys = std::slice::from_ref(&self.key);
        let signature = signature::sign(keys, &id, timestamp_s, body.as_bytes());
        let text =
            |value: String| HeaderValue::try_from(value).expect("ids, digits and base64 are header text");
        let named = [
            ("webhook-id", id),
            ("webhook-timestamp", timestamp_s.to_string()),
            ("webhook-signature", signature),
        ];
        let named = named.map(|(name, value)| (HeaderName::from_static(name), text(value)));
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let call = Call {
            method: Method::POST,
            target: check_url(&self.url, &self.policy).map_err(|e| e.to_string())?,
            headers: named.into_iter().chain([json]).collect(),
            body: body.into(),
            timeout_ms: self.timeout_ms,
        };
        match self.client.send(call).await.outcome {
            Outcome::Answered(answer) if (200..300).contains(&answer.status) => {
                let answer: Option<Value> = serde_json::from_slice(&answer.body).ok();
                Ok(answer.is_none_or(|answer| answer["allow"] != false))
            }
            Outcome::Answered(answer) => Err(format!("the answer is {}", answer.status)),
            Outcome::Failed(failure) => Err(failure.to_string()),
        }
    }
}
