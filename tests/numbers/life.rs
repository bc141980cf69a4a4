//! How one number goes round: rented, cooling, free again; and what takes it out on the way.

use ringback::core::number::{Reason, Rules, State};
use ringback::core::rental::Status;
use ringback::gateway::Error;

use super::rig::{HOUR_MS, LIFETIME_MS, MINUTE_MS, Rig, phone, rules, simulated};

#[tokio::test]
async fn a_number_goes_round_and_rests_longer_from_the_service_it_served() {
    let rig = Rig::new(1).await;
    assert_eq!(rig.state(0), State::Free);
    let rental = rig.rent("google").await;
    assert_eq!(rig.state(0), State::Active);
    rig.cancel(&rental).await;
    assert_eq!(rig.state(0), State::Cooling);
    rig.pass(15 * MINUTE_MS - 1);
    assert!(matches!(rig.try_rent("telegram").await, Err(Error::NoNumber)));
    rig.pass(1);
    assert_eq!(rig.state(0), State::Free);
    assert!(
        matches!(rig.try_rent("google").await, Err(Error::NoNumber)),
        "not for the same service yet"
    );
    let rental = rig.rent("telegram").await;
    rig.cancel(&rental).await;
    rig.pass(24 * HOUR_MS);
    rig.rent("google").await;
}

#[tokio::test]
async fn one_that_has_not_served_the_service_goes_first_and_then_the_one_that_rests_longest() {
    let rig = Rig::new(3).await;
    let mut order = Vec::new();
    for _ in 0..3 {
        let rental = rig.rent("google").await;
        order.push(rental.number.clone());
        rig.cancel(&rental).await;
        rig.pass(HOUR_MS);
    }
    assert_eq!(
        order,
        [phone(0), phone(1), phone(2)],
        "none twice while another is free"
    );
    rig.pass(48 * HOUR_MS);
    // All have served it in the last week: again in their order, and a new one goes before them.
    assert_eq!(rig.rent("google").await.number, phone(0));
    rig.add(3..4).await;
    assert_eq!(rig.rent("google").await.number, phone(3));
    assert_eq!(rig.rent("telegram").await.number, phone(1));
}

#[tokio::test]
async fn three_silent_rentals_bring_a_quarantine_that_grows_and_survives_a_restart() {
    let store = simulated(Default::default());
    let rig = Rig::over(store.clone(), super::rig::START, rules(Rules::standard()));
    rig.add(0..1).await;
    for n in 0..3 {
        rig.rent("google").await;
        rig.pass_and_sweep(LIFETIME_MS).await;
        let expected = if n < 2 { State::Cooling } else { State::Quarantined };
        assert_eq!(rig.state(0), expected);
        rig.pass(24 * HOUR_MS - if n < 2 { 0 } else { 23 * HOUR_MS });
    }
    assert_eq!(rig.state(0), State::Free, "after an hour");
    rig.pass(23 * HOUR_MS);
    rig.rent("google").await;
    rig.pass_and_sweep(LIFETIME_MS).await;
    let rig = Rig::over(
        simulated(store.cut_power()),
        rig.clock.now(),
        rules(Rules::standard()),
    );
    rig.pass(6 * HOUR_MS - 1);
    assert_eq!(
        rig.state(0),
        State::Quarantined,
        "six hours, for one more was enough"
    );
    rig.pass(1);
    assert_eq!(rig.state(0), State::Free);
    let rental = rig.rent("telegram").await;
    rig.code("m1", &rental.number).await;
    rig.pass_and_sweep(LIFETIME_MS).await;
    let (number, _) = rig.gateway.number(&phone(0)).unwrap();
    assert_eq!(
        (number.standing.silent, number.standing.times),
        (0, 0),
        "a message wipes the slate"
    );
}

#[tokio::test]
async fn a_report_ends_the_rental_and_takes_the_number_out() {
    let rig = Rig::new(1).await;
    let rental = rig.rent("google").await;
    let reported = rig.gateway.report(&rental.account, rental.id).await.unwrap();
    assert_eq!((reported.status, reported.reported), (Status::Cancelled, true));
    assert_eq!(rig.state(0), State::Quarantined);
    let again = rig.gateway.report(&rental.account, rental.id).await.unwrap();
    assert_eq!(again, reported, "asking again changes nothing");
    rig.pass(HOUR_MS);
    let rental = rig.rent("telegram").await;
    rig.code("m1", &rental.number).await;
    let late = rig.gateway.report(&rental.account, rental.id).await;
    assert!(matches!(late, Err(Error::AlreadyOver(_))), "its code has come");
}

#[tokio::test]
async fn what_the_operator_takes_out_stays_out_and_whoever_has_it_keeps_it() {
    let rig = Rig::new(2).await;
    let rental = rig.rent("google").await;
    rig.gateway.retire(&rental.number).await.unwrap();
    assert_eq!(rig.state(0), State::Active);
    rig.code("m1", &rental.number).await;
    let now = rig.gateway.rental(&rental.account, rental.id).await.unwrap();
    assert_eq!(now.status, Status::Completed, "its renter still hears");
    rig.pass_and_sweep(LIFETIME_MS).await;
    assert_eq!(rig.state(0), State::Retired);

    rig.gateway.quarantine(&phone(1), Reason::Operator).await.unwrap();
    rig.pass(1000 * 24 * HOUR_MS);
    assert_eq!(rig.state(1), State::Quarantined);
    assert!(matches!(rig.try_rent("google").await, Err(Error::NoNumber)));
    rig.gateway.readmit(&phone(1)).await.unwrap();
    rig.gateway.readmit(&phone(0)).await.unwrap();
    assert_eq!((rig.state(0), rig.state(1)), (State::Free, State::Free));
    assert!(matches!(
        rig.gateway.retire(&phone(7)).await,
        Err(Error::NoSuchNumber)
    ));
}

#[tokio::test]
async fn a_carriers_word_counts_like_the_rest() {
    let rig = Rig::new(1).await;
    rig.gateway
        .quarantine(&phone(0), Reason::CarrierError)
        .await
        .unwrap();
    rig.pass(HOUR_MS - 1);
    assert_eq!(rig.state(0), State::Quarantined);
    rig.pass(1);
    assert_eq!(rig.state(0), State::Free);
}
