//! Contract 002: start, check and status of a code, with the contract's own error form; no `Problem` leaves here.

pub mod cancel;
mod form;
pub mod preview;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Value, json};

use self::form::{DIGITS, Detail, Form};

pub use self::form::own_keys;
use super::ResponseBody;
use super::app::{self, Admitted, App, Caller, SEND_KEY, bearer_text};
use super::once::{self, Sent};
use super::problem::Problem;
use crate::core::id::VerificationId;
use crate::core::key::Key;
use crate::core::scope::Scope;
use crate::core::time::UnixMs;
use crate::core::verification::code::Code;
use crate::core::verification::fallback::Words;
use crate::core::verification::{Own, Status, Verification};
use crate::gateway::{Error, Guess, Once, VerifyError, VerifyWish};

/// The contract's routes.
pub enum Route {
    Start,
    Check,
    Status(Option<VerificationId>),
}

/// Whose request it is; it has to be the key's account.
const TENANT: &str = "x-tenant-id";
/// What a client is told to wait at most: the contract's limits are by the hour, and a longer wait helps nobody.
const WAIT_S_MAX: u64 = 86_400;

/// An error in the contract's form.
struct Refusal {
    code: &'static str,
    problem: Problem,
    details: Vec<Detail>,
}

fn refusal(code: &'static str, problem: Problem) -> Refusal {
    Refusal {
        code,
        problem,
        details: Vec::new(),
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let code = match problem.status() {
            StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
            StatusCode::FORBIDDEN => "FORBIDDEN",
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "NOT_FOUND",
            StatusCode::TOO_MANY_REQUESTS => "RATE_LIMITED",
            // Not in the contract: only whoever sends an `Idempotency-Key` hears it.
            StatusCode::CONFLICT => "CONFLICT",
            status if status.is_server_error() => "INTERNAL_ERROR",
            _ => "VALIDATION_FAILED",
        };
        refusal(code, problem)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        let said = error.to_string();
        match error {
            VerifyError::Gateway(error) => error.into(),
            VerifyError::Off | VerifyError::Destination => refusal("FORBIDDEN", Problem::forbidden(said)),
            VerifyError::Limited(wait_ms) => {
                let problem = Problem::too_many("verify", said, retry_after_s(wait_ms));
                refusal("RATE_LIMITED", problem)
            }
            VerifyError::Challenge => refusal("RATE_LIMITED", Problem::too_many("challenge", said, 1)),
            VerifyError::Undelivered(_) => refusal("DELIVERY_FAILED", Problem::bad_gateway(said)),
            VerifyError::NotFound | VerifyError::NotBlocked => refusal("NOT_FOUND", Problem::not_found(said)),
            VerifyError::Wrong(_) => refusal("VERIFICATION_FAILED", Problem::bad_request(said)),
            VerifyError::Over(_) => refusal("CONFLICT", Problem::conflict(said)),
            VerifyError::NoAttempts => {
                refusal("MAX_ATTEMPTS_EXCEEDED", Problem::too_many("attempts", said, 1))
            }
        }
    }
}

/// When to ask again after a limit of codes.
pub fn retry_after_s(wait_ms: u64) -> u32 {
    let wait_s = wait_ms.div_ceil(1000).clamp(1, WAIT_S_MAX);
    u32::try_from(wait_s).unwrap_or(u32::MAX)
}

impl From<Refusal> for Response<ResponseBody> {
    fn from(refusal: Refusal) -> Self {
        let mut error = json!({ "code": refusal.code, "message": refusal.problem.detail() });
        if !refusal.details.is_empty() {
            let details = refusal.details.iter();
            let shown = details.map(|detail| json!({ "field": detail.field, "reason": detail.reason }));
            error["details"] = shown.collect();
        }
        let (mut head, _) = Self::from(refusal.problem).into_parts();
        head.headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self::from_parts(head, Bytes::from(json!({ "error": error }).to_string()).into())
    }
}

type Answer = Result<Response<ResponseBody>, Refusal>;

/// Answers one route; errors are answers too. On a hang-up a code that is being sent is sent, and a guess that was counted is judged.
pub async fn answer(
    app: Arc<App>,
    head: Parts,
    incoming: Incoming,
    (route, scope): (Route, Scope),
) -> app::Answer {
    let Admitted { key, allowance } = match admitted(&app, &head.headers, scope) {
        Ok(admitted) => admitted,
        Err(refusal) => return Ok(refusal.into()),
    };
    let answer = match route {
        Route::Status(id) => status(&app, &key, id).await,
        Route::Start => start(&app, key, &head, incoming).await,
        Route::Check => check(&app, key, &head, incoming).await,
    };
    Ok(app::counted(answer.unwrap_or_else(Response::from), allowance))
}

/// A problem in the contract's form.
pub fn refused(problem: Problem) -> Response<ResponseBody> {
    Refusal::from(problem).into()
}

