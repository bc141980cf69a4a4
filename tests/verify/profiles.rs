//! Contract 003's profiles and templates; every answer is held to Telnyx's published schema and to ours.

use std::time::Duration;

use serde_json::{Value, json};

use super::codes::gateway;
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::{openapi, published};

/// Asks with a key, and holds the answer to both schemas.
pub async fn ask(gateway: &Gateway, method: &str, path: &str, body: Option<&Value>) -> Reply {
    let call = Call::new(method, path).key(&gateway.key);
    let call = match body {
        Some(body) => call
            .header("content-type", "application/json")
            .body(body.to_string()),
        None => call,
    };
    let reply = call.send(gateway.address).await;
    let mut wrong = published::wrong(method, path, (reply.status, &reply.json()));
    wrong.extend(openapi::wrong(method, path, &reply));
    assert!(wrong.is_empty(), "{method} {path}: {}: {wrong:#?}", reply.text());
    reply
}

pub async fn profile(gateway: &Gateway, wish: Value) -> Value {
    let made = ask(gateway, "POST", "/v2/verify_profiles", Some(&wish)).await;
    made.expect(200)["data"].clone()
}

pub fn path_of(profile: &Value) -> String {
    format!("/v2/verify_profiles/{}", profile["id"].as_str().unwrap())
}

