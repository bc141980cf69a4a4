//! Waiting in line for a number: first come, first served, fair between accounts, bounded, and nobody passes.

use std::sync::Arc;
use std::time::Duration;

use ringback::core::number::Reason;
use ringback::core::rental::Rental;
use ringback::gateway::{Error, Gateway, Wish};
use serde_json::json;
use tokio::task::JoinHandle;

use super::rig::{MINUTE_MS, Rig, account, phone};
use crate::support::client::Call;
use crate::support::until;

type Waiting = JoinHandle<Result<Rental, Error>>;

const PATIENCE: Duration = Duration::from_secs(3600);

fn wish(patience: Duration) -> Wish {
    Wish {
        service: "google".into(),
        acquire: patience,
        ..Wish::default()
    }
}

/// Stands in line before this returns.
async fn wait_with(rig: &Rig, name: &str, wish: Wish) -> Waiting {
    let (gateway, account): (Arc<Gateway>, _) = (rig.gateway.clone(), account(name));
    let waiting = tokio::spawn(async move { gateway.rent(&account, &wish).await });
    tokio::task::yield_now().await;
    waiting
}

async fn wait(rig: &Rig, name: &str) -> Waiting {
    wait_with(rig, name, wish(PATIENCE)).await
}

/// One number comes in, and whoever gets it is looked for among those who wait.
async fn next(rig: &Rig, n: usize, waiting: &mut Vec<(&str, Waiting)>) -> String {
    rig.add(n..n + 1).await;
    loop {
        tokio::task::yield_now().await;
        if let Some(at) = waiting.iter().position(|(_, waiting)| waiting.is_finished()) {
            let (name, done) = waiting.remove(at);
            assert_eq!(done.await.unwrap().unwrap().number, phone(n));
            return name.to_owned();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_wakes_when_a_number_has_cooled_down() {
    let rig = Rig::new(1).await;
    let first = rig.rent("telegram").await;
    let waiting = wait(&rig, "acme").await;
    rig.cancel(&first).await;
    rig.pass_and_sweep(15 * MINUTE_MS - 1).await;
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "cancelled, and cooling down");
    rig.pass_and_sweep(1).await;
    assert_eq!(waiting.await.unwrap().unwrap().number, phone(0));
    assert_eq!(rig.gateway.waiting_for_numbers(), 0);
}

#[tokio::test(start_paused = true)]
async fn it_wakes_when_the_operator_lets_one_out() {
    let rig = Rig::new(1).await;
    rig.gateway.quarantine(&phone(0), Reason::Operator).await.unwrap();
    let waiting = wait(&rig, "acme").await;
    rig.gateway.readmit(&phone(0)).await.unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served_and_accounts_take_turns() {
    let rig = Rig::new(0).await;
    let mut waiting = Vec::new();
    for name in ["a1", "a2", "a3", "b1", "b2"] {
        waiting.push((name, wait(&rig, &name[..1]).await));
    }
    let mut order = Vec::new();
    for n in 0..4 {
        order.push(next(&rig, n, &mut waiting).await);
    }
    waiting.push(("c1", wait(&rig, "c").await));
    for n in 4..6 {
        order.push(next(&rig, n, &mut waiting).await);
    }
    assert_eq!(order, ["a1", "b1", "a2", "b2", "a3", "c1"]);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_is_out_of_the_line_and_its_place_is_free() {
    let rig = Rig::new(0).await;
    let first = wait(&rig, "acme").await;
    let mut second = vec![("second", wait(&rig, "acme").await)];
    assert_eq!(rig.gateway.waiting_for_numbers(), 2);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(rig.gateway.waiting_for_numbers(), 1);
    assert_eq!(next(&rig, 0, &mut second).await, "second");
    assert_eq!(rig.gateway.waiting_for_numbers(), 0);
}

/// It is given in the moment in which its client goes: the number is not lost with it.
#[tokio::test(start_paused = true)]
async fn what_was_given_to_one_who_hangs_up_goes_to_the_next() {
    let rig = Rig::new(0).await;
    let first = wait(&rig, "acme").await;
    let second = wait(&rig, "globex").await;
    // The number is given, and the task that it was given to does not run any more: nothing here has let it.
    rig.add(0..1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    rig.pass_and_sweep(1).await;
    assert_eq!(second.await.unwrap().unwrap().number, phone(0));
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_without_waiting_passes_nobody() {
    let rig = Rig::new(1).await;
    let first = rig.rent("telegram").await;
    rig.cancel(&first).await;
    let waiting = wait(&rig, "acme").await;
    rig.pass(15 * MINUTE_MS);
    // Nothing has looked at the line since; this one does, and finds another in front.
    let hasty = rig.gateway.rent(&account("globex"), &wish(Duration::ZERO)).await;
    assert!(matches!(hasty, Err(Error::NoNumber)));
    assert_eq!(waiting.await.unwrap().unwrap().number, phone(0));
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_nothing_fits_lets_others_by() {
    let rig = Rig::new(0).await;
    let british = Wish {
        country: Some("GB".into()),
        ..wish(PATIENCE)
    };
    let stuck = wait_with(&rig, "acme", british).await;
    let mut waiting = vec![("any", wait(&rig, "acme").await)];
    assert_eq!(next(&rig, 0, &mut waiting).await, "any");
    assert!(!stuck.is_finished());
    stuck.abort();
}

#[tokio::test(start_paused = true)]
async fn the_line_is_bounded_per_account_and_in_all() {
    let rig = Rig::new(0).await;
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(wait(&rig, "a").await);
    }
    let sixth = wait(&rig, "a").await.await.unwrap();
    assert!(matches!(sixth, Err(Error::TooManySeekers(5))));
    for _ in 0..3 {
        waiting.push(wait(&rig, "b").await);
    }
    let ninth = wait(&rig, "c").await.await.unwrap();
    assert!(matches!(ninth, Err(Error::LineFull)));
    let at_once = rig.gateway.rent(&account("c"), &wish(Duration::ZERO)).await;
    assert!(
        matches!(at_once, Err(Error::NoNumber)),
        "who does not wait needs no place"
    );
    waiting.iter().for_each(JoinHandle::abort);
    for gone in waiting {
        assert!(gone.await.unwrap_err().is_cancelled());
    }
    assert_eq!(rig.gateway.waiting_for_numbers(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_waiting_ends_with_its_time_or_with_the_gateway() {
    let rig = Rig::new(0).await;
    let began = tokio::time::Instant::now();
    let short = rig
        .gateway
        .rent(&account("a"), &wish(Duration::from_secs(20)))
        .await;
    assert!(matches!(short, Err(Error::NoNumber)));
    assert_eq!(began.elapsed().as_secs(), 20);
    let cut = rig
        .gateway
        .rent(&account("a"), &wish(Duration::from_secs(1_000_000)))
        .await;
    assert!(matches!(cut, Err(Error::NoNumber)));
    assert_eq!(
        began.elapsed().as_secs(),
        20 + 86_400,
        "a longer wish is cut to the limit"
    );
    let waiting = wait(&rig, "a").await;
    rig.draining.send_replace(true);
    assert!(matches!(waiting.await.unwrap(), Err(Error::NoNumber)));
    assert_eq!(rig.gateway.waiting_for_numbers(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_000_and_001_wait_where_they_are_asked_to() {
    let over = toml::toml! { number = [] };
    let gateway = crate::support::gateway::Gateway::start_with(over).await;
    let wish = json!({ "serviceName": "google", "acquireTimeout": 60 });
    let (call, address) = (
        Call::post("/api/verifications", &wish).key(&gateway.key),
        gateway.address,
    );
    let first = tokio::spawn(async move { call.send(address).await });
    let inner = &gateway.running.gateway;
    until("one in line", || inner.waiting_for_numbers() == 1).await;
    let wish = json!({ "api_key": gateway.other_key, "country": "US", "acquireTimeout": "60" });
    let call = Call::post("/rentNumber", &wish);
    let second = tokio::spawn(async move { call.send(address).await });
    until("two in line", || inner.waiting_for_numbers() == 2).await;
    let at_once = gateway
        .post("/api/verifications", &json!({ "serviceName": "google" }))
        .await;
    at_once.expect(503);
    let number = |n| ringback::core::number::Number::new(phone(n), "US".into(), Default::default());
    inner.add_numbers(vec![number(0), number(2)]).await.unwrap();
    assert_eq!(first.await.unwrap().expect(201)["number"], phone(0).as_str());
    assert_eq!(second.await.unwrap().expect(200)["number"], phone(2).as_str());
    let wish = json!({ "serviceName": "google", "acquireTimeout": 1 });
    gateway.post("/api/verifications", &wish).await.expect(503);
    let wrong = json!({ "serviceName": "google", "acquireTimeout": -1 });
    gateway.post("/api/verifications", &wrong).await.expect(400);
}
