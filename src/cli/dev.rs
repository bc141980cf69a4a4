//! `ringback dev`: a gateway with everything made for the occasion, and three curls that work when pasted, in order.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use toml::{Table, Value};

use super::{Failure, console, serve};
use crate::app::{self, Dev, DevSource, Running, Start};
use crate::carrier::NAMES;
use crate::carrier::simulate::Signer;
use crate::clock::{self, Clock};
use crate::config::{self, Config, Layers};
use crate::core::id::AccountId;
use crate::core::key::{Key, Plain};
use crate::core::signature::{Scheme, SigningKey};
use crate::telemetry;

#[derive(Args)]
pub struct Arguments {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: String,
    /// Keep the data here; without it a temporary folder is used and removed at the end.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Use this API key instead of a new one.
    #[arg(long, value_name = "KEY")]
    pub api_key: Option<String>,
    /// The account that the key belongs to.
    #[arg(long, default_value = "acc_dev", value_name = "ID")]
    pub account: String,
    /// Print one JSON line once connections are accepted, and nothing else.
    #[arg(long)]
    pub json: bool,
    /// Allow webhooks to loopback addresses; `--allow-loopback-webhooks=false` refuses them as `serve` does.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub allow_loopback_webhooks: bool,
}

impl Arguments {
    /// Any free port of loopback, a temporary folder, webhooks to loopback: for the demo and the benchmarks.
    pub fn anywhere() -> Self {
        Self {
            listen: "127.0.0.1:0".into(),
            data: None,
            api_key: None,
            account: "acc_dev".into(),
            json: false,
            allow_loopback_webhooks: true,
        }
    }
}

/// A running dev gateway and what its user needs to know.
pub struct Session {
    pub running: Running,
    pub api_key: String,
    pub account: AccountId,
    pub webhook_secret: String,
    pub data: PathBuf,
    /// Removes the temporary folder when dropped.
    _folder: Option<Folder>,
}

/// A temporary folder, removed with all that is in it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now is the system's to clean up.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Area codes of the numbers in a dev gateway; their exchange 555 and lines 0100 to 0199 are reserved for fiction.
const AREA_CODES: [&str; 10] = [
    "202", "212", "305", "310", "312", "404", "415", "512", "617", "775",
];
/// The name of the first source, our own loopback carrier; the others are named as their carriers.
const LOOPBACK: &str = "loopback";

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let json = arguments.json;
    let stop = serve::stop_signal()?;
    let session = start(arguments, Table::new()).await?;
    super::sim::remember(&session);
    if json {
        println!("{}", facts(&session));
    } else {
        print!("{}", banner(&session));
    }
    stop.await;
    session.running.stop().await;
    Ok(())
}

/// Starts one; `over` lays further configuration over the dev preset.
pub async fn start(arguments: Arguments, over: Table) -> Result<Session, Failure> {
    let account = AccountId::parse(&arguments.account).map_err(Failure::usage)?;
    let (data, folder) = data_folder(arguments.data)?;
    let api_key = arguments
        .api_key
        .unwrap_or_else(|| Plain::generate(false, &clock::random()).as_str().to_owned());
    if !crate::core::key::is_plausible(&api_key) {
        return Err(Failure::usage(
            "--api-key: a key is up to 256 visible ASCII characters; one that begins with rb_ must be whole",
        ));
    }
    let secret = SigningKey::from_random(Scheme::V1, clock::random());
    let signers = signers(&secret);
    let config = preset(
        &arguments.listen,
        &data,
        arguments.allow_loopback_webhooks,
        &signers,
    );
    let config = load(config, over)?;
    // A second gateway in this process, as in a test, keeps the first one's log.
    let _ = telemetry::start_logging(&config.log.filter, config.log.json);
    // Bound once to learn the port, so that the sources' public URLs are the ones that are signed.
    let key = Key {
        allow_query_key: true,
        ..Key::new(&api_key, account.clone(), Clock::System.now())
    };
    let keys = vec![key];
    let dev = Dev {
        sources: dev_sources(&signers),
        signing_key: secret.clone(),
    };
    let start = Start {
        keys,
        dev: Some(dev),
        fetch: None,
        providers: console::providers(),
    };
    let running = app::start(&config, start).await.map_err(Failure::unavailable)?;
    Ok(Session {
        running,
        api_key,
        account,
        webhook_secret: secret.to_string(),
        data,
        _folder: folder,
    })
}

fn load(preset: Table, over: Table) -> Result<Config, Failure> {
    config::load(Layers {
        preset,
        flags: over,
        ..Layers::of_process(None)
    })
    .map_err(Failure::usage)
}

fn data_folder(wanted: Option<PathBuf>) -> Result<(PathBuf, Option<Folder>), Failure> {
    if let Some(folder) = wanted {
        return Ok((folder, None));
    }
    let name = format!(
        "ringback-dev-{}-{:08x}",
        std::process::id(),
        u32::from_be_bytes(clock::random())
    );
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).map_err(|e| Failure::failed(format!("{}: {e}", folder.display())))?;
    Ok((folder.clone(), Some(Folder(folder))))
}

