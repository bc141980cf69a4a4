//! Twilio messaging webhooks: base64 HMAC over the configured URL and the sorted parameters, in its SHA-1 form or (SharedKey, beta)
//! SHA-256. There is no time in the scheme: replay is stopped by the message id alone.

use serde::Deserialize;

use super::form::Params;
use super::keys::{Rotation, Secret};
use super::mac::{self, Hash};
use super::settings::{SettingsError, filled, rotation};
use super::{Answer, Received, Reject, Request, report};
use crate::core::message::{Media, Message, Receipt, ReceiptStatus, Report};
use crate::core::phone::Address;

/// The keys of a source with `carrier = "twilio"`; exactly one of `auth_tokens` and `shared_keys`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `AC..`: requests of every other account are refused.
    account_sid: String,
    /// The account's auth token; primary and secondary while rotating.
    auth_tokens: Option<Vec<String>>,
    /// The secrets of SharedKeys, which sign with HMAC-SHA256.
    shared_keys: Option<Vec<String>>,
}

#[derive(Debug)]
pub struct Keys {
    account_sid: String,
    secrets: Rotation<Secret>,
    /// Pinned here: the settings header of a request may only agree with it.
    hash: Hash,
}

/// What a verified request carries.
enum Covered {
    Form(Params),
    /// Event streams and the like: signed, but nothing that we report.
    Json,
}

impl Keys {
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let (key, texts, hash) = match (settings.auth_tokens, settings.shared_keys) {
            (Some(texts), None) => ("auth_tokens", texts, Hash::Sha1),
            (None, Some(texts)) => ("shared_keys", texts, Hash::Sha256),
            _ => {
                let expected = "it, or `shared_keys` instead, but not both";
                return Err(SettingsError::Value {
                    key: "auth_tokens",
                    expected,
                });
            }
        };
        let secrets = rotation(key, &texts, "texts that are not empty", Secret::text)?;
        Ok(Self {
            account_sid: filled("account_sid", settings.account_sid)?,
            secrets,
            hash,
        })
    }

    /// Twilio signs no time, so there is no window to check.
    pub fn verify(&self, request: &Request<'_>) -> Result<usize, Reject> {
        self.covered(request).map(|(index, _)| index)
    }

    fn covered(&self, request: &Request<'_>) -> Result<(usize, Covered), Reject> {
        let signature = request.header("x-twilio-signature", Reject::MissingSignature)?;
        self.check_algorithm(request)?;
        let posted_form = request.method == "POST" && (request.is_form() || request.body.is_empty());
        let params = if posted_form {
            Params::parse(request.body)?
        } else {
            Params::none()
        };
        let tail = sorted(&params);
        let urls = url_variants(request.url);
        let signed = |secret: &Secret| {
            urls.iter().any(|url| {
                let expected =
                    mac::hmac_base64(self.hash, secret.bytes(), &[url.as_bytes(), tail.as_bytes()]);
                mac::same(&expected, signature)
            })
        };
        let index = self.secrets.find(signed).ok_or(Reject::BadSignature)?;
        if posted_form {
            return Ok((index, Covered::Form(params)));
        }
        if request.body.is_empty() {
            let query = request.query().unwrap_or_default();
            return Ok((index, Covered::Form(Params::parse(query.as_bytes())?)));
        }
        check_body_hash(request)?;
        Ok((index, Covered::Json))
    }

    fn check_algorithm(&self, request: &Request<'_>) -> Result<(), Reject> {
        if self.hash == Hash::Sha1 {
            return Ok(());
        }
        let stated = request.header("x-twilio-webhooks-signature-settings", Reject::MissingSignature)?;
        let mut pairs = stated.split(',').filter_map(|pair| pair.trim().split_once('='));
        match pairs.find(|(name, _)| *name == "algorithm") {
            Some((_, "HMAC_SHA256")) => Ok(()),
            _ => Err(Reject::UnsupportedAlgorithm),
        }
    }

    pub fn receive(
        &self,
        request: &Request<'_>,
        _now: crate::core::time::UnixMs,
    ) -> Result<Received, Reject> {
        match self.covered(request)? {
            (key_index, Covered::Form(params)) => {
                let reports = parse(&params, &self.account_sid)?;
                Ok(Received {
                    reports,
                    answer: Answer::Twiml,
                    key_index,
                })
            }
            (key_index, Covered::Json) => Ok(Received {
                reports: Vec::new(),
                answer: Answer::Empty,
                key_index,
            }),
        }
    }
}

