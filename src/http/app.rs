//! What every route may use, the answers they share, and the reading of requests into checked values.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::dev::Dev;
use super::mcp::Mcp;
use super::problem::{self, Problem};
use super::{ResponseBody, body};
use crate::core::allowance::Allowance;
use crate::core::cidr::Cidr;
use crate::core::key::Key;
use crate::core::scope::Scope;
use crate::gateway::{Error, Gateway};

/// The API's listener: the gateway behind it and the limits in front of it.
pub struct App {
    pub gateway: Arc<Gateway>,
    pub body: body::Limits,
    pub carrier_body: body::Limits,
    /// Whose word on the client's address is believed.
    pub trusted_proxies: Vec<Cidr>,
    /// Deepest nesting of a JSON body.
    pub json_depth_max: usize,
    /// Where agents may use it.
    pub mcp: Option<Arc<Mcp>>,
    /// In `dev` only: the simulated carriers' side of every source.
    pub dev: Option<Dev>,
}

/// What a handler answers.
pub type Answer = Result<Response<ResponseBody>, Problem>;

/// A JSON answer.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Answer {
    let bytes = serde_json::to_vec(value).map_err(|_| Problem::internal())?;
    let mut response = Response::new(ResponseBody::from(Bytes::from(bytes)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A text answer of this media type.
pub fn text(media_type: &'static str, text: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(ResponseBody::from(text.into()));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Answer {
    let mut response = Response::new(ResponseBody::from(Bytes::new()));
    *response.status_mut() = status;
    Ok(response)
}

/// What whoever has no valid key hears, whatever is wrong with it.
pub const SEND_KEY: &str = "Send a valid API key as \"Authorization: Bearer KEY\".";

/// Somebody who was let in.
pub struct Caller {
    pub app: Arc<App>,
    pub key: Arc<Key>,
}

/// A key that was let in, and how many requests its account has left.
pub struct Admitted {
    pub key: Arc<Key>,
    pub allowance: Option<Allowance>,
}

/// The bearer's key, if it has this scope; else 401: an unknown, a revoked and an expired one look the same. 403 without the scope, and
/// for the key of a disabled account; 429 where its account made too many requests.
pub fn bearer(app: &App, headers: &HeaderMap, scope: Scope) -> Result<Admitted, Problem> {
    let key = bearer_text(headers).ok_or(Error::KeyGone)?;
    admit(app, app.gateway.authenticate(key)?, scope)
}

/// A known key, counted, if it has this scope.
pub fn admit(app: &App, key: Arc<Key>, scope: Scope) -> Result<Admitted, Problem> {
    let allowance = app.gateway.count_request(&key)?;
    if key.scopes.allow(scope) {
        return Ok(Admitted { key, allowance });
    }
    Err(Problem::insufficient_scope(scope.as_str()).counted(allowance))
}

/// Tells in an answer what its account has left.
pub fn counted(mut response: Response<ResponseBody>, allowance: Option<Allowance>) -> Response<ResponseBody> {
    if let Some(allowance) = allowance {
        problem::tell_allowance(response.headers_mut(), allowance);
    }
    response
}

/// What stands after `Bearer`, if one such field was sent.
pub fn bearer_text(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let (field, none) = (fields.next()?, fields.next());
    let (scheme, key) = field.to_str().ok()?.split_once(' ')?;
    (none.is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| key.trim())
}

/// Reads a JSON object into a checked type. Unknown members are ignored, doubled ones refused; a list of the members' values,
/// which serde would take as well, is refused.
pub async fn read_json<T: DeserializeOwned>(
    app: &App,
    head: &Parts,
    incoming: Incoming,
) -> Result<T, Problem> {
    read_json_of(app, head, incoming, (b'{', "a JSON object")).await
}

/// Reads a JSON list of such objects.
pub async fn read_json_list<T: DeserializeOwned>(
    app: &App,
    head: &Parts,
    incoming: Incoming,
) -> Result<Vec<T>, Problem> {
    read_json_of(app, head, incoming, (b'[', "a JSON list")).await
}

async fn read_json_of<T: DeserializeOwned>(
    app: &App,
    head: &Parts,
    incoming: Incoming,
    form: (u8, &str),
) -> Result<T, Problem> {
    parse_json_of(app, &read_json_bytes(app, head, incoming).await?, form)
}

/// Reads a body that is said to be JSON.
pub async fn read_json_bytes(app: &App, head: &Parts, incoming: Incoming) -> Result<Bytes, Problem> {
    if !is_json(&head.headers) {
        return Err(Problem::unsupported_media_type(
            "Send the body as JSON with \"Content-Type: application/json\".",
        ));
    }
    Ok(body::read(head, incoming, &app.body).await?)
}

/// As `read_json`, of a body that was read.
pub fn parse_json<T: DeserializeOwned>(app: &App, bytes: &[u8]) -> Result<T, Problem> {
    parse_json_of(app, bytes, (b'{', "a JSON object"))
}

fn parse_json_of<T: DeserializeOwned>(
    app: &App,
    bytes: &[u8],
    (first, form): (u8, &str),
) -> Result<T, Problem> {
    if is_too_deep(bytes, app.json_depth_max) {
        return Err(Problem::bad_request(format!(
            "Nest JSON at most {} deep.",
            app.json_depth_max
        )));
    }
    if bytes.trim_ascii_start().first() != Some(&first) {
        return Err(Problem::bad_request(format!(
            "The body is not the JSON expected here: send {form}."
        )));
    }
    serde_json::from_slice(bytes).map_err(|e| {
        Problem::bad_request(format!(
            "The body is not the JSON expected here: {}.",
            without_value(&e)
        ))
    })
}

/// Whether the body is said to be JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    let media = value.split(';').next().unwrap_or("").trim();
    media.eq_ignore_ascii_case("application/json")
}

/// serde quotes the wrong value, and it may be a secret: only what was expected and where it stood is told.
pub fn without_value(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match (message.starts_with("invalid"), message.rsplit_once(", expected ")) {
        (true, Some((_, expected))) => format!("a value has the wrong type, expected {expected}"),
        _ => message,
    }
}

pub fn is_too_deep(json: &[u8], depth_max: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > depth_max {
            return true;
        }
    }
    false
}

