//! Correctly signed requests in which a piece of the signed bytes was moved over a joint, or the signature put where it is not read.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use http::HeaderMap;
use ringback::carrier::{Carrier, Received, Reject, Request};
use ringback::core::message::Report;
use ringback::core::time::UnixMs;
use sha2::Sha256;

const NOW: UnixMs = UnixMs(1_793_534_400_000);
const URL: &str = "https://gw.example.com/in/main";

fn signature(key: &[u8], message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

fn receive(
    name: &str,
    settings: &str,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Result<Received, Reject> {
    let carrier = Carrier::from_settings(name, toml::from_str(settings).unwrap()).unwrap();
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    carrier.receive(
        &Request {
            method: "POST",
            url: URL,
            headers: &headers,
            body: body.as_bytes(),
        },
        NOW,
    )
}

const BODY: &str = r#"{"type":"message.received","timestamp":"2026-11-01T11:59:58Z","data":{"from":"12025550187","to":"12025550143","text":"code 482913"}}"#;

/// A webhook of the Standard Webhooks kind; `list` puts other signatures around the right one.
fn webhook(id: &str, body: &str, list: impl Fn(String) -> String) -> Result<Received, Reject> {
    let key = [7; 24];
    let settings = format!("secrets = ['whsec_{}']", BASE64_STANDARD.encode(key));
    let signatures = list(format!(
        "v1,{}",
        signature(&key, &format!("{id}.1793534400.{body}"))
    ));
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", "1793534400"),
        ("webhook-signature", signatures.as_str()),
    ];
    receive("standard_webhooks", &settings, &headers, body)
}

#[test]
fn a_webhook_id_holds_no_separator() {
    assert!(webhook("msg_1", BODY, |right| right).is_ok());
    assert_eq!(
        webhook("msg.1", BODY, |right| right).unwrap_err(),
        Reject::MalformedParameter
    );
}

#[test]
fn four_signatures_are_tried_and_no_fifth() {
    let after = |count: usize| move |right: String| format!("{}{right}", "v1,AAAA ".repeat(count));
    assert!(webhook("msg_1", BODY, after(3)).is_ok());
    assert_eq!(
        webhook("msg_1", BODY, after(4)).unwrap_err(),
        Reject::BadSignature
    );
    let of_others = |right: String| format!("{}{right}", "v2,AAAA ".repeat(9));
    assert!(
        webhook("msg_1", BODY, of_others).is_ok(),
        "other versions are passed over"
    );
}

#[test]
fn a_webhook_without_a_message_id_is_known_by_its_own() {
    let received = webhook("msg_1", BODY, |right| right).unwrap();
    let [Report::Message(message)] = &received.reports[..] else {
        panic!("{received:?}")
    };
    assert_eq!(
        (message.dedupe_key.as_str(), message.carrier_message_id.as_str()),
        ("msg_1", "msg_1")
    );
    assert_eq!(message.received_at, Some(UnixMs(1_793_534_398_000)));
    let with_id = BODY.replace(r#""from""#, r#""id":"m-7","from""#);
    let received = webhook("msg_1", &with_id, |right| right).unwrap();
    let [Report::Message(message)] = &received.reports[..] else {
        panic!("{received:?}")
    };
    assert_eq!(
        (message.dedupe_key.as_str(), message.carrier_event_id.as_deref()),
        ("m-7", Some("msg_1"))
    );
}

#[test]
fn another_event_is_acknowledged_without_a_report() {
    let other = BODY.replace("message.received", "message.sent");
    assert!(
        webhook("msg_1", &other, |right| right)
            .unwrap()
            .reports
            .is_empty()
    );
    let broken = BODY.replace(r#""to":"12025550143","#, "");
    assert_eq!(
        webhook("msg_1", &broken, |right| right).unwrap_err(),
        Reject::MissingField
    );
}

#[test]
fn a_plivo_nonce_holds_no_separator() {
    let body = "From=12025550187&MessageUUID=m-1&Text=x&To=12025550143";
    let signed = format!("{URL}?From12025550187MessageUUIDm-1TextxTo12025550143");
    for (nonce, verdict) in [("12", None), ("1.2", Some(Reject::MalformedNonce))] {
        let signature = signature(b"token", &format!("{signed}.{nonce}"));
        let headers = [
            ("x-plivo-signature-v3", signature.as_str()),
            ("x-plivo-signature-v3-nonce", nonce),
        ];
        assert_eq!(
            receive("plivo", "auth_tokens = ['token']", &headers, body).err(),
            verdict,
            "{nonce}"
        );
    }
}

/// The token is right, but it stands in a header that is there twice: a proxy in front may have judged the other one.
#[test]
fn a_header_given_twice_is_no_header() {
    let carrier = Carrier::from_settings(
        "infobip",
        toml::from_str("username = 'u'\npasswords = ['p']").unwrap(),
    );
    let mut headers = HeaderMap::new();
    headers.append("authorization", "Basic dTpw".parse().unwrap());
    let body = br#"{"results":[]}"#;
    let once = headers.clone();
    headers.append("authorization", "Basic dTpw".parse().unwrap());
    let carrier = carrier.unwrap();
    let verdict = |headers: &HeaderMap| {
        carrier
            .receive(
                &Request {
                    method: "POST",
                    url: URL,
                    headers,
                    body,
                },
                NOW,
            )
            .err()
    };
    assert_eq!(
        (verdict(&once), verdict(&headers)),
        (None, Some(Reject::MissingSignature))
    );
}
