//! The loop closed: a message out by a scripted Twilio, its report in by the source, the events to whom sent it.

use serde_json::json;

use super::rig::{TEXT, admin, start, taken, try_out, twilio};
use crate::support::carrier::{TWILIO, twilio_status};
use crate::support::client::Call;
use crate::support::provider::Provider;
use crate::support::subscriber::Subscriber;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_reaches_whom_sent_the_message() {
    let provider = Provider::start([taken("SM42")]).await;
    let mut table = twilio("main", &provider.url);
    table.insert("source".into(), TWILIO.into());
    table.insert("prices".into(), toml::toml! { "1202" = "0.0079" }.into());
    let gateway = start(vec![table]).await;
    let mut subscriber = Subscriber::start(&[]).await;
    gateway
        .subscribe(
            &subscriber.url,
            &["outbound.sent", "outbound.delivered", "outbound.failed"],
        )
        .await;
    let answer = try_out(&gateway, "main", "acme").await;
    assert_eq!(
        (
            &answer["outcome"],
            &answer["carrierMessageId"],
            &answer["cost"],
            &answer["segments"]
        ),
        (&json!("accepted"), &json!("SM42"), &json!("0.0079"), &json!(1))
    );
    let callback = "StatusCallback=https%3A%2F%2Fgw.example.com%2Finbound%2Ftwilio";
    assert!(
        provider.got()[0].body.contains(callback),
        "{}",
        provider.got()[0].body
    );
    for (status, kind) in [("sent", "outbound.sent"), ("delivered", "outbound.delivered")] {
        assert_eq!(
            twilio_status("SM42", status).send(gateway.address).await.status,
            200
        );
        let event = subscriber.next().await.json();
        assert_eq!(event["type"], kind);
        assert!(
            event.to_string().contains(answer["outboundId"].as_str().unwrap()),
            "{event}"
        );
        assert!(!event.to_string().contains(TEXT));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_routes_say_what_is_wrong() {
    let gateway = start(vec![twilio("main", "http://127.0.0.1:9")]).await;
    let wish = |to: &str| json!({ "to": to, "text": TEXT });
    let post = |path: &str, body| admin(&gateway, Call::post(path, &body));
    for (status, path, body) in [
        (404, "/admin/providers/other/tests", wish("+12025550187")),
        (400, "/admin/providers/main/tests", wish("anna")),
        (400, "/admin/providers/main/tests", wish("a@b")),
        (
            400,
            "/admin/providers/main/tests",
            json!({ "to": "+12025550187", "text": "" }),
        ),
        (405, "/admin/providers", json!({})),
        (404, "/admin/providers/main", json!({})),
    ] {
        assert_eq!(post(path, body.clone()).await.status, status, "{path} {body}");
    }
    let open = Call::get("/admin/providers")
        .send(gateway.running.admin_address)
        .await;
    assert_eq!(open.status, 401);
    let answer = try_out(&gateway, "main", "acme").await;
    assert_eq!(
        (&answer["outcome"], &answer["class"]),
        (&json!("refused"), &json!("carrier_down"))
    );
}
