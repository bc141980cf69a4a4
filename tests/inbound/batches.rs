//! A request with several messages is one commit: all of it or nothing, and what was there already does not keep the rest out.

use std::time::Duration;

use ringback::gateway::Error;
use ringback::store::Reads;
use ringback::store::sim::Sync;

use super::house::{BATCHING, House, number, receive, request, rules};

const CODES: [&str; 3] = [
    "Your code is 111222.",
    "Your code is 333444.",
    "Your code is 555666.",
];

#[tokio::test]
async fn all_of_one_request_is_stored_in_its_order() {
    for carrier in BATCHING {
        let house = House::new().await;
        let (ours, theirs) = (house.rent("acme", "202").await, house.rent("globex", "212").await);
        let (one, two, nobodys) = (number("202"), number("212"), number("999"));
        let items = [
            ("a", &*one, CODES[0]),
            ("b", &*two, CODES[1]),
            ("c", &*one, CODES[2]),
            ("d", &*nobodys, "Your code is 777888."),
        ];
        receive(&house, request(carrier, &items)).await.unwrap();
        let told = |text: &str| format!("verification.code_received {text}");
        assert_eq!(house.heard("acme"), [told(CODES[0]), told(CODES[2])], "{carrier}");
        assert_eq!(house.heard("globex"), [told(CODES[1])], "{carrier}");
        let ours = house.now_of(&ours).await;
        assert_eq!((ours.messages.len(), ours.version), (2, 2));
        assert_eq!(ours.code.unwrap().code, "555666", "the newest");
        assert_eq!(house.now_of(&theirs).await.code.unwrap().code, "333444");
        assert_eq!(house.store.unmatched(None, 10).unwrap().len(), 1);
        assert_eq!(house.total("ringback_messages_total"), 4);
    }
}

#[tokio::test]
async fn a_repeated_request_changes_nothing_and_one_with_more_brings_the_rest() {
    for carrier in BATCHING {
        let house = House::new().await;
        let rental = house.rent("acme", "202").await;
        let to = number("202");
        let items = [
            ("a", &*to, CODES[0]),
            ("b", &*to, CODES[1]),
            ("c", &*to, CODES[2]),
        ];
        receive(&house, request(carrier, &items[1..2])).await.unwrap();
        receive(&house, request(carrier, &items[1..2])).await.unwrap();
        assert_eq!(house.heard("acme").len(), 1);
        // The known one stands in the middle, and one of the new ones comes twice.
        receive(
            &house,
            request(carrier, &[items[0], items[1], items[2], items[2]]),
        )
        .await
        .unwrap();
        let told = |text: &str| format!("verification.code_received {text}");
        assert_eq!(
            house.heard("acme"),
            [told(CODES[1]), told(CODES[0]), told(CODES[2])],
            "{carrier}"
        );
        assert_eq!(house.now_of(&rental).await.messages.len(), 3);
        assert_eq!(house.total("ringback_inbound_duplicates_total"), 3);
        receive(&house, request(carrier, &items)).await.unwrap();
        assert_eq!(house.now_of(&rental).await.messages.len(), 3);
    }
}

/// Nothing is lost in silence: the carrier hears no success, repeats the request, and all of it is taken once it is whole.
#[tokio::test]
async fn one_bad_item_refuses_all_and_the_mended_request_brings_all() {
    for carrier in BATCHING {
        let house = House::new().await;
        let rental = house.rent("acme", "202").await;
        let to = number("202");
        let bad = [("a", &*to, CODES[0]), ("", &*to, CODES[1])];
        let refused = receive(&house, request(carrier, &bad)).await;
        assert!(
            matches!(refused, Err(Error::Refused(_))),
            "{carrier}: {refused:?}"
        );
        assert_eq!(house.total("ringback_inbound_rejected_total"), 1);
        assert_eq!(
            (house.heard("acme").len(), house.now_of(&rental).await.version),
            (0, 0)
        );
        let mended = [("a", &*to, CODES[0]), ("b", &*to, CODES[1])];
        receive(&house, request(carrier, &mended)).await.unwrap();
        assert_eq!(house.heard("acme").len(), 2, "{carrier}");
    }
}

#[tokio::test]
async fn a_request_is_one_commit_that_a_power_cut_takes_or_leaves_whole() {
    let house = House::new().await;
    house.rent("acme", "202").await;
    let rental = house.rent("globex", "212").await;
    let (one, two) = (number("202"), number("212"));
    let house = House::open(house.store.cut_power(), house.clock.now(), Sync::ByHand, rules());
    let items = [
        ("a", &*one, CODES[0]),
        ("b", &*two, CODES[1]),
        ("c", &*two, CODES[2]),
    ];
    let receiving = receive(&house, request("bandwidth", &items));
    tokio::pin!(receiving);
    assert!(
        tokio::time::timeout(Duration::ZERO, &mut receiving)
            .await
            .is_err(),
        "it waits for the disk"
    );
    let before = House::open(house.store.cut_power(), house.clock.now(), Sync::AtOnce, rules());
    assert_eq!(
        (before.heard("acme").len(), before.now_of(&rental).await.version),
        (0, 0)
    );
    assert_eq!(house.store.sync(), 1, "one commit holds all");
    receiving.await.unwrap();
    let after = house.restarted(rules());
    assert_eq!((after.heard("acme").len(), after.heard("globex").len()), (1, 2));
    assert_eq!(after.now_of(&rental).await.version, 2);
}

#[tokio::test]
async fn what_the_disk_refuses_is_not_acknowledged() {
    let house = House::new().await;
    let rental = house.rent("acme", "202").await;
    let house = House::open(house.store.cut_power(), house.clock.now(), Sync::ByHand, rules());
    let to = number("202");
    let receiving = receive(
        &house,
        request("infobip", &[("a", &*to, CODES[0]), ("b", &*to, CODES[1])]),
    );
    tokio::pin!(receiving);
    assert!(
        tokio::time::timeout(Duration::ZERO, &mut receiving)
            .await
            .is_err()
    );
    house.store.fail_sync();
    assert!(matches!(receiving.await, Err(Error::Store(_))));
    let after = house.restarted(rules());
    assert_eq!(
        (after.heard("acme").len(), after.now_of(&rental).await.version),
        (0, 0)
    );
}
