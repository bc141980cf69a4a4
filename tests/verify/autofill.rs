//! Codes that phones fill in by themselves: what is sent names the app and the site, by a start or by a profile, and comes back as a code.

use serde_json::{Value, json};

use super::codes::{gateway, post};
use super::profiles::{ask, fault, path_of, profile};
use super::triggers::trigger;
use crate::support::gateway::Gateway;

const HASH: &str = "FA+9qCX9VSu";

/// What a rented number got, and the code that our own extractor saw in it.
async fn got(gateway: &Gateway, send: impl AsyncFn(String)) -> (String, String) {
    let rental = gateway.rent("google").await;
    send(rental.number.clone()).await;
    let code = gateway.get(&rental.path("/code")).await.expect(200)["otpCode"].clone();
    let messages = gateway.get(&rental.path("/messages")).await.expect(200);
    let text = messages["messages"][0]["smsContent"].as_str().unwrap();
    (text.to_owned(), code.as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_names_whose_phone_fills_it_in() {
    let gateway = gateway().await;
    let sent = async |more: Value| {
        let (text, code) = got(&gateway, async |to| {
            let mut wish = json!({ "to": to, "channel": "sms" });
            wish.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            post(&gateway, "/v1/verify/start", &wish).await.expect(200);
        })
        .await;
        assert_eq!(code.len(), 6, "{text}");
        text.replace(&code, "CODE")
    };
    let usual = "CODE is your verification code.";
    assert_eq!(sent(json!({})).await, usual);
    assert_eq!(
        sent(json!({ "app_hash": HASH })).await,
        format!("{usual}\n{HASH}")
    );
    assert_eq!(
        sent(json!({ "web_domain": "example.com" })).await,
        format!("{usual}\n@example.com #CODE")
    );
    let both = json!({ "app_hash": HASH, "web_domain": "example.com", "custom_message": "{{code}} it is" });
    assert_eq!(sent(both).await, format!("CODE it is\n@example.com #CODE {HASH}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_names_whose_phone_fills_it_in_for_sms_alone() {
    let gateway = gateway().await;
    let sms = json!({ "code_length": 6, "app_hash": HASH, "web_domain": "example.com" });
    let made = profile(&gateway, json!({ "name": "x", "sms": sms })).await;
    assert_eq!(
        (&made["sms"]["app_hash"], &made["sms"]["web_domain"]),
        (&json!(HASH), &json!("example.com"))
    );
    let sent = async |kind: &str, made: &Value| {
        let (text, code) = got(&gateway, async |to| {
            trigger(&gateway, kind, (&to, made), json!({})).await.expect(200);
        })
        .await;
        text.replace(&code, "CODE")
    };
    let usual = "CODE is your verification code.";
    assert_eq!(
        sent("sms", &made).await,
        format!("{usual}\n@example.com #CODE {HASH}")
    );
    assert_eq!(sent("call", &made).await, usual, "nobody hears a hash");
    let merge = json!({ "sms": { "web_domain": null } });
    let changed = ask(&gateway, "PATCH", &path_of(&made), Some(&merge))
        .await
        .expect(200)["data"]
        .clone();
    assert_eq!(sent("sms", &changed).await, format!("{usual}\n{HASH}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_names_nobody_is_told_by_its_place() {
    let gateway = gateway().await;
    let wish = json!({ "to": "+15005550006", "channel": "sms", "app_hash": "short", "web_domain": "https://example.com" });
    let refused = post(&gateway, "/v1/verify/start", &wish).await.expect(400);
    let fields: Vec<&Value> = refused["error"]["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|detail| &detail["field"])
        .collect();
    assert_eq!(fields, ["app_hash", "web_domain"]);
    for (member, value) in [("app_hash", "FA-9qCX9VSu"), ("web_domain", "localhost")] {
        let wish = json!({ "name": "x", "sms": { member: value } });
        let refused = ask(&gateway, "POST", "/v2/verify_profiles", Some(&wish)).await;
        assert_eq!(
            (refused.status, fault(&refused)),
            (400, ("10015".into(), format!("/sms/{member}")))
        );
    }
}
