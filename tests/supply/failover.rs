//! Several suppliers: which is asked first, who comes next, and another gateway of our own as one of them.

use serde_json::json;

use super::rig::{becomes, gateway, over, partner, rent, settled, suppliers, textverified, try_rent};
use super::upstream::{Trouble, Upstream};
use crate::support::carrier::{STANDARD, draft, post};
use crate::support::gateway::Gateway;
use crate::support::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_comes_first_unless_it_is_dearer() {
    let upstream = Upstream::start().await;
    let gateway = gateway(vec![textverified("tv", &upstream)], &["0.9500", "0.9600"]).await;
    let (own, id) = rent(&gateway, "google").await;
    assert!(id.starts_with("own_"), "{}", own.number);
    let (_, id) = rent(&gateway, "google").await;
    assert_eq!(id, "lr_01");
    upstream.books().cost = 5.0;
    let (_, id) = rent(&gateway, "telegram").await;
    assert!(id.starts_with("own_"), "above the limit on what it may cost us");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_markup_is_paid_by_the_renter_and_counts_in_the_order() {
    let (cheap, fair) = (Upstream::start().await, Upstream::start().await);
    fair.books().cost = 1.0;
    fair.books().area = "303";
    let mut marked = textverified("marked", &cheap);
    marked.insert("markup_percent".into(), 10.into());
    let gateway = gateway(vec![marked, textverified("fair", &fair)], &[]).await;
    assert_eq!(try_rent(&gateway, "google").await.expect(201)["cost"], "1.0000");
    fair.books().cost = 1.05;
    // A price is believed for a minute, so this one is for another service.
    assert_eq!(try_rent(&gateway, "telegram").await.expect(201)["cost"], "1.0450");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_one_sells_what_the_first_does_not() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    second.books().cost = 1.5;
    second.books().area = "303";
    let suppliers_of = vec![textverified("dear", &second), textverified("cheap", &first)];
    let gateway = gateway(suppliers_of, &[]).await;
    first.trouble("POST /verifications", Trouble::Status(503, None));
    assert_eq!(try_rent(&gateway, "google").await.expect(201)["cost"], "1.5000");
    let shown = suppliers(&gateway).await;
    assert_eq!(
        (&shown[0]["state"], &shown[1]["state"]),
        (&json!("asked"), &json!("paused"))
    );
    let asked = first.asked("");
    assert_eq!(try_rent(&gateway, "google").await.expect(201)["cost"], "1.5000");
    assert_eq!(
        first.asked("POST"),
        asked - first.asked("GET"),
        "not asked to sell while it is left alone"
    );
}

/// The cheaper one's rentals hear nothing, so a code costs more there: the next rental is the dearer one's, over a restart too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_whose_latest_rentals_heard_nothing_is_passed_over_for_a_dearer_one() {
    let (bad, fair) = (Upstream::start().await, Upstream::start().await);
    (bad.books().cost, fair.books().cost) = (0.8, 1.0);
    fair.books().area = "303";
    let suppliers_of = || vec![textverified("bad", &bad), textverified("fair", &fair)];
    let gateway = gateway(suppliers_of(), &[]).await;
    let sold = |upstream: &Upstream| upstream.books().sold.len();
    let cancelled = rent(&gateway, "google").await.0;
    let cancel = gateway.post(&cancelled.path("/cancel"), &json!({})).await;
    cancel.expect(200);
    settled(&gateway).await;
    let reported = rent(&gateway, "google").await.0;
    assert_eq!(
        (sold(&bad), sold(&fair)),
        (2, 0),
        "the cheaper one, as a cancelled rental says nothing"
    );
    let report = gateway.post(&reported.path("/report"), &json!({})).await;
    report.expect(200);
    settled(&gateway).await;
    let shown = suppliers(&gateway).await;
    assert_eq!((&shown[0]["heard"], &shown[0]["judged"]), (&json!(0), &json!(1)));

    assert_eq!(try_rent(&gateway, "google").await.expect(201)["cost"], "1.0000");
    let gateway = gateway.restart(over(suppliers_of(), &[])).await;
    assert_eq!(try_rent(&gateway, "google").await.expect(201)["cost"], "1.0000");
    assert_eq!((sold(&bad), sold(&fair)), (2, 2));
    assert_eq!(
        suppliers(&gateway).await[0]["state"],
        "asked",
        "it is not left alone for a fault: its price is what it sells at"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_gateway_sells_us_its_numbers() {
    let peer = Gateway::start().await;
    let gateway = gateway(vec![partner("peer", &peer)], &[]).await;
    let (rental, there) = rent(&gateway, "google").await;
    assert!(there.starts_with("rent_"));
    let sms = draft("m1", &rental.number, "Your code is 482913.");
    assert_eq!(post(peer.address, STANDARD, &sms).await.status, 204);
    let shown = becomes(&gateway, &rental, "completed").await;
    assert_eq!(
        (&shown["otpCode"], &shown["cost"]),
        (&json!("482913"), &json!("0.5000"))
    );
    let done = json!({ "api_key": gateway.key, "rental_id": format!("rent_{}", rental.id) });
    gateway.post("/cancelNumber", &done).await.expect(200);
    let (rental, there) = rent(&gateway, "google").await;
    gateway
        .post(&rental.path("/cancel"), &json!({}))
        .await
        .expect(200);
    let id = there.trim_start_matches("rent_").to_owned();
    settled(&gateway).await;
    let of_peer = peer.get(&format!("/api/verifications/{id}")).await.expect(200);
    assert_eq!(of_peer["status"], "cancelled");
    assert_eq!(suppliers(&gateway).await[0]["heard"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_takes_over_from_textverified_and_back() {
    let (upstream, peer) = (Upstream::start().await, Gateway::start().await);
    upstream.books().cost = 0.4;
    let gateway = gateway(vec![partner("peer", &peer), textverified("tv", &upstream)], &[]).await;
    assert_eq!(rent(&gateway, "google").await.1, "lr_01");
    upstream.trouble("POST /verifications", Trouble::Status(429, Some(1)));
    assert!(rent(&gateway, "google").await.1.starts_with("rent_"));
    let mut ids = Vec::new();
    until("its time is over", || upstream.asked("POST /verifications") == 2).await;
    while ids.last().is_none_or(|id: &String| !id.starts_with("lr_")) && ids.len() < 40 {
        ids.push(rent(&gateway, "google").await.1);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(ids.last().map(String::as_str), Some("lr_02"));
}
