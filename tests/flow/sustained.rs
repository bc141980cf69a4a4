//! Sustained ingest over real sockets: four carriers, every message up to three times, long ones part by part, all of it shuffled and sent by
//! many at once; each message is heard of once and whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use toml::Table;

use crate::support::carrier::{self, STANDARD, TELNYX, TWILIO, draft};
use crate::support::client::Call;
use crate::support::gateway::Gateway;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const RENTALS: usize = 40;
const SINGLES: usize = 3_000;
const LONG: usize = 300;
const PARTS: usize = 3;
const SENDERS: usize = 24;

/// The three signing carriers and Kannel, which brings long messages in parts.
async fn gateway() -> Gateway {
    let mut over = Table::new();
    let mut sources = carrier::sources();
    let kannel = toml::toml! {
        name = "kannel"
        carrier = "kannel"
        path_tokens = ["0123456789abcdef0123456789abcdef"]
    };
    sources.as_array_mut().unwrap().push(kannel.into());
    over.insert("source".into(), sources);
    Gateway::start_with(over).await
}

fn text(n: usize) -> String {
    format!("Greetings from friend number {n}, see you soon.")
}

fn part_text(n: usize, part: usize) -> String {
    format!("[{n}] page {part} of a long letter; ")
}

fn whole_text(n: usize) -> String {
    (1..=PARTS).map(|part| part_text(n, part)).collect()
}

/// One message of its carrier; repeated, it is the very same.
fn single(n: usize, to: &str) -> Call {
    let source = [TELNYX, TWILIO, STANDARD][n % 3];
    let draft = draft(&format!("single-{n}"), to, &text(n));
    carrier::call(source, &carrier::request(source, &draft))
}

/// A part as Kannel hands it over, with its user data header.
fn part(n: usize, part: usize, to: &str) -> Call {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("id", &format!("long-{n}-{part}"))
        .append_pair("from", &format!("+1303555{n:04}"))
        .append_pair("to", to)
        .append_pair("coding", "0")
        .append_pair("charset", "UTF-8")
        .append_pair("text", &part_text(n, part))
        .finish();
    Call::get(&format!(
        "/inbound/kannel/{TOKEN}?{query}&udh=%05%00%03%{:02X}%{PARTS:02X}%{part:02X}",
        n % 256
    ))
}

/// Everything that is sent, in an order that has nothing to do with that of the messages.
fn requests(numbers: &[String]) -> Vec<Call> {
    let to = |n: usize| numbers[n % RENTALS].as_str();
    let mut all = Vec::new();
    for n in 0..SINGLES {
        all.extend(std::iter::repeat_n(single(n, to(n)), 1 + n % 3));
    }
    for n in 0..LONG {
        for number in 1..=PARTS {
            all.extend(std::iter::repeat_n(part(n, number, to(n)), 1 + (n + number) % 2));
        }
    }
    let mut dice: u64 = 7;
    for at in (1..all.len()).rev() {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        all.swap(at, (dice >> 33) as usize % (at + 1));
    }
    all
}

/// Sends until the gateway takes it, as a carrier does.
async fn insist(gateway: &Gateway, call: &Call) {
    loop {
        let status = call.send(gateway.address).await.status;
        if (200..300).contains(&status) {
            return;
        }
        assert_eq!(status, 503, "nothing but a busy gateway may refuse it");
    }
}

/// The text of every message that was told, and how often.
async fn told(gateway: &Gateway) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = gateway
            .get(&format!("/api/events?limit=100{after}"))
            .await
            .expect(200);
        let events = page["events"].as_array().unwrap();
        let texts = events
            .iter()
            .filter_map(|event| event["payload"]["data"]["smsContent"].as_str());
        texts.for_each(|text| *told.entry(text.to_owned()).or_default() += 1);
        if page["more"] == Value::Bool(false) {
            return told;
        }
        after = format!("&after={}", page["nextCursor"].as_str().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repetitions_parts_and_disorder_lose_nothing_and_double_nothing() {
    let gateway = Arc::new(gateway().await);
    let mut numbers = Vec::new();
    for _ in 0..RENTALS {
        numbers.push(gateway.rent("google").await.number);
    }
    let requests = Arc::new(requests(&numbers));
    let next = Arc::new(AtomicUsize::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (gateway, requests, next) = (gateway.clone(), requests.clone(), next.clone());
            tokio::spawn(async move {
                while let Some(call) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    insist(&gateway, call).await;
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let expected: BTreeMap<String, usize> = (0..SINGLES)
        .map(text)
        .chain((0..LONG).map(whole_text))
        .map(|text| (text, 1))
        .collect();
    assert_eq!(requests.len(), 7_350);
    let told = told(&gateway).await;
    let wrong: Vec<_> = expected
        .keys()
        .chain(told.keys())
        .filter(|text| told.get(*text) != expected.get(*text))
        .take(5)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(
        gateway.total("ringback_inbound_duplicates_total"),
        (7_350 - SINGLES - LONG * PARTS) as u64
    );
}
