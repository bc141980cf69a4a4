//! Forms that need no language: the origin-bound last line, the SMS Retriever hash, and a message that is only a code.
//! Format of the first: WICG "Origin-bound one-time codes delivered via SMS".

use super::fold::is_word;
use super::mask;
use super::normalise::Text;

/// Bytes of an SMS Retriever hash.
const HASH_BYTES: usize = 11;

/// Reads `@host #code`, perhaps followed by a blank and an embedded `@host`, as the last line that is not empty. The
/// answer is the code as a range of the folded text.
pub(super) fn origin_bound(text: &Text) -> Option<(usize, usize)> {
    let body = text.folded.trim_end();
    let line = body.rfind('\n').map_or(0, |at| at + 1);
    let rest = body[line..].strip_prefix('@')?;
    let (host, rest) = rest.split_once(' ')?;
    let code = rest.strip_prefix('#')?;
    let code = code.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or("");
    let start = line + 1 + host.len() + 2;
    (is_host(host) && is_code(code)).then_some((start, start + code.len()))
}

fn is_host(host: &str) -> bool {
    (1..=253).contains(&host.len())
        && !host.starts_with('.')
        && host
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':'))
}

fn is_code(code: &str) -> bool {
    let chars = code.bytes().filter(u8::is_ascii_alphanumeric).count();
    (4..=10).contains(&chars) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The app hash: the last token, or the one before, with a capital, a small letter and 11 characters of base64.
/// `marked` says that the message starts with `<#>`, which makes a hash certain.
pub(super) fn hash(text: &Text, marked: bool) -> Option<(usize, usize)> {
    let body = text.folded.trim_end();
    let start = body
        .rfind(|c: char| c.is_ascii_whitespace())
        .map_or(0, |at| at + 1);
    let token = &text.cased[start..body.len()];
    let alphabet = token
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
    let upper = token.iter().any(u8::is_ascii_uppercase);
    let lower = token.iter().any(u8::is_ascii_lowercase);
    let mixed = token
        .iter()
        .any(|b| b.is_ascii_digit() || matches!(b, b'+' | b'/'))
        || token.iter().skip(1).any(u8::is_ascii_uppercase);
    let own_line = start > 0 && text.bytes()[start - 1] == b'\n';
    let sure = marked || own_line || mixed;
    (token.len() == HASH_BYTES && alphabet && upper && lower && sure && start > 0)
        .then_some((start, body.len()))
}

/// True if the message starts with the retriever's mark, which old versions required.
pub(super) fn is_marked(text: &Text) -> bool {
    let body = text.folded.trim_start();
    body.starts_with("<#>") || body.starts_with("[#]")
}

/// The code of a message that holds nothing else: 4 to 8 digits, split or not, perhaps behind `G-`. Years are left out.
pub(super) fn bare(text: &Text) -> Option<(usize, usize)> {
    // Signs of money, telephone numbers, shares and sums say that it is something else.
    let outer = |c: char| {
        !is_word(c) && !mask::SYMBOLS.contains(&c) && !matches!(c, '+' | '%' | '=' | '/' | ',' | '-' | '°')
    };
    let body = text.folded.trim_matches(outer);
    let mut start = text.folded.len() - text.folded.trim_start_matches(outer).len();
    let mut body = body;
    if let Some((prefix, rest)) = body.split_once('-') {
        let letters = (1..=3).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_alphabetic());
        if letters && rest.bytes().all(|b| b.is_ascii_digit()) {
            start += prefix.len() + 1;
            body = rest;
        }
    }
    let end = start + body.len();
    let groups: Vec<usize> = body.split([' ', '-']).take(9).map(str::len).collect();
    let digits = body.bytes().filter(u8::is_ascii_digit).count();
    let clean = body.bytes().all(|b| b.is_ascii_digit() || b == b' ' || b == b'-');
    let even = groups.iter().all(|size| *size == groups[0]) && groups.len() <= 8;
    let year = body.len() == 4 && (body.starts_with("19") || body.starts_with("20"));
    let date = body.contains('-') && groups == [2, 2, 2];
    if clean && even && (4..=8).contains(&digits) && !year && !date {
        return Some((start, end));
    }
    let cased = &text.cased[start..end];
    let capitals = cased
        .iter()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'-');
    let parted = groups.len() == 1 || groups.len() == 2 && groups[0] >= 3 && even;
    let made = body.len() == 6 || alternates(cased);
    (capitals && parted && made && (5..=10).contains(&body.len()) && (2..body.len()).contains(&digits))
        .then_some((start, end))
}

/// True if letters and digits take turns, as in codes that a machine made and in no word with a year behind it.
pub(super) fn alternates(cased: &[u8]) -> bool {
    cased
        .windows(2)
        .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
        .count()
        >= 2
}
