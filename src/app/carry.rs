//! Carries orders to one provider over HTTP: requests and replies are `carrier`'s, the call is the guarded client's.

use std::sync::Arc;

use crate::carrier::send::{Provider, Reply};
use crate::clock::Clock;
use crate::core::sending::{Class, Order, Refusal, Sent};
use crate::dispatch::client::{Client, Options};
use crate::dispatch::guard::{Policy, check_url};
use crate::dispatch::sender::{Call, Outcome, Sender};
use crate::gateway::Carry;

/// An answer to one message has less than two kilobytes.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// How one provider is asked.
pub struct Way {
    pub provider: Provider,
    /// Where it reports to.
    pub callback: Option<String>,
    pub timeout_ms: u64,
}

impl Way {
    /// With a client of its own. Must be called within a runtime.
    pub fn carry(self, options: Options) -> Result<Carry, rustls::Error> {
        let policy = options.policy.clone();
        let client = Client::new(Options {
            reply_bytes_max: REPLY_BYTES_MAX,
            ..options
        })?;
        let asked = Arc::new((self, client, policy));
        Ok(Box::new(move |order| {
            let asked = asked.clone();
            Box::pin(async move {
                let (way, client, policy) = &*asked;
                way.ask(client, policy, &order).await
            })
        }))
    }

    async fn ask(&self, client: &Client, policy: &Policy, order: &Order) -> Sent {
        let request = match self.provider.request(order, self.callback.as_deref()) {
            Ok(request) => request,
            Err(refusal) => return Sent::Refused(refusal),
        };
        let target = match check_url(&request.url, policy) {
            Ok(target) => target,
            Err(error) => return Sent::Refused(Refusal::new(Class::Misconfigured, error.to_string())),
        };
        let call = Call {
            method: request.method,
            target,
            headers: request.headers,
            body: request.body.into(),
            timeout_ms: self.timeout_ms,
        };
        match client.send(call).await.outcome {
            Outcome::Answered(answer) => self.provider.read(&Reply {
                status: answer.status,
                retry_after_s: answer
                    .retry_after
                    .map(|after| after.delay_s(Clock::System.now().secs())),
                body: &answer.body,
                key: &order.key,
            }),
            Outcome::Failed(failure) if failure.may_have_arrived() => Sent::Unknown(failure.to_string()),
            Outcome::Failed(failure) => Sent::Refused(Refusal {
                code: Some(failure.name().to_owned()),
                ..Refusal::new(Class::CarrierDown, failure.to_string())
            }),
        }
    }
}
