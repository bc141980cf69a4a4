//! `/admin/inbound`: the kept requests of carriers, for the holder of the admin token. Bodies and queries are shown only when asked for.
//! A hang-up stops a look; a replay runs to its end in a task of its own, as the request itself did.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::{Admin, authorize};
use super::app::{self, Answer};
use super::problem::Problem;
use crate::core::capture::{Capture, Verdict};
use crate::core::id::CaptureId;
use crate::gateway::CaptureFilter;

const ROOT: &str = "/admin/inbound";

pub fn is_path(path: &str) -> bool {
    path.strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub async fn route(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    authorize(admin, &head.headers)?;
    let path = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (&head.method, segments.as_slice()) {
        (&Method::GET, []) => list(admin, head).await,
        (&Method::GET, [id]) => show(admin, head, id).await,
        (&Method::POST, [id, "replay"]) => replay(admin, head, body, id).await,
        (_, [] | [_]) => Err(Problem::method_not_allowed("GET")),
        (_, [_, "replay"]) => Err(Problem::method_not_allowed("POST")),
        _ => Err(Problem::not_found(
            "There are /admin/inbound, /admin/inbound/{id} and /admin/inbound/{id}/replay.",
        )),
    }
}

fn id(text: &str) -> Result<CaptureId, Problem> {
    text.parse()
        .map_err(|_| Problem::not_found("No request of this id is kept; `ringback inbound ls` lists them."))
}

fn query<T: for<'a> Deserialize<'a>>(
    head: &Parts,
    name: &str,
    says: impl fmt::Display,
) -> Result<Option<T>, Problem> {
    let Some(text) = app::query(head, name) else {
        return Ok(None);
    };
    let value = T::deserialize(Value::String(text));
    value
        .map(Some)
        .map_err(|_| Problem::bad_request(format!("\"{name}\" is {says}.")))
}

/// `GET /admin/inbound?source=&verdict=&cursor=&limit=`: newest first.
async fn list(admin: &Admin, head: &Parts) -> Answer {
    let filter = CaptureFilter {
        source: app::query(head, "source"),
        verdict: query::<Verdict>(head, "verdict", "accept or reject")?,
    };
    let before = app::query(head, "cursor").map(|cursor| id(&cursor)).transpose()?;
    let limit = app::list_limit(head)?;
    let found = admin.app.gateway.captures(filter, before, limit).await?;
    let cursor = found
        .last()
        .filter(|_| found.len() == limit)
        .map(|last| last.id.to_string());
    let requests: Vec<Value> = found.iter().map(summary).collect();
    app::json(StatusCode::OK, &json!({ "requests": requests, "cursor": cursor }))
}

fn summary(capture: &Capture) -> Value {
    json!({
        "id": capture.id.to_string(),
        "arrivedAt": capture.arrived_at().to_string(),
        "source": capture.source,
        "verdict": capture.verdict,
        "reason": capture.reason,
        "keyIndex": capture.key_index,
        "method": capture.method,
        "bodyBytes": capture.body_bytes,
        "messages": capture.messages.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// `GET /admin/inbound/{id}?content=true`: with content it has the members of a vector, so that `ringback inbound verify` reads it.
async fn show(admin: &Admin, head: &Parts, text: &str) -> Answer {
    let content = app::query(head, "content").is_some_and(|text| text == "true");
    let capture = admin.app.gateway.capture(id(text)?).await?;
    let mut shown = summary(&capture);
    shown["headers"] = headers(&capture);
    shown["redacted"] = json!(capture.redacted);
    if content {
        shown["now"] = json!(capture.arrived_at().secs());
        shown["url"] = json!(admin.app.gateway.url_of(&capture));
        match std::str::from_utf8(&capture.body) {
            Ok(body) => shown["body"] = json!(body),
            Err(_) => shown["body_base64"] = json!(BASE64_STANDARD.encode(&capture.body)),
        }
        shown["bodyIsCut"] = json!(capture.is_cut());
    }
    app::json(StatusCode::OK, &shown)
}

fn headers(capture: &Capture) -> Value {
    let fields = capture.headers.iter();
    app::fields(fields.map(|(name, value)| (name.as_str(), Value::from(String::from_utf8_lossy(value)))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// Believe it although it does not verify and was refused.
    #[serde(default)]
    trust: bool,
}

/// `POST /admin/inbound/{id}/replay`
async fn replay(admin: &Admin, head: &Parts, body: Incoming, text: &str) -> Answer {
    let id = id(text)?;
    let wish: Wish = app::read_json(&admin.app, head, body).await?;
    let gateway = admin.app.gateway.clone();
    let replayed = tokio::spawn(async move { gateway.replay_inbound(id, wish.trust).await }).await;
    let replayed = replayed.map_err(|_| Problem::internal())??;
    app::json(
        StatusCode::OK,
        &json!({
            "id": id.to_string(),
            "believed": replayed.believed,
            "messages": replayed.messages.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "known": replayed.known,
        }),
    )
}
