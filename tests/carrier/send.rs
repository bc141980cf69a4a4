//! The sending half: answers as the carriers document them, settings that say what is wrong, and nothing panics or breaks out of a field.

use std::collections::BTreeSet;

use proptest::prelude::*;
use ringback::carrier::send::{KINDS, Provider, Reply, Request};
use ringback::core::phone::PhoneNumber;
use ringback::core::sending::{Class, Order, Recipient, Sent};
use serde_json::{Value, json};

pub fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/send/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub fn settings(kind: &str) -> toml::Table {
    let path = format!("{}/fixtures/send/settings.toml", env!("CARGO_MANIFEST_DIR"));
    let all: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let settings = all.get(kind).and_then(toml::Value::as_table);
    settings
        .unwrap_or_else(|| panic!("a new kind needs settings there: {kind}"))
        .clone()
}

pub fn provider(kind: &str) -> Provider {
    Provider::from_settings(kind, settings(kind)).unwrap().unwrap()
}

pub fn order(text: &str) -> Order {
    Order {
        key: "idem-1".into(),
        to: Recipient::Phone(PhoneNumber::parse("+12025550187").unwrap()),
        text: text.into(),
        code: Some("1234".into()),
        language: "en".into(),
        subject: String::new(),
        extension: None,
    }
}

pub fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let found = request.headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.to_str().unwrap())
}

pub fn text(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

pub fn form(request: &Request) -> Vec<(String, String)> {
    form_urlencoded::parse(&request.body).into_owned().collect()
}

#[test]
fn a_text_outside_gsm_is_told_to_vonage() {
    let sent = |said: &str| form(&provider("vonage").request(&order(said), None).unwrap());
    let kind = ("type".to_owned(), "unicode".to_owned());
    assert!(sent("код 1234").contains(&kind) && !sent("Your code is 1234 €").contains(&kind));
}

#[test]
fn a_template_is_sent_in_the_nearest_language_it_has() {
    let language = |wished: &str| {
        let order = Order {
            language: wished.into(),
            ..order("Code 1234")
        };
        let request = provider("meta_whatsapp").request(&order, None).unwrap();
        let body: Value = serde_json::from_str(&text(&request)).unwrap();
        body["template"]["language"]["code"].as_str().unwrap().to_owned()
    };
    let languages = ["pt-BR", "pt-PT", "de-AT", "en", "fr"].map(language);
    assert_eq!(languages, ["pt_BR", "pt_BR", "de", "en_US", "en_US"]);
    let no_code = Order {
        code: None,
        ..order("hello")
    };
    let refused = provider("meta_whatsapp").request(&no_code, None).unwrap_err();
    assert_eq!(refused.class, Class::ContentRefused);
}

#[test]
fn e_mail_goes_to_no_phone_provider() {
    let order = Order {
        to: Recipient::email("ann@example.com").unwrap(),
        ..order("Code 1234")
    };
    for kind in KINDS {
        let refused = provider(kind).request(&order, None).unwrap_err();
        assert_eq!(refused.class, Class::InvalidRecipient, "{kind}");
    }
}

#[test]
fn answers_mean_what_the_carriers_say() {
    let answers = fixture("answers");
    let mut seen = BTreeSet::new();
    for row in answers.as_array().unwrap() {
        let kind = row["kind"].as_str().unwrap();
        seen.insert(kind.to_owned());
        let body = match &row["body"] {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        let sent = provider(kind).read(&Reply {
            status: row["status"].as_u64().unwrap().try_into().unwrap(),
            retry_after_s: row["retry_after_s"].as_u64(),
            body: body.as_bytes(),
            key: "idem-1",
        });
        match &sent {
            Sent::Accepted(taken) => {
                assert_eq!(
                    Some(taken.carrier_message_id.as_str()),
                    row["id"].as_str(),
                    "{row}"
                );
                assert_eq!(taken.segments.map(u64::from), row["segments"].as_u64(), "{row}");
                assert_eq!(taken.price.as_deref(), row["price"].as_str(), "{row}");
            }
            Sent::Refused(refusal) => {
                assert_eq!(Some(refusal.class.as_str()), row["class"].as_str(), "{row}");
                assert_eq!(refusal.code.as_deref(), row["code"].as_str(), "{row}");
                assert_eq!(refusal.retry_after_s, row["retry_after_s"].as_u64(), "{row}");
                assert!(!refusal.reason.is_empty(), "{row}");
                if let Some(reason) = row["reason"].as_str() {
                    assert_eq!(refusal.reason, reason);
                }
            }
            Sent::Unknown(_) => assert_eq!(row["unknown"], true, "{row}"),
        }
    }
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        KINDS,
        "every kind has answers here"
    );
}

#[test]
fn settings_say_what_is_wrong_and_show_no_key() {
    for kind in KINDS {
        let shown = format!("{:?}", provider(kind));
        for secret in ["tok", "KEY_made_up", "made_up", "\"sec\""] {
            assert!(!shown.contains(secret), "{kind}: {shown}");
        }
        let mut unknown = settings(kind);
        unknown.insert("colour".into(), "red".into());
        let error = Provider::from_settings(kind, unknown)
            .unwrap()
            .unwrap_err()
            .to_string();
        assert!(error.contains("colour"), "{kind}: {error}");
    }
    for (kind, key, value) in [
        ("twilio", "messaging_service_sid", "MG1"),
        ("twilio", "auth_token", ""),
        ("telnyx", "api_key", "a\nb"),
        ("sinch", "region", "moon"),
        ("generic", "url", "https://x/{number}"),
        ("generic", "url", "https://x/{to"),
        ("generic", "id", "message/id"),
        ("generic", "method", "P OST"),
    ] {
        let mut wrong = settings(kind);
        wrong.insert(key.into(), value.into());
        let error = Provider::from_settings(kind, wrong)
            .unwrap()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("write") && !error.contains("a\nb"),
            "{kind} {key}: {error}"
        );
    }
    assert!(Provider::from_settings("pigeon", toml::Table::new()).is_none());
}