/// Header fields as JSON: one that came more than once has a list of values.
pub fn fields<'a>(pairs: impl Iterator<Item = (&'a str, Value)>) -> Value {
    let mut fields = Map::new();
    for (name, value) in pairs {
        match fields.get_mut(name) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => drop(fields.insert(name.to_owned(), value)),
        }
    }
    fields.into()
}

/// One value of the query, decoded; the first where it is there twice.
pub fn query(head: &Parts, name: &str) -> Option<String> {
    let query = head.uri.query()?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// `limit=` of a list: 1 to 100, 20 where absent.
pub fn list_limit(head: &Parts) -> Result<usize, Problem> {
    let Some(text) = query(head, "limit") else {
        return Ok(20);
    };
    let limit = text.parse().ok().filter(|n| (1..=100).contains(n));
    limit.ok_or_else(|| Problem::bad_request("\"limit\" is a whole number from 1 to 100."))
}

/// `?wait=` (0 to the limit, else 400) before `Prefer: wait=` (a wish: cut to the limit, ignored if it cannot be read) before the
/// default; and what is told in `Preference-Applied`.
pub fn wished_wait(app: &App, head: &Parts, default_s: u64) -> Result<(Duration, Option<u64>), Problem> {
    let rules = app.gateway.rules();
    if let Some(text) = query(head, "wait") {
        let wait_s = text.parse::<u64>().ok().filter(|s| *s <= rules.poll_max_s);
        let refused = || {
            Problem::bad_request(format!(
                "\"wait\" is a whole number of seconds from 0 to {}.",
                rules.poll_max_s
            ))
        };
        return Ok((Duration::from_secs(wait_s.ok_or_else(refused)?), None));
    }
    let preferred = head
        .headers
        .get_all("prefer")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split([',', ';']));
    let wait = preferred
        .filter_map(|p| p.trim().split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"));
    match wait.and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse::<u64>().ok()) {
        Some(wished_s) => {
            let wait_s = wished_s.min(rules.poll_max_s);
            Ok((Duration::from_secs(wait_s), Some(wait_s)))
        }
        None => Ok((Duration::from_secs(default_s), None)),
    }
}

/// Says that a wish to wait was heard.
pub fn tell_preference(response: &mut Response<ResponseBody>, applied_s: Option<u64>) {
    if let Some(wait_s) = applied_s {
        let value =
            HeaderValue::try_from(format!("wait={wait_s}")).expect("a word and digits are header text");
        let name = HeaderName::from_static("preference-applied");
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_only_outside_texts() {
        assert!(!is_too_deep(&[b'['; 32], 32));
        assert!(is_too_deep(&[b'['; 33], 32));
        assert!(!is_too_deep(format!("\"{}\"", "[".repeat(50)).as_bytes(), 32));
        assert!(!is_too_deep(
            br#"{"a":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}"#,
            32
        ));
    }

    #[test]
    fn one_bearer_field_is_read() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer_text(&headers), None);
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("bearer  abc"));
        assert_eq!(bearer_text(&headers), Some("abc"));
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer def"));
        assert_eq!(bearer_text(&headers), None);
    }
}
