//! Long messages in parts, through the gateway: joined in any order, told once, kept over a restart, and delivered as they are in the end.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use ringback::core::id::AccountId;
use ringback::core::key::Key;
use ringback::core::rental::Status;
use ringback::gateway::Code;
use ringback::store::Reads;
use serde_json::json;

use super::house::{House, number, rules};

const THREE: [&str; 3] = [
    "Dear customer, thank you for your order at our shop. ",
    "Your Google verification code is 482913, do not share it. ",
    "It is good for ten minutes. Have a nice day.",
];
const WAIT_MS: u64 = 1_800_000;

fn whole() -> String {
    THREE.concat()
}

fn code(text: &str) -> String {
    format!("verification.code_received {text}")
}

fn received(text: &str) -> String {
    format!("message.received {text}")
}

#[tokio::test]
async fn a_code_in_a_part_answers_the_poll_at_once_and_the_whole_tells_no_second_one() {
    let house = House::new().await;
    let rental = house.rent("acme", "202").await;
    let key = Key::new(
        "a-key-that-is-long-enough",
        AccountId::parse("acme").unwrap(),
        house.clock.now(),
    );
    house.gateway.add_key(key.clone()).await.unwrap();
    let polling = house.gateway.code(&key, rental.id, Duration::from_secs(60));
    tokio::pin!(polling);
    assert!(
        tokio::time::timeout(Duration::from_millis(20), &mut polling)
            .await
            .is_err()
    );
    house.part("p2", &number("202"), [7, 3, 2], THREE[1]).await;
    let Ok(Ok(Code::Settled(settled))) = tokio::time::timeout(Duration::from_secs(20), polling).await else {
        panic!("the poll hears of the part")
    };
    assert_eq!(
        (settled.status, settled.code.unwrap().code.as_str()),
        (Status::Completed, "482913")
    );
    house.part("p3", &number("202"), [7, 3, 3], THREE[2]).await;
    house.part("p1", &number("202"), [7, 3, 1], THREE[0]).await;
    assert_eq!(house.heard("acme"), [code(THREE[1]), received(&whole())]);
    let told = house.told("acme");
    assert_eq!((&told[0].1["part"], &told[0].1["parts"]), (&json!(2), &json!(3)));
    assert_eq!(
        (&told[1].1["part"], &told[1].1["parts"]),
        (&json!(null), &json!(3))
    );
    assert_eq!(told[1].1["otpCode"], json!(null));
    let rental = house.now_of(&rental).await;
    assert_eq!(
        rental.code.unwrap().text,
        whole(),
        "who looks later sees all of it"
    );
    assert_eq!(rental.messages.len(), 2);
}

/// The text of a code is cut in two: neither half is one, and the whole is.
#[tokio::test]
async fn a_code_that_is_cut_waits_for_the_whole() {
    let house = House::new().await;
    house.rent("acme", "202").await;
    house
        .part("p1", &number("202"), [7, 2, 1], "Your verification code is 4829")
        .await;
    house
        .part("p2", &number("202"), [7, 2, 2], "1355 for Google.")
        .await;
    let told = house.told("acme");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0].0.as_str(), &told[0].1["otpCode"]),
        ("verification.code_received", &json!("48291355"))
    );
}

#[tokio::test]
async fn both_widths_of_references_and_other_senders_are_other_messages() {
    let house = House::new().await;
    house.rent("acme", "202").await;
    let to = number("202");
    house.kannel("a1", &to, &[5, 0, 3, 7, 2, 1], "Hello ").await;
    house.kannel("b2", &to, &[6, 8, 4, 0, 7, 2, 2], "moon.").await;
    house.kannel("c2", &to, &[5, 0, 3, 8, 2, 2], "mars.").await;
    assert_eq!(house.heard("acme"), [""; 0]);
    house.kannel("a2", &to, &[5, 0, 3, 7, 2, 2], "world.").await;
    house
        .kannel("b1", &to, &[6, 8, 4, 0, 7, 2, 1], "Good night ")
        .await;
    house.kannel("c1", &to, &[5, 0, 3, 8, 2, 1], "Back to ").await;
    assert_eq!(
        house.heard("acme"),
        ["Hello world.", "Good night moon.", "Back to mars."].map(received)
    );
}

