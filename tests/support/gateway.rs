//! A whole gateway as `serve` runs it, on free ports and a folder of its own, with two accounts, three carriers and some numbers.

use std::net::SocketAddr;
use std::path::PathBuf;

use ringback::app::{self, Fetch, Running, Start};
use ringback::clock::Clock;
use ringback::config::{self, Config, Layers};
use ringback::core::id::AccountId;
use ringback::core::key::{Key, Plain};
use serde_json::{Value, json};
use tempfile::TempDir;
use toml::Table;

use super::client::{Call, Reply};
use super::{carrier, openapi};

/// A service whose rentals end after ten seconds, the shortest there is.
pub const SHORT: &str = "short";

/// What differs from the built-in configuration in every gateway here.
fn preset(folder: &std::path::Path) -> Table {
    let mut table = toml::toml! {
        [server]
        listen = "127.0.0.1:0"
        connections_per_ip_max = 1000
        [admin]
        listen = "127.0.0.1:0"
        [rental]
        sweep_ms = 50
        [accounts]
        requests_per_minute_max = 0
        [poll]
        waiters_per_key_max = 200
        [outbound]
        allow_loopback = true
        retry = { schedule_s = [0, 1, 1] }
        [[service]]
        name = "google"
        description = "Google"
        price = "0.5000"
        lifetime_s = 1200
        [[service]]
        name = "short"
        description = "Short"
        price = "0.7500"
        lifetime_s = 10
    };
    table.insert(
        "store".into(),
        Table::from_iter([("folder".to_owned(), folder.display().to_string().into())]).into(),
    );
    table.insert("source".into(), carrier::sources());
    let number = |line: u32| {
        toml::Value::from(Table::from_iter([
            ("number".to_owned(), format!("+1202555{line:04}").into()),
            ("country".to_owned(), "US".into()),
        ]))
    };
    table.insert(
        "number".into(),
        toml::Value::Array((100..150).map(number).collect()),
    );
    table
}

/// The configuration of a gateway in `folder`, with `over` laid over it.
pub fn config(folder: &std::path::Path, over: Table) -> Config {
    config::load(Layers {
        preset: preset(folder),
        flags: over,
        ..Layers::default()
    })
    .expect("a test's configuration holds")
}

pub fn new_key() -> String {
    Plain::generate(true, &ringback::clock::random())
        .as_str()
        .to_owned()
}

/// A running gateway. `key` belongs to the account `acme`, `other_key` to `globex`.
pub struct Gateway {
    pub running: Running,
    pub address: SocketAddr,
    pub key: String,
    pub other_key: String,
    folder: TempDir,
}

impl Gateway {
    pub async fn start() -> Self {
        Self::start_with(Table::new()).await
    }

    /// Starts one with `over` laid over its configuration.
    pub async fn start_with(over: Table) -> Self {
        Self::start_in(
            TempDir::new().expect("a temporary folder"),
            (new_key(), new_key()),
            over,
            None,
        )
        .await
    }

    /// As `start_with`, with another way to fetch certificates and confirmations.
    pub async fn start_fetching(over: Table, fetch: Fetch) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self::start_in(folder, (new_key(), new_key()), over, Some(fetch)).await
    }

    async fn start_in(
        folder: TempDir,
        (key, other_key): (String, String),
        over: Table,
        fetch: Option<Fetch>,
    ) -> Self {
        let account = |name: &str| AccountId::parse(name).expect("a short word");
        let keys = [(&key, "acme"), (&other_key, "globex")];
        let keys = keys
            .map(|(key, name)| Key::new(key, account(name), Clock::System.now()))
            .into();
        let config = config(folder.path(), over);
        let start = Start {
            keys,
            fetch,
            ..Start::default()
        };
        let running = app::start(&config, start).await.expect("a gateway starts");
        let address = running.address;
        Self {
            running,
            address,
            key,
            other_key,
            folder,
        }
    }

    /// Stops it and starts it again on the same folder, with the same keys.
    pub async fn restart(self, over: Table) -> Self {
        let Self {
            running,
            key,
            other_key,
            folder,
            ..
        } = self;
        running.stop().await;
        Self::start_in(folder, (key, other_key), over, None).await
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub async fn get(&self, path: &str) -> Reply {
        let reply = Call::get(path).key(&self.key).send(self.address).await;
        described("GET", path, reply)
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        let reply = Call::post(path, body).key(&self.key).send(self.address).await;
        described("POST", path, reply)
    }

    /// Rents a number for `service`; the answer of contract 000.
    pub async fn rent(&self, service: &str) -> Rental {
        let answer = self
            .post("/api/verifications", &json!({ "serviceName": service }))
            .await
            .expect(201);
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        Rental {
            id: text("id"),
            number: text("number"),
        }
    }

    /// Subscribes `url` to these events; the subscription as it was answered, with its secret.
    pub async fn subscribe(&self, url: &str, events: &[&str]) -> Value {
        self.post("/api/webhooks", &json!({ "url": url, "events": events }))
            .await
            .expect(201)
    }

    /// Polls for the code in the background.
    pub fn poll(&self, rental: &Rental, wait_s: u32) -> tokio::task::JoinHandle<Reply> {
        let call = Call::get(&format!("/api/verifications/{}/code?wait={wait_s}", rental.id)).key(&self.key);
        let address = self.address;
        tokio::spawn(async move { call.send(address).await })
    }

    /// Waits until so many polls are held.
    pub async fn holds(&self, polls: usize) {
        let waiters = self.running.gateway.waiters();
        super::until(&format!("{polls} held polls"), || waiters.count() == polls).await;
    }

    /// A counter's sum over its labels.
    pub fn total(&self, metric: &str) -> u64 {
        self.running.gateway.metrics().total(metric)
    }
}

/// The answer, which must be as `schemas/openapi.yaml` describes it, whichever test asked.
fn described(method: &str, path: &str, reply: Reply) -> Reply {
    let wrong = openapi::wrong(method, path, &reply);
    assert!(wrong.is_empty(), "{method} {path}: {}: {wrong:#?}", reply.text());
    reply
}

/// What a test needs of a rental.
#[derive(Debug, Clone)]
pub struct Rental {
    pub id: String,
    pub number: String,
}

impl Rental {
    pub fn path(&self, tail: &str) -> String {
        format!("/api/verifications/{}{tail}", self.id)
    }
}
