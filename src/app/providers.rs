//! The configured providers, each with its prices, its pace and the way in which it is asked.

use std::collections::HashSet;
use std::sync::Arc;

use super::build::{BuildError, client_options, guard_policy};
use super::carry::Way;
use crate::carrier::{self, send};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::core::cidr::Cidr;
use crate::core::provider::{Rules, Tariff};
use crate::core::sending::Channel;
use crate::core::subscription::policy::Rate;
use crate::dispatch::guard::Policy;
use crate::dispatch::smtp::{self, Mailer};
use crate::gateway::{Carry, Provider, Providers};

/// The kind that speaks SMTP.
const SMTP: &str = "smtp";

/// How a provider is asked, as far as the configuration decides it.
enum Means {
    Http(send::Provider),
    Mail(Box<Mailer>),
}

impl Means {
    fn channel(&self) -> Channel {
        match self {
            Self::Http(provider) => provider.channel(),
            Self::Mail(_) => Channel::Email,
        }
    }
}

/// Everybody who carries messages out. `callback` tells where the reports of a source go. Must be called within a runtime.
pub fn providers(
    config: &Config,
    policy: &Policy,
    callback: impl Fn(&config::Source) -> String,
) -> Result<Providers, BuildError> {
    let all = config.provider.iter().map(|provider| {
        let policy = policy_of(provider, policy)?;
        let means = means(config, provider, &policy)?;
        let reports = provider.source.as_ref().unwrap_or(&provider.name);
        let source = config.source.iter().find(|source| source.name == *reports);
        let channel = means.channel();
        let carry: Carry = match means {
            Means::Http(asked) => Way {
                provider: asked,
                callback: source.map(&callback),
                timeout_ms: timeout_ms(config, provider),
            }
            .carry(client_options(config, policy))?,
            Means::Mail(mailer) => by_mail(Arc::from(mailer)),
        };
        let mut known = Provider::new(&provider.name, &provider.kind, channel, carry);
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
        let policy = policy_of(provider, &guard_policy(config, Vec::new())?)?;
        means(config, provider, &policy)?;
        tariff(provider)?;
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

fn means(config: &Config, provider: &config::Provider, policy: &Policy) -> Result<Means, BuildError> {
    let wrong = |error: &dyn std::fmt::Display| refuse(provider, &error.to_string());
    if provider.kind == SMTP {
        let settings: smtp::Settings =
            carrier::read_settings(provider.settings.clone()).map_err(|e| wrong(&e))?;
        let options = client_options(config, policy.clone());
        let mailer = Mailer::new(settings, options, timeout_ms(config, provider));
        return Ok(Means::Mail(Box::new(mailer.map_err(|e| wrong(&e))?)));
    }
    match send::Provider::from_settings(&provider.kind, provider.settings.clone()) {
        Some(built) => Ok(Means::Http(built.map_err(|e| wrong(&e))?)),
        None => {
            let known = send::KINDS.join(", ");
            let kind = &provider.kind;
            Err(wrong(&format!(
                "unknown kind {kind:?}: write one of {known}, {SMTP}"
            )))
        }
    }
}

fn timeout_ms(config: &Config, provider: &config::Provider) -> u64 {
    provider.timeout_ms.unwrap_or(config.sending.timeout_ms)
}

fn by_mail(mailer: Arc<Mailer>) -> Carry {
    Box::new(move |order| {
        let mailer = mailer.clone();
        Box::pin(async move { mailer.send(&order, Clock::System.now()).await })
    })
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
