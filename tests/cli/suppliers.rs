//! `suppliers ls` against a running `serve`.

use serde_json::Value;

use super::process::Home;

const CONFIG: &str = r#"
[[supplier]]
name = "tv"
kind = "textverified"
url = "https://www.textverified.com"
user = "me@example.com"
key = "planted-supplier-key"
price_max = "2.0000"

[[supplier]]
name = "peer"
kind = "partner"
url = "https://peer.example.com"
key = "planted-supplier-key"
price_max = "1.5000"
markup_percent = 20
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_supplier_is_listed_without_its_key() {
    let home = Home::new();
    let config = home.write("ringback.toml", CONFIG);
    let (serving, fields) = home.serve(&["--config", &config]).await;
    let admin = format!("http://{}", fields["admin"].as_str().unwrap());
    let data = home.path().join("data").display().to_string();
    let at = ["--config", &config, "--admin-url", &admin, "--data", &data];
    let ls = [&["suppliers", "ls"], &at[..]].concat();
    let listed = home.run(&ls).await;
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    let lines: Vec<&str> = listed.out.lines().collect();
    let words = |at: usize| lines[at].split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        words(0),
        "name kind state reason until codes rented unsettled priceMax"
    );
    assert_eq!(words(1), "tv textverified asked - - 0 of 0 0 0 2.0000");
    let json = home.run(&[&ls[..], &["--json"]].concat()).await;
    let shown: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(shown["suppliers"][1]["markupPercent"], 20);
    let printed = home.run(&["print-config", "--redact", "--config", &config]).await;
    for out in [&listed.out, &json.out, &printed.out] {
        assert!(
            !out.contains("planted-supplier-key") && !out.contains("me@example.com"),
            "{out}"
        );
    }
    assert!(
        printed.out.contains("https://peer.example.com"),
        "{}",
        printed.out
    );
    serving.terminate().await;
    serving.end().await;
}
