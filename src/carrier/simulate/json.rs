//! The requests of the dialects that post JSON.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::super::keys::Secret;
use super::super::mac::{self, Hash};
use super::super::{aws_sns as aws_sns_dialect, basic, jwt};
use super::super::{sinch as sinch_dialect, standard_webhooks as webhooks, telnyx as telnyx_dialect};
use super::{Draft, SignedRequest, SnsKey};
use crate::core::time::UnixMs;

fn post(url: &str, body: String, headers: &[(&str, String)]) -> SignedRequest {
    SignedRequest::post("application/json", url, body, headers)
}

fn digits(number: &str) -> &str {
    number.trim_start_matches('+')
}

pub fn android_sms_gateway(signing_key: &str, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let payload = json!({"messageId": draft.id, "message": draft.text, "sender": draft.from,
        "recipient": draft.to, "simNumber": 1, "receivedAt": draft.sent_at.to_string()});
    let body = json!({"id": format!("evt-{}", draft.id), "webhookId": "simulated", "deviceId": "simulated",
        "event": "sms:received", "payload": payload});
    let (body, at) = (body.to_string(), now.secs().to_string());
    let message = [body.as_bytes(), at.as_bytes()];
    let signature = mac::hmac_hex(Hash::Sha256, signing_key.as_bytes(), &message);
    post(url, body, &[("x-signature", signature), ("x-timestamp", at)])
}

/// `now` stands in the body as the time of publication, as SNS has it.
pub fn aws_sns(key: &SnsKey, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let sms = json!({"originationNumber": draft.from, "destinationNumber": draft.to, "messageBody": draft.text,
        "messageKeyword": "KEYWORD", "inboundMessageId": draft.id});
    let document = json!({"Type": "Notification", "MessageId": format!("evt-{}", draft.id),
        "TopicArn": key.topic_arn, "Message": sms.to_string(), "Timestamp": now.to_string(),
        "SignatureVersion": "2", "SigningCertURL": key.certificate_url});
    sns_signed(key, document, url)
}

/// What SNS posts first to a new subscription: a GET of `subscribe_url` confirms it.
pub fn aws_sns_confirmation(key: &SnsKey, subscribe_url: &str, url: &str, now: UnixMs) -> SignedRequest {
    let document = json!({"Type": "SubscriptionConfirmation", "MessageId": "simulated", "Token": "simulated",
        "TopicArn": key.topic_arn, "Message": "You have chosen to subscribe.", "SubscribeURL": subscribe_url,
        "Timestamp": now.to_string(), "SignatureVersion": "2", "SigningCertURL": key.certificate_url});
    sns_signed(key, document, url)
}

fn sns_signed(key: &SnsKey, mut document: Value, url: &str) -> SignedRequest {
    let text = aws_sns_dialect::signed_text(&document).expect("every signed name was written above");
    let der = BASE64_STANDARD
        .decode(&key.private_key)
        .expect("a signer holds the base64 that it was given");
    let pair = RsaKeyPair::from_pkcs8(&der).expect("a signer holds an RSA key in PKCS #8");
    let mut signature = vec![0; pair.public().modulus_len()];
    let blinding = ring::rand::SystemRandom::new();
    let signed = pair.sign(&RSA_PKCS1_SHA256, &blinding, text.as_bytes(), &mut signature);
    signed.expect("the buffer is as long as the modulus");
    document["Signature"] = BASE64_STANDARD.encode(signature).into();
    SignedRequest::post("text/plain; charset=UTF-8", url, document.to_string(), &[])
}

