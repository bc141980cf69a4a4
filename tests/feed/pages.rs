//! Pages: order, cursors, filters, limits, what is refused, and that an account reads its own events alone.

use ringback::clock::Clock;
use ringback::core::cursor::Cursor;
use ringback::core::id::Seq;
use serde_json::{Value, json};

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;

const DAY_MS: u64 = 86_400_000;

pub fn kinds(page: &Value) -> Vec<&str> {
    let events = page["events"].as_array().expect("a page");
    events
        .iter()
        .map(|event| event["payload"]["type"].as_str().unwrap())
        .collect()
}

/// One rental with a code, one cancelled: four events.
async fn some_events(gateway: &Gateway) {
    let (coded, cancelled) = (gateway.rent("google").await, gateway.rent("google").await);
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &coded.number, "Your code is 221100."),
    )
    .await;
    gateway
        .post(&cancelled.path("/cancel"), &json!({}))
        .await
        .expect(200);
}

const ALL: [&str; 5] = [
    "verification.created",
    "verification.created",
    "verification.code_received",
    "verification.completed",
    "verification.cancelled",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_oldest_first_and_page_by_page() {
    let gateway = Gateway::start().await;
    let empty = gateway.get("/api/events").await.expect(200);
    assert_eq!((&empty["events"], &empty["more"]), (&json!([]), &json!(false)));
    some_events(&gateway).await;

    let all = gateway.get("/api/events").await.expect(200);
    assert_eq!((kinds(&all), &all["more"]), (ALL.to_vec(), &json!(false)));
    let from_the_empty_page = format!("/api/events?after={}", empty["nextCursor"].as_str().unwrap());
    assert_eq!(
        gateway.get(&from_the_empty_page).await.expect(200)["events"],
        all["events"]
    );

    let (mut after, mut found) = ("oldest".to_owned(), Vec::new());
    for last in [false, false, false, false, true] {
        let page = gateway
            .get(&format!("/api/events?limit=1&after={after}"))
            .await
            .expect(200);
        assert_eq!(page["more"], !last);
        found.push(page["events"][0].clone());
        after = page["nextCursor"].as_str().unwrap().to_owned();
        assert_eq!(
            page["events"][0]["cursor"], after,
            "an event's cursor and the page's agree"
        );
    }
    let ids = |events: &Value| -> Vec<Value> {
        events
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["id"].clone())
            .collect()
    };
    assert_eq!(ids(&json!(found)), ids(&all["events"]));
    let end = gateway
        .get(&format!("/api/events?after={after}"))
        .await
        .expect(200);
    assert_eq!(end["events"], json!([]));
    let gateway = gateway.restart(toml::Table::new()).await;
    let again = gateway.get(&from_the_empty_page).await.expect(200);
    assert_eq!(
        ids(&again["events"]),
        ids(&all["events"]),
        "the same after a restart"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_begun_at_latest_has_only_what_comes_then() {
    let gateway = Gateway::start().await;
    some_events(&gateway).await;
    let latest = gateway.get("/api/events?after=latest").await.expect(200);
    assert_eq!(latest["events"], json!([]));
    gateway.rent("google").await;
    let next = format!("/api/events?after={}", latest["nextCursor"].as_str().unwrap());
    assert_eq!(
        kinds(&gateway.get(&next).await.expect(200)),
        ["verification.created"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_are_exact_or_groups_and_the_cursor_passes_over_the_rest() {
    let gateway = Gateway::start().await;
    some_events(&gateway).await;
    let of = async |types: &str| {
        let page = gateway
            .get(&format!("/api/events?types={types}"))
            .await
            .expect(200);
        (
            kinds(&page).len(),
            page["nextCursor"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(of("verification.code_received").await.0, 1);
    assert_eq!(of("verification.created,verification.cancelled").await.0, 3);
    assert_eq!(of("verification.*").await.0, 5);
    assert_eq!(of("*").await.0, 5);
    let (none, passed) = of("message.*").await;
    assert_eq!(none, 0);
    let after = gateway
        .get(&format!("/api/events?after={passed}"))
        .await
        .expect(200);
    assert_eq!(
        after["events"],
        json!([]),
        "what was passed over is not read again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_is_byte_for_byte_a_webhooks_body() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[]).await;
    gateway.subscribe(&subscriber.url, &["*"]).await;
    let rental = gateway.rent("google").await;
    let text = "Ihr Best\u{e4}tigungscode lautet \"771203\".\n\u{1f600}";
    carrier::post(gateway.address, TELNYX, &draft("m-1", &rental.number, text)).await;
    let page = gateway.get("/api/events").await;
    for _ in 0..2 {
        let delivery = subscriber.next().await;
        let body = std::str::from_utf8(&delivery.body).unwrap();
        let shown = format!("{{\"id\":\"{}\",\"cursor\":", delivery.header("webhook-id"));
        assert!(page.text().contains(&shown), "{}", page.text());
        assert!(page.text().contains(&format!("\"payload\":{body}}}")), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_reads_its_own_events_alone_whatever_the_cursor() {
    let gateway = Gateway::start().await;
    some_events(&gateway).await;
    let ours = gateway.get("/api/events?limit=1").await.expect(200)["nextCursor"].clone();
    for path in [
        "/api/events".to_owned(),
        format!("/api/events?after={}", ours.as_str().unwrap()),
    ] {
        let theirs = Call::get(&path)
            .key(&gateway.other_key)
            .send(gateway.address)
            .await
            .expect(200);
        assert_eq!(theirs["events"], json!([]));
    }
    let latest = Call::get("/api/events?after=latest").key(&gateway.other_key);
    let cursor = latest.send(gateway.address).await.expect(200)["nextCursor"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        cursor.parse::<Cursor>().unwrap().seq,
        Seq(0),
        "nor does a cursor tell when others heard something"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_past_the_retention_is_gone_and_a_wrong_one_is_refused() {
    let gateway = Gateway::start().await;
    let now = Clock::System.now();
    let old = |days: u64| Cursor::inside(Seq::next(Seq(0), now.minus_ms(days * DAY_MS)));
    gateway
        .get(&format!("/api/events?after={}", old(4)))
        .await
        .expect(200);
    for path in [
        "/api/events?after=",
        "/api/events?wait=5&after=",
        "/api/events/stream?after=",
    ] {
        let gone = gateway.get(&format!("{path}{}", old(5))).await;
        let problem = gone.expect(410);
        assert_eq!(problem["type"], "urn:ringback:problem:gone");
        assert!(
            problem["detail"].as_str().unwrap().contains("after=oldest"),
            "{problem}"
        );
    }
    let by_header = Call::get("/api/events/stream")
        .key(&gateway.key)
        .header("last-event-id", &old(5).to_string());
    by_header.send(gateway.address).await.expect(410);
    for query in [
        "after=1",
        "after=evc_00",
        "types=",
        "types=a..b",
        "types=**",
        "limit=0",
        "limit=101",
        "wait=61",
        "wait=x",
    ] {
        let refused = gateway.get(&format!("/api/events?{query}")).await;
        assert_eq!(refused.status, 400, "{query}");
        assert!(
            refused.json()["detail"]
                .as_str()
                .unwrap()
                .contains(&query[..query.find('=').unwrap()]),
            "{query}"
        );
    }
    let wrong_id = Call::get("/api/events/stream")
        .key(&gateway.key)
        .header("last-event-id", "7");
    wrong_id.send(gateway.address).await.expect(400);
    for path in ["/api/events", "/api/events/stream"] {
        Call::get(path).send(gateway.address).await.expect(401);
    }
}
