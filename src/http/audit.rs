//! `/admin/audit`: the lines of the audit log, for the holder of the admin token.

use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::json;

use super::admin::{Admin, authorize};
use super::app::{self, Answer, query};
use super::problem::Problem;

pub const PATH: &str = "/admin/audit";
/// Lines of one page.
const LIMIT_MAX: usize = 1000;

/// `GET /admin/audit?after=&limit=`, oldest first: lines behind this one, and where the chain ends. Stops on a hang-up.
pub async fn page(admin: &Admin, head: &Parts) -> Answer {
    authorize(admin, &head.headers)?;
    if head.method != Method::GET {
        return Err(Problem::method_not_allowed("GET"));
    }
    let number = |name: &str, usual: u64| match query(head, name) {
        None => Ok(usual),
        Some(text) => text
            .parse::<u64>()
            .map_err(|_| Problem::bad_request(format!("\"{name}\" is a whole number."))),
    };
    let after = number("after", 0)?;
    let limit = usize::try_from(number("limit", 100)?)
        .unwrap_or(LIMIT_MAX)
        .clamp(1, LIMIT_MAX);
    let page = admin.app.gateway.audit(after, limit).await?;
    let next = page
        .lines
        .last()
        .and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    app::json(
        StatusCode::OK,
        &json!({
            "lines": page.lines,
            "next": next.map_or(json!(after), |line| line["seq"].clone()),
            "count": page.head.count,
            "hash": page.head.hash(),
        }),
    )
}
