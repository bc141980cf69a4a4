//! A vector's `key` as the settings of a source: the names of the schemes beside those of `config.toml`.

use serde_json::Value;

use super::Captured;
use crate::carrier::{NAMES, SettingsError};

/// Stands in for the number of a phone whose app does not state it, where the file does not either. No phone has it.
pub const NUMBER_UNKNOWN: &str = "+10000000000";

/// How a setting comes of a member of the vector's `key`.
enum From {
    /// A list of one.
    List(&'static str),
    Text(&'static str),
    /// As it stands there.
    Whole(&'static str),
    /// Not from the key.
    Fixed(&'static str),
}
use From::{Fixed, List, Text, Whole};

/// The settings of each scheme's source.
#[rustfmt::skip]
const SCHEMES: &[(&str, &[(&str, From)])] = &[
    ("android_sms_gateway", &[("signing_keys", List("secret"))]),
    ("aws_sns", &[("topic_arns", Whole("allowed_topic_arns")), ("certificates", Whole("certs"))]),
    ("basic_auth", &[("username", Text("username")), ("passwords", List("password"))]),
    ("httpsms_jwt", &[("signing_keys", List("signing_key"))]),
    ("messagebird_jwt", &[("signing_keys", List("signing_key"))]),
    ("messagebird_legacy", &[("signing_keys", List("signing_key")), ("scheme", Fixed("legacy"))]),
    ("meta_hub_sha256", &[("app_secrets", List("app_secret")), ("verify_tokens", List("verify_token"))]),
    ("meta_handshake", &[("app_secrets", List("app_secret")), ("verify_tokens", List("verify_token"))]),
    ("plivo_v2", &[("auth_tokens", List("auth_token")), ("scheme", Fixed("v2"))]),
    ("plivo_v3", &[("auth_tokens", List("auth_token"))]),
    ("signalwire_compat", &[("signing_keys", List("signing_key")), ("account_sid", Text("account_sid"))]),
    ("signalwire_json",
        &[("signing_keys", List("signing_key")), ("account_sid", Text("account_sid")), ("scheme", Fixed("json"))]),
    ("signalwire_json_sha256",
        &[("signing_keys", List("signing_key")), ("account_sid", Text("account_sid")), ("scheme", Fixed("json_sha256"))]),
    ("sinch_application",
        &[("application_key", Text("application_key")), ("application_secrets", List("application_secret"))]),
    ("sinch_webhook", &[("secrets", List("secret"))]),
    ("standard_webhooks", &[("secrets", Whole("secrets"))]),
    ("standard_webhooks_v1a", &[("public_keys", Whole("public_keys"))]),
    ("telnyx_ed25519", &[("public_keys", List("public_key_base64"))]),
    ("textbee_hmac", &[("secrets", List("secret")), ("number", Fixed(NUMBER_UNKNOWN))]),
    ("textverified_hmac_sha512", &[("secrets", List("secret"))]),
    ("twilio_hmac_sha1", &[("auth_tokens", List("auth_token")), ("account_sid", Text("account_sid"))]),
    ("twilio_sharedkey", &[("shared_keys", List("secret")), ("account_sid", Text("account_sid"))]),
    ("url_token", &[("path_tokens", List("token"))]),
    ("vonage_jwt", &[("signature_secrets", List("signature_secret")), ("api_key", Text("api_key"))]),
    ("vonage_sig",
        &[("signature_secrets", List("signature_secret")), ("api_key", Text("api_key")), ("scheme", Text("method"))]),
];

/// The carrier's name and the settings that the file describes.
pub fn settings(captured: &Captured, carrier: &str) -> Result<(&'static str, toml::Table), SettingsError> {
    // The newer platform's vectors stand in the older one's file.
    let of_bird = carrier == "messagebird" && captured.scheme.as_deref() == Some("standard_webhooks");
    let carrier = if of_bird { "bird" } else { carrier };
    let known = NAMES.iter().find(|name| **name == carrier);
    let name = known.ok_or_else(|| SettingsError::UnknownCarrier(carrier.to_owned()))?;
    let Some(scheme) = &captured.scheme else {
        let table = toml::Table::try_from(&captured.key);
        return Ok((name, table.map_err(|_| shape("`key` holds what no setting is"))?));
    };
    let schemes = || {
        SCHEMES
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let known = SCHEMES.iter().find(|(known, _)| known == scheme);
    let (_, members) = known.ok_or_else(|| {
        shape(format!(
            "unknown `scheme`: write one of {}, or leave it out",
            schemes()
        ))
    })?;
    let mut table = toml::Table::new();
    for (setting, from) in *members {
        table.insert((*setting).to_owned(), value(captured, from)?);
    }
    if scheme == "android_sms_gateway" {
        table.insert("numbers".to_owned(), phones(captured).into());
    }
    Ok((name, table))
}

fn value(captured: &Captured, from: &From) -> Result<toml::Value, SettingsError> {
    let member = |name: &str| {
        let value = captured.key.get(name);
        value.ok_or_else(|| shape(format!("missing field `key.{name}`")))
    };
    let text = |name: &str| {
        let text = member(name)?.as_str();
        text.map(toml::Value::from)
            .ok_or_else(|| shape(format!("`key.{name}` must be a string")))
    };
    Ok(match from {
        List(name) => toml::Value::Array(vec![text(name)?]),
        Text(name) => text(name)?,
        Whole(name) => toml::Value::try_from(member(name)?)
            .map_err(|_| shape(format!("`key.{name}` holds what no setting is")))?,
        Fixed(value) => (*value).into(),
    })
}

/// The phone of this one request, whose number the app may leave out.
fn phones(captured: &Captured) -> toml::Table {
    let document: Value = serde_json::from_slice(&captured.body).unwrap_or_default();
    let device = document["deviceId"].as_str();
    let phone = device.map(|device| (device.to_owned(), NUMBER_UNKNOWN.into()));
    phone.into_iter().collect()
}

fn shape(message: impl Into<String>) -> SettingsError {
    SettingsError::Shape(message.into())
}
