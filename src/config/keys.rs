//! What each key may be: the ranges, the checks across keys, and the hint for a key that is not known.

use toml::{Table, Value};

use super::{Config, Error, accounts, sending, supply, verify};

/// Every whole number of `config.toml` with its least and greatest value. A test holds the comments in that file to it.
pub const RANGES: [(&str, u64, u64); 114] = [
    ("server.connections_max", 1, 1_000_000),
    ("server.connections_per_ip_max", 1, 1_000_000),
    ("server.accept_pause_ms", 1, 10_000),
    ("server.tls_handshake_ms", 100, 60_000),
    ("server.header_read_ms", 50, 60_000),
    ("server.idle_ms", 50, 3_600_000),
    ("server.linger_ms", 0, 10_000),
    ("server.headers_max", 8, 1_000),
    ("server.head_bytes_max", 8_192, 1_048_576),
    ("server.url_bytes_max", 256, 65_000),
    ("server.h2_header_list_bytes_max", 4_096, 1_048_576),
    ("server.h2_streams_max", 1, 10_000),
    ("server.h2_window_bytes", 65_535, 16_777_216),
    ("server.h2_ping_every_ms", 100, 3_600_000),
    ("server.h2_ping_wait_ms", 100, 3_600_000),
    ("server.body_bytes_max", 1_024, 16_777_216),
    ("server.carrier_body_bytes_max", 1_024, 16_777_216),
    ("server.body_read_ms", 50, 600_000),
    ("server.body_rate_bytes_per_s_min", 1, 1_073_741_824),
    ("server.body_rate_grace_ms", 0, 600_000),
    ("server.json_depth_max", 1, 128),
    ("server.stream_stall_ms", 200, 600_000),
    ("server.drain_ms", 0, 600_000),
    ("accounts.keys_max", 2, 1_000),
    ("accounts.requests_per_minute_max", 0, 1_000_000),
    ("accounts.rentals_max", 0, 1_000_000),
    ("accounts.waiters_max", 1, 1_000_000),
    ("accounts.idempotency_h", 1, 96),
    ("store.queue_max", 16, 1_000_000),
    ("store.group_max", 1, 10_000),
    ("store.disk_reserve_bytes", 0, 1_099_511_627_776),
    ("store.cache_bytes", 1_048_576, 1_099_511_627_776),
    ("store.log_days", 4, 3_650),
    ("store.usage_days", 1, 3_650),
    ("inbound.parts_wait_s", 1, 86_400),
    ("inbound.sets_per_sender_max", 0, 1_000),
    ("inbound.sets_max", 0, 1_000_000),
    ("inbound.unmatched_h", 1, 96),
    ("inbound_log.days", 0, 3_650),
    ("inbound_log.bytes_max", 0, 1_099_511_627_776),
    ("inbound_log.body_bytes_max", 0, 16_777_216),
    ("inbound_log.refused_per_minute_max", 0, 1_000_000),
    ("poll.default_s", 0, 60),
    ("poll.max_s", 1, 60),
    ("poll.heartbeat_ms", 100, 60_000),
    ("poll.waiters_max", 1, 1_000_000),
    ("poll.waiters_per_key_max", 1, 1_000_000),
    ("rental.grace_s", 0, 600),
    ("rental.linger_s", 0, 3_600),
    ("rental.cool_down_s", 900, 604_800),
    ("rental.same_service_s", 900, 2_592_000),
    ("rental.used_before_s", 900, 31_536_000),
    ("rental.sweep_ms", 10, 60_000),
    ("rental.acquire_max_s", 0, 3_600),
    ("rental.acquire_waiters_max", 0, 1_000_000),
    ("rental.acquire_waiters_per_account_max", 0, 1_000_000),
    ("rental.shared_rentals_max", 2, 32),
    ("quarantine.silent_rentals", 0, 1_000),
    ("quarantine.reports", 0, 1_000),
    ("outbound.timeout_ms", 100, 60_000),
    ("outbound.connect_timeout_ms", 100, 60_000),
    ("outbound.reply_bytes_max", 0, 1_048_576),
    ("outbound.concurrency_max", 1, 10_000),
    ("outbound.concurrency_per_subscription_max", 1, 10_000),
    ("outbound.subscriptions_max", 1, 10_000),
    ("outbound.disable_after_s", 60, 2_592_000),
    ("outbound.disable_failures_min", 1, 100_000),
    ("outbound.probe_s", 1, 86_400),
    ("outbound.ramp_per_s", 1, 10_000),
    ("outbound.ramp_double_s", 1, 3_600),
    ("outbound.replay_per_s", 1, 10_000),
    ("outbound.replays_max", 1, 1_000),
    ("outbound.replay_deliveries_max", 1, 1_000_000_000),
    ("outbound.stuck_s", 1, 86_400),
    ("sending.timeout_ms", 100, 60_000),
    ("sending.faults_max", 1, 1_000),
    ("sending.rest_s", 1, 3_600),
    ("sending.rest_max_s", 1, 86_400),
    ("verify.bcrypt_cost", 4, 14),
    ("verify.hashing_max", 1, 256),
    ("verify.hashing_queue_max", 1, 100_000),
    ("verify.repeated_s", 0, 60),
    ("verify.profiles_max", 1, 100_000),
    ("verify.templates_max", 1, 100_000),
    ("verify.ttl_s", 10, 3_600),
    ("verify.callback_timeout_ms", 100, 10_000),
    ("verify.attempts_max", 1, 10),
    ("verify.person_per_10min_max", 0, 1_000),
    ("verify.person_per_hour_max", 0, 1_000),
    ("verify.person_per_day_max", 0, 1_000),
    ("verify.everybody_per_day_max", 0, 1_000),
    ("verify.ip_per_10min_max", 0, 1_000_000),
    ("verify.ip_per_day_max", 0, 1_000_000),
    ("verify.user_per_hour_max", 0, 1_000_000),
    ("verify.session_per_10min_max", 0, 1_000_000),
    ("verify.own_per_hour_max", 0, 1_000_000),
    ("verify.block_of_10000_per_10min_max", 0, 1_000_000),
    ("verify.block_of_10000_per_hour_max", 0, 1_000_000),
    ("verify.block_of_1000_per_10min_max", 0, 1_000_000),
    ("verify.account_per_second_max", 0, 100_000),
    ("verify.account_per_day_max", 0, 100_000_000),
    ("verify.wrong_per_ip_10min_max", 0, 1_000_000),
    ("verify.wrong_alarm_pct", 0, 100),
    ("verify.wrong_alarm_min", 1, 100_000),
    ("verify.warn_below_pct", 0, 100),
    ("verify.prefix_block_below_pct", 0, 100),
    ("verify.prefix_matured_min", 1, 10_000),
    ("verify.prefix_challenge_below_pct", 0, 100),
    ("verify.prefix_outstanding_max", 0, 1_000_000),
    ("verify.country_block_below_pct", 0, 100),
    ("verify.country_matured_min", 1, 10_000),
    ("verify.country_per_hour_min", 0, 1_000_000),
    ("verify.network_block_below_pct", 0, 100),
    ("verify.network_matured_min", 1, 10_000),
];

