//! URLs, e-mail addresses and domain names of a message: taken out before codes are looked for; one may be a magic link.
//! Nothing is fetched or resolved.

use super::normalise::Text;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Url,
    Email,
    Domain,
}

/// An address as a byte range of the folded text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// Endings of bare domain names that are believed without a path after them.
const ENDINGS: [&str; 40] = [
    "com", "net", "org", "io", "co", "app", "me", "dev", "example", "test", "info", "biz", "xyz", "ly", "gg",
    "de", "uk", "fr", "es", "it", "nl", "pl", "ru", "ua", "br", "in", "cn", "jp", "kr", "id", "vn", "th",
    "tr", "se", "dk", "eu", "us", "ca", "au", "ir",
];

/// All addresses in order. One pass over runs of ASCII without blanks.
pub(super) fn find(text: &Text) -> Vec<Address> {
    let bytes = text.bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_graphic() {
            at += 1;
            continue;
        }
        let length = bytes[at..]
            .iter()
            .position(|b| !b.is_ascii_graphic())
            .unwrap_or(bytes.len() - at);
        if let Some(address) = address(&text.folded[at..at + length], at) {
            found.push(address);
        }
        at += length;
    }
    found
}

fn address(run: &str, at: usize) -> Option<Address> {
    if !run.contains(['.', ':']) {
        return None;
    }
    if let Some(scheme) = run.find("://") {
        let start = run[..scheme]
            .rfind(|c: char| !c.is_ascii_alphanumeric())
            .map_or(0, |before| before + 1);
        return Some(trimmed(run, start, at, Kind::Url)).filter(|url| url.end > at + scheme + 3);
    }
    if let Some(sign) = run.find('@') {
        let local = sign > 0 && run.as_bytes()[sign - 1].is_ascii_alphanumeric();
        return (local && run[sign..].contains('.')).then(|| trimmed(run, 0, at, Kind::Email));
    }
    let start = run.find(|c: char| c.is_ascii_alphanumeric())?;
    let end = start
        + run[start..]
            .find(['/', '?', '#', ')', ',', ':', '"', '\''])
            .unwrap_or(run.len() - start);
    let host = run[start..end].trim_end_matches(['.', '!']);
    let (name, ending) = host.rsplit_once('.')?;
    let path = run[start + host.len()..].starts_with('/') && run.len() > start + host.len() + 1;
    let named = name.bytes().any(|b| b.is_ascii_alphabetic()) && !name.ends_with('.');
    let ended = ending.len() >= 2 && ending.bytes().all(|b| b.is_ascii_lowercase());
    if !named || !ended || !(path || ENDINGS.contains(&ending)) {
        return None;
    }
    let kind = if path { Kind::Url } else { Kind::Domain };
    Some(if path {
        trimmed(run, start, at, kind)
    } else {
        Address {
            start: at + start,
            end: at + start + host.len(),
            kind,
        }
    })
}

/// Cuts the punctuation of the sentence off the address.
fn trimmed(run: &str, start: usize, at: usize, kind: Kind) -> Address {
    let body =
        run[start..].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '>', '"', '\'', '*', '_']);
    Address {
        start: at + start,
        end: at + start + body.len(),
        kind,
    }
}

/// True for a part of a path that no person wrote: letters with digits, capitals within, or nothing that can be said.
fn is_made(part: &str) -> bool {
    let has = |test: fn(&u8) -> bool| part.bytes().any(|b| test(&b));
    let (digits, small, capitals) = (
        has(u8::is_ascii_digit),
        has(u8::is_ascii_lowercase),
        has(u8::is_ascii_uppercase),
    );
    let inner = part.bytes().skip(1).filter(u8::is_ascii_uppercase).count();
    match part.bytes().filter(u8::is_ascii_alphanumeric).count() {
        0..=2 => false,
        3 => digits && small && capitals,
        4 | 5 => small && (digits || inner >= 2) || digits && capitals || is_unsayable(part),
        _ => digits || small && (inner >= 2 || is_unsayable(part)),
    }
}

/// True for letters of which five together are no vowel.
fn is_unsayable(part: &str) -> bool {
    let vowel = |b: &u8| matches!(b.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
    let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
    letters && part.as_bytes().split(vowel).any(|run| run.len() >= 5)
}

/// What comes after the host.
fn path(address: &str) -> Option<&str> {
    let body = address.split_once("://").map_or(address, |(_, rest)| rest);
    body.find(['/', '?', '#']).map(|at| &body[at..])
}

/// True if the path says by itself that it signs in or confirms.
pub(super) fn is_worded(address: &str) -> bool {
    const WORDS: [&str; 12] = [
        "verif", "confirm", "login", "log-in", "signin", "sign-in", "auth", "magic", "otp", "token", "code=",
        "reset",
    ];
    path(address).is_some_and(|path| {
        let path = path.to_ascii_lowercase();
        WORDS.iter().any(|word| path.contains(word))
    })
}

/// True if the address can be a sign-in link beside a code: its path says so or looks made for one person.
pub(super) fn is_personal(address: &str) -> bool {
    is_worded(address) || has_token(address)
}

/// True if a part of the path or query looks made for one person.
pub(super) fn has_token(address: &str) -> bool {
    path(address).is_some_and(|path| path.split(['/', '?', '&', '=', '#', '.']).any(is_made))
}
