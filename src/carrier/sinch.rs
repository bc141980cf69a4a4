//! Sinch callbacks: SMS signs `body.nonce.timestamp`, Verification signs the request in Sinch's application scheme. Its Numbers
//! callbacks, which bring no messages, are not spoken.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::check::{Window, timestamp};
use super::json::{self, Node};
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::settings::{SettingsError, filled, rotation, window};
use super::{Answer, Contents, Reject, Request, report};
use crate::core::message::{Media, Message, Receipt, ReceiptStatus, Report, VerifyStatus};
use crate::core::phone::Address;
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "sinch"`: `secrets`, or both `application_key` and `application_secrets`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// SMS and Conversation: the webhook's secret; two while rotating.
    secrets: Option<Vec<String>>,
    /// Verification: the application's key.
    application_key: Option<String>,
    /// Verification: the base64 of the application's secret; two while rotating.
    application_secrets: Option<Vec<String>>,
    /// How many seconds the signed time may be off, both ways: 1 to 900, 300 by default.
    window_s: Option<u64>,
}

#[derive(Debug)]
pub struct Keys {
    scheme: Scheme,
    secrets: Rotation<Secret>,
    window: Window,
}

#[derive(Debug)]
enum Scheme {
    Webhook,
    Application { key: String },
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let given = (
            settings.secrets,
            settings.application_key,
            settings.application_secrets,
        );
        let (scheme, secrets) = match given {
            (Some(texts), None, None) => (
                Scheme::Webhook,
                rotation("secrets", &texts, "texts that are not empty", Secret::text)?,
            ),
            (None, Some(key), Some(texts)) => {
                let secrets = rotation(
                    "application_secrets",
                    &texts,
                    "the base64 of a secret",
                    Secret::base64,
                )?;
                (
                    Scheme::Application {
                        key: filled("application_key", key)?,
                    },
                    secrets,
                )
            }
            _ => {
                let expected = "it, or `application_key` and `application_secrets` instead";
                return Err(SettingsError::Value {
                    key: "secrets",
                    expected,
                });
            }
        };
        Ok(Self {
            scheme,
            secrets,
            window: window(settings.window_s)?,
        })
    }

    /// The index of the key that signed these bytes.
    pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        match &self.scheme {
            Scheme::Webhook => self.verify_webhook(request, now),
            Scheme::Application { key } => self.verify_application(key, request, now),
        }
    }

    fn verify_webhook(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        let signature = request.header("x-sinch-webhook-signature", Reject::MissingSignature)?;
        let nonce = request.header("x-sinch-webhook-signature-nonce", Reject::MissingNonce)?;
        let sent_at = request.header("x-sinch-webhook-signature-timestamp", Reject::MissingTimestamp)?;
        if nonce.contains('.') {
            // The separator of the signed bytes: the end of the body could pass for part of the nonce.
            return Err(Reject::MalformedNonce);
        }
        let signed_at = timestamp(sent_at)?;
        let algorithm = request.header_opt("x-sinch-webhook-signature-algorithm");
        if algorithm.is_some_and(|name| name != "HmacSHA256") {
            return Err(Reject::UnsupportedAlgorithm);
        }
        let message = signed_bytes(request.body, nonce, sent_at);
        let signed = |key: &Secret| {
            mac::same(
                &mac::hmac_base64(Hash::Sha256, key.bytes(), &[&message]),
                signature,
            )
        };
        let index = self.secrets.find(signed).ok_or(Reject::BadSignature)?;
        self.window.check(signed_at, now)?;
        Ok(index)
    }

    fn verify_application(&self, key: &str, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        let value = request.header("authorization", Reject::MissingSignature)?;
        let sent_at = request.header("x-timestamp", Reject::MissingTimestamp)?;
        let (scheme, pair) = value.split_once(' ').ok_or(Reject::MalformedSignature)?;
        let (given_key, signature) = pair.split_once(':').ok_or(Reject::MalformedSignature)?;
        if !scheme.eq_ignore_ascii_case("application") {
            return Err(Reject::MalformedSignature);
        }
        let signed_at = UnixMs::parse_rfc3339(sent_at).ok_or(Reject::MalformedTimestamp)?;
        let media_type = request.header_opt("content-type").unwrap_or_default();
        let message = signed_text_application(request, media_type, sent_at);
        let signed = |secret: &Secret| {
            mac::same(
                &mac::hmac_base64(Hash::Sha256, secret.bytes(), &[message.as_bytes()]),
                signature,
            )
        };
        let index = self.secrets.find(signed).ok_or(Reject::BadSignature)?;
        if given_key != key {
            return Err(Reject::AccountMismatch);
        }
        self.window.check(signed_at, now)?;
        Ok(index)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        Ok(Contents {
            reports: parse(request.body)?,
            answer: Answer::Empty,
        })
    }
}

pub(super) fn signed_bytes(body: &[u8], nonce: &str, timestamp: &str) -> Vec<u8> {
    [body, b".", nonce.as_bytes(), b".", timestamp.as_bytes()].concat()
}

pub(super) fn signed_text_application(request: &Request<'_>, media_type: &str, sent_at: &str) -> String {
    let (method, path) = (request.method, request.path());
    let body_hash = BASE64_STANDARD.encode(mac::md5(request.body));
    format!("{method}\n{body_hash}\n{media_type}\nx-timestamp:{sent_at}\n{path}")
}

/// Reads a verified body. Types that we have no use for give no report.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Report>, Reject> {
    let document = json::parse(body)?;
    let root = Node(&document);
    if root.at("/event").is_some() {
        return verify_status(root);
    }
    match root.text("/type")? {
        kind @ ("mo_text" | "mo_binary" | "mo_media") => Ok(vec![Report::Message(message(root, kind)?)]),
        "recipient_delivery_report_sms" => {
            let mut one = receipt(root, root, root.id("/recipient")?)?;
            one.occurred_at = root.time_opt("/at");
            Ok(vec![Report::Receipt(one)])
        }
        "delivery_report_sms" => {
            let mut reports = Vec::new();
            for status in root.items("/statuses")? {
                for recipient in status.items_opt("/recipients") {
                    reports.push(Report::Receipt(receipt(root, status, recipient.id("")?)?));
                }
            }
            Ok(reports)
        }
        _ => Ok(Vec::new()),
    }
}

fn message(root: Node<'_>, kind: &str) -> Result<Message, Reject> {
    let text = match kind {
        "mo_text" => root.text("/body")?,
        "mo_media" => root.text_opt("/body/message").unwrap_or_default(),
        _ => "",
    };
    let binary = if kind == "mo_binary" {
        Some(
            BASE64_STANDARD
                .decode(root.text("/body")?)
                .map_err(|_| Reject::MalformedBody)?,
        )
    } else {
        None
    };
    let media = root.items_opt("/body/media").map(|item| {
        let content_type = item.text_opt("/content_type").map(str::to_owned);
        Ok(Media {
            url: item.text("/url")?.to_owned(),
            content_type,
        })
    });
    Ok(Message {
        received_at: root.time_opt("/received_at"),
        media: media.collect::<Result<_, Reject>>()?,
        binary,
        udh: root.text_opt("/udh").and_then(|hex| mac::unhex(hex.as_bytes())),
        ..report::message(root.id("/id")?, root.id("/from")?, root.id("/to")?, text)
    })
}

/// A batch has many recipients, so the recipient is part of the dedupe key.
fn receipt(root: Node<'_>, status: Node<'_>, recipient: &str) -> Result<Receipt, Reject> {
    let (batch, raw_status) = (root.id("/batch_id")?, status.id("/status")?);
    let to = Address::new(recipient);
    Ok(Receipt {
        dedupe_key: format!("{batch}:{}:{raw_status}", to.as_str()),
        to: Some(to),
        error_code: status.word_opt("/code"),
        ..report::receipt(batch, raw_status, receipt_status(raw_status))
    })
}

fn receipt_status(raw: &str) -> ReceiptStatus {
    match raw.to_ascii_lowercase().as_str() {
        "queued" => ReceiptStatus::Queued,
        "dispatched" => ReceiptStatus::Sent,
        "delivered" => ReceiptStatus::Delivered,
        "aborted" | "cancelled" | "failed" | "deleted" => ReceiptStatus::Failed,
        "expired" => ReceiptStatus::Expired,
        "rejected" => ReceiptStatus::Rejected,
        _ => ReceiptStatus::Unknown,
    }
}

/// Only results have a status; a request for permission to verify gives no report.
fn verify_status(root: Node<'_>) -> Result<Vec<Report>, Reject> {
    let (id, event) = (root.id("/id")?, root.id("/event")?);
    let Some(status) = root.text_opt("/status") else {
        return Ok(Vec::new());
    };
    Ok(vec![Report::Verify(VerifyStatus {
        carrier_event_id: None,
        carrier_message_id: id.to_owned(),
        dedupe_key: format!("{id}:{event}"),
        to: root.text_opt("/identity/endpoint").map(Address::new),
        status: status.to_owned(),
        raw_status: event.to_owned(),
        delivery_status: None,
        occurred_at: None,
    })])
}
