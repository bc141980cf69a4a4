//! The sources on the admin listener: what was seen of each, and the tests of them. Nothing here is long: all of it stops on a hang-up.

use http::StatusCode;
use serde_json::json;

use super::admin::Admin;
use super::app::{self, Answer};

/// `GET /admin/sources`.
pub fn list(admin: &Admin) -> Answer {
    app::json(StatusCode::OK, &json!({ "sources": admin.app.gateway.sources() }))
}

/// `POST /admin/sources/{name}/tests`: the id of the message that this source waits for.
pub fn begin_test(admin: &Admin, name: &str) -> Answer {
    let id = admin.app.gateway.begin_test(name)?;
    app::json(StatusCode::CREATED, &json!({ "id": id }))
}

/// `GET /admin/sources/{name}/tests/{id}`.
pub fn test(admin: &Admin, name: &str, id: &str) -> Answer {
    app::json(StatusCode::OK, &admin.app.gateway.test(name, id)?)
}
