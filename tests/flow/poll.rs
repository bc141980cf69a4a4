//! The held poll: who is answered, when, with which fields, and that nobody who left is counted on.

use serde_json::json;

use crate::support::carrier::{self, TELNYX, TWILIO, draft};
use crate::support::client::Call;
use crate::support::gateway::{Gateway, SHORT};
use crate::support::within;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_waiter_of_a_rental_is_answered() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let other = gateway.rent("google").await;
    let polls: Vec<_> = (0..40).map(|_| gateway.poll(&rental, 60)).collect();
    let bystander = gateway.poll(&other, 60);
    gateway.holds(41).await;
    carrier::post(
        gateway.address,
        TWILIO,
        &draft("SM1", &rental.number, "Code: 914200"),
    )
    .await;
    for poll in polls {
        assert_eq!(
            within("a waiter's answer", poll).await.unwrap().expect(200)["otpCode"],
            "914200"
        );
    }
    gateway.holds(1).await;
    assert!(!bystander.is_finished(), "the other rental still waits");
    bystander.abort();
    gateway.holds(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_answers_the_poll() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let poll = gateway.poll(&rental, 60);
    gateway.holds(1).await;
    let cancelled = gateway
        .post(&rental.path("/cancel"), &json!({}))
        .await
        .expect(200);
    assert_eq!(cancelled, json!({ "id": rental.id, "status": "cancelled" }));
    assert_eq!(
        within("the poll's answer", poll).await.unwrap().expect(200),
        json!({ "status": "cancelled" })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expiry_answers_the_poll() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent(SHORT).await;
    let poll = gateway.poll(&rental, 60);
    gateway.holds(1).await;
    assert_eq!(
        within("the poll's answer", poll).await.unwrap().expect(200),
        json!({ "status": "expired" })
    );
    assert_eq!(gateway.get(&rental.path("")).await.json()["status"], "expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_hang_up_are_gone() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let call = Call::get(&rental.path("/code?wait=60")).key(&gateway.key);
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(call.begin(gateway.address).await);
    }
    gateway.holds(20).await;
    drop(sockets);
    gateway.holds(0).await;
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &rental.number, "Your code is 310077."),
    )
    .await;
    assert_eq!(
        gateway.get(&rental.path("/code")).await.json()["otpCode"],
        "310077"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preference_is_applied_and_told() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let poll = |prefer: &str| {
        let call = Call::get(&rental.path("/code"))
            .key(&gateway.key)
            .header("prefer", prefer);
        let address = gateway.address;
        async move { call.send(address).await }
    };
    let wishes = ["wait=1", "respond-async, wait=1", "WAIT=\"1\"", "foo; wait=1"];
    for (prefer, reply) in wishes
        .iter()
        .zip(futures_util::future::join_all(wishes.map(poll)).await)
    {
        assert_eq!(reply.expect(200), json!({ "status": "pending" }));
        assert_eq!(reply.header("preference-applied"), Some("wait=1"), "{prefer}");
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    assert_eq!(poll("wait=0").await.header("preference-applied"), Some("wait=0"));

    // A wish beyond the limit is cut to it, which only an answer before its end can show without waiting for it.
    let wished = tokio::spawn(poll("wait=4000000000"));
    gateway.holds(1).await;
    gateway
        .post(&rental.path("/cancel"), &json!({}))
        .await
        .expect(200);
    assert_eq!(
        within("the poll's answer", wished)
            .await
            .unwrap()
            .header("preference-applied"),
        Some("wait=60")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_comes_before_a_preference_and_the_default_is_configured() {
    let over = toml::toml! { poll = { default_s = 1 } };
    let gateway = Gateway::start_with(over).await;
    let rental = gateway.rent("google").await;
    let both = Call::get(&rental.path("/code?wait=0"))
        .key(&gateway.key)
        .header("prefer", "wait=60");
    let reply = both.send(gateway.address).await;
    assert_eq!(
        (reply.expect(200), reply.header("preference-applied")),
        (json!({ "status": "pending" }), None)
    );
    let reply = gateway.get(&rental.path("/code")).await;
    assert_eq!(
        (reply.expect(200), reply.header("preference-applied")),
        (json!({ "status": "pending" }), None)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_without_a_code_ends_no_poll_and_the_next_one_does() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let poll = gateway.poll(&rental, 60);
    gateway.holds(1).await;
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &rental.number, "Welcome aboard, nice to have you!"),
    )
    .await;
    gateway.holds(1).await;
    assert!(!poll.is_finished());
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-2", &rental.number, "Your code is 600613."),
    )
    .await;
    assert_eq!(
        within("the poll's answer", poll).await.unwrap().json()["otpCode"],
        "600613"
    );
}

/// What a rental expects of its code passes over everything else, and the poll waits on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rental_may_say_what_its_code_is_like() {
    let gateway = Gateway::start().await;
    let wish =
        json!({ "serviceName": "google", "code": { "lengthMin": 6, "lengthMax": 6, "alphabet": "digits" } });
    let rented = gateway.post("/api/verifications", &wish).await.expect(201);
    let number = rented["number"].as_str().unwrap_or_default();
    let path = format!("/api/verifications/{}", rented["id"].as_str().unwrap_or_default());
    let shown = || async {
        Call::get(&path)
            .key(&gateway.key)
            .send(gateway.address)
            .await
            .expect(200)
    };
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", number, "Your code is 4821."),
    )
    .await;
    assert_eq!(shown().await["status"], "active");
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-2", number, "Your code is 482155."),
    )
    .await;
    assert_eq!(shown().await["otpCode"], "482155");
    let wrong = json!({ "serviceName": "google", "code": { "length": 6 } });
    assert_eq!(gateway.post("/api/verifications", &wrong).await.status, 400);
}
