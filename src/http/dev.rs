//! Routes that exist in `ringback dev` alone, where every key is made for the occasion: the carriers' side of each source,
//! and an SMS that is signed as its carrier would and goes the whole way in.

use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::app::{self, Answer, App};
use super::problem::Problem;
use crate::carrier::simulate::{Draft, SignedRequest, Signer, signed};
use crate::clock::{self, Clock};
use crate::core::id::MessageId;
use crate::core::signature::SigningKey;
use crate::gateway::Inbound;

/// What `dev` adds to a gateway.
pub struct Dev {
    pub sources: Vec<DevSource>,
    /// Signs every subscription that brings no key of its own.
    pub signing_key: SigningKey,
}

/// A source and the private side of its keys.
#[derive(Clone, Serialize, Deserialize)]
pub struct DevSource {
    pub name: String,
    pub public_url: String,
    pub signer: Signer,
}

fn dev(app: &App) -> Result<&Dev, Problem> {
    app.dev
        .as_ref()
        .ok_or_else(|| Problem::not_found("There is no such route; README.md lists them."))
}

/// `GET /api/dev/sources`. Stops on a hang-up.
pub fn sources(app: &App) -> Answer {
    app::json(StatusCode::OK, &json!({ "sources": dev(app)?.sources }))
}

#[derive(Deserialize)]
struct Sms {
    to: String,
    from: String,
    text: String,
    /// The name of a source; the first one where absent.
    #[serde(default)]
    source: Option<String>,
}

/// `POST /api/dev/sms`. Runs on to its end in a task of its own, as every inbound message.
pub async fn sms(app: Arc<App>, head: Parts, body: Incoming) -> Answer {
    let sms: Sms = app::read_json(&app, &head, body).await?;
    let sources = &dev(&app)?.sources;
    let source = match &sms.source {
        Some(name) => sources.iter().find(|s| s.name == *name),
        None => sources.first(),
    };
    let source = source
        .ok_or_else(|| Problem::unprocessable("No source of this name; GET /api/dev/sources lists them."))?;
    let now = Clock::System.now();
    let id = MessageId(clock::random()).to_string();
    let draft = Draft {
        id: id.clone(),
        from: sms.from,
        to: sms.to,
        text: sms.text,
        sent_at: now,
    };
    let inbound = inbound_of(source, signed(&source.signer, &draft, &source.public_url, now))?;
    let gateway = app.gateway.clone();
    tokio::spawn(async move { gateway.receive(inbound).await })
        .await
        .map_err(|_| Problem::internal())??;
    app::json(
        StatusCode::ACCEPTED,
        &json!({ "accepted": true, "source": source.name, "carrierMessageId": id }),
    )
}

fn inbound_of(source: &DevSource, request: SignedRequest) -> Result<Inbound, Problem> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| Problem::internal())?;
        headers.append(
            name,
            HeaderValue::try_from(value.as_str()).map_err(|_| Problem::internal())?,
        );
    }
    // Only the simulated URL's end is its own: a path token, a query.
    let added = request.url.strip_prefix(&source.public_url).unwrap_or_default();
    let (path, query) = added
        .split_once('?')
        .map_or((added, None), |(path, query)| (path, Some(query)));
    Ok(Inbound {
        source: source.name.clone(),
        path_token: path.strip_prefix('/').map(str::to_owned),
        method: http::Method::from_bytes(request.method.as_bytes()).map_err(|_| Problem::internal())?,
        query: query.map(str::to_owned),
        headers,
        body: request.body.into(),
    })
}
