//! What the words around a token say against it: amounts, units, cards, phone numbers.

use super::fold::is_word;
use super::lexicon::{Class, Hit};
use super::normalise::Text;
use super::result::Reason;
use super::telephone;
use super::token::{Mask, Shape, Token, hard, soft};

pub(super) const SYMBOLS: [char; 26] = [
    '$', '€', '£', '¥', '₹', '₽', '₩', '₫', '₺', '₴', '₪', '฿', '₱', '₦', '₵', '₸', '₮', '₭', '₡', '₲', '৳',
    '៛', '₼', '₾', '֏', '¢',
];

/// Masks tokens in place. Linear: each token looks at a bounded neighbourhood.
pub(super) fn apply(text: &Text, hits: &[Hit], tokens: &mut [Token]) {
    for token in tokens
        .iter_mut()
        .filter(|token| token.mask.is_none() || token.mask.is_some_and(|m| !m.hard))
    {
        let verdict = measured(text, token)
            .or_else(|| money(text, hits, token))
            .or_else(|| unit(text, hits, token))
            .or_else(|| card(text, hits, token))
            .or_else(|| telephone::mask(text, hits, token));
        token.mask = verdict.or(token.mask);
    }
}

fn head(text: &Text, token: &Token) -> usize {
    text.folded[..token.start]
        .trim_end_matches(['.', ' ', ':', '-', '+', '~'])
        .len()
}

fn ends_at(hits: &[Hit], class: Class, from: usize, to: usize) -> bool {
    let end = hits.partition_point(|hit| hit.start < to);
    hits[end.saturating_sub(16)..end]
        .iter()
        .any(|hit| hit.class == class && hit.end >= from && hit.end <= to)
}

fn starts_at(hits: &[Hit], class: Class, from: usize, to: usize) -> bool {
    let start = hits.partition_point(|hit| hit.start < from);
    hits[start..]
        .iter()
        .take(16)
        .take_while(|hit| hit.start <= to)
        .any(|hit| hit.class == class)
}

/// Signs of units and currencies that people write straight behind a number, in any language.
const SIGNS_AFTER: [&str; 40] = [
    "mb", "gb", "kb", "tb", "mo", "go", "mbps", "kwh", "kw", "km", "kg", "cm", "mm", "ml", "mah", "min",
    "mins", "hrs", "hr", "sec", "pts", "pcs", "usd", "eur", "gbp", "chf", "sek", "nok", "dkk", "pln", "czk",
    "huf", "ron", "lei", "tl", "inr", "rs", "rm", "kr", "zl",
];
/// Signs of currencies that people write straight before a number.
const SIGNS_BEFORE: [&str; 33] = [
    "r", "n", "rm", "rs", "rp", "ksh", "kes", "tsh", "tzs", "ush", "ugx", "ngn", "ghs", "zar", "etb", "usd",
    "eur", "gbp", "chf", "inr", "pkr", "lkr", "npr", "bdt", "php", "idr", "myr", "sgd", "aed", "sar", "egp",
    "try", "brl",
];

/// "1536MB", "R200": a number that its unit or currency is written on to.
fn measured(text: &Text, token: &Token) -> Option<Mask> {
    if token.shape != Shape::Alnum {
        return None;
    }
    let word = text.folded.get(token.start..token.end)?;
    let clock = |c: char| matches!(word.split_once(c), Some((hour, minute)) if (1..=2).contains(&hour.len()) && minute.len() == 2);
    if clock('h') && word.bytes().filter(u8::is_ascii_digit).count() + 1 == word.len() {
        return hard(Reason::Time);
    }
    let number = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if is_number(number) && SIGNS_AFTER.contains(&&word[number.len()..]) {
        return hard(Reason::Unit);
    }
    let number = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let sign = &word[..word.len() - number.len()];
    let short = sign.len() > 1 || number.len() <= 4;
    (is_number(number) && short && SIGNS_BEFORE.contains(&sign))
        .then_some(())
        .and(hard(Reason::Amount))
}

fn money(text: &Text, hits: &[Hit], token: &Token) -> Option<Mask> {
    if token.shape == Shape::Letters || token.shape == Shape::Alnum {
        return None;
    }
    let before = text.folded[..token.start].trim_end_matches(' ');
    let after = text.folded[token.end..].trim_start_matches(' ');
    let line = text.folded[token.end..].starts_with('\n');
    if before.ends_with(SYMBOLS) || (after.starts_with(SYMBOLS) && !line) || after.starts_with('%') {
        return hard(Reason::Amount);
    }
    let head = text.folded[..token.start].trim_end_matches(['.', ' ']).len();
    let code_word = ends_at(hits, Class::Strong, head, token.start);
    let spoken = ends_at(hits, Class::Money, head, token.start)
        && !code_word
        && !text.folded[head..token.start].contains('\n');
    let next = token.end + usize::from(text.bytes().get(token.end) == Some(&b' '));
    let named = hits[hits.partition_point(|hit| hit.start < token.end)..]
        .iter()
        .take_while(|hit| hit.start <= next)
        .any(|hit| hit.class == Class::Money && !is_of_next(&text.folded[hit.end..]));
    let named = named && !starts_at(hits, Class::Strong, token.end, next);
    (spoken || named).then_some(()).and(hard(Reason::Amount))
}

/// True if the amount follows its currency, so that the currency is not that of the number before it.
fn is_of_next(rest: &str) -> bool {
    rest.trim_start_matches(['.', ' ', ':'])
        .starts_with(|c: char| c.is_ascii_digit())
}

fn unit(text: &Text, hits: &[Hit], token: &Token) -> Option<Mask> {
    let mut rest = text.folded[token.end..].chars();
    let joint = rest.next();
    // "482913-г": a letter behind a dash is an ending of the number, in languages that decline it.
    let ending = joint == Some('-') && rest.next().is_some_and(is_word) && !rest.next().is_some_and(is_word);
    let next = token.end + usize::from(matches!(joint, Some(' ' | '-')));
    (token.shape == Shape::Digits && !ending && starts_at(hits, Class::Unit, token.end, next))
        .then_some(())
        .and(soft(Reason::Unit))
}

fn card(text: &Text, hits: &[Hit], token: &Token) -> Option<Mask> {
    if token.chars > 6 || token.shape != Shape::Digits {
        return None;
    }
    let before = ends_at(
        hits,
        Class::Card,
        head(text, token).saturating_sub(6),
        token.start,
    );
    let after = starts_at(hits, Class::Card, token.end, token.end + 2);
    (before || after).then_some(()).and(soft(Reason::Card))
}
