//! A replay across the power cut at each of its commits, and across SIGKILL again and again: it goes on where it was, skips nothing, and
//! asks for nothing twice.

use std::collections::BTreeMap;
use std::time::Duration;

use ringback::clock::monotonic;
use ringback::core::id::{ReplayId, Seq, SubscriptionId};
use ringback::gateway::ReplayWish;
use ringback::store::sim::Disk;
use ringback::store::{Reads, Store};
use serde_json::{Value, json};

use super::dice::{Dice, setting};
use super::fused::Cut;
use super::process::Gateway;
use super::script::{Acknowledged, World};
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

/// The replay of this world, made where it is not there yet.
async fn replay_of(world: &World) -> ReplayId {
    if let Some(known) = world.gateway.replays(&world.account).first() {
        return known.id;
    }
    let wish = ReplayWish {
        per_second: Some(10),
        ..ReplayWish::default()
    };
    world.gateway.replay(&world.account, wish, None).await.unwrap().id
}

/// Makes the replay go on to its end, so long after the script began; false where the power went before.
async fn walked(disk: &Disk, cut: Option<Cut>, after_s: u64) -> (World, bool) {
    let world = World::open(disk.clone(), cut);
    world.clock.pass(after_s * 1000);
    world.deliver(&mut Acknowledged::default()).await;
    let to_its_end = async {
        let id = replay_of(&world).await;
        while world.gateway.replay_of(&world.account, id).unwrap().is_running() {
            world.clock.pass(100);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let ended = tokio::select! {
        biased;
        () = world.store.blown.notified() => false,
        () = to_its_end => true,
        () = world.gateway.replay_for_ever() => unreachable!("nobody stops it"),
    };
    (world, ended)
}

/// How often each delivery was asked for and made.
fn asked(world: &World) -> BTreeMap<(SubscriptionId, Seq), usize> {
    let mut asked = BTreeMap::new();
    for subscription in world.store.live().subscriptions(&world.account) {
        for attempt in world.store.attempts(subscription.id, None, 1000).unwrap() {
            let count = asked.entry((subscription.id, attempt.due.event)).or_default();
            *count += usize::from(attempt.due.is_manual());
        }
    }
    asked
}

/// What was asked for before a cut is delivered before the replay goes on, so that asking for it again would be seen.
#[tokio::test(start_paused = true)]
async fn the_power_goes_at_every_commit_of_a_replay() {
    let script = World::open(Disk::default(), None);
    assert_eq!(script.play(0, &mut Acknowledged::default()).await, None);
    let disk = script.store.disk();
    let (whole, ended) = walked(&disk, None, 2000).await;
    let commits = whole.store.commits();
    assert!(ended && commits > 12, "{commits} commits");
    for at in 0..commits {
        for synced in [false, true] {
            let (cut, ended) = walked(&disk, Some(Cut { at, synced }), 2000).await;
            assert!(!ended, "cut at commit {at} of {commits}");
            let (world, ended) = walked(&cut.store.disk(), None, 2100).await;
            assert!(ended);
            world.deliver(&mut Acknowledged::default()).await;
            let replays = world.gateway.replays(&world.account);
            assert_eq!(replays.len(), 1);
            assert_eq!(
                (replays[0].status(), replays[0].counts.deliveries),
                ("finished", 40)
            );
            let asked = asked(&world);
            let once = asked.values().filter(|count| **count == 1).count();
            let by_themselves = asked.values().filter(|count| **count == 0).count();
            // The end is told to both, and nobody asked for that.
            assert_eq!(
                (once, by_themselves),
                (40, 2),
                "cut at commit {at}, synced: {synced}"
            );
        }
    }
}
