//! `sim carrier`: every dialect, in each of its schemes, over a real socket against `serve` with the keys of its configuration.

use ringback::carrier::simulate::{ReceiptDraft, Signer, SnsKey, signed_receipt};
use ringback::carrier::{Carrier, NAMES};
use ringback::core::time::UnixMs;
use serde_json::json;
use toml::{Table, Value};

use super::dev::address;
use super::process::{Ended, Home};
use crate::support::client::Call;

const NUMBER: &str = "+12025550143";
const SEED: &str = "UORsmeqEqC/U7z8n2JbbwQexsRJEPtgvJqpV5Na0/m4=";

/// A source's name, its signer, and the file with the private key where its settings hold a public one.
struct Played {
    name: String,
    signer: Signer,
    private_key: Option<String>,
}

fn fixture(name: &str) -> String {
    format!("{}/fixtures/carrier/aws_sns/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn sns() -> Signer {
    let read = |name: &str| std::fs::read_to_string(fixture(name)).unwrap();
    Signer::AwsSns(SnsKey {
        private_key: String::new(),
        certificate: read("simulator_certificate.pem"),
        certificate_url: "https://sns.us-east-1.amazonaws.com/a.pem".into(),
        topic_arn: "arn:aws:sns:us-east-1:123456789012:inbound-sms".into(),
    })
}

/// Every dialect, and every other scheme of those that have several.
fn all(home: &Home) -> Vec<Played> {
    let random = std::array::from_fn(|n| u8::try_from(n * 3 % 251).unwrap());
    let mut all: Vec<(String, Signer)> = NAMES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), Signer::generate(name, &random)?)))
        .collect();
    all.push(("aws_sns".into(), sns()));
    for (carrier, scheme) in [
        ("vonage", "md5hash"),
        ("vonage", "md5"),
        ("vonage", "sha1"),
        ("vonage", "sha256"),
        ("vonage", "sha512"),
        ("signalwire", "json"),
        ("signalwire", "json_sha256"),
        ("plivo", "v2"),
        ("messagebird", "legacy"),
    ] {
        let mut table = Table::try_from(Signer::generate(carrier, &random).unwrap()).unwrap();
        table.insert("scheme".into(), scheme.into());
        all.push((format!("{carrier}-{scheme}"), table.try_into().unwrap()));
    }
    let seed = SEED.to_owned();
    all.push((
        "standard_webhooks-v1a".into(),
        Signer::StandardWebhooksV1a { seed: seed.clone() },
    ));
    let twilio = Signer::TwilioShared {
        account_sid: "AC1".into(),
        shared_key: "a shared key".into(),
    };
    all.push(("twilio-shared".into(), twilio));
    let sinch = Signer::SinchApplication {
        application_key: "669E367E".into(),
        application_secret: SEED.into(),
    };
    all.push(("sinch-application".into(), sinch));
    let played = |(name, signer): (String, Signer)| {
        let private_key = match &signer {
            Signer::Telnyx { seed } | Signer::StandardWebhooksV1a { seed } => {
                Some(home.write(&format!("{name}.seed"), &format!("{seed}\n")))
            }
            Signer::AwsSns(_) => Some(fixture("simulator_key.pem")),
            _ => None,
        };
        Played {
            name,
            signer,
            private_key,
        }
    };
    all.into_iter().map(played).collect()
}

fn config(all: &[Played]) -> String {
    let source = |played: &Played| {
        let mut table = played.signer.settings();
        if played.signer.carrier() == "aws_sns" {
            assert!(Carrier::from_settings("aws_sns", table.clone()).is_ok());
        }
        table.insert("name".into(), played.name.as_str().into());
        table.insert("carrier".into(), played.signer.carrier().into());
        let url = format!("https://gw.example.com/inbound/{}", played.name);
        table.insert("public_url".into(), url.into());
        Value::Table(table)
    };
    let number = Table::from_iter([
        ("number".to_owned(), NUMBER.into()),
        ("country".to_owned(), "US".into()),
    ]);
    let table = Table::from_iter([
        (
            "source".to_owned(),
            Value::Array(all.iter().map(source).collect()),
        ),
        ("number".to_owned(), Value::Array(vec![number.into()])),
    ]);
    toml::to_string(&table).unwrap()
}

fn has_receipts(signer: &Signer) -> bool {
    if matches!(signer, Signer::AwsSns(_)) {
        return false;
    }
    let draft = ReceiptDraft {
        id: "1".into(),
        from: NUMBER.into(),
        to: NUMBER.into(),
        delivered: true,
        at: UnixMs(0),
    };
    signed_receipt(signer, &draft, "https://gw.example.com/", UnixMs(0)).is_some()
}

async fn sim(home: &Home, config: &str, base: &str, played: &Played, more: &[&str]) -> Ended {
    let mut arguments = vec![
        "sim",
        "carrier",
        &played.name,
        "--config",
        config,
        "--gateway",
        base,
        "--to",
        NUMBER,
    ];
    if let Some(file) = &played.private_key {
        arguments.extend(["--private-key", file]);
    }
    arguments.extend(more);
    home.run(&arguments).await
}

