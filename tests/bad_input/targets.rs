//! Subscribers that cannot or must not be called: refused where that is known at once, told in the log where only an attempt shows it.

use ringback::store::Store;
use serde_json::{Value, json};

use super::refusal::{Holdings, assert_refused, refusal};
use crate::support::carrier::{self, TELNYX, draft};
use crate::support::gateway::Gateway;
use crate::support::subscriber::Subscriber;
use crate::support::until;

async fn strict() -> Gateway {
    Gateway::start_with(toml::toml! { outbound = { allow_loopback = false } }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_be_called_is_refused_when_it_is_subscribed() {
    let gateway = strict().await;
    let held = Holdings::of(&gateway);
    let long = format!("https://example.com/{}", "x".repeat(2048));
    let targets = [
        ("http://example.com/hook", "scheme"),
        ("ftp://example.com/hook", "scheme"),
        ("http://127.0.0.1:8443/hook", "scheme"),
        ("https://127.0.0.1/hook", "127.0.0.1"),
        ("https://localhost/hook", "localhost"),
        ("https://a.localhost/hook", "localhost"),
        ("https://10.0.0.5/hook", "outbound.allow_cidrs"),
        ("https://192.168.1.1/hook", "192.168.1.1"),
        ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("https://0x7f.1/hook", "127.0.0.1"),
        ("https://2130706433/hook", "127.0.0.1"),
        ("https://[::1]/hook", "::1"),
        ("https://[::ffff:10.0.0.1]/hook", "10.0.0.1"),
        ("https://[fd00:ec2::254]/hook", "fd00:ec2::254"),
        ("https://example.com:22/hook", "port 22"),
        ("https://user:password@example.com/hook", "user name or password"),
        ("example.com/hook", "https://host/path"),
        ("", "https://host/path"),
        ("https://exa mple.com/", ""),
        (&long, "longer than 2048 bytes"),
    ];
    for (url, says) in targets {
        let reply = gateway
            .post("/api/webhooks", &json!({ "url": url, "events": ["*"] }))
            .await;
        assert_refused(url, &reply, refusal(422, "unprocessable", ""));
        let detail = reply.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains(says), "{url}: {detail:?} does not say {says:?}");
        assert!(!detail.contains("password@"), "a credential is not repeated");
        held.assert_untouched(&gateway, url).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_listeners_are_never_called() {
    let gateway = Gateway::start().await;
    let held = Holdings::of(&gateway);
    for own in [gateway.running.base_url(), gateway.running.admin_url()] {
        let reply = gateway
            .post("/api/webhooks", &json!({ "url": own, "events": ["*"] }))
            .await;
        assert_refused(&own, &reply, refusal(422, "unprocessable", "own listener"));
    }
    held.assert_untouched(&gateway, "own listeners").await;
}

/// The newest line of a subscription's log, once it tells of so many attempts.
async fn log_line(gateway: &Gateway, made: &Value, attempts: usize) -> Value {
    let id = made["id"].as_str().unwrap();
    let store: &dyn Store = gateway.running.gateway.store();
    let subscription = id.parse().unwrap();
    until("the attempts in the log", || {
        store
            .attempts(subscription, None, 10)
            .is_ok_and(|rows| rows.len() >= attempts)
    })
    .await;
    gateway.get(&format!("/api/webhooks/{id}/logs")).await.expect(200)["logs"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_is_not_there_harms_nobody_else() {
    let gateway = Gateway::start().await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone_url = format!("http://{}/hook", gone.local_addr().unwrap());
    drop(gone);
    // A label of 64 letters is too long for any name server, so nobody has to be asked.
    let nameless_url = format!("https://{}.invalid/hook", "x".repeat(64));
    let mut well = Subscriber::start(&[]).await;
    let refused = gateway.subscribe(&gone_url, &["*"]).await;
    let nameless = gateway.subscribe(&nameless_url, &["*"]).await;
    gateway.subscribe(&well.url, &["*"]).await;

    let rental = gateway.rent("google").await;
    carrier::post(
        gateway.address,
        TELNYX,
        &draft("m-1", &rental.number, "Your code is 100200."),
    )
    .await;
    assert_eq!(
        gateway.get(&rental.path("/code")).await.json()["otpCode"],
        "100200"
    );
    well.next_of("verification.code_received").await;

    for (what, made) in [("refused", &refused), ("nameless", &nameless)] {
        let line = log_line(&gateway, made, 1).await;
        assert!(
            line["status"] == "retrying" || line["status"] == "failed",
            "{what}: {line}"
        );
        assert!(line["responseCode"].is_null(), "{what}: {line}");
        assert!(
            line["detail"].as_str().is_some_and(|detail| detail.len() > 10),
            "{what}: {line}"
        );
        assert!(
            gateway
                .get("/api/webhooks")
                .await
                .text()
                .contains(made["id"].as_str().unwrap())
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_forbidden_later_is_not_called_later() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[503]).await;
    let made = gateway.subscribe(&subscriber.url, &["*"]).await;
    gateway.rent("google").await;
    assert_eq!(subscriber.next().await.answered, 503);
    let gateway = gateway
        .restart(toml::toml! { outbound = { allow_loopback = false } })
        .await;
    subscriber
        .hears_nothing_for(std::time::Duration::from_secs(2))
        .await;
    let line = log_line(&gateway, &made, 2).await;
    assert!(
        line["responseCode"].is_null() && line["attempts"].as_u64() > Some(1),
        "{line}"
    );
    assert!(
        line["detail"].as_str().unwrap().contains("scheme is not called"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let gateway = Gateway::start().await;
    let mut subscriber = Subscriber::start(&[302]).await;
    let made = gateway
        .subscribe(&subscriber.url, &["verification.created"])
        .await;
    gateway.rent("google").await;
    assert_eq!(
        (subscriber.next().await.answered, subscriber.next().await.answered),
        (302, 204)
    );
    let line = log_line(&gateway, &made, 2).await;
    assert_eq!(
        (&line["status"], &line["attempts"]),
        (&json!("delivered"), &json!(2))
    );
}
