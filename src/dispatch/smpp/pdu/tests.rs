//! Orders, receipts and messages in every form that SMSCs know.

use super::*;
use proptest::prelude::*;
use rusmpp::tlvs::MessageDeliveryRequestTlvValue;
use rusmpp::values::MessageState;

fn order(text: &str) -> Order {
    Order {
        key: "k1".into(),
        to: Recipient::Phone(PhoneNumber::parse("+12025550187").unwrap()),
        text: text.into(),
        code: None,
        language: "en".into(),
        subject: String::new(),
        extension: None,
    }
}

fn sent(text: &str, long: Long) -> Vec<SubmitSm> {
    submissions(&Author::parse("Acme").unwrap(), &order(text), long, 7).unwrap()
}

fn delivered(esm_class: u8, coding: u8, bytes: &[u8]) -> DeliverSm {
    DeliverSm::builder()
        .source_addr(COctetString::from_str("12025550187").unwrap())
        .destination_addr(COctetString::from_str("12025550143").unwrap())
        .esm_class(EsmClass::from(esm_class))
        .data_coding(DataCoding::from(coding))
        .short_message(OctetString::from_slice(bytes).unwrap())
        .build()
}

fn message(delivered: &DeliverSm) -> Message {
    match report(delivered, "m1", ReceiptIds::Same) {
        Some(Report::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn receipt_of(delivered: &DeliverSm) -> Receipt {
    match report(delivered, "m1", ReceiptIds::Same) {
        Some(Report::Receipt(receipt)) => receipt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_goes_out_in_its_alphabet_and_in_parts() {
    let one = &sent("Your code is 1234 €", Long::Udh)[0];
    assert_eq!(
        (
            u8::from(one.esm_class),
            u8::from(one.data_coding),
            u8::from(one.registered_delivery)
        ),
        (0, 0, 1)
    );
    assert_eq!(one.short_message().as_ref(), b"Your code is 1234 \x1be");
    assert_eq!(
        (u8::from(one.source_addr_ton), one.source_addr.as_str()),
        (5, "Acme")
    );
    assert_eq!(
        (u8::from(one.dest_addr_ton), one.destination_addr.as_str()),
        (1, "12025550187")
    );
    let parts = sent(&"Ж".repeat(71), Long::Udh);
    let headers: Vec<&[u8]> = parts
        .iter()
        .map(|part| &part.short_message().as_ref()[..6])
        .collect();
    assert_eq!(headers, [[5, 0, 3, 7, 2, 1], [5, 0, 3, 7, 2, 2]]);
    assert!(
        parts
            .iter()
            .all(|part| u8::from(part.esm_class) == 0x40 && u8::from(part.data_coding) == 8)
    );
    let payload = sent(&"a".repeat(161), Long::Payload);
    assert_eq!(
        (
            payload.len(),
            payload[0].tlvs().len(),
            payload[0].short_message().len()
        ),
        (1, 1, 0)
    );
}

#[test]
fn an_author_has_the_type_of_its_form() {
    let of = |text: &str| Author::parse(text).map(|author| (author.ton, author.npi, author.address));
    assert_eq!(of("+12025550143"), Some((1, 1, "12025550143".into())));
    assert_eq!(of("22000"), Some((3, 0, "22000".into())));
    assert_eq!(of("Acme Codes"), Some((5, 0, "Acme Codes".into())));
    assert_eq!(
        (of(""), of("A name that is long"), of("Äcme")),
        (None, None, None)
    );
}

#[test]
fn receipts_are_read_by_text_and_by_parameters() {
    let text = b"id:0A1B sub:001 dlvrd:001 submit date:2611271200 done date:2611271201 stat:DELIVRD err:000 text:Your code";
    let receipt = receipt_of(&delivered(0x04, 0, text));
    assert_eq!(
        (receipt.carrier_message_id.as_str(), receipt.status),
        ("A1B", ReceiptStatus::Delivered)
    );
    assert_eq!(
        (receipt.error_code, receipt.dedupe_key.as_str()),
        (None, "A1B:DELIVRD")
    );
    assert_eq!(receipt.to, Some(Address::new("+12025550187")));
    let failed = receipt_of(&delivered(
        0x04,
        0,
        b"ID:7 Stat:undeliv Err:0C1 Text:id:9 stat:DELIVRD",
    ));
    assert_eq!(
        (failed.carrier_message_id.as_str(), failed.status),
        ("7", ReceiptStatus::Undelivered)
    );
    assert_eq!(failed.error_code.as_deref(), Some("0C1"));
    let mut by_parameters = delivered(0x04, 0, b"");
    let id = COctetString::from_str("77").unwrap();
    by_parameters.push_tlv(MessageDeliveryRequestTlvValue::ReceiptedMessageId(id));
    by_parameters.push_tlv(MessageDeliveryRequestTlvValue::MessageState(
        MessageState::Expired,
    ));
    let expired = receipt_of(&by_parameters);
    assert_eq!(
        (expired.carrier_message_id.as_str(), expired.status),
        ("77", ReceiptStatus::Expired)
    );
    assert_eq!(
        report(&delivered(0x04, 0, b"no id here"), "m1", ReceiptIds::Same),
        None
    );
}

#[test]
fn messages_are_read_in_every_alphabet() {
    let plain = message(&delivered(0, 0, b"G-482913 \x1be"));
    assert_eq!(
        (plain.text.as_str(), plain.from, plain.to),
        (
            "G-482913 €",
            Address::new("+12025550187"),
            Address::new("+12025550143")
        )
    );
    assert_eq!(message(&delivered(0, 3, b"caf\xe9")).text, "café");
    assert_eq!(message(&delivered(0, 8, b"\x04\x16")).text, "Ж");
    assert_eq!(
        message(&delivered(0, 4, b"\x01\x02")).binary.as_deref(),
        Some(&b"\x01\x02"[..])
    );
    let part = message(&delivered(0x40, 0, b"\x05\x00\x03\x2a\x02\x01half"));
    assert_eq!(
        (part.text.as_str(), part.concat.map(|c| (c.total, c.part))),
        ("half", Some((2, 1)))
    );
    assert_eq!(
        report(&delivered(0x08, 0, b"a handset's word"), "m1", ReceiptIds::Same),
        None
    );
}

proptest! {
    #[test]
    fn no_delivery_breaks_the_reader(esm_class: u8, coding: u8, bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
        let _ = report(&delivered(esm_class, coding, &bytes), "m1", ReceiptIds::Same);
    }

    #[test]
    fn every_text_goes_out_whole(text in "[a-z€Ж🔐]{0,300}") {
        let parts = sent(&text, Long::Udh);
        let read: String = parts.iter().map(|part| {
            let bytes = part.short_message().as_ref();
            let bytes = if parts.len() > 1 { &bytes[6..] } else { bytes };
            if u8::from(part.data_coding) == 8 { charset::ucs2(bytes).unwrap() } else { charset::gsm(bytes).unwrap() }
        }).collect();
        prop_assert_eq!(read, text);
        let most = |part: &SubmitSm| if u8::from(part.data_coding) == 8 { 140 } else { 160 };
        let fit = parts.iter().all(|part| part.short_message().len() <= most(part));
        prop_assert!(fit);
    }
}
