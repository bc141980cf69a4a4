//! `schemas/openapi.yaml` against the router's table: every route with its methods, its parameters and its scopes, and nothing else. That
//! answers are as it says: `pairs` and `support::gateway`; that it is OpenAPI, and what schemathesis makes of it: tests/peers.

use std::collections::BTreeMap;

use ringback::http::routes::{Access, ROUTES};
use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::openapi::{document, wrong, wrong_body};

/// Path and method, and the scopes that each way in asks for; no way in where it is open.
type Operations = BTreeMap<(String, String), Vec<String>>;

/// The contract that lets a key stand in the query.
const PARTNER: [&str; 4] = ["/getNumbers", "/rentNumber", "/getSMS", "/cancelNumber"];

fn routed() -> Operations {
    let lines = ROUTES.iter().flat_map(|route| {
        let methods = route.methods.split(", ").zip(route.access);
        methods.map(|(method, access)| {
            let scopes = match access {
                Access::Open => Vec::new(),
                Access::Key(scope) => vec![format!("bearer {scope}")],
                Access::Own(scope) if !PARTNER.contains(&route.path) => vec![format!("bearer {scope}")],
                Access::Own(scope) => vec![format!("bearer {scope}"), format!("apiKey {scope}")],
            };
            ((route.path.to_owned(), method.to_lowercase()), scopes)
        })
    });
    lines.collect()
}

/// Each operation of the document with its path's shared parameters.
fn operations() -> impl Iterator<
    Item = (
        &'static String,
        &'static String,
        &'static Value,
        Vec<&'static Value>,
    ),
> {
    let paths = document()["paths"].as_object().expect("it has paths");
    paths.iter().flat_map(|(path, item)| {
        let list = |value: &'static Value| value["parameters"].as_array().into_iter().flatten();
        let methods = item.as_object().expect("a path has operations").iter();
        let methods = methods.filter(|(method, _)| *method != "parameters");
        methods.map(move |(method, operation)| {
            let parameters = list(item).chain(list(operation));
            (path, method, operation, parameters.collect())
        })
    })
}

fn described() -> Operations {
    let scopes = |way: &Value| {
        let (name, scopes) = way.as_object()?.iter().next()?;
        Some(format!("{name} {}", scopes[0].as_str()?))
    };
    operations()
        .map(|(path, method, operation, _)| {
            let ways = operation["security"].as_array().expect("each says who may call");
            let ways: Option<Vec<String>> = ways.iter().map(scopes).collect();
            (
                (path.clone(), method.clone()),
                ways.expect("one scope for each way"),
            )
        })
        .collect()
}

#[test]
fn every_route_is_described_with_its_scopes_and_no_other_is() {
    let (routed, described) = (routed(), described());
    for (operation, scopes) in &routed {
        assert_eq!(
            described.get(operation),
            Some(scopes),
            "{operation:?} is a route: describe it in schemas/openapi.yaml"
        );
    }
    let unknown: Vec<_> = described
        .keys()
        .filter(|key| !routed.contains_key(*key))
        .collect();
    assert!(unknown.is_empty(), "no routes: {unknown:?}");
}

#[test]
fn every_operation_has_a_name_of_its_own_and_describes_its_paths_parameters() {
    let mut names = Vec::new();
    for (path, method, operation, parameters) in operations() {
        let what = format!("{method} {path}");
        names.push(operation["operationId"].as_str().expect(&what));
        assert!(
            operation["summary"].is_string() && operation["tags"].is_array(),
            "{what}"
        );
        let named = |parameter: &Value| {
            let followed = match parameter["$ref"].as_str() {
                Some(reference) => document()
                    .pointer(reference.trim_start_matches('#'))
                    .expect(reference),
                None => parameter,
            };
            (followed["in"] == "path").then(|| followed["name"].as_str().map(str::to_owned))?
        };
        let mut described: Vec<String> = parameters.into_iter().filter_map(named).collect();
        let mut placed: Vec<String> = path
            .split('/')
            .filter_map(|part| Some(part.strip_prefix('{')?.strip_suffix('}')?.to_owned()))
            .collect();
        described.sort();
        placed.sort();
        assert_eq!(described, placed, "{what}");
    }
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "each operationId is there once");
}

fn reply(status: u16, media: &str, body: &Value) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".into(), media.into())],
        body: body.to_string().into(),
    }
}

#[test]
fn an_answer_that_is_not_as_described_is_seen() {
    let cancel = "/api/verifications/01a2005a-4620-77c8-8016-6b3962f71f4c/cancel";
    let good = json!({ "id": "01a2005a-4620-77c8-8016-6b3962f71f4c", "status": "cancelled" });
    let judged = |status, media, body: &Value| wrong("POST", cancel, &reply(status, media, body));
    assert_eq!(judged(200, "application/json", &good), Vec::<String>::new());
    let mut more = good.clone();
    more["more"] = json!(1);
    for (status, media, body) in [
        (200, "application/json", json!({ "id": 7, "status": "cancelled" })),
        (200, "application/json", json!({ "status": "cancelled" })),
        (200, "application/json", more),
        (200, "text/plain", good.clone()),
        (301, "application/json", good.clone()),
        (404, "application/json", good),
    ] {
        assert!(
            !judged(status, media, &body).is_empty(),
            "{status} {media} {body}"
        );
    }
    let deep = json!({ "verifications": [{ "id": "01a2005a-4620-77c8-8016-6b3962f71f4c", "serviceName": "google", "number": "+12025550143",
        "status": "active", "cost": "0.5000", "createdAt": "2026-11-21T19:00:00.000Z", "more": null }] });
    let wrong = wrong(
        "GET",
        "/api/verifications?limit=1",
        &reply(200, "application/json", &deep),
    );
    assert_eq!(wrong, ["/verifications/0/more is not described"]);
    let body = json!({ "areaCode": "20" });
    assert_eq!(
        wrong_body("POST", "/api/verifications", "application/json", &body).len(),
        2
    );
}