async fn key(home: &Home, admin: &str) -> String {
    let data = home.path().join("data").display().to_string();
    let to = ["--account", "a", "--admin-url", admin, "--data", &data];
    let made = home.run(&[&["keys", "create"], &to[..]].concat()).await;
    made.out.trim().to_owned()
}

/// One message that met its rental, and a receipt where there are any, all by the first key.
fn assert_counted(played: &Played, metrics: &str) {
    let (name, requests) = (&played.name, 1 + usize::from(has_receipts(&played.signer)));
    let message = format!("ringback_messages_total{{source=\"{name}\",result=\"matched\"}} 1\n");
    assert!(metrics.contains(&message), "{name}: {metrics}");
    let accepted = format!("ringback_inbound_accepted_total{{source=\"{name}\",key=\"0\"}} {requests}\n");
    assert!(metrics.contains(&accepted), "{name}: {metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dialect_reaches_serve_with_the_keys_of_its_configuration() {
    let home = Home::new();
    let all = all(&home);
    assert_eq!(
        all.len(),
        20 + 12,
        "a dialect without a line here is not exercised"
    );
    let config = home.write("ringback.toml", &config(&all));
    let (serving, fields) = home.serve(&["--config", &config]).await;
    let base = format!("http://{}", fields["address"].as_str().unwrap());
    let admin = format!("http://{}", fields["admin"].as_str().unwrap());
    let key = key(&home, &admin).await;
    let rental = Call::post("/api/verifications", &json!({ "serviceName": "google" }))
        .key(&key)
        .send(address(&base))
        .await
        .expect(201);
    assert_eq!(rental["number"], NUMBER);
    for (n, played) in all.iter().enumerate() {
        let (name, id) = (&played.name, format!("m-{n}"));
        let sent = sim(&home, &config, &base, played, &["--id", &id]).await;
        assert_eq!(sent.code, Some(0), "{name}: {}", sent.err);
        assert_eq!(sent.out, format!("accepted: message {id} as {name}\n"));
        let receipt = sim(
            &home,
            &config,
            &base,
            played,
            &["--receipt", "delivered", "--id", "out-1"],
        )
        .await;
        if has_receipts(&played.signer) {
            assert_eq!(receipt.code, Some(0), "{name}: {}", receipt.err);
        } else {
            assert_eq!(receipt.code, Some(2), "{name}");
            assert!(receipt.err.contains("has no receipts"), "{}", receipt.err);
        }
    }
    let metrics = Call::get("/metrics").send(address(&admin)).await.text();
    all.iter().for_each(|played| assert_counted(played, &metrics));
    let code = Call::get(&format!(
        "/api/verifications/{}/code",
        rental["id"].as_str().unwrap()
    ))
    .key(&key)
    .send(address(&base))
    .await;
    assert_eq!(code.json()["otpCode"], "482913");
    serving.terminate().await;
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_played_is_told() {
    let home = Home::new();
    let text = "[[source]]\nname = 'one'\ncarrier = 'sinch'\nsecrets = ['old', 'new']\n\
        [[source]]\nname = 'two'\ncarrier = 'telnyx'\npublic_keys = ['sY6B7nLxtKoRBdyr5VaRq1nElAB0wqeh33x1ARMn3sE=']\n\
        [[source]]\nname = 'three'\ncarrier = 'telnyx'\npublic_keys = ['sY6B7nLxtKoRBdyr5VaRq1nElAB0wqeh33x1ARMn3sE=']\n";
    let config = home.write("ringback.toml", text);
    let (serving, fields) = home.serve(&["--config", &config]).await;
    let base = format!("http://{}", fields["address"].as_str().unwrap());
    let sim = async |more: &[&str]| {
        let arguments = ["sim", "carrier", "--config", &config, "--gateway", &base];
        home.run(&[&arguments, more].concat()).await
    };
    assert_eq!(
        sim(&["sinch", "--key", "1"]).await.code,
        Some(0),
        "by its carrier's name, with the second key"
    );
    let noise = home.write("noise", "not a key");
    for (more, said) in [
        (&["pigeon"][..], "there are: one, two, three"),
        (&["telnyx"], "several sources"),
        (&["two"], "bring the private one"),
        (&["two", "--private-key", &noise], "bring the private one"),
        (&["two", "--private-key", "/nowhere"], "/nowhere"),
    ] {
        let refused = sim(more).await;
        assert_eq!(refused.code, Some(2), "{more:?}: {}", refused.err);
        assert!(refused.err.contains(said), "{more:?}: {}", refused.err);
    }
    let other = home.write("other", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let wrong = sim(&["two", "--private-key", &other]).await;
    assert_eq!(wrong.code, Some(5), "{}", wrong.err);
    assert!(
        wrong.err.contains("not signed by a key of this source"),
        "{}",
        wrong.err
    );
    serving.terminate().await;
    serving.end().await;
}
