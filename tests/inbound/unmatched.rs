//! Whose a message is by its number and its time; what becomes of one that is nobody's; and that no other account ever gets it.

use std::collections::BTreeSet;
use std::time::Duration;

use ringback::core::id::MessageId;
use ringback::core::key::Key;
use ringback::core::number::Unmatched;
use ringback::core::phone::Address;
use ringback::core::rental::{Rental, Status};
use ringback::gateway::{Assignment, Code, Error, Rules, UnmatchedPage, UnmatchedWish};
use serde_json::json;

use super::house::{House, LIFETIME_MS, account, number, rules};

const TEXT: &str = "Your code is 111222.";
const HOUR_MS: u64 = 3_600_000;

fn with_operator() -> Rules {
    Rules {
        operator: Some(account("globex")),
        ..rules()
    }
}

async fn list(house: &House, wish: UnmatchedWish) -> UnmatchedPage {
    let limit = if wish.limit == 0 { 100 } else { wish.limit };
    house
        .gateway
        .unmatched(UnmatchedWish { limit, ..wish })
        .await
        .unwrap()
}

async fn reasons(house: &House) -> Vec<Unmatched> {
    let page = list(house, UnmatchedWish::default()).await;
    page.messages
        .iter()
        .filter_map(|message| message.owner.err())
        .collect()
}

/// The carrier's id as a message of the source `kannel`.
fn id(carrier_id: &str) -> MessageId {
    MessageId::derive("kannel", carrier_id)
}

fn to(rental: &Rental, message: &str) -> Assignment {
    Assignment {
        message: id(message),
        account: rental.account.clone(),
        rental: rental.id,
    }
}

#[tokio::test]
async fn each_reason_is_told() {
    let house = House::new().await;
    house.pass(1);
    house.kannel("a", "123", &[], TEXT).await;
    house.pass(1);
    house.kannel("b", "+19995550143", &[], TEXT).await;
    house.pass(1);
    house.kannel("c", &number("202"), &[], TEXT).await;
    let rental = house.rent("acme", "202").await;
    house.gateway.cancel(&rental.account, rental.id).await.unwrap();
    house.rent("acme", "212").await;
    house.pass(LIFETIME_MS);
    house.gateway.sweep().await.unwrap();
    house.pass(120_001);
    house.pass(1);
    house.kannel("d", &number("202"), &[], TEXT).await;
    house.pass(1);
    house.kannel("e", &number("212"), &[], TEXT).await;
    let expected = [
        Unmatched::Expired,
        Unmatched::Cancelled,
        Unmatched::NoRental,
        Unmatched::UnknownNumber,
        Unmatched::BadNumber,
    ];
    assert_eq!(reasons(&house).await, expected);
    assert_eq!(house.heard("acme"), ["verification.cancelled "]);
    assert_eq!(house.total("ringback_messages_total"), 5);
}

/// From its end on a message is late, after its grace it is nobody's, and in the cool-down it is not the next renter's either.
#[tokio::test]
async fn late_within_grace_and_never_the_next_renters() {
    let house = House::new().await;
    let rental = house.rent("acme", "202").await;
    house.pass(LIFETIME_MS);
    house.gateway.sweep().await.unwrap();
    let to = number("202");
    for (pass_ms, id, text) in [
        (1, "a", "Late, without a code."),
        (119_000, "b", TEXT),
        (1_000, "c", "Too late by a little."),
        (700_000, "d", "In the cool-down."),
    ] {
        house.pass(pass_ms);
        house.kannel(id, &to, &[], text).await;
    }
    assert_eq!(
        house.heard("acme"),
        [
            "message.late Late, without a code.".to_owned(),
            format!("verification.code_received {TEXT}")
        ]
    );
    assert!(
        house
            .told("acme")
            .iter()
            .all(|(_, data)| data["late"] == json!(true))
    );
    let rental = house.now_of(&rental).await;
    assert_eq!(
        (rental.status, rental.code.is_none(), rental.messages.len()),
        (Status::Expired, true, 2)
    );
    assert_eq!(reasons(&house).await, [Unmatched::Expired, Unmatched::Expired]);
    house.pass(100_000);
    house.rent("globex", "202").await;
    house.kannel("e", &to, &[], TEXT).await;
    assert_eq!(house.heard("globex").len(), 1);
    assert_eq!(house.heard("acme").len(), 2);
}

#[tokio::test]
async fn the_operators_account_alone_hears_of_it() {
    let house = House::new().await;
    house.kannel("a", &number("202"), &[], TEXT).await;
    assert_eq!(
        (house.heard("acme").len(), house.heard("globex").len()),
        (0, 0),
        "no operator, no event"
    );
    let house = house.restarted(with_operator());
    house.kannel("b", &number("202"), &[], TEXT).await;
    house.kannel("b", &number("202"), &[], TEXT).await;
    assert_eq!(house.heard("acme"), [""; 0]);
    let told = house.told("globex");
    assert_eq!(told.len(), 1, "{told:?}");
    let (kind, data) = &told[0];
    assert_eq!(
        (kind.as_str(), &data["reason"]),
        ("message.unmatched", &json!("no_rental"))
    );
    assert_eq!(data["messageId"], json!(id("b").to_string()));
    assert!(house.gateway.is_operator(&account("globex")) && !house.gateway.is_operator(&account("acme")));
}

/// How many messages are found, read in pages of seven; none comes twice.
async fn count(house: &House, wish: UnmatchedWish) -> usize {
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let wish = UnmatchedWish {
            limit: 7,
            before,
            ..wish.clone()
        };
        let page = list(house, wish).await;
        assert!(page.messages.len() <= 7);
        found.extend(page.messages.iter().map(|message| message.id));
        before = page.next;
        if before.is_none() {
            let different: BTreeSet<MessageId> = found.iter().copied().collect();
            assert_eq!(different.len(), found.len());
            return found.len();
        }
    }
}

