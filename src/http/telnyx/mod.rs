//! Contract 003: Telnyx Verify v2 as the official SDKs speak it, with the contract's own error form; no `Problem` leaves here.

mod fallback;
mod form;
mod profiles;
mod refusal;
mod templates;
mod verifications;

use std::sync::Arc;

use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;
use serde_json::json;

use self::refusal::Refusal;
use super::ResponseBody;
use super::app::{self, Admitted, App, bearer};
use super::problem::Problem;

use crate::core::id::{ProfileId, TemplateId, Uuid, VerificationId};
use crate::core::key::Key;
use crate::core::scope::Scope;
use crate::core::sending::Channel;

/// The contract's routes. What is no id is one that is unknown.
pub enum Route {
    Profiles,
    Profile(Option<ProfileId>),
    Templates,
    Template(Option<TemplateId>),
    Trigger(Channel),
    Verification(Option<VerificationId>),
    Check(Option<VerificationId>),
    /// A number as it stands in the path.
    OfNumber(String),
    CheckNumber(String),
    PublicKey,
}

impl Route {
    /// The route of what stands behind `/v2/`.
    pub fn of(segments: &[&str]) -> Option<Self> {
        Some(match segments {
            ["verify_profiles"] => Self::Profiles,
            ["verify_profiles", "templates"] => Self::Templates,
            ["verify_profiles", "templates", id] => Self::Template(id.parse().ok()),
            ["verify_profiles", id] => Self::Profile(id.parse().ok()),
            ["public_key"] => Self::PublicKey,
            ["verifications", "sms"] => Self::Trigger(Channel::Sms),
            ["verifications", "call"] => Self::Trigger(Channel::Voice),
            ["verifications", "flashcall"] => Self::Trigger(Channel::Flashcall),
            ["verifications", "whatsapp"] => Self::Trigger(Channel::Whatsapp),
            ["verifications", "by_phone_number", number] => Self::OfNumber((*number).to_owned()),
            ["verifications", "by_phone_number", number, "actions", "verify"] => {
                Self::CheckNumber((*number).to_owned())
            }
            ["verifications", id] => Self::Verification(verification(id)),
            ["verifications", id, "actions", "verify"] => Self::Check(verification(id)),
            _ => return None,
        })
    }
}

fn verification(text: &str) -> Option<VerificationId> {
    text.parse().ok().map(|uuid: Uuid| VerificationId(uuid.0))
}

/// Somebody who was let in, and the request.
struct Asked {
    app: Arc<App>,
    key: Arc<Key>,
    head: Parts,
    incoming: Incoming,
}

type Answer = Result<Response<ResponseBody>, Refusal>;

/// Answers one route; errors are answers too. On a hang-up what was handed in for commit is made, and a code that is being sent is sent.
pub async fn answer(
    app: Arc<App>,
    head: Parts,
    incoming: Incoming,
    (route, scope): (Route, Scope),
) -> app::Answer {
    let Admitted { key, allowance } = match bearer(&app, &head.headers, scope) {
        Ok(admitted) => admitted,
        Err(problem) => return Ok(refused(problem)),
    };
    let method = head.method.clone();
    let asked = Asked {
        app,
        key,
        head,
        incoming,
    };
    let answer = match (route, &method) {
        (Route::Profiles, &Method::GET) => profiles::list(&asked),
        (Route::Profiles, _) => profiles::create(asked).await,
        (Route::Profile(id), &Method::GET) => profiles::show(&asked, id),
        (Route::Profile(id), &Method::DELETE) => profiles::delete(&asked, id).await,
        (Route::Profile(id), _) => profiles::change(asked, id).await,
        (Route::Templates, &Method::GET) => templates::list(&asked),
        (Route::Templates, _) => templates::create(asked).await,
        (Route::Template(id), _) => templates::change(asked, id).await,
        (Route::PublicKey, _) => public_key(&asked),
        (Route::Trigger(channel), _) => verifications::trigger(asked, channel).await,
        (Route::Verification(id), _) => verifications::show(&asked, id).await,
        (Route::Check(id), _) => verifications::check(asked, id).await,
        (Route::OfNumber(number), _) => verifications::list(&asked, &number).await,
        (Route::CheckNumber(number), _) => verifications::check_number(asked, &number).await,
    };
    Ok(app::counted(answer.unwrap_or_else(Response::from), allowance))
}

/// A problem in the contract's form.
pub fn refused(problem: Problem) -> Response<ResponseBody> {
    Refusal::from(problem).into()
}

/// What the account's webhooks are checked with.
fn public_key(asked: &Asked) -> Answer {
    let public = asked.app.gateway.telnyx_public_key(&asked.key.account)?;
    data(&json!({ "record_type": "public_key", "public": public }))
}

/// All successes have one status, also of what was made or is gone.
fn data(data: &impl Serialize) -> Answer {
    app::json(StatusCode::OK, &json!({ "data": data })).map_err(Refusal::from)
}

/// A page of a list.
#[derive(Serialize)]
struct Meta {
    page_number: usize,
    page_size: usize,
    total_pages: usize,
    total_results: usize,
}

fn page(list: &impl Serialize, meta: &Meta) -> Answer {
    app::json(StatusCode::OK, &json!({ "data": list, "meta": meta })).map_err(Refusal::from)
}
