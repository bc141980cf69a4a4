//! Fetches what a carrier's request points to: one GET over https, each address judged by the outbound guard, no redirect followed.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;

use crate::dispatch::client::{Client, Options};
use crate::dispatch::guard::{Policy, check_url};
use crate::dispatch::sender::{Call, Outcome, Sender};
use crate::gateway::Fetch;

/// A certificate has about two kilobytes.
const REPLY_BYTES_MAX: usize = 64 * 1024;
/// From the look-up to the last byte.
const TIMEOUT_MS: u64 = 5_000;

/// Errors of it hold no URL: a subscription's holds a token. Must be called within a runtime.
pub fn fetcher(options: Options) -> Result<Fetch, rustls::Error> {
    let policy = Policy {
        allow_http: false,
        ..options.policy.clone()
    };
    let client = Arc::new(Client::new(Options {
        policy: policy.clone(),
        reply_bytes_max: REPLY_BYTES_MAX,
        ..options
    })?);
    Ok(Box::new(move |url| {
        let (client, policy) = (client.clone(), policy.clone());
        Box::pin(async move { get(&client, &policy, &url).await })
    }))
}

async fn get(client: &Client, policy: &Policy, url: &str) -> Result<Bytes, String> {
    let call = Call {
        method: Method::GET,
        target: check_url(url, policy).map_err(|e| e.to_string())?,
        headers: Vec::new(),
        body: Bytes::new(),
        timeout_ms: TIMEOUT_MS,
    };
    match client.send(call).await.outcome {
        Outcome::Answered(answer) if answer.truncated => {
            Err(format!("the answer is longer than {REPLY_BYTES_MAX} bytes"))
        }
        Outcome::Answered(answer) if answer.status == 200 => Ok(answer.body),
        Outcome::Answered(answer) => Err(format!("the answer is {}", answer.status)),
        Outcome::Failed(failure) => Err(failure.to_string()),
    }
}
