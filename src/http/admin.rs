//! The operator's listener: health, metrics, a status page, and the commands that need a running gateway. Loopback by default;
//! reading health and metrics is free there, every change needs the admin token.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;
use subtle::ConstantTimeEq;

use super::app::{self, Answer, App, bearer_text};
use super::problem::Problem;
use super::{
    ResponseBody, abuse, accounts, audit, captures, keys, numbers, providers, services, sources, unmatched,
    usage,
};
use crate::clock::Clock;
use crate::core::time::UnixMs;

/// Subscriptions in trouble that are listed; how many there are is told besides.
const TROUBLED_MAX: usize = 100;

const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// What stands behind the admin listener.
pub struct Admin {
    pub app: Arc<App>,
    pub token: String,
    /// Values of the moment: name and value.
    pub gauges: Box<dyn Fn() -> Vec<(&'static str, f64)> + Send + Sync>,
    /// The page of metrics.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// For how long no delivery got on, and how long that may be.
    pub still_ms: Box<dyn Fn() -> u64 + Send + Sync>,
    pub still_ms_max: u64,
    pub started_at: UnixMs,
}

/// Answers one request. On a hang-up everything stops where it is; a commit that was handed in is made.
pub async fn route(admin: Arc<Admin>, request: Request<Incoming>) -> Response<ResponseBody> {
    let (head, body) = request.into_parts();
    let answer = match (&head.method, head.uri.path()) {
        (&Method::GET, "/") => page("text/html; charset=utf-8", include_str!("page/status.html")),
        (&Method::GET, "/status.js") => {
            page("text/javascript; charset=utf-8", include_str!("page/status.js"))
        }
        (&Method::GET, "/status.css") => page("text/css; charset=utf-8", include_str!("page/status.css")),
        (&Method::GET, "/status.json") => status(&admin),
        (&Method::GET, "/livez" | "/startupz") => app::text("text/plain; charset=utf-8", "ok\n"),
        (&Method::GET, "/readyz") => readyz(&admin),
        (&Method::GET, "/metrics") => metrics(&admin),
        (_, path) if abuse::is_path(path) => Box::pin(abuse::route(&admin, &head, body)).await,
        (_, path) if accounts::is_path(path) => Box::pin(accounts::route(&admin, &head, body)).await,
        (_, path) if keys::is_path(path) => Box::pin(keys::route(&admin, &head, body)).await,
        (_, path) if numbers::is_path(path) => Box::pin(numbers::route(&admin, &head, body)).await,
        (_, path) if providers::is_path(path) => Box::pin(providers::route(&admin, &head, body)).await,
        (_, path) if services::is_path(path) => Box::pin(services::route(&admin, &head, body)).await,
        (&Method::GET, "/admin/suppliers") => suppliers(&admin, &head),
        (&Method::GET, path) if supplier(path).is_some() => {
            Box::pin(supplier_services(&admin, &head, supplier(path))).await
        }
        (_, path) if path == "/admin/suppliers" || supplier(path).is_some() => {
            Err(Problem::method_not_allowed("GET"))
        }
        (_, path) if path.starts_with("/admin/sources") => sources(&admin, &head, path),
        (&Method::GET, "/admin/subscriptions") => subscriptions(&admin, &head),
        (_, "/admin/subscriptions") => Err(Problem::method_not_allowed("GET")),
        (_, audit::PATH) => Box::pin(audit::page(&admin, &head)).await,
        (&Method::GET, "/admin/unmatched") => Box::pin(unmatched_page(&admin, &head)).await,
        (_, "/admin/unmatched") => Err(Problem::method_not_allowed("GET")),
        (&Method::POST, path) if assigned(path).is_some() => {
            Box::pin(assign(&admin, &head, body, assigned(path))).await
        }
        (_, usage::ADMIN_PATH) => Box::pin(usage::of_all(&admin, &head)).await,
        (_, path) if captures::is_path(path) => Box::pin(captures::route(&admin, &head, body)).await,
        (
            _,
            "/" | "/status.js" | "/status.css" | "/status.json" | "/livez" | "/startupz" | "/readyz"
            | "/metrics",
        ) => Err(Problem::method_not_allowed("GET")),
        _ => Err(Problem::not_found(
            "The admin listener has /, /livez, /readyz, /startupz, /metrics, /status.json, /admin/accounts, /admin/audit, /admin/keys, /admin/numbers, /admin/providers, /admin/services, /admin/sources, /admin/subscriptions, /admin/suppliers, /admin/unmatched, /admin/usage/export, /admin/verify and /admin/inbound.",
        )),
    };
    answer.unwrap_or_else(Response::from)
}

fn page(media_type: &'static str, text: &'static str) -> Answer {
    let mut response = app::text(media_type, Bytes::from_static(text.as_bytes()))?;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

impl Admin {
    fn is_stuck(&self) -> bool {
        (self.still_ms)() > self.still_ms_max
    }

    fn is_ready(&self) -> bool {
        self.app.gateway.is_ready() && !self.is_stuck()
    }
}

fn readyz(admin: &Admin) -> Answer {
    let gateway = &admin.app.gateway;
    let (store, draining) = (gateway.store().is_healthy(), gateway.is_draining());
    let ready = admin.is_ready();
    let stuck = "stuck: no attempt begins or ends; look at the log, raise outbound.concurrency_max, or restart the gateway";
    let code = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    app::json(
        code,
        &json!({
            "ready": ready,
            "store": if store { "ok" } else { "failed: restart the gateway" },
            "deliveries": if admin.is_stuck() { stuck } else { "ok" },
            "draining": draining,
        }),
    )
}

fn status(admin: &Admin) -> Answer {
    let gauges: serde_json::Map<_, _> = (admin.gauges)()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    let totals: serde_json::Map<_, _> = [
        "ringback_messages_total",
        "ringback_inbound_rejected_total",
        "ringback_inbound_duplicates_total",
        "ringback_delivery_attempts_total",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), json!(admin.app.gateway.metrics().total(name))))
    .collect();
    let answer = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "startedAt": admin.started_at.to_string(),
        "now": Clock::System.now().to_string(),
        "ready": admin.is_ready(),
        "gauges": gauges,
        "totals": totals,
    });
    app::json(StatusCode::OK, &answer)
}

