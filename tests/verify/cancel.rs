//! A code is taken back by its owner: it is over, nothing more of it goes out, and asking again changes nothing.

use std::time::Duration;

use ringback::core::money::Price;
use ringback::core::sending::Channel;
use ringback::core::verification::Status;
use ringback::gateway::VerifyError;
use serde_json::{Value, json};

use super::codes::{OWN, TEST, TEST_CODE, carried, check, gateway, id, other_than, start, status, taken};
use super::house::{Choice, House, PRICE, TTL_MS, no, step};
use super::profiles::{ask, profile};
use super::triggers::{check_number, rented, trigger};
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;
use crate::support::provider::Provider;
use crate::support::subscriber::Subscriber;
use crate::support::until_async;

const TO: &str = "+14155550123";

async fn cancel(gateway: &Gateway, id: &str) -> Reply {
    let path = format!("/api/verify/{id}/cancel");
    Call::new("POST", &path)
        .key(&gateway.key)
        .send(gateway.address)
        .await
}

/// Lines of the audit log with this action.
fn lines(gateway: &Gateway, action: &str) -> Vec<Value> {
    let page = gateway.running.gateway.store().audit(0, 1000).unwrap();
    let lines = page.lines.iter().map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &Value| line["action"] == action).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_is_over_and_told_once_however_often_it_is_asked() {
    let provider = Provider::start([taken("SM1")]).await;
    let gateway = Gateway::start_with(carried(&provider.url, "")).await;
    let mut subscriber = Subscriber::start(&[]).await;
    gateway.subscribe(&subscriber.url, &["verify.canceled"]).await;
    let begun = id(&start(&gateway, TO).await.expect(200));
    let said = cancel(&gateway, &begun).await.expect(200);
    assert_eq!(said, json!({ "id": begun, "status": "canceled" }));
    assert_eq!(cancel(&gateway, &begun).await.expect(200), said);

    let told = subscriber.next().await.json();
    let data = &told["data"];
    assert_eq!(
        (&data["id"], &data["status"], &data["delivery"], &data["cost"]),
        (
            &json!(begun),
            &json!("canceled"),
            &json!("accepted"),
            &json!("0.0500")
        ),
        "what was sent is paid for"
    );
    let events = gateway.get("/api/events?types=verify.*").await.expect(200);
    let kinds: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["payload"]["type"])
        .collect();
    assert_eq!(kinds, ["verify.sent", "verify.canceled"]);
    let written = lines(&gateway, "cancel");
    assert_eq!(written.len(), 1);
    let name = gateway.key.split('_').nth(2).unwrap();
    assert!(
        written[0]["actor"].as_str().unwrap().contains(name),
        "{}",
        written[0]
    );

    let sent = provider.got()[0].body.clone();
    let code = &sent.split("Body=").nth(1).unwrap()[..6];
    let late = check(&gateway, &begun, code).await;
    assert_eq!(late.expect(404)["error"]["code"], "NOT_FOUND");
    assert_eq!(
        status(&gateway, &begun).await["status"],
        "expired",
        "in contract 002's words"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_contract_003_is_taken_back_by_its_own_id_and_asked_for_anew_at_once() {
    let gateway = gateway().await;
    let made = profile(&gateway, json!({ "name": "x" })).await;
    let (_, number) = rented(&gateway).await;
    let own = || json!({ "custom_code": "12345" });
    let begun = trigger(&gateway, "sms", (&number, &made), own())
        .await
        .expect(200)["data"]
        .clone();
    let id = begun["id"].as_str().unwrap();
    let said = cancel(&gateway, id).await.expect(200);
    assert_eq!(said["id"], format!("ver_{}", id.replace('-', "")));
    let path = format!("/v2/verifications/{id}");
    let found = ask(&gateway, "GET", &path, None).await.expect(200);
    assert_eq!(found["data"]["status"], "expired");
    let late = check_number(&gateway, (&number, &made), "12345")
        .await
        .expect(200);
    assert_eq!(late["data"]["response_code"], "rejected");
    let anew = trigger(&gateway, "sms", (&number, &made), own())
        .await
        .expect(200)["data"]
        .clone();
    assert_ne!(anew["id"], begun["id"], "no repetition of what was taken back");
    let right = check_number(&gateway, (&number, &made), "12345")
        .await
        .expect(200);
    assert_eq!(right["data"]["response_code"], "accepted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_in_another_way_cannot_be_taken_back() {
    let gateway = gateway().await;
    let approved = id(&start(&gateway, TEST).await.expect(200));
    check(&gateway, &approved, TEST_CODE).await.expect(200);
    let failed = id(&start(&gateway, TEST).await.expect(200));
    for _ in 0..5 {
        check(&gateway, &failed, &other_than(TEST_CODE)).await.expect(400);
    }
    let replaced = id(&start(&gateway, OWN).await.expect(200));
    start(&gateway, OWN).await.expect(200);
    for (id, word) in [
        (approved, "approved"),
        (failed, "failed"),
        (replaced, "superseded"),
    ] {
        let refused = cancel(&gateway, &id).await.expect(409);
        assert_eq!(refused["detail"], format!("it is over: {word}"));
    }
    for nobodys in [
        "ver_0123456789abcdef0123456789abcdef",
        "unblock",
        "01981234-5678-7abc-8def-0123456789ab",
    ] {
        cancel(&gateway, nobodys).await.expect(404);
    }
    assert!(lines(&gateway, "cancel").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_taking_back_and_giving_back_at_once_one_wins() {
    let gateway = gateway().await;
    for _ in 0..5 {
        let begun = id(&start(&gateway, TEST).await.expect(200));
        let cancels = (0..8).map(|_| cancel(&gateway, &begun));
        let checks = (0..4).map(|_| check(&gateway, &begun, TEST_CODE));
        let (cancels, checks) = tokio::join!(
            futures_util::future::join_all(cancels),
            futures_util::future::join_all(checks)
        );
        let approved = checks.iter().filter(|reply| reply.status == 200).count();
        let canceled = cancels.iter().filter(|reply| reply.status == 200).count();
        assert!(
            (approved, canceled) == (1, 0) || (approved, canceled) == (0, 8),
            "{approved} approved, {canceled} canceled"
        );
    }
    let ends = gateway
        .get("/api/events?types=verify.approved,verify.canceled")
        .await
        .expect(200);
    assert_eq!(ends["events"].as_array().unwrap().len(), 5, "one end each");
}

#[tokio::test]
async fn nothing_more_of_it_goes_out_and_it_counts_as_one_that_nobody_gave_back() {
    let choice = Choice {
        fallback: vec![step(Channel::Sms, Some(30)), step(Channel::Voice, None)],
        ..Choice::default()
    };
    let house = House::new(&choice).await;
    let begun = house.start("+12025550143").await.unwrap();
    house.cancel(&begun).await.unwrap();
    assert_eq!(house.figures(Channel::Sms, "+1202555"), (1, 1, 0));
    house.pass(60_000).await;
    let restarted = house.restarted(&choice);
    restarted.pass(600_000).await;
    assert_eq!(restarted.channels(), [Channel::Sms]);
    assert_eq!(
        restarted.figures(Channel::Sms, "+1202555"),
        (1, 1, 0),
        "counted once"
    );
    let known = restarted.now_of(&begun).await;
    assert_eq!((known.status, known.fallback), (Status::Canceled, None));
    assert_eq!(house.heard(), ["verify.sent sms", "verify.canceled sms"]);
}

#[tokio::test]
async fn one_that_nobody_took_is_canceled_already_and_one_whose_time_is_over_is_not() {
    let house = House::new(&Choice::default()).await;
    house.then(no());
    house.start("+12025550143").await.unwrap_err();
    let lost = house.newest().unwrap();
    assert_eq!(house.cancel(&lost).await.unwrap(), lost, "nothing changes");
    let begun = house.start("+12025550144").await.unwrap();
    house.clock.pass(TTL_MS);
    let late = house.cancel(&begun).await;
    assert!(
        matches!(late, Err(VerifyError::Over(Status::Expired))),
        "{late:?}"
    );
}

/// It is on its way to a provider, who refuses it, while it is replaced or taken back.
#[tokio::test]
async fn what_no_provider_takes_is_paid_back_although_it_is_over_by_then() {
    let choice = Choice {
        day_max: Some(Price(2 * PRICE.0)),
        provider_takes: Duration::from_millis(50),
        ..Choice::default()
    };
    for is_canceled in [false, true] {
        let house = House::new(&choice).await;
        house.then(no());
        let (first, _) = tokio::join!(house.start("+12025550143"), async {
            let begun = until_async("it is on its way", async || house.newest()).await;
            match is_canceled {
                true => drop(house.cancel(&begun).await.unwrap()),
                false => drop(house.start("+12025550143").await.unwrap()),
            }
        });
        assert!(matches!(first, Err(VerifyError::Undelivered(_))), "{first:?}");
        for _ in usize::from(!is_canceled)..2 {
            house.start("+12025550144").await.unwrap();
        }
        let too_many = house.start("+12025550145").await;
        assert!(
            matches!(too_many, Err(VerifyError::Limited(_))),
            "the cap holds two: {too_many:?}"
        );
        house.pass(TTL_MS).await;
        let (sent, over, _) = house.figures(Channel::Sms, "+1202555");
        assert_eq!(sent, over, "none is waited for");
    }
}
