//! What is written down: an audit log that holds, without codes, texts and numbers; and what a restart leaves.

use ringback::core::audit::Check;
use serde_json::Value;

use super::codes::{OWN, TEST, TEST_CODE, check, gateway, id, over, start};
use crate::support::gateway::Gateway;

async fn lines(gateway: &Gateway) -> Vec<String> {
    let page = gateway.running.gateway.audit(0, 1000).await.unwrap();
    let mut check = Check::default();
    page.lines.iter().for_each(|line| check.line(line).unwrap());
    assert_eq!(check.end(Some(page.head)), Ok(page.lines.len() as u64));
    page.lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_is_in_the_audit_log_and_nobodys_secret_is() {
    let gateway = gateway().await;
    let tested = id(&start(&gateway, TEST).await.expect(200));
    check(&gateway, &tested, "918273").await.expect(400);
    check(&gateway, &tested, TEST_CODE).await.expect(200);
    start(&gateway, OWN).await.expect(200);
    start(&gateway, "+919876543210").await.expect(403);
    start(&gateway, "+14155550123").await.expect(502);
    let lines = lines(&gateway).await;
    let read: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<(&str, &str)> = read
        .iter()
        .map(|line| {
            (
                line["action"].as_str().unwrap(),
                line["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("start", "test"),
            ("check", "wrong"),
            ("check", "approved"),
            ("start", "allow"),
            ("sent", "accepted"),
            ("start", "blocked"),
            ("start", "allow"),
            ("sent", "misconfigured"),
        ]
    );
    assert_eq!(read[5]["reasons"], serde_json::json!(["country_not_allowed"]));
    assert!(
        read[1]["actor"].as_str().unwrap().starts_with("rb_live_"),
        "{}",
        lines[1]
    );
    for secret in [
        TEST_CODE,
        "918273",
        &TEST[1..],
        &OWN[1..],
        "919876543210",
        "verification code",
    ] {
        assert!(lines.iter().all(|line| !line.contains(secret)), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_changes_no_limit() {
    let mut gateway = gateway().await;
    for _ in 0..5 {
        start(&gateway, OWN).await.expect(200);
        gateway = gateway.restart(over()).await;
    }
    start(&gateway, OWN).await.expect(429);
    assert_eq!(lines(&gateway).await.len(), 11);
}
