//! Limits that are reached: numbers, subscriptions, polls, the store's queue, the disk. Each says so, and what goes on goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringback::clock::{self, Clock};
use ringback::core::id::AccountId;
use ringback::core::key::{Key, Plain};
use ringback::store::{Access, Commit};
use serde_json::json;

use super::refusal::{Holdings, QUOTA, assert_refused, refusal};
use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::within;

const CREATE: &str = "/api/verifications";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_every_number_is_rented_the_next_wish_waits() {
    let over = toml::toml! {
        number = [{ number = "+12025550101", country = "US" }, { number = "+12025550102", country = "US" }]
    };
    let gateway = Gateway::start_with(over).await;
    let wish = json!({ "serviceName": "google" });
    let none = refusal(503, "unavailable", "no number is free");
    let elsewhere = json!({ "serviceName": "google", "areaCode": "415" });
    gateway.post(CREATE, &elsewhere).await.expect(201);
    let last = gateway.rent("google").await;
    let held = Holdings::of(&gateway);
    let reply = gateway.post(CREATE, &wish).await;
    assert_refused("all rented", &reply, none);
    assert_eq!(
        reply.json()["retry_after_s"].to_string(),
        reply.header("retry-after").unwrap()
    );
    held.assert_untouched(&gateway, "all rented").await;
    gateway.post(&last.path("/cancel"), &json!({})).await.expect(200);
    assert_refused("cooling down", &gateway.post(CREATE, &wish).await, none);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_so_many_subscriptions_and_not_one_more() {
    let gateway = Gateway::start_with(toml::toml! { outbound = { subscriptions_max = 2 } }).await;
    for at in 0..2 {
        gateway
            .subscribe(&format!("https://example.com/{at}"), &["*"])
            .await;
    }
    let held = Holdings::of(&gateway);
    let wish = json!({ "url": "https://example.com/2", "events": ["*"] });
    let reply = gateway.post("/api/webhooks", &wish).await;
    assert_refused(
        "a third",
        &reply,
        refusal(409, "conflict", "an account may have 2 subscriptions"),
    );
    assert_eq!(reply.json()["limit"], 2);
    held.assert_untouched(&gateway, "a third").await;
    let other = Call::post("/api/webhooks", &wish)
        .key(&gateway.other_key)
        .send(gateway.address)
        .await;
    assert_eq!(other.status, 201, "another account has room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polls_have_a_limit_for_each_key_and_one_in_all() {
    let gateway =
        Gateway::start_with(toml::toml! { poll = { waiters_max = 3, waiters_per_key_max = 2 } }).await;
    let rental = gateway.rent("google").await;
    let other = Call::post(CREATE, &json!({ "serviceName": "google" })).key(&gateway.other_key);
    let theirs = other.send(gateway.address).await.expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let theirs = Call::get(&format!("{CREATE}/{theirs}/code?wait=60")).key(&gateway.other_key);
    let polls = [gateway.poll(&rental, 60), gateway.poll(&rental, 60)];
    gateway.holds(2).await;
    let reply = gateway.get(&rental.path("/code?wait=60")).await;
    assert_refused(
        "a third of one key",
        &reply,
        refusal(429, QUOTA, "too many polls are held for this key"),
    );

    let third = theirs.begin(gateway.address).await;
    gateway.holds(3).await;
    let reply = theirs.send(gateway.address).await;
    assert_refused(
        "a fourth in all",
        &reply,
        refusal(503, "unavailable", "too many polls are held in all"),
    );
    let at_once = gateway.get(&rental.path("/code?wait=0")).await;
    assert_eq!(
        at_once.expect(200)["status"],
        "pending",
        "an answer at once needs no place"
    );

    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &rental.number, "Your code is 100200."),
    )
    .await;
    for poll in polls {
        assert_eq!(
            within("a held poll", poll).await.unwrap().json()["otpCode"],
            "100200"
        );
    }
    drop(third);
    gateway.holds(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_told_and_passes() {
    let gateway = Gateway::start_with(toml::toml! { store = { queue_max = 16, group_max = 1 } }).await;
    let rental = gateway.rent("google").await;
    let full = Arc::new(AtomicBool::new(true));
    let filling = (gateway.running.gateway.clone(), full.clone());
    let filler = std::thread::spawn(move || {
        let (gateway, full) = filling;
        while full.load(Ordering::Relaxed) {
            let key = Key::new(
                Plain::generate(true, &clock::random()).as_str(),
                AccountId::parse("filler").unwrap(),
                Clock::System.now(),
            );
            // Whether it is taken or refused: the queue is full then.
            drop(gateway.store().commit(
                Commit::Access(Access::AddKey(Box::new(key))),
                Clock::System.moment(),
            ));
        }
    });
    let busy = refusal(503, "unavailable", "queue is full");
    let sms = draft("m-1", &rental.number, "Your code is 100200.");
    let inbound = carrier::call(TELNYX, &carrier::request(TELNYX, &sms));
    let rent = Call::post(CREATE, &json!({ "serviceName": "google" })).key(&gateway.key);
    for call in [inbound, rent] {
        let refused = async {
            loop {
                let reply = call.send(gateway.address).await;
                if reply.status >= 300 {
                    return reply;
                }
            }
        };
        assert_refused("a full queue", &within("a refusal", refused).await, busy);
    }
    full.store(false, Ordering::Relaxed);
    filler.join().unwrap();
    // Its carrier comes again, once there is room.
    let accepted = async { while carrier::post(gateway.address, TELNYX, &sms).await.status != 204 {} };
    within("the message to be accepted", accepted).await;
    assert_eq!(
        gateway.get(&rental.path("/code")).await.json()["otpCode"],
        "100200"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_what_is_new_and_goes_on_with_the_rest() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[503]).await;
    gateway
        .subscribe(&subscriber.url, &["verification.created"])
        .await;
    let rental = gateway.rent("google").await;
    assert_eq!(subscriber.next().await.answered, 503);

    // The disk fills up: no disk of this size is around.
    let reserve = "store = { disk_reserve_bytes = 1099511627776 }".parse().unwrap();
    let gateway = gateway.restart(reserve).await;
    let full = refusal(507, "insufficient-storage", "free disk space");
    let sms = draft("m-1", &rental.number, "Your code is 100200.");
    let held = Holdings::of(&gateway);
    assert_refused(
        "inbound",
        &carrier::post(gateway.address, TELNYX, &sms).await,
        full,
    );
    assert_refused(
        "rent",
        &gateway.post(CREATE, &json!({ "serviceName": "google" })).await,
        full,
    );
    held.assert_untouched(&gateway, "a full disk").await;
    assert_eq!(subscriber.next().await.answered, 204, "what is owed is delivered");
    assert_eq!(
        gateway.get(&rental.path("/code?wait=0")).await.expect(200)["status"],
        "pending",
        "reads go on"
    );

    // And is freed again.
    let gateway = gateway.restart(toml::Table::new()).await;
    assert_eq!(carrier::post(gateway.address, TELNYX, &sms).await.status, 204);
    assert_eq!(
        gateway.get(&rental.path("/code")).await.json()["otpCode"],
        "100200"
    );
}
