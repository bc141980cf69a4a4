//! The rules that hold for all carriers, each where an official library may be laxer. Three need sockets and stand elsewhere: 8 (stored,
//! answered, and only then worked on) in `tests/sources/limits.rs`, 9 (one answer for every refusal) in `tests/bad_input/carriers.rs`,
//! 10 (5xx for those who give up on 4xx) in both.

use http::{HeaderMap, HeaderName, HeaderValue};
use ringback::carrier::simulate::{Draft, SignedRequest, Signer, signed};
use ringback::carrier::{Carrier, NAMES, Received, Reject, Request};
use ringback::core::message::Report;
use ringback::core::time::UnixMs;

pub const NOW: UnixMs = UnixMs(1_793_534_400_000);
pub const URL: &str = "https://gw.example.com/in/main";

pub fn draft(text: &str) -> Draft {
    Draft {
        id: "m-1".to_owned(),
        from: "+12025550187".to_owned(),
        to: "+12025550143".to_owned(),
        text: text.to_owned(),
        sent_at: UnixMs(1_793_534_398_000),
    }
}

pub fn signer(name: &str, start: u8) -> Signer {
    let random = std::array::from_fn(|n| start.wrapping_add(u8::try_from(n).unwrap().wrapping_mul(41)));
    Signer::generate(name, &random).unwrap_or_else(|| panic!("{name} has no signer"))
}

pub fn carrier(name: &str, settings: toml::Table) -> Carrier {
    Carrier::from_settings(name, settings).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// All but the one without dice and the one without a scheme of its own.
pub fn simulated() -> impl Iterator<Item = &'static str> {
    NAMES
        .iter()
        .copied()
        .filter(|name| !["aws_sns", "generic"].contains(name))
}

fn receive_at(carrier: &Carrier, request: &SignedRequest, now: UnixMs) -> Result<Received, Reject> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let request = Request {
        method: request.method,
        url: &request.url,
        headers: &headers,
        body: &request.body,
    };
    carrier.receive(&request, now)
}

pub fn receive(carrier: &Carrier, request: &SignedRequest) -> Result<Received, Reject> {
    receive_at(carrier, request, NOW)
}

fn plus(seconds: i64) -> UnixMs {
    UnixMs(NOW.0.checked_add_signed(seconds * 1000).unwrap())
}

/// Rule 1: the raw bytes are signed, not the value that they stand for.
#[test]
fn a_reserialised_body_is_refused() {
    for name in [
        "android_sms_gateway",
        "bird",
        "meta_whatsapp",
        "sinch",
        "standard_webhooks",
        "telnyx",
        "textbee",
        "textverified",
        "vonage",
    ] {
        let signer = signer(name, 1);
        let mut request = signed(&signer, &draft("code 482913"), URL, NOW);
        let value: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        request.body = serde_json::to_vec_pretty(&value).unwrap();
        assert!(
            receive(&carrier(name, signer.settings()), &request).is_err(),
            "{name}"
        );
    }
}

/// Rule 2: the URL is the configured one; what the request says of its host changes nothing.
#[test]
fn host_headers_are_not_believed() {
    for name in ["twilio", "signalwire", "plivo", "messagebird", "httpsms"] {
        let signer = signer(name, 1);
        let carrier = carrier(name, signer.settings());
        let lies = |mut request: SignedRequest| {
            for (header, value) in [
                ("host", "gw.example.com"),
                ("x-forwarded-host", "gw.example.com"),
                ("x-forwarded-proto", "https"),
            ] {
                request.headers.push((header.to_owned(), value.to_owned()));
            }
            request
        };
        let right = lies(signed(&signer, &draft("x"), URL, NOW));
        assert!(receive(&carrier, &right).is_ok(), "{name}");
        let elsewhere = SignedRequest {
            url: "https://other.example.com/in/main".to_owned(),
            ..right
        };
        assert!(receive(&carrier, &elsewhere).is_err(), "{name}");
    }
}

/// Rule 3: the encoded forms are compared, so another spelling of the same bytes is another signature.
#[test]
fn another_spelling_of_a_signature_is_refused() {
    for (name, header) in [
        ("twilio", "x-twilio-signature"),
        ("signalwire", "x-signalwire-signature"),
        ("plivo", "x-plivo-signature-v3"),
        ("sinch", "x-sinch-webhook-signature"),
        ("telnyx", "telnyx-signature-ed25519"),
    ] {
        let signer = signer(name, 1);
        let carrier = carrier(name, signer.settings());
        let request = signed(&signer, &draft("x"), URL, NOW);
        let at = request
            .headers
            .iter()
            .position(|(name, _)| name == header)
            .unwrap();
        let spelled = |change: &dyn Fn(&str) -> String| {
            let mut request = request.clone();
            request.headers[at].1 = change(&request.headers[at].1);
            receive(&carrier, &request).is_ok()
        };
        assert!(spelled(&str::to_owned), "{name}");
        assert!(
            !spelled(&|text| text.trim_end_matches('=').to_owned()),
            "{name}: without padding"
        );
        assert!(!spelled(&|text| format!("{text}=")), "{name}: with more padding");
        assert!(!spelled(&loose_bits), "{name}: with loose bits at its end");
    }
}

