//! The bytes of each event, and which one a message makes.

use super::*;
use crate::core::money::Price;
use crate::core::number::samples::rented;
use crate::core::phone::Address;

fn rental() -> Rental {
    Rental {
        cost: Price(5000),
        ..rented(0xab, 1_793_534_400_000, 1_793_534_500_000)
    }
}

fn message(code: Option<&str>) -> StoredMessage {
    StoredMessage {
        id: MessageId([1; 16]),
        source: "main".into(),
        carrier_message_id: "m1".into(),
        from: Address::new("Google"),
        to: Address::new("+12025550143"),
        text: "\"123456\" is it".into(),
        media: Vec::new(),
        parts: None,
        part: None,
        sent_at: None,
        received_at: UnixMs(1_793_534_401_500),
        owner: Ok(RentalId([0xab; 16])),
        late: false,
        code: code.map(str::to_owned),
        confidence: 0.9,
        carrier_code: None,
    }
}

const RENTAL: &str = r#"{"id":"abababab-abab-abab-abab-abababababab","serviceName":"google","number":"+12025550143","status":"active","cost":"0.5000","createdAt":"2026-11-01T12:00:00.000Z""#;

#[test]
fn a_rentals_event_has_these_bytes() {
    let event = of_rental(&rental(), UnixMs(1_793_534_400_000));
    let expected = format!(
        r#"{{"type":"verification.created","timestamp":"2026-11-01T12:00:00.000Z","data":{RENTAL}}}}}"#
    );
    assert_eq!(event.body, expected);
}

#[test]
fn a_messages_event_has_these_bytes() {
    let telling = Telling {
        link: Some("https://e.example/x"),
        code: true,
    };
    let late = StoredMessage {
        late: true,
        ..message(Some("123456"))
    };
    let event = of_message(&rental(), &late, telling);
    let expected = format!(
        r#"{{"type":"verification.code_received","timestamp":"2026-11-01T12:00:01.500Z","data":{RENTAL},"messageId":"msg_{}","from":"Google","smsContent":"\"123456\" is it","receivedAt":"2026-11-01T12:00:01.500Z","otpCode":"123456","confidence":0.9,"link":"https://e.example/x","late":true}}}}"#,
        "01".repeat(16)
    );
    assert_eq!(event.body, expected);
}

#[test]
fn a_thin_body_has_ids_and_nothing_that_is_secret() {
    let telling = Telling {
        link: None,
        code: true,
    };
    let event = of_message(&rental(), &message(Some("123456")), telling);
    let expected = format!(
        r#"{{"type":"verification.code_received","timestamp":"2026-11-01T12:00:01.500Z","data":{{"id":"abababab-abab-abab-abab-abababababab","messageId":"msg_{}"}}}}"#,
        "01".repeat(16)
    );
    assert_eq!(thin(&event.body), expected);
}

#[test]
fn what_is_not_there_is_left_out() {
    let telling = Telling {
        link: None,
        code: true,
    };
    let event = of_message(&rental(), &message(None), telling);
    assert_eq!(event.kind, Kind::MessageReceived);
    for absent in ["otpCode", "confidence", "link", "late", "part", "null"] {
        assert!(!event.body.contains(absent), "{absent}");
    }
}

#[test]
fn what_a_message_tells_names_its_event() {
    let kind = |code: Option<&str>, late: bool, told: bool| {
        let message = StoredMessage {
            late,
            ..message(code)
        };
        of_message(
            &rental(),
            &message,
            Telling {
                link: None,
                code: told,
            },
        )
        .kind
    };
    assert_eq!(kind(Some("123456"), true, true), Kind::VerificationCodeReceived);
    assert_eq!(kind(Some("123456"), false, false), Kind::MessageReceived);
    assert_eq!(kind(Some("123456"), true, false), Kind::MessageLate);
    assert_eq!(kind(None, true, true), Kind::MessageLate);
}
