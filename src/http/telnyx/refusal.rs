//! Errors as contract 003 tells them, by Telnyx's own numbers, and whether its SDKs shall try again by themselves.

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::gateway::{Error, ProfileError, VerifyError};
use crate::http::ResponseBody;
use crate::http::problem::Problem;
use crate::http::verify::retry_after_s;

/// Telnyx's numbers, and what it calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    InvalidUrl,
    MissingParameter,
    NotFound,
    InvalidId,
    Unexpected,
    Authentication,
    Authorization,
    TooMany,
    Duplicate,
    MediaType,
    BadRequest,
    NotE164,
    NoAssociated,
    InvalidJson,
}

impl Code {
    fn number(self) -> &'static str {
        match self {
            Self::InvalidUrl => "10003",
            Self::MissingParameter => "10004",
            Self::NotFound => "10005",
            Self::InvalidId => "10006",
            Self::Unexpected => "10007",
            Self::Authentication => "10009",
            Self::Authorization => "10010",
            Self::TooMany => "10011",
            Self::Duplicate => "10012",
            Self::MediaType => "10014",
            Self::BadRequest => "10015",
            Self::NotE164 => "10016",
            Self::NoAssociated => "10017",
            Self::InvalidJson => "10023",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::InvalidUrl => "Invalid URL",
            Self::MissingParameter => "Missing required parameter",
            Self::NotFound => "Resource not found",
            Self::InvalidId => "Invalid ID",
            Self::Unexpected => "Unexpected error",
            Self::Authentication => "Authentication failed",
            Self::Authorization => "Authorization failed",
            Self::TooMany => "Too many requests",
            Self::Duplicate => "Duplicate request",
            Self::MediaType => "Unsupported Media Type",
            Self::BadRequest => "Bad Request",
            Self::NotE164 => "Phone number must be in +E.164 format",
            Self::NoAssociated => "Associated resource does not exist",
            Self::InvalidJson => "Invalid JSON",
        }
    }
}

/// Where a fault is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Nowhere,
    /// A JSON pointer into the body.
    Pointer(String),
    /// A parameter of the query.
    Parameter(&'static str),
}

/// One thing that is wrong.
#[derive(Debug)]
pub struct Fault {
    pub code: Code,
    pub detail: String,
    pub source: Source,
}

/// An error in the contract's form: its faults, and the status and fields of a `Problem`.
#[derive(Debug)]
pub struct Refusal {
    pub problem: Problem,
    pub faults: Vec<Fault>,
    /// What the SDKs do by themselves on 408, 409, 429 and 5xx, where it does not help.
    pub try_again: bool,
}

impl Refusal {
    pub fn new(code: Code, problem: Problem) -> Self {
        let fault = Fault {
            code,
            detail: problem.detail().to_owned(),
            source: Source::Nowhere,
        };
        Self {
            faults: vec![fault],
            // The SDKs try again where that was a matter of load; a conflict and an unexpected failure stay.
            try_again: problem.status() != StatusCode::CONFLICT
                && problem.status() != StatusCode::BAD_GATEWAY,
            problem,
        }
    }

    /// All that is wrong with a request.
    pub fn of(faults: Vec<Fault>) -> Self {
        Self {
            problem: Problem::bad_request("The request cannot be understood."),
            faults,
            try_again: true,
        }
    }

    /// Something that the request names is not there.
    pub fn no_associated(pointer: &str, detail: impl Into<String>) -> Self {
        Self::of(vec![Fault {
            code: Code::NoAssociated,
            detail: detail.into(),
            source: Source::Pointer(pointer.to_owned()),
        }])
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let code = match problem.status() {
            StatusCode::UNAUTHORIZED => Code::Authentication,
            StatusCode::FORBIDDEN => Code::Authorization,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Code::NotFound,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::MediaType,
            StatusCode::TOO_MANY_REQUESTS => Code::TooMany,
            status if status.is_server_error() => Code::Unexpected,
            _ => Code::BadRequest,
        };
        Self::new(code, problem)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<VerifyError> for Refusal {
    /// A limit of codes is not a matter of seconds, and trying again by itself is what it is against.
    fn from(error: VerifyError) -> Self {
        let said = error.to_string();
        let once = |problem: Problem| Self {
            try_again: false,
            ..Self::from(problem)
        };
        match error {
            VerifyError::Gateway(error) => error.into(),
            VerifyError::Off | VerifyError::Destination => Problem::forbidden(said).into(),
            VerifyError::Limited(wait_ms) => once(Problem::too_many("verify", said, retry_after_s(wait_ms))),
            VerifyError::Challenge => once(Problem::too_many("challenge", said, 1)),
            VerifyError::NoAttempts => once(Problem::too_many("attempts", said, 1)),
            VerifyError::Undelivered(_) => once(Problem::bad_gateway(said)),
            VerifyError::NotFound | VerifyError::NotBlocked => Problem::not_found(said).into(),
            VerifyError::Wrong(_) => Problem::bad_request(said).into(),
            VerifyError::Over(_) => once(Problem::conflict(said)),
        }
    }
}

impl From<ProfileError> for Refusal {
    fn from(error: ProfileError) -> Self {
        let said = error.to_string();
        match error {
            ProfileError::Verify(error) => error.into(),
            ProfileError::NoProfile | ProfileError::NoTemplate | ProfileError::NoProvider(..) => {
                Problem::not_found(said).into()
            }
            ProfileError::Webhook(..) => Self::new(Code::InvalidUrl, Problem::bad_request(said)),
        }
    }
}

impl From<Refusal> for Response<ResponseBody> {
    fn from(refusal: Refusal) -> Self {
        let errors: Vec<Value> = refusal.faults.iter().map(shown).collect();
        let is_tried_again = matches!(refusal.problem.status().as_u16(), 408 | 409 | 429 | 500..);
        let (mut head, _) = Self::from(refusal.problem).into_parts();
        head.headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if is_tried_again && !refusal.try_again {
            let name = HeaderName::from_static("x-should-retry");
            head.headers.insert(name, HeaderValue::from_static("false"));
        }
        let body = json!({ "errors": errors }).to_string();
        Self::from_parts(head, Bytes::from(body).into())
    }
}

fn shown(fault: &Fault) -> Value {
    let number = fault.code.number();
    let mut error = json!({ "code": number, "title": fault.code.title(), "detail": fault.detail });
    match &fault.source {
        Source::Nowhere => {}
        Source::Pointer(pointer) => error["source"] = json!({ "pointer": pointer }),
        Source::Parameter(name) => error["source"] = json!({ "parameter": name }),
    }
    error["meta"] = json!({ "url": format!("https://developers.telnyx.com/docs/overview/errors/{number}") });
    error
}
