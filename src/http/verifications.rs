//! Contract 000: services, and verifications, which are our rentals; exactly its field names, types and omissions.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::app::{self, Answer, App, Caller, query};
use super::etag::{self, Known};
use super::object::Object;
use super::once::{self, Sent};
use super::problem::Problem;
use crate::clock;
use crate::core::id::RentalId;
use crate::core::key::Key;
use crate::core::otp::{Alphabet, Filter};
use crate::core::rental::{Rental, Status};
use crate::core::scope::Scope;
use crate::core::tags::Tags;
use crate::gateway::{Code, Error, Once, Wish};

/// Longest `serviceName` that is looked at, in characters.
const NAME_CHARS_MAX: usize = 64;

/// What `code` may say, in the contract's names.
const BAD_CODE: &str = "\"code\": lengthMin and lengthMax are 1 to 20, the first not more than the second; minConfidence 0 to 1; sender 1 to 64 characters, a * at its end stands for any rest.";

/// A verification as `GET` shows it; code and text only once it is completed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: String,
    service_name: String,
    number: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sms_content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    otp_code: Option<String>,
    cost: String,
    created_at: String,
}

impl Shown {
    /// As this key may see it: code and text are messages.
    fn to(key: &Key, rental: Rental) -> Self {
        let code = rental.code.filter(|_| key.scopes.allow(Scope::MessagesRead));
        let (sms_content, otp_code) = code.map(|c| (c.text, c.code)).unzip();
        Self {
            id: rental.id.to_string(),
            service_name: rental.service,
            number: rental.number.into(),
            status: rental.status.as_str(),
            sms_content,
            otp_code,
            cost: rental.cost.to_string(),
            created_at: rental.created_at.to_string(),
        }
    }
}

