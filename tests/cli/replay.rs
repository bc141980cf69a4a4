//! `deliveries` and `replay` against a running `dev`: tables for people, JSON for programs, progress as lines, and Ctrl-C that leaves it running.

use serde_json::{Value, json};

use super::process::{Ended, Home, Running};
use crate::support::client::Call;
use crate::support::subscriber::Subscriber;

const RECEIVED: &str = "message.received";

struct Dev {
    home: Home,
    running: Running,
    subscriber: Subscriber,
    base: String,
    key: String,
}

impl Dev {
    /// With one subscriber, which answers so.
    async fn start(statuses: &[u16]) -> Self {
        let home = Home::new();
        let (running, facts) = home.dev(&[]).await;
        let text = |name: &str| facts[name].as_str().unwrap().to_owned();
        let subscriber = Subscriber::start(statuses).await;
        let dev = Self {
            base: text("base_url"),
            key: text("api_key"),
            home,
            running,
            subscriber,
        };
        let wish = json!({ "url": dev.subscriber.url, "events": [RECEIVED], "retry": { "scheduleS": [0] } });
        let address = dev.base.trim_start_matches("http://").parse().unwrap();
        let made = Call::post("/api/webhooks", &wish)
            .key(&dev.key)
            .send(address)
            .await;
        made.expect(201);
        dev
    }

    async fn run(&self, arguments: &[&str]) -> Ended {
        let at = ["--gateway", &self.base, "--api-key", &self.key];
        self.home.run(&[arguments, &at].concat()).await
    }

