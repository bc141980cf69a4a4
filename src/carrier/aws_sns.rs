//! AWS End User Messaging two-way SMS over SNS: RSA over a string made of JSON values, so this is the one body that is read before its
//! signature holds. Certificates are handed in; fetching them, and the subscribe URL, is done elsewhere.

mod certificates;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{self, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

use self::certificates::Certificates;
use super::json::{self, Node};
use super::settings::SettingsError;
use super::{Answer, Contents, Reject, Request, report};
use crate::core::message::{Confirmation, Message, Report};
use crate::core::time::UnixMs;

/// SNS repeats for up to an hour under the first `Timestamp`; five minutes are for the clocks.
const AGE_MAX_S: u64 = 3900;
const AHEAD_MAX_S: u64 = 300;

/// The keys of a source with `carrier = "aws_sns"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The topics that may post here. Essential: anybody can have SNS sign messages of a topic of his own.
    topic_arns: Vec<String>,
    /// `SigningCertURL` to PEM, to pin certificates; those of other URLs at SNS are fetched and held for a while.
    #[serde(default)]
    certificates: BTreeMap<String, String>,
}

#[derive(Debug)]
pub struct Keys {
    topic_arns: Vec<String>,
    certificates: Certificates,
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let right = |arn: &String| arn.starts_with("arn:aws") && arn.contains(":sns:");
        if settings.topic_arns.is_empty() || !settings.topic_arns.iter().all(right) {
            return Err(SettingsError::Value {
                key: "topic_arns",
                expected: "one or more `arn:aws:sns:..`",
            });
        }
        Ok(Self {
            topic_arns: settings.topic_arns,
            certificates: Certificates::new(&settings.certificates)?,
        })
    }

    /// The certificate that should be fetched before `receive` judges this request. Only for a configured topic and a URL at SNS
    /// itself; `None` where it is held, was asked for in vain just now, or the request is not worth it.
    pub fn wants(&self, request: &Request<'_>, now: UnixMs) -> Option<String> {
        let document = json::parse(request.body).ok()?;
        let root = Node(&document);
        let url = root
            .text_opt("/SigningCertURL")
            .filter(|url| trusted_cert_url(url))?;
        let wanted = self.allowed(root.text_opt("/TopicArn")?) && self.certificates.wants(url, now);
        wanted.then(|| url.to_owned())
    }

    /// Takes what came from there, `None` if nothing did; whether it is a certificate.
    pub fn take_certificate(&self, url: &str, pem: Option<&[u8]>, now: UnixMs) -> bool {
        self.certificates.take(url, pem, now)
    }

    fn allowed(&self, topic_arn: &str) -> bool {
        self.topic_arns.iter().any(|known| known == topic_arn)
    }

    fn verify_document(&self, root: Node<'_>, now: UnixMs) -> Result<(), Reject> {
        let given = root.text("/Signature").map_err(|_| Reject::MissingSignature)?;
        let sent_at = root.text("/Timestamp").map_err(|_| Reject::MissingTimestamp)?;
        let given = BASE64_STANDARD
            .decode(given)
            .map_err(|_| Reject::MalformedSignature)?;
        let sent_at = UnixMs::parse_rfc3339(sent_at).ok_or(Reject::MalformedTimestamp)?;
        let url = root
            .text("/SigningCertURL")
            .ok()
            .filter(|url| trusted_cert_url(url));
        let url = url.ok_or(Reject::UntrustedCertUrl)?;
        let algorithm = match root.text("/SignatureVersion")? {
            "1" => &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "2" => &signature::RSA_PKCS1_2048_8192_SHA256,
            _ => return Err(Reject::UnsupportedAlgorithm),
        };
        let key = self
            .certificates
            .get(url, now)
            .ok_or(Reject::MissingCertificate)?;
        let message = signed_text(root.0)?;
        let verdict = UnparsedPublicKey::new(algorithm, key).verify(message.as_bytes(), &given);
        verdict.map_err(|_| Reject::BadSignature)?;
        if !self.allowed(root.text("/TopicArn")?) {
            return Err(Reject::TopicNotAllowed);
        }
        let (sent_s, now_s) = (sent_at.secs(), now.secs());
        let fresh = sent_s <= now_s.saturating_add(AHEAD_MAX_S) && now_s <= sent_s.saturating_add(AGE_MAX_S);
        if fresh {
            Ok(())
        } else {
            Err(Reject::StaleTimestamp)
        }
    }

    pub fn verify(&self, request: &Request<'_>, now: UnixMs) -> Result<usize, Reject> {
        let document = json::parse(request.body)?;
        self.verify_document(Node(&document), now).map(|()| 0)
    }

    pub fn read(&self, request: &Request<'_>) -> Result<Contents, Reject> {
        let document = json::parse(request.body)?;
        Ok(Contents {
            reports: parse(Node(&document))?,
            answer: Answer::OK,
        })
    }
}