/// `GET /api/verifications/services`, and `GET /api/services`. Stops on a hang-up.
pub fn services(app: &App) -> Answer {
    let services: Vec<_> = app
        .gateway
        .services()
        .iter()
        .map(|s| json!({ "serviceName": s.name, "description": s.description, "capability": s.capability.as_str() }))
        .collect();
    app::json(StatusCode::OK, &json!({ "services": services }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    service_name: String,
    area_code: Option<String>,
    /// Seconds to wait in line where none is free; not in the contract.
    #[serde(default)]
    acquire_timeout: u32,
    /// The caller's own words, for the filters of subscriptions; not in the contract.
    #[serde(default)]
    tags: Tags,
    /// What the code is like; not in the contract, so absent from its clients.
    #[serde(default)]
    code: Object<CodeWish>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct CodeWish {
    length_min: Option<u8>,
    length_max: Option<u8>,
    alphabet: Option<Alphabet>,
    sender: Option<String>,
    min_confidence: Option<f32>,
}

impl From<CodeWish> for Filter {
    fn from(wish: CodeWish) -> Self {
        Self {
            length_min: wish.length_min,
            length_max: wish.length_max,
            alphabet: wish.alphabet,
            sender: wish.sender,
            min_confidence: wish.min_confidence,
        }
    }
}

/// `POST /api/verifications`, with `Idempotency-Key` where it shall be made once. On a hang-up while it waits for a number its place is
/// free; on one after the commit the rental stays; the client finds it in its list.
pub async fn create(caller: Caller, head: Parts, body: Incoming) -> Answer {
    let (wish, first) = match once::read::<Create>(&caller, (&head, body), "POST /api/verifications").await? {
        Sent::New(wish, first) => (wish, first),
        Sent::Again(answer) => return Ok(answer),
    };
    let Caller { app, key } = caller;
    let mut wish = checked(wish, &key)?;
    drop(head);
    wish.once = first.map(|first| {
        Arc::new(Once {
            first,
            status: StatusCode::CREATED.as_u16(),
            body: Box::new(created),
        })
    });
    let made = app.gateway.rent(&key.account, &wish).await;
    once::answer(made.map(|rental| created(&rental)), StatusCode::CREATED)
}

fn checked(wish: Create, key: &Arc<Key>) -> Result<Wish, Problem> {
    if !(1..=NAME_CHARS_MAX).contains(&wish.service_name.chars().count()) {
        return Err(Problem::bad_request("\"serviceName\" is 1 to 64 characters."));
    }
    let is_area_code = |code: &str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
    if wish.area_code.as_deref().is_some_and(|code| !is_area_code(code)) {
        return Err(Problem::bad_request("\"areaCode\" is three digits."));
    }
    let filter = Filter::from(wish.code.0);
    filter.check().map_err(|_| Problem::unprocessable(BAD_CODE))?;
    Ok(Wish {
        service: wish.service_name,
        country: None,
        area_code: wish.area_code,
        filter,
        price_max: None,
        tags: wish.tags,
        acquire: Duration::from_secs(wish.acquire_timeout.into()),
        key: Some(key.clone()),
        once: None,
    })
}

/// What is answered to a new rental.
fn created(rental: &Rental) -> Vec<u8> {
    let answer = json!({
        "id": rental.id.to_string(),
        "providerVerificationId": provider_id(rental),
        "serviceName": rental.service,
        "number": rental.number.as_str(),
        "status": rental.status.as_str(),
        "cost": rental.cost.to_string(),
    });
    answer.to_string().into()
}

/// The supplier's id. Our own inventory is its own provider: the id again, so that the field is never empty.
fn provider_id(rental: &Rental) -> String {
    match &rental.supplied {
        Some(supplied) => supplied.id.clone(),
        None => format!("own_{}", rental.id.to_string().replace('-', "")),
    }
}

/// What a request needs that asks for what it may know already, and waits for another state; the rest is dropped before it is held.
pub struct Look {
    key: Arc<Key>,
    known: Known,
    wait: Duration,
    /// What `Preference-Applied` tells.
    applied_s: Option<u64>,
}

/// Reads such a request. Whoever knows nothing has nothing to wait for.
pub fn look(Caller { app, key }: &Caller, head: &Parts) -> Result<Look, Problem> {
    let known = Known::of(&head.headers);
    let (wait, applied_s) = app::wished_wait(app, head, 0)?;
    Ok(Look {
        key: key.clone(),
        wait,
        applied_s: applied_s.filter(|_| !known.is_empty()),
        known,
    })
}

/// Which page of the list.
pub fn place(head: &Parts) -> Result<(Option<RentalId>, usize), Problem> {
    let limit = app::list_limit(head)?;
    let before = query(head, "cursor").map(|text| text.parse::<RentalId>());
    let before = before.transpose();
    let before =
        before.map_err(|_| Problem::bad_request("\"cursor\" is the \"nextCursor\" of the page before."))?;
    Ok((before, limit))
}

/// `GET /api/verifications?limit=&cursor=&wait=`, newest first. With `If-None-Match` it is held, where it shall wait, until it is another
/// than the known one; else 304. On a hang-up its place is free.
pub async fn list(app: Arc<App>, look: Look, place: (Option<RentalId>, usize)) -> Answer {
    let mut page = app.gateway.rentals(&look.key.account, place.0, place.1).await?;
    let shown = |page: &[Rental]| list_json(&look.key, page, place.1);
    let tag = |page: &[Rental]| etag::of_bytes(shown(page).to_string().as_bytes());
    if look.known.has(&tag(&page)) && !look.wait.is_zero() {
        drop(page);
        let is_known = |page: &[Rental]| look.known.has(&tag(page));
        page = app
            .gateway
            .rentals_changed(&look.key, place, look.wait, is_known)
            .await?;
    }
    let tag = tag(&page);
    let answer = app::json(StatusCode::OK, &shown(&page))?;
    let mut response = etag::tagged(answer, &tag, look.known.has(&tag));
    app::tell_preference(&mut response, look.applied_s);
    Ok(response)
}

fn list_json(key: &Key, rentals: &[Rental], limit: usize) -> Value {
    let shown: Vec<Shown> = rentals
        .iter()
        .map(|rental| Shown::to(key, rental.clone()))
        .collect();
    let mut page = json!({ "verifications": shown });
    if let Some(last) = rentals.last().filter(|_| rentals.len() == limit) {
        page["nextCursor"] = json!(last.id.to_string());
    }
    page
}

fn known(id: Option<RentalId>) -> Result<RentalId, Problem> {
    id.ok_or_else(|| Problem::from(Error::NotFound))
}

/// `GET /api/verifications/{id}?wait=`. With `If-None-Match` it is held, where it shall wait, until it changes; else 304. On a hang-up
/// its place is free.
pub async fn get(app: Arc<App>, look: Look, id: Option<RentalId>) -> Answer {
    let mut rental = app.gateway.rental(&look.key.account, known(id)?).await?;
    if look.known.has(&tag_of(&look.key, &rental)) && !look.wait.is_zero() {
        rental = Box::pin(app.gateway.changed(&look.key, rental, look.wait)).await?;
    }
    let tag = tag_of(&look.key, &rental);
    let answer = app::json(StatusCode::OK, &Shown::to(&look.key, rental))?;
    let mut response = etag::tagged(answer, &tag, look.known.has(&tag));
    app::tell_preference(&mut response, look.applied_s);
    Ok(response)
}

/// Strong: each change is another version, and who may not read messages is shown another form.
fn tag_of(key: &Key, rental: &Rental) -> String {
    let form = if key.scopes.allow(Scope::MessagesRead) {
        "m"
    } else {
        "r"
    };
    format!("\"{}{form}\"", rental.version)
}

/// `POST /api/verifications/{id}/cancel`. A commit that was handed in is made although nobody hears of it.
pub async fn cancel(Caller { app, key }: Caller, id: Option<RentalId>) -> Answer {
    let rental = app.gateway.cancel(&key.account, known(id)?).await?;
    app::json(
        StatusCode::OK,
        &json!({ "id": rental.id.to_string(), "status": rental.status.as_str() }),
    )
}

/// `POST /api/verifications/{id}/report`: the number is bad. Ends it as cancel does, with the same refund.
pub async fn report(Caller { app, key }: Caller, id: Option<RentalId>) -> Answer {
    let rental = app.gateway.report(&key.account, known(id)?).await?;
    app::json(
        StatusCode::OK,
        &json!({ "id": rental.id.to_string(), "status": rental.status.as_str(), "reported": rental.reported }),
    )
}

/// What a poll for a code needs of its request; the rest is dropped before it is held.
pub struct Poll {
    key: Arc<Key>,
    id: RentalId,
    wait: Duration,
    /// What `Preference-Applied` tells.
    applied_s: Option<u64>,
}

/// Reads a poll's request.
pub fn poll(Caller { app, key }: &Caller, head: &Parts, id: Option<RentalId>) -> Result<Poll, Problem> {
    let id = known(id)?;
    let (wait, applied_s) = app::wished_wait(app, head, app.gateway.rules().poll_default_s)?;
    Ok(Poll {
        key: key.clone(),
        id,
        wait,
        applied_s,
    })
}

/// `GET /api/verifications/{id}/code`: held until the code is durable, the rental is over, the process drains or the
/// time is up. On a hang-up the waiter is dropped and its place is free.
pub async fn code(app: Arc<App>, poll: Poll) -> Answer {
    let started = clock::monotonic();
    let code = app.gateway.code(&poll.key, poll.id, poll.wait).await?;
    let waited_ms = clock::since(started).as_millis();
    answered(&code, poll.applied_s, waited_ms)
}

fn answered(code: &Code, applied_s: Option<u64>, waited_ms: u128) -> Answer {
    let mut response = match code {
        Code::Pending => app::json(StatusCode::OK, &json!({ "status": "pending" }))?,
        Code::Settled(rental) => settled(rental)?,
    };
    let headers = response.headers_mut();
    if *code == Code::Pending {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    let timing = HeaderValue::try_from(format!("wait;dur={waited_ms}"));
    let timing = timing.expect("digits and ASCII words are header text");
    headers.insert(HeaderName::from_static("server-timing"), timing);
    app::tell_preference(&mut response, applied_s);
    Ok(response)
}

fn settled(rental: &Rental) -> Answer {
    match (&rental.status, &rental.code) {
        (Status::Completed, Some(code)) => {
            let answer = json!({ "status": "completed", "otpCode": code.code, "smsContent": code.text });
            app::json(StatusCode::OK, &answer)
        }
        (status, _) => app::json(StatusCode::OK, &json!({ "status": status.as_str() })),
    }
}
