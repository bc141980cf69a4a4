//! What each carrier says of an inbound SMS.

use serde_json::json;

use super::super::mac;
use super::{Body, Draft, Pairs, Signer};
use crate::core::time::UnixMs;

/// `now` stands in the body where the carrier writes down when it posts.
pub fn body(signer: &Signer, draft: &Draft, now: UnixMs) -> Body {
    match signer {
        Signer::AndroidSmsGateway { .. } => android_sms_gateway(draft),
        Signer::AwsSns(key) => aws_sns(&key.topic_arn, &key.certificate_url, draft, now),
        Signer::Bandwidth { .. } => bandwidth(draft),
        Signer::Bird { .. } => bird(draft),
        Signer::Clicksend { .. } => clicksend(draft),
        Signer::Httpsms { .. } => httpsms(draft),
        Signer::Infobip { .. } => infobip(draft),
        Signer::Jasmin { .. } => jasmin(draft),
        Signer::Kannel { .. } => kannel(draft),
        Signer::Messagebird { .. } => messagebird(draft),
        Signer::MetaWhatsapp { .. } => meta_whatsapp(draft),
        Signer::Plivo { .. } => plivo(draft),
        Signer::Signalwire {
            account_sid,
            scheme: Some(scheme),
            ..
        } if scheme.starts_with("json") => signalwire_json(account_sid, draft),
        Signer::Signalwire { account_sid, .. }
        | Signer::Twilio { account_sid, .. }
        | Signer::TwilioShared { account_sid, .. } => compat(account_sid, draft),
        Signer::Sinch { .. } | Signer::SinchApplication { .. } => sinch(draft),
        Signer::StandardWebhooks { .. } | Signer::StandardWebhooksV1a { .. } => standard_webhooks(draft),
        Signer::Telnyx { .. } => telnyx(draft),
        Signer::Textbee { .. } => textbee(draft),
        Signer::Textverified { .. } => textverified(draft),
        Signer::Vonage {
            api_key,
            scheme: Some(scheme),
            ..
        } if scheme != "jwt" => vonage_sms(api_key, draft, now),
        Signer::Vonage { .. } => vonage(draft),
    }
}

pub fn digits(number: &str) -> &str {
    number.trim_start_matches('+')
}

