//! What only SNS has: certificates that are handed in, and values instead of bytes that are signed.

use http::HeaderMap;
use ringback::carrier::{Carrier, Reject, Request, aws_sns};
use ringback::core::time::UnixMs;
use serde_json::Value;

use super::vectors::{Vector, load};

const CERTIFICATE_URL: &str =
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";

fn vector(name: &str) -> Vector {
    load("aws_sns")
        .into_iter()
        .find(|vector| vector.name == name)
        .unwrap()
}

fn pem() -> String {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/carrier/aws_sns/test_cert.pem"
    );
    std::fs::read_to_string(path).unwrap()
}

/// A source that holds no certificate yet.
fn keys(topic: &str) -> aws_sns::Keys {
    let settings =
        toml::Table::from_iter([("topic_arns".to_owned(), toml::Value::Array(vec![topic.into()]))]);
    match Carrier::from_settings("aws_sns", settings).unwrap() {
        Carrier::AwsSns(keys) => keys,
        other => panic!("{other:?}"),
    }
}

fn ours() -> aws_sns::Keys {
    keys("arn:aws:sns:us-east-1:123456789012:inbound-sms")
}

#[test]
fn a_certificate_is_asked_for_once() {
    let (keys, vector) = (ours(), vector("notification_v2"));
    let request = vector.request();
    assert_eq!(
        keys.verify(&request, vector.now()).unwrap_err(),
        Reject::UntrustedCertUrl
    );
    assert_eq!(
        keys.missing_certificate(&request).as_deref(),
        Some(CERTIFICATE_URL)
    );
    keys.add_certificate(CERTIFICATE_URL, &pem()).unwrap();
    assert_eq!(keys.missing_certificate(&request), None);
    assert_eq!(keys.verify(&request, vector.now()), Ok(0));
    assert_eq!(keys.read(&request).unwrap().reports.len(), 1);
}

#[test]
fn nothing_is_fetched_for_strangers() {
    let genuine = vector("notification_v2");
    let other_topic = keys("arn:aws:sns:us-east-1:123456789012:another");
    assert_eq!(other_topic.missing_certificate(&genuine.request()), None);
    for name in [
        "reject_cert_url_evil_suffix",
        "reject_cert_url_http_scheme",
        "reject_cert_url_s3_bucket_named_sns",
        "reject_foreign_topic",
    ] {
        assert_eq!(
            ours().missing_certificate(&vector(name).request()),
            None,
            "{name}"
        );
    }
    let noise = Request {
        body: b"{",
        ..genuine.request()
    };
    assert_eq!(ours().missing_certificate(&noise), None);
}

#[test]
fn only_certificates_of_sns_are_held_and_not_too_many() {
    let keys = ours();
    assert!(
        keys.add_certificate("https://evil.example/x.pem", &pem())
            .is_err()
    );
    assert!(keys.add_certificate(CERTIFICATE_URL, "no certificate").is_err());
    for n in 0..16 {
        keys.add_certificate(&format!("https://sns.us-east-1.amazonaws.com/{n}.pem"), &pem())
            .unwrap();
    }
    assert!(
        keys.add_certificate("https://sns.us-east-1.amazonaws.com/16.pem", &pem())
            .is_err()
    );
    assert!(
        keys.add_certificate("https://sns.us-east-1.amazonaws.com/0.pem", &pem())
            .is_ok()
    );
}

/// `MessageId` swallows the subject: the string that was signed stays the same.
#[test]
fn a_line_break_moves_no_joint() {
    let vector = vector("notification_v2_subject");
    let mut document: Value = serde_json::from_slice(vector.request().body).unwrap();
    let members = document.as_object_mut().unwrap();
    let subject = members.remove("Subject").unwrap();
    let id = members["MessageId"].as_str().unwrap();
    let longer = format!("{id}\nSubject\n{}", subject.as_str().unwrap());
    members.insert("MessageId".to_owned(), longer.into());
    let keys = ours();
    keys.add_certificate(CERTIFICATE_URL, &pem()).unwrap();
    let headers = HeaderMap::new();
    let body = document.to_string();
    let request = Request {
        method: "POST",
        url: &vector.url,
        headers: &headers,
        body: body.as_bytes(),
    };
    assert_eq!(
        keys.verify(&request, vector.now()).unwrap_err(),
        Reject::MalformedBody
    );
}

/// SNS repeats for an hour under the first timestamp.
#[test]
fn a_repeated_notification_is_fresh_for_over_an_hour() {
    let vector = vector("notification_v2");
    let keys = ours();
    keys.add_certificate(CERTIFICATE_URL, &pem()).unwrap();
    // The notification was signed two seconds before the vector's clock.
    let at = |seconds: i64| UnixMs(vector.now().0.checked_add_signed((seconds - 2) * 1000).unwrap());
    for (seconds, fresh) in [(3900, true), (3901, false), (-300, true), (-301, false)] {
        let verdict = keys.verify(&vector.request(), at(seconds)).map(|_| ());
        assert_eq!(
            verdict,
            if fresh {
                Ok(())
            } else {
                Err(Reject::StaleTimestamp)
            },
            "{seconds}"
        );
    }
}
