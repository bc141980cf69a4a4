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
fn a_certificate_is_asked_for_once_a_day() {
    let (keys, vector) = (ours(), vector("notification_v2"));
    let (request, now) = (vector.request(), vector.now());
    assert_eq!(
        keys.verify(&request, now).unwrap_err(),
        Reject::MissingCertificate
    );
    assert_eq!(keys.wants(&request, now).as_deref(), Some(CERTIFICATE_URL));
    assert!(keys.take_certificate(CERTIFICATE_URL, Some(pem().as_bytes()), now));
    assert_eq!(keys.verify(&request, now), Ok(0));
    assert_eq!(keys.read(&request).unwrap().reports.len(), 1);
    let day_ms = 86_400_000;
    for (age_ms, wanted) in [(0, false), (day_ms - 1, false), (day_ms, true)] {
        let got = keys.wants(&request, now.plus_ms(age_ms));
        assert_eq!(got.is_some(), wanted, "after {age_ms} ms");
    }
}

/// SNS gives a message up within minutes: an old certificate is used for a week where a new one does not come.
#[test]
fn a_held_certificate_outlives_a_failed_fetch_and_then_ends() {
    let (keys, vector) = (ours(), vector("notification_v2"));
    let (request, now) = (vector.request(), vector.now());
    let week_ms = 7 * 86_400_000;
    let fetched_at = now.minus_ms(week_ms - 1);
    assert!(keys.take_certificate(CERTIFICATE_URL, Some(pem().as_bytes()), fetched_at));
    assert!(!keys.take_certificate(CERTIFICATE_URL, None, now.minus_ms(60_000)));
    assert!(keys.verify(&request, now).is_ok());
    assert_eq!(
        keys.verify(&request, now.plus_ms(1)).unwrap_err(),
        Reject::MissingCertificate
    );
}

#[test]
fn a_url_that_gave_none_is_left_alone_for_a_minute() {
    let (keys, vector) = (ours(), vector("notification_v2"));
    let (request, now) = (vector.request(), vector.now());
    for nothing in [None, Some(&b"no certificate"[..])] {
        assert!(!keys.take_certificate(CERTIFICATE_URL, nothing, now));
        assert_eq!(keys.wants(&request, now.plus_ms(59_999)), None);
        assert!(keys.wants(&request, now.plus_ms(60_000)).is_some());
    }
    assert!(keys.take_certificate(CERTIFICATE_URL, Some(pem().as_bytes()), now));
    assert!(keys.verify(&request, now).is_ok());
}

#[test]
fn nothing_is_fetched_for_strangers() {
    let genuine = vector("notification_v2");
    let now = genuine.now();
    let other_topic = keys("arn:aws:sns:us-east-1:123456789012:another");
    assert_eq!(other_topic.wants(&genuine.request(), now), None);
    for name in [
        "reject_cert_url_evil_suffix",
        "reject_cert_url_http_scheme",
        "reject_cert_url_s3_bucket_named_sns",
        "reject_foreign_topic",
    ] {
        assert_eq!(ours().wants(&vector(name).request(), now), None, "{name}");
    }
    let noise = Request {
        body: b"{",
        ..genuine.request()
    };
    assert_eq!(ours().wants(&noise, now), None);
}

#[test]
fn only_certificates_of_sns_are_held_and_not_too_many() {
    let pinned = |urls: &[String]| {
        let certificates = urls.iter().map(|url| (url.clone(), toml::Value::from(pem())));
        let topic = "arn:aws:sns:us-east-1:123456789012:inbound-sms";
        let settings = toml::Table::from_iter([
            ("topic_arns".to_owned(), toml::Value::Array(vec![topic.into()])),
            (
                "certificates".to_owned(),
                certificates.collect::<toml::Table>().into(),
            ),
        ]);
        Carrier::from_settings("aws_sns", settings)
    };
    let url = |n: usize| format!("https://sns.us-east-1.amazonaws.com/{n}.pem");
    assert!(pinned(&(0..16).map(url).collect::<Vec<_>>()).is_ok());
    assert!(pinned(&(0..17).map(url).collect::<Vec<_>>()).is_err());
    assert!(pinned(&["https://evil.example/x.pem".to_owned()]).is_err());

    let (keys, vector) = (ours(), vector("notification_v2"));
    let (request, now) = (vector.request(), vector.now());
    let take = |url: &str, at: u64| keys.take_certificate(url, Some(pem().as_bytes()), now.plus_ms(at));
    assert!(!take("https://evil.example/x.pem", 0));
    assert!(take(CERTIFICATE_URL, 0));
    for n in 1..16 {
        assert!(take(&url(n), u64::try_from(n).unwrap()));
    }
    assert!(keys.verify(&request, now).is_ok(), "sixteen are held");
    assert!(take(&url(16), 16));
    assert_eq!(
        keys.verify(&request, now).unwrap_err(),
        Reject::MissingCertificate,
        "the oldest made room for the seventeenth"
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
    assert!(keys.take_certificate(CERTIFICATE_URL, Some(pem().as_bytes()), vector.now()));
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
    assert!(keys.take_certificate(CERTIFICATE_URL, Some(pem().as_bytes()), vector.now()));
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
