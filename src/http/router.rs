//! Every route on one page. What a hang-up does: `inbound` runs on to its end, everything else stops where it is;
//! a held poll then leaves nothing behind, and a commit that was handed in is made whether or not its answer is heard.

use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::Incoming;

use super::app::{Answer, App};
use super::problem::Problem;
use super::{ResponseBody, dev, extract, inbound, verifications, webhooks};

/// Answers one request.
pub async fn route(app: Arc<App>, request: Request<Incoming>) -> Response<ResponseBody> {
    let answer = dispatch(&app, request).await;
    let response = answer.unwrap_or_else(Response::from);
    app.gateway.metrics().response(response.status().as_u16());
    response
}

/// Each handler is boxed, so that a held poll costs its own size and not the largest handler's.
async fn dispatch(app: &Arc<App>, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    if let ["inbound", source] = segments.as_slice() {
        return Box::pin(inbound::receive(app, source, head, body)).await;
    }
    match (&head.method, segments.as_slice()) {
        (&Method::GET, ["api", "verifications", "services"]) => verifications::services(app, &head),
        (&Method::POST, ["api", "verifications"]) => Box::pin(verifications::create(app, &head, body)).await,
        (&Method::GET, ["api", "verifications"]) => Box::pin(verifications::list(app, &head)).await,
        (&Method::GET, ["api", "verifications", id]) => Box::pin(verifications::get(app, &head, id)).await,
        (&Method::GET, ["api", "verifications", id, "code"]) => Box::pin(verifications::code(app, &head, id)).await,
        (&Method::POST, ["api", "verifications", id, "cancel"]) => Box::pin(verifications::cancel(app, &head, id)).await,

        (&Method::POST, ["api", "webhooks"]) => Box::pin(webhooks::create(app, &head, body)).await,
        (&Method::GET, ["api", "webhooks"]) => webhooks::list(app, &head),
        (&Method::DELETE, ["api", "webhooks", id]) => Box::pin(webhooks::delete(app, &head, id)).await,
        (&Method::GET, ["api", "webhooks", id, "logs"]) => Box::pin(webhooks::logs(app, &head, id)).await,

        (&Method::POST, ["api", "extract"]) => Box::pin(extract::extract(app, &head, body)).await,
        (&Method::GET, ["api", "dev", "sources"]) => dev::sources(app, &head),
        (&Method::POST, ["api", "dev", "sms"]) => Box::pin(dev::sms(app, &head, body)).await,

        (_, segments) => Err(match allowed(segments) {
            Some(allow) => Problem::method_not_allowed(allow),
            None => Problem::not_found("There is no such route; README.md lists them."),
        }),
    }
}

/// The methods of a route that exists.
fn allowed(segments: &[&str]) -> Option<&'static str> {
    match segments {
        ["api", "verifications" | "webhooks"] => Some("GET, POST"),
        ["api", "verifications", "services" | _] | ["api", "verifications", _, "code"] => Some("GET"),
        ["api", "verifications", _, "cancel"] | ["api", "extract"] | ["api", "dev", "sms"] => Some("POST"),
        ["api", "webhooks", _] => Some("DELETE"),
        ["api", "webhooks", _, "logs"] | ["api", "dev", "sources"] => Some("GET"),
        _ => None,
    }
}
