//! What goes over an SMPP session, as values: orders become submit_sm, deliver_sm become reports. Pure.

use std::str::FromStr as _;

use rusmpp::pdus::{DeliverSm, SubmitSm};
use rusmpp::tlvs::{MessageSubmissionRequestTlvValue, TlvValue};
use rusmpp::types::{AnyOctetString, COctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, MessagePayload, Npi, RegisteredDelivery, Ton};
use rusmpp::{Command, CommandStatus};
use serde::Deserialize;

use super::id::ReceiptIds;
use crate::core::message::{Concat, Message, Receipt, ReceiptStatus, Report};
use crate::core::phone::{Address, PhoneNumber};
use crate::core::segments::{self, Encoding};
use crate::core::sending::{Class, Order, Recipient, Refusal};
use crate::core::{charset, udh};

/// A receipt for every end of a message.
const RECEIPT_WANTED: u8 = 0x01;
/// The text begins with a user data header.
const UDHI: u8 = 0x40;
/// The bits that say what a deliver_sm is, and that it is a receipt.
const TYPE: u8 = 0x3c;
const RECEIPT: u8 = 0x04;
/// A user data header that joins so many parts: as many as its byte can count.
const PARTS_MAX: usize = 255;

/// How a text goes out that one SMS does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Long {
    /// As parts, each with a header.
    #[default]
    Udh,
    /// As one message_payload, which the SMSC cuts.
    Payload,
}

/// Who a message is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    ton: u8,
    npi: u8,
    address: String,
}

impl Author {
    /// A number, a short code or a name of up to 11 characters.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let made = |ton, npi, address: &str| {
            Some(Self {
                ton,
                npi,
                address: address.to_owned(),
            })
        };
        match PhoneNumber::parse(text) {
            Ok(number) => made(1, 1, &number.as_str()[1..]),
            Err(_) if digits => made(3, 0, text),
            Err(_) if text.is_ascii() && (1..=11).contains(&text.len()) => made(5, 0, text),
            Err(_) => None,
        }
    }
}

/// The PDUs that carry an order. `reference` joins the parts of one text.
pub fn submissions(
    from: &Author,
    order: &Order,
    long: Long,
    reference: u8,
) -> Result<Vec<SubmitSm>, Refusal> {
    let Recipient::Phone(to) = &order.to else {
        let reason = "this provider sends to phone numbers: name one of kind \"smtp\" for e-mail";
        return Err(Refusal::new(Class::InvalidRecipient, reason));
    };
    let encoded = segments::encode(&order.text);
    let coding = match encoded.encoding {
        Encoding::Gsm7 => DataCoding::McSpecific,
        Encoding::Ucs2 => DataCoding::Ucs2,
    };
    let parts = encoded.parts;
    let too_long = || {
        Refusal::new(
            Class::ContentRefused,
            "the text is too long for this provider: shorten it",
        )
    };
    let made = |esm_class: u8, bytes: &[u8]| {
        let address = |text: &str| COctetString::from_str(text).map_err(|_| too_long());
        Ok(SubmitSm::builder()
            .source_addr_ton(Ton::from(from.ton))
            .source_addr_npi(Npi::from(from.npi))
            .source_addr(address(&from.address)?)
            .dest_addr_ton(Ton::from(1))
            .dest_addr_npi(Npi::from(1))
            .destination_addr(address(&to.as_str()[1..])?)
            // The library's default class is not the plain one.
            .esm_class(EsmClass::from(esm_class))
            .registered_delivery(RegisteredDelivery::from(RECEIPT_WANTED))
            .data_coding(coding)
            .short_message(OctetString::from_slice(bytes).map_err(|_| too_long())?)
            .build())
    };
    match parts.as_slice() {
        [whole] => Ok(vec![made(0, whole)?]),
        parts if long == Long::Payload => {
            let mut submission = made(0, &[])?;
            let payload = MessagePayload::new(AnyOctetString::from_vec(parts.concat()));
            submission.push_tlv(MessageSubmissionRequestTlvValue::MessagePayload(payload));
            Ok(vec![submission])
        }
        parts if parts.len() > PARTS_MAX => Err(too_long()),
        parts => {
            let total = u8::try_from(parts.len()).map_err(|_| too_long())?;
            let joined = (1..=total).zip(parts).map(|(part, bytes)| {
                let header = [5, 0, 3, reference, total, part];
                made(UDHI, &[&header, bytes.as_slice()].concat())
            });
            joined.collect()
        }
    }
}

