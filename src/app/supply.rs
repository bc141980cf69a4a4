//! The suppliers of the configuration, and how they are asked over HTTP: each address judged by the outbound guard, no redirect followed, one deadline for the whole of an answer.

use std::sync::Arc;

use super::{BuildError, build};
use crate::clock::Clock;
use crate::config::Config;
use crate::core::money::Price;
use crate::dispatch::client::{Client, Options};
use crate::dispatch::guard::{Policy, check_url};
use crate::dispatch::sender::{self, Call, Failure, Outcome, Sender};
use crate::gateway::{Supplier, Supply, Terms};
use crate::supplier::{Answer, Ask, Dialect, Refusal, Request};

/// A list of services is long.
const REPLY_BYTES_MAX: usize = 1024 * 1024;

/// The configured suppliers, and how they are asked.
pub fn supply(config: &Config, policy: Policy) -> Result<Supply, BuildError> {
    let suppliers = suppliers(config)?;
    if suppliers.is_empty() {
        return Ok(Supply::none());
    }
    let ask = asker(build::client_options(config, policy), Clock::System)?;
    Ok(Supply::new(suppliers, ask))
}

pub fn suppliers(config: &Config) -> Result<Vec<Supplier>, BuildError> {
    let built = config.supplier.iter().map(|supplier| {
        let refuse = |what: String| BuildError::Config(format!("supplier {}: {what}", supplier.name));
        let login = (supplier.user.as_str(), supplier.key.as_str());
        let dialect = Dialect::new(&supplier.kind, &supplier.url, login).map_err(refuse)?;
        let price_max =
            Price::parse(&supplier.price_max).map_err(|e| refuse(format!("`price_max` is {e}")))?;
        let terms = Terms {
            price_max,
            markup_percent: supplier.markup_percent,
            poll_ms: supplier.poll_ms,
            timeout_ms: supplier.timeout_ms,
        };
        Ok(Supplier::new(supplier.name.clone(), dialect, terms))
    });
    built.collect()
}

/// What the gateway asks suppliers by. Errors of it hold no URL: a key may stand there. Must be called within a runtime.
pub fn asker(options: Options, clock: Clock) -> Result<Ask, rustls::Error> {
    let policy = options.policy.clone();
    let client = Arc::new(Client::new(Options {
        reply_bytes_max: REPLY_BYTES_MAX,
        ..options
    })?);
    Ok(Box::new(move |request, timeout_ms| {
        let (client, now_s) = (client.clone(), clock.now().secs());
        let call = call(request, timeout_ms, &policy);
        Box::pin(async move { answered(client.send(call?).await.outcome, now_s) })
    }))
}

fn call(request: Request, timeout_ms: u64, policy: &Policy) -> Result<Call, Refusal> {
    let target = check_url(&request.url, policy).map_err(|e| Refusal::Unreached(e.to_string()))?;
    Ok(Call {
        method: request.method,
        target,
        headers: request.headers,
        body: request.body,
        timeout_ms,
    })
}

fn answered(outcome: Outcome, now_s: u64) -> Result<Answer, Refusal> {
    match outcome {
        Outcome::Answered(sender::Answer { truncated: true, .. }) => {
            Err(Refusal::Unsound("it is longer than a megabyte"))
        }
        Outcome::Answered(answer) => Ok(Answer {
            status: answer.status,
            retry_after_s: answer.retry_after.map(|hint| hint.delay_s(now_s)),
            location: answer.location,
            body: answer.body,
        }),
        Outcome::Failed(failure) if was_sent(&failure) => Err(Refusal::Unanswered(failure.to_string())),
        Outcome::Failed(failure) => Err(Refusal::Unreached(failure.to_string())),
    }
}

/// Whether a byte of the request may have gone out.
fn was_sent(failure: &Failure) -> bool {
    match failure {
        Failure::Dns | Failure::DnsTimeout | Failure::Blocked(_) | Failure::Distrusted(_) => false,
        Failure::Connect(_) | Failure::ConnectTimeout | Failure::Tls(_) | Failure::TlsTimeout => false,
        Failure::Timeout | Failure::BodyTooSlow { .. } | Failure::Reset | Failure::Protocol(_) => true,
    }
}