#[tokio::test]
async fn it_is_found_by_what_it_is_and_page_by_page() {
    let house = House::new().await;
    let (known, unknown) = (number("202"), number("999"));
    for n in 0..450u64 {
        house.pass(1);
        let to = if n % 3 == 0 { &unknown } else { &known };
        house.kannel(&n.to_string(), to, &[], TEXT).await;
    }
    let all = UnmatchedWish::default;
    let named = |source: &str| Some(source.to_owned());
    let address = |text: &str| Some(Address::new(text));
    assert_eq!(count(&house, all()).await, 450);
    let number = address(&unknown);
    assert_eq!(count(&house, UnmatchedWish { number, ..all() }).await, 150);
    for (reason, expected) in [(Unmatched::NoRental, 300), (Unmatched::Expired, 0)] {
        let reason = Some(reason);
        assert_eq!(count(&house, UnmatchedWish { reason, ..all() }).await, expected);
    }
    for (source, from, expected) in [
        ("kannel", "Google", 450),
        ("telnyx", "Google", 0),
        ("kannel", "Other", 0),
    ] {
        let (source, from) = (named(source), address(from));
        assert_eq!(
            count(
                &house,
                UnmatchedWish {
                    source,
                    from,
                    ..all()
                }
            )
            .await,
            expected
        );
    }
}

#[tokio::test]
async fn after_its_time_it_is_neither_found_nor_assigned() {
    let house = House::new().await;
    house.kannel("a", "123", &[], TEXT).await;
    house.pass(72 * HOUR_MS);
    let rental = house.rent("acme", "202").await;
    assert_eq!(reasons(&house).await, [Unmatched::BadNumber]);
    house.pass(1);
    assert_eq!(reasons(&house).await, []);
    let refused = house.gateway.assign(&to(&rental, "a")).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
}

#[tokio::test]
async fn an_assigned_message_is_extracted_told_and_wakes_the_poll_once() {
    let house = House::new().await;
    let rental = house.rent("acme", "202").await;
    // The carrier wrote the number in a way that nobody can read.
    house.kannel("a", "555-0143", &[], TEXT).await;
    assert_eq!(reasons(&house).await, [Unmatched::BadNumber]);
    let key = Key::new("a-key-that-is-long-enough", account("acme"), house.clock.now());
    house.gateway.add_key(key.clone()).await.unwrap();
    let polling = house.gateway.code(&key, rental.id, Duration::from_secs(60));
    tokio::pin!(polling);
    assert!(
        tokio::time::timeout(Duration::from_millis(20), &mut polling)
            .await
            .is_err()
    );
    let wish = to(&rental, "a");
    let (first, second) =
        futures_util::future::join(house.gateway.assign(&wish), house.gateway.assign(&wish)).await;
    assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1);
    let Ok(Ok(Code::Settled(settled))) = tokio::time::timeout(Duration::from_secs(20), polling).await else {
        panic!("the poll hears of it")
    };
    assert_eq!(
        (settled.status, settled.code.unwrap().code.as_str()),
        (Status::Completed, "111222")
    );
    let house = house.restarted(rules());
    let refused = house.gateway.assign(&wish).await;
    assert!(matches!(refused, Err(Error::NotUnmatched)), "{refused:?}");
    assert_eq!(
        house.heard("acme"),
        [format!("verification.code_received {TEXT}")]
    );
    assert_eq!(reasons(&house).await, []);
    let rental = house.now_of(&rental).await;
    assert_eq!((rental.messages.len(), rental.version), (1, 1));
    // The carrier repeats it, now that it belongs to somebody.
    house.kannel("a", "555-0143", &[], TEXT).await;
    assert_eq!((house.heard("acme").len(), reasons(&house).await.len()), (1, 0));
}

#[tokio::test]
async fn an_assignment_reaches_no_wrong_rental() {
    let house = House::new().await;
    house.kannel("before", &number("202"), &[], TEXT).await;
    house.pass(1);
    let rental = house.rent("acme", "202").await;
    let other = house.rent("globex", "212").await;
    house.gateway.cancel(&rental.account, rental.id).await.unwrap();
    house.pass(120_001);
    house.kannel("after", &number("202"), &[], TEXT).await;
    let assign = async |wish: Assignment| house.gateway.assign(&wish).await.map(|message| message.late);
    assert!(matches!(
        assign(to(&rental, "before")).await,
        Err(Error::NotOfThisRental)
    ));
    assert!(matches!(
        assign(to(&other, "after")).await,
        Err(Error::NotOfThisRental)
    ));
    let foreign = Assignment {
        account: account("globex"),
        ..to(&rental, "after")
    };
    assert!(matches!(assign(foreign).await, Err(Error::NotFound)));
    assert!(matches!(
        assign(to(&rental, "unknown")).await,
        Err(Error::NotFound)
    ));
    assert_eq!(reasons(&house).await.len(), 2);
    assert!(assign(to(&rental, "after")).await.unwrap(), "late");
    let rental = house.now_of(&rental).await;
    assert_eq!(
        (rental.status, rental.code),
        (Status::Cancelled, None),
        "nothing is opened again"
    );
    assert_eq!(
        house.heard("acme")[1..],
        [format!("verification.code_received {TEXT}")]
    );
    assert_eq!(house.heard("globex"), [""; 0]);
    assert_eq!(house.total("ringback_unmatched_assigned_total"), 1);
}
