//! From a request to its handler; which routes there are, and for whom, stands in `routes`. What a hang-up does: `inbound` runs on to its end, everything else stops where it is;
//! a held poll then leaves nothing behind, and a commit that was handed in is made whether or not its answer is heard.

use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;

use super::app::{Admitted, Answer, App, Caller, bearer, counted};
use super::problem::Problem;
use super::routes::{self, Access, Route};
use super::{
    Peer, ResponseBody, abuse, dev, events, extract, inbound, mcp, messages, partner, replays, telnyx, texts,
    unmatched, usage, verifications, verify, webhooks, well_known,
};
use crate::core::allowance::Allowance;
use crate::core::id::RentalId;
use crate::core::scope::Scope;

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
        let response = match handling {
            Ok((handling, allowance)) => {
                let answer = handling.await;
                counted(answer.unwrap_or_else(Response::from), allowance)
            }
            Err(problem) => problem.into(),
        };
        app.gateway.metrics().response(response.status().as_u16());
        response
    }
}

/// Lets the caller in as the route's row says, and chooses the handler, which takes from the request what it needs: a held poll keeps
/// neither the head nor the unread body.
fn handler(
    app: &Arc<App>,
    request: Request<Incoming>,
    peer: Peer,
) -> Result<(Handling, Option<Allowance>), Problem> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let app = app.clone();
    let route = routes::find(&segments)?;
    let handling = match route.access(&head.method) {
        Some(Access::Open) => open(app, head, body, (&segments, peer)),
        Some(Access::Own(scope)) => own(app, head, body, (&segments, scope)),
        Some(Access::Key(scope)) => {
            let Admitted { key, allowance } = bearer(&app, &head.headers, scope)?;
            let handling = keyed(Caller { app, key }, head, body, &segments);
            return match handling {
                Ok(handling) => Ok((handling, allowance)),
                Err(problem) => Err(problem.counted(allowance)),
            };
        }
        None => wrong_method(route, &segments),
    };
    Ok((handling?, None))
}

/// Said as the contract says it.
fn wrong_method(route: &Route, segments: &[&str]) -> Result<Handling, Problem> {
    let problem = Problem::method_not_allowed(route.methods);
    match (route.access, segments) {
        ([Access::Own(_), ..], ["mcp"]) => Ok(at_once(Ok(mcp::refused(problem)))),
        ([Access::Own(_), ..], ["v2", ..]) => Ok(at_once(Ok(telnyx::refused(problem)))),
        ([Access::Own(_), ..], ["v1", ..]) => Ok(at_once(Ok(verify::refused(problem)))),
        ([Access::Own(_), ..], ["api", ..]) => Err(problem),
        ([Access::Own(_), ..], _) => Ok(at_once(Ok(partner::refused(problem)))),
        _ => Err(problem),
    }
}

/// Who calls has no key, or the request is signed.
fn open(
    app: Arc<App>,
    head: Parts,
    body: Incoming,
    (segments, peer): (&[&str], Peer),
) -> Result<Handling, Problem> {
    Ok(match segments {
        ["inbound", ..] => Box::pin(inbound::receive(app, head, body, peer)),
        [".well-known", "webhook-keys", id] => at_once(well_known::keys(&app, id.parse().ok())),
        _ => return Err(routes::none()),
    })
}

/// Contracts that have their own ways to send a key and to refuse one.
fn own(
    app: Arc<App>,
    head: Parts,
    body: Incoming,
    (segments, scope): (&[&str], Scope),
) -> Result<Handling, Problem> {
    let route = match segments {
        ["getNumbers"] => partner::Route::GetNumbers,
        ["rentNumber"] => partner::Route::RentNumber,
        ["getSMS"] => partner::Route::GetSms,
        ["cancelNumber"] => partner::Route::CancelNumber,
        ["api", "messages"] => return Ok(Box::pin(texts::send(app, head, body, scope))),
        ["mcp"] => return Ok(Box::pin(mcp::answer(app, head, body, scope))),
        ["v1", "verify", rest @ ..] => {
            let route = match rest {
                ["start"] => verify::Route::Start,
                ["check"] => verify::Route::Check,
                [id] => verify::Route::Status(id.parse().ok()),
                _ => return Err(routes::none()),
            };
            return Ok(Box::pin(verify::answer(app, head, body, (route, scope))));
        }
        ["v2", rest @ ..] => {
            let route = telnyx::Route::of(rest).ok_or_else(routes::none)?;
            return Ok(Box::pin(telnyx::answer(app, head, body, (route, scope))));
        }
        _ => return Err(routes::none()),
    };
    Ok(Box::pin(partner::answer(app, head, body, (route, scope))))
}

