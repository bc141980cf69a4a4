//! What the extractor sees in a text.

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;
use serde::Deserialize;

use super::app::{self, Answer, App};

#[derive(Deserialize)]
struct Wish {
    text: String,
}

/// `POST /api/extract`: `{"text":…}` in, the extraction with its reasons out. Nothing is stored. Stops on a hang-up.
pub async fn extract(app: Arc<App>, head: Parts, body: Incoming) -> Answer {
    let wish: Wish = app::read_json(&app, &head, body).await?;
    app::json(StatusCode::OK, &app.gateway.extract(&wish.text))
}
