//! The whole flow once, with something planted in every place that holds a secret, and with everything going wrong that can.

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ringback::carrier::simulate::{Signer, signed};
use ringback::clock::Clock;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use toml::{Table, Value};

use super::planted::Planted;
use crate::support::carrier::{self, STANDARD, TELNYX, TWILIO, draft};
use crate::support::client::Call;
use crate::support::gateway::{Gateway, new_key};
use crate::support::subscriber::Subscriber;
use crate::support::until;

const MASTER: &str = "5ec2e7005ec2e7015ec2e7025ec2e7035ec2e7045ec2e7055ec2e7065ec2e707";
const PATH_TOKEN: &str = "9f3c7a1be5d24680cafe1357bdf02468";
const OWN_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TEXTS: [(&str, &str, &str); 4] = [
    (TELNYX, "83920471", "zanzibar otter: your code is 83920471"),
    (TWILIO, "57104936", "marzipan falcon: your code is 57104936"),
    (
        STANDARD,
        "G4K977QX",
        "Your tangerine verification code is G4K9-77QX",
    ),
    (
        "twilio by GET",
        "60718253",
        "pistachio walrus: your code is 60718253",
    ),
];

fn configuration() -> Table {
    let mut over = toml::toml! {
        store = { master_key = "" }
        mcp = { allowed_hosts = ["gw"], sms_text = true }
    };
    over["store"]["master_key"] = MASTER.into();
    let Value::Array(mut sources) = carrier::sources() else {
        unreachable!("a list")
    };
    let jasmin =
        toml::toml! { name = "smpp" carrier = "jasmin" path_tokens = ["9f3c7a1be5d24680cafe1357bdf02468"] };
    sources.push(jasmin.into());
    over.insert("source".into(), Value::Array(sources));
    over
}

/// Runs it all and answers what was planted.
pub async fn travel() -> Planted {
    let mut planted = Planted::default();
    planted.plant("master key", MASTER);
    planted.plant("path token", PATH_TOKEN);
    for (name, signer) in carrier::signers() {
        let fields = Table::try_from(&signer).expect("a signer is a table");
        let secret = fields
            .iter()
            .filter(|(field, _)| !matches!(field.as_str(), "carrier" | "account_sid"));
        secret.for_each(|(field, value)| {
            planted.plant(&format!("{name} {field}"), value.as_str().unwrap_or_default());
        });
    }
    let gateway = Gateway::start_with(configuration()).await;
    planted.plant("API key", &gateway.key.clone());
    planted.plant("other API key", &gateway.other_key.clone());
    subscribe(&gateway, &mut planted).await;
    inbound(&gateway, &mut planted).await;
    agents(&gateway, &mut planted).await;
    refused(&gateway, &mut planted).await;
    operate(&gateway, &mut planted).await;
    look_at_the_inbound_log(&gateway).await;
    over_http2(&gateway).await;
    over_tls(&gateway, &mut planted).await;
    let attempts = || gateway.total("ringback_delivery_attempts_total");
    until("failures, retries and successes", || attempts() >= 40).await;
    let gateway = gateway.restart(configuration()).await;
    gateway.get("/api/verifications").await.expect(200);
    gateway.running.stop().await;
    planted
}

async fn subscribe(gateway: &Gateway, planted: &mut Planted) {
    let failing = Subscriber::start(&[503, 500, 302, 404, 503]).await;
    let gone = Subscriber::start(&[410]).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let closed_url = format!("http://{}/hook", closed.local_addr().expect("bound"));
    drop(closed);
    planted.plant("query of a target", "token=quince-hummingbird");
    planted.plant("secret in a target's query", "quince-hummingbird");
    for url in [&failing.url, &gone.url, &closed_url] {
        let made = gateway
            .subscribe(&format!("{url}?token=quince-hummingbird"), &["*"])
            .await;
        planted.plant("webhook secret", made["secret"].as_str().expect("shown once"));
    }
    planted.plant("webhook secret of the customer", OWN_SECRET);
    let wish = json!({ "url": format!("{}?token=quince-hummingbird", failing.url), "events": ["*"], "secret": OWN_SECRET });
    gateway.post("/api/webhooks", &wish).await.expect(201);
    planted.plant("password in a target", "lychee-armadillo");
    let wish = json!({ "url": "https://user:lychee-armadillo@example.com/", "events": ["*"], "secret": "whsec_lychee-armadillo" });
    gateway.post("/api/webhooks", &wish).await.expect(400);
}

