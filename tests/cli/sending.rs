//! `send ls` and `send test` against a running gateway and a scripted provider.

use super::process::{Ended, Home};
use crate::support::provider::{Act, Provider};

const KEY: &str = "KEY0123_of_nobody";

fn configuration(url: &str) -> String {
    format!(
        "[outbound]\nallow_loopback = true\n[[provider]]\nname = \"main\"\nkind = \"telnyx\"\napi_key = \"{KEY}\"\n\
         from = \"+12025550143\"\nbase_url = \"{url}\"\ntimeout_ms = 500\nprices = {{ \"1\" = \"0.004\" }}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_tried_and_what_came_of_it_is_said() {
    let provider = Provider::start([]).await;
    let home = Home::new();
    let config = home.write("ringback.toml", &configuration(&provider.url));
    let (running, fields) = home.serve(&["--config", &config]).await;
    let admin = format!("http://{}", fields["admin"].as_str().unwrap());
    let data = home.path().join("data").display().to_string();
    let run = async |arguments: &[&str]| -> Ended {
        home.run(&[arguments, &["--admin-url", &admin, "--data", &data]].concat())
            .await
    };
    let listed = run(&["send", "ls"]).await;
    assert_eq!(
        listed.out,
        "main (telnyx, sms)\n  reports   by source main\n  fares     well\n"
    );

    let test = ["send", "test", "--provider", "main", "--to", "+12025550187"];
    for (act, code, says) in [
        (
            Act::Answer(200, "", "{\"data\":{\"id\":\"m1\",\"parts\":1}}".into()),
            0,
            "accepted by main\n  id      m1\n  sms     1\n  cost    0.0040\n",
        ),
        (
            Act::Answer(
                400,
                "",
                "{\"errors\":[{\"code\":\"40300\",\"title\":\"Blocked\"}]}".into(),
            ),
            5,
            "refused by main\n  class   opted_out\n  code    40300\n  reason  Blocked\n",
        ),
        (Act::Hang, 4, "unknown by main\n  reason  no reply came in time"),
    ] {
        provider.then(act);
        let ended = run(&test).await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.out.starts_with(says), "{ended:?}");
        assert_eq!(ended.err.is_empty(), code == 0, "{ended:?}");
    }
    assert_eq!(
        run(&["send", "test", "--provider", "other", "--to", "+12025550187"])
            .await
            .code,
        Some(3)
    );
    assert_eq!(
        run(&["send", "test", "--provider", "main", "--to", "anna"])
            .await
            .code,
        Some(5)
    );
    running.terminate().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_message_would_be_and_cost_is_said_without_it() {
    let provider = Provider::start([]).await;
    let home = Home::new();
    let config = home.write("ringback.toml", &configuration(&provider.url));
    let (running, fields) = home.serve(&["--config", &config]).await;
    let admin = format!("http://{}", fields["admin"].as_str().unwrap());
    let data = home.path().join("data").display().to_string();
    let at = ["--admin-url", &admin, "--data", &data];
    let test = [
        "send",
        "test",
        "--provider",
        "main",
        "--to",
        "+12025550187",
        "--dry-run",
    ];
    let dry = [&test[..], &["--text", "Ваш код 123456"], &at].concat();
    let dry = home.run(&dry).await;
    assert_eq!(
        (dry.code, dry.out.as_str()),
        (
            Some(0),
            "dry_run by main\n  coding  ucs2\n  sms     1\n  cost    0.0040\n"
        ),
        "{dry:?}"
    );
    assert!(provider.got().is_empty());
    running.terminate().await;
}
