//! The inventory on the admin listener, over sockets: looked at, taken out of use, and back.

use ringback::core::time::UnixMs;
use serde_json::{Value, json};

use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;

pub async fn ask(gateway: &Gateway, method: &str, path: &str, body: Option<Value>) -> Reply {
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    let call = match body {
        Some(body) => Call::with_json(method, path, &body),
        None => Call::new(method, path),
    };
    call.key(token.trim()).send(gateway.running.admin_address).await
}

pub async fn get(gateway: &Gateway, path: &str) -> Value {
    ask(gateway, "GET", path, None).await.expect(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_listed_by_page_and_by_state() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let (mut path, mut all) = ("/admin/numbers?limit=20".to_owned(), Vec::new());
    loop {
        let page = get(&gateway, &path).await;
        all.extend(page["numbers"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => path = format!("/admin/numbers?limit=20&cursor={}", next.trim_start_matches('+')),
            None => break,
        }
    }
    let digits: Vec<&str> = all.iter().map(|n| n["number"].as_str().unwrap()).collect();
    assert_eq!(digits.len(), 50);
    assert!(digits.is_sorted());
    let active = get(&gateway, "/admin/numbers?state=active").await;
    assert_eq!(active["numbers"].as_array().unwrap().len(), 1);
    assert_eq!(active["numbers"][0]["number"], rental.number.as_str());
    assert_eq!(
        get(&gateway, "/admin/numbers?country=gb").await,
        json!({ "numbers": [] })
    );
    let wrong = ask(&gateway, "GET", "/admin/numbers?state=lost", None).await;
    assert!(
        wrong.expect(400)["detail"]
            .as_str()
            .unwrap()
            .contains("quarantined")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_shown_taken_out_and_let_in_again() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let path = format!("/admin/numbers/{}", rental.number);
    let leased = async || {
        let shown = get(&gateway, &path.replace('+', "%2B")).await;
        let [lease] = shown["leases"].as_array().unwrap().as_slice() else {
            panic!("one lease: {shown}")
        };
        let [starts, ends] = ["startsAt", "endsAt"].map(|name| {
            let text = lease[name].as_str().unwrap();
            UnixMs::parse_rfc3339(text).unwrap()
        });
        let (owner, is_over) = (lease["account"].clone(), lease["over"].clone());
        assert_eq!(
            (&lease["verificationId"], &lease["serviceName"], owner),
            (&json!(rental.id), &json!("google"), json!("acme"))
        );
        (shown, is_over, ends.since(starts))
    };
    let (shown, is_over, lasts_ms) = leased().await;
    assert_eq!((&shown["state"], is_over), (&json!("active"), json!(false)));
    assert_eq!(lasts_ms, 1_200_000, "as its service says");
    let cancelled = gateway.post(&rental.path("/cancel"), &json!({})).await;
    cancelled.expect(200);
    let (shown, is_over, lasted_ms) = leased().await;
    assert_eq!((&shown["state"], is_over), (&json!("cooling"), json!(true)));
    assert!(lasted_ms < lasts_ms, "its real end: {lasted_ms}");
    assert_eq!(shown["served"][0]["serviceName"], "google");
    let post = async |act: &str, body: Option<Value>| {
        ask(&gateway, "POST", &format!("{path}/{act}"), body)
            .await
            .expect(200)
    };
    let out = post("quarantine", Some(json!({}))).await;
    assert_eq!(
        (&out["state"], &out["reason"], out.get("until")),
        (&json!("quarantined"), &json!("operator"), None)
    );
    assert_eq!(post("release", None).await["state"], "cooling");
    let carrier = post("quarantine", Some(json!({ "reason": "carrier_error" }))).await;
    assert!(
        carrier["until"].is_string() && carrier["quarantines"] == 1,
        "{carrier}"
    );
    assert_eq!(post("retire", None).await["state"], "retired");
    assert_eq!(post("release", None).await["state"], "cooling");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_token_or_a_number_nothing_is_told() {
    let gateway = Gateway::start().await;
    let address = gateway.running.admin_address;
    for (method, path) in [
        ("GET", "/admin/numbers"),
        ("GET", "/admin/numbers/+12025550100"),
        ("POST", "/admin/numbers/+12025550100/retire"),
    ] {
        Call::new(method, path).send(address).await.expect(401);
    }
    for path in [
        "/admin/numbers/+12025559999",
        "/admin/numbers/x",
        "/admin/numbers/x/y",
    ] {
        ask(&gateway, "GET", path, None).await.expect(404);
    }
    ask(&gateway, "PUT", "/admin/numbers", None).await.expect(405);
    ask(&gateway, "GET", "/admin/numbers/+12025550100/retire", None)
        .await
        .expect(405);
    let states = gateway
        .running
        .gateway
        .store()
        .live()
        .states(gateway.running.gateway.now());
    assert_eq!(states[&ringback::core::number::State::Free], 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_answered_once_and_again_the_same() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let expected = json!({ "id": rental.id, "status": "cancelled", "reported": true });
    for _ in 0..2 {
        let answer = gateway.post(&rental.path("/report"), &json!({})).await;
        assert_eq!(answer.expect(200), expected);
    }
    let shown = get(&gateway, &format!("/admin/numbers/{}", rental.number)).await;
    assert_eq!(
        (&shown["state"], &shown["reports"]),
        (&json!("quarantined"), &json!(1))
    );
    let cancelled = gateway.rent("google").await;
    gateway
        .post(&cancelled.path("/cancel"), &json!({}))
        .await
        .expect(200);
    let late = gateway
        .post(&cancelled.path("/report"), &json!({}))
        .await
        .expect(409);
    assert_eq!(late["status_now"], "cancelled");
}
