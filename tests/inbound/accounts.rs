//! What time alone does to keys and accounts, on a clock that stands until it is set.

use ringback::core::account::{Account, Limits};
use ringback::core::id::{AccountId, Seq};
use ringback::core::key::Key;
use ringback::core::scope::Scopes;
use ringback::core::usage::Cursor;
use ringback::gateway::{Error, KeyWish};
use ringback::store::Store;
use ringback::store::sim::{Disk, Sync};
use std::time::Duration;

use super::house::{House, LIFETIME_MS, START, account, rules};

const DAY_MS: u64 = 86_400_000;

fn wish(expires_in_ms: Option<u64>) -> KeyWish {
    KeyWish {
        account: account("acme"),
        name: String::new(),
        scopes: Scopes::ALL,
        is_test: false,
        expires_in_ms,
        allow_query_key: false,
    }
}

#[tokio::test]
async fn a_key_ends_at_its_time_and_not_before() {
    let house = House::new().await;
    let (plain, key) = house.gateway.create_key(wish(Some(1000))).await.unwrap();
    house.pass(999);
    assert!(house.gateway.authenticate(plain.as_str()).is_ok());
    house.pass(1);
    assert!(matches!(
        house.gateway.authenticate(plain.as_str()),
        Err(Error::KeyGone)
    ));
    assert!(key.is_expired(house.clock.now()));
    // A clock that steps back lets it in again: its time is not over then.
    house.clock.set(key.created_at);
    assert!(house.gateway.authenticate(plain.as_str()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_poll_is_not_held_longer_than_its_key_lives() {
    let house = House::new().await;
    let rental = house.rent("acme", "202").await;
    let (_, key) = house.gateway.create_key(wish(Some(2000))).await.unwrap();
    let began = tokio::time::Instant::now();
    let held = house.gateway.code(&key, rental.id, Duration::from_secs(60)).await;
    assert!(held.is_ok(), "{held:?}");
    assert_eq!(began.elapsed(), Duration::from_secs(2));
    house.pass(2000);
    let held = house.gateway.code(&key, rental.id, Duration::from_secs(60)).await;
    assert!(matches!(held, Err(Error::KeyGone)), "{held:?}");
}

#[tokio::test]
async fn the_id_of_a_deleted_account_is_nobodys_until_its_logs_are_gone() {
    let house = House::new().await;
    let own = |name: &str| AccountId::parse(name).unwrap();
    house
        .gateway
        .create_account(own("late"), ("Late".into(), Limits::default()))
        .await
        .unwrap();
    house.gateway.delete_account(&own("late")).await.unwrap();
    let key = || Key::new("a-key-that-is-long-enough", own("late"), house.clock.now());
    // Four days of logs, the day itself and the next.
    house.pass(6 * DAY_MS - 1);
    house.gateway.forget_accounts().await.unwrap();
    let held = house
        .gateway
        .create_account(own("late"), Default::default())
        .await;
    assert!(matches!(held, Err(Error::AccountHeld(..))), "{held:?}");
    assert!(house.gateway.add_key(key()).await.is_err(), "nor by a key");
    house.pass(1);
    house.gateway.forget_accounts().await.unwrap();
    let again = house
        .gateway
        .create_account(own("late"), Default::default())
        .await
        .unwrap();
    assert_eq!((again.account.name.as_str(), again.account.version), ("", 0));
    assert!(house.gateway.add_key(key()).await.is_ok());
}

/// Usage is kept for longer than an id is nobody's, and a cursor may be made up.
#[tokio::test]
async fn what_was_used_under_an_id_is_not_its_next_holders() {
    let house = House::new().await;
    let acme = account("acme");
    let create = async || {
        let made = house.gateway.create_account(acme.clone(), Default::default());
        made.await.unwrap();
    };
    create().await;
    let rental = house.rent("acme", "202").await;
    house
        .kannel("m", rental.number.as_str(), &[], "Your code is 221100.")
        .await;
    house.pass(LIFETIME_MS);
    house.gateway.sweep().await.unwrap();
    let everything = Cursor {
        since: Seq(0),
        until: None,
        after: None,
    };
    let read = async |of: Option<&AccountId>| {
        let page = house.gateway.usage(of, everything.clone(), 10).await.unwrap();
        page.items.len()
    };
    assert_eq!((read(Some(&acme)).await, read(None).await), (1, 1));
    house.gateway.delete_account(&acme).await.unwrap();
    house.pass(6 * DAY_MS);
    house.gateway.forget_accounts().await.unwrap();
    create().await;
    assert_eq!((read(Some(&acme)).await, read(None).await), (0, 1));
}

#[tokio::test]
async fn uses_are_written_in_one_commit_and_only_where_there_were_any() {
    let house = House::new().await;
    let (plain, key) = house.gateway.create_key(wish(None)).await.unwrap();
    let written = || house.store.live().access(|table| table.used_at(key.hash));
    for _ in 0..100 {
        house.gateway.authenticate(plain.as_str()).unwrap();
        house.pass(10);
    }
    assert_eq!(written(), None, "no request waits for it");
    let last = house.clock.now().minus_ms(10);
    // A use that is noted late never takes back a later one.
    house.clock.set(key.created_at);
    house.gateway.authenticate(plain.as_str()).unwrap();
    house.gateway.note_key_uses().await.unwrap();
    assert_eq!(written(), Some(last));

    house.gateway.authenticate(plain.as_str()).unwrap();
    house.gateway.revoke_key(key.id.as_str()).await.unwrap();
    house.gateway.note_key_uses().await.unwrap();
    assert_eq!(written(), None, "a key that is gone leaves nothing");
}

#[tokio::test]
async fn a_minutes_requests_are_the_accounts_and_are_forgotten_when_they_are_over() {
    let mut rules = rules();
    rules.limits.requests_per_minute_max = Some(6);
    let house = House::open(Disk::default(), START, Sync::AtOnce, rules);
    let mut keys = Vec::new();
    for name in ["acme", "acme", "globex"] {
        let wish = KeyWish {
            account: account(name),
            ..wish(None)
        };
        keys.push(house.gateway.create_key(wish).await.unwrap().1);
    }
    let made = |key: &Key| house.gateway.count_request(key);
    for n in 0..6 {
        let told = made(&keys[n % 2]).unwrap().unwrap();
        assert_eq!(told.left as usize, 5 - n, "both keys draw on one account");
    }
    let Err(Error::TooManyRequests(told)) = made(&keys[0]) else {
        panic!("a seventh")
    };
    assert_eq!((told.left, told.next_s), (0, 10));
    assert!(made(&keys[2]).is_ok(), "another account has its own");
    // Setting the clock back and forth brings nothing.
    for back_ms in [3_600_000, 60_000, 1] {
        let now = house.clock.now();
        house.clock.set(now.minus_ms(back_ms));
        assert!(made(&keys[0]).is_err());
        house.clock.set(now.minus_ms(back_ms).plus_ms(1));
        assert!(made(&keys[1]).is_err());
    }
    house.pass(10_000);
    assert!(made(&keys[0]).is_ok() && made(&keys[0]).is_err());

    assert_eq!(house.gateway.forget_requests(), 2);
    house.pass(60_000);
    assert_eq!(
        house.gateway.forget_requests(),
        0,
        "what is remembered is bounded by who was here lately"
    );
    let unlimited = |account: &mut Account| account.limits.requests_per_minute_max = Some(0);
    house
        .gateway
        .change_account(&account("acme"), unlimited)
        .await
        .unwrap();
    for _ in 0..100 {
        assert_eq!(made(&keys[0]).unwrap(), None);
    }
}
