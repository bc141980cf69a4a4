//! Contract 001: a number supplier's four routes towards a reseller, with the contract's own error form; no `Problem` leaves here.

mod request;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;
use serde_json::{Value, json};

use self::request::Request;
use super::ResponseBody;
use super::app::{self, App, Caller};
use super::once::{self, Sent};
use super::problem::Problem;
use crate::core::country;
use crate::core::id::RentalId;
use crate::core::money::Price;
use crate::core::rental::{Rental, Status};
use crate::core::scope::Scope;
use crate::core::time::UnixMs;
use crate::gateway::{Error, Once, Wish};

/// The contract's routes.
#[derive(Clone, Copy)]
pub enum Route {
    GetNumbers,
    RentNumber,
    GetSms,
    CancelNumber,
}

/// How soon a client is told to ask again: a quarter of the rental's age, within these.
const POLL_AFTER_MIN_MS: u64 = 250;
const POLL_AFTER_MAX_MS: u64 = 5000;

/// An error in the contract's form: its word, and the status and advice of a `Problem`.
struct Refusal {
    code: Cow<'static, str>,
    problem: Problem,
}

fn refusal(code: &'static str, problem: Problem) -> Refusal {
    Refusal {
        code: code.into(),
        problem,
    }
}

fn bad_key(advice: &'static str) -> Refusal {
    refusal("BAD_KEY", Problem::unauthorized(advice))
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let code = match problem.scope() {
            Some(_) => "INSUFFICIENT_SCOPE".into(),
            None => problem.slug().replace('-', "_").to_uppercase().into(),
        };
        Self { code, problem }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match &error {
            Error::NoNumber => refusal(
                "NO_NUMBERS",
                Problem::not_found("No number of this country is free; try again when one has cooled down."),
            ),
            Error::KeyGone => bad_key("Send a valid API key as \"api_key\"."),
            Error::TooManyRentals(_) => refusal("TOO_MANY_RENTALS", error.into()),
            Error::NotFound => refusal(
                "RENTAL_NOT_FOUND",
                Problem::not_found("There is no rental of this id."),
            ),
            Error::UnknownService(_) => refusal(
                "BAD_SERVICE",
                Problem::bad_request("There is no such service; leave \"service\" out for any."),
            ),
            Error::AlreadyOver(over) => {
                let code = match over.0 {
                    Status::Cancelled => "ALREADY_CANCELLED",
                    Status::Expired => "ALREADY_EXPIRED",
                    Status::Active | Status::Completed => "ALREADY_COMPLETED",
                };
                refusal(
                    code,
                    Problem::conflict("The rental is over; its number was given back."),
                )
            }
            _ => Problem::from(error).into(),
        }
    }
}

impl From<Refusal> for Response<ResponseBody> {
    fn from(refusal: Refusal) -> Self {
        let body = json!({
            "status": "error",
            "error_code": refusal.code,
            "message": refusal.problem.detail(),
        });
        let (mut head, _) = Self::from(refusal.problem).into_parts();
        head.headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self::from_parts(head, Bytes::from(body.to_string()).into())
    }
}

type Answer = Result<Response<ResponseBody>, Refusal>;

/// Answers one route; errors are answers too. A hang-up drops a held getSMS; a rental that was handed in for commit stays.
pub async fn answer(
    app: Arc<App>,
    head: Parts,
    incoming: Incoming,
    (route, scope): (Route, Scope),
) -> app::Answer {
    let request = match Request::read(&app, &head, incoming, scope).await {
        Ok(request) => request,
        Err(refusal) => return Ok(refusal.into()),
    };
    let client_key = once::client_key(&head.headers);
    // A held poll keeps nothing of it.
    drop(head);
    let allowance = request.caller.allowance;
    let answer = match route {
        Route::GetNumbers => get_numbers(&app, &request),
        Route::GetSms => get_sms(&app, request).await,
        Route::RentNumber => match client_key {
            Ok(client_key) => rent_number(app, &request, client_key).await,
            Err(problem) => Err(problem.into()),
        },
        Route::CancelNumber => cancel_number(&app, &request).await,
    };
    Ok(app::counted(answer.unwrap_or_else(Response::from), allowance))
}

/// A problem in the contract's form.
pub fn refused(problem: Problem) -> Response<ResponseBody> {
    Refusal::from(problem).into()
}

#[derive(Serialize)]
struct Offered {
    country: String,
    country_name: &'static str,
    available: usize,
    price_per_sms: f64,
}

fn get_numbers(app: &App, request: &Request) -> Answer {
    let offers = app.gateway.offers(request.country()?.as_deref());
    let numbers: Vec<Offered> = offers
        .into_iter()
        .map(|offer| Offered {
            country_name: country::name(&offer.country).unwrap_or_default(),
            country: offer.country,
            available: offer.available,
            price_per_sms: offer.price.dollars(),
        })
        .collect();
    success(&json!({ "status": "success", "numbers": numbers }))
}