proptest! {
    /// Whatever a provider answers, there is a result, and a refusal's words hold no number and no code.
    #[test]
    fn no_answer_breaks_a_reader(status in 100u16..600, body in "\\PC{0,60}|[\\[\\]{}\":,a-z0-9 ]{0,60}", kind in 0..KINDS.len()) {
        let reply = Reply { status, retry_after_s: None, body: body.as_bytes(), key: "k" };
        let _ = provider(KINDS[kind]).read(&reply);
    }

    #[test]
    fn a_providers_words_hold_no_digits(words in "[ -~]{0,200}", kind in 0..KINDS.len()) {
        let all = json!({ "message": words, "error": { "message": words, "text": words, "code": words }, "text": words, "detail": words,
            "code": words, "errors": [{ "code": words, "detail": words }], "messages": [{ "status": "77", "error-text": words }] });
        let body = all.to_string();
        let reply = Reply { status: 400, retry_after_s: None, body: body.as_bytes(), key: "k" };
        if let Sent::Refused(refusal) = provider(KINDS[kind]).read(&reply) {
            let run = refusal.reason.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
            prop_assert!(run.unwrap_or(0) <= 3, "{}", refusal.reason);
            prop_assert!(refusal.reason.len() <= 300);
        }
    }

    /// The text stands in one field of the request, whole, and changes nothing else of it.
    #[test]
    fn no_text_breaks_out_of_its_field(said in "\\PC{0,60}|[&=+%\"\\\\{}<>\r\n ]{0,30}", kind in 0..KINDS.len()) {
        let kind = KINDS[kind];
        let usual = provider(kind).request(&order("x"), None).unwrap();
        let request = provider(kind).request(&order(&said), None).unwrap();
        prop_assert_eq!(&request.url, &usual.url);
        prop_assert_eq!(&request.headers, &usual.headers);
        let names = |request: &Request| -> Vec<String> {
            match serde_json::from_slice::<Value>(&request.body) {
                Ok(Value::Object(members)) => members.keys().cloned().collect(),
                _ => form(request).into_iter().map(|(name, _)| name).filter(|name| name != "type").collect(),
            }
        };
        prop_assert_eq!(names(&request), names(&usual));
        if !kind.ends_with("voice") && kind != "meta_whatsapp" {
            let whole = match serde_json::from_slice::<Value>(&request.body) {
                Ok(json) => ["/text", "/body", "/textMessage/text", "/content/text"].iter().any(|at| json.pointer(at) == Some(&said.as_str().into())),
                Err(_) => form(&request).iter().any(|(_, value)| *value == said),
            };
            prop_assert!(whole, "{}", text(&request));
        }
    }
}
