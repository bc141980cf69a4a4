//! Changes one character of the body, the URL or a header of every request that a vector accepts. No changed request is accepted, but
//! for the places listed here, which no signature covers, each with its reason; and then nothing else may change with it.

use std::collections::BTreeMap;

use http::HeaderMap;
use ringback::carrier::Request;
use ringback::core::message::Report;

use super::golden::{FILES, receive};
use super::vectors::{Vector, load};

/// A changed request.
struct Mutant {
    part: Part,
    at: usize,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Body,
    Url,
    Header(String),
}

/// Another character of the same kind, so that the request stays well-formed.
fn other(byte: u8) -> u8 {
    match byte {
        b'9' => b'0',
        b'z' => b'a',
        b'Z' => b'A',
        b'0'..=b'8' | b'a'..=b'y' | b'A'..=b'Y' => byte + 1,
        0x20..=0x7e => {
            if byte == b'~' {
                b'-'
            } else {
                byte ^ 1
            }
        }
        _ => byte ^ 1,
    }
}

fn changed(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = other(bytes[at]);
    bytes
}

/// Headers that take part in the scheme.
fn signs(name: &str) -> bool {
    ["signature", "timestamp", "nonce", "authorization", "webhook-id"]
        .iter()
        .any(|part| name.contains(part))
}

fn mutants(vector: &Vector) -> Vec<Mutant> {
    let request = vector.request();
    // An ed25519 check takes a thousand times as long as an HMAC without optimisation.
    let step = if vector.scheme.contains("ed25519") || vector.scheme.ends_with("v1a") {
        9
    } else {
        1
    };
    let same = |part, at| Mutant {
        part,
        at,
        url: request.url.to_owned(),
        headers: request.headers.clone(),
        body: request.body.to_vec(),
    };
    let mut mutants = Vec::new();
    for at in (0..request.body.len()).step_by(step) {
        mutants.push(Mutant {
            body: changed(request.body, at),
            ..same(Part::Body, at)
        });
    }
    for at in (0..request.url.len()).step_by(step) {
        let url = String::from_utf8(changed(request.url.as_bytes(), at)).unwrap();
        mutants.push(Mutant {
            url,
            ..same(Part::Url, at)
        });
    }
    for (name, value) in request.headers.iter().filter(|(name, _)| signs(name.as_str())) {
        for at in (0..value.len()).step_by(step) {
            let mut mutant = same(Part::Header(name.as_str().to_owned()), at);
            let value = http::HeaderValue::from_bytes(&changed(value.as_bytes(), at)).unwrap();
            mutant.headers.insert(name, value);
            mutants.push(mutant);
        }
    }
    mutants
}

/// Why a part of the request is not covered by its scheme, as documented in the dialect.
fn not_covered(vector: &Vector, mutant: &Mutant) -> Option<&'static str> {
    match &mutant.part {
        Part::Body => body_not_covered(vector, mutant.at),
        Part::Url => url_not_covered(vector, mutant.at),
        Part::Header(name) => header_not_covered(vector, name),
    }
}

/// Whether `at` lies within the first `needle` of `text`.
fn within(at: usize, needle: &str, text: &str) -> bool {
    text.find(needle)
        .is_some_and(|start| (start..start + needle.len()).contains(&at))
}

fn body_not_covered(vector: &Vector, at: usize) -> Option<&'static str> {
    match vector.scheme.as_str() {
        "basic_auth" => Some("credentials only: the carrier signs nothing"),
        "httpsms_jwt" => Some("the token holds no hash of the body"),
        "plivo_v2" => Some("V2 signs the URL and the nonce only"),
        "url_token" => Some("a secret path only: the carrier signs nothing"),
        "aws_sns" => {
            let body = String::from_utf8_lossy(vector.request().body).into_owned();
            let value = body
                .split("\"UnsubscribeURL\"")
                .nth(1)
                .and_then(|rest| rest.split('"').nth(1));
            let unsigned =
                value.is_some_and(|value| within(at, value, &body)) || within(at, "UnsubscribeURL", &body);
            unsigned.then_some("UnsubscribeURL is not among the signed names")
        }
        _ => None,
    }
}

