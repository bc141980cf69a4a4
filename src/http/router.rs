//! Every route on one page. What a hang-up does: `inbound` runs on to its end, everything else stops where it is;
//! a held poll then leaves nothing behind, and a commit that was handed in is made whether or not its answer is heard.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;

use super::app::{Answer, App};
use super::problem::Problem;
use super::{ResponseBody, dev, extract, inbound, verifications, webhooks};

/// What answers a request: boxed, so that a held poll costs its own size and not the largest handler's.
type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Answers one request. Not an async function: that would keep the room of the request, and what it refers to in the read
/// buffer, for as long as a poll is held.
pub fn route(app: Arc<App>, request: Request<Incoming>) -> impl Future<Output = Response<ResponseBody>> + Send {
    let answering = dispatch(&app, request);
    async move {
        let response = answering.await.unwrap_or_else(Response::from);
        app.gateway.metrics().response(response.status().as_u16());
        response
    }
}

fn dispatch(app: &Arc<App>, request: Request<Incoming>) -> Answering {
    let app = app.clone();
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    if let ["inbound", source] = segments.as_slice() {
        let source = (*source).to_owned();
        return Box::pin(async move { inbound::receive(&app, &source, head, body).await });
    }
    if let (&Method::GET, ["api", "verifications", id, "code"]) = (&head.method, segments.as_slice()) {
        return match verifications::poll(&app, &head, id) {
            Ok(poll) => Box::pin(verifications::code(app, poll)),
            Err(problem) => Box::pin(ready(Err(problem))),
        };
    }
    Box::pin(async move { rest(&app, head, body).await })
}

/// The routes whose requests may be kept while they are answered.
async fn rest(app: &Arc<App>, head: Parts, body: Incoming) -> Answer {
    let path = head.uri.path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (&head.method, segments.as_slice()) {
        (&Method::GET, ["api", "verifications", "services"]) => verifications::services(app, &head),
        (&Method::POST, ["api", "verifications"]) => verifications::create(app, &head, body).await,
        (&Method::GET, ["api", "verifications"]) => verifications::list(app, &head).await,
        (&Method::GET, ["api", "verifications", id]) => verifications::get(app, &head, id).await,
        (&Method::POST, ["api", "verifications", id, "cancel"]) => verifications::cancel(app, &head, id).await,

        (&Method::POST, ["api", "webhooks"]) => webhooks::create(app, &head, body).await,
        (&Method::GET, ["api", "webhooks"]) => webhooks::list(app, &head),
        (&Method::DELETE, ["api", "webhooks", id]) => webhooks::delete(app, &head, id).await,
        (&Method::GET, ["api", "webhooks", id, "logs"]) => webhooks::logs(app, &head, id).await,

        (&Method::POST, ["api", "extract"]) => extract::extract(app, &head, body).await,
        (&Method::GET, ["api", "dev", "sources"]) => dev::sources(app, &head),
        (&Method::POST, ["api", "dev", "sms"]) => dev::sms(app, &head, body).await,

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
