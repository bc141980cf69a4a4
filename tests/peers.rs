//! Real peers: the libraries that receivers use check what this gateway sends, rotation too, and what they sign is checked by us.
//! SMSCs and mail servers take what it sends out; `faces` has the API itself tried, `telnyx` has Telnyx's own SDKs use contract 003,
//! `sinks` runs the samples for identity servers, `billing` has a billing system's library read the metering export.
//! `bash .ci/test` installs them, pinned, into target/peers and runs this.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod peers {
    pub mod billing;
    pub mod faces;
    pub mod mail;
    pub mod sending;
    pub mod sinks;
    pub mod telnyx;
}

#[expect(dead_code, reason = "its own tests use more of it")]
#[path = "verify/codes.rs"]
mod codes;

use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ringback::clock::Clock;
use ringback::core::event::Kind;
use ringback::core::signature::{self, Received, Scheme, SigningKey, VerifyingKey};
use ringback::core::subscription::Subscription;
use ringback::core::subscription::keys::HeldKey;
use ringback::store::Commit;
use serde_json::{Value, json};
use support::carrier::{self, TELNYX, draft};
use support::client::Call;
use support::gateway::Gateway;
use support::subscriber::{Delivery, Subscriber};

const HOME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");

/// Runs one of the scripts with this on its standard input; what it answers.
fn run(program: &str, arguments: &[&str], input: &Value) -> String {
    use std::io::Write;
    let mut child = Command::new(program)
        .args(arguments)
        .env("NODE_PATH", format!("{HOME}/npm/node_modules"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program}: {e}: `bash .ci/test` installs what this needs"));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn python() -> String {
    format!("{HOME}/venv/bin/python")
}

fn script(name: &str) -> String {
    Path::new(SCRIPTS).join(name).display().to_string()
}

/// A subscriber with the keys that its subscription signs with.
struct Peer {
    name: &'static str,
    subscriber: Subscriber,
    secrets: Vec<String>,
    public: Vec<String>,
    jwks: Value,
}

impl Peer {
    async fn new(gateway: &Gateway, name: &'static str, keys: &[SigningKey]) -> Self {
        let subscriber = Subscriber::start(&[]).await;
        let made = gateway.subscribe(&subscriber.url, &["*"]).await;
        let id = made["id"].as_str().unwrap();
        sign_with(gateway, id, keys).await;
        let path = format!("/.well-known/webhook-keys/{id}");
        let jwks = Call::get(&path).send(gateway.address).await.json()["keys"].clone();
        Self {
            name,
            subscriber,
            secrets: keys
                .iter()
                .filter(|key| key.public().is_none())
                .map(ToString::to_string)
                .collect(),
            public: keys
                .iter()
                .filter_map(SigningKey::public)
                .map(|key| key.to_string())
                .collect(),
            jwks: if jwks.is_null() { json!([]) } else { jwks },
        }
    }

    fn shown(&self, delivery: &Delivery) -> Value {
        let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        json!({
            "name": format!("{} {}", self.name, delivery.kind()),
            "body": std::str::from_utf8(&delivery.body).unwrap(),
            "headers": headers.map(|name| (name, delivery.header(name))).into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "secrets": self.secrets,
            "public": self.public,
            "jwks": self.jwks,
        })
    }
}

/// Has the subscription sign with all of these, as while one replaces another.
async fn sign_with(gateway: &Gateway, id: &str, keys: &[SigningKey]) {
    let store = gateway.running.gateway.store();
    let subscription = store.live().subscription(id.parse().unwrap()).unwrap();
    let signing_keys = keys
        .iter()
        .map(|key| HeldKey::new(key, Clock::System.now()))
        .collect();
    let changed = Subscription {
        signing_keys,
        version: subscription.version + 1,
        ..(*subscription).clone()
    };
    store
        .commit(Commit::Subscribe(Box::new(changed)), Clock::System.moment())
        .await
        .unwrap();
}

/// What every peer heard of every type, and of a code in letters that are not ASCII.
async fn heard(gateway: &Gateway, peers: &mut [Peer]) -> Vec<Value> {
    for kind in Kind::ALL {
        gateway
            .post("/api/events/test", &json!({ "type": kind.as_str() }))
            .await
            .expect(201);
    }
    let rental = gateway.rent("google").await;
    let text = "Ihr Best\u{e4}tigungscode lautet \"771203\".\n\u{1f600}";
    carrier::post(gateway.address, TELNYX, &draft("m-1", &rental.number, text)).await;
    let mut all = Vec::new();
    for peer in peers {
        for _ in 0..Kind::ALL.len() + 2 {
            let delivery = peer.subscriber.next().await;
            all.push(peer.shown(&delivery));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs target/peers: bash .ci/test installs it and runs this"]
async fn the_libraries_of_receivers_believe_what_is_sent_and_we_believe_them() {
    let gateway = Gateway::start().await;
    let key = |scheme, n| SigningKey::from_random(scheme, [n; 32]);
    let mut peers = [
        Peer::new(&gateway, "one secret", &[key(Scheme::V1, 1)]).await,
        Peer::new(
            &gateway,
            "rotating",
            &[
                key(Scheme::V1, 2),
                key(Scheme::V1a, 3),
                key(Scheme::V1, 4),
                key(Scheme::V1a, 5),
            ],
        )
        .await,
        Peer::new(&gateway, "a key pair", &[key(Scheme::V1a, 6)]).await,
    ];
    let deliveries = heard(&gateway, &mut peers).await;
    let events = Kind::ALL.len() + 2;
    let (id, body, secret) = ("evt_1", "{\"type\":\"\u{e4}\"}", key(Scheme::V1, 7).to_string());
    let timestamp_s = i64::try_from(Clock::System.now().secs()).unwrap();
    let sign = json!({ "id": id, "timestamp": timestamp_s, "body": body, "secret": secret, "seed": BASE64_STANDARD.encode([8; 32]) });
    let work = json!({ "deliveries": deliveries, "sign": sign });

    let answers = [
        run(&python(), &[&script("verify.py")], &work),
        run("node", &[&script("verify.js")], &work),
    ];
    let mut checks = 0;
    for answer in answers {
        let answer: Value = serde_json::from_str(&answer).unwrap();
        // Two libraries for each of three secrets, and each of three public keys.
        assert_eq!(answer["checked"], events * (3 * 2 + 3));
        checks += answer["checked"].as_u64().unwrap();
        for (library, header) in answer["signed"].as_object().unwrap() {
            let received = Received {
                id,
                timestamp: &timestamp_s.to_string(),
                signature: header.as_str().unwrap(),
                body: body.as_bytes(),
            };
            let keys: [VerifyingKey; 2] = [
                secret.parse().unwrap(),
                key(Scheme::V1a, 8).to_string().parse().unwrap(),
            ];
            assert_eq!(
                signature::verify(&keys, &received, timestamp_s),
                Ok(()),
                "{library}"
            );
            checks += 1;
        }
    }
    println!(
        "==> {checks} signatures checked with standardwebhooks and svix (PyPI, npm), PyNaCl and node's crypto"
    );
}

#[test]
#[ignore = "needs target/peers: bash .ci/test installs it and runs this"]
fn the_documents_are_openapi() {
    for name in ["webhooks.json", "openapi.yaml"] {
        let document = format!("{}/schemas/{name}", env!("CARGO_MANIFEST_DIR"));
        run(&python(), &[&script("openapi.py"), &document], &Value::Null);
        println!("==> schemas/{name} is an OpenAPI 3.1 document (openapi-spec-validator)");
    }
}
