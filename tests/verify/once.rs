//! `Idempotency-Key` on starts of contract 002 and triggers of contract 003: one code goes out, however often its wish is sent.

use std::collections::BTreeSet;

use ringback::core::id::AccountId;
use ringback::core::once::OnceId;
use ringback::core::time::UnixMs;
use serde_json::{Value, json};
use toml::Table;

use super::codes::{self, call, carried, taken};
use super::profiles::{ask, fault, profile};
use super::triggers::rented;
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Provider};
use crate::support::{openapi, until};

const TO: &str = "+14155550123";
const START: &str = "/v1/verify/start";

fn keyed(gateway: &Gateway, path: &str, key: &str, wish: &Value) -> Call {
    let call = call(gateway, "POST", path).header("content-type", "application/json");
    call.header("idempotency-key", key).body(wish.to_string())
}

async fn send(gateway: &Gateway, path: &str, key: &str, wish: &Value) -> Reply {
    let reply = keyed(gateway, path, key, wish).send(gateway.address).await;
    let wrong = openapi::wrong("POST", path, &reply);
    assert!(wrong.is_empty(), "{path}: {}: {wrong:#?}", reply.text());
    reply
}

fn to(number: &str) -> Value {
    json!({ "to": number, "channel": "sms" })
}

fn replayed(reply: &Reply) -> bool {
    reply.header("idempotency-replayed") == Some("true")
}

/// Of a hundred at once one is done; the others hear so, or that it is under way.
async fn one_of_a_hundred(gateway: &Gateway, path: &str, wish: &Value) -> Reply {
    let all = (0..100).map(|_| send(gateway, path, "\"race\"", wish));
    let replies = futures_util::future::join_all(all).await;
    let done: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 200).collect();
    let under_way = replies.iter().filter(|reply| reply.status == 409).count();
    assert_eq!(done.len() + under_way, 100);
    assert_eq!(done.iter().filter(|reply| !replayed(reply)).count(), 1);
    let bodies: BTreeSet<&[u8]> = done.iter().map(|reply| reply.body.as_slice()).collect();
    assert_eq!(bodies.len(), 1);
    let again = send(gateway, path, "race", wish).await;
    assert_eq!((again.status, replayed(&again)), (200, true));
    assert!(bodies.contains(again.body.as_slice()));
    again
}

