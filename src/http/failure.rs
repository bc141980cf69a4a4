//! The one mapping from the gateway's errors, and those of reading a body, to answers.

use super::app::SEND_KEY;
use super::body;
use super::problem::{PER_ACCOUNT, Problem};
use crate::carrier::Reject;
use crate::gateway::Error;
use crate::store;

/// Seconds after which a full queue or a crowded server is worth another try.
const BUSY_S: u32 = 1;
/// Seconds after which a key or a clock of ours may have been mended.
const REFUSED_S: u32 = 20;
/// Seconds after which a number may have cooled down, or a rental ended.
const NO_NUMBER_S: u32 = 30;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Store(error) => store_problem(&error),
            // The signature held, so this tells nothing to anyone who has no key.
            Error::Refused(Reject::MalformedBody | Reject::MissingField) => {
                Self::unprocessable("The request is signed, but it is no message of this carrier.")
            }
            Error::Refused(_) => Self::unauthorized("The request is not signed by a key of this source."),
            Error::RefusedForNow(_) | Error::Unconfirmed => Self::unavailable(detail, REFUSED_S),
            Error::KeyGone => Self::unauthorized(SEND_KEY),
            Error::AccountDisabled | Error::NoSandbox => Self::forbidden(detail),
            Error::NoAccount(_) | Error::NoKey(_) => Self::not_found(detail),
            Error::AccountExists(_) | Error::AccountHeld(..) | Error::KeyReplaced => Self::conflict(detail),
            Error::AccountInUse(open) => Self::conflict(detail).with("rentals", open),
            Error::NoProvider(_) => Self::not_found(detail),
            Error::NoChannel(_) => Self::unprocessable(detail),
            Error::UnknownSource => Self::not_found("No source of this name is configured."),
            Error::NoSuchSupplier => Self::not_found(detail),
            Error::SupplierRefused(_) => Self::unavailable(detail, BUSY_S),
            Error::NoCapture | Error::NoSuchNumber | Error::NoSuchService => Self::not_found(detail),
            Error::CutCapture | Error::StillRefused(_) => Self::conflict(detail),
            Error::NotFound => Self::not_found("There is nothing of this id in this account."),
            Error::BadSettings(_) | Error::NoSuchMessages => Self::bad_request(format!("{detail}.")),
            Error::BadReplay(_) => Self::unprocessable(format!("{detail}.")),
            Error::UnknownService(_) | Error::BadTarget(_) | Error::TooDear(_) => Self::unprocessable(detail),
            Error::AlreadyOver(over) => Self::conflict(detail).with("status_now", over.0.as_str()),
            Error::OnceOther => Self::unprocessable(detail),
            Error::OnceUnderway | Error::OnceAnswered(_) => Self::conflict(detail),
            Error::NotUnmatched | Error::SubscriptionDisabled => Self::conflict(detail),
            Error::TooManySubscriptions(max)
            | Error::TooManyKeys(max)
            | Error::TooManyReplays(max)
            | Error::TooManyProfiles(max)
            | Error::TooManyTemplates(max) => Self::conflict(detail).with("limit", max),
            Error::NotOfThisRental | Error::TooMuchUsage(_) => Self::unprocessable(detail),
            Error::CursorGone | Error::EventGone => Self::gone(detail),
            Error::NoNumber | Error::SuppliersAway => Self::unavailable(detail, NO_NUMBER_S),
            Error::TooManyPolls(_) => Self::too_many("waiters", detail, BUSY_S),
            Error::TooManySeekers(_) => Self::too_many("acquire-waiters", detail, BUSY_S),
            Error::TooManyRentals(max) => Self::too_many("rentals", detail, NO_NUMBER_S).with("limit", max),
            Error::TooManyRequests(allowance) => {
                Self::too_many(PER_ACCOUNT, detail, allowance.next_s).counted(Some(allowance))
            }
            Error::Crowded | Error::LineFull | Error::Contended => Self::unavailable(detail, BUSY_S),
        }
    }
}

fn store_problem(error: &store::Error) -> Problem {
    match error {
        store::Error::Busy => Problem::unavailable(error.to_string(), BUSY_S),
        store::Error::Closed => Problem::unavailable("The gateway is stopping.", 5),
        store::Error::DiskFull => Problem::insufficient_storage(),
        store::Error::Broken(_) => Problem::unavailable("The gateway must be restarted by its operator.", 30),
        store::Error::Damaged(_) | store::Error::Read(_) | store::Error::Open(_) => {
            tracing::error!(%error, "the store failed");
            Problem::internal()
        }
    }
}

impl From<body::Error> for Problem {
    fn from(error: body::Error) -> Self {
        match error {
            body::Error::TooLarge { bytes_max } => Self::payload_too_large(bytes_max),
            body::Error::TooSlow => Self::request_timeout(),
            body::Error::Encoded => {
                Self::unsupported_media_type("Send the body without `Content-Encoding`, as plain bytes.")
            }
            body::Error::Broken(_) => Self::malformed("The body broke off or its chunks are malformed."),
        }
    }
}
