//! Three carriers with keys of their own, and the requests they post: real, forged and repeated ones.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, Mac};
use ringback::carrier::simulate::{Draft, SignedRequest, Signer, signed};
use ringback::clock::Clock;
use ringback::core::time::UnixMs;
use sha1::Sha1;
use toml::{Table, Value};

use super::client::{Call, Reply};

pub const TELNYX: &str = "telnyx";
pub const TWILIO: &str = "twilio";
pub const STANDARD: &str = "standard";

/// The sources of every gateway here: name and the carrier's side of its keys.
pub fn signers() -> Vec<(&'static str, Signer)> {
    let carriers = [
        (TELNYX, "telnyx"),
        (TWILIO, "twilio"),
        (STANDARD, "standard_webhooks"),
    ];
    let made = carriers.iter().zip(7u8..).map(|((name, carrier), seed)| {
        let random = std::array::from_fn(|at| seed.wrapping_mul(31) ^ u8::try_from(at).unwrap_or(0));
        (
            *name,
            Signer::generate(carrier, &random).expect("these carriers can be simulated"),
        )
    });
    made.collect()
}

pub fn signer(name: &str) -> Signer {
    signers()
        .into_iter()
        .find(|(known, _)| *known == name)
        .expect("one of the three")
        .1
}

/// The URL entered at the carrier; signed, and never called.
pub fn public_url(name: &str) -> String {
    format!("https://gw.example.com/inbound/{name}")
}

/// The `[[source]]` tables of the three.
pub fn sources() -> Value {
    let table = |(name, signer): (&str, Signer)| {
        let mut table: Table = signer.settings();
        table.insert("name".into(), name.into());
        table.insert("carrier".into(), signer.carrier().into());
        table.insert("public_url".into(), public_url(name).into());
        Value::Table(table)
    };
    Value::Array(signers().into_iter().map(table).collect())
}

/// A message sent now.
pub fn draft(id: &str, to: &str, text: &str) -> Draft {
    let sent_at = Clock::System.now();
    Draft {
        id: id.into(),
        from: "+12025550199".into(),
        to: to.into(),
        text: text.into(),
        sent_at,
    }
}

/// The request of this source's carrier, signed now.
pub fn request(source: &str, draft: &Draft) -> SignedRequest {
    request_at(source, draft, Clock::System.now())
}

pub fn request_at(source: &str, draft: &Draft, at: UnixMs) -> SignedRequest {
    signed(&signer(source), draft, &public_url(source), at)
}

/// The request as a call to `/inbound/{source}`.
pub fn call(source: &str, request: &SignedRequest) -> Call {
    let query = request
        .url
        .split_once('?')
        .map(|(_, query)| format!("?{query}"))
        .unwrap_or_default();
    let call = Call::new(request.method, &format!("/inbound/{source}{query}")).body(request.body.clone());
    request
        .headers
        .iter()
        .fold(call, |call, (name, value)| call.header(name, value))
}

/// Posts a message as this carrier does.
pub async fn post(address: SocketAddr, source: &str, draft: &Draft) -> Reply {
    call(source, &request(source, draft)).send(address).await
}

/// The same message with the text changed after it was signed.
pub fn forged(source: &str, draft: &Draft, other_text: &str) -> Call {
    let honest = request(source, draft);
    let lie = request(
        source,
        &Draft {
            text: other_text.into(),
            ..draft.clone()
        },
    );
    call(
        source,
        &SignedRequest {
            body: lie.body,
            ..honest
        },
    )
}

/// Twilio's GET form: the parameters in the query, and the signature over the whole URL alone.
pub fn twilio_get(draft: &Draft) -> Call {
    twilio_query(&[
        ("MessageSid", &draft.id),
        ("From", &draft.from),
        ("To", &draft.to),
        ("Body", &draft.text),
        ("NumMedia", "0"),
    ])
}

/// A status callback of Twilio in the same form.
pub fn twilio_status(id: &str, status: &str) -> Call {
    twilio_query(&[
        ("MessageSid", id),
        ("From", "+12025550143"),
        ("To", "+12025550199"),
        ("MessageStatus", status),
    ])
}

/// What Twilio says of a call that it made.
pub fn twilio_call(id: &str, status: &str) -> Call {
    twilio_query(&[
        ("CallSid", id),
        ("From", "+12025550143"),
        ("To", "+12025550199"),
        ("CallStatus", status),
        ("Direction", "outbound-api"),
    ])
}

/// What Telnyx says of a TeXML call that it made: a form, signed now.
pub fn telnyx_call(id: &str, status: &str) -> Call {
    let Signer::Telnyx { seed } = signer(TELNYX) else {
        unreachable!("it was made so")
    };
    let seed = BASE64_STANDARD.decode(seed).expect("base64");
    let key = SigningKey::from_bytes(&seed.try_into().expect("32 bytes"));
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("CallSid", id),
            ("From", "+12025550143"),
            ("To", "+12025550199"),
            ("CallStatus", status),
        ])
        .finish();
    let at = Clock::System.now().secs();
    let signature = key.sign(format!("{at}|{body}").as_bytes());
    Call::new("POST", &format!("/inbound/{TELNYX}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("telnyx-timestamp", &at.to_string())
        .header(
            "telnyx-signature-ed25519",
            &BASE64_STANDARD.encode(signature.to_bytes()),
        )
        .body(body)
}

fn twilio_query(pairs: &[(&str, &str)]) -> Call {
    let Signer::Twilio {
        account_sid,
        auth_token,
    } = signer(TWILIO)
    else {
        unreachable!("it was made so")
    };
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .append_pair("AccountSid", &account_sid)
        .finish();
    let url = format!("{}?{query}", public_url(TWILIO));
    let mut mac = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("any length is a key");
    mac.update(url.as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    Call::get(&format!("/inbound/{TWILIO}?{query}")).header("x-twilio-signature", &signature)
}
