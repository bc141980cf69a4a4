//! The thin form of every event holds to `schemas/thin.json`, which lets nothing else through.

use ringback::core::event::thin;
use serde_json::{Value, json};

use crate::support::schema::{schemas, thin_validator, wrong};

#[test]
fn the_thin_form_of_every_event_holds_and_the_full_one_does_not() {
    let judge = thin_validator();
    for (kind, schema) in schemas() {
        let full = &schema["examples"][0];
        let thin: Value = serde_json::from_str(&thin(&full.to_string())).unwrap();
        assert!(judge.is_valid(&thin), "{kind}: {thin}");
        assert_eq!(
            wrong(&thin),
            Vec::<String>::new(),
            "{kind}: by its own schema too"
        );
        assert!(!judge.is_valid(full), "{kind}: more than ids");
    }
}

#[test]
fn the_example_holds_and_an_altered_one_fails() {
    let judge = thin_validator();
    let good = json!({
        "type": "message.received", "timestamp": "2026-11-01T12:00:02.000Z", "data": { "id": "x", "messageId": "msg_1" }
    });
    assert!(judge.is_valid(&good));
    for (pointer, value) in [
        ("/type", json!("Message")),
        ("/timestamp", json!("2026-11-01")),
        ("/data", json!({})),
        ("/data", json!({ "id": 1 })),
        ("/data", json!({ "id": "x", "otpCode": "482913" })),
        ("/data", json!({ "id": "x", "smsContent": "hello" })),
    ] {
        let mut event = good.clone();
        *event.pointer_mut(pointer).unwrap() = value.clone();
        assert!(!judge.is_valid(&event), "{pointer}: {value}");
    }
}
