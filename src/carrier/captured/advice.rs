//! What an operator should look at: tries what usually happens to a request on its way, and says what of it makes the signature hold.

use super::{Captured, form};
use crate::carrier::{Carrier, Reject, Request};
use crate::core::time::UnixMs;

/// How far from the given time a fresh one is looked for, and in what steps; half of the shortest usual window.
const SEARCH_S: u64 = 2 * 86_400;
const SEARCH_STEP_S: u64 = 150;

/// The advice on a request that does not verify.
pub fn of_refusal(carrier: &Carrier, captured: &Captured, url: &str, now: UnixMs, reject: Reject) -> String {
    match reject {
        Reject::StaleTimestamp => stale(carrier, &captured.request(url), now),
        Reject::BadSignature
        | Reject::BadCredentials
        | Reject::UrlHashMismatch
        | Reject::AudienceMismatch
        | Reject::BodyHashMismatch => {
            changed(carrier, captured, url, now).unwrap_or_else(|| plain(reject).to_owned())
        }
        Reject::MissingSignature | Reject::MissingTimestamp | Reject::MissingNonce | Reject::MissingId => {
            let names: Vec<&str> = captured.headers.keys().map(http::HeaderName::as_str).collect();
            format!("{} It has these: {}.", plain(reject), names.join(", "))
        }
        _ => plain(reject).to_owned(),
    }
}

/// The advice on a request that verifies and cannot be read.
pub fn of_unreadable(carrier: &Carrier, reject: Reject) -> String {
    let other_dialect = matches!(
        reject,
        Reject::MissingField | Reject::MalformedBody | Reject::MalformedParameter
    );
    let question = if other_dialect {
        format!(" Is {} the right `carrier`?", carrier.name())
    } else {
        String::new()
    };
    format!("The signature holds. {}{question}", plain(reject))
}

/// Whether the signature covers exactly this; its time may be over.
fn holds(carrier: &Carrier, request: &Request<'_>, now: UnixMs) -> bool {
    matches!(carrier.verify(request, now), Ok(_) | Err(Reject::StaleTimestamp))
}

/// What was changed on the way, if the signature holds for another form of URL or body.
fn changed(carrier: &Carrier, captured: &Captured, url: &str, now: UnixMs) -> Option<String> {
    let urls = other_urls(url, &captured.url);
    let found = |url: &str, body: &[u8]| {
        let request = Request {
            body,
            ..captured.request(url)
        };
        holds(carrier, &request, now)
    };
    if let Some(other) = urls.iter().find(|other| found(other, &captured.body)) {
        return Some(of_url(other, url));
    }
    let forms = form::others(&captured.body);
    for other in std::iter::once(url).chain(urls.iter().map(String::as_str)) {
        if let Some(form) = forms.iter().find(|form| found(other, &form.bytes)) {
            let and_url = if other == url {
                String::new()
            } else {
                format!(" {}", of_url(other, url))
            };
            return Some(format!(
                "The signature holds for the body {}: something in front of the gateway reads the body and writes it again. Have it pass \
                 the bytes on as they came.{and_url}",
                form.difference
            ));
        }
    }
    None
}

fn of_url(right: &str, wrong: &str) -> String {
    let shown = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
    let (right_shown, wrong_shown) = (shown(right), shown(wrong));
    if right_shown == wrong_shown {
        return "The signature holds for the URL without its query: a proxy adds it.".to_owned();
    }
    format!(
        "The signature holds for {right_shown}, not for {wrong_shown}: set the source's `public_url` to the URL that was entered at the \
         carrier, letter by letter."
    )
}

/// What the carrier may have been given instead of this URL.
fn other_urls(url: &str, in_file: &str) -> Vec<String> {
    let mut urls = vec![in_file.to_owned()];
    let (head, query) = match url.split_once('?') {
        Some((head, query)) => (head, format!("?{query}")),
        None => (url, String::new()),
    };
    let slash = match head.strip_suffix('/') {
        Some(without) => without.to_owned(),
        None => format!("{head}/"),
    };
    for head in [head, &slash] {
        for head in [head.to_owned(), other_scheme(head)] {
            urls.push(format!("{head}{query}"));
            urls.push(without_port(&head) + &query);
        }
    }
    urls.push(head.to_owned());
    urls.retain(|other| other != url);
    urls
}

