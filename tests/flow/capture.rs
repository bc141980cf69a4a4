//! The inbound log: every judged request is kept without its secrets, within its bounds, and one that was refused for a fault of ours
//! comes in after the fix, once.

use std::net::SocketAddr;

use ringback::carrier::simulate::{Signer, signed};
use ringback::clock::Clock;
use ringback::core::capture::{Capture, Verdict};
use ringback::gateway::CaptureFilter;
use serde_json::{Value, json};
use toml::Table;

use crate::support::carrier::{self, TELNYX, TWILIO, draft};
use crate::support::client::{Call, Reply};
use crate::support::gateway::{Gateway, Rental};
use crate::support::until;

const TEXT: &str = "G-482913 is your Google verification code.";
const PATH_TOKEN: &str = "9f3c7a1be5d24680cafe1357bdf02468";
const OTHER_KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// Waits until so many requests were kept or left out since the start, and answers what is kept, newest first.
async fn kept(gateway: &Gateway, judged: u64) -> Vec<Capture> {
    let logged = || gateway.total("ringback_inbound_log_total") == judged;
    until(&format!("{judged} requests in the log"), logged).await;
    let all = gateway
        .running
        .gateway
        .captures(CaptureFilter::default(), None, 100);
    all.await.unwrap()
}

/// A source by name, carrier and settings, as the only one.
fn only(source: Table) -> Table {
    Table::from_iter([("source".to_owned(), vec![toml::Value::Table(source)].into())])
}

/// Telnyx with a key that is not the carrier's: the operator pasted another project's.
fn telnyx_with_a_wrong_key() -> Table {
    let mut source = toml::toml! { name = "telnyx" carrier = "telnyx" };
    source.insert("public_keys".into(), vec![toml::Value::from(OTHER_KEY)].into());
    source.insert("public_url".into(), carrier::public_url(TELNYX).into());
    only(source)
}

fn admin(gateway: &Gateway) -> (SocketAddr, String) {
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    (gateway.running.admin_address, token.trim().to_owned())
}

async fn replay(gateway: &Gateway, capture: &Capture, trust: bool) -> Reply {
    let (address, token) = admin(gateway);
    let path = format!("/admin/inbound/{}/replay", capture.id);
    let call = Call::post(&path, &json!({ "trust": trust })).key(&token);
    call.send(address).await
}

