//! What is closed can be seen and opened again, and figures say what came of codes.

use ringback::core::abuse::conversion::Conversion;
use ringback::core::abuse::counter::{Counter, Name};
use ringback::core::abuse::misses::Misses;
use ringback::core::id::AccountId;
use ringback::core::sending::Channel;
use ringback::core::verification::address::To;
use ringback::store::{Commit, Committed, CounterChange, VerifyStep};
use serde_json::{Value, json};

use super::codes::{TEST, TEST_CODE, carried, check, gateway, id, start, taken};
use crate::support::carrier::twilio_status;
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Provider};

const TO: &str = "+14155550123";

fn acme() -> AccountId {
    AccountId::parse("acme").unwrap()
}

/// Puts a record there as if it had come about.
async fn put(gateway: &Gateway, name: Name, counter: Counter) {
    let change = CounterChange {
        name,
        was: 0,
        next: Some(counter),
    };
    let step = VerifyStep {
        counters: vec![change],
        ..VerifyStep::default()
    };
    let now = ringback::clock::Clock::System.moment();
    let store = gateway.running.gateway.store();
    let committed = store.commit(Commit::Verify(Box::new(step)), now).await;
    assert_eq!(committed.unwrap(), Committed::New(None));
}

async fn admin(gateway: &Gateway, call: Call) -> Reply {
    let token = std::fs::read_to_string(gateway.data().join("admin.token")).unwrap();
    call.header("authorization", &format!("Bearer {}", token.trim()))
        .send(gateway.running.admin_address)
        .await
}

async fn unblock(gateway: &Gateway, wish: Value) -> Reply {
    gateway.post("/api/verify/unblock", &wish).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_block_of_numbers_is_listed_and_opened_by_whom_it_is_of() {
    let provider = Provider::start([taken("SM1")]).await;
    let gateway = Gateway::start_with(carried(&provider.url, "")).await;
    let now = gateway.running.gateway.steady();
    let lost = (0..20).fold(Conversion::default(), |known, _| {
        known.sent(now).matured(now, false)
    });
    put(
        &gateway,
        Name::conversion(&acme(), Channel::Sms, "+1415555"),
        Counter::Conversion(lost),
    )
    .await;
    start(&gateway, TO).await.expect(429);
    let listed = admin(&gateway, Call::get("/admin/verify/blocks"))
        .await
        .expect(200);
    let block = &listed["blocks"][0];
    assert_eq!(
        (
            &block["account"],
            &block["channel"],
            &block["prefix"],
            &block["times"]
        ),
        (&json!("acme"), &json!("sms"), &json!("+1415555"), &json!(1))
    );
    assert!(
        block["until"].is_string() && listed["blocks"][1].is_null(),
        "{listed}"
    );

    let wish = json!({ "channel": "sms", "prefix": "+1415555" });
    let stranger = Call::post("/api/verify/unblock", &wish).key(&gateway.other_key);
    assert_eq!(stranger.send(gateway.address).await.status, 404);
    start(&gateway, TO).await.expect(429);
    unblock(&gateway, wish.clone()).await.expect(200);
    start(&gateway, TO).await.expect(200);
    unblock(&gateway, wish).await.expect(404);
    let audit = gateway.running.gateway.audit(0, 100).await.unwrap().lines;
    let line = audit.iter().find(|line| line.contains("\"unblock\"")).unwrap();
    assert!(
        line.contains("\"actor\":\"rb_live_") && line.contains("+1415555") && !line.contains(TO),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_was_locked_out_may_guess_again() {
    let gateway = gateway().await;
    let now = gateway.running.gateway.steady();
    let mut misses = Misses::default();
    (0..10).for_each(|_| misses = misses.counted(now).unwrap());
    let person = To::strict_number(TEST).map(To::Number).unwrap();
    put(&gateway, Name::misses(&acme(), &person), Counter::Misses(misses)).await;
    let started = id(&start(&gateway, TEST).await.expect(200));
    check(&gateway, &started, TEST_CODE).await.expect(429);
    let wish = json!({ "account": "acme", "to": TEST });
    admin(&gateway, Call::post("/admin/verify/unblock", &wish))
        .await
        .expect(200);
    check(&gateway, &started, TEST_CODE).await.expect(200);
    assert_eq!(
        admin(&gateway, Call::post("/admin/verify/unblock", &wish))
            .await
            .status,
        404
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_block_is_refused_by_its_form() {
    let gateway = gateway().await;
    for wish in [
        json!({}),
        json!({ "channel": "sms" }),
        json!({ "channel": "pigeon", "country": "US" }),
        json!({ "channel": "sms", "country": "*" }),
        json!({ "channel": "sms", "country": "US", "prefix": "+1415555" }),
        json!({ "channel": "sms", "prefix": "1415555" }),
        json!({ "to": "4155550123" }),
    ] {
        unblock(&gateway, wish).await.expect(400);
    }
    let nobody = Call::get("/admin/verify/blocks")
        .send(gateway.running.admin_address)
        .await;
    assert_eq!(nobody.status, 401);
    for query in ["by=colour", "since=yesterday"] {
        gateway
            .get(&format!("/api/verify/figures?{query}"))
            .await
            .expect(400);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_count_each_code_once_by_what_became_of_it() {
    let provider = Provider::start([taken("SM1"), taken("SM2")]).await;
    let gateway = Gateway::start_with(carried(&provider.url, "")).await;
    start(&gateway, TO).await.expect(200);
    let approved = id(&start(&gateway, "+14155550199").await.expect(200));
    let body = provider.got()[1].body.clone();
    let code: String = body.split("Body=").nth(1).unwrap().chars().take(6).collect();
    check(&gateway, &approved, &code).await.expect(200);
    assert_eq!(
        twilio_status("SM2", "delivered")
            .send(gateway.address)
            .await
            .status,
        200
    );
    provider.then(Act::Answer(
        400,
        "",
        json!({ "code": 21211, "message": "no", "status": 400 }).to_string(),
    ));
    start(&gateway, "+12125550123").await.expect(502);
    start(&gateway, TEST).await.expect(200);
    let counted = gateway
        .get("/api/verify/figures?by=provider,prefix")
        .await
        .expect(200);
    assert_eq!(
        counted["rows"],
        json!([
            { "prefix": "+1415555", "provider": "main", "sent": 2, "delivered": 1, "approved": 1, "failed": 0, "cost": "0.1000" },
            { "prefix": "+1212555", "provider": "main", "sent": 0, "delivered": 0, "approved": 0, "failed": 1, "cost": "0.0000" },
        ])
    );
    let stranger = Call::get("/api/verify/figures")
        .key(&gateway.other_key)
        .send(gateway.address)
        .await;
    assert_eq!(stranger.expect(200)["rows"], json!([]));
    let before = gateway
        .get("/api/verify/figures?until=2026-01-01T00:00:00Z")
        .await
        .expect(200);
    assert_eq!(before["rows"], json!([]));
    let all = admin(
        &gateway,
        Call::get("/admin/verify/figures?account=acme&by=country"),
    )
    .await
    .expect(200);
    assert_eq!(
        (&all["rows"][0]["country"], &all["rows"][0]["sent"]),
        (&json!("US"), &json!(2))
    );
}
