//! One builder per dialect: the payload in the carrier's own layout and the signature over it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;

use super::super::form::Params;
use super::super::keys::Secret;
use super::super::mac::{self, Hash};
use super::super::{standard_webhooks, telnyx, twilio};
use super::{Draft, SignedRequest, Signer};
use crate::core::time::UnixMs;

/// The request with which the carrier brings `draft` to `url`, signed at `now`.
pub fn signed(signer: &Signer, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    match signer {
        Signer::StandardWebhooks { secret } => standard_webhooks_request(secret, draft, url, now),
        Signer::Telnyx { seed } => telnyx_request(seed, draft, url, now),
        Signer::Twilio {
            account_sid,
            auth_token,
        } => {
            let body = twilio_form(account_sid, draft);
            let tail = twilio::sorted(&Params::parse(body.as_bytes()).expect("it was encoded just now"));
            let message = [url.as_bytes(), tail.as_bytes()];
            let signature = mac::hmac_base64(Hash::Sha1, auth_token.as_bytes(), &message);
            form(url, body, [("x-twilio-signature", signature)])
        }
    }
}

fn standard_webhooks_request(secret: &str, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let data = json!({"id": draft.id, "from": draft.from, "to": draft.to, "text": draft.text,
        "received_at": draft.sent_at.to_string()});
    let body =
        json!({"type": "sms.received", "timestamp": draft.sent_at.to_string(), "data": data}).to_string();
    let (id, at) = (
        format!("msg_{}", draft.id.replace('.', "_")),
        now.secs().to_string(),
    );
    let secret =
        Secret::base64(secret.trim_start_matches("whsec_")).expect("a signer holds the base64 that it made");
    let message = standard_webhooks::signed_bytes(&id, &at, body.as_bytes());
    let signature = format!(
        "v1,{}",
        mac::hmac_base64(Hash::Sha256, secret.bytes(), &[&message])
    );
    json(
        url,
        body,
        [
            ("webhook-id", id),
            ("webhook-timestamp", at),
            ("webhook-signature", signature),
        ],
    )
}

fn telnyx_request(seed: &str, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let payload = json!({"id": draft.id, "direction": "inbound", "type": "SMS", "text": draft.text, "media": [],
        "from": {"phone_number": draft.from}, "to": [{"phone_number": draft.to}], "parts": 1,
        "received_at": draft.sent_at.to_string()});
    let body = json!({"data": {"record_type": "event", "event_type": "message.received",
        "id": format!("evt-{}", draft.id), "occurred_at": draft.sent_at.to_string(), "payload": payload}});
    let (body, at) = (body.to_string(), now.secs().to_string());
    let signature = signing_key(seed).sign(&telnyx::signed_bytes(&at, body.as_bytes()));
    let signature = BASE64_STANDARD.encode(signature.to_bytes());
    json(
        url,
        body,
        [("telnyx-signature-ed25519", signature), ("telnyx-timestamp", at)],
    )
}

fn twilio_form(account_sid: &str, draft: &Draft) -> String {
    encoded(&[
        ("MessageSid", &draft.id),
        ("AccountSid", account_sid),
        ("From", &draft.from),
        ("To", &draft.to),
        ("Body", &draft.text),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("SmsStatus", "received"),
        ("ApiVersion", "2010-04-01"),
    ])
}

/// The base64 of the public key that belongs to a private seed.
pub(super) fn public_key(seed: &str) -> String {
    BASE64_STANDARD.encode(signing_key(seed).verifying_key().as_bytes())
}

fn signing_key(seed: &str) -> SigningKey {
    let seed = BASE64_STANDARD
        .decode(seed)
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    SigningKey::from_bytes(&seed.expect("a signer holds the 32 byte seed that it made"))
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn json<const N: usize>(url: &str, body: String, headers: [(&str, String); N]) -> SignedRequest {
    posted("application/json", url, body, headers)
}

fn form<const N: usize>(url: &str, body: String, headers: [(&str, String); N]) -> SignedRequest {
    posted("application/x-www-form-urlencoded", url, body, headers)
}

fn posted<const N: usize>(
    media_type: &str,
    url: &str,
    body: String,
    headers: [(&str, String); N],
) -> SignedRequest {
    let content_type = ("content-type", media_type.to_owned());
    let headers = std::iter::once(content_type)
        .chain(headers)
        .map(|(name, value)| (name.to_owned(), value));
    SignedRequest {
        method: "POST",
        url: url.to_owned(),
        headers: headers.collect(),
        body: body.into_bytes(),
    }
}