/// A body that is no form is signed only through its hash in the URL.
fn check_body_hash(request: &Request<'_>) -> Result<(), Reject> {
    let query = Params::parse(request.query().unwrap_or_default().as_bytes())?;
    let stated = query.opt("bodySHA256")?.ok_or(Reject::BodyNotCovered)?;
    let actual = mac::sha256_hex(request.body);
    if mac::same(&actual, &stated.to_ascii_lowercase()) {
        Ok(())
    } else {
        Err(Reject::BodyHashMismatch)
    }
}

/// Names and values without separators, in byte order of the names; the distinct values of a repeated name in byte order.
pub(super) fn sorted(params: &Params) -> String {
    let mut pairs: Vec<_> = params.pairs().iter().collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
        .iter()
        .flat_map(|(name, value)| [name.as_str(), value.as_str()])
        .collect()
}

/// Twilio signs the URL with or without its port: as it is, without the port, with the default port.
fn url_variants(url: &str) -> Vec<String> {
    let mut variants = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else {
        return variants;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, tail) = rest.split_at(end);
    let port = host.rfind(':').filter(|at| !host[*at..].contains(']'));
    match (port, scheme) {
        (Some(at), _) => variants.push(format!("{scheme}://{}{tail}", &host[..at])),
        (None, "https") => variants.push(format!("{scheme}://{host}:443{tail}")),
        (None, "http") => variants.push(format!("{scheme}://{host}:80{tail}")),
        _ => {}
    }
    variants
}

/// Reads verified parameters. Names and values are signed without separators, so bytes could be moved between them: the account and
/// every mandatory name must be there, exactly once.
pub(super) fn parse(params: &Params, account_sid: &str) -> Result<Vec<Report>, Reject> {
    if params.one("AccountSid")? != account_sid {
        return Err(Reject::AccountMismatch);
    }
    let id = params.one("MessageSid")?;
    let (from, to) = (params.one("From")?, params.one("To")?);
    match params.opt("MessageStatus")? {
        None | Some("received" | "receiving") => {
            message(params, id, from, to).map(|m| vec![Report::Message(m)])
        }
        Some(raw_status) => Ok(vec![Report::Receipt(Receipt {
            from: Some(Address::new(from)),
            to: Some(Address::new(to)),
            error_code: params.opt("ErrorCode")?.map(str::to_owned),
            ..report::receipt(id, raw_status, status(raw_status))
        })]),
    }
}

fn message(params: &Params, id: &str, from: &str, to: &str) -> Result<Message, Reject> {
    let count = params.opt("NumMedia")?.and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut media = Vec::new();
    for n in 0..count {
        let Some(url) = params.opt(&format!("MediaUrl{n}"))? else {
            break;
        };
        let content_type = params.opt(&format!("MediaContentType{n}"))?.map(str::to_owned);
        media.push(Media {
            url: url.to_owned(),
            content_type,
        });
    }
    Ok(Message {
        parts: params.opt("NumSegments")?.and_then(|n| n.parse().ok()),
        media,
        ..report::message(id, from, to, params.one("Body")?)
    })
}

fn status(raw: &str) -> ReceiptStatus {
    match raw {
        "accepted" | "scheduled" => ReceiptStatus::Accepted,
        "queued" | "sending" => ReceiptStatus::Queued,
        "sent" => ReceiptStatus::Sent,
        "delivered" | "read" => ReceiptStatus::Delivered,
        "failed" | "canceled" => ReceiptStatus::Failed,
        "undelivered" => ReceiptStatus::Undelivered,
        _ => ReceiptStatus::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_comes_and_goes() {
        for (url, other) in [
            (
                "https://gw.example.com/a:1?b:2",
                "https://gw.example.com:443/a:1?b:2",
            ),
            ("http://gw.example.com", "http://gw.example.com:80"),
            ("https://gw.example.com:8443/a", "https://gw.example.com/a"),
            ("https://[2001:db8::1]/a", "https://[2001:db8::1]:443/a"),
            ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]/a"),
        ] {
            assert_eq!(url_variants(url), [url, other]);
        }
    }
}
