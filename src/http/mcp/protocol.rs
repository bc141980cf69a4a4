//! MCP's rules on one request as values: what it is, which era it speaks, and the form of its answer. Tools and sockets are absent.
//!
//! Written here rather than taken from `rmcp`, which logs whole requests and results (so codes) at its debug level; see ARCHITECTURE.md.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::http::ResponseBody;

/// The stateless revision; what came before it begins with `initialize`.
pub const MODERN: &str = "2026-07-28";
/// All that is spoken, newest first; one list for discovery and for refusals, or a client would ask in circles.
pub const SUPPORTED: [&str; 4] = [MODERN, "2025-11-25", "2025-06-18", "2025-03-26"];

const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";

/// How long a client may keep the list of tools; it changes only with the configuration.
const LIST_TTL_MS: u32 = 3_600_000;

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const INTERNAL: i32 = -32603;
const HEADER_MISMATCH: i32 = -32020;
const UNSUPPORTED_VERSION: i32 = -32022;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `initialize` first; errors of a well-formed request are answered with 200.
    Legacy,
    /// Every request tells its version, in a header field and in its body.
    Modern,
}

/// What came in one POST.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    Request(Request),
    /// Nothing is owed to it but 202.
    Notification,
}

#[derive(Debug, PartialEq)]
pub struct Request {
    /// Echoed as it came: clients use 0 and texts.
    pub id: Value,
    pub era: Era,
    pub method: String,
    pub params: Map<String, Value>,
}

/// A JSON-RPC error and the status it travels with.
#[derive(Debug, PartialEq)]
pub struct Failure {
    id: Value,
    status: StatusCode,
    code: i32,
    message: Cow<'static, str>,
    /// Boxed: only one kind has it.
    data: Option<Box<Value>>,
}

impl Failure {
    fn new(id: &Value, code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        let status = match code {
            METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
            INTERNAL => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            id: id.clone(),
            status,
            code,
            message: message.into(),
            data: None,
        }
    }
}

impl From<Failure> for Response<ResponseBody> {
    fn from(failure: Failure) -> Self {
        let mut error = json!({ "code": failure.code, "message": failure.message });
        if let Some(data) = failure.data {
            error["data"] = *data;
        }
        let body = json!({ "jsonrpc": "2.0", "id": failure.id, "error": error });
        answered(failure.status, &body)
    }
}

/// Reads one message and checks it against its era's rules.
pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Incoming, Failure> {
    let none = Value::Null;
    let message: Value = serde_json::from_slice(body).map_err(|_| {
        Failure::new(
            &none,
            PARSE_ERROR,
            "The body is not JSON; send one JSON-RPC object.",
        )
    })?;
    let Value::Object(mut message) = message else {
        let what = "Send one JSON-RPC object; batches are not answered.";
        return Err(Failure::new(&none, INVALID_REQUEST, what));
    };
    let id = message.remove("id");
    let known = id.clone().filter(is_id).unwrap_or(Value::Null);
    let invalid = |what| Failure::new(&known, INVALID_REQUEST, what);
    if message.get("jsonrpc") != Some(&json!("2.0")) {
        return Err(invalid("\"jsonrpc\" must be \"2.0\"."));
    }
    let Some(Value::String(method)) = message.remove("method") else {
        return Err(invalid("\"method\" must be a text."));
    };
    if id.as_ref().is_some_and(|id| !is_id(id)) {
        return Err(invalid("\"id\" must be a text or a whole number."));
    }
    let params = match message.remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => {
            return Err(Failure::new(
                &known,
                INVALID_PARAMS,
                "\"params\" must be an object.",
            ));
        }
    };
    let era = era(headers, &params, &known)?;
    let request = Request {
        id: known,
        era,
        method,
        params,
    };
    if id.is_none() {
        return Ok(Incoming::Notification);
    }
    if era == Era::Modern {
        request.check_modern(headers)?;
    }
    Ok(Incoming::Request(request))
}

fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_i64() || id.is_u64()
}

fn meta<'a>(params: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    params.get("_meta")?.get(name)
}

/// Modern if header or body say so; the versions must be ones that we speak.
fn era(headers: &HeaderMap, params: &Map<String, Value>, id: &Value) -> Result<Era, Failure> {
    let header = header_text(headers, "mcp-protocol-version");
    let stated = meta(params, META_VERSION);
    if let (Some(header), Some(stated)) = (&header, stated)
        && stated.as_str() != Some(header)
    {
        let what = "MCP-Protocol-Version and the version in \"_meta\" differ.";
        return Err(Failure::new(id, HEADER_MISMATCH, what));
    }
    match header.as_deref().or_else(|| stated.and_then(Value::as_str)) {
        Some(MODERN) => Ok(Era::Modern),
        Some(version) if SUPPORTED.contains(&version) => Ok(Era::Legacy),
        Some(version) => Err(Failure {
            data: Some(Box::new(json!({ "supported": SUPPORTED, "requested": version }))),
            ..Failure::new(id, UNSUPPORTED_VERSION, "Unsupported protocol version")
        }),
        None if stated.is_some() => Err(Failure::new(
            id,
            INVALID_PARAMS,
            "The version in \"_meta\" is a text.",
        )),
        None => Ok(Era::Legacy),
    }
}

