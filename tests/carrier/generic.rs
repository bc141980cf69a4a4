//! The generic source, described by the worked examples in `fixtures/carrier/generic`, does what the built-in dialects do.

use std::path::Path;

use ringback::carrier::captured::normalized;

use super::vectors::{Vector, load};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use ringback::carrier::{Carrier, Reject, Request};
use ringback::core::message::Report;
use ringback::core::time::UnixMs;
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

/// The HMAC of one of the hashes, made here and not by the product.
fn mac(hash: &str, message: &[u8]) -> Vec<u8> {
    fn tag<M: Mac + hmac::digest::KeyInit>(message: &[u8]) -> Vec<u8> {
        let mac = <M as Mac>::new_from_slice(b"a secret").unwrap();
        mac.chain_update(message).finalize().into_bytes().to_vec()
    }
    match hash {
        "sha1" => tag::<Hmac<sha1::Sha1>>(message),
        "sha256" => tag::<Hmac<sha2::Sha256>>(message),
        "sha512" => tag::<Hmac<sha2::Sha512>>(message),
        other => panic!("{other}"),
    }
}

/// The verdict on a form whose signature is over all that a template may name, with the window at `age_s`.
fn signed_form((hash, encoding): (&str, &str), change: &str, age_s: u64) -> Result<usize, Reject> {
    let settings = format!(
        "verify = {{ scheme = 'hmac', hash = '{hash}', encoding = '{encoding}', header = 'x-sig', prefix = 'v9=', secrets = ['old', 'a secret'], \
         sign = '{{method}} {{url}}|{{header:x-id}}|{{timestamp}}|{{body}}' }}\n\
         time = {{ header = 'x-at', window_s = 60 }}\n\
         message = {{ format = 'form', id = 'id', from = 'src', to = 'dst', text = 'txt', time = 'at', time_format = 'unix_s', parts = 'n' }}"
    );
    let carrier = Carrier::from_settings("generic", toml::from_str(&settings).unwrap()).unwrap();
    let (url, body, at) = (
        "https://gw.example.com/in/g?k=1",
        "id=1&src=12025550187&dst=%2B12025550143&txt=hi&at=1793534398&n=2",
        "1793534400",
    );
    let signature = mac(hash, format!("POST {url}|7|{at}|{body}").as_bytes());
    let signature = match encoding {
        "hex" => signature.iter().map(|b| format!("{b:02x}")).collect(),
        _ => BASE64_STANDARD.encode(signature),
    };
    let changed = |name: &str, value: String| {
        if name == change {
            format!("{value}1")
        } else {
            value
        }
    };
    let (url, body) = (changed("url", url.to_owned()), changed("body", body.to_owned()));
    let mut headers = http::HeaderMap::new();
    let prefix = if change == "prefix" { "v8=" } else { "v9=" };
    for (name, value) in [
        ("x-sig", changed("signature", format!("{prefix}{signature}"))),
        ("x-id", changed("id", "7".to_owned())),
        ("x-at", at.to_owned()),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    let method = if change == "method" { "PUT" } else { "POST" };
    let request = Request {
        method,
        url: &url,
        headers: &headers,
        body: body.as_bytes(),
    };
    let received = carrier.receive(&request, UnixMs::from_secs(1_793_534_400 + age_s))?;
    let [Report::Message(message)] = &received.reports[..] else {
        panic!("{received:?}")
    };
    assert_eq!(
        (
            message.carrier_message_id.as_str(),
            message.from.as_str(),
            message.to.as_str()
        ),
        ("1", "+12025550187", "+12025550143")
    );
    assert_eq!((message.text.as_str(), message.parts), ("hi", Some(2)));
    assert_eq!(message.received_at, Some(UnixMs::from_secs(1_793_534_398)));
    Ok(received.key_index)
}

#[test]
fn every_hash_and_encoding_over_all_that_a_template_names() {
    for hash in ["sha1", "sha256", "sha512"] {
        for encoding in ["hex", "base64"] {
            let scheme = (hash, encoding);
            assert_eq!(
                signed_form(scheme, "nothing", 60),
                Ok(1),
                "{scheme:?}: the second key, at the window's edge"
            );
            assert_eq!(
                signed_form(scheme, "nothing", 61),
                Err(Reject::StaleTimestamp),
                "{scheme:?}"
            );
            assert_eq!(
                signed_form(scheme, "prefix", 0),
                Err(Reject::MalformedSignature),
                "{scheme:?}"
            );
            for change in ["method", "url", "id", "body", "signature"] {
                assert_eq!(
                    signed_form(scheme, change, 0),
                    Err(Reject::BadSignature),
                    "{scheme:?} {change}"
                );
            }
        }
    }
}
