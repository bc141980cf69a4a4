//! What was published stays: no event, field or value that stands in `schemas/baseline.json` is taken away, renamed or changes its type.
//! That file is the schemas as last released. At a release and with a new event: `RINGBACK_WRITE_BASELINE=1 cargo test --test schemas additive`.

use std::collections::{BTreeMap, BTreeSet};

use ringback::core::event::Kind;
use serde_json::{Map, Value, json};

use crate::support::schema;

/// Of each event, each field by its path, with what binds its values and whether it is always there.
type Fields = BTreeMap<String, BTreeMap<String, Value>>;

/// What tells people something and binds nothing, or is looked at field by field.
const UNBINDING: [&str; 5] = ["description", "title", "examples", "properties", "required"];

fn fields(schemas: &BTreeMap<String, Value>) -> Fields {
    let each = schemas.iter().map(|(kind, schema)| {
        let mut found = BTreeMap::new();
        gather(schema, "", &mut found);
        (kind.clone(), found)
    });
    each.collect()
}

fn gather(object: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    let required = object["required"].as_array().cloned().unwrap_or_default();
    for (name, property) in object["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}/{name}");
        let binding = property.as_object().into_iter().flatten();
        let mut binding: Map<String, Value> = binding
            .filter(|(keyword, _)| !UNBINDING.contains(&keyword.as_str()))
            .map(|(keyword, value)| (keyword.clone(), value.clone()))
            .collect();
        binding.insert("always".into(), required.contains(&json!(name)).into());
        found.insert(path.clone(), Value::Object(binding));
        gather(property, &path, found);
    }
}

/// What of `was` a reader can no longer rely on.
fn broken(was: &Fields, is: &Fields) -> Vec<String> {
    let mut broken = Vec::new();
    for (kind, was) in was {
        let Some(is) = is.get(kind) else {
            broken.push(format!("{kind} is gone"));
            continue;
        };
        for (path, was) in was {
            match is.get(path) {
                None => broken.push(format!("{kind} {path} is gone")),
                Some(is) => broken.extend(changed(was, is).map(|what| format!("{kind} {path}: {what}"))),
            }
        }
    }
    broken
}

/// How a field's values differ from what was promised. New values of an enumeration and a field that is now always there are additions.
fn changed(was: &Value, is: &Value) -> Option<String> {
    let keywords = was
        .as_object()
        .into_iter()
        .chain(is.as_object())
        .flat_map(|of| of.keys());
    for keyword in keywords {
        let (was, is) = (&was[keyword], &is[keyword]);
        let kept = match keyword.as_str() {
            "always" => was == &json!(false) || was == is,
            "enum" => was.as_array().is_some_and(|was| {
                was.iter()
                    .all(|value| is.as_array().is_some_and(|is| is.contains(value)))
            }),
            _ => was == is,
        };
        if !kept {
            return Some(format!("{keyword} was {was} and is {is}"));
        }
    }
    None
}

#[test]
fn nothing_that_was_published_is_taken_away_or_changed() {
    let path = schema::folder().join("baseline.json");
    let is = fields(&schema::schemas());
    if std::env::var_os("RINGBACK_WRITE_BASELINE").is_some() {
        std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&is).unwrap())).unwrap();
    }
    let was: Fields = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let kinds: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let kept: BTreeSet<&str> = was.keys().map(String::as_str).collect();
    assert_eq!(
        kept, kinds,
        "the baseline has every event, so that none may lose a field"
    );
    assert!(
        was.values().all(|fields| fields.len() >= 4),
        "and something of each"
    );
    assert_eq!(broken(&was, &is), Vec::<String>::new());
}

const CODE: &str = "verification.code_received";

/// Whether the schemas as they are, altered so, break what they promise now.
fn breaks(alter: impl FnOnce(&mut BTreeMap<String, Value>)) -> Vec<String> {
    let mut schemas = schema::schemas();
    let was = fields(&schemas);
    alter(&mut schemas);
    broken(&was, &fields(&schemas))
}

fn data(schemas: &mut BTreeMap<String, Value>) -> &mut Value {
    &mut schemas.get_mut(CODE).unwrap()["properties"]["data"]
}

fn properties(schemas: &mut BTreeMap<String, Value>) -> &mut Map<String, Value> {
    data(schemas)["properties"].as_object_mut().unwrap()
}

#[test]
fn every_kind_of_break_is_seen() {
    let removed = breaks(|all| drop(properties(all).remove("otpCode")));
    assert_eq!(removed, [format!("{CODE} /data/otpCode is gone")]);
    let renamed = breaks(|all| {
        let code = properties(all).remove("otpCode").unwrap();
        properties(all).insert("code".into(), code);
    });
    assert_eq!(renamed, [format!("{CODE} /data/otpCode is gone")]);
    let retyped = breaks(|all| properties(all)["otpCode"]["type"] = json!("integer"));
    assert_eq!(
        retyped,
        [format!(
            "{CODE} /data/otpCode: type was \"string\" and is \"integer\""
        )]
    );
    let loosened = breaks(|all| {
        drop(
            properties(all)["createdAt"]
                .as_object_mut()
                .unwrap()
                .remove("pattern"),
        );
    });
    assert_eq!(loosened.len(), 1, "{loosened:?}");
    let optional = breaks(|all| {
        data(all)["required"]
            .as_array_mut()
            .unwrap()
            .retain(|name| name != "otpCode");
    });
    assert_eq!(
        optional,
        [format!("{CODE} /data/otpCode: always was true and is false")]
    );
    let narrowed = breaks(|all| {
        drop(
            properties(all)["status"]["enum"]
                .as_array_mut()
                .unwrap()
                .remove(0),
        );
    });
    assert_eq!(narrowed.len(), 1, "{narrowed:?}");
    let gone = breaks(|all| drop(all.remove(CODE)));
    assert_eq!(gone, [format!("{CODE} is gone")]);
}

#[test]
fn additions_are_free() {
    let added = breaks(|all| {
        let more = all[CODE].clone();
        all.insert("verification.more".into(), more);
        properties(all).insert("more".into(), json!({ "type": "string" }));
        properties(all)["status"]["enum"]
            .as_array_mut()
            .unwrap()
            .push(json!("more"));
        properties(all)["otpCode"]["description"] = json!("In other words.");
        data(all)["required"].as_array_mut().unwrap().push(json!("more"));
    });
    assert_eq!(added, Vec::<String>::new());
}
