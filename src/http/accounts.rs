//! `/admin/accounts`: accounts, for the holder of the admin token. A hang-up stops a look; a commit that was handed in is made.

use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::{Admin, authorize};
use super::app::{self, Answer};
use super::problem::Problem;
use crate::core::account::{Limits, NAME_BYTES_MAX, State, is_name};
use crate::core::id::AccountId;
use crate::gateway::KnownAccount;

const ROOT: &str = "/admin/accounts";
/// The greatest limit of an account.
const LIMIT_MAX: u32 = 1_000_000;

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
        (&Method::PATCH, [id]) => change(admin, head, body, id).await?,
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
    #[serde(default)]
    limits: Wished,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: Option<String>,
    #[serde(default)]
    limits: Wished,
}

/// Members that are there change; null goes back to the configuration's.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wished {
    #[serde(default, deserialize_with = "there")]
    requests_per_minute_max: Option<Option<u32>>,
    #[serde(default, deserialize_with = "there")]
    rentals_max: Option<Option<u32>>,
    #[serde(default, deserialize_with = "there")]
    waiters_max: Option<Option<u32>>,
    #[serde(default, deserialize_with = "there")]
    subscriptions_max: Option<Option<u32>>,
}

/// Tells null from an absent member.
fn there<'a, D: serde::Deserializer<'a>>(value: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl Wished {
    fn over(&self, limits: Limits) -> Limits {
        Limits {
            requests_per_minute_max: self
                .requests_per_minute_max
                .unwrap_or(limits.requests_per_minute_max),
            rentals_max: self.rentals_max.unwrap_or(limits.rentals_max),
            waiters_max: self.waiters_max.unwrap_or(limits.waiters_max),
            subscriptions_max: self.subscriptions_max.unwrap_or(limits.subscriptions_max),
        }
    }

    fn check(&self) -> Result<(), Problem> {
        let all = [
            self.requests_per_minute_max,
            self.rentals_max,
            self.waiters_max,
            self.subscriptions_max,
        ];
        if all
            .into_iter()
            .flatten()
            .flatten()
            .all(|limit| limit <= LIMIT_MAX)
        {
            return Ok(());
        }
        Err(Problem::bad_request(format!(
            "A limit is 0 to {LIMIT_MAX}, or null."
        )))
    }
}

/// `POST /admin/accounts` `{"id","name"?,"limits"?}`.
async fn create(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    let wish: NewAccount = app::read_json(&admin.app, head, body).await?;
    checked(&wish.name)?;
    wish.limits.check()?;
    let settings = (wish.name, wish.limits.over(Limits::default()));
    let made = admin.app.gateway.create_account(wish.id, settings).await?;
    app::json(StatusCode::CREATED, &shown(&made))
}

/// `PATCH /admin/accounts/{id}` `{"name"?,"limits"?}`.
async fn change(admin: &Admin, head: &Parts, body: Incoming, id: &str) -> Result<KnownAccount, Problem> {
    let wish: Change = app::read_json(&admin.app, head, body).await?;
    if let Some(name) = &wish.name {
        checked(name)?;
    }
    wish.limits.check()?;
    let id = named(id)?;
    let changed = admin.app.gateway.change_account(&id, |account| {
        if let Some(name) = &wish.name {
            account.name.clone_from(name);
        }
        account.limits = wish.limits.over(account.limits);
    });
    Ok(changed.await?)
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
        "limits": {
            "requestsPerMinuteMax": account.limits.requests_per_minute_max,
            "rentalsMax": account.limits.rentals_max,
            "waitersMax": account.limits.waiters_max,
            "subscriptionsMax": account.limits.subscriptions_max,
        },
    });
    if let State::Disabled { at } = account.state {
        shown["disabledAt"] = json!(at.to_string());
    }
    shown
}
