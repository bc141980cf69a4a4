//! `schemas/webhooks.json`: an OpenAPI document of every webhook, made from the events' schemas and held to them.
//! After a change of a schema: `RINGBACK_WRITE_DOCUMENT=1 cargo test --test schemas document`.

use ringback::core::event::Kind;
use serde_json::{Map, Value, json};

use crate::support::schema;

fn header(description: &str, schema: &Value) -> Value {
    json!({ "in": "header", "required": true, "description": description, "schema": schema })
}

/// The parameters that every webhook has, by their names.
fn headers() -> Map<String, Value> {
    let mut headers = Map::new();
    let all = [
        (
            "webhook-id",
            "The event, the same on every attempt and in every subscription: what is there already has been delivered before.",
            json!({ "type": "string", "pattern": "^evt_[0-9a-f]{32}$" }),
        ),
        (
            "webhook-timestamp",
            "When this attempt was made, in seconds since 1970. Refuse what is more than five minutes off.",
            json!({ "type": "string", "pattern": "^[0-9]+$" }),
        ),
        (
            "webhook-signature",
            "Signatures of `{webhook-id}.{webhook-timestamp}.{body}` parted by spaces, by every key of the subscription: v1 is HMAC-SHA256, v1a is ed25519. One that matches is enough.",
            json!({ "type": "string", "pattern": "^v1a?,[A-Za-z0-9+/=]+( v1a?,[A-Za-z0-9+/=]+)*$" }),
        ),
    ];
    for (name, description, schema) in all {
        let mut parameter = header(description, &schema);
        parameter["name"] = json!(name);
        headers.insert(name.to_owned(), parameter);
    }
    headers
}

fn responses() -> Value {
    json!({
        "2XX": { "description": "Taken. Answer first, then do the work." },
        "410": { "description": "The subscription is not wanted any more: it is disabled at once." },
        "429": { "description": "Too much: deliveries slow down, and Retry-After is honoured." },
        "default": { "description": "Anything else, a redirect too, is a failure and is tried again on the subscription's schedule." }
    })
}

fn webhook(kind: &str, schema: &Value) -> Value {
    let parameters: Vec<Value> = headers()
        .keys()
        .map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }))
        .collect();
    json!({
        "post": {
            "operationId": kind,
            "summary": schema["title"],
            "description": schema["description"],
            "parameters": parameters,
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": { "$ref": format!("events/{kind}.json") } } }
            },
            "responses": responses()
        }
    })
}

fn document() -> Value {
    let schemas = schema::schemas();
    let webhooks: Map<String, Value> = schemas
        .iter()
        .map(|(kind, schema)| (kind.clone(), webhook(kind, schema)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ringback webhooks",
            "version": "1",
            "description": "What subscribers are sent, signed as Standard Webhooks says. Within a version members and events are added, none is taken away. A subscription of thin payloads gets the ids of `data` alone.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" }
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "webhooks": webhooks,
        "components": { "parameters": headers() }
    })
}

#[test]
fn the_document_has_every_event_and_is_what_the_schemas_make_it() {
    let path = schema::folder().join("webhooks.json");
    let made = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("RINGBACK_WRITE_DOCUMENT").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(
        kept == made,
        "schemas/webhooks.json is not of these schemas: RINGBACK_WRITE_DOCUMENT=1 cargo test --test schemas document"
    );
    let kept: Value = serde_json::from_str(&kept).unwrap();
    for kind in Kind::ALL {
        let body = &kept["webhooks"][kind.as_str()]["post"]["requestBody"]["content"]["application/json"];
        let schema = schema::folder().join(body["schema"]["$ref"].as_str().unwrap());
        assert!(schema.is_file(), "{}", schema.display());
    }
    assert_eq!(kept["webhooks"].as_object().unwrap().len(), Kind::ALL.len());
}
