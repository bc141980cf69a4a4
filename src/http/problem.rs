//! Errors on our own routes as `application/problem+json` (RFC 9457). The only place that knows the status number of an
//! error. The four contracts have error forms of their own; this is never sent on them.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Map, Value};

mod kinds;

use self::kinds::{
    BAD_REQUEST, CONFLICT, FORBIDDEN, GONE, HEADERS, INTERNAL, Kind, MALFORMED, MEDIA_TYPE, METHOD,
    NOT_FOUND, QUOTA_EXCEEDED, STORAGE, TIMEOUT, TOO_LARGE, TOO_MANY, UNAUTHORIZED, UNAVAILABLE,
    UNPROCESSABLE, URI,
};
use super::ResponseBody;
use crate::core::allowance::{Allowance, WINDOW_S};

/// The policy of requests in a minute.
pub const PER_ACCOUNT: &str = "per-account";

/// Prefix of the `type` member; what follows is stable, so clients may match on it. Nothing is served there.
const TYPE_PREFIX: &str = "urn:ringback:problem:";

/// One answer that says what went wrong and what to do next. It never carries codes, message text or numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    kind: &'static Kind,
    detail: Cow<'static, str>,
    /// Boxed, because most problems have none and every `Result` of a route carries the size.
    members: Option<Box<Map<String, Value>>>,
    retry_after_s: Option<u32>,
    allow: Option<&'static str>,
    allowance: Option<Allowance>,
}

