//! `/inbound/{source}`, and `/inbound/{source}/{token}` for carriers that sign nothing: a carrier's webhook. Who may not post there is
//! refused unread; the body is read within its limit, then the work runs in a task of its own: a carrier that hangs up must not halve
//! a commit.

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;

use super::app::{self, Answer, App};
use super::problem::Problem;
use super::{Peer, body, client};
use crate::gateway::Inbound;

pub async fn receive(app: Arc<App>, head: Parts, incoming: Incoming, peer: Peer) -> Answer {
    let mut segments = head.uri.path().split('/').skip(2).map(str::to_owned);
    let source = segments.next().unwrap_or_default();
    let client = client::address(peer.addr.ip(), &head.headers, &app.trusted_proxies);
    let mut limits = app.carrier_body;
    if let Some(bytes_max) = app.gateway.admit(&source, client)? {
        limits.bytes_max = bytes_max;
    }
    let body = body::read(&head, incoming, &limits).await?;
    let inbound = Inbound {
        source,
        path_token: segments.next(),
        method: head.method,
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body,
    };
    let gateway = app.gateway.clone();
    let received = tokio::spawn(async move { gateway.receive(inbound).await }).await;
    let answer = received.map_err(|_| Problem::internal())??;
    match answer.into_parts() {
        (_, Some(media_type), body) => app::text(media_type, body),
        (_, None, _) => app::empty(StatusCode::NO_CONTENT),
    }
}
