//! A code that does not arrive goes on by the next step: once, the same code, for a reason, and not past any limit.

use ringback::core::money::Price;
use ringback::core::sending::Channel::{self, Sms, Voice, Whatsapp};
use ringback::core::verification::Status;
use ringback::gateway::VerifyError;
use serde_json::json;

use super::house::{Choice, House, PRICE, TTL_MS, no, step, unknown};

const TO: &str = "+12025550143";

/// An SMS, after 30 seconds a call, after 60 more a WhatsApp.
fn way() -> Choice {
    Choice {
        fallback: vec![step(Sms, Some(30)), step(Voice, Some(60)), step(Whatsapp, None)],
        ..Choice::default()
    }
}

/// The same, by failure alone.
fn way_by_failure() -> Choice {
    Choice {
        fallback: vec![step(Sms, None), step(Voice, None)],
        ..Choice::default()
    }
}

const BOTH: [Channel; 2] = [Sms, Voice];

#[tokio::test]
async fn what_no_provider_takes_goes_by_the_next_step_at_once() {
    let house = House::new(&way_by_failure()).await;
    house.then(no());
    let begun = house.start(TO).await.unwrap();
    assert_eq!(
        (begun.channel, begun.status, begun.sends),
        (Voice, Status::Pending, 2)
    );
    // What was not sent was not paid.
    assert_eq!((house.channels(), begun.cost()), (BOTH.to_vec(), PRICE));
    assert_eq!(house.heard(), ["verify.failed sms", "verify.sent voice"]);
    let told = house.told();
    assert_eq!(told[0].1["status"], "pending", "it is not over");
    assert_eq!(
        house.audited().await,
        [
            "start allow",
            "sent unreachable",
            "fallback allow refused",
            "sent accepted"
        ]
    );
    house.check(&begun, house.code()).await.unwrap();
}

#[tokio::test]
async fn what_nobody_gives_back_goes_by_the_next_step_in_time_and_once() {
    let house = House::new(&way()).await;
    let begun = house.start(TO).await.unwrap();
    house.pass(29_999).await;
    assert_eq!(house.channels(), [Sms]);
    for _ in 0..3 {
        house.pass(1).await;
        assert_eq!(
            (house.now_of(&begun).await.channel, house.channels()),
            (Voice, BOTH.to_vec())
        );
    }
    house.pass(59_997).await;
    assert_eq!(house.channels(), BOTH);
    house.pass(1).await;
    let last = house.now_of(&begun).await;
    assert_eq!((last.channel, last.cost()), (Whatsapp, Price(3 * PRICE.0)));
    house.pass(300_000).await;
    assert_eq!(house.channels(), [Sms, Voice, Whatsapp]);
    assert_eq!(
        house.heard(),
        ["verify.sent sms", "verify.sent voice", "verify.sent whatsapp"]
    );
    assert_eq!(last.expires_at(), begun.expires_at());
    house.check(&begun, house.code()).await.unwrap();
}

#[tokio::test]
async fn a_code_that_was_given_back_goes_no_further() {
    let house = House::new(&way()).await;
    let begun = house.start(TO).await.unwrap();
    house.pass(29_000).await;
    house.check(&begun, house.code()).await.unwrap();
    house.pass(60_000).await;
    assert_eq!(house.channels(), [Sms]);
    assert_eq!(house.now_of(&begun).await.status, Status::Approved);
}

#[tokio::test]
async fn nothing_follows_a_code_that_is_over_or_has_another_in_its_place() {
    let house = House::new(&Choice {
        fallback: vec![step(Sms, Some(3600)), step(Voice, None)],
        ..Choice::default()
    })
    .await;
    house.start(TO).await.unwrap();
    house.pass(TTL_MS).await;
    house.pass(3_600_000).await;
    assert_eq!(house.channels(), [Sms]);

    let house = House::new(&way()).await;
    let first = house.start(TO).await.unwrap();
    house.pass(10_000).await;
    let second = house.start(TO).await.unwrap();
    house.pass(20_000).await;
    assert_eq!(house.channels(), [Sms, Sms]);
    assert_eq!(house.now_of(&first).await.status, Status::Superseded);
    house.pass(10_000).await;
    house.now_of(&second).await;
    assert_eq!(house.channels(), [Sms, Sms, Voice], "the second one goes on");
}

#[tokio::test]
async fn what_is_unknown_is_followed_only_where_a_time_was_set() {
    let house = House::new(&way_by_failure()).await;
    house.then(unknown());
    house.start(TO).await.unwrap();
    house.pass(300_000).await;
    assert_eq!(house.channels(), [Sms]);

    let house = House::new(&way()).await;
    house.then(unknown());
    let begun = house.start(TO).await.unwrap();
    house.pass(30_000).await;
    house.now_of(&begun).await;
    assert_eq!(house.channels(), BOTH);
    house.check(&begun, house.code()).await.unwrap();
}

