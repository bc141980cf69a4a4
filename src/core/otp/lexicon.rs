//! Language knowledge: the words of `data/*.toml`, compiled once into one automaton that reads a message in one pass.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde::Deserialize;

use super::Error;
use super::fold::{is_unspaced, is_word};
use super::normalise::{Text, folded};

/// What a word tells about the numbers near it. The order is the order of precedence where two words overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Class {
    /// A compound that holds a code word but is no one-time code: "postal code".
    Not,
    /// Names a one-time code by itself: "OTP", "verification code".
    Strong,
    /// May name one: "code", "PIN".
    Weak,
    /// "number", which is a code only beside a word such as "verification".
    Number,
    /// "old", "backup": the code it stands beside loses.
    Old,
    /// "has been used", "is incorrect": the code of its clause is dead.
    Dead,
    /// "new": ends the reach of an old word.
    New,
    /// "enter", "use".
    Verb,
    /// "verify", "log in", "confirm".
    Purpose,
    /// "is", ":" in words.
    Is,
    /// "order", "account": names another kind of number.
    Label,
    /// "call", "text to": what follows is a phone number.
    Call,
    Money,
    Unit,
    Card,
    /// Coupons, parcels, travel, prizes: weak words count for nothing here.
    Offer,
    /// "do not share", "valid for": the usual company of a one-time code.
    Care,
}

/// One language of a data file. Lists are words or phrases: `*` at an end lets the word continue there,
/// `(a|b)` stands for either; case and accents do not count.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Language {
    pub id: String,
    pub name: String,
    pub strong: Vec<String>,
    pub weak: Vec<String>,
    pub number: Vec<String>,
    pub not: Vec<String>,
    pub old: Vec<String>,
    pub dead: Vec<String>,
    pub new: Vec<String>,
    pub verb: Vec<String>,
    pub purpose: Vec<String>,
    pub is: Vec<String>,
    pub label: Vec<String>,
    pub call: Vec<String>,
    pub money: Vec<String>,
    pub unit: Vec<String>,
    pub card: Vec<String>,
    pub offer: Vec<String>,
    pub care: Vec<String>,
}

