//! A report in the form of the vectors' `normalized`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::NUMBER_UNKNOWN;
use crate::carrier::mac;
use crate::core::message::{Confirmation, Message, Receipt, Report, VerifyStatus};
use crate::core::phone::Address;
use crate::core::time::UnixMs;

pub fn normalized(report: &Report) -> Value {
    match report {
        Report::Message(message) => received(message),
        Report::Receipt(receipt) => status(receipt),
        Report::Verify(verify) => verify_status(verify),
        Report::Confirmation(confirmation) => subscription(confirmation),
    }
}

fn time(at: Option<UnixMs>) -> Option<String> {
    at.map(|at| at.to_string())
}

/// `None` where a setting that the file does not have would tell it.
fn address(address: &Address) -> Option<&str> {
    Some(address.as_str()).filter(|text| *text != NUMBER_UNKNOWN)
}

fn received(message: &Message) -> Value {
    let mut value = json!({
        "event": "sms.received",
        "carrier_event_id": message.carrier_event_id,
        "carrier_message_id": message.carrier_message_id,
        "dedupe_key": message.dedupe_key,
        "from": message.from.as_str(),
        "to": address(&message.to),
        "text": message.text,
        "received_at": time(message.received_at),
        "parts": message.parts,
        "encoding": message.encoding,
        "media": message.media,
    });
    if let Some(concat) = &message.concat {
        value["concat"] = json!({ "ref": concat.reference, "total": concat.total, "part": concat.part });
    }
    if let Some(binary) = &message.binary {
        value["binary_base64"] = BASE64_STANDARD.encode(binary).into();
        if message.text.is_empty() {
            value["text"] = Value::Null;
        }
    }
    if let Some(udh) = &message.udh {
        value["udh_hex"] = mac::hex(udh).into();
    }
    if let Some(code) = &message.parsed_code {
        value["parsed_code"] = code.as_str().into();
    }
    if let Some(id) = &message.reservation_id {
        value["reservation_id"] = id.as_str().into();
    }
    value
}

fn status(receipt: &Receipt) -> Value {
    let mut value = json!({
        "event": "sms.status",
        "carrier_event_id": receipt.carrier_event_id,
        "carrier_message_id": receipt.carrier_message_id,
        "dedupe_key": receipt.dedupe_key,
        "from": receipt.from.as_ref().and_then(address),
        "to": receipt.to.as_ref().and_then(address),
        "status": receipt.status,
        "raw_status": receipt.raw_status,
        "error_code": receipt.error_code,
        "occurred_at": time(receipt.occurred_at),
    });
    if let Some(network) = &receipt.network {
        value["network"] = json!(network);
    }
    value
}

fn verify_status(verify: &VerifyStatus) -> Value {
    json!({
        "event": "verify.status",
        "carrier_event_id": verify.carrier_event_id,
        "carrier_message_id": verify.carrier_message_id,
        "dedupe_key": verify.dedupe_key,
        "to": verify.to.as_ref().and_then(address),
        "status": verify.status,
        "raw_status": verify.raw_status,
        "delivery_status": verify.delivery_status,
        "occurred_at": time(verify.occurred_at),
    })
}

fn subscription(confirmation: &Confirmation) -> Value {
    json!({
        "event": "carrier.subscription_confirmation",
        "carrier_event_id": confirmation.carrier_event_id,
        "dedupe_key": confirmation.dedupe_key,
        "topic_arn": confirmation.topic_arn,
        "subscribe_url": confirmation.subscribe_url,
    })
}
