//! TextVerified webhooks: base64 HMAC-SHA512 over the body. The scheme is known from public receivers only; there is no time in it:
//! replay is stopped by the idempotency key alone. Renting numbers there is `supplier::textverified`.

use serde::Deserialize;
use serde_json::Value;

use super::json::{self, Node};
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::settings::{SettingsError, rotation};
use super::{Answer, Contents, Reject, Request, report};
use crate::core::message::{Message, Report};
use crate::core::phone;
use crate::core::time::UnixMs;

/// The keys of a source with `carrier = "textverified"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The webhook secret of the dashboard, used as the text it is; two while rotating.
    secrets: Vec<String>,
}

#[derive(Debug)]
pub struct Keys(Rotation<Secret>);

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        rotation(
            "secrets",
            &settings.secrets,
            "texts that are not empty",
            Secret::text,
        )
        .map(Self)
    }

    /// The index of the key that signed these bytes.
    pub fn verify(&self, request: &Request<'_>, _now: UnixMs) -> Result<usize, Reject> {
        let value = request.header("x-webhook-signature", Reject::MissingSignature)?;
        let signature = value
            .strip_prefix("HMAC-SHA512=")
            .ok_or(Reject::MalformedSignature)?;
        let expected = |key: &Secret| mac::hmac_base64(Hash::Sha512, key.bytes(), &[request.body]);
        self.0
            .find(|key| mac::same(&expected(key), signature))
            .ok_or(Reject::BadSignature)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        Ok(Contents {
            reports: parse(request.body)?,
            answer: Answer::Empty,
        })
    }
}

/// Reads a verified body. Events other than inbound SMS (rentals, billing, tests) give no report.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Report>, Reject> {
    let document = camel_case(json::parse(body)?)?;
    let root = Node(&document);
    if root.text("/event")? != "v2.sms.received" {
        return Ok(Vec::new());
    }
    let data = root.at("/data").ok_or(Reject::MissingField)?;
    // The message itself has no id in the webhook.
    let id = if root.at("/idempotencyKey").is_some() {
        root.id("/idempotencyKey")?
    } else {
        root.id("/id")?
    };
    let code = data.text_opt("/parsedCode");
    let text = data
        .text("/smsContent")
        .or_else(|reject| if code.is_some() { Ok("") } else { Err(reject) })?;
    Ok(vec![Report::Message(Message {
        carrier_event_id: root.text_opt("/id").map(str::to_owned),
        received_at: data.time_opt("/createdAt"),
        parsed_code: code.map(str::to_owned),
        reservation_id: data.text_opt("/reservationId").map(str::to_owned),
        ..report::message(
            id,
            data.text_opt("/from").unwrap_or_default(),
            &phone::american(data.id("/to")?),
            text,
        )
    })])
}

/// Two receivers in the open show keys that begin with a capital: the case of the first letter says nothing.
fn camel_case(value: Value) -> Result<Value, Reject> {
    match value {
        Value::Object(members) => {
            let count = members.len();
            let folded = members.into_iter().map(|(mut key, value)| {
                key.get_mut(..1).into_iter().for_each(str::make_ascii_lowercase);
                camel_case(value).map(|value| (key, value))
            });
            let folded = folded.collect::<Result<serde_json::Map<_, _>, Reject>>()?;
            if folded.len() == count {
                Ok(Value::Object(folded))
            } else {
                Err(Reject::MalformedBody)
            }
        }
        Value::Array(items) => items
            .into_iter()
            .map(camel_case)
            .collect::<Result<_, _>>()
            .map(Value::Array),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_in_case_alone_are_duplicates() {
        assert_eq!(
            parse(br#"{"event":"v2.test","Event":"v2.sms.received"}"#),
            Err(Reject::MalformedBody)
        );
        assert_eq!(
            parse(r#"{"event":"v2.test","écart":1,"":2}"#.as_bytes()),
            Ok(Vec::new())
        );
    }
}