    async fn ok(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.err);
        ended.out
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let out = self.ok(&[arguments, &["--json"]].concat()).await;
        serde_json::from_str(&out).expect("one value of JSON")
    }

    /// Makes events happen and waits until the subscriber has heard them; the last one's id.
    async fn happen(&mut self, count: usize) -> String {
        let mut id = String::new();
        for _ in 0..count {
            self.ok(&["trigger", RECEIVED]).await;
            id = self.subscriber.next().await.header("webhook-id").to_owned();
        }
        id
    }

    /// Until all that was sent is recorded as such.
    async fn settled(&self, status: &str, count: usize) {
        let deadline = std::time::Instant::now() + crate::support::PATIENCE;
        loop {
            let all = self.json(&["deliveries", "ls", "--status", status]).await;
            if all["deliveries"].as_array().unwrap().len() == count {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "{all}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_is_listed_shown_and_sent_again_by_the_id_that_its_receiver_saw() {
    let mut dev = Dev::start(&[500]).await;
    let event = dev.happen(1).await;
    dev.settled("exhausted", 1).await;
    let table = dev
        .ok(&["deliveries", "ls", "--since", "1h", "--type", "message.*"])
        .await;
    assert!(table.starts_with("id ") && table.contains("exhausted"), "{table}");
    let shown = dev.ok(&["deliveries", "show", &event]).await;
    assert!(
        shown.contains(&event) && shown.contains("automatic") && shown.contains("5xx"),
        "{shown}"
    );
    let asked = dev.ok(&["deliveries", "retry", &event]).await;
    assert!(asked.contains("is sent again"), "{asked}");
    assert_eq!(dev.subscriber.next().await.header("webhook-id"), event);
    dev.settled("delivered", 1).await;
    let id = dev.json(&["deliveries", "ls"]).await["deliveries"][0]["id"].clone();
    let shown = dev.json(&["deliveries", "show", id.as_str().unwrap()]).await;
    assert_eq!(shown["attemptLog"][0]["trigger"], "manual");
    let refused = dev.run(&["deliveries", "show", "dlv_1"]).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    let never = format!("evt_{}", "0".repeat(32));
    assert_eq!(dev.run(&["deliveries", "retry", &never]).await.code, Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_is_counted_then_made_listed_and_cancelled() {
    let mut dev = Dev::start(&[500, 500]).await;
    dev.happen(3).await;
    dev.settled("exhausted", 2).await;
    let counted = dev.ok(&["replay", "--missing-only", "--dry-run"]).await;
    // Three messages, and that two of them were given up.
    assert!(
        counted.contains("would ask for 2 deliveries of 5 events"),
        "{counted}"
    );
    assert_eq!(counted.matches("  dlv_").count(), 2, "{counted}");
    let made = dev
        .run(&[
            "replay",
            "--since",
            "1h",
            "--status",
            "exhausted,expired",
            "--rate",
            "10",
        ])
        .await;
    assert!(
        made.out.contains("finished: asked for 2 deliveries"),
        "{} {}",
        made.out,
        made.err
    );
    assert!(
        made.err.contains(" %  "),
        "progress in plain lines, for this is no terminal: {}",
        made.err
    );
    for _ in 0..2 {
        dev.subscriber.next().await;
    }
    let all = dev.ok(&["replay", "ls"]).await;
    assert!(all.matches("finished").count() == 2, "{all}");
    let id = dev.json(&["replay", "ls"]).await["replays"][0]["id"].clone();
    let id = id.as_str().unwrap();
    assert_eq!(dev.json(&["replay", "show", id]).await["status"], "finished");
    let ended = dev.ok(&["replay", "cancel", id]).await;
    assert!(
        ended.contains("finished"),
        "what has ended stays as it is: {ended}"
    );
    assert_eq!(dev.run(&["replay", "--since", "soon"]).await.code, Some(2));
    assert_eq!(dev.run(&["replay", "--status", "good"]).await.code, Some(5));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_draws_its_bar_over_itself_where_somebody_looks() {
    let mut dev = Dev::start(&[]).await;
    dev.happen(6).await;
    dev.settled("delivered", 6).await;
    let at = ["--gateway", &dev.base, "--api-key", &dev.key];
    let arguments = [&["replay", "--rate", "3"], &at[..]].concat();
    let made = dev.home.run_seen(&arguments).await;
    assert!(made.out.contains("finished: asked for 6 deliveries"), "{made:?}");
    // Each is drawn over the one before, and the last one is taken away.
    let mut drawn: Vec<&str> = made.err.split("\r\x1b[2K").collect();
    assert_eq!((drawn.remove(0), drawn.pop()), ("", Some("")), "{made:?}");
    assert!(drawn.len() > 1, "{made:?}");
    let mut all_filled = Vec::new();
    for one in drawn {
        let (bar, told) = one.strip_prefix('[').unwrap().split_once("] ").unwrap();
        let (percent, counts) = told.split_once(" %  ").unwrap();
        assert!(counts.contains(" deliveries, ") && !one.contains('\n'), "{one}");
        let (filled, percent) = (bar.matches('#').count(), percent.trim().parse::<f64>().unwrap());
        assert_eq!(bar, format!("{}{}", "#".repeat(filled), ".".repeat(30 - filled)));
        assert!((filled as f64 - percent * 0.3).abs() <= 1.0, "{one}");
        all_filled.push(filled);
    }
    assert!(
        all_filled.is_sorted() && all_filled.last() > Some(&0),
        "{all_filled:?}"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_leaves_it_running_and_says_how_to_end_it() {
    let mut dev = Dev::start(&[]).await;
    dev.happen(6).await;
    dev.settled("delivered", 6).await;
    let mut following = dev.home.start(
        &[
            "replay",
            "--rate",
            "1",
            "--gateway",
            &dev.base,
            "--api-key",
            &dev.key,
        ],
        &[],
    );
    dev.subscriber.next().await;
    following.interrupt().await;
    let said = following.error_line_with("replay cancel rpl_").await;
    let id = said
        .split("replay cancel ")
        .nth(1)
        .unwrap()
        .split('`')
        .next()
        .unwrap();
    assert_eq!(dev.json(&["replay", "show", id]).await["status"], "running");
    assert_eq!(dev.json(&["replay", "cancel", id]).await["status"], "cancelled");
    drop(dev.running);
}