/// One quarantine, in seconds.
const QUARANTINE_S: (u64, u64) = (60, 31_536_000);

/// The most bytes of a body, where a source has a limit of its own.
const BODY_BYTES_MAX: (usize, usize) = (1_024, 16_777_216);

/// Checks every number against its range.
pub fn check_ranges(table: &Table) -> Result<(), Error> {
    for (key, min, max) in RANGES {
        let value = key
            .split_once('.')
            .and_then(|(section, name)| table.get(section)?.get(name)?.as_integer());
        let value = value.unwrap_or(-1);
        if u64::try_from(value).is_ok_and(|v| (min..=max).contains(&v)) {
            continue;
        }
        return Err(Error::Range {
            key,
            value: value.to_string(),
            min,
            max,
        });
    }
    Ok(())
}

/// Checks what one key alone does not show.
pub fn check(config: &Config) -> Result<(), Error> {
    let refuse = |message: String| Err(Error::Value(message));
    let (min, max) = QUARANTINE_S;
    if config.quarantine.lasts_s.iter().any(|s| !(min..=max).contains(s)) {
        return refuse(format!("`quarantine.lasts_s`: each must be {min} to {max}"));
    }
    if !(0.0..=1.0).contains(&config.otp.min_confidence) {
        return refuse("`otp.min_confidence` must be 0.0 to 1.0".into());
    }
    if config.server.tls_cert.is_empty() != config.server.tls_key.is_empty() {
        return refuse("`server.tls_cert` and `server.tls_key` go together: give both or none".into());
    }
    if config.rental.country.len() != 2 || !config.rental.country.bytes().all(|b| b.is_ascii_uppercase()) {
        return refuse("`rental.country` is two capital letters, for example US".into());
    }
    for (at, service) in config.service.iter().enumerate() {
        if config.service[..at]
            .iter()
            .any(|other| other.name == service.name)
        {
            return refuse(format!("service {} is there twice", service.name));
        }
    }
    accounts::check(&config.account)?;
    sending::check(&config.provider)?;
    supply::check(&config.supplier)?;
    verify::check(&config.verify)?;
    for (at, source) in config.source.iter().enumerate() {
        if !is_name(&source.name) {
            return refuse(format!(
                "source {:?}: a name is 1 to 64 of a-z 0-9 - _",
                source.name
            ));
        }
        if config.source[..at].iter().any(|other| other.name == source.name) {
            return refuse(format!("source {} is there twice", source.name));
        }
        let (min, max) = BODY_BYTES_MAX;
        if source
            .body_bytes_max
            .is_some_and(|bytes| !(min..=max).contains(&bytes))
        {
            return refuse(format!(
                "source {}: `body_bytes_max` must be {min} to {max}",
                source.name
            ));
        }
    }
    Ok(())
}