async fn code(gateway: &Gateway, rental: &Rental) -> Value {
    gateway.get(&rental.path("")).await.expect(200)["otpCode"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_judged_request_is_kept_with_its_verdict() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let sms = draft("m-1", &rental.number, TEXT);
    carrier::forged(TELNYX, &sms, "G-000000 is a lie.")
        .send(gateway.address)
        .await
        .expect(401);
    kept(&gateway, 1).await;
    carrier::post(gateway.address, TELNYX, &sms).await;
    kept(&gateway, 2).await;
    assert_eq!(
        carrier::twilio_get(&draft("m-2", &rental.number, TEXT))
            .send(gateway.address)
            .await
            .status,
        200
    );
    let all = kept(&gateway, 3).await;
    let [by_get, real, forged] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(
        (forged.verdict, forged.reason.as_deref()),
        (Verdict::Reject, Some("bad_signature"))
    );
    assert_eq!((forged.key_index, forged.messages.len()), (None, 0));
    assert_eq!(
        (real.verdict, &real.reason, real.key_index),
        (Verdict::Accept, &None, Some(0))
    );
    assert_eq!(
        (real.source.as_str(), real.method.as_str(), real.messages.len()),
        (TELNYX, "POST", 1)
    );
    assert!(String::from_utf8_lossy(&real.body).contains(TEXT) && !real.is_cut());
    let signature = real
        .headers
        .iter()
        .find(|(name, _)| name == "telnyx-signature-ed25519");
    assert!(
        signature.is_some_and(|(_, value)| value.len() == 88),
        "a signature opens no door"
    );
    assert_eq!((&real.redacted, &real.query), (&Vec::new(), &None));
    assert!(
        by_get
            .query
            .as_deref()
            .is_some_and(|query| query.contains("MessageSid=m-2"))
    );
    // Nobody who is unknown here fills the log.
    Call::new("POST", "/inbound/nobody")
        .body("x")
        .send(gateway.address)
        .await
        .expect(404);
    assert_eq!(kept(&gateway, 3).await.len(), 3);
    gateway.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_for_our_fault_comes_in_after_the_fix_and_only_once() {
    let gateway = Gateway::start_with(telnyx_with_a_wrong_key()).await;
    let rental = gateway.rent("google").await;
    let sms = draft("m-1", &rental.number, TEXT);
    assert_eq!(carrier::post(gateway.address, TELNYX, &sms).await.status, 401);
    let refused = kept(&gateway, 1).await.remove(0);
    let again = replay(&gateway, &refused, false).await.expect(409);
    assert!(
        again["detail"].as_str().unwrap().contains("bad_signature"),
        "{again}"
    );
    assert_eq!(code(&gateway, &rental).await, Value::Null);

    let gateway = gateway.restart(Table::new()).await;
    let replayed = replay(&gateway, &refused, false).await.expect(200);
    assert_eq!(
        (&replayed["believed"], &replayed["known"]),
        (&json!("verified"), &json!(0)),
        "{replayed}"
    );
    assert_eq!(code(&gateway, &rental).await, "482913");
    let replayed = replay(&gateway, &refused, false).await.expect(200);
    assert_eq!(replayed["known"], 1, "{replayed}");
    assert_eq!(gateway.total("ringback_messages_total"), 1);
    let (address, token) = admin(&gateway);
    let unknown = format!("/admin/inbound/req_{}/replay", "0".repeat(32));
    Call::post(&unknown, &json!({}))
        .key(&token)
        .send(address)
        .await
        .expect(404);
    Call::post(&unknown, &json!({})).send(address).await.expect(401);
    gateway.running.stop().await;
}

/// Jasmin posts with its secret in the path, and the log has no place for that.
fn jasmin(rental: &Rental) -> Call {
    let signer = Signer::Jasmin {
        path_token: PATH_TOKEN.into(),
    };
    let sms = draft("j-1", &rental.number, TEXT);
    let request = signed(&signer, &sms, &carrier::public_url("smpp"), Clock::System.now());
    Call::new("POST", &format!("/inbound/smpp/{PATH_TOKEN}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-original-uri", &format!("/inbound/smpp/{PATH_TOKEN}"))
        .header("authorization", "Basic bWFuZ286cGFwYXlh")
        .body(request.body)
}

fn smpp(token: &str) -> Table {
    let mut source = toml::toml! { name = "smpp" carrier = "jasmin" };
    source.insert("path_tokens".into(), vec![toml::Value::from(token)].into());
    source.insert("public_url".into(), carrier::public_url("smpp").into());
    only(source)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_not_kept_and_what_needs_them_is_believed_by_record_or_by_word() {
    let gateway = Gateway::start_with(smpp("0123456789abcdef0123456789abcdef")).await;
    let rental = gateway.rent("google").await;
    jasmin(&rental).send(gateway.address).await.expect(401);
    let refused = kept(&gateway, 1).await.remove(0);
    assert_eq!(refused.reason.as_deref(), Some("bad_credentials"));
    assert_eq!(
        refused.redacted,
        ["path token", "header x-original-uri", "header authorization"]
    );
    let held = format!(
        "{:?}{:?}{:?}",
        refused.headers,
        refused.query,
        String::from_utf8_lossy(&refused.body)
    );
    assert!(
        !held.contains(PATH_TOKEN) && !held.contains("bWFuZ286cGFwYXlh"),
        "{held}"
    );

    let gateway = gateway.restart(smpp(PATH_TOKEN)).await;
    let again = replay(&gateway, &refused, false).await.expect(409);
    assert!(again["detail"].as_str().unwrap().contains("--trust"), "{again}");
    let replayed = replay(&gateway, &refused, true).await.expect(200);
    assert_eq!(
        (&replayed["believed"], &replayed["known"]),
        (&json!("trusted"), &json!(0))
    );
    assert_eq!(code(&gateway, &rental).await, "482913");
    // The carrier's own repetition finds it there, and what was accepted once is believed by that.
    assert_eq!(jasmin(&rental).send(gateway.address).await.status, 200);
    let accepted = kept(&gateway, 1).await.remove(0);
    assert_eq!(accepted.verdict, Verdict::Accept);
    let replayed = replay(&gateway, &accepted, false).await.expect(200);
    assert_eq!(
        (&replayed["believed"], &replayed["known"]),
        (&json!("recorded"), &json!(1))
    );
    gateway.running.stop().await;
}

/// Where nothing that a carrier sends is a repetition, a replay still is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_doubles_nothing_where_repetitions_are_not_looked_for() {
    let mut source = smpp(PATH_TOKEN);
    let table = source["source"][0].as_table_mut().expect("a source is a table");
    table.insert("dedupe".into(), "off".into());
    let gateway = Gateway::start_with(source).await;
    let rental = gateway.rent("google").await;
    for _ in 0..2 {
        assert_eq!(jasmin(&rental).send(gateway.address).await.status, 200);
    }
    let all = kept(&gateway, 2).await;
    for capture in &all {
        assert_eq!(replay(&gateway, capture, false).await.expect(200)["known"], 1);
    }
    assert_eq!(gateway.total("ringback_messages_total"), 2);
    gateway.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_cannot_fill_the_log_and_long_bodies_are_cut() {
    let gateway = Gateway::start_with(toml::toml! {
        [inbound_log]
        refused_per_minute_max = 3
        body_bytes_max = 200
    })
    .await;
    let rental = gateway.rent("google").await;
    let sms = draft("m-1", &rental.number, TEXT);
    for _ in 0..20 {
        carrier::forged(TELNYX, &sms, "G-000000 is a lie.")
            .send(gateway.address)
            .await
            .expect(401);
    }
    let all = kept(&gateway, 20).await;
    // A minute may have ended in between.
    assert!((3..=6).contains(&all.len()), "{}", all.len());
    carrier::forged(TWILIO, &sms, "G-000000 is a lie.")
        .send(gateway.address)
        .await
        .expect(401);
    carrier::post(gateway.address, TELNYX, &sms).await;
    let rest = kept(&gateway, 22).await;
    assert_eq!(
        rest.len(),
        all.len() + 2,
        "another source and a real request have their place"
    );
    let real = rest
        .iter()
        .find(|capture| capture.verdict == Verdict::Accept)
        .unwrap();
    assert!(real.is_cut() && real.body.len() == 200);
    let refused = replay(&gateway, real, false).await.expect(409);
    assert!(
        refused["detail"].as_str().unwrap().contains("body_bytes_max"),
        "{refused}"
    );
    gateway.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switched_off_nothing_is_kept() {
    let gateway = Gateway::start_with(toml::toml! {
        [inbound_log]
        enabled = false
    })
    .await;
    let rental = gateway.rent("google").await;
    carrier::post(gateway.address, TELNYX, &draft("m-1", &rental.number, TEXT)).await;
    assert_eq!(code(&gateway, &rental).await, "482913");
    assert!(kept(&gateway, 0).await.is_empty());
    gateway.running.stop().await;
}
