//! What Twilio's webhooks and those made after them share: parameter names, sorted parameters, ports in the signed URL.

use super::form::Params;
use super::{Reject, Request, call, mac, report};
use crate::core::message::{Media, Message, Receipt, ReceiptStatus, Report};
use crate::core::phone::Address;

/// Whether the body is what the parameters are read from. Only then may the signature cover them: with an empty list of parameters
/// instead, a signature over the bare URL would hold for any body.
pub fn posted_form(request: &Request<'_>) -> bool {
    request.method == "POST" && (request.is_form() || request.body.is_empty())
}

/// Reads what a verified signature covers: the form, the query of a body-less request, or a JSON body whose hash the URL carries.
pub fn covered_params(request: &Request<'_>) -> Result<Option<Params>, Reject> {
    if posted_form(request) {
        return Params::parse(request.body).map(Some);
    }
    let query = Params::parse(request.query().unwrap_or_default().as_bytes())?;
    if request.body.is_empty() {
        return Ok(Some(query));
    }
    let stated = query.opt("bodySHA256")?.ok_or(Reject::BodyNotCovered)?;
    if !mac::same(&mac::sha256_hex(request.body), &stated.to_ascii_lowercase()) {
        return Err(Reject::BodyHashMismatch);
    }
    let document = super::json::parse(request.body)?;
    // Other events than messages come as JSON too; they give no report.
    if document.get("MessageSid").is_some() {
        Params::from_json(&document).map(Some)
    } else {
        Ok(None)
    }
}

/// Scheme, host and the rest of a URL apart, with the port where there is one.
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<&'a str>,
    rest: &'a str,
}

fn parts(url: &str) -> Option<Parts<'_>> {
    let (scheme, tail) = url.split_once("://")?;
    let (authority, rest) = tail.split_at(tail.find(['/', '?', '#']).unwrap_or(tail.len()));
    // A colon inside brackets belongs to an IPv6 address.
    let port = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
    let host = port.map_or(authority, |at| &authority[..at]);
    Some(Parts {
        scheme,
        host,
        port: port.map(|at| &authority[at + 1..]),
        rest,
    })
}

/// The port that a scheme implies.
fn default_port(scheme: &str) -> Option<&'static str> {
    match scheme {
        "https" => Some("443"),
        "http" => Some("80"),
        _ => None,
    }
}

/// The URL as it is, without its port whatever it is, or with the default port put in: what Twilio may have signed.
pub fn url_variants(url: &str) -> Vec<String> {
    variants(url, |_, _| true)
}

/// Like `url_variants`, but only the default port comes and goes: what SignalWire may have signed.
pub fn url_variants_default_port(url: &str) -> Vec<String> {
    variants(url, |scheme, port| default_port(scheme) == Some(port))
}

fn variants(url: &str, may_drop: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut variants = vec![url.to_owned()];
    if let Some(Parts {
        scheme,
        host,
        port,
        rest,
    }) = parts(url)
    {
        match (port, default_port(scheme)) {
            (Some(port), _) if may_drop(scheme, port) => variants.push(format!("{scheme}://{host}{rest}")),
            (None, Some(port)) => variants.push(format!("{scheme}://{host}:{port}{rest}")),
            _ => {}
        }
    }
    variants
}

/// Names and values without separators, in byte order of the names; the distinct values of a repeated name in byte order (Twilio).
pub fn sorted_distinct(params: &Params) -> Vec<u8> {
    let mut pairs: Vec<_> = params.pairs().iter().collect();
    pairs.sort_unstable();
    pairs.dedup();
    joined(&pairs)
}

/// Like `sorted_distinct`, but repeated names keep their values and their order (SignalWire).
pub fn sorted_stable(params: &Params) -> Vec<u8> {
    let mut pairs: Vec<_> = params.pairs().iter().collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    joined(&pairs)
}

fn joined(pairs: &[&(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    pairs
        .iter()
        .flat_map(|(name, value)| name.iter().chain(value))
        .copied()
        .collect()
}

/// Reads verified parameters. Names and values are signed without separators, so bytes could be moved between them: the account and
/// every mandatory name must be there, exactly once.
pub fn parse(params: &Params, account_sid: &str) -> Result<Vec<Report>, Reject> {
    if params.one("AccountSid")? != account_sid {
        return Err(Reject::AccountMismatch);
    }
    if params.opt("CallSid")?.is_some() && params.opt("MessageSid")?.is_none() {
        return call::parse(params);
    }
    let (id, from, to) = (params.id("MessageSid")?, params.id("From")?, params.id("To")?);
    // SignalWire's receipts carry the text as well, so `MessageStatus` decides, not a missing `Body`.
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
    let mut media = Vec::new();
    for n in 0..params.count_opt("NumMedia")?.unwrap_or(0) {
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
        parts: params.count_opt("NumSegments")?,
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
        assert_eq!(
            url_variants_default_port("https://gw.example.com:8443/a").len(),
            1
        );
        assert_eq!(
            url_variants_default_port("https://gw.example.com:443/a")[1],
            "https://gw.example.com/a"
        );
    }

    #[test]
    fn repeated_names_differ_between_the_two() {
        let params = Params::parse(b"b=2&a=z&a=y&a=z&B=1").unwrap();
        assert_eq!(sorted_distinct(&params), b"B1ayazb2");
        assert_eq!(sorted_stable(&params), b"B1azayazb2");
    }
}
