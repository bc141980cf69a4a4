//! Secrets: texts that stand elsewhere are filled in or refused, and nothing secret is shown again.

use std::fs;

use ringback::carrier::NAMES;
use ringback::carrier::simulate::Signer;
use ringback::config::{Layers, load, redacted, resolved};
use toml::{Table, Value};

const MASTER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn with_master(text: &str) -> Layers {
    let mut layers = Layers::default();
    layers.set_flag("store", "master_key", text.to_owned());
    layers
}

#[test]
fn texts_that_stand_elsewhere_are_filled_in() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, format!("{MASTER}\r\n")).unwrap();
    let config = load(with_master(&format!("file:{}", file.display()))).unwrap();
    assert_eq!(
        config.store.master_key, MASTER,
        "the end of the line is not part of it"
    );
    // Cargo sets this one for every test.
    let config = load(with_master("env:CARGO_PKG_NAME")).unwrap();
    assert_eq!(config.store.master_key, "ringback");
    let sources = format!(
        "[[source]]\nname = \"a\"\ncarrier = \"telnyx\"\npublic_keys = [\"file:{}\"]",
        file.display()
    );
    let table = resolved(Layers {
        flags: sources.parse().unwrap(),
        ..Layers::default()
    })
    .unwrap();
    assert_eq!(
        table["source"][0]["public_keys"][0].as_str(),
        Some(MASTER),
        "in lists too"
    );
}

#[test]
fn a_text_that_is_not_there_is_refused_and_never_taken_as_it_stands() {
    for (text, says) in [
        ("env:RINGBACK_TEST_NOT_THERE", "RINGBACK_TEST_NOT_THERE"),
        ("file:/nowhere/at/all", "/nowhere/at/all"),
        ("cred:master", "LoadCredential"),
    ] {
        let error = load(with_master(text)).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("`master_key`"), "{error}");
    }
}

/// A configuration with every carrier that can be simulated, and the secrets in it.
fn with_every_carrier() -> (Layers, Vec<String>) {
    let mut secrets = vec![MASTER.to_owned()];
    let mut sources = Vec::new();
    for (at, name) in NAMES.iter().enumerate() {
        let random = std::array::from_fn(|byte| {
            u8::try_from(at).unwrap().wrapping_mul(37) ^ u8::try_from(byte).unwrap()
        });
        let Some(signer) = Signer::generate(name, &random) else {
            continue;
        };
        let mut table = signer.settings();
        let lists = table.values().filter_map(Value::as_array).flatten();
        secrets.extend(lists.filter_map(Value::as_str).map(str::to_owned));
        table.insert("name".into(), format!("source-{at}").into());
        table.insert("carrier".into(), (*name).into());
        sources.push(Value::Table(table));
    }
    let mut layers = with_master(MASTER);
    layers.flags.insert("source".into(), Value::Array(sources));
    let provider = toml::toml! {
        name = "source-of-codes"
        kind = "generic"
        url = "https://sms.example.com/?key=0rchid-in-url"
        headers = { authorization = "0rchid-in-header" }
        json = { password = "0rchid-in-body" }
    };
    let verify = toml::toml! {
        callback_secret = "0rchid-in-callback"
        pepper = "0rchid-in-pepper"
        pepper_before = "0rchid-in-before"
    };
    layers.flags.insert("verify".into(), verify.into());
    let places = ["url", "header", "body", "callback", "pepper", "before"];
    secrets.extend(places.map(|place| format!("0rchid-in-{place}")));
    layers
        .flags
        .insert("provider".into(), Value::Array(vec![provider.into()]));
    (layers, secrets)
}

#[test]
fn debug_shows_no_secret() {
    let (layers, secrets) = with_every_carrier();
    assert!(secrets.len() > 15, "each carrier brings its own");
    let config = load(layers).unwrap();
    let shown = format!("{config:?} {config:#?}");
    assert!(shown.contains("source-0") && shown.contains("folder"));
    for secret in &secrets {
        assert!(!shown.contains(secret.as_str()), "{secret}");
    }
}

#[test]
fn redacted_shows_no_secret_and_the_same_keys() {
    let (layers, secrets) = with_every_carrier();
    let table = resolved(layers).unwrap();
    let plain = table.to_string();
    assert!(
        secrets.iter().all(|secret| plain.contains(secret.as_str())),
        "they are there to be hidden"
    );
    let shown = redacted(table.clone());
    let text = shown.to_string();
    for secret in &secrets {
        assert!(!text.contains(secret.as_str()), "{secret}");
    }
    assert_eq!(names(&shown), names(&table));
    assert!(text.contains("***") && text.contains("source-0"));
}

fn names(table: &Table) -> Vec<String> {
    let own = table.keys().cloned();
    let inner = table.values().filter_map(Value::as_table).flat_map(names);
    own.chain(inner).collect()
}
