//! `/admin/services`: the catalogue, for the holder of the admin token. A hang-up stops it; a commit that was handed in is made.

use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};

use super::admin::{Admin, authorize};
use super::app::{self, Answer};
use super::problem::Problem;
use crate::core::service::Service;
use crate::gateway::{Error, NewService};

const ROOT: &str = "/admin/services";

pub fn is_path(path: &str) -> bool {
    path.strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub async fn route(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    let segments: Vec<&str> = head.uri.path().split('/').skip(3).collect();
    let (name, allow) = match segments.as_slice() {
        [] => ("", "GET"),
        [name] => (*name, "GET, PUT, DELETE"),
        _ => {
            return Err(Problem::not_found(
                "There are /admin/services and /admin/services/NAME.",
            ));
        }
    };
    if allow.split(", ").all(|method| method != head.method.as_str()) {
        return Err(Problem::method_not_allowed(allow));
    }
    authorize(admin, &head.headers)?;
    let name = &*percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    let gateway = &admin.app.gateway;
    match head.method {
        Method::PUT => {
            let mut wish: Map<String, Value> = app::read_json(&admin.app, head, body).await?;
            wish.insert("name".into(), json!(name));
            let new: NewService = serde_json::from_value(wish.into()).map_err(|e| {
                Problem::unprocessable(format!("This is no service: {}.", app::without_value(&e)))
            })?;
            let service = new.check().map_err(|e| Problem::unprocessable(format!("{e}.")))?;
            gateway.set_service(service).await?;
            show(admin, name)
        }
        Method::DELETE => {
            gateway.withdraw_service(name).await?;
            app::empty(StatusCode::NO_CONTENT)
        }
        _ if name.is_empty() => {
            let services: Vec<Value> = gateway.services().iter().map(|service| shown(service)).collect();
            app::json(StatusCode::OK, &json!({ "services": services }))
        }
        _ => show(admin, name),
    }
}

fn show(admin: &Admin, name: &str) -> Answer {
    let service = admin.app.gateway.service(name).ok_or(Error::NoSuchService)?;
    app::json(StatusCode::OK, &shown(&service))
}

/// With the members that a file and `PUT` take.
fn shown(service: &Service) -> Value {
    let mut shown = json!({
        "name": service.name,
        "description": service.description,
        "capability": service.capability.as_str(),
        "price": service.price.to_string(),
        "lifetime_s": service.lifetime_ms / 1000,
    });
    let code = serde_json::to_value(&service.filter).unwrap_or_default();
    let set = code
        .as_object()
        .cloned()
        .unwrap_or_default()
        .into_iter()
        .filter(|(_, value)| !value.is_null());
    let code: Map<String, Value> = set.collect();
    if !code.is_empty() {
        shown["code"] = code.into();
    }
    if !service.brands.is_empty() {
        shown["brands"] = json!(service.brands);
    }
    shown
}
