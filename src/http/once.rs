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
    Caller { app, key }: &Caller,
    (head, incoming): (&Parts, Incoming),
    route: &str,
) -> Result<Sent<T>, Problem> {
    let client_key = client_key(&head.headers).map_err(|e| Problem::bad_request(format!("{e}.")))?;
    let bytes = app::read_json_bytes(app, head, incoming).await?;
    let Some(client_key) = client_key else {
        return Ok(Sent::New(app::parse_json(app, &bytes)?, None));
    };
    let place = (route, client_key.as_str());
    let begun = app
        .gateway
        .begin_once(&key.account, place, Fingerprint::of(&bytes));
    match begun.await? {
        Begun::First(first) => Ok(Sent::New(app::parse_json(app, &bytes)?, Some(first))),
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

fn client_key(headers: &HeaderMap) -> Result<Option<String>, BadKey> {
    let mut fields = headers.get_all(FIELD).iter();
    let (Some(field), more) = (fields.next(), fields.next()) else {
        return Ok(None);
    };
    if more.is_some() {
        return Err(BadKey);
    }
    parse_key(field.to_str().map_err(|_| BadKey)?).map(Some)
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
