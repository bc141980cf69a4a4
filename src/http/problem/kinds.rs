//! The kinds of answers that errors have: status, the last word of the type, title.

use http::StatusCode;

/// The registered type of draft-ietf-httpapi-ratelimit-headers, in place of one of ours.
pub const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// A kind of answer.
#[derive(Debug, PartialEq)]
pub struct Kind {
    pub status: StatusCode,
    /// After the prefix of our types, unless it is a whole address.
    pub slug: &'static str,
    pub title: &'static str,
    /// The rest of the request is not wanted, so an HTTP/1 connection cannot go on.
    pub closes: bool,
}

const fn kind(status: StatusCode, slug: &'static str, title: &'static str) -> Kind {
    Kind {
        status,
        slug,
        title,
        closes: false,
    }
}

const fn closing(status: StatusCode, slug: &'static str, title: &'static str) -> Kind {
    Kind {
        status,
        slug,
        title,
        closes: true,
    }
}

pub static BAD_REQUEST: Kind = kind(StatusCode::BAD_REQUEST, "bad-request", "Bad request");
pub static MALFORMED: Kind = closing(StatusCode::BAD_REQUEST, "bad-request", "Bad request");
pub static UNAUTHORIZED: Kind = kind(StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized");
pub static FORBIDDEN: Kind = kind(StatusCode::FORBIDDEN, "forbidden", "Forbidden");
pub static NOT_FOUND: Kind = kind(StatusCode::NOT_FOUND, "not-found", "Not found");
pub static METHOD: Kind = kind(
    StatusCode::METHOD_NOT_ALLOWED,
    "method-not-allowed",
    "Method not allowed",
);
pub static TIMEOUT: Kind = closing(StatusCode::REQUEST_TIMEOUT, "request-timeout", "Request timeout");
pub static BAD_GATEWAY: Kind = kind(StatusCode::BAD_GATEWAY, "bad-gateway", "Bad gateway");
pub static CONFLICT: Kind = kind(StatusCode::CONFLICT, "conflict", "Conflict");
pub static GONE: Kind = kind(StatusCode::GONE, "gone", "Gone");
pub static TOO_LARGE: Kind = closing(
    StatusCode::PAYLOAD_TOO_LARGE,
    "payload-too-large",
    "Payload too large",
);
pub static URI: Kind = closing(StatusCode::URI_TOO_LONG, "uri-too-long", "URI too long");
pub static MEDIA_TYPE: Kind = closing(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported-media-type",
    "Unsupported media type",
);
pub static UNPROCESSABLE: Kind = kind(
    StatusCode::UNPROCESSABLE_ENTITY,
    "unprocessable",
    "Unprocessable content",
);
pub static TOO_MANY: Kind = kind(
    StatusCode::TOO_MANY_REQUESTS,
    QUOTA_EXCEEDED,
    "Request cannot be satisfied as assigned quota has been exceeded",
);
pub static HEADERS: Kind = closing(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "header-fields-too-large",
    "Request header fields too large",
);
pub static INTERNAL: Kind = kind(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error");
pub static UNAVAILABLE: Kind = kind(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable");
pub static STORAGE: Kind = kind(
    StatusCode::INSUFFICIENT_STORAGE,
    "insufficient-storage",
    "Insufficient storage",
);

impl super::Problem {
    /// 502: whoever was asked for it did not do it.
    pub fn bad_gateway(detail: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::new(&BAD_GATEWAY, detail)
    }
}
