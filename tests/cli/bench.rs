//! `bench verify` in small: every scheme of the vectors has its line.

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
