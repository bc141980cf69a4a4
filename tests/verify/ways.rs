//! Fallback over real sockets: a profile's own, by the carriers' reports, and as contract 002 and 003 show it.

use serde_json::{Value, json};

use super::codes::{carried, check, id, start, status, taken};
use super::profiles::{ask, fault, path_of, profile};
use super::triggers::trigger;
use crate::support::carrier::{TWILIO, twilio_status};
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Provider};
use crate::support::subscriber::Subscriber;
use crate::support::until_async;

const TO: &str = "+14155550123";

/// A gateway with one provider for SMS and one for calls, and `verify` laid over.
pub async fn house(verify: &str) -> (Gateway, Provider, Provider) {
    let (sms, calls) = (Provider::start([]).await, Provider::start([]).await);
    let mut over = carried(&sms.url, verify);
    let caller = toml::toml! {
        name = "calls"
        kind = "twilio_voice"
        account_sid = "AC00000000000000000000000000000001"
        auth_token = "tok"
        from = "+12025550143"
        timeout_ms = 400
        allow_http = true
    };
    let named = [("base_url", calls.url.as_str()), ("source", TWILIO)];
    let named = named.map(|(key, value)| (key.to_owned(), value.into()));
    let caller = caller.into_iter().chain(named).collect();
    let providers = over["provider"].as_array_mut().unwrap();
    providers.push(toml::Value::Table(caller));
    (Gateway::start_with(over).await, sms, calls)
}

const WAY: &str = r#"fallback = [{ channel = "sms" }, { channel = "voice", provider = "calls" }]"#;

fn refused() -> Act {
    let body = json!({ "code": 21408, "message": "no", "status": 400 });
    Act::Answer(400, "", body.to_string())
}

async fn report(gateway: &Gateway, carrier_id: &str, what: &str) {
    let reply = twilio_status(carrier_id, what).send(gateway.address).await;
    assert_eq!(reply.status, 200);
}

