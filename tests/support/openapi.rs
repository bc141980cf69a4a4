//! `schemas/openapi.yaml` as the tests hold answers to it: the status, the media type, the schema, and no member that is not described.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use jsonschema::Validator;
use ringback::http::routes;
use serde_json::{Value, json};

use super::client::Reply;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let path = super::schema::folder().join("openapi.yaml");
    let text = std::fs::read_to_string(path).expect("it is in the repository");
    serde_saphyr::from_str(&text).expect("the document is YAML")
});

pub fn document() -> &'static Value {
    &DOCUMENT
}

/// The operation that answers this, by the router's own table.
pub fn operation(method: &str, path: &str) -> Option<(&'static str, String)> {
    let path = path.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let route = routes::find(&segments).ok()?;
    let method = method.to_ascii_lowercase();
    DOCUMENT["paths"][route.path]
        .get(&method)
        .map(|_| (route.path, method))
}

/// Follows one reference of the document; what is none is itself.
fn followed(pointer: String) -> String {
    match at(&pointer)["$ref"].as_str() {
        Some(reference) => reference.trim_start_matches('#').to_owned(),
        None => pointer,
    }
}

fn at(pointer: &str) -> &'static Value {
    DOCUMENT.pointer(pointer).unwrap_or(&Value::Null)
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// What is wrong with an answer of the API's listener; nothing where the path has no operation.
pub fn wrong(method: &str, path: &str, reply: &Reply) -> Vec<String> {
    let Some((path, method)) = operation(method, path) else {
        return Vec::new();
    };
    let responses = format!("/paths/{}/{method}/responses", escaped(path));
    let statuses = [reply.status.to_string(), format!("{}XX", reply.status / 100)];
    let Some(status) = statuses
        .iter()
        .find(|status| at(&responses).get(*status).is_some())
    else {
        return vec![format!("the status {} is not described", reply.status)];
    };
    let content = format!("{}/content", followed(format!("{responses}/{status}")));
    let media = reply.header("content-type").unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default();
    if at(&content).is_null() {
        return Vec::new();
    }
    if at(&content).get(media).is_none() {
        return vec![format!("the media type {media:?} is not described")];
    }
    let schema = format!("{content}/{}/schema", escaped(media));
    match media {
        "application/x-ndjson" => {
            let lines = reply.text();
            let each = |line| judged(&schema, &serde_json::from_str(line).expect("a line of JSON"));
            lines.lines().flat_map(each).collect()
        }
        _ if media.ends_with("json") => judged(&schema, &reply.json()),
        _ => Vec::new(),
    }
}

/// What is wrong with the body of a request.
pub fn wrong_body(method: &str, path: &str, media: &str, body: &Value) -> Vec<String> {
    let Some((path, method)) = operation(method, path) else {
        return Vec::new();
    };
    let content = followed(format!("/paths/{}/{method}/requestBody", escaped(path)));
    judged(&format!("{content}/content/{}/schema", escaped(media)), body)
}

fn judged(schema: &str, value: &Value) -> Vec<String> {
    let mut validators = VALIDATORS.lock().expect("no test panics in here");
    let validator = validators
        .entry(schema.to_owned())
        .or_insert_with(|| validator(schema));
    let errors = validator.iter_errors(value);
    let mut wrong: Vec<String> = errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    undescribed(&[at(schema)], value, "", &mut wrong);
    wrong
}

static VALIDATORS: LazyLock<Mutex<BTreeMap<String, Validator>>> = LazyLock::new(Mutex::default);

/// This part of the document as a schema, with the components that it refers to.
fn validator(schema: &str) -> Validator {
    assert!(!at(schema).is_null(), "the document has no {schema}");
    let root = json!({ "allOf": [at(schema)], "components": DOCUMENT["components"] });
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&root)
        .unwrap_or_else(|e| panic!("{schema}: {e}"))
}

/// Members that none of these schemas, which all hold or may hold, describes.
fn undescribed(schemas: &[&'static Value], value: &Value, place: &str, wrong: &mut Vec<String>) {
    let mut all = Vec::new();
    schemas.iter().for_each(|schema| spread(schema, &mut all));
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let named = all.iter().filter_map(|schema| schema["properties"].get(name));
                let others = all.iter().filter_map(|schema| schema.get("additionalProperties"));
                let mut described: Vec<&Value> = named.collect();
                if described.is_empty() {
                    described = others.filter(|schema| **schema != false).collect();
                }
                let place = format!("{place}/{name}");
                if described.is_empty() {
                    wrong.push(format!("{place} is not described"));
                } else if described.iter().all(|schema| **schema != true) {
                    undescribed(&described, member, &place, wrong);
                }
            }
        }
        Value::Array(list) => {
            let items: Vec<&Value> = all.iter().filter_map(|schema| schema.get("items")).collect();
            for (n, item) in list.iter().enumerate() {
                undescribed(&items, item, &format!("{place}/{n}"), wrong);
            }
        }
        _ => {}
    }
}

/// A schema with all that it is put together of.
fn spread(schema: &'static Value, all: &mut Vec<&'static Value>) {
    all.push(schema);
    if let Some(reference) = schema["$ref"].as_str() {
        spread(at(reference.trim_start_matches('#')), all);
    }
    for parts in ["allOf", "anyOf", "oneOf"] {
        schema[parts]
            .as_array()
            .into_iter()
            .flatten()
            .for_each(|part| spread(part, all));
    }
}
