//! SIGKILL under load, again and again on one folder: what was answered with 2xx is there exactly once, what is owed arrives.
//! At fan-out 4. `RINGBACK_CRASH_ROUNDS` is the number of rounds, however long they take.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use ringback::clock::monotonic;
use serde_json::Value;

use super::books::{Books, Rented};
use super::dice::{Dice, setting};
use super::load::Load;
use super::process::Gateway;
use super::sink::{PATHS, Sink};

const ROUNDS: u64 = 60;
/// No new round begins after this, so that a slow disk does not hold up everything else.
const TIME_MAX: Duration = Duration::from_secs(150);
const CUSTOMERS: u64 = 4;

async fn shown(gateway: &Gateway, rental: &Rented) -> Value {
    let (status, shown) = gateway
        .get(&format!("/api/verifications/{}", rental.id))
        .await
        .unwrap();
    assert_eq!(status, 200, "rental {} was acknowledged and is lost", rental.id);
    shown
}

/// What a rental must show: nothing acknowledged is missing, and nothing is there that was never asked for.
fn check(rental: &Rented, shown: &Value) {
    let status = shown["status"].as_str().unwrap();
    let heard = rental.sent.iter().rposition(|sent| sent.answered.is_some());
    // The last message that was answered, or one after it that was handed in and perhaps kept.
    let possible: Vec<&str> = rental.sent[heard.unwrap_or(0)..]
        .iter()
        .map(|sent| sent.code.as_str())
        .collect();
    match shown["otpCode"].as_str() {
        Some(code) => assert!(
            status == "completed" && possible.contains(&code),
            "{shown}: one of {possible:?}"
        ),
        None => assert!(heard.is_none() && status != "completed", "{shown}: {possible:?}"),
    }
    assert_eq!(
        status == "cancelled",
        rental.cancel.answered.is_some() || (rental.cancel.asked && status == "cancelled")
    );
}

async fn load(gateway: &Gateway, dice: &mut Dice) -> Books {
    let books = Mutex::new(Books::default());
    let after = Duration::from_millis(20 + dice.below(380));
    let load = Load {
        gateway,
        books: &books,
        journal: None,
        rentals_max: 3,
        text_bytes_max: 0,
    };
    let customers = (0..CUSTOMERS).map(|_| load.customer(Dice::new(dice.next())));
    let mut all = pin!(futures_util::future::join_all(customers));
    // What is under way when the kill comes ends by itself: its connection is gone.
    tokio::select! {
        _ = &mut all => gateway.kill(),
        () = tokio::time::sleep(after) => {
            gateway.kill();
            all.await;
        }
    }
    std::mem::take(&mut *books.lock().unwrap())
}

/// Everything acknowledged in this round is there, and its repetition changes nothing.
async fn check_round(gateway: &Gateway, books: &Books) {
    for rental in &books.rentals {
        let before = shown(gateway, rental).await;
        check(rental, &before);
        for sent in rental.sent.iter().filter(|sent| sent.answered.is_some()) {
            let status = gateway.message(&sent.draft).await.unwrap();
            assert!((200..300).contains(&status), "a repetition heard {status}");
        }
        assert_eq!(shown(gateway, rental).await, before, "a repetition changed it");
    }
}

/// Tells the sink what the newest hundred of each subscription's log say was delivered.
async fn note_recorded(gateway: &Gateway, sink: &Sink, subscriptions: &[String]) {
    for (path, id) in PATHS.iter().zip(subscriptions) {
        let logs = format!("/api/webhooks/{id}/logs?status=delivered&limit=100");
        let (status, page) = gateway.get(&logs).await.unwrap();
        assert_eq!(status, 200, "{page}");
        for line in page["logs"].as_array().unwrap() {
            sink.recorded(path, line["eventId"].as_str().unwrap());
        }
    }
}

