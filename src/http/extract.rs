//! Tools for developers: what the extractor sees in a text, and in `dev` the keys to sign as a carrier.

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;
use serde::Deserialize;

use super::app::{self, Answer, App, bearer};
use super::problem::Problem;
use crate::core::otp::{Engine, Filter};

#[derive(Deserialize)]
struct Wish {
    text: String,
}

/// `POST /api/extract`: `{"text":…}` in, the extraction with its reasons out. Nothing is stored. Stops on a hang-up.
pub async fn extract(app: &Arc<App>, head: &Parts, body: Incoming) -> Answer {
    bearer(app, &head.headers)?;
    let wish: Wish = app::read_json(head, body, &app.body).await?;
    app::json(StatusCode::OK, &Engine::built_in().extract(&wish.text, &Filter::default()))
}

/// `GET /api/dev/sources`: only in `ringback dev`, where every key is made for the occasion.
pub fn dev_sources(app: &App, head: &Parts) -> Answer {
    bearer(app, &head.headers)?;
    match &app.dev_sources {
        Some(sources) => app::json(StatusCode::OK, sources),
        None => Err(Problem::not_found("There is no such route; README.md lists them.")),
    }
}
