//! One body to rmcp and its answer back; and, before it, JSON-RPC errors for what rmcp would answer with bare text.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Collected, Full};
use rmcp::model::{ErrorCode, ErrorData, JsonRpcError, RequestId};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use serde_json::value::RawValue;

use super::agent::{self, Agent, SUPPORTED, Verdict};
use super::{failed, refused};
use crate::http::ResponseBody;

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// A message that rmcp can be given, and the id that it is answered under; a notification has none.
type Message = (Option<RequestId>, Request<Full<Bytes>>);

/// Boxed: messages are mostly right.
type Failure = Box<JsonRpcError>;

/// One message's answer. Dropping it ends the call that it holds.
pub async fn serve(agent: Agent, (id, request): Message) -> Response<ResponseBody> {
    let ours = Arc::new(agent);
    let theirs = ours.clone();
    let service = StreamableHttpService::new(
        move || Ok(theirs.clone()),
        Arc::new(NeverSessionManager::default()),
        // Names, origins and sizes were judged before.
        StreamableHttpServerConfig::default()
            .disable_allowed_hosts()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(usize::MAX)
            .with_cancellation_token(ours.lost.clone()),
    );
    let (mut head, body) = service.handle(request).await.into_parts();
    match ours.verdict() {
        Some(Verdict::Refused(problem)) => return refused(problem),
        Some(Verdict::BadParams) => head.status = StatusCode::BAD_REQUEST,
        None => {}
    }
    let Ok(body) = body.collect().await.map(Collected::to_bytes);
    let is_json = head
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|media| media == "application/json");
    if is_json || body.is_empty() {
        return Response::from_parts(head, ResponseBody::from(body));
    }
    let (status, error) = match head.status {
        StatusCode::INTERNAL_SERVER_ERROR => (StatusCode::OK, agent::internal()),
        _ => {
            let error = ErrorData::invalid_request("This is no message of MCP.", None);
            (StatusCode::BAD_REQUEST, error)
        }
    };
    failed(status, &JsonRpcError::new(id, error))
}

/// Reads a body, which must be one JSON-RPC object of a version that is spoken here.
pub fn read(headers: &HeaderMap, body: Bytes) -> Result<Message, Failure> {
    let id = id(&body)?;
    match version(headers) {
        Ok(()) => Ok((id, request(headers, body))),
        Err(error) => Err(failure(id, error)),
    }
}

fn failure(id: Option<RequestId>, error: ErrorData) -> Failure {
    Box::new(JsonRpcError::new(id, error))
}

/// The id of what must be one JSON-RPC object; a notification has none.
fn id(body: &[u8]) -> Result<Option<RequestId>, Failure> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(body).map_err(|error| {
        let error = if error.is_data() {
            ErrorData::invalid_request("Send one JSON-RPC object; batches are not answered.", None)
        } else {
            ErrorData::parse_error("The body is not JSON; send one JSON-RPC object.", None)
        };
        failure(None, error)
    })?;
    let text = |name: &str| members.get(name).map_or("", |value| value.get());
    let id = serde_json::from_str::<RequestId>(text("id")).ok();
    let invalid = |what| Err(failure(id.clone(), ErrorData::invalid_request(what, None)));
    if text("jsonrpc") != "\"2.0\"" {
        return invalid("\"jsonrpc\" must be \"2.0\".");
    }
    if !text("method").starts_with('"') {
        return invalid("\"method\" must be a text.");
    }
    if id.is_none() && members.contains_key("id") {
        return invalid("\"id\" must be a text or a whole number.");
    }
    if members.contains_key("params") && !text("params").starts_with('{') {
        let error = ErrorData::invalid_params("\"params\" must be an object.", None);
        return Err(failure(id, error));
    }
    Ok(id)
}

/// rmcp answers a version that it does not know with bare text, and some that we do not speak as if we did.
fn version(headers: &HeaderMap) -> Result<(), ErrorData> {
    let versions: Vec<&HeaderValue> = headers.get_all(VERSION).iter().collect();
    let version = match versions[..] {
        [] => return Ok(()),
        [version] => version.to_str().unwrap_or_default(),
        _ => {
            let what = "MCP-Protocol-Version came more than once.";
            return Err(ErrorData::header_mismatch(what, None));
        }
    };
    if SUPPORTED.iter().any(|known| known.as_str() == version) {
        return Ok(());
    }
    Err(ErrorData::new(
        ErrorCode::UNSUPPORTED_PROTOCOL_VERSION,
        "Unsupported protocol version",
        Some(json!({ "supported": SUPPORTED, "requested": version })),
    ))
}

/// What rmcp is to see: the header fields that the protocol knows, and no more, because it keeps them while a call is held.
fn request(headers: &HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = http::Method::POST;
    let seen = request.headers_mut();
    for (name, value) in [
        (header::HOST, "localhost"),
        (header::CONTENT_TYPE, "application/json"),
        (header::ACCEPT, "application/json, text/event-stream"),
    ] {
        seen.insert(name, HeaderValue::from_static(value));
    }
    for name in [VERSION, METHOD, NAME] {
        for value in headers.get_all(&name) {
            seen.append(&name, value.clone());
        }
    }
    request
}