/// `Name\nValue\n` of the names that this type signs. A line break is allowed in `Message` alone, or a value could pass for the next.
pub(super) fn signed_text(document: &Value) -> Result<String, Reject> {
    let root = Node(document);
    let names: &[&str] = match root.text("/Type")? {
        "Notification" => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        "SubscriptionConfirmation" | "UnsubscribeConfirmation" => &[
            "Message",
            "MessageId",
            "SubscribeURL",
            "Timestamp",
            "Token",
            "TopicArn",
            "Type",
        ],
        _ => return Err(Reject::MalformedBody),
    };
    let mut text = String::new();
    for name in names {
        let pointer = format!("/{name}");
        if *name == "Subject" && root.at(&pointer).is_none() {
            continue;
        }
        let value = root.text(&pointer)?;
        if *name != "Message" && value.contains('\n') {
            return Err(Reject::MalformedBody);
        }
        text.extend([name, "\n", value, "\n"]);
    }
    Ok(text)
}

/// Whether the URL is one of SNS itself: https, no user, no port, and a host whose second label looks like a region. A bucket named
/// `sns` has a host of nearly that form (`sns.s3-us-west-2.amazonaws.com`).
fn trusted_url(url: &str) -> bool {
    let Some(tail) = url
        .strip_prefix("https://")
        .filter(|_| url.bytes().all(|b| b.is_ascii_graphic()))
    else {
        return false;
    };
    let host = tail.split(['/', '?', '#']).next().unwrap_or_default();
    let region = host.strip_prefix("sns.").and_then(|host| {
        host.strip_suffix(".amazonaws.com.cn")
            .or_else(|| host.strip_suffix(".amazonaws.com"))
    });
    let Some(labels) = region.map(|region| region.split('-').collect::<Vec<_>>()) else {
        return false;
    };
    let letters = |label: &&str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase());
    match labels.as_slice() {
        [country, middle @ .., number] => {
            country.len() == 2
                && letters(country)
                && !middle.is_empty()
                && middle.iter().all(letters)
                && (1..=2).contains(&number.len())
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        _ => false,
    }
}

fn trusted_cert_url(url: &str) -> bool {
    trusted_url(url) && url.ends_with(".pem") && !url.contains(['?', '#', '\\'])
}

/// Reads a verified document. The end of a subscription gives no report.
pub(super) fn parse(root: Node<'_>) -> Result<Vec<Report>, Reject> {
    Ok(match root.text("/Type")? {
        "Notification" => message(root)?.map(Report::Message).into_iter().collect(),
        "SubscriptionConfirmation" => vec![Report::Confirmation(confirmation(root)?)],
        _ => Vec::new(),
    })
}

/// What is in the notification; other publications than an SMS give no report.
fn message(root: Node<'_>) -> Result<Option<Message>, Reject> {
    let Ok(document) = json::parse(root.text("/Message")?.as_bytes()) else {
        return Ok(None);
    };
    let sms = Node(&document);
    if sms.at("/originationNumber").is_none() {
        return Ok(None);
    }
    let (from, to) = (sms.id("/originationNumber")?, sms.id("/destinationNumber")?);
    Ok(Some(Message {
        carrier_event_id: Some(root.id("/MessageId")?.to_owned()),
        received_at: root.time_opt("/Timestamp"),
        ..report::message(sms.id("/inboundMessageId")?, from, to, sms.text("/messageBody")?)
    }))
}

fn confirmation(root: Node<'_>) -> Result<Confirmation, Reject> {
    let (id, url) = (root.id("/MessageId")?, root.id("/SubscribeURL")?);
    if !trusted_url(url) {
        return Err(Reject::UntrustedSubscribeUrl);
    }
    Ok(Confirmation {
        carrier_event_id: id.to_owned(),
        dedupe_key: id.to_owned(),
        topic_arn: root.id("/TopicArn")?.to_owned(),
        subscribe_url: url.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_sns_are_trusted() {
        for (url, right) in [
            ("https://sns.us-east-1.amazonaws.com/a.pem", true),
            ("https://sns.us-gov-west-1.amazonaws.com/a.pem", true),
            ("https://sns.cn-north-1.amazonaws.com.cn/a.pem", true),
            ("https://sns.s3-us-west-2.amazonaws.com/a.pem", false),
            ("https://sns.us-east-1.amazonaws.com.evil.example/a.pem", false),
            ("https://sns.us-east-1.amazonaws.com@evil.example/a.pem", false),
            ("https://sns.us-east-1.amazonaws.com:8443/a.pem", false),
            ("https://evil.example\\.sns.us-east-1.amazonaws.com/a.pem", false),
            ("https://sns.us-east-1.amazonaws.com./a.pem", false),
            ("https://SNS.us-east-1.amazonaws.com/a.pem", false),
            ("https://sns.us-1.amazonaws.com/a.pem", false),
            ("http://sns.us-east-1.amazonaws.com/a.pem", false),
            ("https://sns.us-east-1.amazonaws.com/a.pem?x=.pem", false),
            ("https://sns.us-east-1.amazonaws.com/a.txt", false),
        ] {
            assert_eq!(trusted_cert_url(url), right, "{url}");
        }
    }
}
