//! The configured providers, each with its prices, its pace and the way in which it is asked.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::build::{BuildError, client_options, guard_policy};
use super::carry::Way;
use crate::carrier::{self, send};
use crate::clock::Clock;
use crate::config::{self, Bills, Config};
use crate::core::cidr::Cidr;
use crate::core::message::Report;
use crate::core::provider::{Rules, Tariff};
use crate::core::sending::Channel;
use crate::core::subscription::policy::Rate;
use crate::dispatch::guard::Policy;
use crate::dispatch::smpp::{self, Hear, Line, Smsc};
use crate::dispatch::smtp::{self, Mailer};
use crate::gateway::{Carry, Gateway, Provider, Providers};

/// The kinds that do not speak HTTP.
const SMTP: &str = "smtp";
const SMPP: &str = "smpp";
/// Reports of sessions that wait for the gateway.
const HEARD_MAX: usize = 64;

/// How a provider is asked, as far as the configuration decides it.
enum Means {
    Http(send::Provider),
    Mail(Box<Mailer>),
    Session(Box<Smsc>),
}

impl Means {
    fn channel(&self) -> Channel {
        match self {
            Self::Http(provider) => provider.channel(),
            Self::Mail(_) => Channel::Email,
            Self::Session(_) => Channel::Sms,
        }
    }
}

/// Reports that came over a session, by which provider; whether they are on the disk is told back.
struct Heard {
    source: String,
    reports: Vec<Report>,
    kept: oneshot::Sender<bool>,
}

/// The sessions that run for providers, and what they hear before there is a gateway that takes it.
pub struct Sessions {
    running: Vec<JoinHandle<()>>,
    heard: mpsc::Receiver<Heard>,
}

impl Sessions {
    /// Gives what they hear to the gateway, until the last one has ended; all that runs for it.
    pub fn heard_by(self, gateway: Arc<Gateway>) -> Vec<JoinHandle<()>> {
        let Self {
            mut running,
            mut heard,
        } = self;
        running.push(tokio::spawn(async move {
            while let Some(heard) = heard.recv().await {
                tokio::spawn(keep(gateway.clone(), heard));
            }
        }));
        running
    }
}

async fn keep(gateway: Arc<Gateway>, heard: Heard) {
    let kept = gateway.hear(&heard.source, heard.reports).await;
    if let Err(error) = &kept {
        tracing::warn!(source = %heard.source, %error, "a report was not kept; it comes again");
    }
    // A session that has ended asks no more.
    let _ = heard.kept.send(kept.is_ok());
}

/// Everybody who carries messages out, and the sessions that run for them until `stopped`.
/// `callback` tells where the reports of a source go. Must be called within a runtime.
pub fn outward(
    config: &Config,
    policy: &Policy,
    callback: impl Fn(&config::Source) -> String,
    stopped: &watch::Receiver<bool>,
) -> Result<(Providers, Sessions), BuildError> {
    let (hears, heard) = mpsc::channel(HEARD_MAX);
    let mut running = Vec::new();
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
            Means::Session(smsc) => {
                let hear = hearing(&provider.name, hears.clone());
                let (line, session) = smsc.start(&provider.name, hear, stopped.clone());
                running.push(session);
                by_session(Arc::new(line))
            }
        };
        let mut known = Provider::new(&provider.name, &provider.kind, channel, carry);
        known.source.clone_from(reports);
        known.tariff = tariff(provider)?;
        known.bills_delivered = provider.bills == Bills::Delivered;
        known.rate = provider.per_second_max.map(|n| Rate {
            per_second: f64::from(n),
            burst: n,
        });
        Ok(known)
    });
    let providers = Providers {
        all: all.collect::<Result<_, BuildError>>()?,
        rules: Rules {
            faults_max: config.sending.faults_max,
            rest_ms: config.sending.rest_s * 1000,
            rest_ms_max: config.sending.rest_max_s * 1000,
            try_ms: Rules::standard().try_ms,
        },
    };
    Ok((providers, Sessions { running, heard }))
}

/// Checks what the configuration alone decides: settings, prices, networks, and the sources that are named.
pub fn check(config: &Config) -> Result<(), BuildError> {
    let sources: HashSet<&str> = config.source.iter().map(|source| source.name.as_str()).collect();
    for provider in &config.provider {
        let policy = policy_of(provider, &guard_policy(config, Vec::new())?)?;
        means(config, provider, &policy)?;
        tariff(provider)?;
        let by_session = provider.kind == SMPP;
        if by_session && (provider.source.is_some() || sources.contains(provider.name.as_str())) {
            let error = "its reports come over the session: leave `source` out, and give no source its name";
            return Err(refuse(provider, error));
        }
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
    if provider.kind == SMPP {
        let settings: smpp::Settings =
            carrier::read_settings(provider.settings.clone()).map_err(|e| wrong(&e))?;
        let options = client_options(config, policy.clone());
        let smsc = Smsc::new(settings, options, timeout_ms(config, provider));
        return Ok(Means::Session(Box::new(smsc.map_err(|e| wrong(&e))?)));
    }
    match send::Provider::from_settings(&provider.kind, provider.settings.clone()) {
        Some(built) => Ok(Means::Http(built.map_err(|e| wrong(&e))?)),
        None => {
            let known = send::KINDS.join(", ");
            let kind = &provider.kind;
            Err(wrong(&format!(
                "unknown kind {kind:?}: write one of {known}, {SMPP}, {SMTP}"
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

fn by_session(line: Arc<Line>) -> Carry {
    Box::new(move |order| {
        let line = line.clone();
        Box::pin(async move { line.send(&order).await })
    })
}

/// What a session does with what it hears: it is kept, or it is not because there is nobody any more.
fn hearing(name: &str, heard: mpsc::Sender<Heard>) -> Hear {
    let name = name.to_owned();
    Arc::new(move |reports| {
        let (kept, is_kept) = oneshot::channel();
        let (heard, source) = (heard.clone(), name.clone());
        Box::pin(async move {
            let given = heard
                .send(Heard {
                    source,
                    reports,
                    kept,
                })
                .await;
            given.is_ok() && is_kept.await.unwrap_or(false)
        })
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
