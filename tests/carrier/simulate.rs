//! Every signer's request is accepted by the source made from its settings, and no longer once a byte is changed.

use http::{HeaderMap, HeaderName, HeaderValue};
use ringback::carrier::simulate::{
    Draft, ReceiptDraft, SignedRequest, Signer, SnsKey, signed, signed_receipt,
};
use ringback::carrier::{Carrier, NAMES, Received, Reject, Request};
use ringback::core::message::{ReceiptStatus, Report};
use ringback::core::time::UnixMs;

const NOW: UnixMs = UnixMs(1_793_534_400_500);
const URL: &str = "https://gw.example.com/in/main";

fn draft() -> Draft {
    Draft {
        id: "m-1".to_owned(),
        from: "+12025550187".to_owned(),
        to: "+12025550143".to_owned(),
        text: "Your Examplo code is 482913 — déjà & 100% +1 🔐".to_owned(),
        sent_at: UnixMs(1_793_534_398_000),
    }
}

fn random(start: u8) -> [u8; 64] {
    std::array::from_fn(|n| start.wrapping_add(u8::try_from(n).unwrap().wrapping_mul(37)))
}

fn receive(carrier: &Carrier, request: &SignedRequest) -> Result<Received, Reject> {
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
    carrier.receive(&request, NOW)
}