pub fn pairs(pairs: &[(&'static str, &str)]) -> Pairs {
    pairs
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

fn android_sms_gateway(draft: &Draft) -> Body {
    let payload = json!({"messageId": draft.id, "message": draft.text, "sender": draft.from,
        "recipient": draft.to, "simNumber": 1, "receivedAt": draft.sent_at.to_string()});
    Body::Json(
        json!({"id": format!("evt-{}", draft.id), "webhookId": "simulated", "deviceId": "simulated",
        "event": "sms:received", "payload": payload}),
    )
}

/// `now` stands in the body as the time of publication, as SNS has it.
fn aws_sns(topic_arn: &str, certificate_url: &str, draft: &Draft, now: UnixMs) -> Body {
    let sms = json!({"originationNumber": draft.from, "destinationNumber": draft.to, "messageBody": draft.text,
        "messageKeyword": "KEYWORD", "inboundMessageId": draft.id});
    Body::Json(
        json!({"Type": "Notification", "MessageId": format!("evt-{}", draft.id), "TopicArn": topic_arn,
        "Message": sms.to_string(), "Timestamp": now.to_string(), "SignatureVersion": "2",
        "SigningCertURL": certificate_url}),
    )
}

fn bandwidth(draft: &Draft) -> Body {
    let at = draft.sent_at.to_string();
    let message = json!({"id": draft.id, "time": at, "from": draft.from, "to": [draft.to], "owner": draft.to,
        "text": draft.text, "direction": "in", "segmentCount": 1});
    Body::Json(json!([{"type": "message-received", "time": at, "to": draft.to, "message": message}]))
}

fn infobip(draft: &Draft) -> Body {
    let result = json!({"messageId": draft.id, "from": digits(&draft.from), "to": digits(&draft.to),
        "text": draft.text, "receivedAt": draft.sent_at.to_string(), "smsCount": 1});
    Body::Json(json!({"results": [result], "messageCount": 1, "pendingMessageCount": 0}))
}

fn standard_webhooks(draft: &Draft) -> Body {
    let data = json!({"id": draft.id, "from": draft.from, "to": draft.to, "text": draft.text,
        "received_at": draft.sent_at.to_string()});
    Body::Json(json!({"type": "sms.received", "timestamp": draft.sent_at.to_string(), "data": data}))
}

fn bird(draft: &Draft) -> Body {
    let data = json!({"sms_id": draft.id, "from": draft.from, "to": draft.to, "text": draft.text,
        "segments": {"count": 1, "encoding": "UCS2"}});
    Body::Json(json!({"type": "sms.received", "timestamp": draft.sent_at.to_string(), "data": data}))
}

fn httpsms(draft: &Draft) -> Body {
    let at = draft.sent_at.to_string();
    let data = json!({"message_id": draft.id, "owner": draft.to, "contact": draft.from, "content": draft.text,
        "timestamp": at, "encrypted": false, "sim": "SIM1"});
    Body::Json(
        json!({"specversion": "1.0", "id": format!("evt-{}", draft.id), "time": at,
        "source": "/v1/messages/receive", "type": "message.phone.received", "data": data}),
    )
}

fn meta_whatsapp(draft: &Draft) -> Body {
    let message = json!({"from": digits(&draft.from), "id": draft.id, "type": "text",
        "timestamp": draft.sent_at.secs().to_string(), "text": {"body": draft.text}});
    let metadata = json!({"display_phone_number": digits(&draft.to), "phone_number_id": "1"});
    let value = json!({"messaging_product": "whatsapp", "metadata": metadata, "messages": [message]});
    let entry = json!({"id": "1", "changes": [{"field": "messages", "value": value}]});
    Body::Json(json!({"object": "whatsapp_business_account", "entry": [entry]}))
}

fn sinch(draft: &Draft) -> Body {
    Body::Json(
        json!({"type": "mo_text", "id": draft.id, "from": digits(&draft.from), "to": digits(&draft.to),
        "body": draft.text, "received_at": draft.sent_at.to_string()}),
    )
}

fn telnyx(draft: &Draft) -> Body {
    let sent_at = draft.sent_at.to_string();
    let payload = json!({"id": draft.id, "direction": "inbound", "type": "SMS", "text": draft.text, "media": [],
        "from": {"phone_number": draft.from}, "to": [{"phone_number": draft.to}], "parts": 1,
        "received_at": sent_at});
    Body::Json(
        json!({"data": {"record_type": "event", "event_type": "message.received",
        "id": format!("evt-{}", draft.id), "occurred_at": sent_at, "payload": payload}}),
    )
}

fn textbee(draft: &Draft) -> Body {
    Body::Json(
        json!({"smsId": draft.id, "message": draft.text, "sender": draft.from, "deviceId": "simulated",
        "webhookEvent": "MESSAGE_RECEIVED", "idempotencyKey": format!("evt-{}", draft.id),
        "receivedAt": draft.sent_at.to_string()}),
    )
}

/// The carrier sends American numbers without their country code.
fn textverified(draft: &Draft) -> Body {
    let at = draft.sent_at.to_string();
    let to = draft.to.strip_prefix("+1").unwrap_or(&draft.to);
    let data =
        json!({"from": draft.from, "to": to, "createdAt": at, "smsContent": draft.text, "encrypted": false});
    Body::Json(
        json!({"attempt": 1, "occurredAt": at, "event": "v2.sms.received", "data": data,
        "id": format!("evt-{}", draft.id), "idempotencyKey": draft.id}),
    )
}

fn vonage(draft: &Draft) -> Body {
    Body::Json(
        json!({"channel": "sms", "message_type": "text", "message_uuid": draft.id, "text": draft.text,
        "from": digits(&draft.from), "to": digits(&draft.to), "timestamp": draft.sent_at.to_string()}),
    )
}

fn vonage_sms(api_key: &str, draft: &Draft, now: UnixMs) -> Body {
    let (at, sent_at) = (now.secs().to_string(), draft.sent_at.to_string());
    // `YYYY-MM-DD HH:MM:SS`, without a zone.
    let sent_at = sent_at.get(..19).unwrap_or_default().replace('T', " ");
    Body::Form(pairs(&[
        ("msisdn", digits(&draft.from)),
        ("to", digits(&draft.to)),
        ("messageId", &draft.id),
        ("text", &draft.text),
        ("type", "unicode"),
        ("api-key", api_key),
        ("message-timestamp", &sent_at),
        ("timestamp", &at),
        ("nonce", &mac::sha256_hex(draft.id.as_bytes())),
    ]))
}

/// The parameters that Twilio and SignalWire share.
fn compat(account_sid: &str, draft: &Draft) -> Body {
    Body::Form(pairs(&[
        ("MessageSid", &draft.id),
        ("AccountSid", account_sid),
        ("From", &draft.from),
        ("To", &draft.to),
        ("Body", &draft.text),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("SmsStatus", "received"),
    ]))
}

fn signalwire_json(account_sid: &str, draft: &Draft) -> Body {
    Body::Json(
        json!({"project_id": account_sid, "message_id": draft.id, "from": draft.from, "to": draft.to,
        "body": draft.text}),
    )
}

fn plivo(draft: &Draft) -> Body {
    Body::Form(pairs(&[
        ("MessageUUID", &draft.id),
        ("From", digits(&draft.from)),
        ("To", digits(&draft.to)),
        ("Text", &draft.text),
        ("Type", "sms"),
        ("Units", "1"),
    ]))
}

fn messagebird(draft: &Draft) -> Body {
    Body::Form(pairs(&[
        ("id", &draft.id),
        ("recipient", digits(&draft.to)),
        ("originator", digits(&draft.from)),
        ("body", &draft.text),
        ("createdDatetime", &draft.sent_at.to_string()),
    ]))
}

fn clicksend(draft: &Draft) -> Body {
    Body::Form(pairs(&[
        ("message_id", &draft.id),
        ("timestamp", &draft.sent_at.secs().to_string()),
        ("from", &draft.from),
        ("to", &draft.to),
        ("body", &draft.text),
    ]))
}

fn jasmin(draft: &Draft) -> Body {
    let utf16: Vec<u8> = draft.text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    Body::Form(pairs(&[
        ("id", &draft.id),
        ("from", digits(&draft.from)),
        ("to", digits(&draft.to)),
        ("origin-connector", "simulated"),
        ("binary", &mac::hex(&utf16)),
        ("coding", "8"),
    ]))
}

fn kannel(draft: &Draft) -> Body {
    Body::Query(pairs(&[
        ("id", &draft.id),
        ("from", &draft.from),
        ("to", &draft.to),
        ("ts", &draft.sent_at.secs().to_string()),
        ("coding", "0"),
        ("charset", "UTF-8"),
        ("text", &draft.text),
    ]))
}
