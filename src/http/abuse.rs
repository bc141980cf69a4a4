//! Figures of codes that were sent, and what abuse control has closed: an account's own at `/api/verify`, all of them below
//! `/admin/verify` for the holder of the admin token.

use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::admin::{Admin, authorize};
use super::app::{self, Answer, App, Caller, query};
use super::problem::Problem;
use super::verify::retry_after_s;
use super::webhooks::log::at;
use crate::core::abuse::network;
use crate::core::id::AccountId;
use crate::core::sending::Channel;
use crate::core::verification::address::To;
use crate::core::verification::figures::{By, Figures, Place, Table};
use crate::gateway::{Block, FiguresWish, Lift, VerifyError};

const ROOT: &str = "/admin/verify";
/// What is counted where nobody says since when.
const USUAL_MS: u64 = 86_400_000;

pub fn is_path(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.starts_with('/'))
}

/// The operator's side. On a hang-up the answer is dropped; a commit that was handed in is made.
pub async fn route(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    authorize(admin, &head.headers)?;
    let app = &admin.app;
    match (&head.method, &head.uri.path()[ROOT.len()..]) {
        (&Method::GET, "/blocks") => {
            let blocks = app.gateway.verify_blocks().await?;
            let shown: Vec<Value> = blocks.iter().map(of_block).collect();
            app::json(StatusCode::OK, &json!({ "blocks": shown }))
        }
        (&Method::GET, "/figures") => {
            let account =
                query(head, "account").ok_or_else(|| Problem::bad_request("\"account\" is missing."))?;
            figures_of(app, head, &account_of(&account)?).await
        }
        (&Method::POST, "/unblock") => {
            let wish: Wish = app::read_json(app, head, body).await?;
            let account = wish.account.as_deref().unwrap_or_default();
            let account = account_of(account)?;
            lifted(app, &account, wish, "admin").await
        }
        (_, "/blocks" | "/figures") => Err(Problem::method_not_allowed("GET")),
        (_, "/unblock") => Err(Problem::method_not_allowed("POST")),
        _ => Err(Problem::not_found(
            "There are /admin/verify/blocks, /admin/verify/unblock and /admin/verify/figures.",
        )),
    }
}

fn account_of(text: &str) -> Result<AccountId, Problem> {
    AccountId::parse(text).map_err(|e| Problem::bad_request(format!("\"account\": {e}.")))
}

/// `GET /api/verify/figures?since=&until=&by=country,prefix,channel,provider`. Stops on a hang-up.
pub async fn figures(Caller { app, key }: Caller, head: Parts) -> Answer {
    figures_of(&app, &head, &key.account).await
}

/// `POST /api/verify/unblock` `{"channel","prefix"|"country"}` or `{"to"}`. A commit that was handed in is made although nobody hears of it.
pub async fn unblock(Caller { app, key }: Caller, head: Parts, body: Incoming) -> Answer {
    let wish: Wish = app::read_json(&app, &head, body).await?;
    lifted(&app, &key.account, wish, key.id.as_str()).await
}

async fn figures_of(app: &App, head: &Parts, account: &AccountId) -> Answer {
    let by = query(head, "by").unwrap_or_else(|| "country,provider".to_owned());
    let mut by: Vec<By> = by
        .split(',')
        .map(By::parse)
        .collect::<Option<_>>()
        .ok_or_else(|| {
            Problem::bad_request("\"by\" is a list of some of country, prefix, channel, provider.")
        })?;
    by.sort();
    by.dedup();
    let until = at(head, "until")?.unwrap_or_else(|| app.gateway.now().plus_ms(1));
    let since = at(head, "since")?.unwrap_or_else(|| until.minus_ms(USUAL_MS));
    let wish = FiguresWish { since, until, by };
    let (table, since) = app.gateway.verify_figures(account, wish).await?;
    let answer = json!({
        "since": since.to_string(),
        "until": until.to_string(),
        "rows": table.rows().iter().map(|(place, figures)| of_row(&table, place, figures)).collect::<Vec<_>>(),
    });
    app::json(StatusCode::OK, &answer)
}

fn of_row(table: &Table, place: &Place, figures: &Figures) -> Value {
    let mut row = Map::new();
    for (by, value) in table.by().iter().zip(place) {
        row.insert(by.as_str().to_owned(), json!(value));
    }
    row.insert("sent".into(), json!(figures.sent));
    row.insert("delivered".into(), json!(figures.delivered));
    row.insert("approved".into(), json!(figures.approved));
    row.insert("failed".into(), json!(figures.failed));
    row.insert("cost".into(), json!(figures.cost.to_string()));
    Value::Object(row)
}

fn of_block(block: &Block) -> Value {
    let mut shown = json!({ "account": block.account, "channel": block.channel, "reason": "low_conversion", "times": block.times });
    let (kind, what) = network::shown(&block.about);
    shown[kind] = json!(what);
    if let Some(until) = block.until {
        shown["until"] = json!(until.to_string());
    }
    shown
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// For the operator.
    account: Option<String>,
    channel: Option<String>,
    prefix: Option<String>,
    country: Option<String>,
    network: Option<String>,
    provider: Option<String>,
    to: Option<String>,
}

impl Wish {
    fn lift(&self) -> Result<Lift, Problem> {
        let refused = || {
            Problem::bad_request(
                "Send \"channel\" and one of \"prefix\", a number without its last four digits, \"country\", two letters, \"network\", five or six digits, and \"provider\", a name; or \"to\", a number.",
            )
        };
        let named = [
            ("prefix", &self.prefix),
            ("country", &self.country),
            ("network", &self.network),
            ("provider", &self.provider),
        ];
        let named: Vec<_> = named
            .into_iter()
            .filter_map(|(kind, what)| Some((kind, what.as_deref()?)))
            .collect();
        match (&self.channel, &named[..], &self.to) {
            (None, [], Some(to)) => {
                let number = To::strict_number(to).ok_or_else(refused)?;
                Ok(Lift::Person(To::Number(number)))
            }
            (Some(channel), [(kind, what)], None) => {
                let channel = Channel::parse(channel).ok_or_else(refused)?;
                let about = network::about(kind, what).ok_or_else(refused)?;
                Ok(Lift::Place(channel, about))
            }
            _ => Err(refused()),
        }
    }
}

async fn lifted(app: &App, account: &AccountId, wish: Wish, actor: &str) -> Answer {
    app.gateway.lift(account, &wish.lift()?, actor).await?;
    app::json(StatusCode::OK, &json!({ "lifted": true }))
}

impl From<VerifyError> for Problem {
    /// On our own routes; contract 002 has words of its own.
    fn from(error: VerifyError) -> Self {
        let said = error.to_string();
        match error {
            VerifyError::Gateway(error) => error.into(),
            VerifyError::NotBlocked | VerifyError::NotFound => Self::not_found(said),
            VerifyError::Limited(wait_ms) => Self::too_many("verify", said, retry_after_s(wait_ms)),
            VerifyError::Undelivered(_) => Self::bad_gateway(said),
            VerifyError::Over(_) => Self::conflict(said),
            _ => Self::forbidden(said),
        }
    }
}
