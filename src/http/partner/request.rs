//! A request of contract 001: its parameters from query and body, and the key from wherever the contract lets it stand.

use std::sync::Arc;

use http::Method;
use http::request::Parts;
use hyper::body::Incoming;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::{Refusal, bad_key, refusal};
use crate::core::country;
use crate::core::id::RentalId;
use crate::core::key::Key;
use crate::core::scope::Scope;
use crate::gateway::Error;
use crate::http::app::{self, Admitted, App, bearer_text};
use crate::http::body;
use crate::http::problem::Problem;

/// What a request says: its query, and its body as a form or a flat JSON object. The body counts first.
pub struct Request {
    query: Vec<(String, String)>,
    body: Vec<(String, String)>,
    pub caller: Admitted,
}

impl Request {
    pub async fn read(app: &App, head: &Parts, incoming: Incoming, scope: Scope) -> Result<Self, Refusal> {
        let query = pairs(head.uri.query().unwrap_or_default().as_bytes());
        let body = read_body(app, head, incoming).await?;
        let key = authenticate(app, head, &query, &body)?;
        let caller = app::admit(app, key, scope)?;
        Ok(Self { query, body, caller })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        find(&self.body, name).or_else(|| find(&self.query, name))
    }

    pub fn need(&self, name: &str) -> Result<&str, Refusal> {
        let missing = || {
            refusal(
                "MISSING_PARAMETER",
                Problem::bad_request(format!("Send \"{name}\".")),
            )
        };
        self.get(name).ok_or_else(missing)
    }

    /// Two letters, in capitals or not.
    pub fn country(&self) -> Result<Option<String>, Refusal> {
        let Some(text) = self.get("country") else {
            return Ok(None);
        };
        let code = text.to_ascii_uppercase();
        match country::name(&code) {
            Some(_) => Ok(Some(code)),
            None => Err(refusal(
                "BAD_COUNTRY",
                Problem::bad_request("\"country\" is two letters of ISO 3166-1, such as US."),
            )),
        }
    }

    pub fn rental(&self) -> Result<RentalId, Refusal> {
        let id = self
            .need("rental_id")?
            .strip_prefix("rent_")
            .and_then(|id| id.parse().ok());
        id.ok_or_else(|| Error::NotFound.into())
    }
}

/// A JSON body: what a form would say. Unknown members are passed over, doubled ones refused.
#[derive(Deserialize, Default)]
#[serde(default)]
struct JsonBody {
    api_key: Option<Text>,
    country: Option<Text>,
    service: Option<Text>,
    rental_id: Option<Text>,
    #[serde(rename = "acquireTimeout")]
    acquire_timeout: Option<Text>,
}

impl JsonBody {
    fn pairs(self) -> Vec<(String, String)> {
        let members = [
            ("api_key", self.api_key),
            ("country", self.country),
            ("service", self.service),
            ("rental_id", self.rental_id),
            ("acquireTimeout", self.acquire_timeout),
        ];
        let given = members
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), text?.0)));
        given.collect()
    }
}

/// A text, or a number as it would stand in a form.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            _ => Err(de::Error::custom("a parameter is a text")),
        }
    }
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

/// The first value of this name that is not empty.
fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut named = pairs
        .iter()
        .filter(|(known, value)| known == name && !value.is_empty());
    named.next().map(|(_, value)| value.as_str())
}

async fn read_body(app: &App, head: &Parts, incoming: Incoming) -> Result<Vec<(String, String)>, Refusal> {
    if head.method == Method::GET {
        return Ok(Vec::new());
    }
    if app::is_json(&head.headers) {
        let body: JsonBody = app::read_json(app, head, incoming).await?;
        return Ok(body.pairs());
    }
    let bytes = body::read(head, incoming, &app.body)
        .await
        .map_err(Problem::from)?;
    Ok(pairs(&bytes))
}

/// The key from the header, the body, or, where the key allows it, the query.
fn authenticate(
    app: &App,
    head: &Parts,
    query: &[(String, String)],
    body: &[(String, String)],
) -> Result<Arc<Key>, Refusal> {
    if let Some(key) = bearer_text(&head.headers).or_else(|| find(body, "api_key")) {
        return Ok(app.gateway.authenticate(key)?);
    }
    let key = find(query, "api_key").ok_or(Error::KeyGone)?;
    let key = app.gateway.authenticate(key)?;
    if key.allow_query_key {
        return Ok(key);
    }
    Err(bad_key(
        "This key must not stand in a URL: send it as \"Authorization: Bearer KEY\", or make one with --allow-query-key.",
    ))
}
