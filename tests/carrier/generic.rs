//! The generic source, described by the worked examples in `fixtures/carrier/generic`, does what the built-in dialects do.

use std::path::Path;

use ringback::carrier::captured::normalized;

use super::vectors::{Vector, load};
use ringback::carrier::Carrier;
use ringback::core::message::Report;
use serde_json::Value;

fn example(name: &str) -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/carrier/generic/{name}.toml"));
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Puts the vector's key material where the example says `<name>`.
fn fill(value: &mut toml::Value, key: &Value) {
    match value {
        toml::Value::String(text) => {
            if let Some(name) = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) {
                let material = key
                    .pointer(&format!("/{name}"))
                    .unwrap_or_else(|| panic!("no {name}"));
                *text = material.as_str().unwrap().trim_start_matches("whsec_").to_owned();
            }
        }
        toml::Value::Array(items) => items.iter_mut().for_each(|item| fill(item, key)),
        toml::Value::Table(table) => table.iter_mut().for_each(|(_, item)| fill(item, key)),
        _ => {}
    }
}

/// The example with the keys of a vector.
fn settings(name: &str, vector: &Vector) -> toml::Table {
    let mut settings = toml::Value::Table(example(name));
    fill(&mut settings, &Value::Object(vector.key.clone()));
    let toml::Value::Table(settings) = settings else {
        unreachable!("it was made of a table")
    };
    settings
}

fn carrier(name: &str, vector: &Vector) -> Carrier {
    Carrier::from_settings("generic", settings(name, vector)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// What only a dialect can say.
fn comparable(mut event: Value) -> Value {
    for field in ["media", "carrier_message_id", "parsed_code", "reservation_id"] {
        event.as_object_mut().unwrap().remove(field);
    }
    event
}

/// How many vectors the example judges, after the verdict on each was compared. `beyond` names vectors that a dialect judges by more
/// than a generic source can be told.
fn judge(name: &str, schemes: &[&str], beyond: &[&str]) -> usize {
    let vectors: Vec<_> = load(name)
        .into_iter()
        .filter(|v| schemes.contains(&v.scheme.as_str()))
        .collect();
    for vector in vectors.iter().filter(|v| !beyond.contains(&v.name.as_str())) {
        let verdict = carrier(name, vector).receive(&vector.request(), vector.now());
        let label = format!("{name}/{}: {verdict:?}", vector.name);
        let reason = verdict.as_ref().err().map(|reject| reject.as_str());
        assert_eq!(reason, vector.reject_reason.as_deref(), "{label}");
        let Ok(received) = verdict else { continue };
        let got: Vec<_> = received.reports.iter().map(normalized).map(comparable).collect();
        let expected = vector.normalized.clone().unwrap_or_default().into_iter();
        let expected: Vec<_> = expected
            .filter(|event| event["event"] == "sms.received")
            .map(comparable)
            .collect();
        let readable = matches!(
            vector.kind.as_str(),
            "inbound_sms" | "dlr" | "verify_event" | "other"
        );
        assert!(!readable || got == expected, "{label}\n{got:?}\n{expected:?}");
    }
    vectors.len() - beyond.len()
}

#[test]
fn telnyx_by_configuration() {
    assert_eq!(judge("telnyx", &["telnyx_ed25519"], &[]), 25);
}

#[test]
fn sinch_by_configuration() {
    // The algorithm header of Sinch is a rule of its dialect; nothing else reads it.
    assert_eq!(
        judge("sinch", &["sinch_webhook"], &["reject_other_algorithm"]),
        15
    );
}

#[test]
fn standard_webhooks_by_configuration() {
    // A missing id is a missing header like any other, and so has another reason.
    assert_eq!(
        judge(
            "standard_webhooks",
            &["standard_webhooks"],
            &["reject_missing_id", "reject_only_v1a_when_secret_is_v1"]
        ),
        13
    );
}

#[test]
fn httpsms_by_configuration() {
    assert_eq!(judge("httpsms", &["httpsms_jwt"], &[]), 8);
}

#[test]
fn infobip_by_configuration() {
    // Receipts stand in the same list as messages and have no text: a generic source refuses them.
    assert_eq!(judge("infobip", &["basic_auth"], &["dlr_delivered"]), 5);
}

#[test]
fn clicksend_by_configuration() {
    assert_eq!(judge("clicksend", &["url_token"], &[]), 3);
}

#[test]
fn textverified_by_configuration() {
    // Ten digits without a country code, and keys in another case, are the dialect's business.
    let beyond = ["sms_received", "sms_received_unicode", "sms_received_pascal_case"];
    assert_eq!(judge("textverified", &["textverified_hmac_sha512"], &beyond), 9);
}

/// A carrier without ids: what its message says stands in for one, the time included.
#[test]
fn a_message_without_an_id_is_known_by_its_content() {
    let vectors = load("infobip");
    let vector = vectors.iter().find(|v| v.reject_reason.is_none()).unwrap();
    let mut settings = settings("infobip", vector);
    settings["message"].as_table_mut().unwrap().remove("id");
    let carrier = Carrier::from_settings("generic", settings).unwrap();
    let received = carrier.receive(&vector.request(), vector.now()).unwrap();
    let [Report::Message(message), ..] = &received.reports[..] else {
        panic!("{:?}", received.reports)
    };
    assert!(message.received_at.is_some());
    assert_eq!(message.dedupe_key, message.content_key());
}

#[test]
fn settings_that_cannot_hold_are_refused() {
    let broken = |name: &str, change: &dyn Fn(&mut toml::Table)| {
        let mut settings = settings(name, &load(name)[0]);
        change(&mut settings);
        Carrier::from_settings("generic", settings)
            .unwrap_err()
            .to_string()
    };
    let set = |table: &'static str, key: &'static str, value: &'static str| {
        move |settings: &mut toml::Table| {
            settings[table]
                .as_table_mut()
                .unwrap()
                .insert(key.to_owned(), value.into());
        }
    };
    for (name, table, key, value, expected) in [
        ("sinch", "verify", "sign", "{body}", "`sign`"),
        ("sinch", "verify", "sign", "{timestamp}", "`sign`"),
        ("sinch", "verify", "hash", "crc32", "crc32"),
        ("sinch", "verify", "header", "a b", "`header`"),
        ("sinch", "verify", "scheme", "none", "none"),
        ("sinch", "message", "id", "id", "`message`"),
        ("sinch", "message", "number", "+12025550143", "`to`"),
        ("sinch", "message", "color", "red", "`color`"),
        ("clicksend", "message", "items", "/a", "`items`"),
        ("clicksend", "verify", "path_tokens", "short", "wrong shape"),
    ] {
        let message = broken(name, &set(table, key, value));
        assert!(message.contains(expected), "{name} {key}: {message}");
    }
    for name in ["sinch", "telnyx", "httpsms", "infobip", "clicksend"] {
        let message = broken(name, &set("verify", "no_such_key", "x"));
        assert!(message.contains("no_such_key"), "{name}: {message}");
    }
    let token = broken("clicksend", &|settings| {
        settings["verify"]["path_tokens"] = toml::Value::Array(vec!["short".into()]);
    });
    assert!(token.contains("128 random bits"), "{token}");
    let time = broken("infobip", &|settings| {
        settings.insert(
            "time".to_owned(),
            toml::Value::Table(toml::Table::from_iter([("header".to_owned(), "x".into())])),
        );
    });
    assert!(time.contains("`time`"), "{time}");
}
