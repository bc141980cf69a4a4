//! What an account is told before it is too late: few codes come back, most that come back are wrong.

use ringback::core::abuse::{checks, conversion};
use ringback::core::verification::code::Code;
use ringback::gateway::VerifyError;
use serde_json::{Value, json};

use super::house::{Choice, House, TTL_MS};

/// So many codes to one block, of which so many are given back and the others are over.
async fn lived(house: &House, codes: usize, given_back: usize) {
    for nth in 0..codes {
        let begun = house.start(&format!("+1202555{nth:04}")).await.unwrap();
        if nth < given_back {
            house.check(&begun, house.last_code()).await.unwrap();
        }
    }
    house.pass(TTL_MS).await;
}

fn data(house: &House, kind: &str) -> Vec<Value> {
    let told = house.told().into_iter();
    told.filter(|(told, _)| told == kind)
        .map(|(_, data)| data)
        .collect()
}

#[tokio::test]
async fn that_few_come_back_is_a_warning_before_anything_is_closed_and_told_once() {
    let house = House::new(&Choice {
        prefix: conversion::Rules {
            warn_below_pct: 35,
            challenge_matured_min: 15,
            ..Choice::default().prefix
        },
        ..Choice::default()
    })
    .await;
    lived(&house, 15, 0).await;
    assert_eq!(
        data(&house, "verify.conversion_low"),
        [] as [Value; 0],
        "nobody asked since"
    );
    for _ in 0..3 {
        house.start("+12025559999").await.unwrap();
    }
    let expected = json!({ "accountId": "acme", "channel": "sms", "prefix": "+1202555",
        "sent": 15, "matured": 15, "converted": 0, "action": "warned" });
    assert_eq!(data(&house, "verify.conversion_low"), [expected]);
}

#[tokio::test]
async fn of_codes_that_do_come_back_nobody_is_warned() {
    let house = House::new(&Choice {
        prefix: conversion::Rules {
            warn_below_pct: 35,
            challenge_matured_min: 15,
            ..Choice::default().prefix
        },
        ..Choice::default()
    })
    .await;
    lived(&house, 20, 10).await;
    house.start("+12025559999").await.unwrap();
    assert_eq!(data(&house, "verify.conversion_low"), [] as [Value; 0]);
}

#[tokio::test]
async fn that_most_codes_are_wrong_is_told_once() {
    let house = House::new(&Choice {
        checks: checks::Rules {
            above_pct: 60,
            checks_min: 20,
        },
        ..Choice::default()
    })
    .await;
    for nth in 0..12 {
        let begun = house.start(&format!("+1202555{nth:04}")).await.unwrap();
        let right = house.last_code();
        let last = if right.as_str().ends_with('1') { '2' } else { '1' };
        let wrong = Code::parse(&format!("{}{last}", &right.as_str()[..5])).unwrap();
        for _ in 0..2 {
            let checked = house.check(&begun, wrong.clone()).await;
            assert!(matches!(checked, Err(VerifyError::Wrong(_))));
        }
        house.check(&begun, right).await.unwrap();
    }
    // Twenty were made when the third code of the seventh was given back: fourteen of them wrong.
    let expected = json!({ "accountId": "acme", "checks": 20, "failed": 14 });
    assert_eq!(data(&house, "verify.failures_high"), [expected]);
}
