//! `POST /api/verify/{id}/cancel`: a code is taken back by whom it is of, whichever contract it was asked for by. Our own route, since
//! neither contract has one.

use http::StatusCode;
use serde_json::json;

use crate::core::id::{Uuid, VerificationId};
use crate::gateway::VerifyError;
use crate::http::app::{self, Caller};

/// An id as contract 002 writes it, or as contract 003 does.
pub fn id(text: &str) -> Option<VerificationId> {
    let of_telnyx = || text.parse().ok().map(|uuid: Uuid| VerificationId(uuid.0));
    text.parse().ok().or_else(of_telnyx)
}

/// May be asked again, and is answered the same. A commit that was handed in is made although nobody hears of it.
pub async fn cancel(Caller { app, key }: Caller, id: Option<VerificationId>) -> app::Answer {
    let id = id.ok_or(VerifyError::NotFound)?;
    let canceled = app.gateway.cancel_verification(&key, id).await?;
    let shown = json!({ "id": canceled.id.to_string(), "status": canceled.status.as_str() });
    app::json(StatusCode::OK, &shown)
}
