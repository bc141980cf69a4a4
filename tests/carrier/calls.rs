//! What becomes of calls: Twilio's and Telnyx's callbacks as their own libraries sign and check them.

use super::golden::judge;
use super::vectors::load_from;
use serde_json::Value;

#[test]
fn every_callback_of_a_call_gets_its_verdict() {
    let mut checked = 0;
    for carrier in ["twilio", "telnyx"] {
        for vector in load_from(carrier, "calls") {
            assert_eq!(judge(&vector), Ok(()), "{carrier}/{}", vector.name);
            checked += 1;
        }
    }
    assert_eq!(checked, 20);
}

/// The judge can fail here too.
#[test]
fn a_wrong_end_is_found() {
    let mut vector = load_from("telnyx", "calls").remove(0);
    vector.normalized.as_mut().unwrap()[0]["status"] = Value::from("undelivered");
    assert!(judge(&vector).is_err());
}
