//! Vonage webhooks: the Messages API signs a JWT with the hash of the body, the older SMS API signs its sorted parameters (`sig`).
//! Parts of long SMS come as webhooks of their own and are joined elsewhere.

use serde::Deserialize;

use super::check::{Window, timestamp};
use super::form::Params;
use super::json::{self, Node};
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::settings::{SettingsError, filled, rotation, window};
use super::{Answer, Contents, Reject, Request, jwt, report};
use crate::core::message::{Concat, Media, Message, Receipt, ReceiptStatus, Report};
use crate::core::phone::Address;
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "vonage"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The account's API key: requests of every other account are refused.
    api_key: String,
    /// The account's signature secret; two while rotating.
    signature_secrets: Vec<String>,
    /// The signature method as set in the dashboard; never chosen by a request.
    #[serde(default)]
    scheme: Scheme,
    /// How many seconds the signed time may be off, both ways: 1 to 900, 300 by default.
    window_s: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scheme {
    /// Messages API: HS256 token with `payload_hash`.
    #[default]
    Jwt,
    /// SMS API: MD5 over the parameters and the secret, then HMACs with the secret as key.
    Md5hash,
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

#[derive(Debug)]
pub struct Keys {
    api_key: String,
    secrets: Rotation<Secret>,
    scheme: Scheme,
    window: Window,
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let expected = "texts that are not empty";
        Ok(Self {
            api_key: filled("api_key", settings.api_key)?,
            secrets: rotation(
                "signature_secrets",
                &settings.signature_secrets,
                expected,
                Secret::text,
            )?,
            scheme: settings.scheme,
            window: window(settings.window_s)?,
        })
    }

    /// The index of the secret that signed.
    pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        if self.scheme == Scheme::Jwt {
            self.verify_jwt(request, now)
        } else {
            self.verify_sig(&params(request)?, now)
        }
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        let reports = if self.scheme == Scheme::Jwt {
            parse_messages(request.body)?
        } else {
            parse_sms(&params(request)?)?
        };
        Ok(Contents {
            reports,
            answer: Answer::Empty,
        })
    }

    /// Stricter than the official libraries, which check the HMAC and nothing that it covers.
    fn verify_jwt(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        let (index, claims) = jwt::verify(jwt::bearer(request)?, &[("HS256", Hash::Sha256)], &self.secrets)?;
        let claims = Node(&claims);
        jwt::check_issuer(claims, "Vonage")?;
        if claims.text_opt("/api_key") != Some(&self.api_key) {
            return Err(Reject::AccountMismatch);
        }
        self.window.check(jwt::time(claims, "/iat")?, now)?;
        if claims.at("/payload_hash").is_none() {
            return Err(Reject::BodyNotCovered);
        }
        jwt::check_hash(claims, "/payload_hash", request.body, Reject::BodyHashMismatch)?;
        Ok(index)
    }

    fn verify_sig(&self, params: &Params, now: UnixMs) -> Result<usize, Reject> {
        let signature = params.id("sig").map_err(|reject| match reject {
            Reject::MissingField => Reject::MissingSignature,
            other => other,
        })?;
        let sent_at = params.opt("timestamp")?.ok_or(Reject::MissingTimestamp)?;
        let signed_at = timestamp(sent_at)?;
        let message = signed_text(params)?;
        // Hex in either case: the SDKs of Vonage themselves disagree on it.
        let signature = signature.to_ascii_lowercase();
        let index = self
            .secrets
            .find(|secret| mac::same(&expected(self.scheme, secret.bytes(), &message), &signature));
        let index = index.ok_or(Reject::BadSignature)?;
        if params.one("api-key")? != self.api_key {
            return Err(Reject::AccountMismatch);
        }
        self.window.check(signed_at, now)?;
        Ok(index)
    }
}

fn expected(scheme: Scheme, secret: &[u8], message: &[u8]) -> String {
    let hash = match scheme {
        Scheme::Md5hash => return mac::hex(&mac::md5(&[message, secret].concat())),
        Scheme::Md5 => Hash::Md5,
        Scheme::Sha1 => Hash::Sha1,
        Scheme::Sha512 => Hash::Sha512,
        Scheme::Sha256 | Scheme::Jwt => Hash::Sha256,
    };
    mac::hmac_hex(hash, secret, &[message])
}

/// What stands in `sig` under the method of this name; for those who sign.
pub(super) fn sig(scheme: &str, secret: &str, params: &Params) -> String {
    let scheme = toml::Value::from(scheme).try_into().unwrap_or_default();
    let message = signed_text(params).expect("no name is there twice");
    expected(scheme, secret.as_bytes(), &message)
}

/// The account decides whether parameters come in the query, as a form or as JSON.
fn params(request: &Request<'_>) -> Result<Params, Reject> {
    if request.method == "GET" {
        Params::parse(request.query().unwrap_or_default().as_bytes())
    } else if request.is_form() {
        Params::parse(request.body)
    } else {
        Params::from_json(&json::parse(request.body)?)
    }
}

