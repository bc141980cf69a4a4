//! Where few codes come back by one channel, another one goes on: by itself where the caller named it, and else the verdict says that there
//! is one. What the caller hears is as coarse as ever.

use ringback::core::abuse::conversion;
use ringback::core::sending::Channel::{self, Sms, Voice, Whatsapp};
use ringback::core::verification::Status;
use ringback::core::verification::fallback::Step;
use ringback::gateway::VerifyError;
use serde_json::{Value, json};

use super::house::{Choice, House, no, step};

const TO: &str = "+12025550143";
const BLOCK: &str = "+1202555";

/// A guard of blocks, and this way by failure alone.
fn guarded(way: &[Channel]) -> Choice {
    Choice {
        fallback: way.iter().map(|channel| step(*channel, None)).collect(),
        prefix: conversion::Rules {
            block_below_pct: 21,
            block_matured_min: 15,
            ..Choice::default().prefix
        },
        ..Choice::default()
    }
}

/// The same guard, that asks for a person and closes nothing.
fn asks(way: &[Channel]) -> Choice {
    let choice = guarded(way);
    Choice {
        prefix: conversion::Rules {
            block_below_pct: 0,
            challenge_below_pct: 25,
            challenge_matured_min: 15,
            ..choice.prefix
        },
        ..choice
    }
}

fn last(lines: Vec<String>, count: usize) -> Vec<String> {
    lines[lines.len() - count..].to_vec()
}

fn blocked(house: &House) -> Vec<Value> {
    let told = house.told().into_iter();
    told.filter(|(kind, _)| kind == "verify.blocked")
        .map(|(_, data)| json!([data["channel"], data["verdict"], data["reasons"]]))
        .collect()
}

#[tokio::test]
async fn the_first_step_goes_by_the_next_channel_that_is_open() {
    let house = House::new(&guarded(&[Sms, Sms, Voice, Whatsapp])).await;
    house.lost((Sms, BLOCK), 20).await;
    house.lost((Voice, BLOCK), 20).await;
    let begun = house.start(TO).await.unwrap();
    assert_eq!(
        (begun.asked, begun.channel, begun.sends, house.channels()),
        (Sms, Whatsapp, 1, vec![Whatsapp])
    );
    assert_eq!(begun.fallback, None, "nothing is behind the last one");
    assert_eq!(
        house.audited().await,
        ["start channel_switch blocked", "start allow", "sent accepted"]
    );
    assert_eq!(
        house.heard(),
        ["verify.conversion_low sms", "verify.sent whatsapp"]
    );
    assert_eq!(
        house.asked(),
        [Whatsapp],
        "the operator's check is asked for what goes"
    );
    assert_eq!(
        house.figures(Whatsapp, BLOCK).0,
        1,
        "it is counted by the channel that it went by"
    );
    house.check(&begun, house.code()).await.unwrap();
    assert_eq!(house.figures(Whatsapp, BLOCK), (1, 1, 1));
    // Elsewhere nothing is closed.
    house.start("+12125550143").await.unwrap();
    assert_eq!(house.channels(), [Whatsapp, Sms]);
}

#[tokio::test]
async fn where_nobody_named_another_the_verdict_says_so_and_the_answer_does_not() {
    let house = House::new(&guarded(&[])).await;
    house.lost((Sms, BLOCK), 20).await;
    let refused = house.start(TO).await;
    assert!(
        matches!(refused, Err(VerifyError::Limited(3_600_000))),
        "{refused:?}"
    );
    assert_eq!(house.audited().await, ["start channel_switch blocked"]);
    assert_eq!(blocked(&house), [json!(["sms", "channel_switch", ["blocked"]])]);
    assert!(house.channels().is_empty() && house.asked().is_empty());

    let house = House::new(&asks(&[])).await;
    house.lost((Sms, BLOCK), 20).await;
    let asked = house.start(TO).await;
    assert!(matches!(asked, Err(VerifyError::Challenge)), "{asked:?}");
    assert_eq!(house.audited().await, ["start channel_switch low_conversion"]);
    assert_eq!(blocked(&house), [] as [Value; 0], "the answer tells it");
}

#[tokio::test]
async fn a_channel_that_asks_for_a_person_gives_way_too() {
    let house = House::new(&asks(&[Sms, Voice])).await;
    house.lost((Sms, BLOCK), 20).await;
    let begun = house.start(TO).await.unwrap();
    assert_eq!((begun.channel, house.channels()), (Voice, vec![Voice]));
    assert_eq!(house.audited().await[0], "start channel_switch low_conversion");
}

#[tokio::test]
async fn where_all_that_were_named_are_closed_nothing_goes() {
    let house = House::new(&guarded(&[Sms, Voice])).await;
    house.lost((Sms, BLOCK), 20).await;
    house.lost((Voice, BLOCK), 20).await;
    assert!(matches!(house.start(TO).await, Err(VerifyError::Limited(_))));
    assert_eq!(
        house.audited().await,
        ["start channel_switch blocked"],
        "WhatsApp is still there"
    );
    assert!(house.channels().is_empty());
}

#[tokio::test]
async fn a_later_step_that_is_closed_leaves_its_place_to_the_one_behind_it() {
    let house = House::new(&guarded(&[Sms, Voice, Whatsapp])).await;
    house.lost((Voice, BLOCK), 20).await;
    house.then(no());
    let begun = house.start(TO).await.unwrap();
    assert_eq!(
        (begun.channel, begun.status, house.channels()),
        (Whatsapp, Status::Pending, vec![Sms, Whatsapp])
    );
    assert_eq!(
        last(house.audited().await, 4),
        [
            "sent unreachable",
            "fallback channel_switch blocked",
            "fallback allow refused",
            "sent accepted"
        ]
    );
    house.check(&begun, house.code()).await.unwrap();
}

#[tokio::test]
async fn what_switched_survives_a_restart_as_what_it_became() {
    let way = [step(Sms, Some(30)), step(Voice, Some(30)), step(Whatsapp, None)];
    let choice = Choice {
        fallback: way.to_vec(),
        ..guarded(&[])
    };
    let house = House::new(&choice).await;
    house.lost((Sms, BLOCK), 20).await;
    let begun = house.start(TO).await.unwrap();
    let rest: Vec<Step> = begun.fallback.clone().unwrap().rest;
    assert_eq!((begun.channel, rest), (Voice, way[2..].to_vec()));
    let house = house.restarted(&choice);
    house.pass(30_000).await;
    let known = house.now_of(&begun).await;
    assert_eq!(
        (known.channel, house.channels()),
        (Whatsapp, vec![Voice, Whatsapp])
    );
    house.check(&begun, house.code()).await.unwrap();
}
