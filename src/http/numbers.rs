//! `/admin/numbers`: the inventory, for the holder of the admin token. A hang-up stops it; a commit that was handed in is made.

use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::{Admin, authorize};
use super::app::{self, Answer, query};
use super::problem::Problem;
use crate::core::money::Price;
use crate::core::number::{Number, Reason, State};
use crate::core::phone::PhoneNumber;
use crate::gateway::{Error, NewNumber, NumbersWish};

const ROOT: &str = "/admin/numbers";
/// Most numbers in one request.
const NUMBERS_MAX: usize = 10_000;

pub fn is_path(path: &str) -> bool {
    path.strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub async fn route(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    let segments: Vec<&str> = head.uri.path().split('/').skip(3).collect();
    let allow = match segments.as_slice() {
        [] => "GET, POST",
        [_] => "GET",
        [_, "quarantine" | "release" | "retire" | "share"] => "POST",
        _ => {
            return Err(Problem::not_found(
                "There are /admin/numbers, /admin/numbers/NUMBER and its /quarantine, /release, /retire and /share.",
            ));
        }
    };
    if allow.split(", ").all(|method| method != head.method.as_str()) {
        return Err(Problem::method_not_allowed(allow));
    }
    authorize(admin, &head.headers)?;
    let gateway = &admin.app.gateway;
    let number = segments.first().map(|text| read(text)).transpose()?;
    match (number, segments.get(1)) {
        (None, _) if head.method == Method::GET => list(admin, head),
        (None, _) => add(admin, head, body).await,
        (Some(number), act) => {
            match act {
                Some(&"quarantine") => {
                    let wish: Quarantined = app::read_json(&admin.app, head, body).await?;
                    gateway.quarantine(&number, wish.reason.into()).await?;
                }
                Some(&"share") => {
                    let wish: Share = app::read_json(&admin.app, head, body).await?;
                    gateway.share(&number, wish.shared).await?;
                }
                Some(&"release") => gateway.readmit(&number).await?,
                Some(_) => gateway.retire(&number).await?,
                None => {}
            }
            show(admin, &number)
        }
    }
}

/// The number of a path, whose `+` may be encoded or left out.
fn read(segment: &str) -> Result<PhoneNumber, Problem> {
    let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
    PhoneNumber::parse(&decoded).map_err(|_| Error::NoSuchNumber.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quarantined {
    #[serde(default)]
    reason: Cause,
}

/// Whether several may rent a number at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Share {
    shared: bool,
}

/// Whose word takes a number out of use.
#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum Cause {
    #[default]
    Operator,
    CarrierError,
}

impl From<Cause> for Reason {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Operator => Self::Operator,
            Cause::CarrierError => Self::CarrierError,
        }
    }
}

/// `GET /admin/numbers?state=&country=&limit=&cursor=`, in the order of their digits.
fn list(admin: &Admin, head: &Parts) -> Answer {
    let state = query(head, "state").map(|text| {
        let known = || {
            Problem::bad_request(format!(
                "\"state\" is one of {}.",
                State::ALL.map(State::as_str).join(", ")
            ))
        };
        State::parse(&text).ok_or_else(known)
    });
    let after = query(head, "cursor").map(|text| {
        PhoneNumber::parse(&text)
            .map_err(|_| Problem::bad_request("\"cursor\" is the \"nextCursor\" of the page before."))
    });
    let wish = NumbersWish {
        state: state.transpose()?,
        country: query(head, "country").map(|text| text.to_ascii_uppercase()),
        after: after.transpose()?,
        limit: app::list_limit(head)?,
    };
    let numbers = admin.app.gateway.inventory(&wish);
    let next = numbers.last().filter(|_| numbers.len() == wish.limit);
    let next = next.map(|(number, _)| number.number.as_str().to_owned());
    let mut answer =
        json!({ "numbers": numbers.iter().map(|(number, state)| brief(number, *state)).collect::<Vec<_>>() });
    if let Some(next) = next {
        answer["nextCursor"] = json!(next);
    }
    app::json(StatusCode::OK, &answer)
}

/// `GET /admin/numbers/{number}`: with its latest rentals and what is held against it.
fn show(admin: &Admin, number: &PhoneNumber) -> Answer {
    let (number, state) = admin.app.gateway.number(number)?;
    let mut shown = brief(&number, state);
    let leases = number.leases.iter().rev().map(|lease| {
        json!({
            "verificationId": lease.rental.to_string(),
            "account": lease.account.as_str(),
            "serviceName": lease.service,
            "startsAt": lease.starts_at.to_string(),
            "endsAt": lease.ends_at.to_string(),
            "over": lease.ended.is_some(),
        })
    });
    shown["leases"] = leases.collect();
    let served = number.served.iter().rev();
    shown["served"] = served
        .map(|served| json!({ "serviceName": served.service, "at": served.at.to_string() }))
        .collect();
    let standing = &number.standing;
    shown["silentRentals"] = json!(standing.silent);
    shown["reports"] = json!(standing.reports);
    shown["quarantines"] = json!(standing.times);
    app::json(StatusCode::OK, &shown)
}

fn brief(number: &Number, state: State) -> Value {
    let mut shown = json!({
        "number": number.number.as_str(),
        "country": number.country,
        "capability": number.capability.as_str(),
        "state": state.as_str(),
    });
    if number.price != Price::default() {
        shown["price"] = json!(number.price.to_string());
    }
    if number.is_shared() {
        shown["shared"] = json!(true);
    }
    let rentals = number.open().count();
    if rentals > 1 {
        shown["rentals"] = json!(rentals);
    }
    match (state, &number.standing.quarantine) {
        (State::Cooling, _) => shown["until"] = json!(number.cooling_until.to_string()),
        (State::Quarantined, Some(quarantine)) => {
            shown["reason"] = json!(quarantine.reason.as_str());
            shown["since"] = json!(quarantine.since.to_string());
            if let Some(until) = quarantine.until {
                shown["until"] = json!(until.to_string());
            }
        }
        (State::Active, _) => {
            let last = number.open().map(|lease| lease.ends_at).max();
            shown["until"] = json!(last.map(|at| at.to_string()));
        }
        _ => {}
    }
    shown
}

/// `POST /admin/numbers`: a list of numbers; all of them or, if one is wrong, none.
async fn add(admin: &Admin, head: &Parts, body: Incoming) -> Answer {
    let wish: Vec<NewNumber> = app::read_json_list(&admin.app, head, body).await?;
    let shared = admin.app.gateway.rules().numbers.shared;
    if wish.len() > NUMBERS_MAX {
        return Err(Problem::bad_request(format!(
            "Send at most {NUMBERS_MAX} numbers at once."
        )));
    }
    let checked = wish.into_iter().enumerate().map(|(at, number)| {
        number
            .check(shared)
            .map_err(|e| format!("Number {}: {e}.", at + 1))
    });
    let numbers = checked
        .collect::<Result<Vec<_>, _>>()
        .map_err(Problem::unprocessable)?;
    let before = admin.app.gateway.store().live().counts().numbers;
    let sent = numbers.len();
    admin.app.gateway.add_numbers(numbers).await?;
    let added = admin
        .app
        .gateway
        .store()
        .live()
        .counts()
        .numbers
        .saturating_sub(before);
    app::json(StatusCode::OK, &json!({ "sent": sent, "added": added }))
}
