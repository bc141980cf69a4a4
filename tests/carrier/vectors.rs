//! Reads `fixtures/carrier/<name>/vectors.json`: a vector as a request, its key as settings, a report in the vectors' own form.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ringback::carrier::{Answer, NAMES, Request};
use ringback::core::message::Report;
use ringback::core::time::UnixMs;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize, Clone)]
pub struct Vector {
    pub name: String,
    carrier: String,
    pub scheme: String,
    pub kind: String,
    pub method: String,
    pub url: String,
    pub headers: BTreeMap<String, String>,
    body: Option<String>,
    body_base64: Option<String>,
    pub key: Map<String, Value>,
    now: u64,
    pub expect: String,
    pub reject_reason: Option<String>,
    pub normalized: Option<Vec<Value>>,
    respond: Option<String>,
    #[serde(skip)]
    bytes: Vec<u8>,
    #[serde(skip)]
    header_map: http::HeaderMap,
}

impl Vector {
    pub fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            url: &self.url,
            headers: &self.header_map,
            body: &self.bytes,
        }
    }

    pub fn now(&self) -> UnixMs {
        UnixMs::from_secs(self.now)
    }
}

/// Every vector of a file, ready to be judged; panics if it holds none.
pub fn load(file: &str) -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/carrier/{file}/vectors.json"));
    let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut vectors: Vec<Vector> = serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
    assert!(!vectors.is_empty(), "{file} holds no vectors");
    let names: HashSet<_> = vectors.iter().map(|vector| vector.name.clone()).collect();
    assert_eq!(names.len(), vectors.len(), "{file}: two vectors share a name");
    for vector in &mut vectors {
        assert_eq!(vector.carrier, file, "{}", vector.name);
        vector.bytes = match (&vector.body, &vector.body_base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(base64)) => BASE64_STANDARD.decode(base64).unwrap(),
            _ => panic!("{file}/{}: exactly one body", vector.name),
        };
        for (name, value) in &vector.headers {
            vector.header_map.append(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
    }
    vectors
}

/// The number that the settings give to phones whose app does not state it; the vectors have null there.
pub const CONFIGURED_NUMBER: &str = "+12025550199";

