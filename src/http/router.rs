//! Every route on one page. What a hang-up does: `inbound` runs on to its end, everything else stops where it is;
//! a held poll then leaves nothing behind, and a commit that was handed in is made whether or not its answer is heard.

use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;

use super::app::{Answer, App};
use super::problem::Problem;
use super::{
    Peer, ResponseBody, dev, events, extract, inbound, mcp, partner, unmatched, verifications, webhooks,
    well_known,
};
use crate::core::id::RentalId;

/// A handler at work: boxed, so that a held poll costs its own size and not the largest handler's.
type Handling = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Answers one request. Not an async function: that would keep the room of the request, and what it refers to in the read
/// buffer, for as long as a poll is held.
pub fn route(
    app: Arc<App>,
    request: Request<Incoming>,
    peer: Peer,
) -> impl Future<Output = Response<ResponseBody>> + Send {
    let handling = handler(&app, request, peer);
    async move {
        let answer = match handling {
            Ok(handling) => handling.await,
            Err(problem) => Err(problem),
        };
        let response = answer.unwrap_or_else(Response::from);
        app.gateway.metrics().response(response.status().as_u16());
        response
    }
}

/// Chooses the handler, which takes from the request what it needs: a held poll keeps neither the head nor the unread body.
fn handler(app: &Arc<App>, request: Request<Incoming>, peer: Peer) -> Result<Handling, Problem> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let method = head.method.clone();
    let app = app.clone();
    Ok(match (&method, segments.as_slice()) {
        (_, ["inbound", _] | ["inbound", _, _]) => Box::pin(inbound::receive(app, head, body, peer)),

        (_, ["api", "verifications", rest @ ..]) => return of_verifications(app, head, body, rest),
        (_, ["api", "webhooks", rest @ ..]) => return of_webhooks(app, head, body, rest),

        (_, ["getNumbers"]) => Box::pin(partner::answer(app, head, body, partner::Route::GetNumbers)),
        (_, ["rentNumber"]) => Box::pin(partner::answer(app, head, body, partner::Route::RentNumber)),
        (_, ["getSMS"]) => Box::pin(partner::answer(app, head, body, partner::Route::GetSms)),
        (_, ["cancelNumber"]) => Box::pin(partner::answer(app, head, body, partner::Route::CancelNumber)),
        (_, ["api", "events", ..] | [".well-known", ..]) => return of_events(app, head, body, &segments),

        (&Method::GET, ["api", "unmatched"]) => Box::pin(async move { unmatched::list(&app, &head).await }),
        (&Method::POST, ["api", "unmatched", id, "assign"]) => {
            let id = id.parse().ok();
            Box::pin(async move { unmatched::assign(&app, &head, body, id).await })
        }
        (_, ["mcp"]) => Box::pin(mcp::answer(app, head, body)),

        (&Method::POST, ["api", "extract"]) => Box::pin(extract::extract(app, head, body)),
        (&Method::GET, ["api", "dev", "sources"]) => at_once(dev::sources(&app, &head)),
        (&Method::POST, ["api", "dev", "sms"]) => Box::pin(dev::sms(app, head, body)),

        (_, segments) => return Err(no_handler(segments)),
    })
}

/// What stands below `/api/verifications`.
fn of_verifications(
    app: Arc<App>,
    head: Parts,
    body: Incoming,
    segments: &[&str],
) -> Result<Handling, Problem> {
    Ok(match (&head.method, segments) {
        (&Method::GET, ["services"]) => at_once(verifications::services(&app, &head)),
        (&Method::POST, []) => Box::pin(verifications::create(app, head, body)),
        (&Method::GET, []) => Box::pin(verifications::list(app, head)),
        (&Method::GET, [id]) => Box::pin(verifications::get(app, head, rental_id(id))),
        (&Method::GET, [id, "code"]) => {
            let poll = verifications::poll(&app, &head, rental_id(id))?;
            Box::pin(verifications::code(app, poll))
        }
        (&Method::POST, [id, "cancel"]) => Box::pin(verifications::cancel(app, head, rental_id(id))),
        _ => return Err(no_handler(&[&["api", "verifications"], segments].concat())),
    })
}

