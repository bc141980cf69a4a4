//! Trying things out: test events to everyone who hears them, one attempt with its result at once, and the public keys for receivers.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ringback::core::event::Kind;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::{until, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_event_of_every_type_goes_the_way_of_real_ones() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let secret = gateway.subscribe(&subscriber.url, &["*"]).await["secret"].clone();
    let mut codes = Subscriber::start(&[]).await;
    gateway
        .subscribe(&codes.url, &["verification.code_received"])
        .await;
    let held = tokio::spawn({
        let (call, address) = (
            Call::get("/api/events?wait=30").key(&gateway.key),
            gateway.address,
        );
        async move { call.send(address).await }
    });
    gateway.holds(1).await;
    for kind in Kind::ALL {
        let made = gateway
            .post("/api/events/test", &json!({ "type": kind.as_str() }))
            .await
            .expect(201);
        let heard = subscriber.next().await;
        assert_eq!(heard.verified(secret.as_str().unwrap()), Ok(()));
        assert_eq!(
            (heard.header("webhook-id"), heard.kind().as_str()),
            (made["id"].as_str().unwrap(), kind.as_str())
        );
        assert_eq!(heard.json()["test"], true);
    }
    assert_eq!(codes.next().await.kind(), "verification.code_received");
    assert_eq!(
        within("the held poll", held).await.unwrap().expect(200)["events"][0]["payload"]["test"],
        true
    );
    let feed = gateway.get("/api/events?limit=100").await.expect(200);
    assert_eq!(feed["events"].as_array().unwrap().len(), Kind::ALL.len());
    let theirs = Call::get("/api/events")
        .key(&gateway.other_key)
        .send(gateway.address)
        .await
        .expect(200);
    assert_eq!(theirs["events"], json!([]));
    let refused = gateway
        .post("/api/events/test", &json!({ "type": "verification.paid" }))
        .await
        .expect(422);
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("verification.created"),
        "{refused}"
    );
}

async fn try_out(gateway: &Gateway, id: &Value, kind: &str) -> Value {
    let path = format!("/api/webhooks/{}/test", id.as_str().unwrap());
    gateway.post(&path, &json!({ "type": kind })).await.expect(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_subscription_is_tried_and_the_result_is_the_answer() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[204, 500]).await;
    let made = gateway.subscribe(&subscriber.url, &["message.*"]).await;
    let taken = try_out(&gateway, &made["id"], "verification.cancelled").await;
    assert_eq!(
        (&taken["delivered"], &taken["responseCode"]),
        (&json!(true), &json!(204))
    );
    let heard = subscriber.next().await;
    assert_eq!(heard.verified(made["secret"].as_str().unwrap()), Ok(()));
    assert_eq!(
        (heard.kind().as_str(), heard.header("webhook-id")),
        ("verification.cancelled", taken["id"].as_str().unwrap())
    );
    let failed = try_out(&gateway, &made["id"], "message.received").await;
    assert_eq!(
        (&failed["delivered"], &failed["responseCode"]),
        (&json!(false), &json!(500))
    );
    subscriber.next().await;
    // Nothing of it is kept: no event, no delivery, no retry, no mark against the subscription.
    assert_eq!(gateway.get("/api/events").await.expect(200)["events"], json!([]));
    let logs = format!("/api/webhooks/{}/logs", made["id"].as_str().unwrap());
    assert_eq!(gateway.get(&logs).await.expect(200)["logs"], json!([]));
    assert_eq!(gateway.running.gateway.store().live().counts().due, 0);

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", nobody.local_addr().unwrap());
    drop(nobody);
    let made = gateway.subscribe(&url, &["*"]).await;
    let refused = try_out(&gateway, &made["id"], "message.received").await;
    assert_eq!(
        (&refused["delivered"], &refused["responseCode"]),
        (&json!(false), &Value::Null)
    );
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("check that the server listens"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_tries_the_subscription_of_another_account() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let made = gateway.subscribe(&subscriber.url, &["*"]).await;
    let stranger = async |id: &str| {
        let call = Call::post(
            &format!("/api/webhooks/{id}/test"),
            &json!({ "type": "message.received" }),
        );
        let reply = call.key(&gateway.other_key).send(gateway.address).await;
        (reply.status, reply.text())
    };
    let unknown = stranger("whk_00000000000000000000000000000000").await;
    assert_eq!(unknown.0, 404);
    assert_eq!(stranger(made["id"].as_str().unwrap()).await, unknown);
    subscriber.hears_nothing_for(Duration::from_millis(300)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trials_have_a_limit_in_all_and_a_hang_up_frees_the_place() {
    let gateway = Gateway::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let made = gateway
        .subscribe(&format!("http://{}/hook", silent.local_addr().unwrap()), &["*"])
        .await;
    let path = format!("/api/webhooks/{}/test", made["id"].as_str().unwrap());
    let call = Call::post(&path, &json!({ "type": "message.received" })).key(&gateway.key);
    let mut held = Vec::new();
    for _ in 0..ringback::gateway::TRIALS_MAX {
        held.push((call.begin(gateway.address).await, silent.accept().await.unwrap()));
    }
    assert_eq!(call.send(gateway.address).await.expect(503)["status"], 503);
    drop(held.pop());
    let freed = within("a place to be free", async {
        loop {
            tokio::select! {
                reply = call.send(gateway.address) => assert_eq!(reply.status, 503),
                accepted = silent.accept() => return accepted,
            }
        }
    });
    assert!(freed.await.is_ok());
    drop(held);
    until("all to be gone", || {
        gateway.running.gateway.waiters().count() == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_keys_are_there_for_receivers_and_tell_nothing_else() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    let wish = json!({ "url": subscriber.url, "events": ["*"], "scheme": "v1a" });
    let made = gateway.post("/api/webhooks", &wish).await.expect(201);
    let path = made["publicKeysPath"].as_str().unwrap();
    let answer = Call::get(path).send(gateway.address).await;
    let keys = answer.expect(200)["keys"].clone();
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(keys.as_array().unwrap().len(), 1);
    assert_eq!(
        (&keys[0]["kty"], &keys[0]["crv"], &keys[0]["whpk"]),
        (&json!("OKP"), &json!("Ed25519"), &made["publicKey"])
    );
    let x = BASE64_URL_SAFE_NO_PAD
        .decode(keys[0]["x"].as_str().unwrap())
        .unwrap();
    assert_eq!(x.len(), 32);
    gateway.rent("google").await;
    assert_eq!(
        subscriber
            .next()
            .await
            .verified(keys[0]["whpk"].as_str().unwrap()),
        Ok(())
    );

    let symmetric = gateway.subscribe("https://example.com/hook", &["*"]).await;
    assert_eq!(symmetric.get("publicKeysPath"), None);
    let unknown = Call::get("/.well-known/webhook-keys/whk_00000000000000000000000000000000")
        .send(gateway.address)
        .await;
    for id in [symmetric["id"].as_str().unwrap(), "x", "whk_0"] {
        let none = Call::get(&format!("/.well-known/webhook-keys/{id}"))
            .send(gateway.address)
            .await;
        assert_eq!((none.status, &none.body), (404, &unknown.body), "{id}");
    }
    Call::new(
        "DELETE",
        &format!("/api/webhooks/{}", made["id"].as_str().unwrap()),
    )
    .key(&gateway.key)
    .send(gateway.address)
    .await;
    Call::get(path).send(gateway.address).await.expect(404);
}