/// With `Idempotency-Key` where it shall be rented once.
async fn rent_number(app: Arc<App>, request: &Request, client_key: Option<String>) -> Answer {
    request.need("country")?;
    let mut wish = wished(&app, request)?;
    let (key, country) = (request.caller.key.clone(), wish.country.clone());
    let caller = Caller { app, key };
    let asked = ["country", "service", "acquireTimeout"].map(|name| request.get(name));
    let asked = serde_json::to_vec(&asked).map_err(|_| Problem::internal())?;
    let first = match once::begin(&caller, client_key, ("POST /rentNumber", &asked)).await? {
        Sent::New((), first) => first,
        Sent::Again(answer) => return Ok(answer),
    };
    let body = move |rental: &Rental| rented(rental, country.as_deref());
    wish.once = first.map(|first| {
        Arc::new(Once {
            first,
            status: StatusCode::OK.as_u16(),
            body: Box::new(body.clone()),
        })
    });
    match caller.app.gateway.rent(&caller.key.account, &wish).await {
        Err(error @ Error::OnceAnswered(_)) => Ok(once::answer(Err(error), StatusCode::OK)?),
        made => Ok(once::answer(Ok(body(&made?)), StatusCode::OK)?),
    }
}

fn wished(app: &App, request: &Request) -> Result<Wish, Refusal> {
    let service = request.get("service").map(str::to_owned);
    let usual = || {
        app.gateway
            .partner_service()
            .map(|s| s.name.clone())
            .unwrap_or_default()
    };
    Ok(Wish {
        service: service.unwrap_or_else(usual),
        country: request.country()?,
        acquire: acquire(request)?,
        key: Some(request.caller.key.clone()),
        ..Wish::default()
    })
}

/// What is answered to a new rental.
fn rented(rental: &Rental, country: Option<&str>) -> Vec<u8> {
    let answer = json!({
        "status": "success",
        "number": rental.number.as_str(),
        "rental_id": rental_id(rental.id),
        "expires_at": seconds(rental.ends_at),
        "country": country,
    });
    answer.to_string().into()
}

async fn get_sms(app: &App, request: Request) -> Answer {
    let id = request.rental()?;
    let wait = wait(&request, app.gateway.rules().poll_max_s)?;
    let key = request.caller.key.clone();
    drop(request);
    let (rental, messages) = app.gateway.messages(&key, id, wait).await?;
    let shown: Vec<_> = messages
        .iter()
        .map(|m| json!({ "sender": m.from.as_str(), "text": m.text, "received_at": seconds(m.received_at) }))
        .collect();
    let mut response = success(&json!({
        "status": "success",
        "messages": shown,
        "number": rental.number.as_str(),
    }))?;
    if messages.is_empty() && !rental.closed {
        ask_again(&mut response, app.gateway.now().since(rental.created_at));
    }
    Ok(response)
}

/// No wait unless it is asked for: the contract's clients poll, and expect an answer at once.
fn wait(request: &Request, max_s: u64) -> Result<Duration, Refusal> {
    let Some(text) = request.get("wait") else {
        return Ok(Duration::ZERO);
    };
    let seconds = text.parse::<u64>().ok().filter(|s| *s <= max_s);
    let refused = || {
        Problem::bad_request(format!(
            "\"wait\" is a whole number of seconds from 0 to {max_s}."
        ))
    };
    Ok(Duration::from_secs(seconds.ok_or_else(refused)?))
}

/// Not in the contract: how long to wait in line where no number is free.
fn acquire(request: &Request) -> Result<Duration, Refusal> {
    let Some(text) = request.get("acquireTimeout") else {
        return Ok(Duration::ZERO);
    };
    let refused = |_| Problem::bad_request("\"acquireTimeout\" is a whole number of seconds.");
    let seconds: u32 = text.parse().map_err(refused)?;
    Ok(Duration::from_secs(seconds.into()))
}

fn poll_after_ms(age_ms: u64) -> u64 {
    (age_ms / 4).clamp(POLL_AFTER_MIN_MS, POLL_AFTER_MAX_MS)
}

fn ask_again(response: &mut Response<ResponseBody>, age_ms: u64) {
    let after_ms = poll_after_ms(age_ms);
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-poll-after-ms"), after_ms.into());
    headers.insert(header::RETRY_AFTER, after_ms.div_ceil(1000).into());
}

async fn cancel_number(app: &App, request: &Request) -> Answer {
    let id = request.rental()?;
    let rental = app.gateway.finish(&request.caller.key.account, id).await?;
    success(&json!({
        "status": "success",
        "message": "Number rental cancelled successfully",
        "rental_id": rental_id(rental.id),
        "refund_amount": refund(&rental).dollars(),
    }))
}

/// A rental is paid back whole when no message came, and not at all when one did.
fn refund(rental: &Rental) -> Price {
    if rental.messages.is_empty() {
        rental.cost
    } else {
        Price::default()
    }
}

fn rental_id(id: RentalId) -> String {
    format!("rent_{id}")
}

/// The contract writes times without fractions.
fn seconds(time: UnixMs) -> String {
    let text = time.to_string();
    format!("{}Z", text.split('.').next().unwrap_or(&text))
}

fn success(value: &Value) -> Answer {
    app::json(StatusCode::OK, value).map_err(Refusal::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_told_to_ask_again_later_the_longer_it_waits_and_never_later_than_five_seconds() {
        let told: Vec<u64> = (0..=60).map(|s| poll_after_ms(s * 500)).collect();
        assert_eq!((told[0], told[2], told[4], told[10]), (250, 250, 500, 1250));
        assert!(told[2..=40].windows(2).all(|two| two[0] < two[1]), "{told:?}");
        assert!(told[40..].iter().all(|ms| *ms == 5000), "{told:?}");
        assert_eq!(poll_after_ms(u64::MAX), 5000);

        let mut response = Response::new(ResponseBody::from(Bytes::new()));
        ask_again(&mut response, 5000);
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        assert_eq!((header("x-poll-after-ms"), header("retry-after")), ("1250", "2"));
    }
}