/// What stands below `/api/webhooks`.
fn of_webhooks(app: Arc<App>, head: Parts, body: Incoming, segments: &[&str]) -> Result<Handling, Problem> {
    let id = segments.first().and_then(|id| id.parse().ok());
    Ok(match (&head.method, segments) {
        (&Method::POST, []) => Box::pin(webhooks::create(app, head, body)),
        (&Method::GET, []) => at_once(webhooks::list(&app, &head)),
        (&Method::GET, [_]) => at_once(webhooks::get(&app, &head, id)),
        (&Method::PATCH, [_]) => Box::pin(webhooks::change(app, head, body, id)),
        (&Method::DELETE, [_]) => Box::pin(webhooks::delete(app, head, id)),
        (&Method::POST, [_, "pause"]) => Box::pin(webhooks::pause(app, head, id)),
        (&Method::POST, [_, "resume"]) => Box::pin(webhooks::resume(app, head, id)),
        (&Method::POST, [_, "rotate-secret"]) => Box::pin(webhooks::rotate(app, head, body, id)),
        (&Method::POST, [_, "test"]) => Box::pin(webhooks::test(app, head, body, id)),
        (&Method::GET, [_, "logs"]) => Box::pin(webhooks::log::list(app, head, id)),
        (&Method::GET, [_, "logs", delivery]) => {
            Box::pin(webhooks::log::show(app, head, id, delivery.parse().ok()))
        }
        (&Method::GET, [_, "logs", delivery, "attempts", number]) => {
            let place = (id, delivery.parse().ok(), number.parse().ok());
            Box::pin(webhooks::log::show_attempt(app, head, place))
        }
        (&Method::GET, [_, "deliveries"]) => Box::pin(webhooks::deliveries::list(app, head, id)),
        (&Method::GET, [_, "deliveries", delivery]) => {
            Box::pin(webhooks::deliveries::show(app, head, id, delivery.parse().ok()))
        }
        (&Method::POST, [_, "deliveries", delivery, "retry"]) => {
            Box::pin(webhooks::deliveries::retry(app, head, id, delivery.parse().ok()))
        }
        _ => return Err(no_handler(&[&["api", "webhooks"], segments].concat())),
    })
}

/// The feed of events, and the keys that receivers check with.
fn of_events(app: Arc<App>, head: Parts, body: Incoming, segments: &[&str]) -> Result<Handling, Problem> {
    Ok(match (&head.method, segments) {
        (&Method::GET, ["api", "events"]) => Box::pin(events::page(events::poll(&app, &head)?, app)),
        (&Method::GET, ["api", "events", "stream"]) => Box::pin(events::stream(app, head)),
        (&Method::POST, ["api", "events", "test"]) => Box::pin(events::test(app, head, body)),
        (&Method::GET, [".well-known", "webhook-keys", id]) => {
            at_once(well_known::keys(&app, id.parse().ok()))
        }
        (_, segments) => return Err(no_handler(segments)),
    })
}

/// A route with another method, or none.
fn no_handler(segments: &[&str]) -> Problem {
    match allowed(segments) {
        Some(allow) => Problem::method_not_allowed(allow),
        None => Problem::not_found("There is no such route; README.md lists them."),
    }
}

fn at_once(answer: Answer) -> Handling {
    Box::pin(std::future::ready(answer))
}

/// What is no id cannot exist, and is answered like any id that does not: after the key was checked.
fn rental_id(text: &str) -> Option<RentalId> {
    text.parse().ok()
}

/// The methods of a route that exists.
fn allowed(segments: &[&str]) -> Option<&'static str> {
    match segments {
        ["api", "verifications" | "webhooks"] => Some("GET, POST"),
        ["api", "verifications", "services" | _] | ["api", "verifications", _, "code"] => Some("GET"),
        ["api", "webhooks", _, "test"] | ["api", "events", "test"] => Some("POST"),
        [".well-known", "webhook-keys", _] => Some("GET"),
        ["api", "verifications", _, "cancel"] | ["api", "extract"] | ["api", "dev", "sms"] => Some("POST"),
        ["api", "unmatched"] => Some("GET"),
        ["api", "unmatched", _, "assign"] => Some("POST"),
        ["api", "webhooks", _] => Some("GET, PATCH, DELETE"),
        ["api", "webhooks", _, "pause" | "resume" | "rotate-secret"]
        | ["api", "webhooks", _, "deliveries", _, "retry"] => Some("POST"),
        ["api", "webhooks", _, "logs" | "deliveries"]
        | ["api", "webhooks", _, "logs" | "deliveries", _]
        | ["api", "webhooks", _, "logs", _, "attempts", _]
        | ["api", "dev", "sources"]
        | ["api", "events"]
        | ["api", "events", "stream"] => Some("GET"),
        _ => None,
    }
}
