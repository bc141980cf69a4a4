//! What each carrier says of a message that it delivered, or could not deliver.

use serde_json::json;

use super::message::{digits, pairs};
use super::{Body, ReceiptDraft, Signer};

/// `None` for a dialect that has no receipts, or none that are read.
pub fn body(signer: &Signer, draft: &ReceiptDraft) -> Option<Body> {
    Some(match signer {
        Signer::AndroidSmsGateway { .. } => android_sms_gateway(draft),
        Signer::Bandwidth { .. } => bandwidth(draft),
        Signer::Infobip { .. } => infobip(draft),
        Signer::Jasmin { .. } => jasmin(draft),
        Signer::Kannel { .. } => kannel(draft),
        Signer::Messagebird { .. } => messagebird(draft),
        Signer::MetaWhatsapp { .. } => meta_whatsapp(draft),
        Signer::Plivo { .. } => plivo(draft),
        Signer::Signalwire {
            account_sid, scheme, ..
        } if scheme.as_deref().is_none_or(|scheme| scheme == "compat") => compat(account_sid, draft),
        Signer::Twilio { account_sid, .. } | Signer::TwilioShared { account_sid, .. } => {
            compat(account_sid, draft)
        }
        Signer::Sinch { .. } | Signer::SinchApplication { .. } => sinch(draft),
        Signer::Telnyx { .. } => telnyx(draft),
        Signer::Vonage {
            api_key,
            scheme: Some(scheme),
            ..
        } if scheme != "jwt" => vonage_sms(api_key, draft),
        Signer::Vonage { .. } => vonage(draft),
        Signer::AwsSns(_)
        | Signer::Bird { .. }
        | Signer::Clicksend { .. }
        | Signer::Httpsms { .. }
        | Signer::Signalwire { .. }
        | Signer::StandardWebhooks { .. }
        | Signer::StandardWebhooksV1a { .. }
        | Signer::Textbee { .. }
        | Signer::Textverified { .. } => return None,
    })
}

/// The one word or the other.
fn word(draft: &ReceiptDraft, delivered: &'static str, failed: &'static str) -> &'static str {
    if draft.delivered { delivered } else { failed }
}

fn android_sms_gateway(draft: &ReceiptDraft) -> Body {
    let event = word(draft, "sms:delivered", "sms:failed");
    let at = word(draft, "deliveredAt", "failedAt");
    let payload = json!({"messageId": draft.id, "recipient": draft.to, "sender": draft.from, "simNumber": 1,
        at: draft.at.to_string()});
    Body::Json(
        json!({"id": format!("evt-{}-{event}", draft.id), "webhookId": "simulated", "deviceId": "simulated",
        "event": event, "payload": payload}),
    )
}

fn bandwidth(draft: &ReceiptDraft) -> Body {
    let at = draft.at.to_string();
    let message = json!({"id": draft.id, "time": at, "from": draft.from, "to": [draft.to], "owner": draft.from,
        "text": "", "direction": "out", "segmentCount": 1});
    let kind = word(draft, "message-delivered", "message-failed");
    Body::Json(json!([{"type": kind, "time": at, "to": draft.to, "message": message}]))
}

fn infobip(draft: &ReceiptDraft) -> Body {
    let status = json!({"groupName": word(draft, "DELIVERED", "UNDELIVERABLE"),
        "name": word(draft, "DELIVERED_TO_HANDSET", "UNDELIVERABLE_NOT_DELIVERED")});
    let result = json!({"messageId": draft.id, "to": digits(&draft.to), "doneAt": draft.at.to_string(),
        "smsCount": 1, "status": status});
    Body::Json(json!({"results": [result]}))
}

fn jasmin(draft: &ReceiptDraft) -> Body {
    Body::Form(pairs(&[
        ("id", &draft.id),
        ("level", "2"),
        ("message_status", word(draft, "DELIVRD", "UNDELIV")),
        ("connector", "simulated"),
    ]))
}

fn kannel(draft: &ReceiptDraft) -> Body {
    Body::Query(pairs(&[
        ("id", &draft.id),
        ("from", &draft.from),
        ("to", &draft.to),
        ("ts", &draft.at.secs().to_string()),
        ("dlr", word(draft, "1", "2")),
    ]))
}

fn messagebird(draft: &ReceiptDraft) -> Body {
    Body::Query(pairs(&[
        ("id", &draft.id),
        ("recipient", digits(&draft.to)),
        ("status", word(draft, "delivered", "delivery_failed")),
        ("statusDatetime", &draft.at.to_string()),
    ]))
}

fn meta_whatsapp(draft: &ReceiptDraft) -> Body {
    let status = json!({"id": draft.id, "status": word(draft, "delivered", "failed"),
        "timestamp": draft.at.secs().to_string(), "recipient_id": digits(&draft.to)});
    let metadata = json!({"display_phone_number": digits(&draft.from), "phone_number_id": "1"});
    let value = json!({"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]});
    let entry = json!({"id": "1", "changes": [{"field": "messages", "value": value}]});
    Body::Json(json!({"object": "whatsapp_business_account", "entry": [entry]}))
}

fn plivo(draft: &ReceiptDraft) -> Body {
    Body::Form(pairs(&[
        ("MessageUUID", &draft.id),
        ("From", digits(&draft.from)),
        ("To", digits(&draft.to)),
        ("Status", word(draft, "delivered", "failed")),
        ("ErrorCode", word(draft, "000", "420")),
    ]))
}

fn compat(account_sid: &str, draft: &ReceiptDraft) -> Body {
    let status = word(draft, "delivered", "failed");
    Body::Form(pairs(&[
        ("MessageSid", &draft.id),
        ("AccountSid", account_sid),
        ("From", &draft.from),
        ("To", &draft.to),
        ("MessageStatus", status),
        ("SmsStatus", status),
    ]))
}

fn sinch(draft: &ReceiptDraft) -> Body {
    Body::Json(
        json!({"type": "recipient_delivery_report_sms", "batch_id": draft.id,
        "recipient": digits(&draft.to), "status": word(draft, "Delivered", "Failed"),
        "code": 0, "at": draft.at.to_string()}),
    )
}

fn telnyx(draft: &ReceiptDraft) -> Body {
    let status = word(draft, "delivered", "delivery_failed");
    let payload = json!({"id": draft.id, "direction": "outbound", "type": "SMS",
        "from": {"phone_number": draft.from}, "to": [{"phone_number": draft.to, "status": status}]});
    Body::Json(
        json!({"data": {"record_type": "event", "event_type": "message.finalized",
        "id": format!("evt-{}", draft.id), "occurred_at": draft.at.to_string(), "payload": payload}}),
    )
}

fn vonage(draft: &ReceiptDraft) -> Body {
    Body::Json(
        json!({"channel": "sms", "message_uuid": draft.id, "status": word(draft, "delivered", "failed"),
        "from": digits(&draft.from), "to": digits(&draft.to), "timestamp": draft.at.to_string()}),
    )
}

/// In a receipt `msisdn` stays the handset and `to` the sender.
fn vonage_sms(api_key: &str, draft: &ReceiptDraft) -> Body {
    Body::Form(pairs(&[
        ("msisdn", digits(&draft.to)),
        ("to", digits(&draft.from)),
        ("messageId", &draft.id),
        ("status", word(draft, "delivered", "failed")),
        ("err-code", word(draft, "0", "1")),
        ("api-key", api_key),
        ("timestamp", &draft.at.secs().to_string()),
    ]))
}
