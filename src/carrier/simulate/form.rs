//! The requests of the dialects that post forms or put everything into the query.

use serde_json::json;

use super::super::form::Params;
use super::super::mac::{self, Hash};
use super::super::{compat, jwt, plivo as plivo_dialect};
use super::{Draft, Request, SignedRequest};
use crate::core::time::UnixMs;

const FORM: &str = "application/x-www-form-urlencoded";

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn with_token(url: &str, path_token: &str) -> String {
    format!("{}/{path_token}", url.trim_end_matches('/'))
}

/// The parameters that Twilio and SignalWire share.
fn compat_form(account_sid: &str, draft: &Draft) -> String {
    encoded(&[
        ("MessageSid", &draft.id),
        ("AccountSid", account_sid),
        ("From", &draft.from),
        ("To", &draft.to),
        ("Body", &draft.text),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("SmsStatus", "received"),
    ])
}

/// No name repeats in our form, so both ways of sorting agree.
fn compat_signature(key: &str, url: &str, body: &str) -> String {
    let params = Params::parse(body.as_bytes()).expect("it was encoded just now and has few fields");
    let tail = compat::sorted_distinct(&params);
    mac::hmac_base64(Hash::Sha1, key.as_bytes(), &[url.as_bytes(), &tail])
}

pub fn twilio((account_sid, auth_token): (&str, &str), draft: &Draft, url: &str) -> SignedRequest {
    let body = compat_form(account_sid, draft);
    let signature = compat_signature(auth_token, url, &body);
    SignedRequest::post(FORM, url, body, &[("x-twilio-signature", signature)])
}

pub fn signalwire((account_sid, signing_key): (&str, &str), draft: &Draft, url: &str) -> SignedRequest {
    let body = compat_form(account_sid, draft);
    let signature = compat_signature(signing_key, url, &body);
    SignedRequest::post(FORM, url, body, &[("x-signalwire-signature", signature)])
}

pub fn plivo(auth_token: &str, draft: &Draft, url: &str) -> SignedRequest {
    let body = encoded(&[
        ("MessageUUID", &draft.id),
        ("From", draft.from.trim_start_matches('+')),
        ("To", draft.to.trim_start_matches('+')),
        ("Text", &draft.text),
        ("Type", "sms"),
        ("Units", "1"),
    ]);
    // A nonce has to differ from message to message and not to be secret.
    let nonce = mac::sha256_hex(draft.id.as_bytes());
    let headers = http::HeaderMap::new();
    let request = Request {
        method: "POST",
        url,
        headers: &headers,
        body: body.as_bytes(),
    };
    let message = plivo_dialect::signed_bytes_v3(&request, &nonce).expect("it was encoded just now");
    let signature = mac::hmac_base64(Hash::Sha256, auth_token.as_bytes(), &[&message]);
    let headers = [
        ("x-plivo-signature-v3", signature),
        ("x-plivo-signature-v3-nonce", nonce),
    ];
    SignedRequest::post(FORM, url, body, &headers)
}

pub fn messagebird(signing_key: &str, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let sent_at = draft.sent_at.to_string();
    let body = encoded(&[
        ("id", &draft.id),
        ("recipient", draft.to.trim_start_matches('+')),
        ("originator", draft.from.trim_start_matches('+')),
        ("body", &draft.text),
        ("createdDatetime", &sent_at),
    ]);
    let claims = json!({"iss": "MessageBird", "nbf": now.secs(), "exp": now.secs() + 60, "jti": draft.id,
        "url_hash": mac::sha256_hex(url.as_bytes()), "payload_hash": mac::sha256_hex(body.as_bytes())});
    let token = jwt::hs256(signing_key.as_bytes(), &claims);
    SignedRequest::post(FORM, url, body, &[("messagebird-signature-jwt", token)])
}

pub fn clicksend(path_token: &str, draft: &Draft, url: &str) -> SignedRequest {
    let sent_at = draft.sent_at.secs().to_string();
    let body = encoded(&[
        ("message_id", &draft.id),
        ("timestamp", &sent_at),
        ("from", &draft.from),
        ("to", &draft.to),
        ("body", &draft.text),
    ]);
    SignedRequest::post(FORM, &with_token(url, path_token), body, &[])
}

pub fn jasmin(path_token: &str, draft: &Draft, url: &str) -> SignedRequest {
    let utf16: Vec<u8> = draft.text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let body = encoded(&[
        ("id", &draft.id),
        ("from", draft.from.trim_start_matches('+')),
        ("to", draft.to.trim_start_matches('+')),
        ("origin-connector", "simulated"),
        ("binary", &mac::hex(&utf16)),
        ("coding", "8"),
    ]);
    SignedRequest::post(FORM, &with_token(url, path_token), body, &[])
}

pub fn kannel(path_token: &str, draft: &Draft, url: &str) -> SignedRequest {
    let sent_at = draft.sent_at.secs().to_string();
    let query = encoded(&[
        ("id", &draft.id),
        ("from", &draft.from),
        ("to", &draft.to),
        ("ts", &sent_at),
        ("coding", "0"),
        ("charset", "UTF-8"),
        ("text", &draft.text),
    ]);
    let url = format!("{}?{query}", with_token(url, path_token));
    SignedRequest {
        method: "GET",
        url,
        headers: Vec::new(),
        body: Vec::new(),
    }
}
