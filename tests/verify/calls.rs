//! Codes that are called out: what Twilio and Telnyx report of the call closes the loop, and the keys of an extension go with it.

use serde_json::{Value, json};

use super::codes::{carried, id, post, status};
use super::profiles::profile;
use super::triggers::trigger;
use crate::support::carrier::{TELNYX, TWILIO, telnyx_call, twilio_call};
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::provider::{Act, Provider};
use crate::support::subscriber::Subscriber;

const TO: &str = "+14155550123";

/// Who calls, and how what it is asked and what it reports looks.
struct Caller {
    source: &'static str,
    settings: toml::Table,
    taken: fn(&str) -> Act,
    reports: fn(&str, &str) -> Call,
}

fn callers() -> [Caller; 2] {
    [
        Caller {
            source: TWILIO,
            settings: toml::toml! { kind = "twilio_voice" account_sid = "AC1" auth_token = "tok" },
            taken: |id| Act::Answer(201, "", json!({ "sid": id, "status": "queued" }).to_string()),
            reports: twilio_call,
        },
        Caller {
            source: TELNYX,
            settings: toml::toml! { kind = "telnyx_voice" api_key = "KEY" connection_id = "17" },
            taken: |id| Act::Answer(200, "", json!({ "call_sid": id, "status": "queued" }).to_string()),
            reports: telnyx_call,
        },
    ]
}

/// A gateway that calls through `caller`, and whoever hears of everything.
async fn house(caller: &Caller) -> (Gateway, Provider, Subscriber) {
    let provider = Provider::start([]).await;
    let mut over = carried(&provider.url, "repeated_s = 0");
    let mut voice = caller.settings.clone();
    for (key, value) in [
        ("name", "voice"),
        ("source", caller.source),
        ("from", "+12025550143"),
        ("base_url", &provider.url),
    ] {
        voice.insert(key.into(), value.into());
    }
    voice.insert("allow_http".into(), true.into());
    over.insert("provider".into(), vec![toml::Value::Table(voice)].into());
    let gateway = Gateway::start_with(over).await;
    let subscriber = Subscriber::start(&[]).await;
    gateway.subscribe(&subscriber.url, &["*"]).await;
    (gateway, provider, subscriber)
}

async fn begin(gateway: &Gateway) -> String {
    let wish = json!({ "to": TO, "channel": "voice" });
    id(&post(gateway, "/v1/verify/start", &wish).await.expect(200))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_became_of_a_call_closes_the_loop() {
    for caller in callers() {
        let (gateway, provider, mut subscriber) = house(&caller).await;
        let told = async |id: &str, status: &str| {
            let reply = (caller.reports)(id, status).send(gateway.address).await;
            assert!(matches!(reply.status, 200 | 204), "{reply:?}");
        };
        for (call, end, expected, reason) in [
            ("c1", "completed", "verify.delivered", Value::Null),
            ("c2", "busy", "verify.failed", json!("busy")),
            ("c3", "no-answer", "verify.failed", json!("no-answer")),
            ("c4", "failed", "verify.failed", json!("failed")),
        ] {
            provider.then((caller.taken)(call));
            let verification = begin(&gateway).await;
            let sent = subscriber.next().await.json();
            assert_eq!(
                (&sent["type"], &sent["data"]["id"]),
                (&json!("verify.sent"), &json!(verification))
            );
            // How far it came is no end yet, and what is known already is not told again.
            for status in ["initiated", "ringing", "in-progress", end, end] {
                told(call, status).await;
            }
            let event = subscriber.next().await.json();
            assert_eq!(
                (&event["type"], &event["data"]["id"]),
                (&json!(expected), &json!(verification)),
                "{end}"
            );
            assert_eq!(event["data"]["reason"], reason, "{end}");
            assert_eq!(
                status(&gateway, &verification).await["status"],
                "pending",
                "it can still be given back"
            );
        }
        let got = provider.got();
        let callback = form_urlencoded::byte_serialize(
            format!("https://gw.example.com/inbound/{}", caller.source).as_bytes(),
        )
        .collect::<String>();
        assert!(
            got.iter().all(|got| got.body.contains(&callback)
                || got.body.contains(&format!("/inbound/{}\"", caller.source)))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_end_of_a_call_changes_nothing() {
    for caller in callers() {
        let (gateway, provider, mut subscriber) = house(&caller).await;
        provider.then((caller.taken)("c1"));
        begin(&gateway).await;
        assert_eq!(subscriber.next().await.kind(), "verify.sent");
        let forged = match caller.source {
            TWILIO => Call::get("/inbound/twilio?CallSid=c1&From=1&To=1&CallStatus=failed&AccountSid=AC1")
                .header("x-twilio-signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            _ => (caller.reports)("c1", "busy")
                .body("CallSid=c1&From=%2B1&To=%2B1&CallStatus=failed".to_owned()),
        };
        assert_eq!(forged.send(gateway.address).await.status, 401);
        (caller.reports)("c1", "completed").send(gateway.address).await;
        assert_eq!(subscriber.next().await.kind(), "verify.delivered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_extension_of_a_call_is_dialled() {
    for caller in callers() {
        let (gateway, provider, _subscriber) = house(&caller).await;
        let made = profile(&gateway, json!({ "name": "x" })).await;
        provider.then((caller.taken)("c1"));
        let more = json!({ "extension": "1w2W#", "custom_code": "43612" });
        trigger(&gateway, "call", (TO, &made), more).await.expect(200);
        let got = provider.got().remove(0).body;
        let decoded = form_urlencoded::parse(got.as_bytes())
            .find(|(name, _)| name == "Twiml")
            .map(|(_, xml)| xml.into_owned());
        let xml = decoded.unwrap_or_else(|| {
            serde_json::from_str::<Value>(&got).unwrap()["Texml"]
                .as_str()
                .unwrap()
                .to_owned()
        });
        let (dialled, said) = xml.split_once("<Pause length=\"1\"/>").unwrap();
        assert!(dialled.ends_with("<Response><Play digits=\"1w2ww#\"/>"), "{xml}");
        assert!(said.contains("4, 3, 6, 1, 2"), "{xml}");
        // Letters are in the contract and on no provider's keys: the code does not go out, and the answer says so.
        let more = json!({ "extension": "1A", "custom_code": "43612" });
        let none = trigger(&gateway, "call", (TO, &made), more).await.expect(200);
        assert_eq!(none["data"]["status"], "error");
        assert_eq!(provider.got().len(), 1);
    }
}