fn other_scheme(url: &str) -> String {
    match url.split_once("://") {
        Some(("http", rest)) => format!("https://{rest}"),
        Some(("https", rest)) => format!("http://{rest}"),
        _ => url.to_owned(),
    }
}

fn without_port(url: &str) -> String {
    let mut parsed = url::Url::parse(url).ok();
    let changed = parsed.as_mut().is_some_and(|url| url.set_port(None).is_ok());
    parsed
        .filter(|_| changed)
        .map_or_else(|| url.to_owned(), String::from)
}

fn stale(carrier: &Carrier, request: &Request<'_>, now: UnixMs) -> String {
    let fresh = |at: UnixMs| carrier.verify(request, at) != Err(Reject::StaleTimestamp);
    let step = |n: u64| n * SEARCH_STEP_S * 1000;
    let found = (1..=SEARCH_S / SEARCH_STEP_S).find_map(|n| {
        let (before, after) = (now.minus_ms(step(n)), UnixMs(now.0.saturating_add(step(n))));
        let earlier = Some((before, "before")).filter(|_| fresh(before));
        earlier.or_else(|| Some((after, "after")).filter(|_| fresh(after)))
    });
    let Some((at, side)) = found else {
        return "The signature holds, but its time is over, and none within two days fits. Give the time it arrived with --at, or as `now`."
            .to_owned();
    };
    let away = span(at.secs().abs_diff(now.secs()));
    format!(
        "The signature holds, but it was made {away} or more {side} the time of this check ({}). If it came then, check with --at {}. If it \
         was refused when it came, the clocks differ: see that this machine's follows NTP.",
        now.secs(),
        at.secs()
    )
}

fn span(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// What each reason says by itself.
const fn plain(reject: Reject) -> &'static str {
    match reject {
        Reject::MissingSignature => {
            "The request has no signature where this carrier puts it (or has it twice): signing is off at the carrier, a proxy drops the \
             header, or the request is somebody else's."
        }
        Reject::MissingTimestamp | Reject::MissingNonce | Reject::MissingId => {
            "The request lacks a header that is signed with the body (or has it twice): a proxy drops it, or the request is somebody else's."
        }
        Reject::MissingField => "A field that this carrier always sends is not there.",
        Reject::MalformedSignature => {
            "The signature is there and is not in this carrier's form: it was cut, decoded or re-encoded on the way."
        }
        Reject::MalformedTimestamp => "The time is there and is not in this carrier's form.",
        Reject::MalformedNonce => "The nonce holds a character that could move the joints of what is signed.",
        Reject::MalformedParameter => {
            "A parameter is there twice, or holds what could move the joints of what is signed."
        }
        Reject::MalformedBody => {
            "The body is not what this carrier sends: broken JSON, doubled members, or another format."
        }
        Reject::BadSignature => {
            "No other form of URL or body fits either, so most likely the key is another one: compare the source's key with the one at the \
             carrier, where each account, project and environment has its own. Some carriers sign the URL too: compare `public_url`."
        }
        Reject::BadCredentials => {
            "The user name, password or token is not this source's: compare them with what was entered at the carrier."
        }
        Reject::StaleTimestamp => "The signed time is too far away.",
        Reject::BodyHashMismatch => "What is signed names another body: something on the way changed it.",
        Reject::BodyNotCovered => {
            "The signature does not cover the body, so anybody could have written it: turn that on at the carrier."
        }
        Reject::UrlHashMismatch => {
            "The token is genuine and belongs to another URL: compare `public_url` with the one at the carrier."
        }
        Reject::AccountMismatch => "The request is about another account than the source's.",
        Reject::IssuerMismatch => "The token is genuine, and its `iss` is not the one this source expects.",
        Reject::AudienceMismatch => {
            "The token is genuine and is for another URL: compare `public_url` with the one at the carrier."
        }
        Reject::UnsupportedAlgorithm => "The request names an algorithm that this source does not take.",
        Reject::UntrustedCertUrl => "The certificate's URL is none of SNS.",
        Reject::MissingCertificate => {
            "The certificate is not held: the gateway fetches it, this check does not; pin it in the source's `certificates`."
        }
        Reject::AddressNotAllowed => "The client's address is none of the source's `allow_ips`.",
        Reject::UntrustedSubscribeUrl => "The URL to confirm at is none of SNS.",
        Reject::TopicNotAllowed => "The signature holds, and the topic is none of the source's `topic_arns`.",
    }
}
