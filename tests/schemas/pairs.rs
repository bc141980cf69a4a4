//! Request and response pairs as a contract's fixtures state them, played in their order against a running gateway.
//!
//! In a response, `{name}` stands for what only a run decides; everything else is exact: names, order, types and omissions.
//! In a request, `{name}` is what an earlier response had there.

use std::collections::BTreeMap;

use regex::Regex;
use ringback::core::money::Price;
use ringback::core::number::Number;
use serde_json::Value;

use crate::support::carrier::{self, TELNYX, draft};
use crate::support::client::Call;
use crate::support::gateway::Gateway;
use crate::support::{openapi, published};

const UUID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

/// What may stand for a text that only a run decides, what that text must look like, and whether it is the same each time.
const FORMS: [(&str, &str, bool); 21] = [
    ("profile", UUID, true),
    ("template", UUID, true),
    ("triggered", UUID, true),
    (
        "naive",
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}$",
        false,
    ),
    ("rental", UUID, true),
    ("second", UUID, true),
    ("third", UUID, true),
    ("keyed", UUID, true),
    ("subscription", "^whk_[0-9a-f]{32}$", true),
    ("secret", "^whsec_[A-Za-z0-9+/]{43}=$", false),
    (
        "time",
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        false,
    ),
    (
        "seconds",
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        false,
    ),
    ("rent", "^rent_[0-9a-f-]{36}$", true),
    ("unused", "^rent_[0-9a-f-]{36}$", true),
    ("held", "^rent_[0-9a-f-]{36}$", true),
    ("gb", "^[+]44770090012[34]$", true),
    ("date", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", false),
    ("text", "^.{1,200}$", false),
    ("ver", "^ver_[0-9a-f]{32}$", true),
    ("other", "^ver_[0-9a-f]{32}$", true),
    ("kept", "^ver_[0-9a-f]{32}$", true),
];

/// The texts that the run has decided so far, by the name that stands for them.
pub type Known = BTreeMap<String, String>;

/// What is wrong with `actual`; keeps what stands for `{rental}` and the like, which come again later.
fn differences(expected: &Value, actual: &Value, at: &str, known: &mut Known) -> Vec<String> {
    match (expected, actual) {
        (Value::Object(wanted), Value::Object(given)) => {
            if !wanted.keys().eq(given.keys()) {
                let (wanted, given): (Vec<_>, Vec<_>) = (wanted.keys().collect(), given.keys().collect());
                return vec![format!("{at}: members {given:?} instead of {wanted:?}")];
            }
            wanted
                .iter()
                .flat_map(|(name, value)| differences(value, &given[name], &format!("{at}/{name}"), known))
                .collect()
        }
        (Value::Array(wanted), Value::Array(given)) if wanted.len() == given.len() => {
            let pairs = wanted.iter().zip(given).enumerate();
            pairs
                .flat_map(|(n, (wanted, given))| differences(wanted, given, &format!("{at}/{n}"), known))
                .collect()
        }
        (Value::String(wanted), Value::String(given)) if wanted.starts_with('{') => {
            let name = wanted.trim_matches(['{', '}']);
            let (_, form, same) = FORMS
                .iter()
                .find(|(known, ..)| *known == name)
                .expect("a form of this name");
            if !Regex::new(form).unwrap().is_match(given) {
                return vec![format!("{at}: {given:?} is no {name}")];
            }
            let first = known.entry(name.to_owned()).or_insert_with(|| given.clone());
            if *same && first != given {
                return vec![format!("{at}: {given:?} is another {name} than before")];
            }
            Vec::new()
        }
        _ if expected == actual => Vec::new(),
        _ => vec![format!("{at}: {actual} instead of {expected}")],
    }
}

/// A contract's pairs, in the order of their names.
pub fn fixtures(contract: &str) -> Vec<(String, Value)> {
    let folder = format!("{}/fixtures/api/{contract}", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    paths.sort();
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (
            name,
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap(),
        )
    };
    paths.into_iter().map(read).collect()
}

