//! How each carrier signs what it says. The bytes that are signed come from the dialects, so that there is one of each.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::super::form::Params;
use super::super::keys::Secret;
use super::super::mac::{self, Hash};
use super::super::{Request, aws_sns, basic, compat, jwt};
use super::super::{plivo, sinch, standard_webhooks as webhooks, telnyx, vonage};
use super::{Body, SignedRequest, Signer, SnsKey};
use crate::core::time::UnixMs;

type Headers = Vec<(&'static str, String)>;

/// What is said, as a request to `url` that is signed at `now`.
pub fn sign(signer: &Signer, body: Body, id: &str, (url, now): (&str, UnixMs)) -> SignedRequest {
    let mut request = match (signer, body) {
        (Signer::AwsSns(key), Body::Json(document)) => return sns_signed(key, document, url),
        (
            Signer::Clicksend { path_token } | Signer::Jasmin { path_token } | Signer::Kannel { path_token },
            body,
        ) => body.to(&format!("{}/{path_token}", url.trim_end_matches('/'))),
        (_, body) => body.to(url),
    };
    let headers = headers(signer, &mut request, id, now);
    let named = headers.into_iter().map(|(name, value)| (name.to_owned(), value));
    request.headers.extend(named);
    request
}

/// The header fields that carry the signature; the one scheme that has a parameter instead appends it.
fn headers(signer: &Signer, request: &mut SignedRequest, id: &str, now: UnixMs) -> Headers {
    let (body, url) = (&request.body, request.url.as_str());
    let body_hex = |key: &str| mac::hmac_hex(Hash::Sha256, key.as_bytes(), &[body]);
    match signer {
        Signer::AwsSns(_) | Signer::Clicksend { .. } | Signer::Jasmin { .. } | Signer::Kannel { .. } => {
            Vec::new()
        }
        Signer::AndroidSmsGateway { signing_key } => android(signing_key, body, now),
        Signer::Bandwidth { username, password } | Signer::Infobip { username, password } => {
            let credentials = basic::encoded(username, password.as_bytes());
            vec![("authorization", format!("Basic {credentials}"))]
        }
        Signer::Bird { secret } | Signer::StandardWebhooks { secret } => webhook(body, id, now, |message| {
            let secret = Secret::base64(secret.trim_start_matches("whsec_")).expect("a signer holds base64");
            format!(
                "v1,{}",
                mac::hmac_base64(Hash::Sha256, secret.bytes(), &[message])
            )
        }),
        Signer::StandardWebhooksV1a { seed } => {
            webhook(body, id, now, |message| format!("v1a,{}", ed25519(seed, message)))
        }
        Signer::Httpsms { signing_key, issuer } => httpsms((signing_key, issuer.as_deref()), url, now),
        Signer::Messagebird { signing_key, scheme } => {
            messagebird((signing_key, scheme.as_deref()), request, id, now)
        }
        Signer::MetaWhatsapp { app_secret, .. } => {
            vec![("x-hub-signature-256", format!("sha256={}", body_hex(app_secret)))]
        }
        Signer::Plivo { auth_token, scheme } => plivo(auth_token, scheme.as_deref(), request, id),
        Signer::Signalwire {
            signing_key, scheme, ..
        } => signalwire(signing_key, scheme.as_deref(), request),
        Signer::Sinch { secret } => sinch_webhook(secret, body, id, now),
        Signer::SinchApplication {
            application_key,
            application_secret,
        } => sinch_application((application_key, application_secret), request, now),
        Signer::Telnyx { seed } => telnyx(seed, body, now),
        Signer::Textbee { secret, .. } => vec![("x-signature", body_hex(secret))],
        Signer::Textverified { secret } => textverified(secret, body),
        Signer::Twilio { auth_token, .. } => {
            vec![(
                "x-twilio-signature",
                compat_signature(Hash::Sha1, auth_token, request),
            )]
        }
        Signer::TwilioShared { shared_key, .. } => twilio_shared(shared_key, request),
        Signer::Vonage {
            api_key,
            signature_secret,
            scheme,
        } => match scheme.as_deref().filter(|scheme| *scheme != "jwt") {
            None => vonage_jwt((api_key, signature_secret), body, id, now),
            Some(scheme) => vonage_sig(scheme, signature_secret, request),
        },
    }
}

fn android(key: &str, body: &[u8], now: UnixMs) -> Headers {
    let at = now.secs().to_string();
    let signature = mac::hmac_hex(Hash::Sha256, key.as_bytes(), &[body, at.as_bytes()]);
    vec![("x-signature", signature), ("x-timestamp", at)]
}

fn httpsms((key, issuer): (&str, Option<&str>), url: &str, now: UnixMs) -> Headers {
    let issuer = issuer.unwrap_or("api.httpsms.com");
    let claims = json!({"iss": issuer, "sub": "simulated", "aud": [url], "iat": now.secs(),
        "nbf": now.minus_ms(600_000).secs(), "exp": now.plus_ms(600_000).secs()});
    bearer(key, &claims)
}

fn sinch_webhook(secret: &str, body: &[u8], id: &str, now: UnixMs) -> Headers {
    // A nonce has to differ from message to message and not to be secret.
    let (nonce, at) = (mac::sha256_hex(id.as_bytes()), now.secs().to_string());
    let message = sinch::signed_bytes(body, &nonce, &at);
    let signature = mac::hmac_base64(Hash::Sha256, secret.as_bytes(), &[&message]);
    vec![
        ("x-sinch-webhook-signature", signature),
        ("x-sinch-webhook-signature-nonce", nonce),
        ("x-sinch-webhook-signature-timestamp", at),
        ("x-sinch-webhook-signature-algorithm", "HmacSHA256".to_owned()),
    ]
}

fn telnyx(seed: &str, body: &[u8], now: UnixMs) -> Headers {
    let at = now.secs().to_string();
    let signature = ed25519(seed, &telnyx::signed_bytes(&at, body));
    vec![("telnyx-signature-ed25519", signature), ("telnyx-timestamp", at)]
}

fn textverified(secret: &str, body: &[u8]) -> Headers {
    let signature = mac::hmac_base64(Hash::Sha512, secret.as_bytes(), &[body]);
    vec![("x-webhook-signature", format!("HMAC-SHA512={signature}"))]
}

fn twilio_shared(key: &str, request: &SignedRequest) -> Headers {
    let stated = "key=simulated,algorithm=HMAC_SHA256".to_owned();
    vec![
        ("x-twilio-signature", compat_signature(Hash::Sha256, key, request)),
        ("x-twilio-webhooks-signature-settings", stated),
    ]
}

fn vonage_jwt((api_key, secret): (&str, &str), body: &[u8], id: &str, now: UnixMs) -> Headers {
    let claims = json!({"iat": now.secs(), "jti": id, "iss": "Vonage", "api_key": api_key,
        "payload_hash": mac::sha256_hex(body)});
    bearer(secret, &claims)
}

fn vonage_sig(scheme: &str, secret: &str, request: &mut SignedRequest) -> Headers {
    let params = Params::parse(&request.body).expect("it was encoded just now and has few fields");
    let sig = vonage::sig(scheme, secret, &params);
    request.body.extend(format!("&sig={sig}").bytes());
    Vec::new()
}

fn bearer(secret: &str, claims: &Value) -> Headers {
    vec![(
        "authorization",
        format!("Bearer {}", jwt::hs256(secret.as_bytes(), claims)),
    )]
}

fn webhook(body: &[u8], id: &str, now: UnixMs, signature: impl Fn(&[u8]) -> String) -> Headers {
    let at = now.secs().to_string();
    let id = format!("msg_{}", id.replace('.', "_"));
    let signature = signature(&webhooks::signed_bytes(&id, &at, body));
    vec![
        ("webhook-id", id),
        ("webhook-timestamp", at),
        ("webhook-signature", signature),
    ]
}

/// No name repeats in our forms, so Twilio's and SignalWire's ways of sorting agree.
fn compat_signature(hash: Hash, key: &str, request: &SignedRequest) -> String {
    let params = Params::parse(&request.body).expect("it was encoded just now and has few fields");
    let tail = compat::sorted_distinct(&params);
    mac::hmac_base64(hash, key.as_bytes(), &[request.url.as_bytes(), &tail])
}

fn signalwire(key: &str, scheme: Option<&str>, request: &SignedRequest) -> Headers {
    let over = |hash| mac::hmac_hex(hash, key.as_bytes(), &[request.url.as_bytes(), &request.body]);
    vec![match scheme {
        Some("json") => ("x-signalwire-signature", over(Hash::Sha1)),
        Some("json_sha256") => ("x-signalwire-sha256-signature", over(Hash::Sha256)),
        _ => (
            "x-signalwire-signature",
            compat_signature(Hash::Sha1, key, request),
        ),
    }]
}

fn plivo(token: &str, scheme: Option<&str>, request: &SignedRequest, id: &str) -> Headers {
    let nonce = mac::sha256_hex(id.as_bytes());
    let sign = |message: &[u8]| mac::hmac_base64(Hash::Sha256, token.as_bytes(), &[message]);
    if scheme == Some("v2") {
        let message = [plivo::without_query(&request.url), &nonce].concat();
        return vec![
            ("x-plivo-signature-v2", sign(message.as_bytes())),
            ("x-plivo-signature-v2-nonce", nonce),
        ];
    }
    let unsigned = Request {
        method: request.method,
        url: &request.url,
        headers: &http::HeaderMap::new(),
        body: &request.body,
    };
    let message = plivo::signed_bytes_v3(&unsigned, &nonce).expect("it was encoded just now");
    vec![
        ("x-plivo-signature-v3", sign(&message)),
        ("x-plivo-signature-v3-nonce", nonce),
    ]
}

fn messagebird(
    (key, scheme): (&str, Option<&str>),
    request: &SignedRequest,
    id: &str,
    now: UnixMs,
) -> Headers {
    let body = &request.body;
    if scheme == Some("legacy") {
        let at = now.secs().to_string();
        let query = request.url.split_once('?').map_or("", |(_, query)| query);
        // Our queries are plain: encoded once more they stay what they are, and here they only have to be sorted.
        let mut sorted: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
        sorted.sort_unstable();
        let head = format!("{at}\n{}\n", sorted.join("&"));
        let message = [head.as_bytes(), &mac::sha256(body)].concat();
        let signature = mac::hmac_base64(Hash::Sha256, key.as_bytes(), &[&message]);
        return vec![
            ("messagebird-signature", signature),
            ("messagebird-request-timestamp", at),
        ];
    }
    let mut claims = json!({"iss": "MessageBird", "nbf": now.secs(), "exp": now.secs() + 60, "jti": id,
        "url_hash": mac::sha256_hex(request.url.as_bytes())});
    if !body.is_empty() {
        claims["payload_hash"] = mac::sha256_hex(body).into();
    }
    vec![("messagebird-signature-jwt", jwt::hs256(key.as_bytes(), &claims))]
}

fn sinch_application((key, secret): (&str, &str), request: &SignedRequest, now: UnixMs) -> Headers {
    let at = now.to_string();
    let secret = Secret::base64(secret).expect("a signer holds base64");
    let unsigned = Request {
        method: request.method,
        url: &request.url,
        headers: &http::HeaderMap::new(),
        body: &request.body,
    };
    let message = sinch::signed_text_application(&unsigned, "application/json", &at);
    let signature = mac::hmac_base64(Hash::Sha256, secret.bytes(), &[message.as_bytes()]);
    vec![
        ("authorization", format!("application {key}:{signature}")),
        ("x-timestamp", at),
    ]
}

/// What SNS posts first to a new subscription: a GET of `subscribe_url` confirms it.
pub fn aws_sns_confirmation(key: &SnsKey, subscribe_url: &str, url: &str, now: UnixMs) -> SignedRequest {
    let document = json!({"Type": "SubscriptionConfirmation", "MessageId": "simulated", "Token": "simulated",
        "TopicArn": key.topic_arn, "Message": "You have chosen to subscribe.", "SubscribeURL": subscribe_url,
        "Timestamp": now.to_string(), "SignatureVersion": "2", "SigningCertURL": key.certificate_url});
    sns_signed(key, document, url)
}

fn sns_signed(key: &SnsKey, mut document: Value, url: &str) -> SignedRequest {
    let text = aws_sns::signed_text(&document).expect("every signed name was written above");
    let der = BASE64_STANDARD
        .decode(&key.private_key)
        .expect("a signer holds the base64 that it was given");
    let pair = RsaKeyPair::from_pkcs8(&der).expect("a signer holds an RSA key in PKCS #8");
    let mut signature = vec![0; pair.public().modulus_len()];
    let blinding = ring::rand::SystemRandom::new();
    let signed = pair.sign(&RSA_PKCS1_SHA256, &blinding, text.as_bytes(), &mut signature);
    signed.expect("the buffer is as long as the modulus");
    document["Signature"] = BASE64_STANDARD.encode(signature).into();
    let mut request = Body::Json(document).to(url);
    "text/plain; charset=UTF-8".clone_into(&mut request.headers[0].1);
    request
}

fn ed25519(seed: &str, message: &[u8]) -> String {
    BASE64_STANDARD.encode(signing_key(seed).sign(message).to_bytes())
}

/// The base64 of the public key that belongs to a private seed.
pub fn public_key(seed: &str) -> String {
    BASE64_STANDARD.encode(signing_key(seed).verifying_key().as_bytes())
}

fn signing_key(seed: &str) -> SigningKey {
    SigningKey::from_bytes(&seed_bytes(seed).expect("a signer holds a seed of 32 bytes"))
}

fn seed_bytes(seed: &str) -> Option<[u8; 32]> {
    BASE64_STANDARD.decode(seed).ok()?.try_into().ok()
}

/// Whether the private key that somebody brought is one.
pub fn can_sign(signer: &Signer) -> bool {
    match signer {
        Signer::Telnyx { seed } | Signer::StandardWebhooksV1a { seed } => seed_bytes(seed).is_some(),
        Signer::AwsSns(key) => {
            let der = BASE64_STANDARD.decode(&key.private_key);
            der.is_ok_and(|der| RsaKeyPair::from_pkcs8(&der).is_ok())
        }
        _ => true,
    }
}