impl Problem {
    fn new(kind: &'static Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            members: None,
            retry_after_s: None,
            allow: None,
            allowance: None,
        }
    }

    /// 400: the request is malformed; `detail` says where.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&BAD_REQUEST, detail)
    }

    /// 400 and close: where this request ends, and so where the next begins, cannot be known.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&MALFORMED, detail)
    }

    /// 401, with the challenge that RFC 9110 demands.
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&UNAUTHORIZED, detail)
    }

    /// 403: known, and not allowed to.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&FORBIDDEN, detail)
    }

    /// 403 for a key without this scope, with the challenge of RFC 6750; it is told as member `scope`.
    pub fn insufficient_scope(scope: &'static str) -> Self {
        let detail = format!("This key may not do that: make one with the scope {scope}.");
        Self::new(&FORBIDDEN, detail).with("scope", scope)
    }

    /// 404: unknown, or another account's.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&NOT_FOUND, detail)
    }

    /// 405; `allow` is the list of methods as in the `Allow` field, such as `"GET, POST"`.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format!("Use one of: {allow}.");
        Self {
            allow: Some(allow),
            ..Self::new(&METHOD, detail)
        }
    }

    /// 408 and close: the body did not come in time.
    pub fn request_timeout() -> Self {
        Self::new(&TIMEOUT, "The body came too slowly; send the request again.")
    }

    /// 409: the state forbids it now.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&CONFLICT, detail)
    }

    /// 410: it was there, and is past its retention.
    pub fn gone(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&GONE, detail)
    }

    /// 413 and close; `bytes_max` is told as member `limit_bytes`.
    pub fn payload_too_large(bytes_max: usize) -> Self {
        Self::new(&TOO_LARGE, format!("Send at most {bytes_max} bytes.")).with("limit_bytes", bytes_max)
    }

    /// 414 and close; `bytes_max` is told as member `limit_bytes`.
    pub fn uri_too_long(bytes_max: usize) -> Self {
        let detail = format!("Keep path and query within {bytes_max} bytes.");
        Self::new(&URI, detail).with("limit_bytes", bytes_max)
    }

    /// 415 and close: the body may be unread.
    pub fn unsupported_media_type(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&MEDIA_TYPE, detail)
    }

    /// 422: well-formed, and yet it cannot be done; `detail` names the field.
    pub fn unprocessable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&UNPROCESSABLE, detail)
    }

    /// 429 with `Retry-After`; `policy` is what was violated.
    pub fn too_many(policy: &'static str, detail: impl Into<Cow<'static, str>>, retry_after_s: u32) -> Self {
        let violated = Value::from(vec![policy]);
        Self::new(&TOO_MANY, detail)
            .after(retry_after_s)
            .with("violated-policies", violated)
    }

    /// Tells besides how many requests are left.
    pub fn counted(mut self, allowance: Option<Allowance>) -> Self {
        self.allowance = allowance;
        self
    }

    /// 431 and close; `headers_max` is told as member `limit`.
    pub fn header_fields_too_large(headers_max: usize) -> Self {
        let detail = format!("Send at most {headers_max} header fields.");
        Self::new(&HEADERS, detail).with("limit", headers_max)
    }

    /// 500: our fault, and the log's business; nothing is told.
    pub fn internal() -> Self {
        Self::new(&INTERNAL, "The failure is in this server's log; try again later.")
    }

    /// 503 with `Retry-After`: not now.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>, retry_after_s: u32) -> Self {
        Self::new(&UNAVAILABLE, detail).after(retry_after_s)
    }

    /// 507: the disk is full, so nothing was accepted.
    pub fn insufficient_storage() -> Self {
        Self::new(
            &STORAGE,
            "Nothing was stored; free disk space on the server and send it again.",
        )
    }

    /// Adds an extension member. It may not be named as one of RFC 9457's own; those win.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members
            .get_or_insert_default()
            .insert(name.to_owned(), value.into());
        self
    }

    fn after(mut self, retry_after_s: u32) -> Self {
        self.retry_after_s = Some(retry_after_s);
        self.with("retry_after_s", retry_after_s)
    }

    /// The status that the answer will have, for metrics.
    pub fn status(&self) -> StatusCode {
        self.kind.status
    }

    /// What went wrong and what to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The stable word at the end of `type`.
    pub fn slug(&self) -> &'static str {
        match self.kind.slug {
            QUOTA_EXCEEDED => "quota-exceeded",
            slug => slug,
        }
    }

    /// What a key lacks.
    pub fn scope(&self) -> Option<&str> {
        self.members.as_ref()?.get("scope")?.as_str()
    }

    fn json(&self) -> Bytes {
        let slug = self.kind.slug;
        let uri = if slug.contains(':') {
            slug.to_owned()
        } else {
            format!("{TYPE_PREFIX}{slug}")
        };
        let mut members = self.members.as_deref().cloned().unwrap_or_default();
        members.insert("type".into(), uri.into());
        members.insert("title".into(), self.kind.title.into());
        members.insert("status".into(), self.kind.status.as_u16().into());
        members.insert("detail".into(), self.detail.as_ref().into());
        Value::Object(members).to_string().into()
    }
}

