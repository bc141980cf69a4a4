//! Keys from their making to their end: shown once, two at a time, replaced, used, counted.

use ringback::clock::Clock;
use ringback::core::id::AccountId;
use ringback::core::key::{Key, Plain};
use serde_json::{Value, json};

use super::admin::{self, Made, get, listed, make_key, post, status};
use crate::support::client::Call;
use crate::support::gateway::Gateway;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_shown_once_and_listed_without_its_secret() {
    let gateway = Gateway::start().await;
    let made = post(
        &gateway,
        "/admin/keys",
        &json!({ "account": "acme", "name": "ci", "expiresInS": 3600 }),
    )
    .await
    .expect(201);
    let key = Made::of(&made);
    assert!(key.key.starts_with("rb_live_") && key.key.starts_with(&key.id));
    let list = get(&gateway, "/admin/keys").await;
    assert!(!list.text().contains(&key.key[21..]), "{}", list.text());
    let shown = listed(&gateway, &key.id).await.unwrap();
    assert_eq!(
        (&shown["name"], &shown["state"], &shown["lastUsedAt"]),
        (&json!("ci"), &json!("active"), &Value::Null)
    );
    assert!(shown["expiresAt"].is_string());
    for (wish, says) in [
        (json!({ "account": "acme", "expiresInS": 0 }), "expiresInS"),
        (json!({ "account": "acme", "name": "a\nb" }), "one line"),
        (json!({ "account": "acme", "scope": "x" }), "unknown field"),
    ] {
        let refused = post(&gateway, "/admin/keys", &wish).await;
        assert!(
            refused.status == 400 && refused.text().contains(says),
            "{}",
            refused.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_it_is_told_without_the_admin_token() {
    let gateway = Gateway::start().await;
    let calls = [
        Call::get("/admin/keys"),
        Call::post("/admin/keys", &json!({ "account": "acme" })),
        Call::new("DELETE", "/admin/keys/x"),
        Call::post("/admin/keys/x/rotate", &json!({})),
        Call::get("/admin/accounts"),
        Call::post("/admin/accounts", &json!({ "id": "x" })),
        Call::get("/admin/accounts/acme"),
        Call::with_json("PATCH", "/admin/accounts/acme", &json!({ "name": "x" })),
        Call::new("DELETE", "/admin/accounts/acme"),
        Call::post("/admin/accounts/acme/disable", &json!({})),
        Call::post("/admin/accounts/acme/enable", &json!({})),
    ];
    for call in calls {
        for call in [call.clone(), call.key(&gateway.key)] {
            let reply = call.send(gateway.running.admin_address).await;
            assert_eq!(reply.status, 401, "{}", reply.text());
        }
    }
    assert_eq!(status(&gateway, &gateway.key).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_keys_work_side_by_side_and_one_takes_the_others_place() {
    let gateway = Gateway::start().await;
    let first = make_key(&gateway, json!({ "name": "app" })).await;
    let second = make_key(&gateway, json!({ "name": "app" })).await;
    let rental = gateway.rent("google").await;
    for key in [&first, &second] {
        let reply = Call::get(&rental.path(""))
            .key(&key.key)
            .send(gateway.address)
            .await;
        assert_eq!(reply.expect(200)["id"], rental.id.as_str());
    }
    let rotate = format!("/admin/keys/{}/rotate", first.id);
    let third = Made::of(&post(&gateway, &rotate, &json!({})).await.expect(200));
    for key in [&first, &second, &third] {
        assert_eq!(status(&gateway, &key.key).await, 200, "{}", key.id);
    }
    assert_eq!(listed(&gateway, &first.id).await.unwrap()["state"], "replaced");
    let again = post(&gateway, &rotate, &json!({})).await;
    assert!(
        again.status == 409 && again.text().contains("replaced already"),
        "{}",
        again.text()
    );

    let rotate = format!("/admin/keys/{}/rotate", second.id);
    let fourth = Made::of(
        &post(&gateway, &rotate, &json!({ "overlapS": 0 }))
            .await
            .expect(200),
    );
    assert_eq!(status(&gateway, &second.key).await, 401, "no overlap");
    assert_eq!(status(&gateway, &fourth.key).await, 200);
    assert_eq!(listed(&gateway, &fourth.id).await.unwrap()["name"], "app");
    assert_eq!(listed(&gateway, &second.id).await.unwrap()["state"], "expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_may_stand_in_a_url_where_the_operator_said_so_and_so_may_the_next_one_in_its_place() {
    let gateway = Gateway::start().await;
    let in_url = async |key: &Made| {
        let path = format!("/getNumbers?api_key={}", key.key);
        Call::get(&path).send(gateway.address).await.status
    };
    let plain = make_key(&gateway, json!({})).await;
    let allowed = make_key(&gateway, json!({ "allowQueryKey": true })).await;
    assert_eq!((in_url(&plain).await, in_url(&allowed).await), (401, 200));
    let rotate = format!("/admin/keys/{}/rotate", allowed.id);
    let next = Made::of(&post(&gateway, &rotate, &json!({})).await.expect(200));
    assert_eq!(in_url(&next).await, 200);
    for (key, is_allowed) in [(&plain, false), (&allowed, true), (&next, true)] {
        let told = listed(&gateway, &key.id).await.unwrap();
        assert_eq!(told["allowQueryKey"], is_allowed, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_no_more_keys_than_it_may_however_many_ask_at_once() {
    let gateway = Gateway::start_with(toml::toml! { accounts = { keys_max = 4 } }).await;
    let wish = json!({ "account": "acme" });
    let asking = (0..12).map(|_| post(&gateway, "/admin/keys", &wish));
    let replies = futures_util::future::join_all(asking).await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(made, 3, "and the one that the gateway began with");
    assert!(replies.iter().all(|reply| matches!(reply.status, 201 | 409)));
    let key = replies.iter().find(|reply| reply.status == 201).unwrap().json();
    admin::revoke(&gateway, &Made::of(&key)).await;
    make_key(&gateway, json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_use_is_listed_at_once_and_kept_over_a_stop() {
    let gateway = Gateway::start().await;
    let key = make_key(&gateway, json!({})).await;
    assert_eq!(
        listed(&gateway, &key.id).await.unwrap()["lastUsedAt"],
        Value::Null
    );
    assert_eq!(status(&gateway, &key.key).await, 200);
    let used = listed(&gateway, &key.id).await.unwrap()["lastUsedAt"].clone();
    assert!(used.is_string());
    let gateway = gateway.restart(toml::Table::new()).await;
    assert_eq!(listed(&gateway, &key.id).await.unwrap()["lastUsedAt"], used);
    assert_eq!(status(&gateway, &key.key).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_key_opens_no_gateway_that_has_real_numbers() {
    let gateway = Gateway::start().await;
    let refused = post(
        &gateway,
        "/admin/keys",
        &json!({ "account": "acme", "test": true }),
    )
    .await;
    assert!(
        refused.status == 403 && refused.text().contains("ringback dev"),
        "{}",
        refused.text()
    );
    // One that came with another's data, as from a dev gateway's folder.
    let plain = Plain::generate(false, &ringback::clock::random());
    let acme = AccountId::parse("acme").unwrap();
    let key = Key::new(plain.as_str(), acme, Clock::System.now());
    gateway.running.gateway.add_key(key).await.unwrap();
    for path in ["/api/verifications", "/api/events", "/getNumbers"] {
        let reply = Call::get(path).key(plain.as_str()).send(gateway.address).await;
        assert!(
            reply.status == 403 && reply.text().contains("sandbox"),
            "{path}: {}",
            reply.text()
        );
    }
}
