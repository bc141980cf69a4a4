//! Route by scope, from the router's own table: each route lets in the key with its scope and no other.

use ringback::core::scope::Scope;
use ringback::http::routes::{Access, ROUTES};
use serde_json::json;
use toml::Table;

use super::admin::{Made, make_key, post};
use crate::support::client::{Call, Reply};
use crate::support::gateway::Gateway;

/// A route's method, path and scope.
type Line = (&'static str, &'static str, Scope);

/// Every method of every route that asks for a key.
fn lines() -> Vec<Line> {
    let each = ROUTES.iter().flat_map(|route| {
        let methods = route.methods.split(", ").zip(route.access);
        methods.filter_map(|(method, access)| match access {
            Access::Open => None,
            Access::Key(scope) | Access::Own(scope) => Some((method, route.path, *scope)),
        })
    });
    each.collect()
}

fn over() -> Table {
    toml::toml! {
        mcp = { allowed_hosts = ["gw"] }
        inbound = { operator_account = "acme" }
    }
}

/// The call with this id in the place of the first one of the path, and a body that asks for nothing.
fn call((method, path, _): Line, id: &str) -> Call {
    let unknown = "01981234-5678-7abc-8def-0123456789ab";
    let path = path
        .replacen("{id}", id, 1)
        .replace("{delivery}", unknown)
        .replace("{number}", "1");
    let separator = if path.contains('?') { '&' } else { '?' };
    let path = format!("{path}{separator}wait=0");
    let call = Call::new(method, &path).header("accept", "application/json, text/event-stream");
    // Contract 002 asks for it beside the key.
    let call = call.header("x-tenant-id", "acme");
    match method {
        "POST" | "PATCH" => call.header("content-type", "application/json").body("{}"),
        _ => call,
    }
}

/// The status and, of a refusal, what is lacking; a stream is only looked into.
async fn answered(gateway: &Gateway, call: Call, is_stream: bool) -> (u16, Reply) {
    if is_stream {
        let mut socket = call.begin(gateway.address).await;
        let mut head = vec![0; 12];
        tokio::io::AsyncReadExt::read_exact(&mut socket, &mut head)
            .await
            .unwrap();
        let status = String::from_utf8_lossy(&head[9..]).parse().unwrap();
        let nothing = Reply {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        };
        return (status, nothing);
    }
    let reply = call.send(gateway.address).await;
    (reply.status, reply)
}

async fn keys(gateway: &Gateway) -> Vec<(Scope, Made)> {
    let mut keys = Vec::new();
    for scope in Scope::ALL {
        keys.push((
            scope,
            make_key(gateway, json!({ "scopes": [scope.as_str()] })).await,
        ));
    }
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_route_lets_in_its_own_scope_and_no_other() {
    let gateway = Gateway::start_with(over()).await;
    let keys = keys(&gateway).await;
    let lines = lines();
    for scope in Scope::ALL {
        assert!(
            lines.iter().any(|line| line.2 == scope),
            "no route asks for {scope}"
        );
    }
    for line in lines {
        let (method, path, wanted) = line;
        let is_stream = path == "/api/events/stream";
        for (scope, key) in &keys {
            let what = format!("{method} {path} with {scope}");
            let call = call(line, "01981234-5678-7abc-8def-0123456789ab").key(&key.key);
            let (status, reply) = answered(&gateway, call, is_stream && *scope == wanted).await;
            if *scope == wanted {
                assert!(![401, 403].contains(&status), "{what}: {}", reply.text());
                let is_served =
                    !reply.text().contains("There is no such route") || path.starts_with("/api/dev/");
                assert!(is_served, "{what}: the row has no handler");
            } else {
                assert_eq!(status, 403, "{what}: {}", reply.text());
                let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{wanted}\"");
                assert_eq!(
                    reply.header("www-authenticate"),
                    Some(challenge.as_str()),
                    "{what}"
                );
                assert_form(path, &reply);
            }
        }
        let (status, reply) = answered(&gateway, call(line, "x").key(&gateway.key), is_stream).await;
        assert!(
            ![401, 403].contains(&status),
            "a key without a list may all: {}",
            reply.text()
        );
        let reply = call(line, "x").send(gateway.address).await;
        assert_eq!(
            reply.status,
            401,
            "{method} {path} without a key: {}",
            reply.text()
        );
    }
}

/// A refusal has the form of its contract.
fn assert_form(path: &str, reply: &Reply) {
    let body = reply.json();
    let mut members: Vec<&String> = body.as_object().unwrap().keys().collect();
    members.sort();
    match path {
        "/mcp" => {
            // No id: it was refused unread.
            assert_eq!(members, ["error", "jsonrpc"]);
        }
        "/getNumbers" | "/rentNumber" | "/getSMS" | "/cancelNumber" => {
            assert_eq!(members, ["error_code", "message", "status"]);
            assert_eq!(body["error_code"], "INSUFFICIENT_SCOPE");
        }
        path if path.starts_with("/v2/") => assert_eq!(body["errors"][0]["code"], "10010"),
        path if path.starts_with("/v1/verify/") => assert_eq!(body["error"]["code"], "FORBIDDEN"),
        _ => assert_eq!(body["type"], "urn:ringback:problem:forbidden"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_are_shown_to_keys_that_may_read_messages() {
    let gateway = Gateway::start().await;
    let rental = gateway.rent("google").await;
    let draft = crate::support::carrier::draft("m-1", &rental.number, "G-482913 is your code.");
    crate::support::carrier::post(gateway.address, crate::support::carrier::TELNYX, &draft).await;
    let poll = gateway.get(&rental.path("/code?wait=30")).await.expect(200);
    assert_eq!(poll["otpCode"], "482913");
    let without = make_key(&gateway, json!({ "scopes": ["rentals:read"] })).await;
    let with = make_key(&gateway, json!({ "scopes": ["rentals:read", "messages:read"] })).await;
    for path in [rental.path(""), "/api/verifications".to_owned()] {
        let seen = async |key: &Made| {
            let reply = Call::get(&path).key(&key.key).send(gateway.address).await;
            assert_eq!(reply.status, 200);
            reply.text()
        };
        assert!(seen(&with).await.contains("482913"));
        let seen = seen(&without).await;
        assert!(
            seen.contains("completed") && !seen.contains("482913") && !seen.contains("smsContent"),
            "{seen}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scopes_are_checked_and_listed() {
    let gateway = Gateway::start().await;
    for (scopes, says) in [
        (json!([]), "not empty"),
        (json!(["admin"]), "rentals:read, rentals:write"),
        (json!(["*", "mcp"]), "a scope is one of"),
    ] {
        let refused = post(
            &gateway,
            "/admin/keys",
            &json!({ "account": "acme", "scopes": scopes }),
        )
        .await;
        assert!(
            refused.status == 400 && refused.text().contains(says),
            "{}",
            refused.text()
        );
    }
    for (scopes, shown) in [
        (json!(["*"]), json!(["*"])),
        (json!(["mcp", "rentals:read"]), json!(["rentals:read", "mcp"])),
    ] {
        let made = post(
            &gateway,
            "/admin/keys",
            &json!({ "account": "acme", "scopes": scopes }),
        )
        .await;
        assert_eq!(made.expect(201)["scopes"], shown);
    }
}
