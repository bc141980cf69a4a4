//! `/admin/numbers`: the inventory, for the holder of the admin token. A hang-up stops it; a commit that was handed in is made.

use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use serde_json::json;

use super::admin::{Admin, authorize};
use super::app::{self, Answer};
use super::problem::Problem;
use crate::gateway::NewNumber;

const ROOT: &str = "/admin/numbers";
/// Most numbers in one request.
const NUMBERS_MAX: usize = 10_000;

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

/// `POST /admin/numbers`: a list of numbers; all of them or, if one is wrong, none.
async fn add(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    let wish: Vec<NewNumber> = app::read_json_list(&admin.app, head, body).await?;
    if wish.len() > NUMBERS_MAX {
        return Err(Problem::bad_request(format!(
            "Send at most {NUMBERS_MAX} numbers at once."
        )));
    }
    let checked = wish
        .into_iter()
        .enumerate()
        .map(|(at, number)| number.check().map_err(|e| format!("Number {}: {e}.", at + 1)));
    let numbers = checked
        .collect::<Result<Vec<_>, _>>()
        .map_err(Problem::unprocessable)?;
    let before = admin.app.gateway.store().live().counts().numbers;
    let sent = numbers.len();
    admin.app.gateway.add_numbers(numbers).await?;
    let added = admin
        .app
        .gateway
        .store()
        .live()
        .counts()
        .numbers
        .saturating_sub(before);
    app::json(StatusCode::OK, &json!({ "sent": sent, "added": added }))
}