/// Sets the lowest bit of the last base64 digit before the padding, which a lenient decoder throws away.
fn loose_bits(text: &str) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=');
    let (head, last) = digits.split_at(digits.len() - 1);
    let value = alphabet.find(last).unwrap();
    format!(
        "{head}{}{}",
        &alphabet[value ^ 1..=value ^ 1],
        &text[digits.len()..]
    )
}

/// Rule 4: neither algorithm nor scheme is taken from the request.
#[test]
fn a_request_does_not_choose_its_algorithm() {
    let signer = signer("twilio", 1);
    let mut request = signed(&signer, &draft("x"), URL, NOW);
    let settings = (
        "x-twilio-webhooks-signature-settings".to_owned(),
        "key=k,algorithm=HMAC_SHA1".to_owned(),
    );
    request.headers.push(settings);
    assert!(
        receive(&carrier("twilio", signer.settings()), &request).is_ok(),
        "the auth token's scheme has no such header"
    );
    let mut shared = signer.settings();
    let tokens = shared.remove("auth_tokens").unwrap();
    shared.insert("shared_keys".to_owned(), tokens);
    assert_eq!(
        receive(&carrier("twilio", shared), &request).unwrap_err(),
        Reject::UnsupportedAlgorithm
    );
}

/// Rule 5: without a signature there is a long random path, or no source.
#[test]
fn short_path_tokens_are_refused() {
    for name in ["clicksend", "jasmin", "kannel"] {
        for (token, right) in [
            ("short", false),
            ("0123456789abcdef0123456789abcde", false),
            ("0123456789abcdef0123456789abcdef", true),
        ] {
            let settings =
                toml::Table::from_iter([("path_tokens".to_owned(), toml::Value::Array(vec![token.into()]))]);
            assert_eq!(
                Carrier::from_settings(name, settings).is_ok(),
                right,
                "{name}: {token}"
            );
        }
    }
}

/// Rule 5: where the carrier's own check covers no body, a long random path may be asked for besides, and is then asked for.
#[test]
fn a_path_token_may_stand_beside_a_check_that_covers_no_body() {
    let (token, other) = (
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdee",
    );
    for name in ["bandwidth", "infobip", "httpsms", "plivo"] {
        let signer = signer(name, 1);
        let with = |token: &str| {
            let mut settings = signer.settings();
            settings.insert("path_tokens".to_owned(), toml::Value::Array(vec![token.into()]));
            Carrier::from_settings(name, settings)
        };
        assert!(with("short").is_err(), "{name}");
        let carrier = with(token).unwrap();
        let at = |url: &str| receive(&carrier, &signed(&signer, &draft("x"), url, NOW)).map(|_| ());
        assert_eq!(at(&format!("{URL}/{token}")), Ok(()), "{name}");
        for url in [URL.to_owned(), format!("{URL}/{other}")] {
            assert_eq!(at(&url), Err(Reject::BadCredentials), "{name} {url}");
        }
    }
}

/// Rule 6: 300 s both ways where a time is signed, or what `window_s` says.
#[test]
fn a_signed_time_is_fresh_for_five_minutes() {
    for name in [
        "android_sms_gateway",
        "bird",
        "sinch",
        "standard_webhooks",
        "telnyx",
        "vonage",
    ] {
        let signer = signer(name, 1);
        let request = signed(&signer, &draft("x"), URL, NOW);
        for (window_s, inside, outside) in [(None, 300, 301), (Some(10), 10, 11), (Some(900), 900, 901)] {
            let mut settings = signer.settings();
            settings.extend(window_s.map(|seconds: i64| ("window_s".to_owned(), seconds.into())));
            let carrier = carrier(name, settings);
            for sign in [1, -1] {
                assert!(
                    receive_at(&carrier, &request, plus(sign * inside)).is_ok(),
                    "{name} {window_s:?}"
                );
                let late = receive_at(&carrier, &request, plus(sign * outside));
                assert_eq!(late.unwrap_err(), Reject::StaleTimestamp, "{name} {window_s:?}");
            }
        }
    }
}