/// What an SMSC's answer to a submit_sm or a bind means; `None` for its yes.
pub fn refusal(status: CommandStatus) -> Option<Refusal> {
    use CommandStatus as S;
    let class = match status {
        S::EsmeRok => return None,
        S::EsmeRthrottled | S::EsmeRmsgqful => Class::RateLimited,
        S::EsmeRinvdstadr | S::EsmeRinvdstton | S::EsmeRinvdstnpi => Class::InvalidRecipient,
        S::EsmeRinvmsglen | S::EsmeRinvdcs | S::EsmeRxPAppn | S::EsmeRxRAppn => Class::ContentRefused,
        S::EsmeRbindfail | S::EsmeRinvpaswd | S::EsmeRinvsysid | S::EsmeRinvsystyp => Class::Unauthorized,
        S::EsmeRsertypunauth | S::EsmeRprohibited | S::EsmeRsertypdenied => Class::DestinationNotAllowed,
        S::EsmeRsyserr | S::EsmeRxTAppn | S::EsmeRsubmitfail | S::EsmeRinvbndsts | S::EsmeRunknownerr => {
            Class::CarrierDown
        }
        _ => Class::Misconfigured,
    };
    let code = u32::from(status);
    Some(Refusal {
        code: Some(format!("0x{code:08x}")),
        ..Refusal::new(class, format!("the SMSC answered {status:?}"))
    })
}

/// Whether a command is the answer to one of ours, whatever that was.
pub fn is_answer(command: &Command) -> bool {
    u32::from(command.id()) & 0x8000_0000 != 0
}

/// What a deliver_sm reports; `None` for one that says nothing of use. `id` names a message, to which SMPP gives no name.
pub fn report(delivered: &DeliverSm, id: &str, ids: ReceiptIds) -> Option<Report> {
    let esm_class = u8::from(delivered.esm_class);
    let bytes = text_bytes(delivered);
    let (from, to) = (
        delivered.source_addr.as_str(),
        delivered.destination_addr.as_str(),
    );
    if esm_class & TYPE == RECEIPT {
        return receipt(delivered, &bytes, ids).map(|receipt| {
            Report::Receipt(Receipt {
                // A receipt goes the other way: its source is who got the message.
                from: Some(Address::new(to)),
                to: Some(Address::new(from)),
                ..receipt
            })
        });
    }
    if esm_class & TYPE != 0 || from.is_empty() || to.is_empty() {
        return None;
    }
    let (header, bytes) = split(esm_class, &bytes);
    let concat = header.and_then(udh::concat).or_else(|| segmented(delivered));
    let coding = u8::from(delivered.data_coding);
    let text = match coding {
        0 => charset::gsm(bytes).unwrap_or_else(|| charset::latin1(bytes)),
        1 | 3 => charset::latin1(bytes),
        8 => charset::ucs2(bytes)?,
        _ => String::new(),
    };
    let mut message = Message::new(id, from, to, &text);
    message.encoding = Some(format!("data_coding {coding}"));
    message.binary = (!matches!(coding, 0 | 1 | 3 | 8)).then(|| bytes.to_vec());
    message.udh = header.map(<[u8]>::to_vec);
    message.concat = concat;
    Some(Report::Message(message))
}