async fn inbound(gateway: &Gateway, planted: &mut Planted) {
    planted.plant_number("sender", "+12025550199");
    for (source, code, text) in TEXTS {
        let rental = gateway.rent("google").await;
        planted.plant_number("rented number", &rental.number);
        planted.plant("code", code);
        planted.plant("text", text);
        let poll = gateway.poll(&rental, 30);
        let sms = draft(&format!("id-{code}"), &rental.number, text);
        let call = match source {
            "twilio by GET" => carrier::twilio_get(&sms),
            source => carrier::call(source, &carrier::request(source, &sms)),
        };
        let accepted = [
            call.send(gateway.address).await.status,
            call.send(gateway.address).await.status,
        ];
        assert!(accepted.iter().all(|status| *status < 300), "{source}");
        assert_eq!(poll.await.expect("a poll").json()["otpCode"], code);
        gateway.get(&rental.path("")).await.expect(200);
    }
    let rental = gateway.rent("google").await;
    planted.plant_number("rented number", &rental.number);
    planted.plant("text by its path token", "nectarine gecko 71829304");
    let sms = draft("j-1", &rental.number, "nectarine gecko 71829304");
    let signer = Signer::Jasmin {
        path_token: PATH_TOKEN.into(),
    };
    let request = signed(
        &signer,
        &sms,
        "https://gw.example.com/inbound/smpp",
        Clock::System.now(),
    );
    let call = Call::new("POST", &format!("/inbound/smpp/{PATH_TOKEN}")).body(request.body);
    planted.plant("credential of a proxy", "c2FmZnJvbjpoZXJvbg");
    let call = call
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", "Basic c2FmZnJvbjpoZXJvbg")
        .header("x-original-uri", &format!("/inbound/smpp/{PATH_TOKEN}"));
    assert_eq!(call.send(gateway.address).await.status, 200);
    gateway.post(&rental.path("/cancel"), &json!({})).await;
}

/// An agent hears code and text, and says things that nobody should read in a log.
async fn agents(gateway: &Gateway, planted: &mut Planted) {
    let ask = async |name: &str, arguments: serde_json::Value| {
        let params = json!({ "name": name, "arguments": arguments });
        let call = Call::post(
            "/mcp",
            &json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }),
        );
        let reply = call.key(&gateway.key).send(gateway.address).await.expect(200);
        reply["result"]["structuredContent"].clone()
    };
    let rented = ask("verify_get_number", json!({ "serviceName": "google" })).await;
    let number = rented["number"].as_str().expect("a number");
    planted.plant_number("number of an agent", number);
    planted.plant("code of an agent", "29481756");
    planted.plant("text of an agent", "apricot badger");
    let sms = draft("a-1", number, "apricot badger: your code is 29481756");
    carrier::post(gateway.address, TELNYX, &sms).await;
    let code = ask("verify_get_code", json!({ "verificationId": rented["id"] })).await;
    assert_eq!(code["otpCode"], "29481756");
    assert!(code["untrustedSms"]["text"].is_string());
    planted.plant("argument of an agent", "pomelo-wombat");
    ask(
        "verify_get_number",
        json!({ "serviceName": "pomelo-wombat", "card": "pomelo-wombat" }),
    )
    .await;
    let broken = Call::new("POST", "/mcp")
        .header("content-type", "application/json")
        .key(&gateway.key);
    broken
        .body("{\"pomelo-wombat")
        .send(gateway.address)
        .await
        .expect(400);
}

async fn refused(gateway: &Gateway, planted: &mut Planted) {
    let rental = gateway.rent("google").await;
    planted.plant_number("rented number", &rental.number);
    planted.plant("forged text", "kumquat pelican 90817263");
    planted.plant_number("unknown number", "+14155550177");
    let sms = draft("f-1", &rental.number, "kumquat pelican 90817263");
    for source in [TELNYX, TWILIO, STANDARD] {
        carrier::forged(source, &sms, "kumquat pelican 90817263 again")
            .send(gateway.address)
            .await
            .expect(401);
        let old = carrier::request_at(source, &sms, Clock::System.now().minus_ms(900_000));
        carrier::call(source, &old).send(gateway.address).await;
        carrier::post(
            gateway.address,
            source,
            &draft("u-1", "+14155550177", "kumquat pelican 90817263"),
        )
        .await;
        carrier::call("nobody", &carrier::request(source, &sms))
            .send(gateway.address)
            .await
            .expect(404);
    }
    planted.plant("wrong API key", "rb_live_persimmon_iguana");
    Call::get("/api/verifications")
        .key("rb_live_persimmon_iguana")
        .send(gateway.address)
        .await
        .expect(401);
    let query = format!("/api/verifications?api_key={}&code=83920471", gateway.key);
    Call::get(&query).send(gateway.address).await.expect(401);
    // Contract 001 sends its key in the URL, and is refused here for it.
    let query = format!("/getNumbers?api_key={}", gateway.key);
    Call::get(&query).send(gateway.address).await.expect(401);
    Call::get(&format!("/nowhere/{}?api_key={}", gateway.key, gateway.key))
        .send(gateway.address)
        .await
        .expect(404);
    for body in [
        "{\"serviceName\":\"kumquat pelican 90817263",
        "{\"serviceName\":90817263}",
        "[\"kumquat pelican 90817263\"]",
    ] {
        let call = Call::new("POST", "/api/verifications")
            .key(&gateway.key)
            .header("content-type", "application/json");
        call.body(body).send(gateway.address).await.expect(400);
    }
    drop(
        Call::get(&rental.path("/code?wait=30"))
            .key(&gateway.key)
            .begin(gateway.address)
            .await,
    );
}

