//! MessageBird webhooks (the platform before Bird): a JWT with hashes of URL and body, or the older signature over sorted query and
//! body. Field names of inbound messages come from receivers in the open, no SDK has them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::check::{Window, timestamp};
use super::form::Params;
use super::json::Node;
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::settings::{SettingsError, rotation, window};
use super::{Answer, Contents, Reject, Request, jwt, report};
use crate::core::message::{Media, Message, Receipt, ReceiptStatus, Report};
use crate::core::phone::Address;
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "messagebird"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The account's signing key; two while rotating.
    signing_keys: Vec<String>,
    /// Which of MessageBird's signatures is expected; never chosen by a request.
    #[serde(default)]
    scheme: Scheme,
    /// How many seconds the time of a `legacy` signature may be off, both ways: 1 to 900, 300 by default. A JWT states its own life.
    window_s: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scheme {
    #[default]
    Jwt,
    Legacy,
}

#[derive(Debug)]
pub struct Keys {
    keys: Rotation<Secret>,
    scheme: Scheme,
    window: Window,
}

/// The same key signs with any of these; which one says nothing about who signed.
const ALGORITHMS: [(&str, Hash); 3] = [
    ("HS256", Hash::Sha256),
    ("HS384", Hash::Sha384),
    ("HS512", Hash::Sha512),
];

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let keys = rotation(
            "signing_keys",
            &settings.signing_keys,
            "texts that are not empty",
            Secret::text,
        )?;
        Ok(Self {
            keys,
            scheme: settings.scheme,
            window: window(settings.window_s)?,
        })
    }

    /// The index of the key that signed URL and body.
    pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        match self.scheme {
            Scheme::Jwt => self.verify_jwt(request, now),
            Scheme::Legacy => self.verify_legacy(request, now),
        }
    }

    fn verify_jwt(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        let token = request.header("messagebird-signature-jwt", Reject::MissingSignature)?;
        let (index, claims) = jwt::verify(token, &ALGORITHMS, &self.keys)?;
        let claims = Node(&claims);
        jwt::check_issuer(claims, "MessageBird")?;
        claims.id("/jti").map_err(|_| Reject::MissingId)?;
        jwt::check_lifetime(claims, now)?;
        jwt::check_hash(
            claims,
            "/url_hash",
            request.url.as_bytes(),
            Reject::UrlHashMismatch,
        )?;
        match (claims.at("/payload_hash").is_some(), request.body.is_empty()) {
            (false, true) => Ok(index),
            (false, false) => Err(Reject::BodyNotCovered),
            (true, true) => Err(Reject::BodyHashMismatch),
            (true, false) => jwt::check_hash(claims, "/payload_hash", request.body, Reject::BodyHashMismatch)
                .map(|()| index),
        }
    }

    fn verify_legacy(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        let signature = request.header("messagebird-signature", Reject::MissingSignature)?;
        let sent_at = request.header("messagebird-request-timestamp", Reject::MissingTimestamp)?;
        let signed_at = timestamp(sent_at)?;
        let mut query = Params::parse(request.query().unwrap_or_default().as_bytes())?
            .pairs()
            .to_vec();
        query.sort_unstable();
        let encode = |bytes: &[u8]| form_urlencoded::byte_serialize(bytes).collect::<String>();
        let pairs: Vec<_> = query
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let head = format!("{sent_at}\n{}\n", pairs.join("&"));
        let message = [head.as_bytes(), &mac::sha256(request.body)].concat();
        let signed = |key: &Secret| {
            mac::same(
                &BASE64_STANDARD.encode(mac::hmac(Hash::Sha256, key.bytes(), &[&message])),
                signature,
            )
        };
        let index = self.keys.find(signed).ok_or(Reject::BadSignature)?;
        self.window.check(signed_at, now)?;
        Ok(index)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        let query = request.query().unwrap_or_default().as_bytes();
        let params = Params::parse(if request.body.is_empty() {
            query
        } else {
            request.body
        })?;
        Ok(Contents {
            reports: parse(&params)?,
            answer: Answer::OK,
        })
    }
}

/// Reads verified parameters; short codes use names of their own.
pub(super) fn parse(params: &Params) -> Result<Vec<Report>, Reject> {
    let first = |[name, other]: [&str; 2]| match params.opt(name)? {
        Some(_) => params.id(name),
        None => params.id(other),
    };
    let id = first(["id", "mid"])?;
    let to = first(["recipient", "shortcode"])?;
    if let Some(raw_status) = params.opt("status")? {
        return Ok(vec![Report::Receipt(Receipt {
            to: Some(Address::new(to)),
            error_code: params
                .opt("statusErrorCode")?
                .filter(|code| !code.is_empty())
                .map(str::to_owned),
            occurred_at: params.opt("statusDatetime")?.and_then(UnixMs::parse_rfc3339),
            ..report::receipt(id, raw_status, status(raw_status))
        })]);
    }
    let media = params
        .pairs()
        .iter()
        .filter(|(name, _)| name == b"mediaURLs[]")
        .map(|(_, url)| {
            let url = std::str::from_utf8(url)
                .map_err(|_| Reject::MalformedBody)?
                .to_owned();
            Ok(Media {
                url,
                content_type: None,
            })
        });
    Ok(vec![Report::Message(Message {
        received_at: received_at(params)?,
        media: media.collect::<Result<_, Reject>>()?,
        ..report::message(
            id,
            params.id("originator")?,
            to,
            params.opt("body")?.map_or_else(|| params.one("message"), Ok)?,
        )
    })])
}

/// Under three names, and for short codes as `YYYYMMDDHHMMSS`.
fn received_at(params: &Params) -> Result<Option<UnixMs>, Reject> {
    for name in ["createdDatetime", "CreatedDatetime"] {
        if let Some(text) = params.opt(name)? {
            return Ok(UnixMs::parse_rfc3339(text));
        }
    }
    Ok(params
        .opt("receive_datetime")?
        .filter(|t| t.len() == 14 && t.is_ascii())
        .and_then(|t| {
            let (date, clock) = t.split_at(8);
            let date = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
            UnixMs::parse_rfc3339(&format!(
                "{date}T{}:{}:{}Z",
                &clock[..2],
                &clock[2..4],
                &clock[4..]
            ))
        }))
}

fn status(raw: &str) -> ReceiptStatus {
    match raw {
        "scheduled" => ReceiptStatus::Accepted,
        "buffered" => ReceiptStatus::Queued,
        "sent" => ReceiptStatus::Sent,
        "delivered" => ReceiptStatus::Delivered,
        "expired" => ReceiptStatus::Expired,
        "delivery_failed" => ReceiptStatus::Failed,
        _ => ReceiptStatus::Unknown,
    }
}
