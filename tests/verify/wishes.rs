//! What is refused of contract 003's wishes, and what shows in no answer.

use serde_json::json;

use super::codes::gateway;
use super::profiles::{ask, fault, profile};
use super::triggers::{check_number, id, rented, trigger};
use crate::support::client::{Call, Reply};

const TO: &str = "+14155550123";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_wish_is_told_by_its_place() {
    let gateway = gateway().await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    let none = json!({ "id": "01981234-5678-7abc-8def-0123456789ab" });
    let cases = [
        (
            "sms",
            TO,
            json!({ "phone_number": null }),
            "10004",
            "/phone_number",
        ),
        ("sms", "4155550123", json!({}), "10016", "/phone_number"),
        (
            "sms",
            TO,
            json!({ "verify_profile_id": "x" }),
            "10006",
            "/verify_profile_id",
        ),
        (
            "sms",
            TO,
            json!({ "verify_profile_id": none["id"] }),
            "10017",
            "/verify_profile_id",
        ),
        (
            "sms",
            TO,
            json!({ "custom_code": "123" }),
            "10015",
            "/custom_code",
        ),
        (
            "flashcall",
            TO,
            json!({ "custom_code": "1234" }),
            "10015",
            "/custom_code",
        ),
        ("call", TO, json!({ "extension": "12x" }), "10015", "/extension"),
        (
            "whatsapp",
            TO,
            json!({ "timeout_secs": 0 }),
            "10015",
            "/timeout_secs",
        ),
        ("sms", TO, json!({ "client_ip": "here" }), "10015", "/client_ip"),
    ];
    for (kind, to, more, code, pointer) in cases {
        let refused = trigger(&gateway, kind, (to, &made), more.clone()).await;
        assert_eq!(
            (refused.status, fault(&refused)),
            (400, (code.into(), pointer.into())),
            "{kind} {more}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_number_and_what_is_unknown_is_told() {
    let gateway = gateway().await;
    let none = json!({ "id": "01981234-5678-7abc-8def-0123456789ab" });
    for to in ["4155550123", "+1", "%2B", "x%FF"] {
        let path = format!("/v2/verifications/by_phone_number/{to}");
        assert_eq!(fault(&ask(&gateway, "GET", &path, None).await).0, "10016", "{to}");
    }
    assert_eq!(
        fault(&check_number(&gateway, (TO, &none), "12345").await).0,
        "10017"
    );
    let unknown = ask(&gateway, "GET", &format!("/v2/verifications/{}", id(&none)), None).await;
    assert_eq!((unknown.status, fault(&unknown).0.as_str()), (404, "10005"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_there_is_a_code_for_a_number_shows_in_no_byte() {
    let gateway = gateway().await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    let (_, number) = rented(&gateway).await;
    trigger(&gateway, "sms", (&number, &made), json!({}))
        .await
        .expect(200);
    let shown = |reply: &Reply, to: &str| {
        let headers = reply
            .headers
            .iter()
            .filter(|(name, _)| name != "date" && name != "server-timing");
        (
            reply.status,
            headers.cloned().collect::<Vec<_>>(),
            reply.text().replace(to, "TO"),
        )
    };
    let store = gateway.running.gateway.store();
    let lines = || store.audit(0, 1000).unwrap().lines.len();
    let mut seen = Vec::new();
    for to in [number.as_str(), "+12025550198"] {
        let before = lines();
        let reply = check_number(&gateway, (to, &made), "99999").await;
        seen.push((shown(&reply, to), lines() - before));
    }
    assert_eq!(seen[0], seen[1], "a wrong code, and none to be wrong about");
    assert_eq!(seen[0].1, 1, "each is written down");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_needs_its_scope_and_sees_its_own() {
    let gateway = gateway().await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    let (_, number) = rented(&gateway).await;
    let begun = trigger(&gateway, "sms", (&number, &made), json!({}))
        .await
        .expect(200)["data"]
        .clone();
    let path = format!("/v2/verifications/{}", id(&begun));
    let theirs = Call::get(&path)
        .key(&gateway.other_key)
        .send(gateway.address)
        .await;
    assert_eq!(fault(&theirs).0, "10005");
    let list = format!("/v2/verifications/by_phone_number/{number}");
    let theirs = Call::get(&list)
        .key(&gateway.other_key)
        .send(gateway.address)
        .await;
    assert_eq!(theirs.expect(200)["data"], json!([]));
    // One of contract 002 is none of this contract's.
    let other = super::codes::start(&gateway, "+15005550006").await.expect(200);
    let hex = super::codes::id(&other).replace("ver_", "");
    let uuid = format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    );
    assert_eq!(
        ask(&gateway, "GET", &format!("/v2/verifications/{uuid}"), None)
            .await
            .status,
        404
    );
}
