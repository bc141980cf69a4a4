//! Renting from the scripted TextVerified through a whole gateway: its scenarios, its errors, its token, and what is never done twice.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Barrier;

use super::rig::{
    admin, becomes, events, gateway, metric, rent, settled, supplied, suppliers, textverified, try_rent,
    webhook,
};
use super::upstream::{Trouble, Upstream};
use crate::support::client::Call;
use crate::support::{until, until_async};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_bought_and_its_code_is_fetched() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    let answer = try_rent(&gateway, "test_success").await.expect(201);
    assert_eq!(answer["providerVerificationId"], "lr_01");
    assert_eq!(
        (&answer["cost"], &answer["number"]),
        (&json!("0.9500"), &json!("+17755550100"))
    );
    let (rental, there) = rent(&gateway, "test_delayed_success").await;
    assert_eq!(there, "lr_02");
    let code = gateway.get(&rental.path("/code?wait=30")).await.expect(200);
    assert_eq!(
        (&code["status"], &code["otpCode"]),
        (&json!("completed"), &json!("482913"))
    );
    settled(&gateway).await;
    assert!(metric(&gateway, "ringback_carrier_codes_total{result=\"same\"}"));
    assert_eq!(upstream.asked("POST /auth"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cancelled_here_is_cancelled_there() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    let (rental, _) = rent(&gateway, "test_pending").await;
    // It does not work at first, and is not forgotten.
    upstream.trouble("POST /verifications/lr_01/cancel", Trouble::Status(503, None));
    gateway
        .post(&rental.path("/cancel"), &json!({}))
        .await
        .expect(200);
    until("cancelled there", || {
        upstream.books().sold[0].state == "verificationCanceled"
    })
    .await;
    settled(&gateway).await;
    // Counted right after it is settled.
    until("counted", || {
        metric(
            &gateway,
            "ringback_supplier_rentals_total{supplier=\"tv\",result=\"refunded\"} 1",
        )
    })
    .await;
    assert_eq!(upstream.asked("POST /verifications/lr_01/cancel"), 2);
    let again = gateway.post(&rental.path("/cancel"), &json!({})).await;
    assert_eq!(again.expect(200)["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_there_ends_here() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    let (rental, _) = rent(&gateway, "test_timeout").await;
    becomes(&gateway, &rental, "expired").await;
    let (rental, there) = rent(&gateway, "google").await;
    upstream.books().sold[1].state = "verificationRefunded";
    becomes(&gateway, &rental, "cancelled").await;
    assert_eq!(
        upstream.asked(&format!("POST /verifications/{there}/cancel")),
        0,
        "it is over"
    );
    assert_eq!(events(&gateway).await.last().unwrap(), "verification.cancelled");
}

/// By webhook and by list, in either order, and by webhook twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_never_doubled() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    let (first, there) = rent(&gateway, "google").await;
    // The list does not have it yet; then both ways do.
    let asked = || upstream.asked("GET /sms");
    upstream.trouble("GET /sms", Trouble::Status(503, None));
    let sms = upstream.deliver(&there, "Your code is 482913.", Some("482913"));
    assert_eq!(webhook(&gateway, &there, &sms).await.status, 204);
    becomes(&gateway, &first, "completed").await;
    let before = asked();
    until("it is looked for again", || asked() > before + 1).await;
    assert_eq!(webhook(&gateway, &there, &sms).await.status, 204);
    let (second, there) = rent(&gateway, "google").await;
    let sms = upstream.deliver(&there, "Your code is 739164.", Some("739164"));
    becomes(&gateway, &second, "completed").await;
    assert_eq!(webhook(&gateway, &there, &sms).await.status, 204);
    let of_codes = |kind: &&String| *kind == "verification.code_received";
    assert_eq!(events(&gateway).await.iter().filter(of_codes).count(), 2);
    assert_eq!(gateway.total("ringback_messages_total"), 2);
}

/// The same number at the same time is nobody else's; nor is it for a while after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_has_one_rental_at_a_time() {
    let upstream = Upstream::start().await;
    let gateway = gateway(vec![textverified("tv", &upstream)], &["3.0000"]).await;
    upstream
        .books()
        .numbers
        .extend(["7755550111", "7755550111", "2025550000"].map(str::to_owned));
    let (rental, _) = rent(&gateway, "google").await;
    let (own, id) = rent(&gateway, "telegram").await;
    assert_eq!(
        (own.number.as_str(), id.starts_with("own_")),
        ("+12025550000", true)
    );
    assert_eq!(
        try_rent(&gateway, "telegram").await.status,
        503,
        "our own number is sold to us"
    );
    settled(&gateway).await;
    let states: Vec<&str> = upstream.books().sold.iter().map(|sold| sold.state).collect();
    assert_eq!(
        states,
        [
            "verificationPending",
            "verificationCanceled",
            "verificationCanceled"
        ]
    );
    gateway
        .post(&rental.path("/cancel"), &json!({}))
        .await
        .expect(200);
    settled(&gateway).await;
    upstream.books().numbers.push_back("7755550111".into());
    assert_eq!(try_rent(&gateway, "google").await.status, 503, "it rests");
    let late = upstream.deliver("lr_01", "Your code is 555111.", None);
    assert_eq!(webhook(&gateway, "lr_01", &late).await.status, 204);
    assert_eq!(
        events(&gateway).await.last().unwrap(),
        "verification.code_received",
        "late, and its first renter's"
    );
    let first = gateway.get(&rental.path("")).await.expect(200);
    assert_eq!(first["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_sees_who_is_put_aside() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    assert_eq!(try_rent(&gateway, "test_no_numbers").await.status, 503);
    assert_eq!(suppliers(&gateway).await[0]["state"], "asked");
    let poor = try_rent(&gateway, "test_insufficient_balance").await;
    assert!(
        poor.expect(503)["detail"]
            .as_str()
            .unwrap()
            .contains("no supplier can be asked")
    );
    let shown = &suppliers(&gateway).await[0];
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("aside"), &json!("no_balance"))
    );
    let metrics = admin(&gateway, "/metrics").await.text();
    assert!(
        metrics.contains("ringback_supplier_up{supplier=\"tv\"} 0\n"),
        "{metrics}"
    );
    let asked = upstream.asked("");
    assert_eq!(try_rent(&gateway, "google").await.status, 503);
    assert_eq!(upstream.asked(""), asked, "it is left alone");
    assert!(upstream.books().sold.is_empty());
    assert!(metric(&gateway, "result=\"no_balance\"} 1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowded_and_a_busy_supplier_are_left_alone_as_long_as_they_say() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    assert_eq!(
        try_rent(&gateway, "test_too_many_unfinished_verifications")
            .await
            .status,
        503
    );
    assert_eq!(suppliers(&gateway).await[0]["state"], "paused");
    let gateway = supplied(&upstream).await;
    upstream.trouble("POST /verifications", Trouble::Status(429, Some(2)));
    assert_eq!(try_rent(&gateway, "google").await.status, 503);
    let asked = upstream.asked("POST /verifications");
    assert_eq!(try_rent(&gateway, "google").await.status, 503);
    assert_eq!(upstream.asked("POST /verifications"), asked);
    until_async("its time is over", async || {
        (try_rent(&gateway, "google").await.status == 201).then_some(())
    })
    .await;
    assert_eq!(suppliers(&gateway).await[0]["state"], "asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_renewed_before_its_end_and_where_it_is_refused() {
    let upstream = Upstream::start().await;
    upstream.books().token_lives = 1.0;
    let gateway = supplied(&upstream).await;
    rent(&gateway, "google").await;
    until("the token is renewed", || upstream.asked("POST /auth") > 1).await;
    upstream.books().token_lives = 899.0;
    upstream.trouble("POST /verifications", Trouble::TokenGone);
    rent(&gateway, "telegram").await;
    assert_eq!(upstream.books().sold.len(), 2);
}

/// The answer to a purchase is lost: what was bought is found and used, and bought once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_without_an_answer_is_found() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    rent(&gateway, "google").await;
    upstream.trouble("POST /verifications", Trouble::Silence);
    let (_, there) = rent(&gateway, "google").await;
    assert_eq!((there.as_str(), upstream.books().sold.len()), ("lr_02", 2));
}

/// Neither is the list: then it is found later, and given back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_late_is_given_back() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    upstream.trouble("POST /verifications", Trouble::Silence);
    upstream.trouble("GET /verifications", Trouble::Status(500, None));
    assert_eq!(try_rent(&gateway, "google").await.status, 503);
    until("given back", || {
        upstream.books().sold[0].state == "verificationCanceled"
    })
    .await;
    settled(&gateway).await;
    assert_eq!(upstream.books().sold.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_pays_for_nothing() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    upstream.trouble("GET /verifications/lr_01", Trouble::Silence);
    let call = Call::post("/api/verifications", &json!({ "serviceName": "google" })).key(&gateway.key);
    let socket = call.begin(gateway.address).await;
    until("it is bought", || upstream.books().sold.len() == 1).await;
    drop(socket);
    until("given back", || {
        upstream.books().sold[0].state == "verificationCanceled"
    })
    .await;
    settled(&gateway).await;
    let listed = gateway.get("/api/verifications").await.expect(200);
    assert_eq!(listed["verifications"], json!([]));
}

/// A carrier that is quicker than our own books comes again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_before_its_rental_comes_again() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    upstream.trouble("POST /verifications", Trouble::Silence);
    upstream.trouble("GET /verifications", Trouble::Status(500, None));
    let call = Call::post("/api/verifications", &json!({ "serviceName": "test_success" })).key(&gateway.key);
    let _socket = call.begin(gateway.address).await;
    until("it is bought", || upstream.books().sold.len() == 1).await;
    let sms = upstream.books().sold[0].sms[0].clone();
    assert_eq!(webhook(&gateway, "lr_01", &sms).await.status, 503);
    assert_eq!(gateway.total("ringback_messages_total"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_goes_on_with_what_was_open() {
    let upstream = Upstream::start().await;
    let over = || super::rig::over(vec![textverified("tv", &upstream)], &[]);
    let gateway = supplied(&upstream).await;
    let (kept, _) = rent(&gateway, "google").await;
    let (cancelled, _) = rent(&gateway, "telegram").await;
    for _ in 0..4 {
        upstream.trouble("POST /verifications/lr_02/cancel", Trouble::Status(503, None));
    }
    gateway
        .post(&cancelled.path("/cancel"), &json!({}))
        .await
        .expect(200);
    let gateway = gateway.restart(over()).await;
    upstream.deliver("lr_01", "Your code is 482913.", None);
    becomes(&gateway, &kept, "completed").await;
    until("cancelled there", || {
        upstream.books().sold[1].state == "verificationCanceled"
    })
    .await;
    settled(&gateway).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(upstream.books().sold.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_services_are_asked_for_by_the_operator() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    let listed = admin(&gateway, "/admin/suppliers/tv/services").await.expect(200);
    assert_eq!(
        listed["services"][0],
        json!({ "serviceName": "google", "capability": "Sms" })
    );
    assert_eq!(
        admin(&gateway, "/admin/suppliers/other/services").await.status,
        404
    );
    upstream.trouble("GET /services", Trouble::Status(500, None));
    let refused = admin(&gateway, "/admin/suppliers/tv/services").await;
    assert!(
        refused.expect(503)["detail"]
            .as_str()
            .unwrap()
            .contains("it answered 500")
    );
}

/// Two answers are lost at once: neither takes what the other bought, and nothing stays open there that nobody has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_lost_answers_each_is_its_own() {
    let upstream = Upstream::start().await;
    let gateway = supplied(&upstream).await;
    // Both look for what they bought at the same moment.
    let moment = Arc::new(Barrier::new(2));
    for _ in 0..2 {
        upstream.trouble("POST /verifications", Trouble::Silence);
        upstream.trouble("GET /verifications", Trouble::Meet(moment.clone()));
    }
    let replies = tokio::join!(try_rent(&gateway, "google"), try_rent(&gateway, "google"));
    settled(&gateway).await;
    let rented = [replies.0, replies.1]
        .into_iter()
        .filter(|reply| reply.status == 201);
    let mut rented: Vec<String> = rented
        .map(|reply| {
            reply.json()["providerVerificationId"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    rented.sort();
    let books = upstream.books();
    let open = books
        .sold
        .iter()
        .filter(|sold| sold.state == "verificationPending");
    let open: Vec<String> = open.map(|sold| sold.id.clone()).collect();
    assert_eq!((open, books.sold.len()), (rented, 2));
}