/// Plays one pair: adds the numbers and posts the SMS that come before it, sends the request, and compares. `{key}` is known from the start.
pub async fn play(gateway: &Gateway, name: &str, fixture: &Value, known: &mut Known) {
    if let Some(text) = fixture["before"]["sms"].as_str() {
        let sent = carrier::post(gateway.address, TELNYX, &draft(name, "+17755551234", text)).await;
        assert_eq!(sent.status, 204, "{name}");
    }
    if let Some(numbers) = fixture["before"]["numbers"].as_array() {
        let number = |text: &Value| {
            let number = text.as_str().unwrap().to_owned().try_into().unwrap();
            Number::new(number, "US".into(), Price::default())
        };
        let numbers = numbers.iter().map(number).collect();
        gateway.running.gateway.add_numbers(numbers).await.unwrap();
    }
    let request = &fixture["request"];
    let path = filled(request["path"].as_str().unwrap(), known);
    let method = request["method"].as_str().unwrap();
    let call = match (request.get("body"), request["form"].as_str()) {
        (Some(body), _) => Call::new(method, &path)
            .header("content-type", "application/json")
            .body(filled(&body.to_string(), known)),
        (_, Some(form)) => Call::new(method, &path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(filled(form, known)),
        _ => Call::new(method, &path),
    };
    if fixture["response"]["status"].as_u64() < Some(400) && request.get("body").is_some() {
        let body = serde_json::from_str(&filled(&request["body"].to_string(), known)).unwrap();
        let wrong = openapi::wrong_body(method, &path, "application/json", &body);
        assert!(wrong.is_empty(), "{name}: the request: {wrong:#?}");
    }
    let call = if path.starts_with("/api/") || path.starts_with("/v2/") {
        call.key(&gateway.key)
    } else if path.starts_with("/v1/") {
        call.key(&gateway.key).header("x-tenant-id", "acme")
    } else {
        call
    };
    let call = headers(request).fold(call, |call, (name, value)| call.header(name, value));
    let reply = call.send(gateway.address).await;
    for (name, value) in headers(&fixture["response"]) {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    let status = fixture["response"]["status"].as_u64().unwrap();
    assert_eq!(u64::from(reply.status), status, "{name}: {}", reply.text());
    let mut wrong = differences(&fixture["response"]["body"], &reply.json(), "", known);
    wrong.extend(openapi::wrong(method, &path, &reply));
    if path.starts_with("/v2/") {
        wrong.extend(published::wrong(method, &path, (reply.status, &reply.json())));
    }
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
}

fn headers(of: &Value) -> impl Iterator<Item = (&str, &str)> {
    let all = of["headers"].as_object().into_iter().flatten();
    all.map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
}

fn filled(text: &str, known: &Known) -> String {
    known.iter().fold(text.to_owned(), |text, (word, value)| {
        text.replace(&format!("{{{word}}}"), value)
    })
}

#[test]
fn a_difference_is_seen() {
    let expected = serde_json::json!({ "id": "{rental}", "cost": "0.5000", "list": [{ "at": "{time}" }] });
    let good = serde_json::json!({ "id": "01a2005a-4620-77c8-8016-6b3962f71f4c", "cost": "0.5000", "list": [{ "at": "2026-11-21T19:00:00.000Z" }] });
    let mut known = Known::new();
    assert_eq!(
        differences(&expected, &good, "", &mut known),
        Vec::<String>::new()
    );
    assert_eq!(known["rental"], "01a2005a-4620-77c8-8016-6b3962f71f4c");
    let bad = [
        r#"{"id":"01a2005a-4620-77c8-8016-6b3962f71f4d","cost":"0.5000","list":[{"at":"2026-11-21T19:00:00.000Z"}]}"#,
        r#"{"id":"01a2005a-4620-77c8-8016-6b3962f71f4c","cost":0.5,"list":[{"at":"2026-11-21T19:00:00.000Z"}]}"#,
        r#"{"id":"1","cost":"0.5000","list":[{"at":"2026-11-21T19:00:00.000Z"}]}"#,
        r#"{"id":"01a2005a-4620-77c8-8016-6b3962f71f4c","cost":"0.5000","list":[]}"#,
        r#"{"id":"01a2005a-4620-77c8-8016-6b3962f71f4c","cost":"0.5000","list":[{"at":null}]}"#,
        r#"{"id":"01a2005a-4620-77c8-8016-6b3962f71f4c","cost":"0.5000","list":[{"at":"2026-11-21T19:00:00.000Z"}],"more":null}"#,
        r#"{"cost":"0.5000","id":"01a2005a-4620-77c8-8016-6b3962f71f4c","list":[{"at":"2026-11-21T19:00:00.000Z"}]}"#,
        r#"{"id":"01a2005a-4620-77c8-8016-6b3962f71f4c","cost":"0.5000"}"#,
    ];
    for bad in bad {
        let actual: Value = serde_json::from_str(bad).unwrap();
        assert!(
            !differences(&expected, &actual, "", &mut known).is_empty(),
            "not seen: {bad}"
        );
    }
}
