//! Carries orders to the configured providers over HTTP: requests and replies are `carrier`'s, the call is the guarded client's.

use std::collections::HashSet;
use std::sync::Arc;

use super::build::{BuildError, guard_policy};
use crate::carrier::send::{Provider, Reply};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::core::cidr::Cidr;
use crate::core::provider::{Rules, Tariff};
use crate::core::sending::{Class, Order, Refusal, Sent};
use crate::core::subscription::policy::Rate;
use crate::dispatch::client::{Client, Options};
use crate::dispatch::guard::{Policy, check_url};
use crate::dispatch::sender::{Call, Outcome, Sender};
use crate::gateway::{self, Carry, Providers};

/// An answer to one message has less than two kilobytes.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// Everybody who carries messages out. `callback` tells where the reports of a source go. Must be called within a runtime.
pub fn providers(
    config: &Config,
    policy: &Policy,
    callback: impl Fn(&config::Source) -> String,
) -> Result<Providers, BuildError> {
    let all = config.provider.iter().map(|provider| {
        let built = checked(config, provider)?;
        let reports = provider.source.as_ref().unwrap_or(&provider.name);
        let source = config.source.iter().find(|source| source.name == *reports);
        let policy = policy_of(provider, policy)?;
        let client = Client::new(Options {
            reply_bytes_max: REPLY_BYTES_MAX,
            ..super::build::client_options(config, policy.clone())
        })?;
        let (kind, channel) = (&provider.kind, built.channel());
        let way = Arc::new(Way {
            provider: built,
            client,
            policy,
            callback: source.map(&callback),
            timeout_ms: provider.timeout_ms.unwrap_or(config.sending.timeout_ms),
        });
        let carry: Carry = Box::new(move |order| {
            let way = way.clone();
            Box::pin(async move { way.carry(&order).await })
        });
        let mut known = gateway::Provider::new(&provider.name, kind, channel, carry);
        known.source.clone_from(reports);
        known.tariff = tariff(provider)?;
        known.rate = provider.per_second_max.map(|n| Rate {
            per_second: f64::from(n),
            burst: n,
        });
        Ok(known)
    });
    Ok(Providers {
        all: all.collect::<Result<_, BuildError>>()?,
        rules: Rules {
            faults_max: config.sending.faults_max,
            rest_ms: config.sending.rest_s * 1000,
            rest_ms_max: config.sending.rest_max_s * 1000,
            try_ms: Rules::standard().try_ms,
        },
    })
}

/// Checks what the configuration alone decides: settings, prices, networks, and the sources that are named.
pub fn check(config: &Config) -> Result<(), BuildError> {
    let sources: HashSet<&str> = config.source.iter().map(|source| source.name.as_str()).collect();
    for provider in &config.provider {
        checked(config, provider)?;
        tariff(provider)?;
        policy_of(provider, &guard_policy(config, Vec::new())?)?;
        if let Some(source) = provider
            .source
            .as_deref()
            .filter(|source| !sources.contains(source))
        {
            return Err(refuse(provider, &format!("no source {source} is configured")));
        }
    }
    Ok(())
}

fn checked(config: &Config, provider: &config::Provider) -> Result<Provider, BuildError> {
    debug_assert!(config.sending.timeout_ms > 0, "the range was checked");
    match Provider::from_settings(&provider.kind, provider.settings.clone()) {
        Some(Ok(built)) => Ok(built),
        Some(Err(error)) => Err(refuse(provider, &error.to_string())),
        None => {
            let known = crate::carrier::send::KINDS.join(", ");
            Err(refuse(
                provider,
                &format!("unknown kind {:?}: write one of {known}", provider.kind),
            ))
        }
    }
}

fn refuse(provider: &config::Provider, error: &str) -> BuildError {
    BuildError::Config(format!("provider {}: {error}", provider.name))
}

fn tariff(provider: &config::Provider) -> Result<Tariff, BuildError> {
    let rows = provider
        .prices
        .iter()
        .map(|(prefix, price)| (prefix.as_str(), price.as_str()));
    Tariff::parse(rows).map_err(|error| refuse(provider, &format!("prices: {error}")))
}

/// What this provider may be called by, besides what every call may.
fn policy_of(provider: &config::Provider, policy: &Policy) -> Result<Policy, BuildError> {
    let own: Result<Vec<Cidr>, _> = provider.allow_cidrs.iter().map(|text| text.parse()).collect();
    let own = own.map_err(|error| refuse(provider, &format!("allow_cidrs: {error}")))?;
    let mut policy = policy.clone();
    policy.allow_http |= provider.allow_http;
    policy.allow_cidrs.extend(own);
    Ok(policy)
}

/// How one provider is asked.
struct Way {
    provider: Provider,
    client: Client,
    policy: Policy,
    callback: Option<String>,
    timeout_ms: u64,
}

impl Way {
    async fn carry(&self, order: &Order) -> Sent {
        let request = match self.provider.request(order, self.callback.as_deref()) {
            Ok(request) => request,
            Err(refusal) => return Sent::Refused(refusal),
        };
        let target = match check_url(&request.url, &self.policy) {
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
        match self.client.send(call).await.outcome {
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
