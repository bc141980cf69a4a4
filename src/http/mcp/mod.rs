//! MCP on `POST /mcp`, for agents: four tools, both eras of the protocol, one JSON answer per request; no sessions, no streams.
//!
//! The protocol is rmcp's, the official SDK's: `agent` is what it asks of a server, `wire` the way to it, `list` and `tools` what is offered;
//! here is what stands before all of them. Nothing of a request or a result is logged: `telemetry::quiet` holds rmcp to that.

mod agent;
mod list;
mod tools;
mod wire;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use rmcp::model::{ErrorCode, ErrorData, JsonRpcError};
use url::{Host, Url};

use self::agent::Agent;
use super::app::{self, Admitted, Answer, App, bearer};
use super::problem::Problem;
use super::{ResponseBody, body};
use crate::core::money::Price;
use crate::core::scope::Scope;

/// JSON-RPC's code for a request that was not looked into; the status says the rest.
const REFUSED: ErrorCode = ErrorCode(-32000);

/// What the operator decided for agents.
pub struct Mcp {
    pub hosts: Hosts,
    /// Whether `verify_get_code` gives the text of the SMS too.
    pub sms_text: bool,
    /// What a rental may cost at most.
    pub price_max: Option<Price>,
}

/// By which names this server may be called. A page that a browser loaded from elsewhere can have its own name lead here
/// (DNS rebinding); its name stays in `Host` and `Origin`.
pub struct Hosts {
    names: Vec<String>,
    /// We listen on all addresses, so every address may be ours; and an address cannot be rebound.
    any_address: bool,
}

impl Hosts {
    /// Those of the listener and of `public_url`, and `more`.
    pub fn new(listener: SocketAddr, public_url: &str, more: &[String]) -> Self {
        let mut names: Vec<String> = more.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.extend(
            Url::parse(public_url)
                .ok()
                .and_then(|url| url.host_str().map(str::to_owned)),
        );
        let ip = listener.ip();
        if ip.is_loopback() || ip.is_unspecified() {
            names.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        } else {
            names.push(match ip {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            });
        }
        Self {
            names,
            any_address: ip.is_unspecified(),
        }
    }

    /// Whether `Host` (or `:authority`) names this server. The port does not matter: a proxy may have another one.
    fn serve(&self, head: &Parts) -> bool {
        let field = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = head.uri.authority().map(http::uri::Authority::as_str).or(field);
        let parsed = authority.and_then(|authority| Url::parse(&format!("http://{authority}/")).ok());
        parsed.is_some_and(|url| {
            self.names(&url) || self.any_address && matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
        })
    }

    /// A browser says where its page came from; other clients say nothing.
    fn admit(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::ORIGIN).iter().all(|origin| {
            let parsed = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
            parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && self.names(&url))
        })
    }

    fn names(&self, url: &Url) -> bool {
        url.host_str()
            .is_some_and(|host| self.names.iter().any(|name| name == host))
    }
}

/// `POST /mcp`. On a hang-up a held `verify_get_code` is dropped; a rental that was handed in for commit stays.
pub async fn answer(app: Arc<App>, head: Parts, incoming: Incoming, scope: Scope) -> Answer {
    let Some(mcp) = &app.mcp else {
        return Err(Problem::not_found(
            "MCP is off here: set mcp.enabled to turn it on.",
        ));
    };
    let (Admitted { key, allowance }, body) = match admitted(&app, (mcp, scope), &head, incoming).await {
        Ok(admitted) => admitted,
        Err(response) => return Ok(*response),
    };
    let agent = Agent::new(app.gateway.clone(), mcp.clone(), key);
    let message = wire::read(&head.headers, body);
    // A held call needs no more of its request.
    drop(head);
    let answer = match message {
        Ok(message) => wire::serve(agent, message).await,
        Err(error) => failed(StatusCode::BAD_REQUEST, &error),
    };
    Ok(app::counted(answer, allowance))
}

/// Everything that is decided before a byte of the body is understood.
async fn admitted(
    app: &App,
    (mcp, scope): (&Mcp, Scope),
    head: &Parts,
    incoming: Incoming,
) -> Result<(Admitted, bytes::Bytes), Box<Response<ResponseBody>>> {
    let refuse = |problem: Problem| Err(Box::new(refused(problem)));
    if !mcp.hosts.serve(head) || !mcp.hosts.admit(&head.headers) {
        let what = "This host or origin is not one of this server's; add it to mcp.allowed_hosts if it is.";
        return refuse(Problem::forbidden(what));
    }
    let admitted = match bearer(app, &head.headers, scope) {
        Ok(admitted) => admitted,
        Err(problem) => return refuse(problem),
    };
    if !app::is_json(&head.headers) {
        let what = "Send one JSON-RPC object with \"Content-Type: application/json\".";
        return refuse(Problem::unsupported_media_type(what));
    }
    if !accepts(&head.headers, "application", "json") || !accepts(&head.headers, "text", "event-stream") {
        let what = "Send \"Accept: application/json, text/event-stream\".";
        let error = JsonRpcError::new(None, ErrorData::new(REFUSED, what, None));
        return Err(Box::new(failed(StatusCode::NOT_ACCEPTABLE, &error)));
    }
    let body = match body::read(head, incoming, &app.body).await {
        Ok(body) => body,
        Err(error) => return refuse(error.into()),
    };
    if app::is_too_deep(&body, app.json_depth_max) {
        let depth_max = app.json_depth_max;
        return refuse(Problem::bad_request(format!(
            "Nest JSON at most {depth_max} deep."
        )));
    }
    Ok((admitted, body))
}

/// A problem in JSON-RPC's form, with its own status and header fields.
pub fn refused(problem: Problem) -> Response<ResponseBody> {
    let error = ErrorData::new(REFUSED, problem.detail().to_owned(), None);
    let (mut head, _) = Response::from(problem).into_parts();
    let body = failed(head.status, &JsonRpcError::new(None, error)).into_body();
    head.headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if head.status == StatusCode::UNAUTHORIZED {
        // No resource_metadata: an address without an issuer behind it would send clients into a log-in that leads nowhere.
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        head.headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    Response::from_parts(head, body)
}

fn failed(status: StatusCode, error: &JsonRpcError) -> Response<ResponseBody> {
    app::json(status, error).unwrap_or_else(Response::from)
}

/// Whether a media type may be answered; without the field anything may. A weight of 0 forbids.
fn accepts(headers: &HeaderMap, main: &str, sub: &str) -> bool {
    if !headers.contains_key(header::ACCEPT) {
        return true;
    }
    let fields = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|field| field.to_str().ok());
    fields.flat_map(|field| field.split(',')).any(|range| {
        let (media, weight) = range.split_once(';').unwrap_or((range, ""));
        let (wanted_main, wanted_sub) = media.trim().split_once('/').unwrap_or(("", ""));
        let forbidden = weight
            .split(';')
            .any(|p| p.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0));
        let matches = |wanted: &str, offered: &str| wanted == "*" || wanted.eq_ignore_ascii_case(offered);
        !forbidden && matches(wanted_main, main) && matches(wanted_sub, sub)
    })
}
