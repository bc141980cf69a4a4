//! Wishes of a customer with a valid key that cannot be met, and keys that are not valid.

use ringback::core::rental::Status;
use serde_json::{Value, json};

use super::refusal::{Holdings, Refusal, assert_refused, refusal};
use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::{Gateway, SHORT};
use crate::support::until;

const CREATE: &str = "/api/verifications";

const fn bad(says: &'static str) -> Refusal {
    refusal(400, "bad-request", says)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_key_gets_the_same_401() {
    let gateway = Gateway::start().await;
    let held = Holdings::of(&gateway);
    let last = if gateway.key.ends_with('A') { "B" } else { "A" };
    let typo = format!("{}{last}", &gateway.key[..gateway.key.len() - 1]);
    let never_made = crate::support::gateway::new_key();
    let mut calls: Vec<Call> = [
        "",
        "x",
        "rb_live_",
        &typo,
        &never_made,
        "rb_live_a b",
        &"k".repeat(5000),
    ]
    .iter()
    .map(|key| Call::get(CREATE).key(key))
    .collect();
    calls.push(Call::get(CREATE));
    calls.push(Call::get(&format!("{CREATE}?api_key={}", gateway.key)));
    calls.push(Call::get(CREATE).header("authorization", &format!("Basic {}", gateway.key)));
    calls.push(Call::get(CREATE).header("authorization", &gateway.key));
    calls.push(Call::get(CREATE).key(&gateway.key).key(&gateway.key));
    calls.push(Call::post(CREATE, &json!({ "serviceName": "google" })).key(&never_made));
    calls.push(Call::new("POST", CREATE).key(&never_made).body("{not JSON"));
    let mut bodies = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let reply = call.send(gateway.address).await;
        assert_refused(
            &format!("key {at}"),
            &reply,
            refusal(401, "unauthorized", "Authorization: Bearer"),
        );
        bodies.push(reply.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    let admin = Call::post("/admin/keys", &json!({ "account": "x" })).key(&gateway.key);
    let reply = admin.send(gateway.running.admin_address).await;
    assert_refused("admin", &reply, refusal(401, "unauthorized", "admin.token"));
    held.assert_untouched(&gateway, "wrong keys").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_not_the_json_expected_names_what_is() {
    let gateway = Gateway::start().await;
    let held = Holdings::of(&gateway);
    let deep = format!(r#"{{"serviceName":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    let bodies: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "a JSON object"),
        (b"{".to_vec(), "EOF"),
        (b"null".to_vec(), "a JSON object"),
        (b"[]".to_vec(), "a JSON object"),
        (br#"["google",null]"#.to_vec(), "a JSON object"),
        (b"\"google\"".to_vec(), "a JSON object"),
        (b"{}".to_vec(), "missing field `serviceName`"),
        (br#"{"serviceName":7}"#.to_vec(), "expected a string"),
        (br#"{"serviceName":null}"#.to_vec(), "expected a string"),
        (
            br#"{"serviceName":"google","serviceName":"facebook"}"#.to_vec(),
            "duplicate field `serviceName`",
        ),
        (br#"{"serviceName":"google"} {}"#.to_vec(), "trailing characters"),
        (
            b"{\"serviceName\":\"goo\xffgle\"}".to_vec(),
            "not the JSON expected",
        ),
        (b"{\"serviceName\":\"goo\0gle\"}".to_vec(), "control character"),
        (deep.into_bytes(), "at most 32 deep"),
        (
            br#"{"serviceName":""}"#.to_vec(),
            "\"serviceName\" is 1 to 64 characters",
        ),
        (
            json!({ "serviceName": "x".repeat(65) }).to_string().into_bytes(),
            "\"serviceName\" is 1 to 64 characters",
        ),
        (
            br#"{"serviceName":"google","areaCode":"20"}"#.to_vec(),
            "\"areaCode\" is three digits",
        ),
        (
            br#"{"serviceName":"google","areaCode":"2o2"}"#.to_vec(),
            "\"areaCode\" is three digits",
        ),
        (
            br#"{"serviceName":"google","areaCode":202}"#.to_vec(),
            "expected a string",
        ),
    ];
    for (body, says) in bodies {
        let what = String::from_utf8_lossy(&body).into_owned();
        let call = Call::new("POST", CREATE)
            .key(&gateway.key)
            .header("content-type", "application/json")
            .body(body);
        let reply = call.send(gateway.address).await;
        assert_eq!(reply.status, 400, "{what}: {}", reply.text());
        let detail = reply.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains(says), "{what}: {detail:?} does not say {says:?}");
        assert_refused(&what, &reply, bad(""));
        held.assert_untouched(&gateway, &what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_not_there_is_named_without_its_control_characters() {
    let gateway = Gateway::start().await;
    let held = Holdings::of(&gateway);
    for name in [
        "googol",
        "Google",
        "google ",
        "goo\0gle",
        "goo\u{1b}[31mgle",
        "../google",
        "\u{202e}elgoog",
    ] {
        let reply = gateway.post(CREATE, &json!({ "serviceName": name })).await;
        assert_refused(
            name,
            &reply,
            refusal(422, "unprocessable", "GET /api/verifications/services lists them"),
        );
        held.assert_untouched(&gateway, name).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wish_that_no_code_could_fit_is_refused() {
    let gateway = Gateway::start().await;
    let held = Holdings::of(&gateway);
    for code in [
        json!({ "lengthMin": 6, "lengthMax": 4 }),
        json!({ "lengthMin": 0 }),
        json!({ "lengthMax": 21 }),
        json!({ "minConfidence": 1.5 }),
        json!({ "sender": "" }),
    ] {
        let reply = gateway
            .post(CREATE, &json!({ "serviceName": "google", "code": code }))
            .await;
        let says =
            "lengthMin and lengthMax are 1 to 20, the first not more than the second; minConfidence 0 to 1";
        assert_refused(&code.to_string(), &reply, refusal(422, "unprocessable", says));
    }
    let list = json!({ "serviceName": "google", "code": [6, 6] });
    let reply = gateway.post(CREATE, &list).await;
    assert_refused(
        "a list",
        &reply,
        bad("a value has the wrong type, expected an object"),
    );
    held.assert_untouched(&gateway, "codes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_cannot_be_waited_names_its_limit() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let held = Holdings::of(&gateway);
    for wait in [
        "-1",
        "61",
        "1.5",
        "",
        "ten",
        "99999999999999999999999",
        "0x10",
        "1e3",
        "%00",
        "%2B1%2B",
        "NaN",
        "1 ",
    ] {
        let path = rental.path(&format!("/code?wait={}", wait.replace(' ', "%20")));
        let reply = gateway.get(&path).await;
        assert_refused(
            wait,
            &reply,
            bad("\"wait\" is a whole number of seconds from 0 to 60"),
        );
        gateway.holds(0).await;
    }
    held.assert_untouched(&gateway, "waits").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_refuse_wrong_limits_and_cursors() {
    let gateway = Gateway::start().await;
    let made = gateway.subscribe("https://example.com/hook", &["*"]).await;
    let rental = gateway.rent("google").await;
    let held = Holdings::of(&gateway);
    let logs = format!("/api/webhooks/{}/logs", made["id"].as_str().unwrap());
    for list in [CREATE, &logs] {
        for limit in ["0", "101", "-1", "x", "", "1.0", "18446744073709551616"] {
            let reply = gateway.get(&format!("{list}?limit={limit}")).await;
            assert_refused(
                &format!("{list} {limit}"),
                &reply,
                bad("\"limit\" is a whole number from 1 to 100"),
            );
        }
    }
    let nearly = format!("{}0", rental.id);
    for cursor in ["x", "", "%00", &nearly, "00000000-0000-0000-0000-00000000000g"] {
        let reply = gateway.get(&format!("{CREATE}?cursor={cursor}")).await;
        assert_refused(
            cursor,
            &reply,
            bad("\"cursor\" is the \"nextCursor\" of the page before"),
        );
    }
    held.assert_untouched(&gateway, "lists").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_is_checked_member_by_member() {
    let gateway = Gateway::start().await;
    let held = Holdings::of(&gateway);
    let url = "https://example.com/hook";
    let secret = "whsec_c2hvcnQ=";
    let wishes: [(Value, &'static str); 11] = [
        (json!({ "url": url }), "\"events\" is missing"),
        (json!({ "events": ["*"] }), "\"url\" is missing"),
        (json!({ "url": url, "events": "*" }), "expected a sequence"),
        (json!({ "url": url, "events": [] }), "\"events\" lists 1 to 32"),
        (
            json!({ "url": url, "events": vec!["*"; 33] }),
            "\"events\" lists 1 to 32",
        ),
        (
            json!({ "url": url, "events": ["verification*"] }),
            "\"events\": an event pattern is",
        ),
        (
            json!({ "url": url, "events": ["a\0b"] }),
            "\"events\": an event pattern is",
        ),
        (
            json!({ "url": url, "events": ["*"], "scheme": "v2" }),
            "\"scheme\" is \"v1\" or \"v1a\"",
        ),
        (
            json!({ "url": url, "events": ["*"], "secret": secret }),
            "\"secret\": the secret has 5 bytes",
        ),
        (
            json!({ "url": url, "events": ["*"], "secret": "c2hvcnQ=" }),
            "\"secret\": the key has no known prefix",
        ),
        (
            json!({ "url": url, "events": ["*"], "secret": ["whsec_c2hvcnQ="] }),
            "expected a string",
        ),
    ];
    for (wish, says) in wishes {
        let reply = gateway.post("/api/webhooks", &wish).await;
        assert_refused(&wish.to_string(), &reply, bad(says));
        assert!(!reply.text().contains("c2hvcnQ"), "a secret is not repeated");
        held.assert_untouched(&gateway, says).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_is_not_cancelled_and_a_second_cancel_is_no_error() {
    let gateway = Gateway::start().await;
    let (short, cancelled, completed) = (
        gateway.rent(SHORT).await,
        gateway.rent("google").await,
        gateway.rent("google").await,
    );
    let first = gateway
        .post(&cancelled.path("/cancel"), &json!({}))
        .await
        .expect(200);
    let second = gateway
        .post(&cancelled.path("/cancel"), &json!({}))
        .await
        .expect(200);
    assert_eq!(first, second);

    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &completed.number, "Your code is 100200."),
    )
    .await;
    let held = Holdings::of(&gateway);
    let reply = gateway.post(&completed.path("/cancel"), &json!({})).await;
    assert_refused("completed", &reply, refusal(409, "conflict", "completed"));
    assert_eq!(reply.json()["status_now"], "completed");
    held.assert_untouched(&gateway, "completed").await;
    assert_eq!(
        gateway.get(&completed.path("/code")).await.json()["otpCode"],
        "100200"
    );

    let id = short.id.parse().unwrap();
    let live = gateway.running.gateway.store().live();
    until("the expiry", || {
        live.rental(id)
            .is_none_or(|rental| rental.status == Status::Expired)
    })
    .await;
    let reply = gateway.post(&short.path("/cancel"), &json!({})).await;
    assert_refused("expired", &reply, refusal(409, "conflict", "expired"));
    assert_eq!(gateway.get(&short.path("")).await.json()["status"], "expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_commands_name_the_entry_that_is_wrong() {
    let gateway = Gateway::start().await;
    let held = Holdings::of(&gateway);
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    let good = json!({ "number": "+12025550190", "country": "US" });
    let cases = [
        ("/admin/keys", json!({}), bad("missing field `account`")),
        (
            "/admin/keys",
            json!({ "account": "a b" }),
            bad("an account id is 1 to 64"),
        ),
        (
            "/admin/keys",
            json!({ "account": "a", "admin": true }),
            bad("unknown field `admin`"),
        ),
        ("/admin/numbers", json!({}), bad("a JSON list")),
        (
            "/admin/numbers",
            json!([good, { "number": "+1", "country": "US" }]),
            bad(""),
        ),
        (
            "/admin/numbers",
            json!([good, { "number": "+12025550191", "country": "us" }]),
            refusal(422, "unprocessable", "Number 2: country"),
        ),
        (
            "/admin/numbers",
            json!([good, { "number": "+12025550191", "country": "US", "price": "-1" }]),
            refusal(422, "unprocessable", "Number 2"),
        ),
        (
            "/admin/numbers",
            json!(vec![good.clone(); 10_001]),
            bad("at most 10000 numbers"),
        ),
    ];
    for (path, body, expected) in cases {
        let what: String = format!("{path} {body}").chars().take(120).collect();
        let reply = Call::post(path, &body)
            .key(token.trim())
            .send(gateway.running.admin_address)
            .await;
        assert_refused(&what, &reply, expected);
        held.assert_untouched(&gateway, &what).await;
    }
}
