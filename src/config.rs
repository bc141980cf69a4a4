//! Configuration: built-in `config.toml` < file < conf.d < environment < flags, checked once and trusted after; secrets hide in Debug.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

mod accounts;
mod agents;
mod inbound;
mod keys;
mod rental;
mod secrets;
mod sending;
mod store;
mod supply;
mod verify;

pub use accounts::{Account, Accounts};
pub use agents::Mcp;
pub use inbound::{Inbound, InboundLog};
pub use keys::RANGES;
pub use rental::{Catalogue, Quarantine, Rental};
pub use sending::{Bills, Provider, Sending};
pub use store::{Durability, Store};
pub use supply::Supplier;
pub use verify::{CodeHash, Privacy, Resend, ResponseCodes, Verify};

/// The defaults, compiled in: the file in the repository's root is the only place they stand.
pub const BUILT_IN: &str = include_str!("../config.toml");
/// Environment variables that set a key begin with this.
const ENV_PREFIX: &str = "RINGBACK__";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{file}: {message}")]
    Read { file: String, message: String },
    #[error("{layer}: unknown key `{key}`{hint}")]
    UnknownKey {
        layer: String,
        key: String,
        hint: String,
    },
    #[error("`{key}` is {value}: write {min} to {max}")]
    Range {
        key: &'static str,
        value: String,
        min: u64,
        max: u64,
    },
    #[error("{0}")]
    Value(String),
}

/// The whole configuration, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub admin: Admin,
    pub accounts: Accounts,
    pub store: Store,
    pub inbound: Inbound,
    pub inbound_log: InboundLog,
    pub poll: Poll,
    pub rental: Rental,
    pub quarantine: Quarantine,
    pub partner: Partner,
    pub mcp: Mcp,
    pub otp: Otp,
    pub outbound: Outbound,
    pub sending: Sending,
    pub verify: Verify,
    pub catalogue: Catalogue,
    pub log: Log,
    pub service: Vec<Service>,
    #[serde(default)]
    pub source: Vec<Source>,
    #[serde(default)]
    pub provider: Vec<Provider>,
    #[serde(default)]
    pub supplier: Vec<Supplier>,
    #[serde(default)]
    pub number: Vec<Table>,
    #[serde(default)]
    pub account: Vec<Account>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: String,
    pub public_url: String,
    pub trusted_proxies: Vec<String>,
    pub tls_cert: String,
    pub tls_key: String,
    pub connections_max: usize,
    pub connections_per_ip_max: usize,
    pub accept_pause_ms: u64,
    pub tls_handshake_ms: u64,
    pub header_read_ms: u64,
    pub idle_ms: u64,
    pub linger_ms: u64,
    pub headers_max: usize,
    pub head_bytes_max: usize,
    pub url_bytes_max: usize,
    pub h2_header_list_bytes_max: u32,
    pub h2_streams_max: u32,
    pub h2_window_bytes: u32,
    pub h2_ping_every_ms: u64,
    pub h2_ping_wait_ms: u64,
    pub body_bytes_max: usize,
    pub carrier_body_bytes_max: usize,
    pub body_read_ms: u64,
    pub body_rate_bytes_per_s_min: u64,
    pub body_rate_grace_ms: u64,
    pub json_depth_max: usize,
    pub stream_stall_ms: u64,
    pub drain_ms: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    pub listen: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    pub default_s: u64,
    pub max_s: u64,
    pub heartbeat_ms: u64,
    pub waiters_max: usize,
    pub waiters_per_key_max: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The service of a rental that names none; empty for the first one.
    pub service: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Otp {
    pub min_confidence: f32,
    /// A file of rules, or empty.
    pub rules: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    pub timeout_ms: u64,
    pub connect_timeout_ms: u64,
    pub reply_bytes_max: usize,
    pub concurrency_max: usize,
    pub concurrency_per_subscription_max: usize,
    pub subscriptions_max: usize,
    pub disable_after_s: u64,
    pub disable_failures_min: u32,
    pub probe_s: u64,
    pub ramp_per_s: u32,
    pub ramp_double_s: u64,
    pub replay_per_s: u32,
    pub replays_max: usize,
    pub replay_deliveries_max: u64,
    pub stuck_s: u64,
    pub allow_http: bool,
    pub allow_loopback: bool,
    pub allow_cidrs: Vec<String>,
    pub ports: Vec<u16>,
    /// Read by `core::retry`.
    pub retry: Table,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub filter: String,
    pub json: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub name: String,
    pub description: String,
    pub price: String,
    #[serde(default)]
    pub capability: Option<String>,
    pub lifetime_s: u64,
    /// Read by `core::otp`.
    #[serde(default)]
    pub code: Table,
    #[serde(default)]
    pub brands: Vec<String>,
}