fn digits(text: &str) -> Vec<String> {
    let runs = text.split(|c: char| !c.is_ascii_digit());
    runs.filter(|run| run.len() == 6).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_002_answers_with_the_channel_that_took_it() {
    let (gateway, sms, calls) = house(WAY).await;
    sms.then(refused());
    calls.then(taken("CA1"));
    let begun = start(&gateway, TO).await.expect(200);
    assert_eq!(begun["data"]["channel"], "voice");
    assert_eq!(status(&gateway, &id(&begun)).await["channel"], "voice");
    let code = digits(sms.got()[0].body.split("Body=").nth(1).unwrap())[0].clone();
    assert_eq!(calls.got().len(), 1);
    check(&gateway, &id(&begun), &code).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_it_did_not_arrive_brings_the_next_step_and_one_that_it_did_none() {
    let (gateway, sms, calls) = house(WAY).await;
    sms.then(taken("SM1"));
    let begun = start(&gateway, TO).await.expect(200);
    assert_eq!(begun["data"]["channel"], "sms");
    calls.then(taken("CA1"));
    report(&gateway, "SM1", "undelivered").await;
    until_async("a call", async || (!calls.got().is_empty()).then_some(())).await;
    report(&gateway, "SM1", "failed").await;
    until_async("by call", async || {
        (status(&gateway, &id(&begun)).await["channel"] == "voice").then_some(())
    })
    .await;
    assert_eq!(calls.got().len(), 1);

    let soon = r#"fallback = [{ channel = "sms", wait_s = 1 }, { channel = "voice" }]"#;
    let (gateway, sms, calls) = house(soon).await;
    sms.then(taken("SM1"));
    let begun = start(&gateway, TO).await.expect(200);
    report(&gateway, "SM1", "delivered").await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(status(&gateway, &id(&begun)).await["channel"], "sms");
    sms.then(taken("SM2"));
    calls.then(taken("CA2"));
    let second = start(&gateway, TO).await.expect(200);
    until_async("in time", async || {
        (status(&gateway, &id(&second)).await["channel"] == "voice").then_some(())
    })
    .await;
    until_async("one call", async || (calls.got().len() == 1).then_some(())).await;
    assert_eq!(sms.got().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_has_a_way_of_its_own_which_is_shown_where_it_was_said() {
    let (gateway, sms, calls) = house("repeated_s = 10").await;
    let subscriber = Subscriber::start(&[]).await;
    let way = json!([{ "channel": "sms", "wait_secs": 30 }, { "channel": "call", "provider": "calls" }]);
    let wish = json!({ "name": "x", "webhook_url": subscriber.url, "fallback": way, "call": { "app_name": "Spoken" } });
    let made = profile(&gateway, wish).await;
    assert_eq!(made["fallback"], way);
    let silent = profile(&gateway, json!({ "name": "y" })).await;
    assert!(silent.get("fallback").is_none());

    sms.then(refused());
    calls.then(taken("CA1"));
    let begun = trigger(&gateway, "sms", (TO, &made), json!({})).await.expect(200)["data"].clone();
    assert_eq!(
        (&begun["type"], &begun["status"]),
        (&json!("call"), &json!("pending"))
    );
    assert!(calls.got()[0].body.contains("Spoken"), "the channel's own words");
    // The same wish again, whose first answer was lost, is the one before.
    let again = trigger(&gateway, "sms", (TO, &made), json!({})).await.expect(200);
    assert_eq!(again["data"]["id"], begun["id"]);
    assert_eq!((sms.got().len(), calls.got().len()), (1, 1));
    let mut subscriber = subscriber;
    let mut told = Vec::new();
    for _ in 0..2 {
        let event = subscriber.next().await.json();
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        told.push((
            word(&event["data"]["event_type"]),
            word(&event["data"]["payload"]["type"]),
        ));
    }
    told.sort();
    let expected = [("verify.failed", "sms"), ("verify.sent", "call")];
    assert_eq!(told, expected.map(|(kind, by)| (kind.to_owned(), by.to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_way_is_told_by_its_place() {
    let (gateway, _, _) = house("").await;
    let way = json!([{ "channel": "sms" }]);
    let made = profile(&gateway, json!({ "name": "x", "fallback": way })).await;
    let path = path_of(&made);
    let change = async |way: Value| ask(&gateway, "PATCH", &path, Some(&json!({ "fallback": way }))).await;
    assert_eq!(
        change(json!(null)).await.expect(200)["data"].get("fallback"),
        None
    );
    let wrong = [
        json!("sms"),
        json!([{ "wait_secs": 30 }]),
        json!([{ "channel": "email" }]),
        json!([{ "channel": "sms", "wait_s": 30 }]),
        json!([{ "channel": "sms", "wait_secs": 0 }]),
        json!([{ "channel": "sms" }, { "channel": "sms" }, { "channel": "sms" }, { "channel": "sms" }, { "channel": "sms" }, { "channel": "sms" }]),
    ];
    for way in wrong {
        let refused = change(way.clone()).await;
        assert_eq!(refused.status, 400, "{way}");
        assert_eq!(fault(&refused), ("10015".into(), "/fallback".into()), "{way}");
    }
    for provider in ["nobody", "main"] {
        let refused = change(json!([{ "channel": "call", "provider": provider }])).await;
        assert_eq!(
            fault(&refused),
            ("10017".into(), "/fallback".into()),
            "{provider}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_is_gone_sends_nothing_more() {
    let (gateway, sms, calls) = house("").await;
    let way = json!([{ "channel": "sms", "wait_secs": 1 }, { "channel": "call" }]);
    let made = profile(&gateway, json!({ "name": "x", "fallback": way })).await;
    sms.then(taken("SM1"));
    trigger(&gateway, "sms", (TO, &made), json!({})).await.expect(200);
    ask(&gateway, "DELETE", &path_of(&made), None).await.expect(200);
    until_async("it is given up", async || {
        let page = gateway.running.gateway.audit(0, 100).await.unwrap();
        let is_it = |line: &String| line.contains("code_or_profile_gone");
        page.lines.iter().any(is_it).then_some(())
    })
    .await;
    assert_eq!(calls.got().len(), 0);
}