fn authorization((username, password): (&str, &str)) -> [(&'static str, String); 1] {
    [(
        "authorization",
        format!("Basic {}", basic::encoded(username, password.as_bytes())),
    )]
}

pub fn bandwidth(credentials: (&str, &str), draft: &Draft, url: &str) -> SignedRequest {
    let at = draft.sent_at.to_string();
    let message = json!({"id": draft.id, "time": at, "from": draft.from, "to": [draft.to], "owner": draft.to,
        "text": draft.text, "direction": "in", "segmentCount": 1});
    let body = json!([{"type": "message-received", "time": at, "to": draft.to, "message": message}]);
    post(url, body.to_string(), &authorization(credentials))
}

pub fn infobip(credentials: (&str, &str), draft: &Draft, url: &str) -> SignedRequest {
    let result = json!({"messageId": draft.id, "from": digits(&draft.from), "to": digits(&draft.to),
        "text": draft.text, "receivedAt": draft.sent_at.to_string(), "smsCount": 1});
    let body = json!({"results": [result], "messageCount": 1, "pendingMessageCount": 0});
    post(url, body.to_string(), &authorization(credentials))
}

pub fn standard_webhooks(secret: &str, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let data = json!({"id": draft.id, "from": draft.from, "to": draft.to, "text": draft.text,
        "received_at": draft.sent_at.to_string()});
    webhook(secret, &data, draft, (url, now))
}

pub fn bird(secret: &str, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let data = json!({"sms_id": draft.id, "from": draft.from, "to": draft.to, "text": draft.text,
        "segments": {"count": 1, "encoding": "UCS2"}});
    webhook(secret, &data, draft, (url, now))
}

fn webhook(secret: &str, data: &Value, draft: &Draft, (url, now): (&str, UnixMs)) -> SignedRequest {
    let body =
        json!({"type": "sms.received", "timestamp": draft.sent_at.to_string(), "data": data}).to_string();
    let (id, at) = (
        format!("msg_{}", draft.id.replace('.', "_")),
        now.secs().to_string(),
    );
    let secret = Secret::base64(secret.trim_start_matches("whsec_")).expect("a signer holds base64");
    let message = webhooks::signed_bytes(&id, &at, body.as_bytes());
    let signature = format!(
        "v1,{}",
        mac::hmac_base64(Hash::Sha256, secret.bytes(), &[&message])
    );
    post(
        url,
        body,
        &[
            ("webhook-id", id),
            ("webhook-timestamp", at),
            ("webhook-signature", signature),
        ],
    )
}

pub fn httpsms(signing_key: &str, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let at = draft.sent_at.to_string();
    let data = json!({"message_id": draft.id, "owner": draft.to, "contact": draft.from, "content": draft.text,
        "timestamp": at, "encrypted": false, "sim": "SIM1"});
    let body = json!({"specversion": "1.0", "id": format!("evt-{}", draft.id), "time": at,
        "source": "/v1/messages/receive", "type": "message.phone.received", "data": data});
    let claims = json!({"iss": "api.httpsms.com", "sub": "simulated", "aud": [url], "iat": now.secs(),
        "nbf": now.minus_ms(600_000).secs(), "exp": now.plus_ms(600_000).secs()});
    let token = jwt::hs256(signing_key.as_bytes(), &claims);
    post(
        url,
        body.to_string(),
        &[("authorization", format!("Bearer {token}"))],
    )
}

pub fn meta_whatsapp(app_secret: &str, draft: &Draft, url: &str) -> SignedRequest {
    let message = json!({"from": digits(&draft.from), "id": draft.id, "type": "text",
        "timestamp": draft.sent_at.secs().to_string(), "text": {"body": draft.text}});
    let metadata = json!({"display_phone_number": digits(&draft.to), "phone_number_id": "1"});
    let value = json!({"messaging_product": "whatsapp", "metadata": metadata, "messages": [message]});
    let entry = json!({"id": "1", "changes": [{"field": "messages", "value": value}]});
    let body = json!({"object": "whatsapp_business_account", "entry": [entry]}).to_string();
    let signature = mac::hmac_hex(Hash::Sha256, app_secret.as_bytes(), &[body.as_bytes()]);
    post(
        url,
        body,
        &[("x-hub-signature-256", format!("sha256={signature}"))],
    )
}

pub fn sinch(secret: &str, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let body = json!({"type": "mo_text", "id": draft.id, "from": digits(&draft.from), "to": digits(&draft.to),
        "body": draft.text, "received_at": draft.sent_at.to_string()});
    let (body, at) = (body.to_string(), now.secs().to_string());
    let nonce = mac::sha256_hex(draft.id.as_bytes());
    let message = sinch_dialect::signed_bytes(body.as_bytes(), &nonce, &at);
    let signature = mac::hmac_base64(Hash::Sha256, secret.as_bytes(), &[&message]);
    let headers = [
        ("x-sinch-webhook-signature", signature),
        ("x-sinch-webhook-signature-nonce", nonce),
        ("x-sinch-webhook-signature-timestamp", at),
        ("x-sinch-webhook-signature-algorithm", "HmacSHA256".to_owned()),
    ];
    post(url, body, &headers)
}

pub fn telnyx(seed: &str, draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let sent_at = draft.sent_at.to_string();
    let payload = json!({"id": draft.id, "direction": "inbound", "type": "SMS", "text": draft.text, "media": [],
        "from": {"phone_number": draft.from}, "to": [{"phone_number": draft.to}], "parts": 1,
        "received_at": sent_at});
    let body = json!({"data": {"record_type": "event", "event_type": "message.received",
        "id": format!("evt-{}", draft.id), "occurred_at": sent_at, "payload": payload}});
    let (body, at) = (body.to_string(), now.secs().to_string());
    let signature = signing_key(seed).sign(&telnyx_dialect::signed_bytes(&at, body.as_bytes()));
    let signature = BASE64_STANDARD.encode(signature.to_bytes());
    post(
        url,
        body,
        &[("telnyx-signature-ed25519", signature), ("telnyx-timestamp", at)],
    )
}

/// The base64 of the public key that belongs to a private seed.
pub fn public_key(seed: &str) -> String {
    BASE64_STANDARD.encode(signing_key(seed).verifying_key().as_bytes())
}

fn signing_key(seed: &str) -> SigningKey {
    let seed = BASE64_STANDARD
        .decode(seed)
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    SigningKey::from_bytes(&seed.expect("a signer holds a seed of 32 bytes"))
}

pub fn textbee(secret: &str, draft: &Draft, url: &str) -> SignedRequest {
    let body = json!({"smsId": draft.id, "message": draft.text, "sender": draft.from, "deviceId": "simulated",
        "webhookEvent": "MESSAGE_RECEIVED", "idempotencyKey": format!("evt-{}", draft.id),
        "receivedAt": draft.sent_at.to_string()});
    let body = body.to_string();
    let signature = mac::hmac_hex(Hash::Sha256, secret.as_bytes(), &[body.as_bytes()]);
    post(url, body, &[("x-signature", signature)])
}

/// The carrier sends American numbers without their country code.
pub fn textverified(secret: &str, draft: &Draft, url: &str) -> SignedRequest {
    let at = draft.sent_at.to_string();
    let to = draft.to.strip_prefix("+1").unwrap_or(&draft.to);
    let data =
        json!({"from": draft.from, "to": to, "createdAt": at, "smsContent": draft.text, "encrypted": false});
    let body = json!({"attempt": 1, "occurredAt": at, "event": "v2.sms.received", "data": data,
        "id": format!("evt-{}", draft.id), "idempotencyKey": draft.id});
    let body = body.to_string();
    let signature = mac::hmac_base64(Hash::Sha512, secret.as_bytes(), &[body.as_bytes()]);
    post(
        url,
        body,
        &[("x-webhook-signature", format!("HMAC-SHA512={signature}"))],
    )
}

pub fn vonage((api_key, secret): (&str, &str), draft: &Draft, url: &str, now: UnixMs) -> SignedRequest {
    let body = json!({"channel": "sms", "message_type": "text", "message_uuid": draft.id, "text": draft.text,
        "from": digits(&draft.from), "to": digits(&draft.to), "timestamp": draft.sent_at.to_string()});
    let body = body.to_string();
    let claims = json!({"iat": now.secs(), "jti": draft.id, "iss": "Vonage", "api_key": api_key,
        "payload_hash": mac::sha256_hex(body.as_bytes())});
    let token = jwt::hs256(secret.as_bytes(), &claims);
    post(url, body, &[("authorization", format!("Bearer {token}"))])
}
