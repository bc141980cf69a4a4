//! `bench verify`, `isolate`, `backlog`, `guesses` and `soak` in small: what they report is there and is true of the small run.

use serde_json::Value;

use super::process::Home;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scheme_of_the_vectors_is_measured() {
    let home = Home::new();
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/carrier");
    let few = [
        "--rounds",
        "1",
        "--requests",
        "30",
        "--json",
        "--vectors",
        vectors,
    ];
    let ended = home.run(&[&["bench", "verify"], &few[..]].concat()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let lines = report["lines"].as_array().unwrap();
    // 152 vectors are accepted; the methods of one scheme count as schemes.
    let vectors: u64 = lines.iter().map(|line| line["vectors"].as_u64().unwrap()).sum();
    assert_eq!((lines.len(), vectors), (33, 152));
    for line in lines {
        assert!(line["verify_p50_us"]["median"].as_f64().unwrap() > 0.0, "{line}");
        assert!(line["read_p50_us"]["median"].as_f64().unwrap() > 0.0, "{line}");
    }
    let nowhere = home.run(&["bench", "verify", "--vectors", "/nowhere"]).await;
    assert_eq!(nowhere.code, Some(2));
    assert!(
        nowhere.err.contains("--vectors names the folder"),
        "{}",
        nowhere.err
    );
}

/// The one line of a benchmark's report; its median and other figures are positive.
async fn line(arguments: &[&str]) -> Value {
    let home = Home::new();
    let ended = home.run(&[&["bench"], arguments, &["--json"]].concat()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    report["lines"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_hangs_is_measured_beside_the_others() {
    let few = [
        "--rounds",
        "1",
        "--subscribers",
        "3",
        "--per-s",
        "20",
        "--seconds",
        "2",
    ];
    let line = line(&[&["isolate", "--hang-s", "1"], &few[..]].concat()).await;
    assert_eq!(line["messages"], 40);
    assert!(line["ratio_p99"]["median"].as_f64().unwrap() > 0.0, "{line}");
    // Sixty messages come in three seconds, a second each, with places for more and more.
    let at_the_hanging = line["attempts_at_the_hanging"]["median"].as_f64().unwrap();
    assert!((1.0..60.0).contains(&at_the_hanging), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_owed_is_there_after_a_restart_and_drains_once() {
    let line = line(&["backlog", "--deliveries", "90", "--subscriptions", "3"]).await;
    assert_eq!(
        (&line["deliveries"], &line["drained"]),
        (&90.into(), &90.into()),
        "{line}"
    );
    assert_eq!(line["repeated"], 0, "{line}");
    for figure in ["start_s", "rss_mib_held", "draining_rss_mib_max", "drained_per_s"] {
        assert!(line[figure].as_f64().unwrap() > 0.0, "{figure}: {line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_with_and_without_a_code_are_timed_in_turns() {
    let line = line(&["guesses", "--rounds", "1", "--pairs", "12"]).await;
    assert_eq!(line["pairs"], 12, "{line}");
    for figure in ["with_p50_ms", "without_p50_ms", "ratio_p50"] {
        assert!(line[figure]["median"].as_f64().unwrap() > 0.0, "{figure}: {line}");
    }
    let later_pct = line["later_pct"]["median"].as_f64().unwrap();
    assert!((0.0..=100.0).contains(&later_pct), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soak_keeps_its_books_and_draws_memory() {
    let folder = tempfile::TempDir::new().unwrap();
    let plot = folder.path().join("memory.svg");
    let few = [
        "--minutes",
        "0.1",
        "--per-s",
        "40",
        "--growth-mib-max",
        "200",
        "--plot",
    ];
    let line = line(&[&["soak"], &few[..], &[plot.to_str().unwrap()]].concat()).await;
    assert_eq!(line["faults"], 0, "{line}");
    let count = |name: &str| line[name].as_u64().unwrap();
    assert!(count("requests") >= 200, "{line}");
    assert_eq!(
        count("rentals"),
        count("codes") + count("cancelled") + count("expired"),
        "{line}"
    );
    let picture = std::fs::read_to_string(plot).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("polyline"));
}
