//! Codes are counted by the network that a number is of, where carriers' reports told which that is, and else by the provider that they go
//! by; and such a network is closed as a block or a country is.

use ringback::core::abuse::conversion;
use ringback::core::message::{Receipt, ReceiptStatus, Report};
use ringback::core::phone::PhoneNumber;
use ringback::core::sending::Channel::Sms;
use ringback::core::verification::{Sent, Verification};
use ringback::gateway::VerifyError;
use serde_json::{Value, json};

use super::house::{Choice, House, TTL_MS};

const NETWORK: &str = "network/310260";
const PROVIDER: &str = "provider/sms";

fn guarded() -> Choice {
    Choice {
        network: conversion::Rules {
            block_below_pct: 15,
            block_matured_min: 50,
            ..Choice::default().network
        },
        ..Choice::default()
    }
}

/// The carrier reports that it arrived, and in which network.
async fn report(house: &House, of: &Verification, network: Option<&str>) {
    let Sent::Accepted { id, .. } = &of.sent else {
        panic!("{:?}", of.sent)
    };
    let receipt = Receipt {
        carrier_event_id: None,
        carrier_message_id: id.clone(),
        dedupe_key: id.clone(),
        from: None,
        to: None,
        status: ReceiptStatus::Delivered,
        raw_status: "delivered".into(),
        error_code: None,
        occurred_at: None,
        network: network.map(str::to_owned),
    };
    house
        .gateway
        .hear("sms", vec![Report::Receipt(receipt)])
        .await
        .unwrap();
}

/// One number of each block.
fn number(block: usize) -> String {
    let number = format!("+1202{:03}0143", 200 + block);
    PhoneNumber::parse(&number).unwrap().as_str().to_owned()
}

#[tokio::test]
async fn a_report_tells_the_network_of_a_block_and_what_follows_counts_there() {
    let house = House::new(&guarded()).await;
    let first = house.start(&number(1)).await.unwrap();
    report(&house, &first, None).await;
    let second = house.start(&number(1)).await.unwrap();
    assert_eq!(house.figures(Sms, PROVIDER).0, 2, "nothing told the network yet");
    report(&house, &second, Some("310260")).await;
    let third = house.start("+12022019999").await.unwrap();
    house.start(&number(2)).await.unwrap();
    assert_eq!(
        (house.figures(Sms, NETWORK).0, house.figures(Sms, PROVIDER).0),
        (1, 3)
    );
    house.check(&third, house_code(&house, &third)).await.unwrap_err();
    let house = house.restarted(&guarded());
    house.pass(TTL_MS).await;
    assert_eq!(
        house.figures(Sms, NETWORK),
        (1, 1, 0),
        "its end counts there, by then as well"
    );
    house.start("+12022018888").await.unwrap();
    assert_eq!(house.figures(Sms, NETWORK).0, 2);
}

/// Another code than the one that was sent.
fn house_code(house: &House, _: &Verification) -> ringback::core::verification::code::Code {
    let sent = house.last_code();
    let other = if sent.as_str() == "111111" {
        "222222"
    } else {
        "111111"
    };
    ringback::core::verification::code::Code::parse(other).unwrap()
}

#[tokio::test]
async fn a_network_whose_codes_do_not_come_back_is_closed_and_others_go_on() {
    let house = House::new(&guarded()).await;
    for block in 0..50 {
        let told = house.start(&number(block)).await.unwrap();
        report(&house, &told, Some("310260")).await;
    }
    house.pass(TTL_MS).await;
    assert_eq!(
        house.figures(Sms, NETWORK),
        (0, 0, 0),
        "the first of each block went before its network was known"
    );
    assert_eq!(house.figures(Sms, PROVIDER), (50, 50, 0));
    // By the provider all of it is closed, for that is all that was known.
    let refused = house.start(&number(60)).await;
    assert!(
        matches!(refused, Err(VerifyError::Limited(3_600_000))),
        "{refused:?}"
    );
    // Where the network is known, that is what counts.
    for block in 0..50 {
        house.start(&number(block)).await.unwrap();
    }
    house.pass(TTL_MS).await;
    assert_eq!(house.figures(Sms, NETWORK), (50, 50, 0));
    assert!(house.start(&number(1)).await.is_err());
    let low: Vec<Value> = house
        .told()
        .into_iter()
        .filter(|(kind, _)| kind == "verify.conversion_low")
        .map(|(_, data)| json!([data["provider"], data["network"], data["action"], data["matured"]]))
        .collect();
    assert_eq!(
        low,
        [
            json!(["sms", null, "closed", 50]),
            json!([null, "310260", "closed", 50])
        ]
    );
    let blocks = house.gateway.verify_blocks().await.unwrap();
    let mut closed: Vec<&str> = blocks.iter().map(|block| block.about.as_str()).collect();
    closed.sort_unstable();
    assert_eq!(closed, [NETWORK, PROVIDER]);
}

#[tokio::test]
async fn codes_that_come_back_close_nothing() {
    let house = House::new(&guarded()).await;
    for block in 0..60 {
        let begun = house.start(&number(block)).await.unwrap();
        if block % 2 == 0 {
            house.check(&begun, house.last_code()).await.unwrap();
        }
    }
    house.pass(TTL_MS).await;
    assert_eq!(house.figures(Sms, PROVIDER), (60, 60, 30));
    house.start(&number(99)).await.unwrap();
}
