//! Accounts from their making to their end, and what of theirs is sent meanwhile.

use std::time::Duration;

use serde_json::{Value, json};

use super::admin::{self, delete, get, make_key, post, status};
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;

async fn accounts(gateway: &Gateway) -> Vec<Value> {
    let answer = get(gateway, "/admin/accounts").await.expect(200);
    answer["accounts"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_made_shown_and_named() {
    let gateway = Gateway::start().await;
    let made = post(
        &gateway,
        "/admin/accounts",
        &json!({ "id": "new", "name": "Neu GmbH" }),
    )
    .await;
    let made = made.expect(201);
    assert_eq!(
        (&made["id"], &made["name"], &made["state"], &made["keys"]),
        (&json!("new"), &json!("Neu GmbH"), &json!("active"), &json!(0))
    );
    let ids: Vec<Value> = accounts(&gateway).await.iter().map(|a| a["id"].clone()).collect();
    assert_eq!(
        ids,
        ["acme", "globex", "new"],
        "those of the keys at the start, too"
    );
    for (body, code, says) in [
        (json!({ "id": "new" }), 409, "is there already"),
        (json!({ "id": "a b" }), 400, "1 to 64"),
        (json!({ "id": "x", "name": "a\nb" }), 400, "one line"),
    ] {
        let refused = post(&gateway, "/admin/accounts", &body).await;
        assert_eq!(refused.status, code);
        assert!(refused.text().contains(says), "{}", refused.text());
    }
    let renamed = Call::with_json("PATCH", "/admin/accounts/new", &json!({ "name": "Alt" }));
    assert_eq!(admin::send(&gateway, renamed).await.expect(200)["name"], "Alt");
    gateway.rent("google").await;
    let acme = get(&gateway, "/admin/accounts/acme").await.expect(200);
    assert_eq!((&acme["keys"], &acme["rentals"]), (&json!(1), &json!(1)));
    for path in ["/admin/accounts/none", "/admin/accounts/a%20b"] {
        assert_eq!(get(&gateway, path).await.status, 404);
    }
    let gateway = gateway.restart(toml::Table::new()).await;
    assert_eq!(
        get(&gateway, "/admin/accounts/new").await.expect(200)["name"],
        "Alt"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_deleted_with_its_keys_and_subscriptions_once_nothing_is_rented() {
    let gateway = Gateway::start().await;
    let key = make_key(&gateway, json!({})).await;
    let rental = gateway.rent("google").await;
    gateway.subscribe("https://example.com/hook", &["*"]).await;
    let refused = delete(&gateway, "/admin/accounts/acme").await;
    assert_eq!(refused.expect(409)["rentals"], 1);
    assert_eq!(status(&gateway, &key.key).await, 200, "a refusal changes nothing");

    gateway
        .post(&rental.path("/cancel"), &json!({}))
        .await
        .expect(200);
    assert_eq!(delete(&gateway, "/admin/accounts/acme").await.status, 204);
    assert_eq!(status(&gateway, &key.key).await, 401);
    assert_eq!(status(&gateway, &gateway.key).await, 401);
    assert_eq!(status(&gateway, &gateway.other_key).await, 200);
    assert_eq!(get(&gateway, "/admin/accounts/acme").await.status, 404);
    let list = get(&gateway, "/admin/keys?account=acme").await.expect(200);
    assert_eq!(list, json!({ "keys": [] }));
    assert_eq!(gateway.running.gateway.store().live().counts().subscriptions, 0);
    for (path, body) in [
        ("/admin/accounts", json!({ "id": "acme" })),
        ("/admin/keys", json!({ "account": "acme" })),
    ] {
        let held = post(&gateway, path, &body).await;
        assert!(
            held.status == 409 && held.text().contains("was deleted"),
            "{}",
            held.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rent_and_a_deletion_at_once_never_both_succeed() {
    let gateway = Gateway::start().await;
    for round in 0..20 {
        let account = format!("a{round}");
        let made = post(&gateway, "/admin/keys", &json!({ "account": account }))
            .await
            .expect(201);
        let rent = Call::post("/api/verifications", &json!({ "serviceName": "google" }))
            .key(made["key"].as_str().unwrap());
        let path = format!("/admin/accounts/{account}");
        let (rented, deleted) =
            futures_util::future::join(rent.send(gateway.address), delete(&gateway, &path)).await;
        assert!(
            !(rented.status == 201 && deleted.status == 204),
            "a rental without an account, round {round}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_to_a_disabled_account_and_all_of_it_when_it_is_enabled() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    gateway.subscribe(&subscriber.url, &["verification.*"]).await;
    let rental = gateway.rent("short").await;
    subscriber.next_of("verification.created").await;
    post(&gateway, "/admin/accounts/acme/disable", &Value::Null)
        .await
        .expect(200);
    // Its rental runs on to its end, ten seconds after it began.
    let is_over = || async {
        let shown = get(&gateway, "/admin/accounts/acme").await.expect(200);
        (shown["rentals"] == 0).then_some(())
    };
    crate::support::until_async("the end of the rental", is_over).await;
    subscriber.hears_nothing_for(Duration::from_millis(300)).await;
    post(&gateway, "/admin/accounts/acme/enable", &Value::Null)
        .await
        .expect(200);
    let told = subscriber.next().await;
    assert_eq!(
        (told.kind().as_str(), &told.json()["data"]["id"]),
        ("verification.expired", &json!(rental.id))
    );
}