#[tokio::test]
async fn parts_are_delivered_as_they_are_when_their_time_is_up_and_each_part_renews_it() {
    let house = House::new().await;
    house.rent("acme", "202").await;
    let to = number("202");
    house.part("p1", &to, [7, 3, 1], THREE[0]).await;
    house.pass(60_000);
    house.part("p3", &to, [7, 3, 3], THREE[2]).await;
    house.pass(WAIT_MS - 1);
    assert_eq!(
        house.gateway.sweep_parts().await.unwrap(),
        0,
        "the second part renewed the time"
    );
    house.pass(1);
    assert_eq!(house.gateway.sweep_parts().await.unwrap(), 1);
    assert_eq!(house.gateway.sweep_parts().await.unwrap(), 0);
    assert_eq!(house.heard("acme"), [received(THREE[0]), received(THREE[2])]);
    let told = house.told("acme");
    assert_eq!((&told[1].1["part"], &told[1].1["parts"]), (&json!(3), &json!(3)));
    // What comes after that is another message.
    house
        .part("p2", &to, [7, 3, 2], "Your other code 77, or so.")
        .await;
    assert_eq!(house.heard("acme").len(), 2);
}

#[tokio::test]
async fn what_a_part_told_is_not_told_again_when_the_time_is_up() {
    let house = House::new().await;
    house.rent("acme", "202").await;
    house.part("p2", &number("202"), [7, 3, 2], THREE[1]).await;
    house
        .part(
            "p1",
            &number("202"),
            [7, 3, 1],
            "Your code is 111222, or the next one. ",
        )
        .await;
    house.pass(WAIT_MS);
    assert_eq!(house.gateway.sweep_parts().await.unwrap(), 1);
    // Of one message one code is told, and the other part still as a text.
    assert_eq!(
        house.heard("acme"),
        [code(THREE[1]), received("Your code is 111222, or the next one. ")]
    );
}

#[tokio::test]
async fn a_conflict_ends_the_old_set_and_begins_a_new_one() {
    let house = House::new().await;
    house.rent("acme", "202").await;
    let to = number("202");
    house.part("a1", &to, [7, 2, 1], "Old beginning, ").await;
    house.part("b1", &to, [7, 2, 1], "New beginning, ").await;
    assert_eq!(house.heard("acme"), [received("Old beginning, ")]);
    house.part("b1-again", &to, [7, 2, 1], "New beginning, ").await;
    house.part("b2", &to, [7, 2, 2], "new end.").await;
    assert_eq!(
        house.heard("acme"),
        [received("Old beginning, "), received("New beginning, new end.")]
    );
    // The reference again, after it was complete.
    house.part("c2", &to, [7, 2, 2], "another end.").await;
    house.part("c1", &to, [7, 2, 1], "Another beginning, ").await;
    assert_eq!(
        house.heard("acme")[2..],
        [received("Another beginning, another end.")]
    );
}

#[tokio::test]
async fn parts_survive_a_restart() {
    let house = House::new().await;
    let rental = house.rent("acme", "202").await;
    house.part("p1", &number("202"), [7, 3, 1], THREE[0]).await;
    let house = house.restarted(rules());
    house.part("p2", &number("202"), [7, 3, 2], THREE[1]).await;
    let house = house.restarted(rules());
    house.part("p1", &number("202"), [7, 3, 1], THREE[0]).await;
    house.part("p2-again", &number("202"), [7, 3, 2], THREE[1]).await;
    house.part("p3", &number("202"), [7, 3, 3], THREE[2]).await;
    assert_eq!(house.heard("acme"), [code(THREE[1]), received(&whole())]);
    assert_eq!(house.now_of(&rental).await.code.unwrap().text, whole());
    let house = house.restarted(rules());
    house.pass(2 * WAIT_MS);
    assert_eq!(
        house.gateway.sweep_parts().await.unwrap(),
        0,
        "nothing is left of it"
    );
}

