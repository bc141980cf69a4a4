//! Everything at once: requests with several messages, parts, repetitions and restarts in any order lose nothing and double nothing.

use proptest::prelude::*;
use ringback::gateway::Rules;

use super::house::{BATCHING, House, number, receive, request, rules};

/// One request: a carrier that brings several messages, or one part of a longer one.
#[derive(Debug, Clone)]
enum Request {
    Several(&'static str, Vec<usize>),
    Part(usize, u8, u8),
}

/// The text of a message; each is the only one of its kind and has no code.
fn text(n: usize) -> String {
    format!("Greeting of {} friends, ", "very ".repeat(n + 1))
}

/// Messages in requests of one to three, then longer ones part by part; each request once or more.
fn requests(singles: usize, longer: &[u8], again: &[usize]) -> Vec<Request> {
    let several = (0..singles).collect::<Vec<usize>>();
    let mut all: Vec<Request> = several
        .chunks(3)
        .enumerate()
        .map(|(n, chunk)| Request::Several(BATCHING[n % 3], chunk.to_vec()))
        .collect();
    for (n, total) in longer.iter().enumerate() {
        all.extend((1..=*total).map(|part| Request::Part(n, *total, part)));
    }
    let repeated: Vec<Request> = again.iter().map(|n| all[n % all.len()].clone()).collect();
    all.extend(repeated);
    all
}

async fn send(house: &House, sent: &Request) {
    let to = number("202");
    match sent {
        Request::Several(carrier, messages) => {
            let messages: Vec<(String, String)> =
                messages.iter().map(|n| (format!("s{n}"), text(*n))).collect();
            let items: Vec<_> = messages
                .iter()
                .map(|(id, text)| (id.as_str(), &*to, text.as_str()))
                .collect();
            receive(house, request(carrier, &items)).await.unwrap();
        }
        Request::Part(n, total, part) => {
            let reference = u8::try_from(*n).unwrap();
            let id = format!("p{n}-{part}");
            house
                .part(&id, &to, [reference, *total, *part], &format!("{n}/{part} "))
                .await;
        }
    }
}

fn longer_text(n: usize, total: u8) -> String {
    (1..=total).map(|part| format!("{n}/{part} ")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_is_lost_and_nothing_doubled(
        singles in 1usize..40,
        longer in proptest::collection::vec(2u8..6, 0..8),
        again in proptest::collection::vec(0usize..1000, 0..40),
        order: u64,
        restart_every in 5usize..40,
    ) {
        let mut all = requests(singles, &longer, &again);
        let mut dice = order;
        for at in (1..all.len()).rev() {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            all.swap(at, (dice >> 33) as usize % (at + 1));
        }
        let rules = || Rules { sets_per_sender_max: 1000, ..rules() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut heard = runtime.block_on(async {
            let mut house = House::new().await.restarted(rules());
            house.rent("acme", "202").await;
            for (n, sent) in all.iter().enumerate() {
                if n % restart_every == 0 {
                    house = house.restarted(rules());
                }
                send(&house, sent).await;
            }
            house.heard("acme")
        });
        let texts = (0..singles).map(text).chain(longer.iter().enumerate().map(|(n, total)| longer_text(n, *total)));
        let mut expected: Vec<String> = texts.map(|text| format!("message.received {text}")).collect();
        heard.sort();
        expected.sort();
        prop_assert_eq!(heard, expected);
    }
}
