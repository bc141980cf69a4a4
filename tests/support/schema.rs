//! The events' JSON Schemas as the tests hold every webhook to them, whichever test it was sent in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

pub fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas"))
}

/// Every schema by the name of its file, which is the event type.
pub fn schemas() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(folder().join("events")).expect("it is in the repository");
    let read = |path: PathBuf| {
        let kind = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name")
            .to_owned();
        let text = std::fs::read(&path).expect("it is a file");
        (kind, serde_json::from_slice(&text).expect("a schema is JSON"))
    };
    files.map(|entry| read(entry.expect("a file").path())).collect()
}

/// `schemas/thin.json`, which the thin form of every type holds to.
pub fn thin_validator() -> Validator {
    let text = std::fs::read(folder().join("thin.json")).expect("it is in the repository");
    validator(&serde_json::from_slice(&text).expect("a schema is JSON"))
}

static THIN: LazyLock<Validator> = LazyLock::new(thin_validator);

/// A schema ready to judge, that of its thin form, and the members of `data` that it describes.
struct Judge {
    full: Validator,
    thin: Validator,
    members: Vec<String>,
}

static JUDGES: LazyLock<BTreeMap<String, Judge>> = LazyLock::new(|| {
    let judge = |schema: &Value| {
        let mut thin = schema.clone();
        let required = thin["properties"]["data"]["required"].as_array_mut();
        required
            .into_iter()
            .for_each(|names| names.retain(|name| is_id(name.as_str().unwrap_or_default())));
        let members = schema["properties"]["data"]["properties"].as_object();
        Judge {
            full: validator(schema),
            thin: validator(&thin),
            members: members
                .into_iter()
                .flat_map(|members| members.keys().cloned())
                .collect(),
        }
    };
    schemas()
        .iter()
        .map(|(kind, schema)| (kind.clone(), judge(schema)))
        .collect()
});

pub fn validator(schema: &Value) -> Validator {
    assert!(
        jsonschema::draft202012::meta::is_valid(schema),
        "no JSON Schema of 2020-12: {}",
        schema["$id"]
    );
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema")
}

fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("Id")
}

/// A body whose data has nothing but ids, as a subscription of thin payloads gets it.
fn is_thin(event: &Value) -> bool {
    let data = event["data"].as_object();
    data.is_some_and(|data| !data.is_empty() && data.keys().all(|name| is_id(name)))
}

/// What is wrong with an event: against its schema, and members that the schema does not describe.
pub fn wrong(event: &Value) -> Vec<String> {
    let Some(judge) = event["type"].as_str().and_then(|kind| JUDGES.get(kind)) else {
        return vec![format!("no schema for {}", event["type"])];
    };
    let validators = if is_thin(event) {
        vec![&judge.thin, &*THIN]
    } else {
        vec![&judge.full]
    };
    let errors = validators
        .into_iter()
        .flat_map(|validator| validator.iter_errors(event));
    let mut wrong: Vec<String> = errors.map(|error| error.to_string()).collect();
    let members = event["data"].as_object().into_iter().flat_map(|data| data.keys());
    let unknown = members.filter(|name| !judge.members.contains(name));
    wrong.extend(unknown.map(|name| format!("{name} is not described")));
    wrong
}

/// As `wrong`, for the bytes of a webhook.
pub fn wrong_body(body: &[u8]) -> Vec<String> {
    match serde_json::from_slice(body) {
        Ok(event) => wrong(&event),
        Err(error) => vec![format!("no JSON: {error}")],
    }
}
