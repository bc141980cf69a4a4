//! `verify blocks`, `unblock`, `figures`, `preview` and `texts` against a running `serve`, the last one without.

use serde_json::{Value, json};

use super::process::Home;
use crate::support::client::Call;
use crate::support::provider::{Act, Provider};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_printed_and_what_is_open_cannot_be_opened() {
    let home = Home::new();
    let config = home.write("ringback.toml", "");
    let (serving, fields) = home.serve(&["--config", &config]).await;
    let admin = format!("http://{}", fields["admin"].as_str().unwrap());
    let data = home.path().join("data").display().to_string();
    let at = ["--config", &config, "--admin-url", &admin, "--data", &data];
    let run = async |words: &[&str]| home.run(&[&["verify"], words, &at[..]].concat()).await;
    let heads = |out: &str| out.split_whitespace().collect::<Vec<_>>().join(" ");
    let blocks = run(&["blocks"]).await;
    assert_eq!(
        (blocks.code, heads(&blocks.out).as_str()),
        (
            Some(0),
            "account channel country prefix network provider reason times until"
        ),
        "{}",
        blocks.err
    );
    let figures = run(&[
        "figures",
        "--account",
        "acme",
        "--by",
        "country,channel",
        "--since",
        "2h",
    ])
    .await;
    assert_eq!(
        (figures.code, heads(&figures.out).as_str()),
        (
            Some(0),
            "country channel sent delivered approved failed conversion cost"
        ),
        "{}",
        figures.err
    );
    let open = run(&["unblock", "--account", "acme", "--country", "US"]).await;
    assert!(
        open.code == Some(3) && open.err.contains("nothing is closed there"),
        "{}",
        open.err
    );
    let nothing = run(&["unblock", "--account", "acme"]).await;
    assert_eq!(nothing.code, Some(2));
    serving.terminate().await;
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_code_would_say_and_cost_is_shown() {
    let config = "[[provider]]\nname = \"main\"\nkind = \"telnyx\"\napi_key = \"KEY0\"\nfrom = \"+12025550143\"\nprices = { \"1\" = \"0.0040\" }\n";
    let gateway = super::operate::Gateway::start_with(config).await;
    let made = gateway.run(&["keys", "create", "--account", "acme"]).await;
    let (key, url) = (made.out.trim(), format!("http://{}", gateway.address));
    let at = ["--gateway", &url, "--api-key", key];
    let words = [
        "verify",
        "preview",
        "--to",
        "+14155550123",
        "--locale",
        "ru",
        "--app-name",
        "MyApp",
    ];
    let shown = gateway.home.run(&[&words[..], &at].concat()).await;
    let expected = "MyApp: 000000 — ваш код подтверждения.\n\n  encoding  ucs2\n  units     38\n  sms       1\n  caps      0.0040\n\n\
        provider  cost\nmain      0.0040\n";
    assert_eq!(
        (shown.code, shown.out.as_str()),
        (Some(0), expected),
        "{}",
        shown.err
    );
    let more = async |more: &[&str]| gateway.home.run(&[&words[..], more, &at].concat()).await;
    let short = more(&["--code-length", "5"]).await;
    let warning = "  warning   A code of fewer than 6 digits is guessed too easily.\n";
    assert!(short.out.contains(warning), "{}", short.out);
    let refused = more(&["--app-hash", "x"]).await;
    assert!(
        refused.code == Some(5) && refused.err.contains("\"app_hash\" must be"),
        "{}",
        refused.err
    );
    let texts = gateway
        .home
        .run(&["verify", "texts", "--app-hash", "FA+9qCX9VSu"])
        .await;
    assert!(texts.out.lines().count() > 50, "{}", texts.out);
    let german = texts.out.lines().find(|line| line.starts_with("de ")).unwrap();
    let cells: Vec<&str> = german.split_whitespace().collect();
    assert_eq!(
        cells[..4].join(" ") + " " + cells[cells.len() - 1],
        "de gsm7 44 1 FA+9qCX9VSu",
        "{german}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_of_codes_is_a_table() {
    let body = json!({ "sid": "SM1", "status": "queued", "num_segments": "1", "error_code": null });
    let provider = Provider::start([Act::Answer(201, "", body.to_string())]).await;
    let config = format!(
        "[outbound]\nallow_loopback = true\n[[provider]]\nname = \"main\"\nkind = \"twilio\"\naccount_sid = \"AC1\"\nauth_token = \"tok\"\n\
        from = \"+12025550143\"\nallow_http = true\nbase_url = \"{}\"\n",
        provider.url
    );
    let gateway = super::operate::Gateway::start_with(&config).await;
    let made = gateway.run(&["keys", "create", "--account", "acme"]).await;
    let key = made.out.trim().to_owned();
    let post = async |path: &str, body: Value| {
        let call = Call::post(path, &body).key(&key).header("x-tenant-id", "acme");
        call.send(gateway.address).await.expect(200)
    };
    let begun = json!({ "to": "+14155550123", "channel": "sms" });
    let begun = post("/v1/verify/start", begun).await;
    let said = provider.got()[0].body.clone();
    let code: String = said.split("Body=").nth(1).unwrap().chars().take(6).collect();
    let guess = json!({ "verification_id": begun["data"]["verification_id"], "code": code });
    post("/v1/verify/check", guess).await;
    let by = [
        "verify",
        "figures",
        "--account",
        "acme",
        "--by",
        "country,prefix,provider",
    ];
    let shown = gateway.run(&by).await;
    let cells = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = shown.out.lines().map(cells).collect();
    assert_eq!(
        lines,
        [
            "country prefix provider sent delivered approved failed conversion cost",
            "US +1415555 main 1 0 1 0 100.0% 0.0500"
        ],
        "{}",
        shown.err
    );
    gateway.stop().await;
}