/// How a setting comes of a member of the vector's `key`.
enum From {
    /// A list of one.
    List(&'static str),
    Text(&'static str),
    /// As it stands there.
    Whole(&'static str),
    /// Not from the key.
    Fixed(&'static str),
}
use From::{Fixed, List, Text, Whole};

/// The settings of each scheme's source.
const SETTINGS: &[(&str, &[(&str, From)])] = &[
    ("android_sms_gateway", &[("signing_keys", List("secret"))]),
    (
        "aws_sns",
        &[
            ("topic_arns", Whole("allowed_topic_arns")),
            ("certificates", Whole("certs")),
        ],
    ),
    (
        "basic_auth",
        &[("username", Text("username")), ("passwords", List("password"))],
    ),
    ("httpsms_jwt", &[("signing_keys", List("signing_key"))]),
    ("messagebird_jwt", &[("signing_keys", List("signing_key"))]),
    (
        "messagebird_legacy",
        &[("signing_keys", List("signing_key")), ("scheme", Fixed("legacy"))],
    ),
    (
        "meta_hub_sha256",
        &[
            ("app_secrets", List("app_secret")),
            ("verify_tokens", List("verify_token")),
        ],
    ),
    (
        "meta_handshake",
        &[
            ("app_secrets", List("app_secret")),
            ("verify_tokens", List("verify_token")),
        ],
    ),
    (
        "plivo_v2",
        &[("auth_tokens", List("auth_token")), ("scheme", Fixed("v2"))],
    ),
    ("plivo_v3", &[("auth_tokens", List("auth_token"))]),
    (
        "signalwire_compat",
        &[
            ("signing_keys", List("signing_key")),
            ("account_sid", Text("account_sid")),
        ],
    ),
    (
        "signalwire_json",
        &[
            ("signing_keys", List("signing_key")),
            ("account_sid", Text("account_sid")),
            ("scheme", Fixed("json")),
        ],
    ),
    (
        "signalwire_json_sha256",
        &[
            ("signing_keys", List("signing_key")),
            ("account_sid", Text("account_sid")),
            ("scheme", Fixed("json_sha256")),
        ],
    ),
    (
        "sinch_application",
        &[
            ("application_key", Text("application_key")),
            ("application_secrets", List("application_secret")),
        ],
    ),
    ("sinch_webhook", &[("secrets", List("secret"))]),
    ("standard_webhooks", &[("secrets", Whole("secrets"))]),
    ("standard_webhooks_v1a", &[("public_keys", Whole("public_keys"))]),
    ("telnyx_ed25519", &[("public_keys", List("public_key_base64"))]),
    (
        "textbee_hmac",
        &[("secrets", List("secret")), ("number", Fixed(CONFIGURED_NUMBER))],
    ),
    ("textverified_hmac_sha512", &[("secrets", List("secret"))]),
    (
        "twilio_hmac_sha1",
        &[
            ("auth_tokens", List("auth_token")),
            ("account_sid", Text("account_sid")),
        ],
    ),
    (
        "twilio_sharedkey",
        &[
            ("shared_keys", List("secret")),
            ("account_sid", Text("account_sid")),
        ],
    ),
    ("url_token", &[("path_tokens", List("token"))]),
    (
        "vonage_jwt",
        &[
            ("signature_secrets", List("signature_secret")),
            ("api_key", Text("api_key")),
        ],
    ),
    (
        "vonage_sig",
        &[
            ("signature_secrets", List("signature_secret")),
            ("api_key", Text("api_key")),
            ("scheme", Text("method")),
        ],
    ),
];

/// The `carrier` and the other settings of the source that the vector's `key` describes.
pub fn settings_of(vector: &Vector) -> (&'static str, toml::Table) {
    // The newer platform's vectors stand in the older one's file.
    let of_bird = vector.carrier == "messagebird" && vector.scheme == "standard_webhooks";
    let carrier = if of_bird { "bird" } else { vector.carrier.as_str() };
    let carrier = NAMES
        .iter()
        .find(|name| **name == carrier)
        .unwrap_or_else(|| panic!("unknown {carrier}"));
    let scheme = SETTINGS.iter().find(|(scheme, _)| *scheme == vector.scheme);
    let (_, settings) = scheme.unwrap_or_else(|| panic!("{}: unknown scheme", vector.scheme));
    let text = |member: &str| toml::Value::from(vector.key[member].as_str().unwrap());
    let value = |from: &From| match from {
        List(member) => toml::Value::Array(vec![text(member)]),
        Text(member) => text(member),
        Whole(member) => toml::Value::try_from(&vector.key[*member]).unwrap(),
        Fixed(value) => (*value).into(),
    };
    let mut table: toml::Table = settings
        .iter()
        .map(|(name, from)| ((*name).to_owned(), value(from)))
        .collect();
    if vector.scheme == "android_sms_gateway" {
        let device = (
            "ffffffffceb0b1db0000018e937c815b".to_owned(),
            CONFIGURED_NUMBER.into(),
        );
        table.insert("numbers".to_owned(), toml::Table::from_iter([device]).into());
    }
    (carrier, table)
}

/// The answer that the vector asks for, where it asks for one.
pub fn answer_of(vector: &Vector) -> Option<Answer> {
    let respond = vector.respond.as_deref()?;
    let text = |text: &str| Some(Answer::Text(text.to_owned()));
    match respond {
        _ if respond.contains("<Response") => Some(Answer::Twiml),
        _ if respond.contains("\"ACK/Jasmin\"") => text("ACK/Jasmin"),
        _ if respond.contains("hub.challenge value: ") => text(respond.rsplit(": ").next().unwrap()),
        _ if respond.contains("EMPTY text/plain body") => text(""),
        _ if respond.starts_with("2xx") || respond.starts_with("status < 400") => Some(Answer::Empty),
        _ if respond.starts_with("200 or 204") => Some(Answer::Empty),
        _ if respond.starts_with("200") => text(""),
        _ => panic!("{}: unknown answer {respond:?}", vector.name),
    }
}

/// A report as the vectors write it.
pub fn normalized(report: &Report) -> Value {
    let time = |at: Option<UnixMs>| at.map(|at| at.to_string());
    match report {
        Report::Message(m) => {
            let mut value = json!({
                "event": "sms.received", "carrier_event_id": m.carrier_event_id,
                "carrier_message_id": m.carrier_message_id, "dedupe_key": m.dedupe_key,
                "from": m.from.as_str(), "to": m.to.as_str(), "text": m.text,
                "received_at": time(m.received_at), "parts": m.parts, "encoding": m.encoding, "media": m.media,
            });
            if let Some(c) = &m.concat {
                value["concat"] = json!({"ref": c.reference, "total": c.total, "part": c.part});
            }
            if let Some(binary) = &m.binary {
                value["binary_base64"] = BASE64_STANDARD.encode(binary).into();
                if m.text.is_empty() {
                    value["text"] = Value::Null;
                }
            }
            if let Some(udh) = &m.udh {
                value["udh_hex"] = udh.iter().map(|b| format!("{b:02x}")).collect::<String>().into();
            }
            if let Some(code) = &m.parsed_code {
                value["parsed_code"] = code.as_str().into();
            }
            if let Some(id) = &m.reservation_id {
                value["reservation_id"] = id.as_str().into();
            }
            value
        }
        Report::Receipt(r) => json!({
            "event": "sms.status", "carrier_event_id": r.carrier_event_id,
            "carrier_message_id": r.carrier_message_id, "dedupe_key": r.dedupe_key,
            "from": r.from.as_ref().map(ringback::core::phone::Address::as_str), "to": r.to.as_ref().map(ringback::core::phone::Address::as_str),
            "status": r.status, "raw_status": r.raw_status, "error_code": r.error_code,
            "occurred_at": time(r.occurred_at),
        }),
        Report::Verify(v) => json!({
            "event": "verify.status", "carrier_event_id": v.carrier_event_id,
            "carrier_message_id": v.carrier_message_id, "dedupe_key": v.dedupe_key,
            "to": v.to.as_ref().map(ringback::core::phone::Address::as_str), "status": v.status, "raw_status": v.raw_status,
            "delivery_status": v.delivery_status, "occurred_at": time(v.occurred_at),
        }),
        Report::Confirmation(c) => json!({
            "event": "carrier.subscription_confirmation", "carrier_event_id": c.carrier_event_id,
            "dedupe_key": c.dedupe_key, "topic_arn": c.topic_arn, "subscribe_url": c.subscribe_url,
        }),
    }
}