fn text_bytes(delivered: &DeliverSm) -> Vec<u8> {
    let payload = delivered.tlvs().iter().find_map(|tlv| match tlv.value() {
        Some(TlvValue::MessagePayload(payload)) => Some(payload.value.as_ref().to_vec()),
        _ => None,
    });
    payload.unwrap_or_else(|| delivered.short_message().as_ref().to_vec())
}

/// The user data header, its length included, and the text behind it.
fn split(esm_class: u8, bytes: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let length = bytes
        .first()
        .filter(|_| esm_class & UDHI != 0)
        .map(|length| usize::from(*length) + 1);
    match length.and_then(|length| bytes.split_at_checked(length)) {
        Some((header, text)) => (Some(header), text),
        None => (None, bytes),
    }
}

/// The part that is named by parameters instead of a header.
fn segmented(delivered: &DeliverSm) -> Option<Concat> {
    let (mut reference, mut total, mut part) = (None, None, None);
    for tlv in delivered.tlvs() {
        match tlv.value() {
            Some(TlvValue::SarMsgRefNum(n)) => reference = Some(*n),
            Some(TlvValue::SarTotalSegments(n)) => total = Some(u32::from(*n)),
            Some(TlvValue::SarSegmentSeqnum(n)) => part = Some(u32::from(*n)),
            _ => {}
        }
    }
    let concat = Concat {
        reference: format!("sar{:04x}", reference?),
        total: total?,
        part: part?,
    };
    (concat.total > 1 && (1..=concat.total).contains(&concat.part)).then_some(concat)
}

/// By the parameters where they are there, else by the text that most SMSCs write (SMPP 3.4, appendix B).
fn receipt(delivered: &DeliverSm, bytes: &[u8], ids: ReceiptIds) -> Option<Receipt> {
    let text = charset::latin1(bytes);
    let (mut id, mut state) = (None, None);
    for tlv in delivered.tlvs() {
        match tlv.value() {
            Some(TlvValue::ReceiptedMessageId(value)) => id = Some(value.as_str().to_owned()),
            Some(TlvValue::MessageState(value)) => state = Some(u8::from(*value)),
            _ => {}
        }
    }
    let [parameter, written] = [id.as_deref(), field(&text, "id:")].map(|id| id.filter(|id| !id.is_empty()));
    let id = ids.of_receipt(parameter, written)?;
    let word = field(&text, "stat:").unwrap_or_default().to_ascii_uppercase();
    let status = match (word.as_str(), state) {
        ("DELIVRD", _) | ("", Some(2)) => ReceiptStatus::Delivered,
        ("EXPIRED", _) | ("", Some(3)) => ReceiptStatus::Expired,
        ("DELETED" | "UNDELIV", _) | ("", Some(4 | 5)) => ReceiptStatus::Undelivered,
        ("REJECTD", _) | ("", Some(8)) => ReceiptStatus::Rejected,
        ("ENROUTE", _) | ("", Some(1)) => ReceiptStatus::Sent,
        ("ACCEPTD", _) | ("", Some(6)) => ReceiptStatus::Accepted,
        _ => ReceiptStatus::Unknown,
    };
    let raw_status = match state {
        Some(state) if word.is_empty() => state.to_string(),
        _ => word,
    };
    let error = field(&text, "err:").filter(|code| code.bytes().any(|b| b != b'0'));
    Some(Receipt {
        carrier_event_id: None,
        dedupe_key: format!("{id}:{raw_status}"),
        carrier_message_id: id,
        from: None,
        to: None,
        status,
        raw_status,
        error_code: error.map(str::to_owned),
        occurred_at: None,
        network: None,
    })
}

/// What stands behind `name`, up to the next space; names are written in either case.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    let begins = |at: &usize| *at == 0 || lower.as_bytes()[at - 1] == b' ';
    let at = lower.match_indices(name).map(|(at, _)| at).find(begins)?;
    text[at + name.len()..].split(' ').next()
}

#[cfg(test)]
mod tests;