fn admitted(app: &App, headers: &HeaderMap, scope: Scope) -> Result<Admitted, Refusal> {
    let key = bearer_text(headers).ok_or_else(|| Problem::unauthorized(SEND_KEY))?;
    let admitted = app::admit(app, app.gateway.authenticate(key)?, scope)?;
    let tenant = headers.get(TENANT).and_then(|value| value.to_str().ok());
    if tenant == Some(admitted.key.account.as_str()) {
        return Ok(admitted);
    }
    let said = "Send the account that the key belongs to as \"X-Tenant-ID\".";
    Err(refusal("FORBIDDEN", Problem::forbidden(said)))
}

fn done(form: Form) -> Result<(), Refusal> {
    let details = form.wrong();
    if details.is_empty() {
        return Ok(());
    }
    Err(Refusal {
        details,
        ..refusal(
            "VALIDATION_FAILED",
            Problem::bad_request("Request validation failed"),
        )
    })
}

/// With `Idempotency-Key` where it shall be sent once.
async fn start(app: &Arc<App>, key: Arc<Key>, head: &Parts, incoming: Incoming) -> Answer {
    let app = app.clone();
    let caller = Caller { app, key };
    let (members, first) = match once::read(&caller, (head, incoming), "POST /v1/verify/start").await? {
        Sent::New(members, first) => (members, first),
        Sent::Again(answer) => return Ok(answer),
    };
    let mut wish = wished(caller.key, Form::of(members))?;
    wish.once = first.map(|first| {
        Arc::new(Once {
            first,
            status: StatusCode::OK.as_u16(),
            body: Box::new(begun),
        })
    });
    let made = caller.app.gateway.start_verification(wish).await?;
    Ok(once::answer(Ok(begun(&made)), StatusCode::OK)?)
}

fn wished(key: Arc<Key>, mut form: Form) -> Result<VerifyWish, Refusal> {
    let channel = form.channel();
    let to = form.to(channel);
    let (digits, language) = (form.digits(), form.language());
    let (own, app_name, who) = (form.own_text(), form.app_name(), form.who());
    let autofill = form.autofill();
    done(form)?;
    let (Some(channel), Some(to)) = (channel, to) else {
        return Err(Problem::internal().into());
    };
    Ok(VerifyWish {
        key,
        profile: None,
        to,
        channel,
        digits,
        words: Words {
            language,
            text: own,
            app_name,
            autofill,
        },
        who,
        own: Own::default(),
        ttl_ms: None,
        once: None,
    })
}

/// What is answered to a start.
fn begun(begun: &Verification) -> Vec<u8> {
    let data = json!({
        "verification_id": begun.id.to_string(),
        "to": begun.to.as_str(),
        "channel": begun.channel.as_str(),
        "status": word(begun, begun.status),
        "created_at": seconds(begun.created_at),
        "expires_at": seconds(begun.expires_at()),
    });
    json!({ "data": data }).to_string().into()
}

async fn check(app: &Arc<App>, key: Arc<Key>, head: &Parts, incoming: Incoming) -> Answer {
    let mut form = Form::read(app, head, incoming).await?;
    let id = form.needed("verification_id");
    let code = form.needed("code").and_then(|text| {
        let code = Code::parse(&text).filter(|code| DIGITS.contains(&(code.as_str().len() as u64)));
        code.or_else(|| form.refuse("code", "must be 4 to 8 digits"))
    });
    let ip = form.client_ip();
    done(form)?;
    let Some(code) = code else {
        return Err(Problem::internal().into());
    };
    let guess = Guess {
        key,
        id: known(id.and_then(|id| id.parse().ok()))?,
        code,
        ip,
    };
    let approved = app.gateway.check_verification(guess).await?;
    success(&json!({
        "verification_id": approved.id.to_string(),
        "status": approved.status.as_str(),
        "to": approved.to.as_str(),
        "channel": approved.channel.as_str(),
    }))
}

async fn status(app: &App, key: &Key, id: Option<VerificationId>) -> Answer {
    let found = app.gateway.verification(&key.account, known(id)?).await?;
    success(&shown(&found, app.gateway.steady()))
}

fn shown(found: &Verification, steady: UnixMs) -> Value {
    json!({
        "verification_id": found.id.to_string(),
        "to": found.to.as_str(),
        "channel": found.channel.as_str(),
        "status": word(found, found.status_at(steady)),
        "attempts": found.attempts,
        "max_attempts": found.attempts_max,
        "created_at": seconds(found.created_at),
        "expires_at": seconds(found.expires_at()),
    })
}

/// The contract has four words: one that was superseded by a newer one, or taken back, is over, and one that no provider took has failed.
fn word(found: &Verification, status: Status) -> &'static str {
    let status = match status {
        Status::Canceled if found.is_taken_by_nobody() => Status::Failed,
        Status::Superseded | Status::Canceled => Status::Expired,
        status => status,
    };
    status.as_str()
}

/// What is no id is answered as one that is unknown.
fn known(id: Option<VerificationId>) -> Result<VerificationId, Refusal> {
    id.ok_or_else(|| VerifyError::NotFound.into())
}

/// The contract writes times without fractions.
fn seconds(time: UnixMs) -> String {
    let text = time.to_string();
    format!("{}Z", text.split('.').next().unwrap_or(&text))
}

fn success(data: &Value) -> Answer {
    app::json(StatusCode::OK, &json!({ "data": data })).map_err(Refusal::from)
}
