//! The loop closed for every kind that reports over HTTP: the id in a provider's answer is the one that its own receipts name.

use ringback::carrier::simulate::{ReceiptDraft, Signer, signed_receipt};
use ringback::clock::Clock;
use ringback::core::id::AccountId;
use ringback::core::sending::Sent;
use serde_json::Value;
use toml::Table;

use super::classes::{act, fixture, table};
use super::rig::{TO, order, start_with};
use crate::support::carrier::{call, public_url};
use crate::support::gateway::Gateway;
use crate::support::provider::Provider;
use crate::support::subscriber::Subscriber;

/// A kind of provider, and whose receipts it brings. Calls report in `tests/verify/calls.rs`, SMSCs in `smsc.rs`.
const KINDS: [(&str, &str); 8] = [
    ("android_sms_gateway", "android_sms_gateway"),
    ("meta_whatsapp", "meta_whatsapp"),
    ("plivo", "plivo"),
    ("sinch", "sinch"),
    ("telnyx", "telnyx"),
    ("twilio", "twilio"),
    ("vonage", "vonage"),
    ("vonage_messages", "vonage"),
];

fn signer(kind: &str, carrier: &str) -> Signer {
    let mut signer = Signer::generate(carrier, &[7; 64]).unwrap();
    // The SMS API signs its parameters, the Messages API has a token.
    if let Signer::Vonage { scheme, .. } = &mut signer {
        *scheme = (kind == "vonage").then(|| "sha256".to_owned());
    }
    signer
}

fn source(kind: &str, signer: &Signer) -> Table {
    let mut table = signer.settings();
    for (key, value) in [
        ("name", kind),
        ("carrier", signer.carrier()),
        ("public_url", &public_url(kind)),
    ] {
        table.insert(key.into(), value.into());
    }
    table
}

/// What this kind answers to a message that it takes, under another id.
fn taken_as(kind: &str, id: &str) -> Value {
    let answers: Value = serde_json::from_str(&fixture("answers.json")).unwrap();
    let rows = answers.as_array().unwrap();
    let mut row = rows
        .iter()
        .find(|row| row["kind"] == kind && row["id"].is_string())
        .unwrap()
        .clone();
    let body = row["body"].to_string().replace(row["id"].as_str().unwrap(), id);
    row["body"] = serde_json::from_str(&body).unwrap();
    row
}

struct House {
    gateway: Gateway,
    providers: Vec<Provider>,
    subscriber: Subscriber,
}

async fn house() -> House {
    let (mut tables, mut sources, mut providers) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, carrier) in KINDS {
        let provider = Provider::start([]).await;
        tables.push(table(kind, &provider.url));
        sources.push(toml::Value::Table(source(kind, &signer(kind, carrier))));
        providers.push(provider);
    }
    let over = Table::from_iter([("source".to_owned(), toml::Value::Array(sources))]);
    let gateway = start_with(tables, over).await;
    let subscriber = Subscriber::start(&[]).await;
    gateway
        .subscribe(
            &subscriber.url,
            &["outbound.sent", "outbound.delivered", "outbound.failed"],
        )
        .await;
    House {
        gateway,
        providers,
        subscriber,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receipt_of_every_kind_finds_its_message() {
    let mut house = house().await;
    for (at, (kind, carrier)) in KINDS.into_iter().enumerate() {
        for (id, delivered, expected) in [
            ("id-1", true, "outbound.delivered"),
            ("id-2", false, "outbound.failed"),
        ] {
            house.providers[at].then(act(&taken_as(kind, id)));
            let account = AccountId::parse("acme").unwrap();
            let gateway = &house.gateway.running.gateway;
            let handover = gateway
                .send_through(kind, Some(account.into()), order())
                .await
                .unwrap();
            assert!(
                matches!(&handover.sent, Sent::Accepted(taken) if taken.carrier_message_id == id),
                "{kind}: {handover:?}"
            );
            let now = Clock::System.now();
            let draft = ReceiptDraft {
                id: id.into(),
                from: "+12025550143".into(),
                to: TO.into(),
                delivered,
                at: now,
            };
            let request = signed_receipt(&signer(kind, carrier), &draft, &public_url(kind), now).unwrap();
            let reply = call(kind, &request).send(house.gateway.address).await;
            assert!((200..300).contains(&reply.status), "{kind}: {reply:?}");
            let event = house.subscriber.next().await.json();
            assert_eq!(event["type"], expected, "{kind}");
            let outbound = handover.outbound.unwrap().to_string();
            assert!(event.to_string().contains(&outbound), "{kind}: {event}");
        }
    }
}