/// Rule 6: a token states its own life.
#[test]
fn a_token_lives_as_long_as_it_says() {
    for (name, before, after) in [("messagebird", -6, 66), ("httpsms", -606, 606)] {
        let signer = signer(name, 1);
        let carrier = carrier(name, signer.settings());
        let request = signed(&signer, &draft("x"), URL, NOW);
        assert!(receive_at(&carrier, &request, plus(5)).is_ok(), "{name}");
        for at in [before, after] {
            assert_eq!(
                receive_at(&carrier, &request, plus(at)).unwrap_err(),
                Reject::StaleTimestamp,
                "{name} {at}"
            );
        }
    }
}

/// Rule 6: without a signed time, and with one, a repeated request has the same dedupe key at any time.
#[test]
fn a_repeated_request_has_the_same_dedupe_key() {
    for name in simulated() {
        let signer = signer(name, 1);
        let carrier = carrier(name, signer.settings());
        let key = |request: &SignedRequest, at| match &receive_at(&carrier, request, at).unwrap().reports[..]
        {
            [Report::Message(message)] => message.dedupe_key.clone(),
            other => panic!("{name}: {other:?}"),
        };
        let later = plus(86_400);
        let again = signed(&signer, &draft("x"), URL, later);
        assert_eq!(
            key(&signed(&signer, &draft("x"), URL, NOW), NOW),
            key(&again, later),
            "{name}"
        );
    }
}

/// Rule 7: what is signed without separators could be cut differently; the fields that count are there once.
#[test]
fn a_doubled_parameter_is_refused() {
    for (name, field) in [
        ("twilio", "Body"),
        ("twilio", "AccountSid"),
        ("signalwire", "From"),
        ("plivo", "Text"),
        ("messagebird", "body"),
        ("clicksend", "body"),
        ("jasmin", "id"),
    ] {
        let signer = signer(name, 1);
        let request = signed(&signer, &draft("x"), URL, NOW);
        let mut doubled = request.clone();
        doubled.body.extend(format!("&{field}=x").bytes());
        assert!(
            receive(&carrier(name, signer.settings()), &request).is_ok(),
            "{name}"
        );
        assert!(
            receive(&carrier(name, signer.settings()), &doubled).is_err(),
            "{name} {field}"
        );
    }
}

/// Rule 7 where nothing but the rule holds: the same text twice is one text to Twilio's signature.
#[test]
fn a_repeated_value_is_refused_although_its_signature_holds() {
    let signer = signer("twilio", 1);
    let mut request = signed(&signer, &draft("x"), URL, NOW);
    request.body.extend(b"&Body=x");
    let verdict = receive(&carrier("twilio", signer.settings()), &request);
    assert_eq!(verdict.unwrap_err(), Reject::MalformedParameter);
}

/// Rule 11: two keys at a time, and the index tells which one is still in use.
#[test]
fn two_keys_are_valid_at_a_time() {
    for name in simulated() {
        let mut tables = [1, 2, 3].map(|start| toml::Table::try_from(signer(name, start)).unwrap());
        let [first, rest @ ..] = &mut tables;
        for other in rest {
            for account in ["account_sid", "api_key", "username"]
                .iter()
                .filter(|key| first.contains_key(**key))
            {
                other.insert((*account).to_owned(), first[*account].clone());
            }
        }
        let [old, new, foreign] = tables.map(|table| table.try_into::<Signer>().unwrap());
        let mut settings = old.settings();
        for (key, value) in new.settings() {
            if let toml::Value::Array(more) = value {
                settings[&key].as_array_mut().unwrap().extend(more);
            }
        }
        let both = carrier(name, settings);
        let index =
            |signer: &Signer| receive(&both, &signed(signer, &draft("x"), URL, NOW)).map(|got| got.key_index);
        assert_eq!((index(&old), index(&new)), (Ok(0), Ok(1)), "{name}");
        assert!(index(&foreign).is_err(), "{name}");
    }
}

/// Rule 12: digits alone get their `+`.
#[test]
fn digits_become_a_number() {
    for name in [
        "plivo",
        "sinch",
        "infobip",
        "messagebird",
        "meta_whatsapp",
        "vonage",
        "jasmin",
    ] {
        let signer = signer(name, 1);
        let received = receive(
            &carrier(name, signer.settings()),
            &signed(&signer, &draft("x"), URL, NOW),
        )
        .unwrap();
        let [Report::Message(message)] = &received.reports[..] else {
            panic!("{name}")
        };
        assert_eq!(
            (message.from.as_str(), message.to.as_str()),
            ("+12025550187", "+12025550143"),
            "{name}"
        );
    }
}