/// Waits until no delivery is owed an attempt or a record.
async fn all_recorded(gateway: &Gateway, subscriptions: &[String]) {
    let began = monotonic();
    for id in subscriptions {
        let pending = format!("/api/webhooks/{id}/deliveries?status=pending&limit=1");
        while let (_, page) = gateway.get(&pending).await.unwrap()
            && page["deliveries"] != serde_json::json!([])
        {
            assert!(began.elapsed() < Duration::from_secs(30), "{page}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Each delivery was recorded as delivered, and once; how many there are.
async fn check_log(gateway: &Gateway, subscriptions: &[String]) -> usize {
    let mut deliveries = 0;
    for id in subscriptions {
        let (logs, mut cursor) = (format!("/api/webhooks/{id}/logs"), String::new());
        loop {
            let (_, page) = gateway.get(&format!("{logs}?limit=100{cursor}")).await.unwrap();
            for line in page["logs"].as_array().unwrap() {
                assert_eq!(line["status"], "delivered", "{line}");
                deliveries += 1;
                if line["attempts"] == 1 {
                    continue;
                }
                let delivery = format!("{logs}/{}?limit=100", line["id"].as_str().unwrap());
                let (_, shown) = gateway.get(&delivery).await.unwrap();
                let attempts = shown["attempts"].as_array().unwrap().iter();
                let made = attempts.filter(|attempt| attempt["status"] == "delivered");
                assert_eq!(made.count(), 1, "recorded, and sent again: {shown}");
            }
            let Some(next) = page["nextCursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
    }
    deliveries
}

/// Waits until the sink has all that is owed.
async fn delivered(sink: &Sink, rounds: &[Books], work: &Path) {
    let owed: Vec<String> = rounds
        .iter()
        .flat_map(Books::events)
        .map(|event| event.to_string())
        .collect();
    let began = monotonic();
    while let Some(missing) = owed.iter().find(|event| !sink.has(event)) {
        let log = || std::fs::read_to_string(work.join("log")).unwrap();
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{missing} was never delivered\n{}",
            log()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Each message made one event, and each rental one of each kind, however often it was repeated or killed over.
fn check_events(sink: &Sink, rounds: &[Books]) {
    let mut about: BTreeMap<String, usize> = BTreeMap::new();
    let events = sink.events();
    for body in events.values() {
        let data = &body["data"];
        *about
            .entry(format!("{} {} {}", body["type"], data["id"], data["messageId"]))
            .or_default() += 1;
    }
    assert!(about.values().all(|count| *count == 1), "{about:?}");
    let known: Vec<String> = rounds
        .iter()
        .flat_map(|b| &b.rentals)
        .map(|r| r.id.to_string())
        .collect();
    let foreign = events
        .values()
        .filter(|body| !known.iter().any(|id| body["data"]["id"] == id.as_str()))
        .count();
    let unanswered: usize = rounds.iter().map(|books| books.rents_unanswered).sum();
    assert!(
        foreign <= unanswered,
        "{foreign} events of rentals that nobody asked for"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    let seed = Dice::seed("kill -9");
    let mut dice = Dice::new(seed);
    let work = tempfile::tempdir().unwrap();
    let sink = Sink::start(dice.next()).await;
    let mut gateway = Gateway::start(work.path(), &[]).await;
    let mut subscriptions = Vec::new();
    for path in PATHS {
        let url = format!("http://{}{path}", sink.address);
        subscriptions.push(gateway.subscribe(&url).await);
    }
    let began = monotonic();
    let mut rounds: Vec<Books> = Vec::new();
    let wanted = setting("RINGBACK_CRASH_ROUNDS");
    for _ in 0..wanted.unwrap_or(ROUNDS) {
        if wanted.is_none() && began.elapsed() > TIME_MAX {
            break;
        }
        rounds.push(load(&gateway, &mut dice).await);
        sink.next_life();
        gateway = Gateway::start(work.path(), &[]).await;
        check_round(&gateway, rounds.last().unwrap()).await;
        note_recorded(&gateway, &sink, &subscriptions).await;
    }
    delivered(&sink, &rounds, work.path()).await;
    for rental in rounds.iter().flat_map(|books| &books.rentals) {
        check(rental, &shown(&gateway, rental).await);
    }
    check_events(&sink, &rounds);
    sink.check_repetitions();
    all_recorded(&gateway, &subscriptions).await;
    assert_eq!(check_log(&gateway, &subscriptions).await, sink.accepted());
    let acknowledged: usize = rounds.iter().map(Books::acknowledged).sum();
    let unanswered: usize = rounds.iter().map(|books| books.rents_unanswered).sum();
    println!(
        "kill -9: {} rounds, {acknowledged} acknowledged, 0 lost, {unanswered} rents unanswered, {} calls repeated, {:?}",
        rounds.len(),
        sink.repetitions(),
        began.elapsed()
    );
    assert!(acknowledged > rounds.len(), "too little load to show anything");
}