impl From<Problem> for Response<ResponseBody> {
    fn from(problem: Problem) -> Self {
        let mut response = Response::new(ResponseBody::from(problem.json()));
        *response.status_mut() = problem.kind.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        if let Some(retry_after_s) = problem.retry_after_s {
            headers.insert(header::RETRY_AFTER, retry_after_s.into());
        }
        if let Some(allow) = problem.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if problem.kind.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(scope) = problem.scope() {
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
            headers.extend(HeaderValue::try_from(challenge).map(|value| (header::WWW_AUTHENTICATE, value)));
        }
        if let Some(allowance) = problem.allowance {
            tell_allowance(headers, allowance);
        }
        if problem.kind.closes {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The fields of draft-ietf-httpapi-ratelimit-headers.
pub fn tell_allowance(headers: &mut HeaderMap, allowance: Allowance) {
    let Allowance { quota, left, next_s } = allowance;
    let fields = [
        (
            "ratelimit-policy",
            format!("\"{PER_ACCOUNT}\";q={quota};w={WINDOW_S}"),
        ),
        ("ratelimit", format!("\"{PER_ACCOUNT}\";r={left};t={next_s}")),
    ];
    for (name, value) in fields {
        let value = HeaderValue::try_from(value).expect("digits and ASCII words are header text");
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::http::body;

    async fn parts(problem: Problem) -> (u16, HeaderMap, Value) {
        let (head, body) = Response::from(problem).into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (
            head.status.as_u16(),
            head.headers,
            serde_json::from_slice(&body).unwrap(),
        )
    }

    #[tokio::test]
    async fn every_problem_has_its_status_in_the_body_and_its_fields_in_the_head() {
        let problems = [
            (400, Problem::bad_request("x"), &[][..]),
            (401, Problem::unauthorized("x"), &[("www-authenticate", "Bearer")]),
            (403, Problem::forbidden("x"), &[]),
            (404, Problem::not_found("x"), &[]),
            (
                405,
                Problem::method_not_allowed("GET, POST"),
                &[("allow", "GET, POST")],
            ),
            (408, body::Error::TooSlow.into(), &[("connection", "close")]),
            (409, Problem::conflict("x"), &[]),
            (410, Problem::gone("x"), &[]),
            (
                413,
                body::Error::TooLarge { bytes_max: 7 }.into(),
                &[("connection", "close")],
            ),
            (414, Problem::uri_too_long(7), &[("connection", "close")]),
            (415, body::Error::Encoded.into(), &[("connection", "close")]),
            (
                400,
                body::Error::Broken("x".into()).into(),
                &[("connection", "close")],
            ),
            (422, Problem::unprocessable("x"), &[]),
            (
                429,
                Problem::too_many("rentals", "x", 12),
                &[("retry-after", "12")],
            ),
            (
                431,
                Problem::header_fields_too_large(7),
                &[("connection", "close")],
            ),
            (500, Problem::internal(), &[]),
            (503, Problem::unavailable("x", 5), &[("retry-after", "5")]),
            (507, Problem::insufficient_storage(), &[]),
        ];
        for (status, problem, fields) in problems {
            assert_whole(status, problem, fields).await;
        }
    }

    async fn assert_whole(status: u16, problem: Problem, fields: &[(&str, &str)]) {
        let (sent, headers, json) = parts(problem).await;
        assert_eq!((sent, &json["status"]), (status, &Value::from(status)));
        assert!(
            ["type", "title", "detail"]
                .iter()
                .all(|name| json[*name].is_string()),
            "{json}"
        );
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers.len(), 3 + fields.len(), "{status} {headers:?}");
        assert!(
            fields.iter().all(|(name, value)| headers[*name] == *value),
            "{status} {headers:?}"
        );
    }

    #[tokio::test]
    async fn a_scope_that_lacks_is_challenged() {
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"mcp\"";
        let lacks = Problem::insufficient_scope("mcp");
        assert_whole(403, lacks.clone(), &[("www-authenticate", challenge)]).await;
        assert_eq!(parts(lacks).await.2["scope"], "mcp");
    }

    #[tokio::test]
    async fn what_is_left_of_a_limit_is_told() {
        let left = Allowance {
            quota: 600,
            left: 0,
            next_s: 12,
        };
        let refused = Problem::too_many(PER_ACCOUNT, "x", 12).counted(Some(left));
        let fields = [
            ("retry-after", "12"),
            ("ratelimit-policy", "\"per-account\";q=600;w=60"),
            ("ratelimit", "\"per-account\";r=0;t=12"),
        ];
        assert_whole(429, refused, &fields).await;
    }

    #[tokio::test]
    async fn members_are_added_and_never_replace_the_standard_ones() {
        let (_, _, json) = parts(Problem::payload_too_large(1_048_576).with("status", 200)).await;
        let expected = serde_json::json!({
            "type": "urn:ringback:problem:payload-too-large",
            "title": "Payload too large",
            "status": 413,
            "detail": "Send at most 1048576 bytes.",
            "limit_bytes": 1_048_576,
        });
        assert_eq!(json, expected);
        let (_, _, json) = parts(Problem::too_many("rentals", "x", 12)).await;
        assert_eq!(
            (&json["type"], &json["retry_after_s"]),
            (&QUOTA_EXCEEDED.into(), &12.into())
        );
        assert_eq!(json["violated-policies"], serde_json::json!(["rentals"]));
    }
}
