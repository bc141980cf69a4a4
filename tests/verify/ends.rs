//! What a clock that is set back over a restart makes of a code.

use ringback::core::verification::Status;
use ringback::gateway::VerifyError;

use super::house::{Choice, House, START, TTL_MS};

const TO: &str = "+12025550143";
const HOUR_MS: u64 = 3_600_000;

#[tokio::test]
async fn a_code_whose_age_nobody_can_tell_is_over_for_good() {
    let choice = Choice::default();
    let house = House::new(&choice).await;
    let begun = house.start(TO).await.unwrap();
    house.now_of(&begun).await;
    let code = house.code();
    house.clock.pass(2 * TTL_MS);
    let house = house.restarted_at(START.minus_ms(HOUR_MS), &choice);
    house.pass(1000).await;
    // The clock comes to the moment in which it began.
    house.pass(HOUR_MS).await;
    let answer = house.check(&begun, code).await;
    assert!(matches!(answer, Err(VerifyError::NotFound)), "{answer:?}");
    assert_eq!(house.now_of(&begun).await.status, Status::Expired);
}

#[tokio::test]
async fn one_that_is_pending_stays_so_over_a_restart() {
    let choice = Choice::default();
    let house = House::new(&choice).await;
    let begun = house.start(TO).await.unwrap();
    house.now_of(&begun).await;
    house.clock.pass(1000);
    let house = house.restarted(&choice);
    house.pass(1000).await;
    let approved = house.check(&begun, house.code()).await.unwrap();
    assert_eq!(approved.status, Status::Approved);
}
