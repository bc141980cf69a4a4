//! `/admin/accounts`: accounts, for the holder of the admin token. A hang-up stops a look; a commit that was handed in is made.

use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::{Admin, authorize};
use super::app::{self, Answer};
use super::problem::Problem;
use crate::core::account::{NAME_BYTES_MAX, State, is_name};
use crate::core::id::AccountId;
use crate::gateway::KnownAccount;

const ROOT: &str = "/admin/accounts";

pub fn is_path(path: &str) -> bool {
    path.strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub async fn route(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    let path = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let allowed = match segments.as_slice() {
        [] => "GET, POST",
        [_] => "GET, PATCH, DELETE",
        [_, "disable" | "enable"] => "POST",
        _ => {
            return Err(Problem::not_found(
                "There are /admin/accounts, /admin/accounts/{id}, /admin/accounts/{id}/disable and /admin/accounts/{id}/enable.",
            ));
        }
    };
    if allowed.split(", ").all(|method| head.method.as_str() != method) {
        return Err(Problem::method_not_allowed(allowed));
    }
    authorize(admin, &head.headers)?;
    let gateway = &admin.app.gateway;
    let known = match (&head.method, segments.as_slice()) {
        (&Method::GET, []) => return list(admin),
        (&Method::POST, []) => return create(admin, head, body).await,
        (&Method::GET, [id]) => gateway.account(&named(id)?)?,
        (&Method::PATCH, [id]) => {
            let wish: Change = app::read_json(&admin.app, head, body).await?;
            gateway.rename_account(&named(id)?, checked(&wish.name)?).await?
        }
        (&Method::DELETE, [id]) => {
            gateway.delete_account(&named(id)?).await?;
            return app::empty(StatusCode::NO_CONTENT);
        }
        (&Method::POST, [id, "disable"]) => gateway.disable_account(&named(id)?).await?,
        (&Method::POST, [id, "enable"]) => gateway.enable_account(&named(id)?).await?,
        _ => return Err(Problem::method_not_allowed(allowed)),
    };
    app::json(StatusCode::OK, &shown(&known))
}

/// What is no id cannot be an account's.
fn named(text: &str) -> Result<AccountId, Problem> {
    AccountId::parse(text).map_err(|e| Problem::not_found(format!("There is no such account: {e}.")))
}

fn checked(name: &str) -> Result<&str, Problem> {
    if is_name(name) {
        Ok(name)
    } else {
        Err(Problem::bad_request(format!(
            "\"name\" is one line of at most {NAME_BYTES_MAX} bytes."
        )))
    }
}

/// `GET /admin/accounts`.
fn list(admin: &Admin) -> Answer {
    let accounts: Vec<Value> = admin.app.gateway.accounts().iter().map(shown).collect();
    app::json(StatusCode::OK, &json!({ "accounts": accounts }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    id: AccountId,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: String,
}

/// `POST /admin/accounts` `{"id","name"?}`.
async fn create(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    let wish: NewAccount = app::read_json(&admin.app, head, body).await?;
    checked(&wish.name)?;
    let made = admin.app.gateway.create_account(wish.id, wish.name).await?;
    app::json(StatusCode::CREATED, &shown(&made))
}

fn shown(known: &KnownAccount) -> Value {
    let account = &known.account;
    let mut shown = json!({
        "id": account.id,
        "name": account.name,
        "state": account.state.as_str(),
        "createdAt": account.created_at.to_string(),
        "keys": known.keys,
        "rentals": known.rentals,
        "subscriptions": known.subscriptions,
    });
    if let State::Disabled { at } = account.state {
        shown["disabledAt"] = json!(at.to_string());
    }
    shown
}
