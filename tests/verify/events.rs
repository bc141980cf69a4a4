//! What an account hears of its codes, and that no event tells the code or whose number it was.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::codes::{TEST, TEST_CODE, carried, check, id, other_than, start, status, taken};
use crate::support::carrier::{TWILIO, twilio_status};
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Provider};
use crate::support::subscriber::Subscriber;

const TO: &str = "+14155550123";

struct House {
    gateway: Gateway,
    provider: Provider,
    subscriber: Subscriber,
}

/// A gateway whose codes a scripted Twilio carries, with one subscriber to everything, and `verify` laid over.
async fn house(verify: &str) -> House {
    let provider = Provider::start([]).await;
    let gateway = Gateway::start_with(carried(&provider.url, verify)).await;
    let subscriber = Subscriber::start(&[]).await;
    gateway.subscribe(&subscriber.url, &["*"]).await;
    House {
        gateway,
        provider,
        subscriber,
    }
}

impl House {
    /// The next event, which tells no number.
    async fn next(&mut self) -> Value {
        let event = self.subscriber.next().await.json();
        assert!(!event.to_string().contains(TO), "{event}");
        event
    }

    /// The code in the text that the provider got last.
    fn code(&self) -> String {
        let body = self.provider.got().last().unwrap().body.clone();
        let digits: String = body
            .split("Body=")
            .nth(1)
            .unwrap()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        assert_eq!(digits.len(), 6, "{body}");
        digits
    }

    async fn begin(&self, carrier_id: &str) -> String {
        self.provider.then(taken(carrier_id));
        id(&start(&self.gateway, TO).await.expect(200))
    }

    async fn report(&self, carrier_id: &str, what: &str) {
        let reply = twilio_status(carrier_id, what).send(self.gateway.address).await;
        assert_eq!(reply.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_told_step_by_step_and_its_message_is_not() {
    let mut house = house("").await;
    let id = house.begin("SM1").await;
    let sent = house.next().await;
    let data = &sent["data"];
    assert_eq!(
        (&sent["type"], &data["id"], &data["delivery"], &data["provider"]),
        (
            &json!("verify.sent"),
            &json!(id),
            &json!("accepted"),
            &json!("main")
        )
    );
    assert_eq!(
        (&data["prefix"], &data["country"], &data["cost"]),
        (&json!("+1415555"), &json!("US"), &json!("0.0500"))
    );
    house.report("SM1", "sent").await;
    house.report("SM1", "delivered").await;
    house.report("SM1", "delivered").await;
    let delivered = house.next().await;
    assert_eq!(
        (&delivered["type"], &delivered["data"]["delivery"]),
        (&json!("verify.delivered"), &json!("delivered"))
    );
    let code = house.code();
    check(&house.gateway, &id, &other_than(&code)).await.expect(400);
    check(&house.gateway, &id, &code).await.expect(200);
    let approved = house.next().await;
    assert_eq!(
        (
            &approved["type"],
            &approved["data"]["attempts"],
            &approved["data"]["status"]
        ),
        (&json!("verify.approved"), &json!(2), &json!("approved"))
    );
    for event in [sent, delivered, approved] {
        assert!(!event.to_string().contains(&code), "{event}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_to_fail_says_which() {
    let mut house = house("").await;
    house.provider.then(Act::Answer(
        400,
        "",
        json!({ "code": 21211, "message": "no", "status": 400 }).to_string(),
    ));
    start(&house.gateway, TO).await.expect(502);
    let refused = house.next().await["data"].clone();
    assert_eq!(
        (&refused["delivery"], &refused["status"], &refused["reason"]),
        (&json!("refused"), &json!("canceled"), &json!("invalid_recipient"))
    );
    let first = house.begin("SM1").await;
    assert_eq!(house.next().await["type"], "verify.sent");
    house.report("SM1", "failed").await;
    let lost = house.next().await;
    assert_eq!(
        (
            &lost["type"],
            &lost["data"]["id"],
            &lost["data"]["delivery"],
            &lost["data"]["status"]
        ),
        (
            &json!("verify.failed"),
            &json!(first),
            &json!("failed"),
            &json!("pending")
        )
    );
    for _ in 0..5 {
        check(&house.gateway, &first, &other_than(&house.code()))
            .await
            .expect(400);
    }
    let guessed = house.next().await["data"].clone();
    assert_eq!(
        (&guessed["reason"], &guessed["status"]),
        (&json!("attempts"), &json!("failed"))
    );
    house.provider.then(Act::Hang);
    start(&house.gateway, TO).await.expect(200);
    let unknown = house.next().await;
    assert_eq!(
        (&unknown["type"], &unknown["data"]["delivery"]),
        (&json!("verify.sent"), &json!("unknown"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_before_the_answer_is_told_once_and_not_taken_back() {
    let mut house = house("").await;
    house.report("SM1", "delivered").await;
    let id = house.begin("SM1").await;
    let told = house.next().await;
    assert_eq!(
        (&told["type"], &told["data"]["id"]),
        (&json!("verify.delivered"), &json!(id))
    );
    house.report("SM1", "failed").await;
    start(&house.gateway, "+919876543210").await.expect(403);
    assert_eq!(house.next().await["type"], "verify.blocked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_is_warned_of_once_and_what_it_stops_is_told() {
    let mut house = house("spend_day_max = \"0.2000\"").await;
    let mut kinds = BTreeMap::new();
    for nth in 0..4 {
        house.begin(&format!("SM{nth}")).await;
    }
    start(&house.gateway, TO).await.expect(429);
    for _ in 0..6 {
        let event = house.next().await;
        let of_kind: &mut Vec<Value> = kinds
            .entry(event["type"].as_str().unwrap().to_owned())
            .or_default();
        of_kind.push(event["data"].clone());
    }
    assert_eq!(kinds["verify.sent"].len(), 4);
    assert_eq!(
        kinds["verify.spend_warning"],
        [json!({ "accountId": "acme", "window": "day", "spent": "0.2000", "cap": "0.2000" })]
    );
    let blocked = &kinds["verify.blocked"][0];
    assert_eq!(
        (&blocked["reasons"], &blocked["prefix"]),
        (&json!(["spend_cap"]), &json!("+1415555"))
    );
    assert!(blocked["until"].is_string(), "{blocked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_by_the_answer_alone_is_no_event() {
    let mut house = house("person_per_hour_max = 1").await;
    house.begin("SM1").await;
    assert_eq!(house.next().await["type"], "verify.sent");
    start(&house.gateway, TO).await.expect(429);
    let tested = id(&start(&house.gateway, TEST).await.expect(200));
    check(&house.gateway, &tested, TEST_CODE).await.expect(200);
    let approved = house.next().await;
    assert_eq!(
        (&approved["type"], &approved["data"]["delivery"]),
        (&json!("verify.approved"), &json!("nothing"))
    );
    assert_eq!(status(&house.gateway, &tested).await["status"], "approved");
    assert_eq!(
        house.provider.got().len(),
        1,
        "{TWILIO} got nothing for a test number"
    );
}
