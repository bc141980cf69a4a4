//! `/admin/keys`: API keys, for the holder of the admin token. A hang-up stops it; a commit that was handed in is made.

use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::json;

use super::admin::{Admin, authorize};
use super::app::{self, Answer};
use super::problem::Problem;
use crate::clock;
use crate::core::id::AccountId;
use crate::core::key::{Key, Plain};

const ROOT: &str = "/admin/keys";

pub fn is_path(path: &str) -> bool {
    path == ROOT
}

pub async fn route(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    if head.method != Method::POST {
        return Err(Problem::method_not_allowed("POST"));
    }
    authorize(admin, &head.headers)?;
    add(admin, head, body).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    account: AccountId,
    #[serde(default)]
    test: bool,
    #[serde(default)]
    allow_query_key: bool,
}

/// `POST /admin/keys`: makes a key and shows it this once.
async fn add(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    let wish: NewKey = app::read_json(&admin.app, head, body).await?;
    let plain = Plain::generate(!wish.test, &clock::random());
    let key = Key {
        allow_query_key: wish.allow_query_key,
        ..Key::new(plain.as_str(), wish.account.clone(), clock::Clock::System.now())
    };
    admin.app.gateway.add_key(key).await?;
    app::json(
        StatusCode::CREATED,
        &json!({ "key": plain.as_str(), "account": wish.account }),
    )
}
