//! Identity servers that have their SMS sent here: the requests of Ory Kratos and authentik as they post them, and what holds for texts.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::codes::{TEST, carried, taken};
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::openapi;
use crate::support::provider::{Act, Got, Provider};

const TO: &str = "+14155550123";

/// As go-jsonnet writes what docs/sinks.md makes of Kratos's own template for a login: members in order, three blanks, a line's end.
const KRATOS_JSON: &str =
    "{\n   \"Body\": \"Your login code is: 482913\\n\",\n   \"To\": \"+14155550123\"\n}\n";
/// The same with the other media type: Go's url.Values.
const KRATOS_FORM: &str = "Body=Your+login+code+is%3A+482913%0A&To=%2B14155550123";
/// What Python's requests makes of authentik's payload without a mapping.
const AUTHENTIK: &str = r#"{"From": "Ringback", "To": "+14155550123", "Body": "482913", "Message": "Use this code to authenticate in authentik: 482913"}"#;
/// With the mapping of docs/sinks.md.
const AUTHENTIK_MAPPED: &str = r#"{"To": "+1 415-555-0123", "Body": "482913 is your code for Example."}"#;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

fn bearer(gateway: &Gateway) -> String {
    format!("Bearer {}", gateway.key)
}

fn posted(authorization: &str, media: &str, body: &str) -> Call {
    Call::new("POST", "/api/messages")
        .header("authorization", authorization)
        .header("content-type", media)
        .body(body)
}

/// Posts it and holds the answer to the document.
async fn send(gateway: &Gateway, call: Call) -> Reply {
    let reply = call.send(gateway.address).await;
    let wrong = openapi::wrong("POST", "/api/messages", &reply);
    assert!(wrong.is_empty(), "{}: {wrong:#?}", reply.text());
    reply
}

async fn text(gateway: &Gateway, to: &str, text: &str) -> Reply {
    let body = json!({ "to": to, "body": text }).to_string();
    send(gateway, posted(&bearer(gateway), JSON, &body)).await
}

/// Whom a provider was given which text for.
fn ordered(got: &Got) -> (String, String) {
    let fields: Vec<(String, String)> = form_urlencoded::parse(got.body.as_bytes()).into_owned().collect();
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    (field("To"), field("Body"))
}

fn outcome(reply: &Reply) -> Value {
    reply.expect(202)["outcome"].clone()
}

