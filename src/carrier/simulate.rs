//! Builds correctly signed inbound requests, as the carrier would send them: for the simulator, the demo, tests and benchmarks.
//! Randomness and time are arguments; nothing here is on the path of a real request.

mod message;
mod receipt;
mod sign;
mod signer;

use std::fmt;

pub use self::sign::aws_sns_confirmation;
pub use self::signer::{Signer, SnsKey};
use crate::core::time::UnixMs;

/// The message that the request is to bring.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    pub id: String,
    pub from: String,
    pub to: String,
    pub text: String,
    pub sent_at: UnixMs,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({:?}, <sms {} B>)", self.id, self.text.len())
    }
}

/// The receipt that the request is to bring, of a message that went out by this id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptDraft {
    pub id: String,
    pub from: String,
    pub to: String,
    /// Delivered, or else failed.
    pub delivered: bool,
    pub at: UnixMs,
}

/// A request ready to be sent to the gateway.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedRequest {
    pub method: &'static str,
    /// The given URL, with a query or a path token where the dialect needs one.
    pub url: String,
    /// Names in lower case; the content type first.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What a carrier says, before it is signed.
enum Body {
    Json(serde_json::Value),
    Form(Pairs),
    Query(Pairs),
}

type Pairs = Vec<(&'static str, String)>;

impl Body {
    /// As a request that nobody has signed yet.
    fn to(self, url: &str) -> SignedRequest {
        let encoded = |pairs: Pairs| {
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
        };
        let post = |media_type: &str, body: String| SignedRequest {
            method: "POST",
            url: url.to_owned(),
            headers: vec![("content-type".to_owned(), media_type.to_owned())],
            body: body.into_bytes(),
        };
        match self {
            Self::Json(document) => post("application/json", document.to_string()),
            Self::Form(pairs) => post("application/x-www-form-urlencoded", encoded(pairs)),
            Self::Query(pairs) => SignedRequest {
                method: "GET",
                url: format!("{url}?{}", encoded(pairs)),
                headers: Vec::new(),
                body: Vec::new(),
            },
        }
    }
}

/// The request with which the carrier brings `draft` to `url`, signed at `now`. The dialects without a signature get their path token
/// as the last segment of the path.
///
/// # Panics
/// If a key in the signer is not what its field says, which `generate` never makes but a hand-written file may.
pub fn signed(signer: &Signer, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let body = message::body(signer, draft, now);
    sign::sign(signer, body, &draft.id, (url, now))
}

/// The same for a receipt; `None` for a dialect that has none.
///
/// # Panics
/// As `signed`.
pub fn signed_receipt(
    signer: &Signer,
    draft: &ReceiptDraft,
    url: &str,
    now: UnixMs,
) -> Option<SignedRequest> {
    let body = receipt::body(signer, draft)?;
    Some(sign::sign(signer, body, &draft.id, (url, now)))
}
