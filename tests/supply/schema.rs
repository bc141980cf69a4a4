//! TextVerified's published schema, which every request to the scripted server and every answer of it is held to.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

static PUBLISHED: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/supplier/textverified-v2.json"
    );
    let text = std::fs::read(path).expect("it is in the repository");
    let mut document = serde_json::from_slice(&text).expect("it is JSON");
    nullable(&mut document);
    document
});

static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let schemas = PUBLISHED["components"]["schemas"].as_object().expect("schemas");
    let validator = |name: &String| {
        let schema =
            json!({ "$ref": format!("#/components/schemas/{name}"), "components": PUBLISHED["components"] });
        jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&schema)
            .expect("a schema")
    };
    schemas
        .keys()
        .map(|name| (name.clone(), validator(name)))
        .collect()
});

/// OpenAPI 3.0 says `nullable` where JSON Schema has a second type.
fn nullable(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("nullable") == Some(&Value::Bool(true))
                && let Some(kind) = members.get("type").cloned()
            {
                members.insert("type".into(), json!([kind, "null"]));
            }
            members.values_mut().for_each(nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(nullable),
        _ => {}
    }
}

/// Panics where `value` is not what the schema of this name describes; a list is one of such.
pub fn hold(name: &str, value: &Value) {
    let validator = &VALIDATORS[name];
    let values = match value {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    for value in values {
        let wrong: Vec<String> = validator.iter_errors(value).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?} in {value}");
    }
}

#[test]
fn the_schema_refuses_what_it_does_not_describe() {
    let sms = json!({ "id": "s", "from": null, "to": "2025550143", "createdAt": "2026-11-21T19:00:00Z", "smsContent": "x", "parsedCode": null, "encrypted": false });
    hold("Sms", &sms);
    for (member, value) in [
        ("id", json!(1)),
        ("surplus", json!(1)),
        ("createdAt", json!("yesterday")),
    ] {
        let mut bad = sms.clone();
        bad[member] = value;
        assert!(!VALIDATORS["Sms"].is_valid(&bad), "{member}");
    }
}