/// The signer of a dialect, from dice or, for the one that needs an RSA key, from a file; `generic` has none.
fn signer(name: &str, start: u8) -> Option<Signer> {
    if name != "aws_sns" {
        return Signer::generate(name, &random(start));
    }
    let file = |name: &str| {
        let path = format!("{}/fixtures/carrier/aws_sns/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    };
    Some(Signer::AwsSns(SnsKey {
        private_key: file("simulator_key.pem")
            .lines()
            .filter(|line| !line.starts_with("---"))
            .collect(),
        certificate: file("simulator_certificate.pem"),
        certificate_url: format!("https://sns.us-east-1.amazonaws.com/{start}.pem"),
        topic_arn: format!("arn:aws:sns:us-east-1:123456789012:topic-{start}"),
    }))
}

fn dialects(start: u8) -> impl Iterator<Item = (&'static str, Signer)> {
    let named = |name: &&'static str| {
        (
            *name,
            signer(name, start).unwrap_or_else(|| panic!("{name} has no signer")),
        )
    };
    NAMES
        .iter()
        .filter(|name| **name != "generic")
        .map(named)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Every other scheme that a carrier may be configured with.
fn schemes() -> Vec<Signer> {
    let with = |name: &str, scheme: &str| {
        let mut table = toml::Table::try_from(signer(name, 7).unwrap()).unwrap();
        table.insert("scheme".to_owned(), scheme.into());
        table.try_into::<Signer>().unwrap()
    };
    let mut all: Vec<_> = ["md5hash", "md5", "sha1", "sha256", "sha512"]
        .map(|scheme| with("vonage", scheme))
        .into();
    all.extend(["json", "json_sha256"].map(|scheme| with("signalwire", scheme)));
    all.extend([with("plivo", "v2"), with("messagebird", "legacy")]);
    let seed = "UORsmeqEqC/U7z8n2JbbwQexsRJEPtgvJqpV5Na0/m4=".to_owned();
    all.push(Signer::StandardWebhooksV1a { seed });
    all.push(Signer::TwilioShared {
        account_sid: "AC1".to_owned(),
        shared_key: "k".to_owned(),
    });
    all.push(Signer::SinchApplication {
        application_key: "669E367E".to_owned(),
        application_secret: "KIuBj70PouWxaTbPowV3Gg==".to_owned(),
    });
    all
}

#[test]
fn every_scheme_accepts_its_signer_and_no_changed_body() {
    for signer in schemes() {
        let name = format!("{} {:?}", signer.carrier(), signer.settings().get("scheme"));
        let carrier = carrier(signer.carrier(), &signer);
        let request = signed(&signer, &draft(), URL, NOW);
        let received = receive(&carrier, &request).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        let [Report::Message(message)] = &received.reports[..] else {
            panic!("{name}: {received:?}")
        };
        assert_eq!(
            (&message.text, &message.carrier_message_id),
            (&draft().text, &draft().id),
            "{name}"
        );
        // V2 covers the URL alone.
        if !name.contains("v2") {
            let mut changed = request;
            changed.body[3] ^= 1;
            assert!(receive(&carrier, &changed).is_err(), "{name}");
        }
    }
}

/// The dialects that have no receipts, or none that we read.
const WITHOUT_RECEIPTS: &[&str] = &[
    "aws_sns",
    "bird",
    "clicksend",
    "httpsms",
    "standard_webhooks",
    "textbee",
    "textverified",
];

#[test]
fn every_dialect_with_receipts_accepts_its_signers() {
    let all = dialects(9).map(|(_, signer)| signer).chain(schemes());
    for signer in all {
        let name = signer.carrier();
        let events_only = signer
            .settings()
            .get("scheme")
            .is_some_and(|s| s.as_str().unwrap().starts_with("json"));
        for (delivered, status) in [(true, ReceiptStatus::Delivered), (false, ReceiptStatus::Failed)] {
            let draft = ReceiptDraft {
                id: "out-1".to_owned(),
                from: "+12025550143".to_owned(),
                to: "+12025550187".to_owned(),
                delivered,
                at: UnixMs(1_793_534_398_000),
            };
            let Some(request) = signed_receipt(&signer, &draft, URL, NOW) else {
                assert!(WITHOUT_RECEIPTS.contains(&name) || events_only, "{name}");
                continue;
            };
            assert!(!WITHOUT_RECEIPTS.contains(&name), "{name}");
            let received = receive(&carrier(name, &signer), &request);
            let received = received.unwrap_or_else(|reject| panic!("{name}: {reject}"));
            let [Report::Receipt(receipt)] = &received.reports[..] else {
                panic!("{name}: {received:?}")
            };
            assert_eq!(receipt.carrier_message_id, "out-1", "{name}");
            let failed = [ReceiptStatus::Failed, ReceiptStatus::Undelivered];
            let right = if delivered {
                receipt.status == status
            } else {
                failed.contains(&receipt.status)
            };
            assert!(right, "{name}: {receipt:?}");
            if let Some(to) = &receipt.to {
                assert_eq!(to.as_str(), draft.to, "{name}");
            }
        }
    }
}

/// The source's settings are enough to sign for it, but for the two whose private half only the carrier has.
#[test]
fn a_signer_comes_back_from_its_settings() {
    for signer in dialects(9).map(|(_, signer)| signer).chain(schemes()) {
        let (name, settings) = (signer.carrier(), signer.settings());
        let private = match &signer {
            Signer::Telnyx { seed } | Signer::StandardWebhooksV1a { seed } => Some(seed.clone()),
            Signer::AwsSns(key) => Some(key.private_key.clone()),
            _ => None,
        };
        let back = Signer::from_settings(name, &settings, 0, private.as_deref());
        assert_eq!(back.as_ref(), Ok(&signer), "{name}");
        if private.is_some() {
            let without = Signer::from_settings(name, &settings, 0, None).unwrap_err();
            assert!(without.contains("private"), "{name}: {without}");
        }
    }
    let mut two = signer("plivo", 1).unwrap().settings();
    two["auth_tokens"].as_array_mut().unwrap().push("second".into());
    let second = Signer::from_settings("plivo", &two, 1, None).unwrap();
    assert_eq!(second.settings()["auth_tokens"][0].as_str(), Some("second"));
    let generic = Signer::from_settings("generic", &toml::Table::new(), 0, None).unwrap_err();
    assert!(generic.contains("generic"), "{generic}");
}

fn carrier(name: &str, signer: &Signer) -> Carrier {
    Carrier::from_settings(name, signer.settings()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn every_dialect_accepts_its_signer() {
    for (name, signer) in dialects(1) {
        assert_eq!(signer.carrier(), name);
        let received = receive(&carrier(name, &signer), &signed(&signer, &draft(), URL, NOW));
        let received = received.unwrap_or_else(|reject| panic!("{name}: {reject}"));
        let [Report::Message(message)] = &received.reports[..] else {
            panic!("{name}: {received:?}")
        };
        assert_eq!(message.text, draft().text, "{name}");
        assert_eq!(message.from.as_str(), draft().from, "{name}");
        assert_eq!(message.to.as_str(), draft().to, "{name}");
        assert_eq!(message.carrier_message_id, draft().id, "{name}");
        assert_eq!(received.key_index, 0, "{name}");
    }
}

/// These carriers sign nothing, or nothing of the body: their credentials are covered by `a_flipped_byte_of_the_url_is_refused` and of
/// the headers below.
const BODY_NOT_COVERED: &[&str] = &["bandwidth", "clicksend", "httpsms", "infobip", "jasmin", "kannel"];

#[test]
fn a_flipped_byte_of_the_body_is_refused() {
    for (name, signer) in dialects(2).filter(|(name, _)| !BODY_NOT_COVERED.contains(name)) {
        let carrier = carrier(name, &signer);
        let request = signed(&signer, &draft(), URL, NOW);
        assert!(!request.body.is_empty(), "{name}");
        for at in 0..request.body.len() {
            let mut changed = request.clone();
            changed.body[at] ^= 1;
            assert!(
                receive(&carrier, &changed).is_err(),
                "{name}: byte {at} of the body is not covered"
            );
        }
    }
}

#[test]
fn a_flipped_byte_of_a_header_is_refused() {
    for (name, signer) in dialects(2) {
        let carrier = carrier(name, &signer);
        let request = signed(&signer, &draft(), URL, NOW);
        for header in 1..request.headers.len() {
            for at in 0..request.headers[header].1.len() {
                let mut changed = request.clone();
                let mut bytes = changed.headers[header].1.clone().into_bytes();
                bytes[at] ^= 1;
                changed.headers[header].1 = String::from_utf8(bytes).unwrap();
                let field = &request.headers[header].0;
                assert!(
                    receive(&carrier, &changed).is_err(),
                    "{name}: byte {at} of {field} is not covered"
                );
            }
        }
    }
}

#[test]
fn a_flipped_byte_of_a_path_token_is_refused() {
    for (name, signer) in dialects(2).filter(|(name, _)| ["clicksend", "jasmin", "kannel"].contains(name)) {
        let carrier = carrier(name, &signer);
        let request = signed(&signer, &draft(), URL, NOW);
        for at in URL.len() + 1..request.url.find('?').unwrap_or(request.url.len()) {
            let mut bytes = request.url.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = SignedRequest {
                url: String::from_utf8(bytes).unwrap(),
                ..request.clone()
            };
            assert!(
                receive(&carrier, &changed).is_err(),
                "{name}: byte {at} of the URL"
            );
        }
    }
}

#[test]
fn another_signer_is_refused() {
    for ((name, ours), (_, theirs)) in dialects(3).zip(dialects(4)) {
        assert!(
            receive(&carrier(name, &ours), &signed(&theirs, &draft(), URL, NOW)).is_err(),
            "{name}"
        );
    }
}

#[test]
fn a_signer_survives_its_file_and_hides_itself() {
    for (name, signer) in dialects(5) {
        let file = toml::to_string(&signer).unwrap();
        assert_eq!(toml::from_str::<Signer>(&file).unwrap(), signer, "{name}");
        assert_eq!(format!("{signer:?}"), format!("Signer({name}, <secret>)"));
    }
    assert_eq!(Signer::generate("nobody", &random(6)), None);
}