/// Our own routes.
fn keyed(caller: Caller, head: Parts, body: Incoming, segments: &[&str]) -> Result<Handling, Problem> {
    Ok(match (&head.method, segments) {
        (_, ["api", "services"]) => at_once(verifications::services(&caller.app)),
        (_, ["api", "verifications", rest @ ..]) => return of_verifications(caller, head, body, rest),
        (_, ["api", "webhooks", rest @ ..]) => return of_webhooks(caller, head, body, rest),
        (_, ["api", "replays", rest @ ..]) => return of_replays(caller, head, body, rest),
        (_, ["api", "events"]) => Box::pin(events::page(events::poll(&caller, &head)?, caller.app)),
        (_, ["api", "events", "stream"]) => Box::pin(events::stream(caller, head)),
        (_, ["api", "events", "test"]) => Box::pin(events::test(caller, head, body)),
        (_, ["api", "unmatched"]) => Box::pin(unmatched::list(caller, head)),
        (_, ["api", "unmatched", id, "assign"]) => {
            Box::pin(unmatched::assign(caller, head, body, id.parse().ok()))
        }
        (_, ["api", "usage"]) => Box::pin(usage::show(caller, head)),
        (_, ["api", "usage", "export"]) => Box::pin(usage::export(caller, head)),
        (_, ["api", "verify", "figures"]) => Box::pin(abuse::figures(caller, head)),
        (_, ["api", "verify", "preview"]) => Box::pin(verify::preview::preview(caller, head, body)),
        (_, ["api", "verify", "unblock"]) => Box::pin(abuse::unblock(caller, head, body)),
        (_, ["api", "verify", id, "cancel"]) => {
            Box::pin(verify::cancel::cancel(caller, verify::cancel::id(id)))
        }
        (_, ["api", "extract"]) => Box::pin(extract::extract(caller.app, head, body)),
        (_, ["api", "dev", "sources"]) => at_once(dev::sources(&caller.app)),
        (_, ["api", "dev", "sms"]) => Box::pin(dev::sms(caller.app, head, body)),
        _ => return Err(routes::none()),
    })
}

/// What stands below `/api/verifications`.
fn of_verifications(
    caller: Caller,
    head: Parts,
    body: Incoming,
    segments: &[&str],
) -> Result<Handling, Problem> {
    Ok(match (&head.method, segments) {
        (_, ["services"]) => at_once(verifications::services(&caller.app)),
        (&Method::POST, []) => Box::pin(verifications::create(caller, head, body)),
        (&Method::GET, []) => {
            let (look, place) = (verifications::look(&caller, &head)?, verifications::place(&head)?);
            Box::pin(verifications::list(caller.app, look, place))
        }
        (_, [id]) => {
            let look = verifications::look(&caller, &head)?;
            Box::pin(verifications::get(caller.app, look, rental_id(id)))
        }
        (_, [id, "messages"]) => {
            let poll = messages::poll(&caller, &head, rental_id(id))?;
            Box::pin(messages::list(caller.app, poll))
        }
        (_, [id, "events", "stream"]) => Box::pin(events::stream_of(caller, head, rental_id(id))),
        (_, [id, "code"]) => {
            let poll = verifications::poll(&caller, &head, rental_id(id))?;
            Box::pin(verifications::code(caller.app, poll))
        }
        (_, [id, "cancel"]) => Box::pin(verifications::cancel(caller, rental_id(id))),
        (_, [id, "report"]) => Box::pin(verifications::report(caller, rental_id(id))),
        _ => return Err(routes::none()),
    })
}

/// What stands below `/api/replays`.
fn of_replays(caller: Caller, head: Parts, body: Incoming, segments: &[&str]) -> Result<Handling, Problem> {
    let id = segments.first().and_then(|id| id.parse().ok());
    Ok(match (&head.method, segments) {
        (&Method::POST, []) => Box::pin(replays::create(caller, head, body)),
        (&Method::GET, []) => at_once(replays::list(&caller)),
        (&Method::GET, [_]) => at_once(replays::show(&caller, id)),
        (&Method::POST, [_, "cancel"]) => Box::pin(replays::cancel(caller, id)),
        _ => return Err(routes::none()),
    })
}

/// What stands below `/api/webhooks`.
fn of_webhooks(caller: Caller, head: Parts, body: Incoming, segments: &[&str]) -> Result<Handling, Problem> {
    let id = segments.first().and_then(|id| id.parse().ok());
    Ok(match (&head.method, segments) {
        (&Method::POST, []) => Box::pin(webhooks::create(caller, head, body)),
        (&Method::GET, []) => at_once(webhooks::list(&caller)),
        (&Method::GET, [_]) => at_once(webhooks::get(&caller, id)),
        (&Method::PATCH, [_]) => Box::pin(webhooks::change(caller, head, body, id)),
        (&Method::DELETE, [_]) => Box::pin(webhooks::delete(caller, id)),
        (_, [_, "pause"]) => Box::pin(webhooks::pause(caller, id)),
        (_, [_, "resume"]) => Box::pin(webhooks::resume(caller, id)),
        (_, [_, "rotate-secret"]) => Box::pin(webhooks::rotate(caller, head, body, id)),
        (_, [_, "test"]) => Box::pin(webhooks::test(caller, head, body, id)),
        (_, [_, "logs"]) => Box::pin(webhooks::log::list(caller, head, id)),
        (_, [_, "logs", delivery]) => Box::pin(webhooks::log::show(caller, head, id, delivery.parse().ok())),
        (_, [_, "logs", delivery, "attempts", number]) => {
            let place = (id, delivery.parse().ok(), number.parse().ok());
            Box::pin(webhooks::log::show_attempt(caller, place))
        }
        (_, [_, "deliveries"]) => Box::pin(webhooks::deliveries::list(caller, head, id)),
        (_, [_, "deliveries", delivery]) => {
            Box::pin(webhooks::deliveries::show(caller, id, delivery.parse().ok()))
        }
        (_, [_, "deliveries", delivery, "retry"]) => {
            Box::pin(webhooks::deliveries::retry(caller, id, delivery.parse().ok()))
        }
        _ => return Err(routes::none()),
    })
}

fn at_once(answer: Answer) -> Handling {
    Box::pin(std::future::ready(answer))
}

/// What is no id cannot exist, and is answered like any id that does not: after the key was checked.
fn rental_id(text: &str) -> Option<RentalId> {
    text.parse().ok()
}
