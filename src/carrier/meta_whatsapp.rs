//! WhatsApp Cloud API: hex HMAC-SHA256 over the body, and the handshake by which Meta checks the URL. There is no time in the scheme:
//! replay is stopped by the message id alone. Messages without words (pictures, reactions, places) give no report.

use serde::Deserialize;

use super::check::timestamp;
use super::form::Params;
use super::json::{self, Node};
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::settings::{SettingsError, rotation};
use super::{Answer, Contents, Reject, Request, report};
use crate::core::message::{Message, Receipt, ReceiptStatus, Report};
use crate::core::phone::{Address, PhoneNumber};
use crate::core::time::UnixMs;

/// Longest challenge that is sent back; Meta's have about ten digits.
const CHALLENGE_BYTES_MAX: usize = 128;

/// The keys of a source with `carrier = "meta_whatsapp"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The app's secret; two while rotating.
    app_secrets: Vec<String>,
    /// The token entered beside the webhook's URL; two while rotating.
    verify_tokens: Vec<String>,
}

#[derive(Debug)]
pub struct Keys {
    secrets: Rotation<Secret>,
    verify_tokens: Rotation<Secret>,
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let expected = "texts that are not empty";
        Ok(Self {
            secrets: rotation("app_secrets", &settings.app_secrets, expected, Secret::text)?,
            verify_tokens: rotation("verify_tokens", &settings.verify_tokens, expected, Secret::text)?,
        })
    }

    /// The index of the secret that signed these bytes, or of the token that a handshake brought.
    pub fn verify(&self, request: &Request<'_>, _now: UnixMs) -> Result<usize, Reject> {
        if request.method == "GET" {
            return self.verify_handshake(request);
        }
        let value = request.header("x-hub-signature-256", Reject::MissingSignature)?;
        let signature = value.strip_prefix("sha256=").ok_or(Reject::MalformedSignature)?;
        let expected = |key: &Secret| mac::hmac_hex(Hash::Sha256, key.bytes(), &[request.body]);
        self.secrets
            .find(|key| mac::same(&expected(key), signature))
            .ok_or(Reject::BadSignature)
    }

    fn verify_handshake(&self, request: &Request<'_>) -> Result<usize, Reject> {
        let params = Params::parse(request.query().unwrap_or_default().as_bytes())?;
        let token = params.opt("hub.verify_token")?.ok_or(Reject::MissingSignature)?;
        let matches = |known: &Secret| mac::same_bytes(known.bytes(), token.as_bytes());
        self.verify_tokens.find(matches).ok_or(Reject::BadCredentials)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        if request.method == "GET" {
            return challenge(request);
        }
        Ok(Contents {
            reports: parse(request.body)?,
            answer: Answer::OK,
        })
    }
}

/// Gives the challenge back, and only one that cannot be anything but plain text.
fn challenge(request: &Request<'_>) -> Result<Contents, Reject> {
    let params = Params::parse(request.query().unwrap_or_default().as_bytes())?;
    let challenge = params.id("hub.challenge")?;
    let plain = challenge
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if params.one("hub.mode")? != "subscribe" || !plain || challenge.len() > CHALLENGE_BYTES_MAX {
        return Err(Reject::MalformedParameter);
    }
    Ok(Contents {
        reports: Vec::new(),
        answer: Answer::Text(challenge.to_owned()),
    })
}

/// Reads every entry or nothing: one bad item refuses all.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Report>, Reject> {
    let document = json::parse(body)?;
    let root = Node(&document);
    let mut reports = Vec::new();
    if root.text("/object")? != "whatsapp_business_account" {
        return Ok(reports);
    }
    for entry in root.items("/entry")? {
        for change in entry
            .items("/changes")?
            .filter(|change| change.text_opt("/field") == Some("messages"))
        {
            let value = change.at("/value").ok_or(Reject::MissingField)?;
            let ours = value.id("/metadata/display_phone_number")?;
            let ours = PhoneNumber::parse(ours).map_or_else(|_| ours.to_owned(), String::from);
            for item in value.items_opt("/messages") {
                reports.extend(message(item, &ours)?.map(Report::Message));
            }
            for item in value.items_opt("/statuses") {
                reports.push(Report::Receipt(receipt(item, &ours)?));
            }
        }
    }
    Ok(reports)
}

fn message(item: Node<'_>, to: &str) -> Result<Option<Message>, Reject> {
    let text = match item.text("/type")? {
        "text" => item.text("/text/body")?,
        "button" => item.text("/button/text")?,
        _ => return Ok(None),
    };
    let received_at = Some(timestamp(item.id("/timestamp")?)?);
    Ok(Some(Message {
        received_at,
        ..report::message(item.id("/id")?, item.id("/from")?, to, text)
    }))
}

fn receipt(item: Node<'_>, from: &str) -> Result<Receipt, Reject> {
    let raw_status = item.id("/status")?;
    let status = match raw_status {
        "sent" => ReceiptStatus::Sent,
        "delivered" | "read" => ReceiptStatus::Delivered,
        "failed" => ReceiptStatus::Failed,
        _ => ReceiptStatus::Unknown,
    };
    Ok(Receipt {
        from: Some(Address::new(from)),
        to: item.text_opt("/recipient_id").map(Address::new),
        error_code: item.word_opt("/errors/0/code"),
        occurred_at: item.text_opt("/timestamp").and_then(|text| timestamp(text).ok()),
        ..report::receipt(item.id("/id")?, raw_status, status)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(messages: &str) -> String {
        let metadata = r#"{"display_phone_number":"+1 202-555-0143"}"#;
        let value = format!(r#"{{"metadata":{metadata},"messages":[{messages}]}}"#);
        let change = format!(r#"{{"field":"messages","value":{value}}}"#);
        format!(r#"{{"object":"whatsapp_business_account","entry":[{{"changes":[{change}]}}]}}"#)
    }

    const TEXT: &str =
        r#"{"from":"12025550187","id":"wamid.1","timestamp":"1793534398","type":"text","text":{"body":"x"}}"#;

    #[test]
    fn our_number_is_read_as_people_write_it() {
        let picture = TEXT.replace(r#""type":"text""#, r#""type":"image""#);
        let reports = parse(body(&format!("{picture},{TEXT}")).as_bytes()).unwrap();
        let [Report::Message(message)] = &reports[..] else {
            panic!("{reports:?}")
        };
        assert_eq!(
            (message.to.as_str(), message.from.as_str()),
            ("+12025550143", "+12025550187")
        );
    }

    #[test]
    fn one_bad_message_refuses_the_whole_call() {
        let bad = TEXT.replace("\"id\"", "\"ids\"");
        assert_eq!(
            parse(body(&format!("{TEXT},{bad}")).as_bytes()),
            Err(Reject::MissingField)
        );
    }
}
