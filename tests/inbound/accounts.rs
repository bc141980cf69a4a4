//! What time alone does to keys and accounts, on a clock that stands until it is set.

use ringback::core::id::AccountId;
use ringback::core::key::Key;
use ringback::core::scope::Scopes;
use ringback::gateway::{Error, KeyWish};
use ringback::store::Store;
use std::time::Duration;

use super::house::{House, account};

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
        .create_account(own("late"), "Late".into())
        .await
        .unwrap();
    house.gateway.delete_account(&own("late")).await.unwrap();
    let key = || Key::new("a-key-that-is-long-enough", own("late"), house.clock.now());
    // Four days of logs, the day itself and the next.
    house.pass(6 * DAY_MS - 1);
    house.gateway.forget_accounts().await.unwrap();
    let held = house.gateway.create_account(own("late"), String::new()).await;
    assert!(matches!(held, Err(Error::AccountHeld(..))), "{held:?}");
    assert!(house.gateway.add_key(key()).await.is_err(), "nor by a key");
    house.pass(1);
    house.gateway.forget_accounts().await.unwrap();
    let again = house
        .gateway
        .create_account(own("late"), String::new())
        .await
        .unwrap();
    assert_eq!((again.account.name.as_str(), again.account.version), ("", 0));
    assert!(house.gateway.add_key(key()).await.is_ok());
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
