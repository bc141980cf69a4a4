//! From checked configuration to the values the rooms are built with; everything that can be wrong is found here, before a socket opens.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderMap;
use serde::Deserialize;

use super::{accounts, catalogue, extractor, providers, supply, verify};
use crate::carrier::{self, Carrier, Reject, Request, SettingsError};
use crate::config::{self, Config, Durability};
use crate::core::cidr::{Cidr, NotANetwork};
use crate::core::health;
use crate::core::id::AccountId;
use crate::core::limit::Ramp;
use crate::core::message::Dedupe;
use crate::core::money::Price;
use crate::core::number::{self, Number};
use crate::core::retry::Policy as RetryPolicy;
use crate::core::time::UnixMs;
use crate::dispatch::guard::Policy;
use crate::dispatch::{client, deliver};
use crate::gateway::{AcquireRules, LogRules, NewNumber, ReplayRules, Rules, Source};
use crate::http::mcp::{Hosts, Mcp};
use crate::http::{body, limits, tls};
use crate::store;
use crate::store::sled;

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("source {name}: {error}")]
    Source { name: String, error: SettingsError },
    #[error("{0}")]
    Config(String),
    #[error("{0}")]
    File(String),
    #[error(transparent)]
    Tls(#[from] tls::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("cannot listen on {address}: {error}")]
    Listen { address: String, error: std::io::Error },
    #[error("the outbound client does not start: {0}")]
    Client(#[from] rustls::Error),
}

/// Builds all that the configuration alone decides, and throws it away: what `check-config` runs.
pub fn check(config: &Config) -> Result<(), BuildError> {
    sources(config, &config.server.listen)?;
    providers::check(config)?;
    verify::check(config)?;
    catalogue::services(config)?;
    supply::suppliers(config)?;
    numbers(config)?;
    accounts::built(config)?;
    extractor::engine(config)?;
    rules(config)?;
    deliver_rules(config)?;
    guard_policy(config, Vec::new())?;
    trusted_proxies(config)?;
    mcp(config, SocketAddr::from(([0, 0, 0, 0], 0)))?;
    tls_config(config)?;
    tracing_subscriber::EnvFilter::try_new(&config.log.filter)
        .map_err(|e| BuildError::Config(format!("log.filter: {e}")))?;
    Ok(())
}

/// The URL that the carrier of this source was given. `address` stands in for the public URL where none is configured.
pub fn public_url(config: &Config, source: &config::Source, address: &str) -> String {
    let base = match config.server.public_url.trim_end_matches('/') {
        "" => format!("http://{address}"),
        url => url.to_owned(),
    };
    source
        .public_url
        .clone()
        .unwrap_or_else(|| format!("{base}/inbound/{}", source.name))
}

/// `address` as for `public_url`.
pub fn sources(config: &Config, address: &str) -> Result<HashMap<String, Source>, BuildError> {
    let built = config.source.iter().map(|source| {
        let carrier = Carrier::from_settings(&source.carrier, source.settings.clone());
        let carrier = carrier.map_err(|error| BuildError::Source {
            name: source.name.clone(),
            error,
        })?;
        let public_url = public_url(config, source, address);
        if opens_by_itself(&carrier, &public_url) {
            let refused = "`public_url` ends with the path token: leave it out there, requests bring it behind the source's name";
            return Err(BuildError::Config(format!("source {}: {refused}", source.name)));
        }
        let allow_ips = cidrs(&source.allow_ips)
            .map_err(|e| BuildError::Config(format!("source {}: allow_ips: {e}", source.name)))?;
        let mut built = Source::new(carrier, public_url);
        built.allow_ips = allow_ips;
        built.body_bytes_max = source.body_bytes_max;
        built.dedupe = match source.dedupe.as_deref() {
            None | Some("id") => Dedupe::Id,
            Some("content") => Dedupe::Content,
            Some("off") => Dedupe::Off,
            Some(_) => {
                let refused = "`dedupe` is \"id\", \"content\" or \"off\"";
                return Err(BuildError::Config(format!("source {}: {refused}", source.name)));
            }
        };
        (built.keys, built.path_token) = keys_of(&source.settings);
        built.is_supplier = config.supplier.iter().any(|supplier| supplier.name == source.name);
        Ok((source.name.clone(), built))
    });
    built.collect()
}

/// How many keys the settings of a source hold, and whether they are path tokens.
fn keys_of(settings: &toml::Table) -> (usize, bool) {
    let of_scheme = settings.get("verify").and_then(toml::Value::as_table);
    let tables = || std::iter::once(settings).chain(of_scheme);
    let named = |name: &&str| tables().find_map(|table| table.get(*name)?.as_array().map(Vec::len));
    let keys = carrier::KEY_LISTS.iter().filter_map(named).sum();
    let path_tokens = named(&"path_tokens");
    // Where there are other keys too, it is these that match.
    (
        if keys > 0 { keys } else { path_tokens.unwrap_or(0) },
        path_tokens.is_some(),
    )
}

/// Whether a URL already holds the token that a request has to bring: then every request would be believed.
fn opens_by_itself(carrier: &Carrier, public_url: &str) -> bool {
    let refused_for_credentials = |url: &str| {
        let request = Request {
            method: "GET",
            url,
            headers: &HeaderMap::new(),
            body: &[],
        };
        carrier.verify(&request, UnixMs(0)) == Err(Reject::BadCredentials)
    };
    !refused_for_credentials(public_url) && refused_for_credentials(&format!("{public_url}/-"))
}

pub fn numbers(config: &Config) -> Result<Vec<Number>, BuildError> {
    let built = config.number.iter().enumerate().map(|(at, table)| {
        let refuse = |error: String| BuildError::Config(format!("number {}: {error}", at + 1));
        let new = NewNumber::deserialize(toml::Value::Table(table.clone()))
            .map_err(|e| refuse(e.message().to_owned()))?;
        new.check(config.rental.shared).map_err(refuse)
    });
    built.collect()
}

pub fn rules(config: &Config) -> Result<Rules, BuildError> {
    let same_service_s = config.rental.same_service_s.max(config.rental.cool_down_s);
    Ok(Rules {
        grace_ms: config.rental.grace_s * 1000,
        linger_ms: config.rental.linger_s * 1000,
        acquire: AcquireRules {
            max_s: config.rental.acquire_max_s,
            waiters_max: config.rental.acquire_waiters_max,
            waiters_per_account_max: config.rental.acquire_waiters_per_account_max,
        },
        numbers: number::Rules {
            cool_down_ms: config.rental.cool_down_s * 1000,
            same_service_ms: same_service_s * 1000,
            used_before_ms: config.rental.used_before_s.max(same_service_s) * 1000,
            silent_rentals: config.quarantine.silent_rentals,
            reports: config.quarantine.reports,
            quarantine_ms: config.quarantine.lasts_s.iter().map(|s| s * 1000).collect(),
            shared: config.rental.shared,
            shared_rentals_max: config.rental.shared_rentals_max,
        },
        poll_default_s: config.poll.default_s.min(config.poll.max_s),
        poll_max_s: config.poll.max_s,
        heartbeat_ms: config.poll.heartbeat_ms,
        limits: accounts::limits(config),
        keys_max: config.accounts.keys_max,
        replay: ReplayRules {
            per_second_max: config.outbound.replay_per_s,
            running_max: config.outbound.replays_max,
            deliveries_max: config.outbound.replay_deliveries_max,
        },
        log_days: config.store.log_days,
        usage_days: config.store.usage_days,
        once_ms: config.accounts.idempotency_h * 3_600_000,
        country: config.rental.country.clone(),
        partner_service: Some(config.partner.service.clone()).filter(|name| !name.is_empty()),
        min_confidence: config.otp.min_confidence,
        parts_wait_ms: config.inbound.parts_wait_s * 1000,
        sets_per_sender_max: config.inbound.sets_per_sender_max,
        sets_max: config.inbound.sets_max,
        unmatched_ms: config.inbound.unmatched_h * 3_600_000,
        operator: operator(config)?,
    })
}

fn operator(config: &Config) -> Result<Option<AccountId>, BuildError> {
    let name = Some(&config.inbound.operator_account).filter(|name| !name.is_empty());
    let account = name.map(|name| AccountId::parse(name)).transpose();
    account.map_err(|e| BuildError::Config(format!("inbound.operator_account: {e}")))
}

pub fn log_rules(config: &Config) -> LogRules {
    let log = &config.inbound_log;
    LogRules {
        enabled: log.enabled,
        keep: store::Keep {
            days: log.days,
            bytes_max: log.bytes_max,
        },
        body_bytes_max: log.body_bytes_max,
        refused_per_minute_max: log.refused_per_minute_max,
    }
}

pub fn deliver_rules(config: &Config) -> Result<deliver::Rules, BuildError> {
    let refuse = |error: String| BuildError::Config(format!("outbound.retry: {error}"));
    let retry = RetryPolicy::deserialize(toml::Value::Table(config.outbound.retry.clone()))
        .map_err(|e| refuse(e.message().to_owned()))?;
    retry.check().map_err(|e| refuse(e.to_string()))?;
    let (lasts_h, kept_h) = (
        retry.lasts_ms_max().div_ceil(3_600_000),
        u64::from(config.store.log_days) * 24,
    );
    if lasts_h > kept_h {
        let said = format!(
            "it lasts {lasts_h} h, and events are kept for {kept_h} h: shorten it or raise store.log_days"
        );
        return Err(refuse(said));
    }
    Ok(deliver::Rules {
        retry,
        timeout_ms: config.outbound.timeout_ms,
        concurrency_max: config.outbound.concurrency_max,
        concurrency_per_subscription_max: config.outbound.concurrency_per_subscription_max,
        health: health::Rules {
            disable_after_ms: config.outbound.disable_after_s * 1000,
            disable_failures_min: config.outbound.disable_failures_min,
            probe_every_ms: config.outbound.probe_s * 1000,
        },
        ramp: Ramp {
            per_second: f64::from(config.outbound.ramp_per_s),
            double_ms: config.outbound.ramp_double_s * 1000,
        },
        idle_ms: 1000,
    })
}

pub fn guard_policy(config: &Config, own_listeners: Vec<SocketAddr>) -> Result<Policy, BuildError> {
    Ok(Policy {
        allow_http: config.outbound.allow_http,
        allow_loopback: config.outbound.allow_loopback,
        allow_cidrs: cidrs(&config.outbound.allow_cidrs)
            .map_err(|e| BuildError::Config(format!("outbound.allow_cidrs: {e}")))?,
        ports: config.outbound.ports.clone(),
        own_listeners,
    })
}

fn cidrs(texts: &[String]) -> Result<Vec<Cidr>, NotANetwork> {
    texts.iter().map(|text| text.parse()).collect()
}

pub fn trusted_proxies(config: &Config) -> Result<Vec<Cidr>, BuildError> {
    cidrs(&config.server.trusted_proxies)
        .map_err(|e| BuildError::Config(format!("server.trusted_proxies: {e}")))
}

/// As every call to the outside, and never to this machine: what is fetched is named by a request.
pub fn fetch_options(config: &Config, policy: Policy) -> client::Options {
    client_options(
        config,
        Policy {
            allow_loopback: false,
            ..policy
        },
    )
}

pub fn client_options(config: &Config, policy: Policy) -> client::Options {
    client::Options {
        connect_timeout_ms: config.outbound.connect_timeout_ms,
        reply_bytes_max: config.outbound.reply_bytes_max,
        idle_per_origin_max: config.outbound.concurrency_per_subscription_max,
        ..client::Options::new(policy)
    }
}

/// What agents get; `None` where MCP is off. `address` is the listener's.
pub fn mcp(config: &Config, address: SocketAddr) -> Result<Option<Arc<Mcp>>, BuildError> {
    let price_max = match config.mcp.price_max.as_str() {
        "" => None,
        price => Some(Price::parse(price).map_err(|e| BuildError::Config(format!("mcp.price_max: {e}")))?),
    };
    let mcp = Mcp {
        hosts: Hosts::new(address, &config.server.public_url, &config.mcp.allowed_hosts),
        sms_text: config.mcp.sms_text,
        price_max,
    };
    Ok(config.mcp.enabled.then(|| Arc::new(mcp)))
}

pub fn tls_config(config: &Config) -> Result<Option<Arc<rustls::ServerConfig>>, BuildError> {
    if config.server.tls_cert.is_empty() {
        return Ok(None);
    }
    let certificates =
        tls::Certificates::open(config.server.tls_cert.as_ref(), config.server.tls_key.as_ref())?;
    Ok(Some(tls::config(certificates)))
}

pub fn store_options(config: &Config) -> sled::Options {
    sled::Options {
        folder: config.store.folder.clone(),
        durability: match config.store.durability {
            Durability::Power => sled::Durability::Power,
            Durability::Process => sled::Durability::Process,
        },
        queue_max: config.store.queue_max,
        group_max: config.store.group_max,
        disk_reserve_bytes: config.store.disk_reserve_bytes,
        cache_bytes: config.store.cache_bytes,
    }
}

/// The limits of the API's listener; a carrier's bodies have their own.
pub fn limits(config: &Config) -> limits::Limits {
    let server = &config.server;
    limits::Limits {
        connections_max: server.connections_max,
        connections_per_ip_max: server.connections_per_ip_max,
        accept_pause_ms: server.accept_pause_ms,
        tls_handshake_ms: server.tls_handshake_ms,
        header_read_ms: server.header_read_ms,
        idle_ms: server.idle_ms,
        linger_ms: server.linger_ms,
        headers_max: server.headers_max,
        head_bytes_max: server.head_bytes_max,
        url_bytes_max: server.url_bytes_max,
        h2_header_list_bytes_max: server.h2_header_list_bytes_max,
        h2_streams_max: server.h2_streams_max,
        h2_window_bytes: server.h2_window_bytes,
        h2_ping_every_ms: server.h2_ping_every_ms,
        h2_ping_wait_ms: server.h2_ping_wait_ms,
        body: body_limits(config, server.body_bytes_max),
        // A quiet stream has nothing but its heartbeats to show that it is read.
        stream_stall_ms: server.stream_stall_ms.max(2 * config.poll.heartbeat_ms),
        drain_ms: server.drain_ms,
    }
}

pub fn body_limits(config: &Config, bytes_max: usize) -> body::Limits {
    body::Limits {
        bytes_max,
        read_ms: config.server.body_read_ms,
        rate_bytes_per_s_min: config.server.body_rate_bytes_per_s_min,
        rate_grace_ms: config.server.body_rate_grace_ms,
    }
}