/// The first fault's number and where it is.
pub fn fault(reply: &Reply) -> (String, String) {
    let error = &reply.json()["errors"][0];
    let source = error["source"]["pointer"]
        .as_str()
        .or(error["source"]["parameter"].as_str());
    (
        error["code"].as_str().unwrap().to_owned(),
        source.unwrap_or_default().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_is_made_changed_and_deleted() {
    let gateway = gateway().await;
    let wish = json!({ "name": "Test Profile", "language": "en-US", "daily_spend_limit": 100.5, "daily_spend_limit_enabled": true,
        "sms": { "app_name": "Example Secure App", "code_length": 6, "whitelisted_destinations": ["US", "CA"], "alpha_sender": "Sender" },
        "call": { "default_timeout_secs": 120 }, "flashcall": { "whitelisted_destinations": ["*"] }, "whatsapp": { "waba_id": "1" } });
    let made = profile(&gateway, wish).await;
    let expected = json!({ "id": made["id"], "record_type": "verification_profile", "name": "Test Profile", "language": "en-US",
        "daily_spend_limit": 100.5, "daily_spend_limit_enabled": true,
        "sms": { "app_name": "Example Secure App", "code_length": 6, "default_verification_timeout_secs": 300,
            "whitelisted_destinations": ["US", "CA"], "alpha_sender": "Sender" },
        "call": { "code_length": 5, "default_verification_timeout_secs": 120 },
        "flashcall": { "default_verification_timeout_secs": 300 },
        "whatsapp": { "code_length": 5, "default_verification_timeout_secs": 300, "waba_id": "1" },
        "created_at": made["created_at"], "updated_at": made["created_at"] });
    assert_eq!(made, expected);
    let path = path_of(&made);
    assert_eq!(ask(&gateway, "GET", &path, None).await.expect(200)["data"], made);

    let merge = json!({ "name": "Other", "language": null, "sms": { "code_length": 8, "alpha_sender": null }, "call": null });
    let changed = ask(&gateway, "PATCH", &path, Some(&merge)).await.expect(200)["data"].clone();
    let sms = json!({ "app_name": "Example Secure App", "code_length": 8, "default_verification_timeout_secs": 300,
        "whitelisted_destinations": ["US", "CA"] });
    assert_eq!((&changed["name"], &changed["sms"]), (&json!("Other"), &sms));
    assert!(changed.get("language").is_none() && changed.get("call").is_none());
    assert_eq!(changed["flashcall"], made["flashcall"], "what is absent stays");

    let gateway = gateway.restart(super::codes::over()).await;
    assert_eq!(
        ask(&gateway, "GET", &path, None).await.expect(200)["data"],
        changed,
        "it outlived the restart"
    );
    assert_eq!(
        ask(&gateway, "DELETE", &path, None).await.expect(200)["data"],
        changed
    );
    for method in ["GET", "DELETE"] {
        assert_eq!(ask(&gateway, method, &path, None).await.status, 404);
    }
    assert_eq!(ask(&gateway, "PATCH", &path, Some(&json!({}))).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn profiles_are_paged_and_filtered() {
    let gateway = gateway().await;
    for nth in 0..7 {
        profile(&gateway, json!({ "name": format!("Profile {nth}") })).await;
        // Their order is that of their milliseconds.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    profile(&gateway, json!({ "name": "another" })).await;
    let list = async |query: &str| {
        let reply = ask(&gateway, "GET", &format!("/v2/verify_profiles{query}"), None).await;
        let list = reply.expect(200);
        let names = list["data"].as_array().unwrap().iter();
        let names: Vec<String> = names
            .map(|profile| profile["name"].as_str().unwrap().to_owned())
            .collect();
        (names, list["meta"].clone())
    };
    let meta = |number, size, pages, results| json!({ "page_number": number, "page_size": size, "total_pages": pages, "total_results": results });
    let (all, told) = list("").await;
    assert_eq!((all.len(), told), (8, meta(1, 25, 1, 8)));
    let (second, told) = list("?page%5Bnumber%5D=2&page%5Bsize%5D=3").await;
    assert_eq!(
        (second, told),
        (
            vec!["Profile 3".into(), "Profile 4".into(), "Profile 5".into()],
            meta(2, 3, 3, 8)
        )
    );
    assert_eq!(
        list("?page[number]=9&page[size]=3").await,
        (Vec::new(), meta(9, 3, 3, 8))
    );
    assert_eq!(
        list("?filter%5Bname%5D=profile+6").await,
        (vec!["Profile 6".to_owned()], meta(1, 25, 1, 1))
    );
    assert_eq!(list("?filter[name]=none").await.1, meta(1, 25, 1, 0));
    for query in [
        "?page[number]=0",
        "?page[number]=x",
        "?page[size]=251",
        "?page[size]=0",
    ] {
        let refused = ask(&gateway, "GET", &format!("/v2/verify_profiles{query}"), None).await;
        let name = query.trim_start_matches('?').split('=').next().unwrap();
        assert_eq!(
            (refused.status, fault(&refused)),
            (400, ("10015".into(), name.into()))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_profile_is_told_by_its_place() {
    let gateway = gateway().await;
    let none = "01981234-5678-7abc-8def-0123456789ab";
    for (wish, code, pointer) in [
        (json!({}), "10004", "/name"),
        (json!({ "name": 1 }), "10015", "/name"),
        (json!({ "name": "x", "language": "e n" }), "10015", "/language"),
        (json!({ "name": "x", "sms": [] }), "10015", "/sms"),
        (
            json!({ "name": "x", "sms": { "code_length": 11 } }),
            "10015",
            "/sms/code_length",
        ),
        (
            json!({ "name": "x", "call": { "app_name": "a_b" } }),
            "10015",
            "/call/app_name",
        ),
        (
            json!({ "name": "x", "sms": { "whitelisted_destinations": ["us"] } }),
            "10015",
            "/sms/whitelisted_destinations",
        ),
        (
            json!({ "name": "x", "daily_spend_limit": -1 }),
            "10015",
            "/daily_spend_limit",
        ),
        (
            json!({ "name": "x", "call": { "messaging_template_id": "no" } }),
            "10006",
            "/call/messaging_template_id",
        ),
        (
            json!({ "name": "x", "sms": { "messaging_template_id": none } }),
            "10017",
            "/messaging_template_id",
        ),
    ] {
        let refused = ask(&gateway, "POST", "/v2/verify_profiles", Some(&wish)).await;
        assert_eq!(
            (refused.status, fault(&refused)),
            (400, (code.into(), pointer.into())),
            "{wish}"
        );
    }
    let two = json!({ "name": "x", "language": 1, "sms": { "code_length": "6" } });
    let refused = ask(&gateway, "POST", "/v2/verify_profiles", Some(&two)).await;
    assert_eq!(
        refused.json()["errors"].as_array().unwrap().len(),
        2,
        "all at once"
    );
    let torn = Call::new("POST", "/v2/verify_profiles")
        .key(&gateway.key)
        .header("content-type", "application/json")
        .body("{");
    assert_eq!(fault(&torn.send(gateway.address).await).0, "10023");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_are_made_changed_and_listed() {
    let gateway = gateway().await;
    let templates = "/v2/verify_profiles/templates";
    let text = "Your {{app_name}} verification code is: {{code}}.";
    let made = ask(&gateway, "POST", templates, Some(&json!({ "text": text }))).await;
    let made = made.expect(200)["data"].clone();
    assert_eq!(made, json!({ "id": made["id"], "text": text }));
    let path = format!("{templates}/{}", made["id"].as_str().unwrap());
    let other = json!({ "text": "{{code}}" });
    let changed = ask(&gateway, "PATCH", &path, Some(&other)).await.expect(200);
    assert_eq!(changed["data"]["text"], "{{code}}");
    let listed = ask(&gateway, "GET", templates, None).await.expect(200);
    assert_eq!(listed, json!({ "data": [changed["data"]] }));
    for (wish, code) in [(json!({}), "10004"), (json!({ "text": "no place" }), "10015")] {
        let refused = ask(&gateway, "POST", templates, Some(&wish)).await;
        assert_eq!(fault(&refused), (code.into(), "/text".into()));
    }
    let named = json!({ "name": "x", "sms": { "messaging_template_id": made["id"] }, "call": { "messaging_template_id": made["id"] } });
    profile(&gateway, named).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_so_many_and_errors_have_the_contracts_form() {
    let over = toml::toml! { verify = { profiles_max = 1, templates_max = 1 } };
    let gateway = Gateway::start_with(over).await;
    profile(&gateway, json!({ "name": "one" })).await;
    let second = ask(
        &gateway,
        "POST",
        "/v2/verify_profiles",
        Some(&json!({ "name": "two" })),
    )
    .await;
    assert_eq!(
        (second.status, second.header("x-should-retry")),
        (409, Some("false"))
    );
    let text = json!({ "text": "{{code}}" });
    let templates = "/v2/verify_profiles/templates";
    ask(&gateway, "POST", templates, Some(&text)).await.expect(200);
    assert_eq!(ask(&gateway, "POST", templates, Some(&text)).await.status, 409);

    let path = "/v2/verify_profiles";
    let nobody = Call::get(path).send(gateway.address).await;
    let expected = json!({ "errors": [{ "code": "10009", "title": "Authentication failed",
        "detail": "Send a valid API key as \"Authorization: Bearer KEY\".",
        "meta": { "url": "https://developers.telnyx.com/docs/overview/errors/10009" } }] });
    assert_eq!(nobody.expect(401), expected);
    assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));
    let wrong = Call::new("PUT", path)
        .key(&gateway.key)
        .send(gateway.address)
        .await;
    assert_eq!(
        (
            wrong.expect(405)["errors"][0]["code"].as_str(),
            wrong.header("allow")
        ),
        (Some("10005"), Some("GET, POST"))
    );
    let theirs = Call::get(path)
        .key(&gateway.other_key)
        .send(gateway.address)
        .await;
    assert_eq!(theirs.expect(200)["meta"]["total_results"], 0);
}

/// Telnyx's guides have it, its schema and its SDKs have not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dtmf_confirm_is_not_there() {
    let gateway = gateway().await;
    let wish = json!({ "name": "x", "dtmf_confirm": { "default_timeout_secs": 300 } });
    let made = profile(&gateway, wish).await;
    assert!(made.get("dtmf_confirm").is_none(), "{made}");
    let wish = json!({ "phone_number": "+14155550123", "verify_profile_id": made["id"] });
    let trigger = Call::new("POST", "/v2/verifications/dtmf_confirm").key(&gateway.key);
    let trigger = trigger.header("content-type", "application/json");
    let answer = trigger.body(wish.to_string()).send(gateway.address).await;
    assert_eq!(answer.expect(405)["errors"][0]["code"], "10005");
}
