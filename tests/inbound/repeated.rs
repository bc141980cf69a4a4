//! What counts as a repetition: the carrier's id, the content, or nothing, as each source says; and for how long it is known.

use ringback::core::message::{Dedupe, Message};
use ringback::core::phone::Address;
use ringback::core::time::UnixMs;
use ringback::store::{Reads, Store};

use super::house::{House, message, number, receive, request, rules};

const DAY_MS: u64 = 86_400_000;
const TEXT: &str = "Your code is 111222.";

async fn twice(mode: Dedupe, ids: [&str; 2], texts: [&str; 2]) -> usize {
    let house = House::of_sources(mode).await;
    house.rent("acme", "202").await;
    for (id, text) in ids.into_iter().zip(texts) {
        receive(&house, request("infobip", &[(id, &number("202"), text)]))
            .await
            .unwrap();
    }
    house.heard("acme").len()
}

#[tokio::test]
async fn each_source_says_what_makes_two_messages_one() {
    let other = "Your code is 333444.";
    for (mode, ids, texts, heard) in [
        (Dedupe::Id, ["a", "a"], [TEXT, other], 1),
        (Dedupe::Id, ["a", "b"], [TEXT, TEXT], 2),
        (Dedupe::Content, ["a", "b"], [TEXT, TEXT], 1),
        (Dedupe::Content, ["a", "a"], [TEXT, other], 2),
        (Dedupe::Off, ["a", "a"], [TEXT, TEXT], 2),
    ] {
        assert_eq!(twice(mode, ids, texts).await, heard, "{mode:?} {ids:?} {texts:?}");
    }
}

#[tokio::test]
async fn nothing_is_one_message_because_it_came_at_the_same_time() {
    assert_eq!(
        twice(Dedupe::Id, ["a", "b"], [TEXT, TEXT]).await,
        2,
        "in the same millisecond"
    );
}

/// Every field counts, the carrier's time too, and no byte can be moved from one to the next.
#[test]
fn content_is_all_that_a_message_says() {
    let message = message("Google", "+12025550143", "text");
    let changes: [fn(&mut Message); 5] = [
        |m| m.from = Address::new("Googl"),
        |m| m.to = Address::new("+12025550144"),
        |m| m.text = "texts".into(),
        |m| m.received_at = Some(UnixMs(1)),
        |m| (m.from, m.text) = (Address::new("Googlet"), "ext".into()),
    ];
    let mut keys = vec![message.content_key()];
    for change in changes {
        let mut other = message.clone();
        change(&mut other);
        keys.push(other.content_key());
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 6);
    let mut renamed = message.clone();
    renamed.carrier_message_id = "another".into();
    assert_eq!(renamed.content_key(), message.content_key());
}

/// Meta repeats for seven days; its message is known when the number belongs to somebody else and the log is gone.
#[tokio::test]
async fn a_late_repetition_is_known_although_the_log_is_gone() {
    let house = House::new().await;
    house.rent("acme", "202").await;
    let again = || request("meta_whatsapp", &[("wamid.1", &*number("202"), TEXT)]);
    receive(&house, again()).await.unwrap();
    for days in [1, 7, 24] {
        house.pass(days * DAY_MS);
        house.gateway.sweep().await.unwrap();
        let kept = ringback::store::Kept {
            log_days: 4,
            usage_days: 400,
        };
        house.store.drop_old_logs(house.clock.now(), kept).unwrap();
        let house = house.restarted(rules());
        house.rent("globex", "202").await;
        receive(&house, again()).await.unwrap();
        assert_eq!(house.heard("globex"), [""; 0], "after {days} days more");
        assert_eq!(house.store.unmatched(None, 10).unwrap().len(), 0);
        assert_eq!(house.total("ringback_inbound_duplicates_total"), 1);
    }
}