fn metrics(admin: &Admin) -> Answer {
    app::text("text/plain; version=0.0.4; charset=utf-8", (admin.metrics)())
}

pub fn authorize(admin: &Admin, headers: &HeaderMap) -> Result<(), Problem> {
    let token = bearer_text(headers).unwrap_or("");
    let equal: bool = token.as_bytes().ct_eq(admin.token.as_bytes()).into();
    if equal {
        Ok(())
    } else {
        Err(Problem::unauthorized(
            "Send the token in the data folder's admin.token as \"Authorization: Bearer TOKEN\".",
        ))
    }
}

/// The subscriptions that are paused, disabled or failing, by their ids: a URL may hold a secret.
fn subscriptions(admin: &Admin, head: &http::request::Parts) -> Answer {
    authorize(admin, &head.headers)?;
    let troubled = admin.app.gateway.troubled();
    let shown = troubled.iter().take(TROUBLED_MAX).map(|(since, known)| {
        json!({
            "id": known.subscription.id.to_string(),
            "account": known.subscription.account,
            "status": known.status(),
            "since": since.to_string(),
            "because": known.health.disabled.map(|disabled| disabled.why.as_str()),
            "failures": known.health.failures,
        })
    });
    let shown: Vec<_> = shown.collect();
    app::json(
        StatusCode::OK,
        &json!({ "troubled": troubled.len(), "subscriptions": shown }),
    )
}

/// The suppliers and how they fare.
fn suppliers(admin: &Admin, head: &http::request::Parts) -> Answer {
    authorize(admin, &head.headers)?;
    app::json(
        StatusCode::OK,
        &json!({ "suppliers": admin.app.gateway.suppliers() }),
    )
}

/// The supplier of `/admin/suppliers/{name}/services`.
fn supplier(path: &str) -> Option<&str> {
    path.strip_prefix("/admin/suppliers/")?.strip_suffix("/services")
}

async fn supplier_services(admin: &Admin, head: &http::request::Parts, name: Option<&str>) -> Answer {
    authorize(admin, &head.headers)?;
    let offered = admin
        .app
        .gateway
        .supplier_services(name.unwrap_or_default())
        .await?;
    let services: Vec<_> = offered
        .iter()
        .map(|offered| json!({ "serviceName": offered.service, "capability": offered.capability.as_str() }))
        .collect();
    app::json(StatusCode::OK, &json!({ "services": services }))
}

/// The sources and their tests. What was seen of them tells of the traffic, so reading needs the token too.
fn sources(admin: &Admin, head: &http::request::Parts, path: &str) -> Answer {
    authorize(admin, &head.headers)?;
    let segments: Vec<&str> = path.split('/').skip(3).collect();
    match (&head.method, segments.as_slice()) {
        (&Method::GET, []) => sources::list(admin),
        (&Method::POST, [name, "tests"]) => sources::begin_test(admin, name),
        (&Method::GET, [name, "tests", id]) => sources::test(admin, name, id),
        (_, [] | [_, "tests", _]) => Err(Problem::method_not_allowed("GET")),
        (_, [_, "tests"]) => Err(Problem::method_not_allowed("POST")),
        _ => Err(Problem::not_found(
            "There are /admin/sources, /admin/sources/NAME/tests and /admin/sources/NAME/tests/ID.",
        )),
    }
}

/// The message of `/admin/unmatched/{id}/assign`.
fn assigned(path: &str) -> Option<&str> {
    path.strip_prefix("/admin/unmatched/")?.strip_suffix("/assign")
}

async fn unmatched_page(admin: &Admin, head: &http::request::Parts) -> Answer {
    authorize(admin, &head.headers)?;
    unmatched::page(&admin.app, head).await
}

async fn assign(admin: &Admin, head: &http::request::Parts, body: Incoming, message: Option<&str>) -> Answer {
    authorize(admin, &head.headers)?;
    let message = message.and_then(|text| text.parse().ok());
    unmatched::give(&admin.app, head, body, message).await
}