/// Profiles without their own way of knowing the same wish again, and more codes than that many numbers side by side may have.
fn forgetful(mut over: Table) -> Table {
    let verify = over["verify"].as_table_mut().unwrap();
    verify.insert("repeated_s".into(), 0.into());
    verify.insert("block_of_1000_per_10min_max".into(), 100.into());
    over
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_starts_at_once_send_one_sms() {
    let provider = Provider::start([taken("SM1"), taken("SM2")]).await;
    let over = carried(&provider.url, "");
    let gateway = Gateway::start_with(over.clone()).await;
    let first = one_of_a_hundred(&gateway, START, &to(TO)).await;
    assert_eq!(provider.got().len(), 1);

    let gateway = gateway.restart(over).await;
    let again = send(&gateway, START, "race", &to(TO)).await;
    assert_eq!(
        (again.body == first.body, replayed(&again)),
        (true, true),
        "over a restart"
    );
    let refused = send(&gateway, START, "race", &to("+14155550124")).await;
    let error = refused.expect(422)["error"].clone();
    assert_eq!(error["code"], "VALIDATION_FAILED");
    assert!(error["message"].as_str().unwrap().contains("another request"));
    let theirs = Call::new("POST", START)
        .key(&gateway.other_key)
        .header("x-tenant-id", "globex")
        .header("content-type", "application/json")
        .header("idempotency-key", "race")
        .body(to("+12125550123").to_string());
    assert!(
        !replayed(&theirs.send(gateway.address).await),
        "another account's key is another"
    );
    assert_eq!(provider.got().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_triggers_at_once_send_one_code_on_each_channel() {
    let gateway = Gateway::start_with(forgetful(codes::over())).await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    for kind in ["sms", "call", "flashcall", "whatsapp"] {
        let (messages, number) = rented(&gateway).await;
        let path = format!("/v2/verifications/{kind}");
        let wish = json!({ "phone_number": number, "verify_profile_id": made["id"] });
        one_of_a_hundred(&gateway, &path, &wish).await;
        let got = gateway.get(&messages).await.expect(200);
        assert_eq!(got["messages"].as_array().unwrap().len(), 1, "{kind}");
    }
    let (messages, number) = rented(&gateway).await;
    let wish = json!({ "phone_number": number, "verify_profile_id": made["id"] });
    for _ in 0..2 {
        let anew = ask(&gateway, "POST", "/v2/verifications/sms", Some(&wish)).await;
        anew.expect(200);
    }
    let got = gateway.get(&messages).await.expect(200);
    assert_eq!(
        got["messages"].as_array().unwrap().len(),
        2,
        "without a key it is another wish"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wish_that_meets_its_own_code_keeps_the_answer_for_longer_than_it_would() {
    let provider = Provider::start([taken("SM1"), taken("SM2")]).await;
    let over = |repeated_s: u32| {
        let mut over = carried(&provider.url, "");
        over["verify"]
            .as_table_mut()
            .unwrap()
            .insert("repeated_s".into(), repeated_s.into());
        over
    };
    let gateway = Gateway::start_with(over(60)).await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    let wish = json!({ "phone_number": TO, "verify_profile_id": made["id"] });
    let path = "/v2/verifications/sms";
    let first = send(&gateway, path, "one", &wish).await;
    let met = send(&gateway, path, "two", &wish).await;
    assert_eq!(first.expect(200)["data"]["id"], met.expect(200)["data"]["id"]);
    // As if the seconds of a repetition had passed.
    let gateway = gateway.restart(over(0)).await;
    let again = send(&gateway, path, "two", &wish).await;
    assert_eq!((again.body == met.body, replayed(&again)), (true, true));
    assert_eq!(provider.got().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_is_kept_before_the_code_leaves_and_who_asks_meanwhile_is_told() {
    let provider = Provider::start([Act::Hang, Act::Hang]).await;
    let gateway = Gateway::start_with(carried(&provider.url, "")).await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    let wish = json!({ "phone_number": "+12125550123", "verify_profile_id": made["id"] });
    for (count, path, wish) in [(1, START, to(TO)), (2, "/v2/verifications/sms", wish)] {
        let hung_up = keyed(&gateway, path, "k", &wish).begin(gateway.address).await;
        until("the provider to be asked", || provider.got().len() == count).await;
        drop(hung_up);
        let acme = AccountId::parse("acme").unwrap();
        let id = OnceId::derive(&acme, &format!("POST {path}"), "k");
        let kept = gateway.running.gateway.store().answered(id, UnixMs(0)).unwrap();
        assert!(kept.is_some(), "a crash in this moment sends nothing again");
        let meanwhile = send(&gateway, path, "k", &wish).await;
        assert_eq!(meanwhile.header("x-should-retry"), None, "to ask again helps");
        let told = meanwhile.expect(409);
        match path {
            START => assert_eq!(told["error"]["code"], "CONFLICT"),
            _ => assert_eq!(fault(&meanwhile).0, "10012"),
        }
        let bad = send(&gateway, path, "a b", &wish).await;
        match path {
            START => assert_eq!(bad.expect(400)["error"]["code"], "VALIDATION_FAILED"),
            _ => assert_eq!(fault(&bad).0, "10015"),
        }
        let answered = crate::support::until_async("an answer", async || {
            Some(send(&gateway, path, "k", &wish).await).filter(|reply| reply.status != 409)
        });
        assert!(replayed(&answered.await), "who hung up finds its code");
        assert_eq!(provider.got().len(), count, "what is unknown is not sent again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_provider_took_is_not_kept() {
    let no = || {
        let body = json!({ "code": 21211, "message": "no", "status": 400 });
        Act::Answer(400, "", body.to_string())
    };
    let provider = Provider::start([no(), taken("SM1"), no(), taken("SM2")]).await;
    let gateway = Gateway::start_with(forgetful(carried(&provider.url, ""))).await;
    let refused = send(&gateway, START, "k", &to(TO)).await;
    assert_eq!(refused.expect(502)["error"]["code"], "DELIVERY_FAILED");
    let sent = send(&gateway, START, "k", &to(TO)).await;
    assert_eq!((sent.status, replayed(&sent)), (200, false));
    assert!(replayed(&send(&gateway, START, "k", &to(TO)).await));

    let made = profile(&gateway, json!({ "name": "x" })).await;
    let wish = json!({ "phone_number": "+12125550123", "verify_profile_id": made["id"] });
    let path = "/v2/verifications/sms";
    let failed = send(&gateway, path, "k", &wish).await;
    assert_eq!(failed.expect(200)["data"]["status"], "error");
    let sent = send(&gateway, path, "k", &wish).await;
    assert_eq!(
        (sent.expect(200)["data"]["status"].as_str(), replayed(&sent)),
        (Some("pending"), false)
    );
    let again = send(&gateway, path, "k", &wish).await;
    assert_eq!((again.body == sent.body, replayed(&again)), (true, true));
    assert_eq!(provider.got().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_by_its_form_or_a_limit_is_not_kept() {
    let provider = Provider::start([taken("SM1")]).await;
    let gateway = Gateway::start_with(carried(&provider.url, "ip_per_10min_max = 1")).await;
    let wish = json!({ "to": TO, "channel": "sms", "client_ip": "192.0.2.1" });
    send(&gateway, START, "k", &json!({ "to": "x", "channel": "sms" }))
        .await
        .expect(400);
    send(&gateway, START, "k", &wish).await.expect(200);
    let more = json!({ "to": "+12125550123", "channel": "sms", "client_ip": "192.0.2.1" });
    for _ in 0..2 {
        let limited = send(&gateway, START, "l", &more).await;
        assert_eq!((limited.status, replayed(&limited)), (429, false));
    }
    assert!(
        replayed(&send(&gateway, START, "k", &wish).await),
        "an answer costs nothing"
    );
}