/// The one value of a field, without the white space around it; what was sent twice or is no text matches nothing.
fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut fields = headers.get_all(name).iter();
    let first = fields.next()?;
    match (first.to_str(), fields.next()) {
        (Ok(text), None) => Some(text.trim_matches([' ', '\t']).to_owned()),
        _ => Some("\0".to_owned()),
    }
}

/// `=?base64?...?=` is how a field carries what is not plain ASCII.
fn decoded(text: String) -> Option<String> {
    let Some(inner) = text
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="))
    else {
        return Some(text);
    };
    String::from_utf8(BASE64_STANDARD.decode(inner).ok()?).ok()
}

impl Request {
    fn check_modern(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let mismatch = |what| Err(self.fails(HEADER_MISMATCH, what));
        if !headers.contains_key("mcp-protocol-version") {
            return mismatch("Send the version as MCP-Protocol-Version too.");
        }
        if header_text(headers, "mcp-method").as_deref() != Some(&*self.method) {
            return mismatch("Mcp-Method must be sent, and be the \"method\" of the body.");
        }
        if self.method == "tools/call" {
            let name = header_text(headers, "mcp-name").and_then(decoded);
            if name.is_none() || name.as_deref() != self.params.get("name").and_then(Value::as_str) {
                return mismatch("Mcp-Name must be sent, and be the \"name\" in the body.");
            }
        }
        if meta(&self.params, META_VERSION).is_none() {
            return Err(self.fails(
                INVALID_PARAMS,
                "\"_meta\" must hold io.modelcontextprotocol/protocolVersion.",
            ));
        }
        if !meta(&self.params, META_CAPABILITIES).is_some_and(Value::is_object) {
            return Err(self.fails(
                INVALID_PARAMS,
                "\"_meta\" must hold io.modelcontextprotocol/clientCapabilities.",
            ));
        }
        Ok(())
    }

    /// As the era answers an error of a well-formed request.
    fn fails(&self, code: i32, message: impl Into<Cow<'static, str>>) -> Failure {
        let failure = Failure::new(&self.id, code, message);
        match self.era {
            Era::Modern => failure,
            Era::Legacy => Failure {
                status: StatusCode::OK,
                ..failure
            },
        }
    }

    pub fn no_such_method(&self) -> Failure {
        self.fails(METHOD_NOT_FOUND, "Method not found")
    }

    pub fn bad_params(&self, what: impl Into<Cow<'static, str>>) -> Failure {
        self.fails(INVALID_PARAMS, what)
    }

    pub fn internal(&self) -> Failure {
        self.fails(INTERNAL, "The failure is in this server's log; try again later.")
    }

    /// A result in the form of the request's era.
    pub fn answer(&self, mut result: Map<String, Value>) -> Response<ResponseBody> {
        if self.era == Era::Modern {
            result.insert("resultType".into(), "complete".into());
            result.insert("_meta".into(), json!({ META_SERVER: server_info() }));
        }
        answered(
            StatusCode::OK,
            &json!({ "jsonrpc": "2.0", "id": self.id, "result": result }),
        )
    }

    /// As `answer`, for what a modern client may keep for a while, whoever asked.
    pub fn answer_kept(&self, mut result: Map<String, Value>) -> Response<ResponseBody> {
        if self.era == Era::Modern {
            result.insert("ttlMs".into(), LIST_TTL_MS.into());
            result.insert("cacheScope".into(), "public".into());
        }
        self.answer(result)
    }

    /// The answer to `initialize`: the version that was asked for if it is one of the legacy ones, else the newest of them.
    pub fn initialized(&self, instructions: &str) -> Response<ResponseBody> {
        let asked = self.params.get("protocolVersion").and_then(Value::as_str);
        let legacy = &SUPPORTED[1..];
        let version = asked.filter(|asked| legacy.contains(asked)).unwrap_or(legacy[0]);
        self.answer(object(json!({
            "protocolVersion": version,
            "capabilities": { "tools": {} },
            "serverInfo": server_info(),
            "instructions": instructions,
        })))
    }

    /// The answer to `server/discover`.
    pub fn discovered(&self, instructions: &str) -> Response<ResponseBody> {
        self.answer_kept(object(json!({
            "supportedVersions": SUPPORTED,
            "capabilities": { "tools": {} },
            "instructions": instructions,
        })))
    }
}

fn server_info() -> Value {
    json!({ "name": "ringback", "version": env!("CARGO_PKG_VERSION") })
}

/// The members of a value that is written as an object.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// A JSON answer.
pub fn answered(status: StatusCode, body: &Value) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::from(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
