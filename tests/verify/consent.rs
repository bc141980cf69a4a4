//! The operator's own check is asked before a code goes out, and what holds without its answer is as configured.

use std::time::Duration;

use ringback::core::sending::Channel;
use ringback::core::signature::{self, Received, VerifyingKey};
use serde_json::{Value, json};

use super::codes::{TEST, carried, start, taken};
use super::house::{Choice, House, no, step};
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Got, Provider};
use crate::support::subscriber::Subscriber;

const TO: &str = "+14155550123";
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn says(status: u16, body: &str) -> Act {
    Act::Answer(status, "", body.to_owned())
}

/// A gateway that asks `callback`, and the provider that its codes go out by.
async fn gateway(callback: &str, more: &str) -> (Gateway, Provider) {
    let provider = Provider::start([]).await;
    let verify = format!(
        "callback_url = \"{callback}/ask\"\ncallback_secret = \"{SECRET}\"\ncallback_timeout_ms = 300\n{more}"
    );
    (
        Gateway::start_with(carried(&provider.url, &verify)).await,
        provider,
    )
}

fn header<'a>(got: &'a Got, name: &str) -> &'a str {
    let found = got
        .head
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    found.unwrap_or_else(|| panic!("no {name}: {}", got.head))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_is_a_no_and_is_told_to_the_account_alone() {
    let callback = Provider::start([
        says(200, "{\"allow\":false}"),
        says(204, ""),
        says(200, "{\"allow\":true}"),
    ])
    .await;
    let (gateway, provider) = gateway(&callback.url, "").await;
    let mut subscriber = Subscriber::start(&[]).await;
    gateway.subscribe(&subscriber.url, &["verify.blocked"]).await;
    let refused = start(&gateway, TO).await;
    let text = refused.expect(429).to_string();
    assert!(!text.contains("denied") && provider.got().is_empty(), "{text}");
    let told = subscriber.next().await.json();
    assert_eq!(told["data"]["reasons"], json!(["denied"]));

    let asked = &callback.got()[0];
    let received = Received {
        id: header(asked, "webhook-id"),
        timestamp: header(asked, "webhook-timestamp"),
        signature: header(asked, "webhook-signature"),
        body: asked.body.as_bytes(),
    };
    let key: VerifyingKey = SECRET.parse().unwrap();
    let now_s = received.timestamp.parse().unwrap();
    assert_eq!(signature::verify(&[key], &received, now_s), Ok(()));
    let question: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(
        question["data"],
        json!({ "accountId": "acme", "to": TO, "channel": "sms", "country": "US" })
    );
    for id in ["SM1", "SM2"] {
        provider.then(taken(id));
        start(&gateway, TO).await.expect(200);
    }
    start(&gateway, TEST).await.expect(200);
    assert_eq!(callback.got().len(), 3, "nobody is asked for a test number");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_answer_the_configuration_decides() {
    let silent = || [says(500, ""), Act::Hang, Act::HangUp, says(302, "")];
    let callback = Provider::start(silent()).await;
    let (open, provider) = gateway(&callback.url, "").await;
    for nth in 0..4 {
        provider.then(taken(&format!("SM{nth}")));
        start(&open, TO).await.expect(200);
    }
    let callback = Provider::start(silent()).await;
    let (closed, provider) = gateway(&callback.url, "callback_fails_open = false").await;
    for _ in 0..4 {
        start(&closed, TO).await.expect(429);
    }
    assert!(provider.got().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guard_judges_it_as_every_call() {
    let (gateway, provider) = gateway("http://10.0.0.1", "callback_fails_open = false").await;
    start(&gateway, TO).await.expect(429);
    assert!(provider.got().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_further_step_is_asked_for_too_and_a_no_ends_the_way() {
    let (yes, no) = (says(200, "{\"allow\":true}"), says(200, "{\"allow\":false}"));
    let callback = Provider::start([yes, no]).await;
    let verify = format!(
        "callback_url = \"{}/ask\"\ncallback_secret = \"{SECRET}\"\nfallback = [{{ channel = \"sms\" }}, {{ channel = \"voice\" }}]",
        callback.url
    );
    let (gateway, sms, calls) = super::ways::house(&verify).await;
    sms.then(says(400, "{\"code\":21408,\"message\":\"no\"}"));
    start(&gateway, TO).await.expect(502);
    assert!(
        calls.got().is_empty(),
        "nobody is called whom the operator does not want called"
    );
    let events = gateway.get("/api/events?types=verify.blocked").await.expect(200);
    let told = &events["events"][0]["payload"]["data"];
    assert_eq!(
        (&told["channel"], &told["reasons"]),
        (&json!("voice"), &json!(["denied"]))
    );
    let asked: Vec<Value> = callback
        .got()
        .iter()
        .map(|got| serde_json::from_str::<Value>(&got.body).unwrap()["data"]["channel"].clone())
        .collect();
    assert_eq!(asked, ["sms", "voice"]);
}

/// The request that began a code and the worker may come to its next step at the same moment.
#[tokio::test]
async fn who_comes_to_a_step_while_another_decides_on_it_asks_nobody() {
    let choice = Choice {
        fallback: vec![step(Channel::Sms, None), step(Channel::Voice, None)],
        consent_takes: Duration::from_millis(50),
        ..Choice::default()
    };
    let house = House::new(&choice).await;
    house.then(no());
    let worker = async {
        loop {
            house.gateway.go_on_due().await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let started = tokio::select! {
        started = house.start("+12025550143") => started.unwrap(),
        () = worker => unreachable!("it goes on for ever"),
    };
    house.now_of(&started).await;
    assert_eq!(house.asked(), [Channel::Sms, Channel::Voice]);
    assert_eq!(house.channels(), [Channel::Sms, Channel::Voice]);
}