/// `&name=value..` in byte order of the names, `&` and `=` in values written as `_`. Values cannot be told apart any further (a
/// weakness of the scheme), names can: those that hold `&` or `=`, or come twice, are refused.
pub(super) fn signed_text(params: &Params) -> Result<Vec<u8>, Reject> {
    let mut pairs: Vec<_> = params.pairs().iter().filter(|(name, _)| name != b"sig").collect();
    pairs.sort_unstable();
    let doubled = pairs.windows(2).any(|two| two[0].0 == two[1].0);
    if doubled
        || pairs
            .iter()
            .any(|(name, _)| name.iter().any(|b| matches!(b, b'&' | b'=')))
    {
        return Err(Reject::MalformedParameter);
    }
    let mut text = Vec::new();
    for (name, value) in pairs {
        text.push(b'&');
        text.extend(name);
        text.push(b'=');
        text.extend(
            value
                .iter()
                .map(|b| if matches!(b, b'&' | b'=') { b'_' } else { *b }),
        );
    }
    Ok(text)
}

/// Reads verified parameters of the SMS API.
pub(super) fn parse_sms(params: &Params) -> Result<Vec<Report>, Reject> {
    let (id, msisdn, to) = (params.id("messageId")?, params.id("msisdn")?, params.id("to")?);
    let at = params
        .opt("message-timestamp")?
        .and_then(|text| UnixMs::parse_rfc3339(&format!("{text}Z")));
    if let Some(raw_status) = params.opt("status")? {
        // In a receipt `msisdn` stays the handset and `to` the sender id.
        return Ok(vec![Report::Receipt(Receipt {
            from: Some(Address::new(to)),
            to: Some(Address::new(msisdn)),
            error_code: params
                .opt("err-code")?
                .filter(|code| *code != "0")
                .map(str::to_owned),
            occurred_at: at,
            network: params.opt("network-code")?.and_then(report::network),
            ..report::receipt(id, raw_status, status(raw_status))
        })]);
    }
    let hex = |name| Ok(params.bytes_opt(name)?.and_then(mac::unhex));
    let binary = if params.opt("type")? == Some("binary") {
        hex("data")?
    } else {
        None
    };
    let text = if binary.is_some() { "" } else { params.one("text")? };
    Ok(vec![Report::Message(Message {
        received_at: at,
        encoding: params.opt("type")?.map(str::to_owned),
        concat: concat(params)?,
        binary,
        udh: hex("udh")?,
        ..report::message(id, msisdn, to, text)
    })])
}

fn concat(params: &Params) -> Result<Option<Concat>, Reject> {
    if params.opt("concat")? != Some("true") {
        return Ok(None);
    }
    let count = |name| params.count_opt(name)?.ok_or(Reject::MissingField);
    let reference = params.one("concat-ref")?.to_owned();
    Ok(Some(Concat {
        reference,
        total: count("concat-total")?,
        part: count("concat-part")?,
    }))
}

/// Reads a verified body of the Messages API.
pub(super) fn parse_messages(body: &[u8]) -> Result<Vec<Report>, Reject> {
    let document = json::parse(body)?;
    let root = Node(&document);
    let (id, at) = (root.id("/message_uuid")?, root.time_opt("/timestamp"));
    if let Some(raw_status) = root.text_opt("/status") {
        return Ok(vec![Report::Receipt(Receipt {
            from: root.text_opt("/from").map(Address::new),
            to: root.text_opt("/to").map(Address::new),
            error_code: root
                .word_opt("/error/code")
                .or_else(|| root.word_opt("/error/title")),
            occurred_at: at,
            ..report::receipt(id, raw_status, status(raw_status))
        })]);
    }
    let kind = root.text_opt("/message_type").filter(|kind| *kind != "text");
    let media = kind.and_then(|kind| root.text_opt(&format!("/{kind}/url")));
    let media: Vec<_> = media
        .map(|url| Media {
            url: url.to_owned(),
            content_type: None,
        })
        .into_iter()
        .collect();
    let text = root
        .text("/text")
        .or_else(|reject| if media.is_empty() { Err(reject) } else { Ok("") })?;
    Ok(vec![Report::Message(Message {
        received_at: at,
        parts: root
            .word_opt("/sms/num_messages")
            .and_then(|count| count.parse().ok()),
        media,
        ..report::message(id, root.id("/from")?, root.id("/to")?, text)
    })])
}

fn status(raw: &str) -> ReceiptStatus {
    match raw {
        "accepted" => ReceiptStatus::Accepted,
        "buffered" => ReceiptStatus::Queued,
        "submitted" => ReceiptStatus::Sent,
        "delivered" | "read" => ReceiptStatus::Delivered,
        "undeliverable" => ReceiptStatus::Undelivered,
        "expired" => ReceiptStatus::Expired,
        "failed" => ReceiptStatus::Failed,
        "rejected" => ReceiptStatus::Rejected,
        _ => ReceiptStatus::Unknown,
    }
}
