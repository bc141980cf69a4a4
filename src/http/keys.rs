//! `/admin/keys`: API keys, for the holder of the admin token. A hang-up stops a look; a commit that was handed in is made.

use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::{Admin, authorize};
use super::app::{self, Answer, query};
use super::problem::Problem;
use crate::core::account::{NAME_BYTES_MAX, is_name};
use crate::core::id::AccountId;
use crate::core::key::{Key, Plain};
use crate::core::scope::{Scope, Scopes, Unknown};
use crate::core::time::UnixMs;
use crate::gateway::{KeyWish, KnownKey};

const ROOT: &str = "/admin/keys";
/// How long a replaced key works on where nobody says, and at most.
const OVERLAP_DEFAULT_S: u64 = 86_400;
const OVERLAP_MAX_S: u64 = 31 * 86_400;
/// The longest life of a key that has an end, in seconds.
const EXPIRES_IN_MAX_S: u64 = 10 * 366 * 86_400;

pub fn is_path(path: &str) -> bool {
    path.strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub async fn route(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    let path = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let allowed = match segments.as_slice() {
        [] => "GET, POST",
        [_] => "DELETE",
        [_, "rotate"] => "POST",
        _ => {
            return Err(Problem::not_found(
                "There are /admin/keys, /admin/keys/{id} and /admin/keys/{id}/rotate.",
            ));
        }
    };
    if allowed.split(", ").all(|method| head.method.as_str() != method) {
        return Err(Problem::method_not_allowed(allowed));
    }
    authorize(admin, &head.headers)?;
    match (&head.method, segments.as_slice()) {
        (&Method::GET, []) => list(admin, head),
        (&Method::POST, []) => create(admin, head, body).await,
        (&Method::DELETE, [id]) => {
            admin.app.gateway.revoke_key(id).await?;
            app::empty(StatusCode::NO_CONTENT)
        }
        (&Method::POST, [id, "rotate"]) => rotate(admin, head, body, id).await,
        _ => Err(Problem::method_not_allowed(allowed)),
    }
}

/// `GET /admin/keys?account=`: all of them, or an account's; never a secret.
fn list(admin: &Admin, head: &Parts) -> Answer {
    let account = query(head, "account")
        .map(|text| AccountId::parse(&text))
        .transpose();
    let account = account.map_err(|e| Problem::bad_request(format!("\"account\": {e}.")))?;
    let now = admin.app.gateway.now();
    let keys: Vec<Value> = admin
        .app
        .gateway
        .keys(account.as_ref())
        .iter()
        .map(|known| listed(known, now))
        .collect();
    app::json(StatusCode::OK, &json!({ "keys": keys }))
}

fn listed(known: &KnownKey, now: UnixMs) -> Value {
    let mut shown = shown(&known.key, now);
    shown["lastUsedAt"] = json!(known.used_at.map(|at| at.to_string()));
    shown
}

fn shown(key: &Key, now: UnixMs) -> Value {
    let state = match (key.is_expired(now), key.is_replaced) {
        (true, _) => "expired",
        (false, true) => "replaced",
        (false, false) => "active",
    };
    json!({
        "id": key.id.as_str(),
        "account": key.account,
        "name": key.name,
        "scopes": scopes_shown(key.scopes),
        "state": state,
        "createdAt": key.created_at.to_string(),
        "expiresAt": key.expires_at.map(|at| at.to_string()),
        "allowQueryKey": key.allow_query_key,
    })
}

/// `*` for all there are and will be.
fn scopes_shown(scopes: Scopes) -> Vec<&'static str> {
    scopes
        .list()
        .map_or_else(|| vec!["*"], |list| list.into_iter().map(Scope::as_str).collect())
}

/// The scopes of a new key; all of them where none is named.
fn scopes(wished: Option<&[String]>) -> Result<Scopes, Problem> {
    let refused = |reason: &str| Problem::bad_request(format!("{reason}; or \"*\" for all, as without it."));
    match wished {
        None => Ok(Scopes::ALL),
        Some([all]) if all == "*" => Ok(Scopes::ALL),
        Some([]) => Err(refused("\"scopes\" is not empty")),
        Some(names) => {
            let scopes: Result<Vec<Scope>, _> = names.iter().map(|name| name.parse()).collect();
            Ok(Scopes::of(scopes.map_err(|e: Unknown| refused(&e.to_string()))?))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewKey {
    account: AccountId,
    #[serde(default)]
    name: String,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    test: bool,
    expires_in_s: Option<u64>,
    #[serde(default)]
    allow_query_key: bool,
}

/// `POST /admin/keys`: makes a key and shows it this once.
async fn create(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    let wish: NewKey = app::read_json(&admin.app, head, body).await?;
    if !is_name(&wish.name) {
        return Err(Problem::bad_request(format!(
            "\"name\" is one line of at most {NAME_BYTES_MAX} bytes."
        )));
    }
    let expires_in_ms = wish
        .expires_in_s
        .map(|s| seconds("expiresInS", s, 1..=EXPIRES_IN_MAX_S))
        .transpose()?;
    let wish = KeyWish {
        account: wish.account,
        name: wish.name,
        scopes: scopes(wish.scopes.as_deref())?,
        is_test: wish.test,
        expires_in_ms,
        allow_query_key: wish.allow_query_key,
    };
    let made = admin.app.gateway.create_key(wish).await?;
    told_once(admin, StatusCode::CREATED, made)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rotation {
    overlap_s: Option<u64>,
}

/// `POST /admin/keys/{id}/rotate`: a key in this one's place, shown this once; the old one works on for the overlap.
async fn rotate(admin: &Admin, head: &Parts, body: Incoming, id: &str) -> Answer {
    let wish: Rotation = app::read_json(&admin.app, head, body).await?;
    let overlap_s = wish.overlap_s.unwrap_or(OVERLAP_DEFAULT_S);
    let overlap_ms = seconds("overlapS", overlap_s, 0..=OVERLAP_MAX_S)?;
    let made = admin.app.gateway.replace_key(id, overlap_ms).await?;
    told_once(admin, StatusCode::OK, made)
}

fn seconds(name: &str, value_s: u64, range: std::ops::RangeInclusive<u64>) -> Result<u64, Problem> {
    if range.contains(&value_s) {
        return Ok(value_s * 1000);
    }
    Err(Problem::bad_request(format!(
        "\"{name}\" is {} to {} seconds.",
        range.start(),
        range.end()
    )))
}

fn told_once(admin: &Admin, status: StatusCode, (plain, key): (Plain, Key)) -> Answer {
    let mut answer = shown(&key, admin.app.gateway.now());
    answer["key"] = json!(plain.as_str());
    app::json(status, &answer)
}