fn audited(gateway: &Gateway) -> Vec<String> {
    let store = gateway.running.gateway.store();
    store.audit(0, 1000).unwrap().lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kratos_and_authentik_post_is_sent() {
    let provider = Provider::start((1..=5).map(|nth| taken(&format!("SM{nth}")))).await;
    let gateway = Gateway::start_with(carried(&provider.url, "")).await;
    let (kratos, authentik) = (basic("kratos", &gateway.key), bearer(&gateway));
    for (authorization, media, body, text) in [
        (&kratos, JSON, KRATOS_JSON, "Your login code is: 482913"),
        (&kratos, FORM, KRATOS_FORM, "Your login code is: 482913"),
        (
            &authentik,
            JSON,
            AUTHENTIK,
            "Use this code to authenticate in authentik: 482913",
        ),
        (
            &authentik,
            JSON,
            AUTHENTIK_MAPPED,
            "482913 is your code for Example.",
        ),
        (
            &basic(&gateway.key, ""),
            JSON,
            KRATOS_JSON,
            "Your login code is: 482913",
        ),
    ] {
        let answer = send(&gateway, posted(authorization, media, body))
            .await
            .expect(202);
        assert_eq!(
            (&answer["outcome"], &answer["provider"], &answer["segments"]),
            (&json!("accepted"), &json!("main"), &json!(1))
        );
        assert!(answer["outboundId"].is_string(), "{answer}");
        let got = provider.got().pop().unwrap();
        assert_eq!(ordered(&got), (TO.to_owned(), text.to_owned()), "{body}");
    }
    let events = gateway.get("/api/events?types=verify.*").await.expect(200);
    assert_eq!(events["events"], json!([]), "they are no codes of ours");
    let lines = audited(&gateway).join("\n");
    assert_eq!(lines.matches(r#""action":"text""#).count(), 5);
    assert!(
        !lines.contains("482913") && !lines.contains("4155550123"),
        "{lines}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_of_codes_are_those_of_texts() {
    let provider = Provider::start((1..=9).map(|nth| taken(&format!("SM{nth}")))).await;
    let limits = "person_per_hour_max = 2\nprice = \"0.0500\"\nspend_day_max = \"0.1500\"";
    let gateway = Gateway::start_with(carried(&provider.url, limits)).await;
    assert_eq!(text(&gateway, "+4915112345678", "Hallo").await.status, 403);
    assert_eq!(text(&gateway, "+19005550143", "Hello").await.status, 403);
    for _ in 0..2 {
        assert_eq!(outcome(&text(&gateway, TO, "Hello").await), "accepted");
    }
    let third = text(&gateway, TO, "Hello").await;
    assert_eq!(third.status, 429);
    assert!(third.header("retry-after").is_some());
    assert_eq!(
        outcome(&text(&gateway, "+14155550199", "Hello").await),
        "accepted"
    );
    let dear = text(&gateway, "+14155550198", "Hello").await;
    assert_eq!(dear.status, 429, "the day's cap is spent");
    assert_eq!(outcome(&text(&gateway, TEST, "Hello").await), "test");
    assert_eq!(provider.got().len(), 3, "nothing else was sent");
    let blocked = gateway.get("/api/events?types=verify.blocked").await.expect(200);
    let reasons: Vec<&Value> = blocked["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["payload"]["data"]["reasons"][0])
        .collect();
    assert!(reasons.contains(&&json!("spend_cap")), "{blocked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_provider_takes_costs_nothing_and_what_is_unknown_is_not_asked_again() {
    let refused = json!({ "code": 21610, "message": "no", "status": 400 }).to_string();
    let provider = Provider::start([Act::Answer(400, "", refused), Act::HangUp, taken("SM1")]).await;
    let limits = "price = \"0.0500\"\nspend_day_max = \"0.1000\"";
    let gateway = Gateway::start_with(carried(&provider.url, limits)).await;
    let keyed = |key: &str| posted(&bearer(&gateway), JSON, KRATOS_JSON).header("idempotency-key", key);
    let first = send(&gateway, keyed("a")).await;
    assert_eq!(first.status, 502, "{}", first.text());
    let second = send(&gateway, keyed("a")).await;
    assert_eq!(
        outcome(&second),
        "unknown",
        "what made nothing may be tried again"
    );
    let again = send(&gateway, keyed("a")).await;
    assert_eq!(
        (again.text(), again.header("idempotency-replayed")),
        (second.text(), Some("true"))
    );
    let other = posted(&bearer(&gateway), JSON, AUTHENTIK).header("idempotency-key", "a");
    assert_eq!(send(&gateway, other).await.status, 422);
    assert_eq!(provider.got().len(), 2);
    // The first was paid back, so a second and a third are within the cap, and no fourth is.
    assert_eq!(outcome(&send(&gateway, keyed("b")).await), "accepted");
    assert_eq!(send(&gateway, keyed("c")).await.status, 429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_says_nothing_to_send_is_refused() {
    let gateway = Gateway::start_with(super::codes::over()).await;
    let long = format!("{{\"to\":\"{TO}\",\"body\":\"{}\"}}", "x".repeat(1601));
    for (media, body, status) in [
        (JSON, "{}", 400),
        (JSON, "[]", 400),
        (JSON, r#"{"to":"+14155550123"}"#, 400),
        (JSON, r#"{"to":"4155550123","body":"x"}"#, 400),
        (JSON, r#"{"to":"+14155550123","body":7}"#, 400),
        (
            JSON,
            r#"{"to":"+14155550123","To":"+14155550124","body":"x"}"#,
            400,
        ),
        (JSON, r#"{"to":"+14155550123","body":"x\u0007"}"#, 400),
        (JSON, &long, 400),
        (FORM, "To=%2B14155550123", 400),
        ("text/plain", "x", 415),
    ] {
        let reply = send(&gateway, posted(&bearer(&gateway), media, body)).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
    }
    for authorization in [
        "Basic x".to_owned(),
        basic("kratos", "rb_live_no"),
        "Digest x".to_owned(),
    ] {
        let reply = send(&gateway, posted(&authorization, JSON, KRATOS_JSON)).await;
        assert_eq!(reply.status, 401, "{authorization}");
    }
}
