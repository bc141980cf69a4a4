//! SIGKILL in the middle of a replay, again and again: it goes on where it was, skips nothing, and asks for nothing twice.

use std::time::Duration;

use ringback::clock::monotonic;
use serde_json::{Value, json};

use super::dice::{Dice, setting};
use super::process::Gateway;
use super::sink::{PATHS, Sink};

const EVENTS: usize = 60;
const KILLS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(120);

async fn get(gateway: &Gateway, path: &str) -> Value {
    let (status, shown) = gateway.get(path).await.unwrap();
    assert_eq!(status, 200, "{path}: {shown}");
    shown
}

/// Waits until so many deliveries of these events are there and all are delivered; the recorded attempts of each.
async fn delivered(gateway: &Gateway, id: &str, attempts: usize) -> Vec<u64> {
    let path = format!("/api/webhooks/{id}/deliveries?types=message.*&status=delivered&limit=100");
    let began = monotonic();
    loop {
        let all = get(gateway, &path).await;
        let all = all["deliveries"].as_array().unwrap();
        let counts: Vec<u64> = all.iter().map(|one| one["attempts"].as_u64().unwrap()).collect();
        let is_idle = all.iter().all(|one| one["owed"] == json!([]));
        if is_idle && counts.iter().sum::<u64>() as usize >= attempts {
            return counts;
        }
        assert!(began.elapsed() < PATIENCE, "{counts:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_is_killed_again_and_again_asks_for_everything_once() {
    let seed = setting("RINGBACK_CRASH_SEED").unwrap_or(11);
    println!("RINGBACK_CRASH_SEED={seed}");
    let mut dice = Dice::new(seed);
    let work = tempfile::tempdir().unwrap();
    let sink = Sink::start(seed).await;
    let mut gateway = Gateway::start(work.path(), &[]).await;
    let url = format!("http://{}{}", sink.address, PATHS[0]);
    let id = gateway.subscribe(&url).await;
    for _ in 0..EVENTS {
        let made = gateway
            .post("/api/events/test", json!({ "type": "message.received" }))
            .await;
        assert_eq!(made.unwrap().0, 201);
    }
    assert_eq!(delivered(&gateway, &id, EVENTS).await, vec![1; EVENTS]);
    let wish = json!({ "types": ["message.received"], "ratePerS": 30 });
    let (status, made) = gateway.post("/api/replays", wish).await.unwrap();
    assert_eq!(status, 202, "{made}");
    let path = format!("/api/replays/{}", made["id"].as_str().unwrap());
    let mut seen = 0;
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(50 + dice.below(400))).await;
        gateway.kill();
        sink.next_life();
        gateway = Gateway::start(work.path(), &[]).await;
        let asked = get(&gateway, &path).await["deliveries"].as_u64().unwrap();
        assert!(asked >= seen, "it went back from {seen} to {asked}");
        seen = asked;
    }
    let began = monotonic();
    let ended = loop {
        let shown = get(&gateway, &path).await;
        if shown["status"] != "running" {
            break shown;
        }
        assert!(began.elapsed() < PATIENCE, "{shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        (&ended["status"], &ended["deliveries"]),
        (&json!("finished"), &json!(EVENTS))
    );
    let attempts = delivered(&gateway, &id, 2 * EVENTS).await;
    assert_eq!(attempts, vec![2; EVENTS], "one by itself, one asked for");
    let told = get(&gateway, "/api/events?types=replay.finished").await;
    assert_eq!(
        told["events"].as_array().unwrap().len(),
        1,
        "its end is told once"
    );
}