#[tokio::test]
async fn a_restart_in_between_makes_it_neither_two_nor_none() {
    // Before the step is due, and when it is overdue.
    for down_ms in [0, 100_000] {
        let house = House::new(&way()).await;
        let begun = house.start(TO).await.unwrap();
        house.pass(10_000).await;
        house.clock.pass(down_ms);
        let house = house.restarted(&way());
        house.pass(0).await;
        house.now_of(&begun).await;
        assert_eq!(house.channels().len(), 1 + usize::from(down_ms > 0));
        house.pass(20_000).await;
        assert_eq!(house.now_of(&begun).await.channel, Voice);
        assert_eq!(house.channels(), BOTH);
        let again = house.restarted(&way());
        again.pass(1).await;
        assert_eq!(again.channels(), BOTH);
        again.check(&begun, again.code()).await.unwrap();
    }
}

#[tokio::test]
async fn a_spend_cap_stops_it_and_the_account_hears_so() {
    let house = House::new(&Choice {
        day_max: Some(PRICE),
        ..way()
    })
    .await;
    let begun = house.start(TO).await.unwrap();
    house.pass(30_000).await;
    house.pass(60_000).await;
    let known = house.now_of(&begun).await;
    assert_eq!((house.channels(), known.status), (vec![Sms], Status::Pending));
    let told = house.told();
    let (kind, blocked) = told.last().unwrap();
    assert_eq!(
        (kind.as_str(), &blocked["channel"], &blocked["reasons"]),
        ("verify.blocked", &json!("voice"), &json!(["spend_cap"]))
    );
    let audited = house.audited().await;
    assert_eq!(audited.last().unwrap(), "fallback delayed spend_cap");
    house.check(&begun, house.code()).await.unwrap();
}

#[tokio::test]
async fn limits_count_every_step_and_a_pause_is_not_for_them() {
    let choice = Choice {
        person_per_day_max: 2,
        pauses_ms: vec![300_000],
        ..way()
    };
    let house = House::new(&choice).await;
    let begun = house.start(TO).await.unwrap();
    house.pass(30_000).await;
    house.now_of(&begun).await;
    house.pass(60_000).await;
    assert_eq!(house.channels(), BOTH);
    assert_eq!(
        house.heard(),
        ["verify.sent sms", "verify.sent voice", "verify.blocked whatsapp"]
    );
    assert!(matches!(house.start(TO).await, Err(VerifyError::Limited(_))));
}

#[tokio::test]
async fn where_nothing_went_out_and_the_next_step_may_not_go_it_is_over() {
    let house = House::new(&Choice {
        person_per_day_max: 1,
        ..way_by_failure()
    })
    .await;
    house.then(no());
    assert!(matches!(house.start(TO).await, Err(VerifyError::Undelivered(_))));
    assert_eq!(house.channels(), [Sms]);
    assert_eq!(
        house.heard(),
        ["verify.failed sms", "verify.failed sms", "verify.blocked voice"]
    );
    let told = house.told();
    assert_eq!(
        (&told[1].1["status"], &told[1].1["cost"]),
        (&json!("canceled"), &json!("0.0000"))
    );
}

#[tokio::test]
async fn where_no_step_is_taken_it_is_over_and_costs_nothing() {
    let house = House::new(&Choice {
        day_max: Some(PRICE),
        ..way_by_failure()
    })
    .await;
    for _ in 0..3 {
        house.then(no());
        house.then(no());
        assert!(matches!(house.start(TO).await, Err(VerifyError::Undelivered(_))));
    }
    assert_eq!(house.channels().len(), 6);
    house.start(TO).await.unwrap();
}

#[tokio::test]
async fn another_pepper_makes_another_code_which_is_not_sent() {
    let house = House::new(&way()).await;
    let begun = house.start(TO).await.unwrap();
    let house = house.restarted(&Choice { pepper: 8, ..way() });
    house.pass(30_000).await;
    house.pass(60_000).await;
    assert_eq!(house.channels(), [Sms]);
    assert_eq!(
        house.audited().await.last().unwrap(),
        "fallback blocked code_or_profile_gone"
    );
    assert_eq!(house.now_of(&begun).await.status, Status::Pending);
}

#[tokio::test]
async fn a_step_by_one_provider_alone_is_by_no_other() {
    let mut choice = way_by_failure();
    choice.fallback[1].provider = Some("sms".into());
    let house = House::new(&choice).await;
    house.then(no());
    assert!(matches!(house.start(TO).await, Err(VerifyError::Undelivered(_))));
    assert_eq!(house.channels(), [Sms], "nobody of that name makes calls");
    choice.fallback[1].provider = Some("voice".into());
    let house = House::new(&choice).await;
    house.then(no());
    assert_eq!(house.start(TO).await.unwrap().channel, Voice);
}

#[tokio::test]
async fn the_operators_own_check_may_deny_a_later_step_and_the_code_that_is_out_still_counts() {
    let house = House::new(&Choice {
        denies: vec![Voice],
        ..way()
    })
    .await;
    let begun = house.start(TO).await.unwrap();
    house.pass(30_000).await;
    house.pass(300_000).await;
    assert_eq!(
        (house.asked(), house.channels()),
        (BOTH.to_vec(), vec![Sms]),
        "it was asked before the call, and the way ended there"
    );
    assert_eq!(house.heard(), ["verify.sent sms", "verify.blocked voice"]);
    assert_eq!(house.told()[1].1["reasons"], json!(["denied"]));
    assert_eq!(house.audited().await[2], "fallback blocked denied");
    house.check(&begun, house.code()).await.unwrap();
}