fn url_not_covered(vector: &Vector, at: usize) -> Option<&'static str> {
    let url = vector.url.as_str();
    let before_query = || at < url.find('?').unwrap_or(url.len());
    let secret = |name: &str| within(at, vector.key[name].as_str().unwrap(), url);
    match vector.scheme.as_str() {
        "twilio_hmac_sha1" | "twilio_sharedkey" => {
            let authority = url.split('/').nth(2)?;
            let port = authority.find(':').map(|colon| &authority[colon..])?;
            within(at, port, url).then_some("the URL may be signed without its port, whatever it is")
        }
        "plivo_v2" => (!before_query()).then_some("V2 signs no query"),
        "plivo_v3" | "signalwire_compat" | "signalwire_json" | "signalwire_json_sha256" => None,
        "messagebird_jwt" | "httpsms_jwt" => None,
        "messagebird_legacy" => before_query().then_some("of the URL, only the query is signed"),
        "vonage_sig" if vector.method == "GET" => {
            before_query().then_some("of the URL, only the query is signed")
        }
        "sinch_application" => {
            let path = url.splitn(4, '/').nth(3)?;
            (!within(at, path, url)).then_some("of the URL, only the path is signed")
        }
        "url_token" => (!secret("token")).then_some("of the URL, only the path token is a secret"),
        "meta_handshake" => {
            (!secret("verify_token")).then_some("a handshake covers its token only and brings no message")
        }
        _ => Some("the scheme signs the body, and nothing is read from the URL"),
    }
}

fn header_not_covered(vector: &Vector, name: &str) -> Option<&'static str> {
    let several = vector.headers.values().any(|value| value.contains(','))
        || vector
            .headers
            .keys()
            .any(|key| key.to_lowercase().contains("-ma-"));
    let another = "another signature of the request holds";
    match vector.scheme.as_str() {
        "plivo_v2" | "plivo_v3" => (several && !name.ends_with("nonce")).then_some(another),
        "standard_webhooks" | "standard_webhooks_v1a" => {
            (name == "webhook-signature" && vector.headers[name].contains(' ')).then_some(another)
        }
        "signalwire_json_sha256" => {
            (name == "x-signalwire-signature").then_some("the configured scheme reads the SHA-256 header")
        }
        "twilio_sharedkey" => name
            .ends_with("settings")
            .then_some("the key's name only tells which key was meant; the signature decides"),
        _ => None,
    }
}

#[test]
fn no_changed_character_is_accepted() {
    let (mut tried, mut uncovered, mut survivors) = (0, 0, Vec::new());
    let mut refused = BTreeMap::new();
    for (file, _) in FILES {
        for vector in load(file).iter().filter(|vector| vector.expect == "accept") {
            let carrier = vector.source();
            let reports = |request: &Request<'_>| {
                receive(&carrier, vector, request).map(|got| got.map_or_else(Vec::new, |got| got.reports))
            };
            let original: Vec<Report> = reports(&vector.request()).unwrap();
            for mutant in mutants(vector) {
                tried += 1;
                let request = Request {
                    method: &vector.method,
                    url: &mutant.url,
                    headers: &mutant.headers,
                    body: &mutant.body,
                };
                let Ok(got) = reports(&request) else {
                    *refused.entry(place(vector, &mutant)).or_insert(0) += 1;
                    continue;
                };
                let label = format!("{file}/{}: {:?} at {}", vector.name, mutant.part, mutant.at);
                match not_covered(vector, &mutant) {
                    None => survivors.push(label),
                    // What lies outside of the scheme may change the message only where the body itself lies outside.
                    Some(_)
                        if mutant.part != Part::Body && got != original && !query_is_the_message(vector) =>
                    {
                        survivors.push(format!("{label}: another message"));
                    }
                    Some(_) => uncovered += 1,
                }
            }
        }
    }
    assert!(
        survivors.is_empty(),
        "{} of {tried} survive:\n{}",
        survivors.len(),
        survivors.join("\n")
    );
    assert!(
        tried > 50_000 && uncovered > 1_000,
        "{tried} mutants, {uncovered} outside of their scheme"
    );
    let places: Vec<_> = refused.keys().copied().collect();
    assert_eq!(
        places,
        ["body", "header", "query", "signature", "url"],
        "{refused:?}"
    );
    assert!(refused.values().all(|count| *count > 400), "{refused:?}");
}

/// Which of the five places of a request the change is in.
fn place(vector: &Vector, mutant: &Mutant) -> &'static str {
    match &mutant.part {
        Part::Body => "body",
        Part::Url if vector.url.find('?').is_some_and(|query| mutant.at > query) => "query",
        Part::Url => "url",
        Part::Header(name)
            if name.ends_with("nonce") || name.ends_with("timestamp") || name.ends_with("-id") =>
        {
            "header"
        }
        Part::Header(_) => "signature",
    }
}

/// Unsigned carriers that put the message into the query.
fn query_is_the_message(vector: &Vector) -> bool {
    vector.scheme == "url_token" && vector.method == "GET"
}