/// The number changed hands between two parts: nobody gets a part of another's message.
#[tokio::test]
async fn parts_of_two_renters_are_not_joined() {
    let house = House::new().await;
    let first = house.rent("acme", "202").await;
    house.part("p1", &number("202"), [7, 2, 1], "Hello ").await;
    house.gateway.cancel(&first.account, first.id).await.unwrap();
    house.pass(900_001);
    house.rent("globex", "202").await;
    house.part("p2", &number("202"), [7, 2, 2], "stranger.").await;
    assert_eq!(house.heard("acme")[1..], [received("Hello ")]);
    assert_eq!(house.heard("globex"), [""; 0]);
    house.pass(WAIT_MS);
    house.gateway.sweep_parts().await.unwrap();
    assert_eq!(house.heard("acme").len(), 2);
    assert_eq!(house.heard("globex"), [received("stranger.")]);
}

#[tokio::test]
async fn parts_of_nobody_are_joined_and_listed() {
    let house = House::new().await;
    house.part("p2", &number("999"), [7, 2, 2], "world.").await;
    assert_eq!(house.store.unmatched(None, 10).unwrap().len(), 0);
    house.part("p1", &number("999"), [7, 2, 1], "Hello ").await;
    house.part("q1", &number("999"), [8, 2, 1], "Half of ").await;
    house.pass(WAIT_MS);
    house.gateway.sweep_parts().await.unwrap();
    let texts: Vec<String> = house
        .store
        .unmatched(None, 10)
        .unwrap()
        .into_iter()
        .map(|m| m.text)
        .collect();
    assert_eq!(texts.len(), 2);
    assert!(
        texts.contains(&"Hello world.".into()) && texts.contains(&"Half of ".into()),
        "{texts:?}"
    );
}

#[tokio::test]
async fn over_the_limit_of_sets_a_part_is_delivered_as_it_is() {
    let house = House::new().await;
    house.rent("acme", "202").await;
    for reference in 0..4 {
        let text = format!("part {reference}");
        house.part(&text, &number("202"), [reference, 2, 1], &text).await;
    }
    assert_eq!(house.heard("acme"), [received("part 3")], "three may wait");
    house.part("end", &number("202"), [1, 2, 2], " and end").await;
    assert_eq!(house.heard("acme")[1..], [received("part 1 and end")]);
    house.part("again", &number("202"), [9, 2, 1], "part 9").await;
    assert_eq!(house.heard("acme").len(), 2, "a place became free");
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any number of parts in any order, each perhaps twice: one code is told, whichever part it stands in, and the whole text once.
    #[test]
    fn any_order_tells_one_code_and_the_whole(total in 2u8..=255, at in 1u8..=255, order: u64, cut_at in 0usize..300) {
        let at = (at - 1) % total + 1;
        let text = |n: u8| if n == at { "Your Google code is 482913. ".to_owned() } else { format!("Line {n}. ") };
        let mut parts: Vec<u8> = (1..=total).chain(1..=total / 3).collect();
        let mut dice = order;
        for at in (1..parts.len()).rev() {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            parts.swap(at, (dice >> 33) as usize % (at + 1));
        }
        // What comes after the set is complete would begin another one.
        let firsts = |parts: &[u8]| parts.iter().collect::<BTreeSet<_>>().len();
        while firsts(&parts[..parts.len() - 1]) == usize::from(total) {
            parts.pop();
        }
        let heard = run(async {
            let mut house = House::new().await;
            house.rent("acme", "202").await;
            for (n, number_of_part) in parts.iter().enumerate() {
                if n == cut_at % parts.len() {
                    house = house.restarted(rules());
                }
                house.part(&format!("m{n}"), &number("202"), [7, total, *number_of_part], &text(*number_of_part)).await;
            }
            house.heard("acme")
        });
        let whole: String = (1..=total).map(text).collect();
        let codes = heard.iter().filter(|heard| heard.starts_with("verification.code_received")).count();
        prop_assert_eq!(codes, 1, "{:?}", heard);
        prop_assert_eq!(heard.iter().filter(|heard| heard.ends_with(&whole)).count(), 1);
    }
}
