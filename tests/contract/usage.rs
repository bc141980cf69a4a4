//! What was used: one item for each completed verification whatever races, its sums, its export as CloudEvents, and whose it is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::carrier::{self, STANDARD, TELNYX, TWILIO, draft};
use crate::support::client::{Call, Reply};
use crate::support::gateway::{Gateway, Rental, SHORT};

async fn code(gateway: &Gateway, rental: &Rental, source: &str, id: &str) {
    let reply = carrier::post(
        gateway.address,
        source,
        &draft(id, &rental.number, "Your code is 221100."),
    )
    .await;
    assert!(reply.status < 300, "{}", reply.text());
}

async fn completed(gateway: &Gateway, service: &str, id: &str) -> Rental {
    let rental = gateway.rent(service).await;
    code(gateway, &rental, TELNYX, id).await;
    rental
}

async fn usage(gateway: &Gateway, query: &str) -> Value {
    gateway.get(&format!("/api/usage{query}")).await.expect(200)
}

fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|item| item["verificationId"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_completed_verification_is_one_item_and_a_sum() {
    let gateway = Gateway::start().await;
    let none = usage(&gateway, "").await;
    assert_eq!((&none["usage"], &none["sums"]), (&json!([]), &json!([])));
    assert_eq!(none["total"], json!({ "count": 0, "cost": "0.0000" }));
    let first = completed(&gateway, "google", "m-1").await;
    code(&gateway, &first, TWILIO, "m-2").await;
    let cancelled = gateway.rent("google").await;
    gateway
        .post(&cancelled.path("/cancel"), &json!({}))
        .await
        .expect(200);
    code(&gateway, &cancelled, TELNYX, "late").await;
    let second = completed(&gateway, SHORT, "m-3").await;
    let third = completed(&gateway, "google", "m-4").await;

    let shown = usage(&gateway, "").await;
    assert_eq!(
        ids(&shown["usage"]),
        [&first.id, &second.id, &third.id].map(String::as_str)
    );
    assert_eq!(shown["total"], json!({ "count": 3, "cost": "1.7500" }));
    let item = &shown["usage"][0];
    let date = item["completedAt"].as_str().unwrap().split('T').next().unwrap();
    let sum = |service: &str, count: u32, cost: &str| json!({ "date": date, "serviceName": service, "count": count, "cost": cost });
    assert_eq!(
        shown["sums"],
        json!([sum("google", 2, "1.0000"), sum("short", 1, "0.7500")])
    );
    assert_eq!(
        (&item["type"], &item["quantity"], &item["cost"]),
        (&json!("verification.create"), &json!(1), &json!("0.5000"))
    );
    let members: Vec<&String> = item.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "id",
            "type",
            "verificationId",
            "serviceName",
            "quantity",
            "cost",
            "createdAt",
            "completedAt"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_go_on_by_cursor_and_a_time_has_its_own() {
    let gateway = Gateway::start().await;
    for at in 0..3 {
        completed(&gateway, "google", &format!("m-{at}")).await;
    }
    let shown = usage(&gateway, "").await;
    let item = &shown["usage"][0];
    let mut cursor = String::new();
    for at in 0..3 {
        let page = usage(&gateway, &format!("?limit=1{cursor}")).await;
        assert_eq!(page["usage"][0], shown["usage"][at]);
        assert_eq!(
            (page.get("sums").is_some(), &page["more"]),
            (at == 0, &json!(at < 2))
        );
        cursor = format!("&cursor={}", page["nextCursor"].as_str().unwrap());
    }
    assert_eq!(usage(&gateway, &format!("?{cursor}")).await["usage"], json!([]));
    let fourth = completed(&gateway, "google", "m-5").await;
    let gateway = gateway.restart(toml::Table::new()).await;
    let rest = usage(&gateway, &format!("?{cursor}")).await;
    assert_eq!(
        ids(&rest["usage"]),
        [fourth.id.as_str()],
        "the cursor goes on, also over a restart"
    );

    let (since, until) = (item["completedAt"].as_str().unwrap(), "2100-01-01T00:00:00Z");
    assert_eq!(
        usage(&gateway, &format!("?since={since}&until={until}")).await["total"]["count"],
        4
    );
    assert_eq!(
        usage(&gateway, &format!("?until={since}")).await["total"]["count"],
        0,
        "its end is not in it"
    );
    assert_eq!(
        usage(&gateway, &format!("?since={until}")).await["total"]["count"],
        0
    );
}

/// Codes by three carriers, cancellations and ends at once: what is completed is metered once, what is not never is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_races_each_completion_is_metered_once() {
    let gateway = Gateway::start().await;
    let mut rentals = Vec::new();
    for _ in 0..30 {
        rentals.push(gateway.rent("google").await);
    }
    let one = |(at, rental): (usize, Rental)| {
        let gateway = &gateway;
        async move {
            let ids = ["a", "b", "c"].map(|id| format!("{id}-{at}"));
            let path = rental.path("/cancel");
            let nothing = json!({});
            tokio::join!(
                code(gateway, &rental, TELNYX, &ids[0]),
                gateway.post(&path, &nothing),
                code(gateway, &rental, TWILIO, &ids[1]),
                code(gateway, &rental, TELNYX, &ids[0]),
                code(gateway, &rental, STANDARD, &ids[2]),
            );
            (
                gateway.get(&rental.path("")).await.json()["status"].clone(),
                rental.id,
            )
        }
    };
    let settled = futures_util::future::join_all(rentals.into_iter().enumerate().map(one)).await;
    let done: BTreeSet<&str> = settled
        .iter()
        .filter(|(status, _)| status == "completed")
        .map(|(_, id)| id.as_str())
        .collect();
    let shown = usage(&gateway, "?limit=100").await;
    let used = ids(&shown["usage"]);
    assert_eq!(
        (used.len(), used.into_iter().collect::<BTreeSet<_>>()),
        (done.len(), done.clone())
    );
    let told = gateway
        .get("/api/events?types=verification.completed&limit=100")
        .await
        .expect(200);
    let told: Vec<&str> = told["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["payload"]["data"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        (told.len(), told.into_iter().collect::<BTreeSet<_>>()),
        (done.len(), done),
        "and told once"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_its_accounts_own_and_asks_for_its_scope_and_sense() {
    let gateway = Gateway::start().await;
    completed(&gateway, "google", "m-1").await;
    for path in ["/api/usage", "/api/usage/export"] {
        let theirs = Call::get(path)
            .key(&gateway.other_key)
            .send(gateway.address)
            .await;
        assert!(
            theirs.status == 200 && !theirs.text().contains("google"),
            "{}",
            theirs.text()
        );
        for (query, told) in [
            ("?since=yesterday", "since"),
            ("?until=1", "until"),
            ("?cursor=usc_1", "nextCursor"),
            ("?limit=0", "limit"),
            ("?cursor=usc_0000000000000000&since=2026-01-01T00:00:00Z", "leave"),
        ] {
            let refused = gateway.get(&format!("{path}{query}")).await.expect(400);
            assert!(
                refused["detail"].as_str().unwrap().contains(told),
                "{path}{query}: {refused}"
            );
        }
    }
    assert_eq!(gateway.get("/api/usage/export?format=csv").await.status, 400);
    // A cursor of another account's reading opens nothing of it.
    let own = gateway.get("/api/usage?limit=1").await.expect(200)["nextCursor"].clone();
    let forged = format!(
        "/api/usage?cursor=usc_0000000000000000.ffffffffffffffff.0000000000000001.acme&x={}",
        own.as_str().unwrap()
    );
    let theirs = Call::get(&forged)
        .key(&gateway.other_key)
        .send(gateway.address)
        .await;
    assert_eq!(theirs.expect(200)["usage"], json!([]));
}

fn events(reply: &Reply) -> Vec<Value> {
    reply
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_export_is_cloud_events_that_a_billing_system_can_count_once() {
    let gateway = Gateway::start().await;
    let mut rentals = Vec::new();
    for at in 0..5 {
        rentals.push(completed(&gateway, "google", &format!("m-{at}")).await.id);
    }
    let mut path = "/api/usage/export?limit=2".to_owned();
    let mut exported = Vec::new();
    let last = loop {
        let page = gateway.get(&path).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("application/x-ndjson"))
        );
        exported.extend(events(&page));
        match page.header("link") {
            Some(link) => path = link[1..link.find('>').unwrap()].to_owned(),
            None => break page,
        }
    };
    let event = &exported[0];
    let completed_at = usage(&gateway, "").await["usage"][0]["completedAt"].clone();
    let id = usage(&gateway, "").await["usage"][0]["id"].clone();
    assert_eq!(
        *event,
        json!({
            "specversion": "1.0", "type": "verification.create", "source": "urn:ringback:verifications", "id": id,
            "time": completed_at, "subject": "acme", "datacontenttype": "application/json",
            "data": {
                "verificationId": rentals[0], "serviceName": "google", "quantity": 1, "cost": "0.5000", "currency": "USD",
                "createdAt": event["data"]["createdAt"],
            }
        })
    );
    let of: Vec<&str> = exported
        .iter()
        .map(|e| e["data"]["verificationId"].as_str().unwrap())
        .collect();
    assert_eq!(of, rentals);
    let once: BTreeSet<&str> = exported.iter().map(|e| e["id"].as_str().unwrap()).collect();
    assert_eq!(once.len(), 5);

    let batch = gateway.get("/api/usage/export?format=cloudevents-batch").await;
    assert_eq!(
        batch.header("content-type"),
        Some("application/cloudevents-batch+json")
    );
    assert_eq!(batch.json(), json!(exported), "asked for again it is the same");
    let cursor = last.header("ringback-next-cursor").unwrap().to_owned();
    assert_eq!(last.header("ringback-more"), Some("false"));
    let sixth = completed(&gateway, "google", "m-6").await;
    let next = gateway.get(&format!("/api/usage/export?cursor={cursor}")).await;
    assert_eq!(events(&next)[0]["data"]["verificationId"], sixth.id);
    assert_eq!(events(&next).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_exports_what_all_accounts_used_beside_what_goes_on() {
    let gateway = Gateway::start().await;
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    let export = async |query: &str| {
        let call = Call::get(&format!("/admin/usage/export{query}")).key(token.trim());
        call.send(gateway.running.admin_address).await
    };
    let refused = Call::get("/admin/usage/export")
        .key(&gateway.key)
        .send(gateway.running.admin_address)
        .await;
    assert_eq!(refused.status, 401);
    assert_eq!(export("?account=a%20b").await.status, 400);
    let rent = async |key: &str, id: &str| {
        let call = Call::post("/api/verifications", &json!({ "serviceName": "google" })).key(key);
        let made = call.send(gateway.address).await.expect(201);
        let rental = Rental {
            id: made["id"].as_str().unwrap().into(),
            number: made["number"].as_str().unwrap().into(),
        };
        code(&gateway, &rental, TELNYX, id).await;
    };
    let (mut cursor, mut exported) = (String::new(), Vec::new());
    for round in 0..6 {
        for (at, key) in [&gateway.key, &gateway.other_key].into_iter().enumerate() {
            rent(key, &format!("m-{round}-{at}")).await;
        }
        // One page a round, so that a span is half read while more is used by an account that was read already.
        let page = export(&format!("?limit=1{cursor}")).await;
        exported.extend(events(&page));
        cursor = format!("&cursor={}", page.header("ringback-next-cursor").unwrap());
    }
    for _ in 0..40 {
        let page = export(&format!("?limit=1{cursor}")).await;
        exported.extend(events(&page));
        cursor = format!("&cursor={}", page.header("ringback-next-cursor").unwrap());
    }
    let once: BTreeSet<&str> = exported.iter().map(|e| e["id"].as_str().unwrap()).collect();
    assert_eq!(
        (once.len(), exported.len()),
        (12, 12),
        "nothing is missed and nothing comes twice"
    );
    let of_one = events(&export("?account=globex").await);
    assert!(of_one.len() == 6 && of_one.iter().all(|e| e["subject"] == "globex"));
}
