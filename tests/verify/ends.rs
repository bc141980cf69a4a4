//! What a clock that is set back over a restart makes of a code, and of one that begins meanwhile.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use ringback::clock::Clock;
use ringback::core::id::{AccountId, VerificationId};
use ringback::core::phone::PhoneNumber;
use ringback::core::sending::Channel;
use ringback::core::verification::address::To;
use ringback::core::verification::hash::Hash;
use ringback::core::verification::{New, Own, Status, Verification};
use ringback::gateway::VerifyError;
use ringback::store::sled::{Durability, Options, Sled};
use ringback::store::{Commit, Committed, Store, VerifyStep};

use super::house::{self, Choice, House, START, TTL_MS};

const TO: &str = "+12025550143";
const HOUR_MS: u64 = 3_600_000;

/// Nobody reads this store until what is returned is dropped.
fn held_up(store: &dyn Store) -> Sender<()> {
    let (opens, opened) = channel();
    let opened = Arc::new(Mutex::new(opened));
    for _ in 0..64 {
        let opened = opened.clone();
        store.run(Box::new(move || {
            // It is dropped, and sends nothing.
            let _ = opened.lock().unwrap().recv();
        }));
    }
    opens
}

fn begun(clock: &Clock) -> Verification {
    let new = New {
        id: VerificationId::new(clock.now(), clock.random()),
        account: AccountId::parse("acme").unwrap(),
        profile: String::new(),
        to: To::Number(PhoneNumber::parse(TO).unwrap()),
        channel: Channel::Sms,
        hash: Hash::NOTHING,
        digits: 6,
        attempts_max: 5,
        ttl_ms: TTL_MS,
        own: Own::default(),
    };
    new.begun(clock.moment())
}

#[tokio::test]
async fn one_that_begins_while_the_first_sweep_looks_around_is_none_of_those_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        folder: folder.path().to_owned(),
        durability: Durability::Process,
        queue_max: 64,
        group_max: 64,
        disk_reserve_bytes: 0,
        cache_bytes: 16 << 20,
    };
    let store: Arc<dyn Store> = Arc::new(Sled::open(&options, &[7; 32]).unwrap());
    let clock = Clock::manual(START);
    let (gateway, _draining) = house::begun(store.clone(), clock.clone());
    let held = held_up(&*store);
    let mut sweep = Box::pin(gateway.sweep_verifications());
    let polled = sweep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "it knows the time and waits for the list");
    clock.pass(1000);
    let begun = begun(&clock);
    let step = VerifyStep {
        verifications: vec![(begun.clone(), None)],
        ..VerifyStep::default()
    };
    let committed = store.commit(Commit::Verify(Box::new(step)), clock.moment());
    assert!(matches!(committed.await, Ok(Committed::New(_))));
    drop(held);
    sweep.await.unwrap();
    let known = gateway.verification(&begun.account, begun.id).await.unwrap();
    assert_eq!(known.status, Status::Pending);
}

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