impl Language {
    pub(super) fn lists(&self) -> [(Class, &[String]); 17] {
        [
            (Class::Not, &self.not),
            (Class::Strong, &self.strong),
            (Class::Weak, &self.weak),
            (Class::Number, &self.number),
            (Class::Old, &self.old),
            (Class::Dead, &self.dead),
            (Class::New, &self.new),
            (Class::Verb, &self.verb),
            (Class::Purpose, &self.purpose),
            (Class::Is, &self.is),
            (Class::Label, &self.label),
            (Class::Call, &self.call),
            (Class::Money, &self.money),
            (Class::Unit, &self.unit),
            (Class::Card, &self.card),
            (Class::Offer, &self.offer),
            (Class::Care, &self.care),
        ]
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    language: Vec<Language>,
}

/// The language files, by name.
pub(super) const FILES: [(&str, &str); 5] = [
    ("data/west.toml", include_str!("data/west.toml")),
    ("data/north_east.toml", include_str!("data/north_east.toml")),
    ("data/asia.toml", include_str!("data/asia.toml")),
    ("data/india.toml", include_str!("data/india.toml")),
    ("data/orient.toml", include_str!("data/orient.toml")),
];

/// Reads one language file. The error carries the file's name and the place in it.
pub(super) fn read(name: &str, text: &str) -> Result<Vec<Language>, Error> {
    let file: File = toml::from_str(text).map_err(|error| Error::Data {
        file: name.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(file.language)
}

/// A word found in a message, as a byte range of the folded text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub start: usize,
    pub end: usize,
    pub class: Class,
    /// Which entry of the word list this is; service rules find their anchors by it.
    pub word: u32,
}

#[derive(Clone, Copy)]
struct Word {
    class: Class,
    open_start: bool,
    open_end: bool,
}

/// Every word of every language.
pub(super) struct Lexicon {
    automaton: AhoCorasick,
    words: Vec<Word>,
}

impl Lexicon {
    pub(super) fn new(languages: &[Language]) -> Result<Lexicon, Error> {
        let mut patterns: Vec<(String, Word)> = Vec::new();
        for language in languages {
            for (class, list) in language.lists() {
                for entry in list {
                    for phrase in expand(entry) {
                        patterns.push(word(&phrase, class));
                    }
                }
            }
        }
        patterns.retain(|(text, _)| !text.is_empty());
        patterns.sort_by(|a, b| (&a.0, a.1.class, !a.1.open_end).cmp(&(&b.0, b.1.class, !b.1.open_end)));
        patterns.dedup_by(|a, b| a.0 == b.0 && a.1.class == b.1.class && a.1.open_start == b.1.open_start);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(patterns.iter().map(|(text, _)| text))
            .map_err(|error| Error::Data {
                file: "data".to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Lexicon {
            automaton,
            words: patterns.into_iter().map(|(_, word)| word).collect(),
        })
    }

    /// All words of the text in order of their start; a code word inside a longer one or inside a compound is left out.
    pub(super) fn find(&self, text: &Text) -> Vec<Hit> {
        let mut hits = Vec::with_capacity(32);
        for found in self.automaton.find_overlapping_iter(text.folded.as_str()) {
            let word = self.words[found.pattern().as_usize()];
            if let Some(end) = fits(&text.folded, found.start(), found.end(), word) {
                let word_id = found.pattern().as_u32();
                hits.push(Hit {
                    start: found.start(),
                    end,
                    class: word.class,
                    word: word_id,
                });
            }
        }
        hits.sort_unstable_by_key(|hit| (hit.start, usize::MAX - hit.end, hit.class));
        prune(&mut hits);
        hits
    }
}

/// Where the word ends, if its ends fall on word boundaries or are open.
fn fits(text: &str, start: usize, end: usize, word: Word) -> Option<usize> {
    let first = text[start..].chars().next()?;
    let last = text[..end].chars().next_back()?;
    let before = text[..start].chars().next_back();
    if !word.open_start && joined(before, Some(first)) {
        return None;
    }
    if !joined(Some(last), text[end..].chars().next()) {
        return Some(end);
    }
    if !word.open_end {
        return None;
    }
    let rest = &text[end..];
    let tail = rest
        .char_indices()
        .take(24)
        .find(|(_, c)| !is_word(*c) || is_unspaced(*c) || c.is_ascii_digit());
    Some(end + tail.map_or_else(|| rest.chars().take(24).map(char::len_utf8).sum(), |(at, _)| at))
}

/// True if the two characters stand within one word.
fn joined(left: Option<char>, right: Option<char>) -> bool {
    let inside = |c: char| is_word(c) && !c.is_ascii_digit() && !is_unspaced(c);
    left.is_some_and(inside) && right.is_some_and(inside)
}

/// Removes code words that a compound covers or that stand inside a longer code word.
fn prune(hits: &mut Vec<Hit>) {
    let rank = |class: Class| matches!(class, Class::Not | Class::Strong | Class::Weak | Class::Number);
    let mut kept_end = 0;
    let mut kept_start = 0;
    let mut kept = Class::Care;
    hits.retain(|hit| {
        if !rank(hit.class) {
            return true;
        }
        let inside = hit.end <= kept_end && hit.start >= kept_start;
        let crossed = hit.start < kept_end && (kept == Class::Not || kept == Class::Strong);
        if inside || crossed {
            return false;
        }
        (kept_start, kept_end, kept) = (hit.start, hit.end, hit.class);
        true
    });
    // A compound that starts inside a code word ("code postal") still wins over the word it shares.
    let compounds: Vec<(usize, usize)> = hits
        .iter()
        .filter(|hit| hit.class == Class::Not)
        .map(|hit| (hit.start, hit.end))
        .collect();
    if compounds.is_empty() {
        return;
    }
    let mut at = 0;
    hits.retain(|hit| {
        if !matches!(hit.class, Class::Weak | Class::Number) {
            return true;
        }
        while at < compounds.len() && compounds[at].1 <= hit.start {
            at += 1;
        }
        !(at < compounds.len() && compounds[at].0 < hit.end)
    });
}

fn word(phrase: &str, class: Class) -> (String, Word) {
    let open_start = phrase.starts_with('*');
    let open_end = phrase.ends_with('*');
    (
        folded(phrase.trim_matches('*')),
        Word {
            class,
            open_start,
            open_end,
        },
    )
}

/// Expands `(a|b) c` into its phrases. Groups do not nest; an unclosed one is taken literally.
pub(super) fn expand(entry: &str) -> Vec<String> {
    let Some((head, rest)) = entry.split_once('(') else {
        return vec![entry.to_owned()];
    };
    let Some((choices, tail)) = rest.split_once(')') else {
        return vec![entry.to_owned()];
    };
    let tails = expand(tail);
    choices
        .split('|')
        .flat_map(|choice| tails.iter().map(move |tail| format!("{head}{choice}{tail}")))
        .map(|phrase| phrase.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}
