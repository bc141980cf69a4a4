//! Requests as the carriers' own libraries put them on the wire.

use ringback::carrier::send::Request;
use ringback::core::sending::{Class, Order};
use serde_json::{Value, json};

use super::send::{fixture, form, header, order, provider, text};

/// Whether this is what the library sent: the same bytes, but for the spaces that some of them put between the members of a JSON object.
/// Those whose HTTP library writes that it takes any answer are told apart from those who say which.
fn is_as_captured(request: &Request, expected: &Value, kind: &str) {
    assert_eq!(request.method.as_str(), expected["method"], "{kind}");
    assert_eq!(request.url, expected["url"].as_str().unwrap(), "{kind}");
    let headers = expected["headers"].as_object().unwrap();
    assert_eq!(request.headers.len(), headers.len(), "{kind}");
    for (name, value) in headers.iter().filter(|(_, value)| *value != "*/*") {
        assert_eq!(
            header(request, &name.to_ascii_lowercase()),
            value.as_str(),
            "{kind}: {name}"
        );
    }
    let body = expected["body"].as_str().unwrap();
    let body = match serde_json::from_str::<Value>(body) {
        Ok(json) => json.to_string(),
        Err(_) => body.to_owned(),
    };
    assert_eq!(text(request), body, "{kind}");
}

#[test]
fn requests_are_those_of_the_official_libraries() {
    let captured = fixture("requests");
    let captured = captured.as_array().unwrap();
    let plain = "Your code is 1234";
    for (at, kind, said, callback) in [
        (
            0,
            "telnyx",
            plain,
            Some("https://gw.example.com/carriers/telnyx/main"),
        ),
        (
            4,
            "twilio",
            "Your code is 1234 é",
            Some("https://gw.example.com/cb"),
        ),
        (5, "vonage", plain, None),
        (6, "vonage_messages", plain, None),
        (8, "plivo", plain, Some("https://gw.example.com/cb")),
    ] {
        let request = provider(kind).request(&order(said), callback).unwrap();
        is_as_captured(&request, &captured[at], kind);
    }
}

/// Captured from twilio, telnyx, android-sms-gateway and sinch for Python.
#[test]
fn calls_and_the_rest_are_those_of_the_libraries_too() {
    let captured = fixture("captured");
    let captured = captured.as_array().unwrap();
    for (expected, kind) in
        captured
            .iter()
            .zip(["twilio_voice", "telnyx_voice", "android_sms_gateway", "sinch"])
    {
        let request = provider(kind).request(&order("Your code is 1234"), Some("https://gw.example.com/cb"));
        is_as_captured(&request.unwrap(), expected, kind);
    }
    // Nobody's own: pywa, which writes some words in capitals and a number where Meta's page has a text.
    let expected = &captured[4];
    let request = provider("meta_whatsapp")
        .request(&order("Your code is 1234"), None)
        .unwrap();
    assert!(
        expected["url"].as_str().unwrap().ends_with("/1066/messages")
            && request.url.ends_with("/1066/messages")
    );
    let mut theirs: Value = serde_json::from_str(expected["body"].as_str().unwrap()).unwrap();
    let components = &mut theirs["template"]["components"];
    (
        components[0]["type"],
        components[1]["sub_type"],
        components[1]["index"],
    ) = (json!("body"), json!("url"), json!("0"));
    assert_eq!(serde_json::from_str::<Value>(&text(&request)).unwrap(), theirs);
}

#[test]
fn what_is_templated_is_filled_in() {
    let sent = |kind: &str| {
        provider(kind)
            .request(&order("Code 1234"), Some("https://gw/cb"))
            .unwrap()
    };
    let whatsapp: Value = serde_json::from_str(&text(&sent("meta_whatsapp"))).unwrap();
    assert_eq!(whatsapp["to"], "12025550187");
    assert_eq!(whatsapp["template"]["name"], "code");
    let parameters = json!([{ "type": "text", "text": "1234" }]);
    let components = &whatsapp["template"]["components"];
    assert_eq!(
        (&components[0]["parameters"], &components[1]["parameters"]),
        (&parameters, &parameters)
    );

    let own = sent("generic");
    assert_eq!(own.url, "https://sms.example.com/send?to=%2B12025550187");
    assert_eq!(header(&own, "x-api-key"), Some("made_up"));
    let expected = json!({ "recipient": "12025550187", "content": { "text": "Code 1234" }, "ref": "idem-1", "plain": "{x}" });
    assert_eq!(serde_json::from_str::<Value>(&text(&own)).unwrap(), expected);
}

#[test]
fn an_extension_is_dialled_by_both_who_call() {
    for kind in ["twilio_voice", "telnyx_voice"] {
        let with = |extension: &str| {
            let order = Order {
                extension: Some(extension.into()),
                ..order("Code 1234")
            };
            provider(kind).request(&order, None)
        };
        let request = with("1wW#").unwrap();
        let xml = match serde_json::from_slice::<Value>(&request.body) {
            Ok(json) => json["Texml"].as_str().unwrap().to_owned(),
            Err(_) => {
                form(&request)
                    .into_iter()
                    .find(|(name, _)| name == "Twiml")
                    .unwrap()
                    .1
            }
        };
        assert!(
            xml.contains("<Response><Play digits=\"1www#\"/><Pause length=\"1\"/><Say "),
            "{xml}"
        );
        assert_eq!(with("1A").unwrap_err().class, Class::ContentRefused, "{kind}");
    }
}
