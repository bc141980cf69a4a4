//! `ringback mcp`: the four tools over standard input and output, for agents that start their servers as programs.
//!
//! It knows nothing of tools: each line goes to the running gateway's `/mcp` and its answer comes back as a line, so the limits and
//! rules are the gateway's, and nothing can be had here that its key could not have there.

use std::collections::HashMap;
use std::io::{BufRead, Read, Write};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use clap::Args;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::Failure;
use super::call::Gateway;
use crate::config;

/// Longest line that is read; as much as the gateway reads of a body by default.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Requests in flight; further lines wait.
const IN_FLIGHT_MAX: usize = 64;
/// JSON-RPC's code for a failure that is not the request's.
const INTERNAL: i32 = -32603;

#[derive(Args)]
pub struct Arguments {
    /// The running gateway; by default what RINGBACK_URL says, else http://127.0.0.1:8080.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Its API key; by default what RINGBACK_KEY says, which other users of this machine do not see.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let url = arguments.url.or_else(|| config::secret("env:RINGBACK_URL").ok());
    let key = arguments.key.or_else(|| config::secret("env:RINGBACK_KEY").ok());
    let key =
        key.ok_or_else(|| Failure::usage("set RINGBACK_KEY to an API key of the gateway, or give --key"))?;
    let url = url.unwrap_or_else(|| "http://127.0.0.1:8080".into());
    let gateway = Arc::new(Gateway::new(&url, &key)?);
    let (lines, mut read) = mpsc::channel(1);
    // Not a task: a read of standard input cannot be ended, and the runtime would wait for it.
    std::thread::spawn(move || read_lines(&lines));
    let mut calls = JoinSet::new();
    let mut cancels: HashMap<String, AbortHandle> = HashMap::new();
    while let Some(line) = read.recv().await {
        let message: Value = serde_json::from_slice(&line).unwrap_or(Value::Null);
        if message["method"] == "notifications/cancelled" {
            if let Some(call) = cancels.remove(&message["params"]["requestId"].to_string()) {
                call.abort();
            }
            continue;
        }
        while calls.len() >= IN_FLIGHT_MAX {
            calls.join_next().await;
        }
        let id = message["id"].clone();
        let call = calls.spawn(forward(gateway.clone(), message, line));
        cancels.retain(|_, call| !call.is_finished());
        if !id.is_null() {
            cancels.insert(id.to_string(), call);
        }
    }
    while calls.join_next().await.is_some() {}
    Ok(())
}

/// Ends at the end of the input, at a line that is too long, or when nobody listens any more.
fn read_lines(lines: &mpsc::Sender<Bytes>) {
    let mut input = std::io::stdin().lock();
    loop {
        let mut line = Vec::new();
        match input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line.trim_ascii().is_empty() => continue,
            Ok(_) if !line.ends_with(b"\n") && line.len() as u64 == LINE_BYTES_MAX => {
                eprintln!("ringback: a line is longer than {LINE_BYTES_MAX} bytes");
                return;
            }
            Ok(_) => {}
        }
        if lines
            .blocking_send(Bytes::copy_from_slice(line.trim_ascii()))
            .is_err()
        {
            return;
        }
    }
}

/// Sends one message and prints what is answered. Aborting it hangs up, which ends a held call.
async fn forward(gateway: Arc<Gateway>, message: Value, line: Bytes) {
    let id = &message["id"];
    let failed =
        |why: &str| json!({ "jsonrpc": "2.0", "id": id, "error": { "code": INTERNAL, "message": why } });
    let answer = match gateway.send(Method::POST, "/mcp", headers(&message), line).await {
        Ok(reply) if reply.body["jsonrpc"] == "2.0" => {
            let mut body = reply.body;
            // What was refused unread does not know whom it answers.
            if body["id"].is_null() {
                body["id"] = id.clone();
            }
            body
        }
        Ok(reply) if (200..300).contains(&reply.status) => return,
        Ok(reply) => failed(&format!("The gateway answered {}.", reply.status)),
        Err(failure) => failed(&failure.message),
    };
    // Nothing answers a notification, not even with an error.
    if !message["method"].is_null() && id.is_null() {
        return;
    }
    let mut out = std::io::stdout().lock();
    // Whoever does not read any more does not miss it.
    let _ = writeln!(out, "{answer}").and_then(|()| out.flush());
}

/// What the modern era wants to see in the head, too. A legacy message has none of it.
fn headers(message: &Value) -> Vec<(HeaderName, HeaderValue)> {
    let params = &message["params"];
    let version = &params["_meta"]["io.modelcontextprotocol/protocolVersion"];
    let mut headers = vec![
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (
            ACCEPT,
            HeaderValue::from_static("application/json, text/event-stream"),
        ),
    ];
    if version.is_null() {
        return headers;
    }
    for (name, value) in [
        ("mcp-protocol-version", version),
        ("mcp-method", &message["method"]),
        ("mcp-name", &params["name"]),
    ] {
        if let Some(value) = value
            .as_str()
            .and_then(|text| HeaderValue::try_from(encoded(text)).ok())
        {
            headers.push((HeaderName::from_static(name), value));
        }
    }
    headers
}

/// As it is, or in base64 where a header field could not carry it.
fn encoded(text: &str) -> String {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') && text.trim() == text;
    if plain && !text.starts_with("=?") {
        text.to_owned()
    } else {
        format!("=?base64?{}?=", BASE64_STANDARD.encode(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_carries_every_name() {
        assert_eq!(encoded("verify_cancel"), "verify_cancel");
        assert_eq!(encoded("überprüfen"), "=?base64?w7xiZXJwcsO8ZmVu?=");
        assert_eq!(encoded(" a"), "=?base64?IGE=?=");
        assert_eq!(encoded("=?base64?"), "=?base64?PT9iYXNlNjQ/?=");
    }
}
