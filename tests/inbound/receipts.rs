//! Delivery receipts: they move the message that was sent forward and never back, each step is told once to whom sent it, and what came
//! before the sending's own answer is not lost.

use proptest::prelude::*;
use ringback::core::id::OutboundId;
use ringback::core::outbound::{Accepted, State};
use ringback::core::phone::Address;
use ringback::gateway::Inbound;
use ringback::store::Reads;
use serde_json::{Value, json};

use super::house::{House, account, bandwidth_request, number, receive, rules};

fn accepted(name: &str, id: &str) -> Accepted {
    Accepted {
        source: "bandwidth".into(),
        carrier_message_id: id.into(),
        account: account(name),
        to: Address::new("+12025550187"),
        code: None,
    }
}

fn item(id: &str, kind: &str) -> Value {
    let code = if kind == "message-failed" {
        json!(4720)
    } else {
        Value::Null
    };
    json!({ "type": kind, "to": "+12025550187", "errorCode": code, "message": { "id": id, "from": number("202") } })
}

fn reports(items: &[(&str, &str)]) -> Inbound {
    let items: Vec<Value> = items.iter().map(|(id, kind)| item(id, kind)).collect();
    bandwidth_request(&json!(items))
}

fn state(house: &House, id: &str) -> Option<State> {
    let outbound = house.store.outbound(OutboundId::derive("bandwidth", id)).unwrap();
    outbound.map(|outbound| outbound.state)
}

fn kinds(house: &House, name: &str) -> Vec<String> {
    house.told(name).into_iter().map(|(kind, _)| kind).collect()
}

#[tokio::test]
async fn a_receipt_is_told_to_whom_sent_the_message_once() {
    let house = House::new().await;
    house.gateway.accepted(&accepted("acme", "a")).await.unwrap();
    house.gateway.accepted(&accepted("globex", "b")).await.unwrap();
    house.gateway.accepted(&accepted("acme", "a")).await.unwrap();
    assert_eq!(
        (kinds(&house, "acme").len(), state(&house, "a")),
        (0, Some(State::Accepted))
    );
    let all = [
        ("a", "message-delivered"),
        ("b", "message-failed"),
        ("a", "message-sending"),
    ];
    for _ in 0..3 {
        receive(&house, reports(&all)).await.unwrap();
    }
    assert_eq!(kinds(&house, "acme"), ["outbound.delivered"]);
    let told = house.told("globex");
    assert_eq!((told.len(), told[0].0.as_str()), (1, "outbound.failed"));
    assert_eq!(
        (&told[0].1["errorCode"], &told[0].1["to"]),
        (&json!("4720"), &json!("+12025550187"))
    );
    assert_eq!(
        (state(&house, "a"), state(&house, "b")),
        (Some(State::Delivered), Some(State::Failed))
    );
    assert_eq!(house.total("ringback_receipts_total"), 9);
    // The handset's word, after the carrier had given up.
    receive(&house, reports(&[("b", "message-delivered")]))
        .await
        .unwrap();
    receive(&house, reports(&[("b", "message-failed")]))
        .await
        .unwrap();
    assert_eq!(kinds(&house, "globex"), ["outbound.failed", "outbound.delivered"]);
}

#[tokio::test]
async fn what_is_reported_before_the_sendings_answer_is_not_lost() {
    let house = House::new().await;
    receive(
        &house,
        reports(&[("a", "message-delivered"), ("other", "message-failed")]),
    )
    .await
    .unwrap();
    let house = house.restarted(rules());
    assert_eq!(
        (kinds(&house, "acme").len(), state(&house, "a")),
        (0, Some(State::Delivered))
    );
    house.pass(86_400_000);
    house.gateway.accepted(&accepted("acme", "a")).await.unwrap();
    let house = house.restarted(rules());
    house.gateway.accepted(&accepted("acme", "a")).await.unwrap();
    receive(&house, reports(&[("a", "message-delivered")]))
        .await
        .unwrap();
    assert_eq!(kinds(&house, "acme"), ["outbound.delivered"]);
}

/// Receipts of one request stand together with its messages, and a known message does not keep them out.
#[tokio::test]
async fn a_request_may_bring_messages_and_receipts() {
    let house = House::new().await;
    house.rent("acme", "202").await;
    house.gateway.accepted(&accepted("acme", "out")).await.unwrap();
    let message = json!({ "type": "message-received", "to": number("202"), "message": { "id": "in", "from": "+12025550187", "text": "Your code is 111222." } });
    receive(&house, bandwidth_request(&json!([message])))
        .await
        .unwrap();
    receive(
        &house,
        bandwidth_request(&json!([message, item("out", "message-delivered")])),
    )
    .await
    .unwrap();
    assert_eq!(
        kinds(&house, "acme"),
        ["verification.code_received", "outbound.delivered"]
    );
}

/// Both at the same moment: the answer of the sending and the first receipt, in either order.
#[tokio::test]
async fn an_answer_and_a_receipt_at_once_lose_neither() {
    let house = House::new().await;
    for n in 0..20 {
        let id = format!("m{n}");
        let wish = accepted("acme", &id);
        let items = [(id.as_str(), "message-delivered")];
        let answer = house.gateway.accepted(&wish);
        let report = receive(&house, reports(&items));
        let (answer, report) = if n % 2 == 0 {
            futures_util::future::join(answer, report).await
        } else {
            let (report, answer) = futures_util::future::join(report, answer).await;
            (answer, report)
        };
        assert!(answer.is_ok() && report.is_ok());
        assert_eq!(state(&house, &id), Some(State::Delivered));
    }
    assert_eq!(kinds(&house, "acme").len(), 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Any order, any repetition, the answer anywhere, a restart in between: the end is the furthest that was reported, and is told.
    #[test]
    fn the_furthest_is_kept_and_told(steps in proptest::collection::vec(0usize..4, 1..10), restart in 0usize..10) {
        const KINDS: [&str; 3] = ["message-sending", "message-failed", "message-delivered"];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let told = runtime.block_on(async {
            let mut house = House::new().await;
            for (at, step) in steps.iter().chain([&3]).enumerate() {
                if at == restart {
                    house = house.restarted(rules());
                }
                match KINDS.get(*step) {
                    Some(kind) => drop(receive(&house, reports(&[("a", kind)])).await.unwrap()),
                    None => drop(house.gateway.accepted(&accepted("acme", "a")).await.unwrap()),
                }
            }
            (kinds(&house, "acme"), state(&house, "a").unwrap())
        });
        let furthest = steps.iter().filter(|step| **step < 3).max();
        let (last, end) = match furthest {
            Some(1) => (Some("outbound.failed"), State::Failed),
            Some(2) => (Some("outbound.delivered"), State::Delivered),
            _ => (None, State::Accepted),
        };
        prop_assert_eq!(told.1, end);
        prop_assert_eq!(told.0.last().map(String::as_str), last);
        let mut once = told.0.clone();
        once.dedup();
        prop_assert_eq!(once, told.0);
    }
}
