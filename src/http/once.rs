//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): on the routes that make something, a request may be sent again with the
//! key that it had, and makes nothing more. Scope of a key are its account and its route.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::ResponseBody;
use super::app::{self, Answer, Caller};
use super::problem::Problem;
use crate::core::once::{Answered, BadKey, Fingerprint, parse_key};
use crate::gateway::{Begun, Error, First};

const FIELD: &str = "idempotency-key";

/// A request as it was read.
pub enum Sent<T> {
    /// What it wishes, and its place where it has a key.
    New(T, Option<First>),
    /// It was answered before.
    Again(Response<ResponseBody>),
}

/// Reads the body of a request that makes something; `route` names it for ever, for it is part of what the request is known by.
pub async fn read<T: DeserializeOwned>(
    caller: &Caller,
    (head, incoming): (&Parts, Incoming),
    route: &str,
) -> Result<Sent<T>, Problem> {
    let (app, client_key) = (&caller.app, client_key(&head.headers)?);
    let bytes = app::read_json_bytes(app, head, incoming).await?;
    match begin(caller, client_key, (route, &bytes)).await? {
        Sent::New((), first) => Ok(Sent::New(app::parse_json(app, &bytes)?, first)),
        Sent::Again(answer) => Ok(Sent::Again(answer)),
    }
}

/// Begins a request by its key, if it has one, its route, and what it asks for.
pub async fn begin(
    Caller { app, key }: &Caller,
    client_key: Option<String>,
    (route, asked): (&str, &[u8]),
) -> Result<Sent<()>, Problem> {
    let Some(client_key) = client_key else {
        return Ok(Sent::New((), None));
    };
    let place = (route, client_key.as_str());
    let begun = app
        .gateway
        .begin_once(&key.account, place, Fingerprint::of(asked));
    match begun.await? {
        Begun::First(first) => Ok(Sent::New((), Some(first))),
        Begun::Answered(answered) => Ok(Sent::Again(again(answered)?)),
    }
}

/// The answer to what was made, or to what was made already by a request whose client did not wait for its answer.
pub fn answer(made: Result<Vec<u8>, Error>, status: StatusCode) -> Answer {
    match made {
        Ok(body) => json(status, body),
        Err(Error::OnceAnswered(answered)) => again(*answered),
        Err(error) => Err(error.into()),
    }
}

/// The key of a request, if it has one.
pub fn client_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut fields = headers.get_all(FIELD).iter();
    let (Some(field), more) = (fields.next(), fields.next()) else {
        return Ok(None);
    };
    let text = field.to_str().ok().filter(|_| more.is_none());
    let key = text.ok_or(BadKey).and_then(parse_key);
    key.map(Some).map_err(|e| Problem::bad_request(format!("{e}.")))
}

fn json(status: StatusCode, body: Vec<u8>) -> Answer {
    let mut response = Response::new(ResponseBody::from(Bytes::from(body)));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

fn again(answered: Answered) -> Answer {
    let status = StatusCode::from_u16(answered.status).map_err(|_| Problem::internal())?;
    let mut response = json(status, answered.body)?;
    let name = HeaderName::from_static("idempotency-replayed");
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static("true"));
    Ok(response)
}