/// Every carrier that can be simulated with keys made here; SNS and generic sources need keys of their own form.
fn signers(secret: &SigningKey) -> Vec<(&'static str, Signer)> {
    let loopback = (
        LOOPBACK,
        Signer::StandardWebhooks {
            secret: secret.to_string(),
        },
    );
    let made = NAMES
        .iter()
        .filter_map(|name| Some((*name, Signer::generate(name, &clock::random())?)));
    std::iter::once(loopback).chain(made).collect()
}

/// The URL that a simulated carrier was given. Fixed, for it is signed and never called.
fn public_url(name: &str) -> String {
    format!("https://dev.ringback.example/inbound/{name}")
}

fn dev_sources(signers: &[(&str, Signer)]) -> Vec<DevSource> {
    let each = signers.iter().map(|(name, signer)| DevSource {
        name: (*name).to_owned(),
        public_url: public_url(name),
        signer: signer.clone(),
    });
    each.collect()
}

/// The limits that a single user on loopback would meet are raised; everything else is as in `serve`.
fn preset(listen: &str, data: &std::path::Path, allow_loopback: bool, signers: &[(&str, Signer)]) -> Table {
    let sources = signers.iter().map(|(name, signer)| {
        let mut source = signer.settings();
        source.insert("name".into(), (*name).into());
        source.insert("carrier".into(), signer.carrier().into());
        source.insert("public_url".into(), public_url(name).into());
        Value::Table(source)
    });
    let numbers = AREA_CODES
        .iter()
        .flat_map(|area| (0..100).map(move |line| format!("+1{area}55501{line:02}")));
    let number = |number: String| {
        Value::Table(Table::from_iter([
            ("number".into(), number.into()),
            ("country".into(), "US".into()),
        ]))
    };
    toml::toml! {
        [server]
        connections_per_ip_max = 10000
        [admin]
        listen = "127.0.0.1:0"
        [accounts]
        requests_per_minute_max = 0
        rentals_max = 0
        waiters_max = 20000
        [poll]
        waiters_max = 20000
        waiters_per_key_max = 20000
        [verify]
        loopback = true
        countries = ["*"]
        spend_day_max = "0"
        ip_per_10min_max = 0
        ip_per_day_max = 0
        block_of_10000_per_10min_max = 0
        block_of_10000_per_hour_max = 0
        block_of_1000_per_10min_max = 0
        account_per_second_max = 0
        account_per_day_max = 0
        wrong_locks = false
        prefix_outstanding_max = 0
        warn_below_pct = 0
        prefix_block_below_pct = 0
        prefix_challenge_below_pct = 0
        country_block_below_pct = 0
        country_per_hour_min = 0
        [log]
        filter = "warn"
    }
    .with("server", "listen", listen.into())
    .with("store", "folder", data.display().to_string().into())
    .with("outbound", "allow_loopback", allow_loopback.into())
    .with_list("source", sources.collect())
    .with_list("number", numbers.map(number).collect())
}

/// Building a configuration in code.
trait With: Sized {
    fn with(self, section: &str, key: &str, value: Value) -> Self;
    fn with_list(self, name: &str, list: Vec<Value>) -> Self;
}

impl With for Table {
    fn with(mut self, section: &str, key: &str, value: Value) -> Self {
        let entry = self.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(table) = entry {
            table.insert(key.into(), value);
        }
        self
    }

    fn with_list(mut self, name: &str, list: Vec<Value>) -> Self {
        self.insert(name.into(), Value::Array(list));
        self
    }
}

/// The one JSON line of `--json`.
pub fn facts(session: &Session) -> serde_json::Value {
    json!({
        "base_url": session.running.base_url(),
        "api_key": session.api_key,
        "account": session.account.as_str(),
        "webhook_secret": session.webhook_secret,
        "telnyx_public_key": session.running.gateway.telnyx_public_key(&session.account).ok(),
        "admin_url": session.running.admin_url(),
        "data": session.data.display().to_string(),
    })
}

fn banner(session: &Session) -> String {
    let (base, admin, key) = (
        session.running.base_url(),
        session.running.admin_url(),
        &session.api_key,
    );
    let (account, secret, data) = (
        session.account.as_str(),
        &session.webhook_secret,
        session.data.display(),
    );
    format!(
        r#"Ringback dev is ready.

  base URL        {base}
  API key         {key}
  account         {account}
  webhook secret  {secret}
  status page     {admin}/
  health          {admin}/readyz   metrics {admin}/metrics
  data            {data}

Paste these, in order: rent a number, let an SMS come in, get its code.

  RENTAL=$(curl -s {base}/api/verifications -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{{"serviceName":"google"}}'); echo "$RENTAL"

  curl -s {base}/api/dev/sms -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d "{{\"to\":\"$(echo "$RENTAL" | sed 's/.*"number":"\([^"]*\)".*/\1/')\",\"from\":\"Google\",\"text\":\"G-482913 is your Google verification code.\"}}"; echo

  curl -s "{base}/api/verifications/$(echo "$RENTAL" | sed 's/.*"id":"\([^"]*\)".*/\1/')/code?wait=30" -H 'Authorization: Bearer {key}'; echo

The same from another terminal: ringback sim sms --to NUMBER --from Google --text "G-482913 is your Google verification code."
Stop with Ctrl-C.
"#
    )
}
