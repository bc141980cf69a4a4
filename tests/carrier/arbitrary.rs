//! Any request to any source gets a verdict, and any text that a carrier brings arrives byte for byte.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use ringback::carrier::simulate::{Draft, Signer, signed};
use ringback::carrier::{Carrier, NAMES, Request};
use ringback::core::message::Report;
use ringback::core::time::UnixMs;

use super::golden::FILES;
use super::vectors::load;

const NOW: UnixMs = UnixMs(1_793_534_400_000);

const HEADERS: &[&str] = &[
    "authorization",
    "content-type",
    "messagebird-request-timestamp",
    "messagebird-signature",
    "messagebird-signature-jwt",
    "telnyx-signature-ed25519",
    "telnyx-timestamp",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-hub-signature-256",
    "x-plivo-signature-v2",
    "x-plivo-signature-v2-nonce",
    "x-plivo-signature-v3",
    "x-plivo-signature-v3-nonce",
    "x-signature",
    "x-signalwire-sha256-signature",
    "x-signalwire-signature",
    "x-sinch-webhook-signature",
    "x-sinch-webhook-signature-nonce",
    "x-sinch-webhook-signature-timestamp",
    "x-timestamp",
    "x-twilio-signature",
    "x-twilio-webhooks-signature-settings",
    "x-webhook-signature",
];

const VALUES: &[&str] = &[
    "1793534400",
    "Bearer a.b.c",
    "Bearer eyJhbGciOiJIUzI1NiJ9.e30.",
    "Basic !!",
    "application a:b",
    "v1, v1a,AAAA",
    "sha256=",
    "HMAC-SHA512=",
    "=",
    ".",
    "application/json",
    "application/x-www-form-urlencoded",
    "key=,algorithm=HMAC_SHA256",
];

/// One source of every scheme that the vectors have.
fn carriers() -> Vec<Carrier> {
    let mut schemes = std::collections::BTreeSet::new();
    let vectors = FILES.iter().flat_map(|(file, _)| load(file));
    let new = |vector: &super::vectors::Vector| {
        schemes.insert((
            vector.scheme.clone(),
            vector.key.get("method").cloned().map(|m| m.to_string()),
        ))
    };
    vectors.filter(new).map(|vector| vector.source()).collect()
}

fn draft(text: &str, id: &str) -> Draft {
    Draft {
        id: id.to_owned(),
        from: "+12025550187".to_owned(),
        to: "+12025550143".to_owned(),
        text: text.to_owned(),
        sent_at: NOW,
    }
}

#[test]
fn any_request_gets_a_verdict() {
    let carriers = carriers();
    assert!(carriers.len() > 25);
    let value = prop_oneof![
        select(VALUES).prop_map(|v| v.as_bytes().to_vec()),
        vec(0x20u8..=0xff, 0..40)
    ];
    let headers = vec((select(HEADERS), value), 0..8);
    let url = prop_oneof![
        Just("https://gw.example.com/in/0123456789abcdef".to_owned()),
        "[ -~]{0,60}",
        "https?://[a-z:@\\[\\].]{0,12}[/?#&=%a-z]{0,30}",
    ];
    let input = (
        select(&["GET", "POST", "PUT", ""][..]),
        url,
        headers,
        vec(any::<u8>(), 0..120),
    );
    proptest!(ProptestConfig::with_cases(512), |((method, url, pairs, body) in input)| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        let request = Request { method, url: &url, headers: &headers, body: &body };
        for carrier in &carriers {
            prop_assert!(carrier.receive(&request, NOW).is_err(), "{} accepted noise", carrier.name());
        }
    });
}

#[test]
fn any_text_arrives_byte_for_byte() {
    for name in NAMES.iter().filter(|name| !["aws_sns", "generic"].contains(name)) {
        let signer = Signer::generate(name, &std::array::from_fn(|n| u8::try_from(n * 3).unwrap())).unwrap();
        let carrier = Carrier::from_settings(name, signer.settings()).unwrap();
        proptest!(ProptestConfig::with_cases(48), |(text in "(?s).{0,60}", id in "[!-~]{1,24}")| {
            let sent = signed(&signer, &draft(&text, &id), "https://gw.example.com/in/main", NOW);
            let mut headers = HeaderMap::new();
            for (name, value) in &sent.headers {
                headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
            }
            let request = Request { method: sent.method, url: &sent.url, headers: &headers, body: &sent.body };
            let received = carrier.receive(&request, NOW);
            let received = received.map_err(|reject| TestCaseError::fail(format!("{name}: {reject}")))?;
            let [Report::Message(message)] = &received.reports[..] else { panic!("{name}: {received:?}") };
            prop_assert_eq!((&message.text, &message.carrier_message_id), (&text, &id), "{}", name);
        });
    }
}
