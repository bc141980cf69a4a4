//! Gives every parser documents that only look like its own: none panics, whatever a key holder sends.

use std::sync::LazyLock;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::form::Params;
use super::json::Node;
use super::*;

/// Names that dialects ask for, so that random documents get past the first look.
const NAMES: &[&str] = &[
    "AccountSid",
    "Body",
    "From",
    "MediaUrl0",
    "Message",
    "MessageId",
    "MessageSid",
    "MessageStatus",
    "MessageUUID",
    "NumMedia",
    "Status",
    "SubscribeURL",
    "Text",
    "To",
    "TopicArn",
    "Type",
    "batch_id",
    "binary",
    "body",
    "changes",
    "charset",
    "coding",
    "concat",
    "contact",
    "content",
    "data",
    "destinationNumber",
    "deviceId",
    "dlr",
    "entry",
    "error",
    "event",
    "event_type",
    "field",
    "from",
    "id",
    "idempotencyKey",
    "inboundMessageId",
    "media",
    "message",
    "messageBody",
    "messageId",
    "message_id",
    "message_status",
    "message_type",
    "message_uuid",
    "messages",
    "metadata",
    "display_phone_number",
    "msisdn",
    "object",
    "originationNumber",
    "originator",
    "owner",
    "payload",
    "phone_number",
    "project_id",
    "receive_datetime",
    "recipient",
    "recipients",
    "results",
    "sender",
    "segments",
    "smsContent",
    "smsId",
    "sms_id",
    "status",
    "statuses",
    "text",
    "timestamp",
    "to",
    "type",
    "udh",
    "url",
    "value",
    "webhookEvent",
];

/// Values that dialects look for.
const TEXTS: &[&str] = &[
    "",
    "+12025550143",
    "12025550143",
    "AC1",
    "MESSAGE_RECEIVED",
    "Notification",
    "SubscriptionConfirmation",
    "2026-11-01T11:59:58Z",
    "20261101115958",
    "1793534398",
    "binary",
    "button",
    "delivered",
    "image",
    "message-delivered",
    "message-received",
    "message.finalized",
    "message.phone.received",
    "message.received",
    "messages",
    "mms",
    "mo_binary",
    "mo_media",
    "mo_text",
    "delivery_report_sms",
    "recipient_delivery_report_sms",
    "received",
    "sms.received",
    "sms:delivered",
    "sms:received",
    "text",
    "true",
    "v2.sms.received",
    "verify.delivered",
    "whatsapp_business_account",
    "00",
    "d83d",
    "0",
    "1",
    "3",
    "8",
    "UTF-16BE",
    "GSM",
    "é🔐",
    "https://sns.us-east-1.amazonaws.com/",
    "{\"originationNumber\":\"1\"}",
];

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        6 => select(TEXTS).prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 96, 12, |inner| {
        let members = btree_map(select(NAMES), inner.clone(), 0..12);
        let object = |members: std::collections::BTreeMap<&str, Value>| {
            Value::Object(
                members
                    .into_iter()
                    .map(|(k, v)| (k.to_owned(), v))
                    .collect::<Map<_, _>>(),
            )
        };
        prop_oneof![3 => members.prop_map(object), 1 => vec(inner, 0..4).prop_map(Value::Array)]
    })
}

/// The JSON bodies of all vectors.
fn bodies() -> Vec<Value> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/carrier");
    let files = std::fs::read_dir(folder)
        .expect("the fixtures can be read")
        .map(|entry| {
            entry
                .expect("the fixtures can be read")
                .path()
                .join("vectors.json")
        });
    let vectors = files.filter(|file| file.exists()).flat_map(|file| {
        serde_json::from_slice::<Vec<Value>>(&std::fs::read(file).expect("the fixtures can be read"))
            .expect("they are JSON")
    });
    let body = |vector: Value| serde_json::from_str(vector["body"].as_str()?).ok();
    vectors.filter_map(body).collect()
}

/// Pointers to every node of a document below its root.
fn pointers(node: &Value, prefix: &str, all: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match node {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(n, value)| (n.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (name, value) in inner {
        let pointer = format!("{prefix}/{name}");
        pointers(value, &pointer, all);
        all.push(pointer);
    }
}

fn form() -> impl Strategy<Value = Vec<u8>> {
    let value =
        prop_oneof![3 => select(TEXTS).prop_map(|t| t.as_bytes().to_vec()), 1 => vec(any::<u8>(), 0..24)];
    vec((select(NAMES), value), 0..24).prop_map(|pairs| {
        let encode = |(name, value): (&str, Vec<u8>)| {
            format!(
                "{name}={}",
                form_urlencoded::byte_serialize(&value).collect::<String>()
            )
        };
        pairs
            .into_iter()
            .map(encode)
            .collect::<Vec<_>>()
            .join("&")
            .into_bytes()
    })
}

fn settings<T: DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).expect("settings of a test")
}

/// Every parser of JSON bodies.
fn parse_json_bodies(body: &[u8]) {
    let android =
        android_sms_gateway::Keys::new(settings("signing_keys = ['k']")).expect("these settings are right");
    let textbee = textbee::Keys::new(settings("secrets = ['k']\nnumber = '+12025550143'"))
        .expect("these settings are right");
    let _ = android.parse(body);
    let _ = textbee.parse(body);
    let _ = bandwidth::parse(body);
    let _ = bird::parse("evt", body);
    let _ = httpsms::parse(body);
    let _ = infobip::parse(body);
    let _ = meta_whatsapp::parse(body);
    let _ = signalwire::parse_json(body, "AC1");
    let _ = sinch::parse(body);
    let _ = standard_webhooks::parse("msg", body);
    let _ = telnyx::parse(body);
    let _ = textverified::parse(body);
    let _ = vonage::parse_messages(body);
    if let Ok(document) = json::parse(body) {
        let _ = aws_sns::parse(Node(&document));
        let _ = aws_sns::signed_text(&document);
        let _ = Params::from_json(&document).map(|params| parse_params(&params));
    }
}

/// Every parser of parameters.
fn parse_params(params: &Params) {
    let _ = clicksend::parse(params);
    let _ = compat::parse(params, "AC1");
    let _ = jasmin::parse(params);
    let _ = kannel::parse(params);
    let _ = messagebird::parse(params);
    let _ = plivo::parse(params);
    let _ = vonage::parse_sms(params);
    let _ = vonage::signed_text(params);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn bytes_panic_nobody(body in vec(any::<u8>(), 0..256)) {
        parse_json_bodies(&body);
        let _ = Params::parse(&body).map(|params| parse_params(&params));
    }

    #[test]
    fn json_panics_nobody(document in json()) {
        parse_json_bodies(document.to_string().as_bytes());
    }

    #[test]
    fn a_broken_body_panics_nobody(n in any::<Index>(), at in any::<Index>(), new in json()) {
        static BODIES: LazyLock<Vec<Value>> = LazyLock::new(bodies);
        let mut document = n.get(&BODIES).clone();
        let mut all: Vec<String> = Vec::new();
        pointers(&document, "", &mut all);
        prop_assume!(!all.is_empty());
        if let Some(place) = document.pointer_mut(at.get(&all).as_str()) {
            *place = new;
        }
        parse_json_bodies(document.to_string().as_bytes());
    }

    #[test]
    fn forms_panic_nobody(body in form()) {
        let _ = Params::parse(&body).map(|params| parse_params(&params));
    }
}