async fn operate(gateway: &Gateway, planted: &mut Planted) {
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).expect("made at the start");
    planted.plant("admin token", token.trim());
    planted.plant("wrong admin token", "durian-salamander-durian-salamander");
    planted.plant_number("imported number", "+13125550188");
    let admin = gateway.running.admin_address;
    let made = Call::post("/admin/keys", &json!({ "account": "late" }))
        .key(token.trim())
        .send(admin)
        .await
        .expect(201);
    planted.plant(
        "key of the operator's making",
        made["key"].as_str().expect("shown once"),
    );
    replace_and_revoke(gateway, made["id"].as_str().expect("an id"), planted).await;
    let numbers = json!([{ "number": "+13125550188", "country": "US" }]);
    Call::post("/admin/numbers", &numbers)
        .key(token.trim())
        .send(admin)
        .await
        .expect(200);
    Call::post("/admin/keys", &json!({}))
        .key("durian-salamander-durian-salamander")
        .send(admin)
        .await
        .expect(401);
    planted.plant("extracted text", "papaya lemur 64738291");
    gateway
        .post(
            "/api/extract",
            &json!({ "text": "papaya lemur 64738291 is your code" }),
        )
        .await
        .expect(200);
    for path in ["/metrics", "/status.json", "/readyz"] {
        Call::get(path).send(admin).await;
    }
    planted.plant("key that was never made", &new_key());
}

/// A key that takes another's place is used, listed and revoked.
async fn replace_and_revoke(gateway: &Gateway, id: &str, planted: &mut Planted) {
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).expect("made at the start");
    let admin = async |call: Call| call.key(token.trim()).send(gateway.running.admin_address).await;
    let rotate = Call::post(&format!("/admin/keys/{id}/rotate"), &json!({}));
    let next = admin(rotate).await.expect(200);
    let key = next["key"].as_str().expect("shown once");
    planted.plant("key in another's place", key);
    Call::get("/api/verifications")
        .key(key)
        .send(gateway.address)
        .await
        .expect(200);
    admin(Call::get("/admin/keys")).await.expect(200);
    let path = format!("/admin/keys/{}", next["id"].as_str().expect("an id"));
    assert_eq!(admin(Call::new("DELETE", &path)).await.status, 204);
    Call::get("/api/verifications")
        .key(key)
        .send(gateway.address)
        .await
        .expect(401);
}

/// What the inbound log keeps is shown to its operator and told to no log, not even when a request is run through again.
async fn look_at_the_inbound_log(gateway: &Gateway) {
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).expect("made at the start");
    let (admin, token) = (gateway.running.admin_address, token.trim());
    until("requests in the log", || {
        gateway.total("ringback_inbound_log_total") > 8
    })
    .await;
    let get = async |path: &str| Call::get(path).key(token).send(admin).await.expect(200);
    let listed = get("/admin/inbound?limit=100").await;
    let requests = listed["requests"].as_array().expect("a list");
    let mut shown = String::new();
    for request in requests {
        let id = request["id"].as_str().expect("an id");
        shown += &get(&format!("/admin/inbound/{id}?content=true"))
            .await
            .to_string();
        let replay = Call::post(&format!("/admin/inbound/{id}/replay"), &json!({ "trust": true }));
        replay.key(token).send(admin).await;
    }
    assert!(shown.contains("zanzibar otter"), "the operator sees it");
    assert!(
        !shown.contains(PATH_TOKEN) && !shown.contains("c2FmZnJvbjpoZXJvbg"),
        "{shown}"
    );
}

/// HTTP/2 has a log of its own, with frames and header fields.
async fn over_http2(gateway: &Gateway) {
    let socket = TcpStream::connect(gateway.address).await.expect("it listens");
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (mut sender, connection) = handshake.await.expect("HTTP/2 by prior knowledge");
    tokio::spawn(connection);
    let body = Full::new(bytes::Bytes::from_static(
        br#"{"text":"papaya lemur 64738291 is your code"}"#,
    ));
    let request = http::Request::post(format!("http://gw/api/extract?api_key={}", gateway.key))
        .header("authorization", format!("Bearer {}", gateway.key))
        .header("content-type", "application/json")
        .body(body)
        .expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert!(
        !response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes()
            .is_empty()
    );
}

/// A subscriber that ends its TLS with a certificate that nobody knows.
async fn over_tls(gateway: &Gateway, planted: &mut Planted) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).expect("a certificate");
    let key = rustls_pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
        })
        .expect("a server");
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!(
        "https://{}/hook?token=quince-hummingbird",
        listener.local_addr().expect("bound")
    );
    let subscription = gateway.subscribe(&url, &["*"]).await;
    planted.plant(
        "webhook secret",
        subscription["secret"].as_str().expect("shown once"),
    );
    let rental = gateway.rent("google").await;
    planted.plant_number("rented number", &rental.number);
    let (stream, _) = crate::support::within("a connection", listener.accept())
        .await
        .expect("a connection");
    assert!(
        acceptor.accept(stream).await.is_err(),
        "the gateway refuses an unknown certificate"
    );
}