/// A way in for a carrier. The keys that are the carrier's own are read by `carrier`. `Debug` hides them.
#[derive(Clone, Deserialize)]
pub struct Source {
    pub name: String,
    pub carrier: String,
    pub public_url: Option<String>,
    #[serde(default)]
    pub allow_ips: Vec<String>,
    pub body_bytes_max: Option<usize>,
    pub dedupe: Option<String>,
    #[serde(flatten)]
    pub settings: Table,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("carrier", &self.carrier)
            .finish_non_exhaustive()
    }
}

/// What the command line and the environment add to the files.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Other defaults than the built-in ones, for `dev`, `demo` and `bench`.
    pub preset: Table,
    pub file: Option<PathBuf>,
    /// `(NAME, value)`; only those that begin with `RINGBACK__` count.
    pub environment: Vec<(String, String)>,
    /// A table of the same form as the file's.
    pub flags: Table,
}

impl Layers {
    /// The file, if one is named, and the process's environment.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self {
            file,
            environment: std::env::vars().collect(),
            ..Self::default()
        }
    }

    /// Sets one key as a flag does.
    pub fn set_flag(&mut self, section: &str, key: &str, value: String) {
        let section = self
            .flags
            .entry(section)
            .or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(table) = section {
            table.insert(key.to_owned(), Value::String(value));
        }
    }
}

/// Where a user's programs keep what is neither configuration nor data (XDG base directories).
pub fn state_folder() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    state
        .or_else(home)
        .unwrap_or_else(std::env::temp_dir)
        .join("ringback")
}

/// A secret from a command line: itself, or read from where `env:NAME`, `file:/path` or `cred:NAME` says.
pub fn secret(text: &str) -> Result<String, Error> {
    secrets::read(text)
}

/// Puts the layers together and checks the result.
pub fn load(layers: Layers) -> Result<Config, Error> {
    let table = resolved(layers)?;
    // First, for serde says of a number that does not fit only that it does not.
    keys::check_ranges(&table)?;
    let config: Config = table
        .clone()
        .try_into()
        .map_err(|e: toml::de::Error| Error::Value(e.message().to_owned()))?;
    keys::check(&config)?;
    Ok(config)
}

/// The layers as one table, with texts like `env:NAME` replaced; `print-config` shows it.
pub fn resolved(layers: Layers) -> Result<Table, Error> {
    let mut table: Table = BUILT_IN
        .parse()
        .map_err(|e: toml::de::Error| Error::Value(e.to_string()))?;
    let known = keys::known(&table);
    merge(&mut table, layers.preset, &known, "preset")?;
    if let Some(file) = &layers.file {
        merge(&mut table, read(file)?, &known, &file.display().to_string())?;
        for file in conf_d(file)? {
            merge(&mut table, read(&file)?, &known, &file.display().to_string())?;
        }
    }
    for (name, value) in &layers.environment {
        if let Some(path) = name.strip_prefix(ENV_PREFIX) {
            merge(
                &mut table,
                keys::from_environment(path, value, &known)?,
                &known,
                name,
            )?;
        }
    }
    merge(&mut table, layers.flags, &known, "flags")?;
    secrets::fill(&mut table)?;
    Ok(table)
}

/// The table with everything secret replaced by stars.
pub fn redacted(table: Table) -> Table {
    secrets::redact(table)
}

fn read(file: &Path) -> Result<Table, Error> {
    let error = |message: String| Error::Read {
        file: file.display().to_string(),
        message,
    };
    let text = std::fs::read_to_string(file).map_err(|e| error(e.to_string()))?;
    text.parse().map_err(|e: toml::de::Error| error(e.to_string()))
}

/// The files of `conf.d` beside the file, in the order of their names.
fn conf_d(file: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = file.parent().unwrap_or(Path::new(".")).join("conf.d");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => {
            return Err(Error::Read {
                file: folder.display().to_string(),
                message: e.to_string(),
            });
        }
    };
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    Ok(files)
}

/// Lays `over` onto `table`. Sections merge key by key; lists of tables (`[[source]]` ...) replace the lower layer's.
fn merge(table: &mut Table, over: Table, known: &Table, layer: &str) -> Result<(), Error> {
    for (key, value) in over {
        let Some(known) = known.get(&key) else {
            return Err(keys::unknown(layer, &key, known.keys()));
        };
        match (value, known) {
            (Value::Table(section), Value::Table(known)) if key != "retry" => {
                let Some(Value::Table(below)) = table.get_mut(&key) else {
                    continue;
                };
                merge(below, section, known, &format!("{layer}: [{key}]"))?;
            }
            (value, known) if value.same_type(known) => drop(table.insert(key, value)),
            (Value::Integer(n), Value::Float(_)) => {
                table.insert(key, Value::Float(n as f64));
            }
            (_, known) => {
                return Err(Error::Value(format!(
                    "{layer}: `{key}` must be of type {}",
                    known.type_str()
                )));
            }
        }
    }
    Ok(())
}