/// What a source or provider may be called.
pub fn is_name(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(legal)
}

/// Every key there may be: those of the defaults, and the lists of tables that are empty there.
pub fn known(defaults: &Table) -> Table {
    let mut known = defaults.clone();
    for list in ["source", "supplier", "number", "account", "provider"] {
        known.insert(list.to_owned(), Value::Array(Vec::new()));
    }
    known
}

/// One environment variable as a table: `SERVER__LISTEN` is `[server] listen`. The default's type says how to read the value.
pub fn from_environment(path: &str, value: &str, defaults: &Table) -> Result<Table, Error> {
    let path = path.to_ascii_lowercase();
    let layer = || {
        format!(
            "environment variable {}{}",
            super::ENV_PREFIX,
            path.to_ascii_uppercase()
        )
    };
    let Some((section, key)) = path.split_once("__") else {
        return Err(Error::Value(format!("{}: write RINGBACK__SECTION__KEY", layer())));
    };
    let known = defaults.get(section).and_then(|s| s.get(key));
    let value = match known {
        None | Some(Value::String(_)) => Value::String(value.to_owned()),
        Some(_) => {
            let parsed: Result<Table, _> = format!("value = {value}").parse();
            let parsed = parsed.ok().and_then(|mut table| table.remove("value"));
            parsed.ok_or_else(|| Error::Value(format!("{}: {value:?} is not a value of TOML", layer())))?
        }
    };
    let inner = Table::from_iter([(key.to_owned(), value)]);
    Ok(Table::from_iter([(section.to_owned(), Value::Table(inner))]))
}

/// The error for a key that is not known, with the nearest one that is.
pub fn unknown<'a>(layer: &str, key: &str, known: impl Iterator<Item = &'a String>) -> Error {
    let near = known
        .map(|k| (distance(key, k), k))
        .min()
        .filter(|(d, _)| *d <= 3);
    let hint = near
        .map(|(_, k)| format!(": did you mean `{k}`?"))
        .unwrap_or_default();
    Error::UnknownKey {
        layer: layer.to_owned(),
        key: key.to_owned(),
        hint,
    }
}

/// Levenshtein distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
