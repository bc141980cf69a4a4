//! Language knowledge: the words of `data/*.toml`, compiled once into one automaton that reads a message in one pass.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde::Deserialize;

use super::Error;
use super::fold::{is_unspaced, is_word};
use super::link::Address;
use super::normalise::{Text, folded};
use super::phrase::{expand, respelled};
use super::prune::{prune, settle_puts};

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
    /// "put", "give": a verb in a message that names a purpose, and nothing elsewhere.
    Put,
    /// "in the app", "on the page": where a code is typed.
    Field,
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
    /// What else has a code: a door, a network, a till. A weak word beside it is none of ours.
    Place,
    /// "do not share", "valid for": the usual company of a one-time code.
    Care,
}

impl Class {
    /// The list of a data file that its words stand in.
    pub(super) fn key(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// One language of a data file. Lists are words or phrases: `*` at an end lets the word continue there,
/// `(a|b)` stands for either; case and accents do not count.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Language {
    pub id: String,
    pub name: String,
    /// How people write letters that their keyboard lacks: `["ü", "ue"]`.
    pub respell: Vec<[String; 2]>,
    pub strong: Vec<String>,
    pub weak: Vec<String>,
    pub number: Vec<String>,
    pub not: Vec<String>,
    pub old: Vec<String>,
    pub dead: Vec<String>,
    pub new: Vec<String>,
    pub verb: Vec<String>,
    pub put: Vec<String>,
    pub field: Vec<String>,
    pub purpose: Vec<String>,
    pub is: Vec<String>,
    pub label: Vec<String>,
    pub call: Vec<String>,
    pub money: Vec<String>,
    pub unit: Vec<String>,
    pub card: Vec<String>,
    pub offer: Vec<String>,
    pub place: Vec<String>,
    pub care: Vec<String>,
}

impl Language {
    pub(super) fn lists(&self) -> [(Class, &[String]); 20] {
        [
            (Class::Not, &self.not),
            (Class::Strong, &self.strong),
            (Class::Weak, &self.weak),
            (Class::Number, &self.number),
            (Class::Old, &self.old),
            (Class::Dead, &self.dead),
            (Class::New, &self.new),
            (Class::Verb, &self.verb),
            (Class::Put, &self.put),
            (Class::Field, &self.field),
            (Class::Purpose, &self.purpose),
            (Class::Is, &self.is),
            (Class::Label, &self.label),
            (Class::Call, &self.call),
            (Class::Money, &self.money),
            (Class::Unit, &self.unit),
            (Class::Card, &self.card),
            (Class::Offer, &self.offer),
            (Class::Place, &self.place),
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
pub(super) const FILES: [(&str, &str); 7] = [
    ("data/west.toml", include_str!("data/west.toml")),
    ("data/north_east.toml", include_str!("data/north_east.toml")),
    ("data/asia.toml", include_str!("data/asia.toml")),
    ("data/india.toml", include_str!("data/india.toml")),
    ("data/orient.toml", include_str!("data/orient.toml")),
    ("data/africa.toml", include_str!("data/africa.toml")),
    ("data/latin.toml", include_str!("data/latin.toml")),
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
    /// The languages it is a word of, one bit each.
    languages: u128,
}

#[derive(Clone, Copy, PartialEq)]
struct Word {
    class: Class,
    open_start: bool,
    open_end: bool,
    languages: u128,
}

/// The language whose words count in messages of every language: currency codes, "ref".
const EVERY: &str = "any";
/// Languages that a lexicon takes, because a set of them is a `u128`.
const LANGUAGES_MAX: usize = 128;
/// Bytes up to which a Latin word is also a word of many other languages.
const SHORT_BYTES: usize = 4;

/// Bytes up to which it is a word of so many that even a code word counts only where its language is spoken.
const TINY_BYTES: usize = 2;

/// Where the letters of other scripts begin.
const LATIN_END: char = '\u{370}';

/// Every word of every language.
pub(super) struct Lexicon {
    automaton: AhoCorasick,
    words: Vec<Word>,
}

impl Lexicon {
    pub(super) fn new(languages: &[Language]) -> Result<Lexicon, Error> {
        if languages.len() > LANGUAGES_MAX {
            let reason = format!("there are more than {LANGUAGES_MAX} languages; join some");
            return Err(Error::Data {
                file: "data".to_owned(),
                reason,
            });
        }
        let mut patterns: Vec<(String, Word)> = Vec::new();
        for (at, language) in languages.iter().enumerate() {
            let bit = if language.id == EVERY { u128::MAX } else { 1 << at };
            for (class, list) in language.lists() {
                for phrase in list.iter().flat_map(|entry| expand(entry)) {
                    let other = respelled(&phrase, &language.respell);
                    patterns.extend(other.map(|other| word(&other, class, bit)));
                    patterns.push(word(&phrase, class, bit));
                }
            }
        }
        patterns.retain(|(text, _)| !text.is_empty());
        patterns.sort_by(|a, b| (&a.0, a.1.class, !a.1.open_end).cmp(&(&b.0, b.1.class, !b.1.open_end)));
        patterns.dedup_by(|b, a| {
            let same = a.0 == b.0
                && Word {
                    languages: b.1.languages,
                    ..a.1
                } == b.1;
            a.1.languages |= if same { b.1.languages } else { 0 };
            same
        });
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

    /// All words of the text in order of their start; a code word inside a longer one or inside a compound is left out,
    /// and so is a phrase that starts in an address and goes on behind it.
    pub(super) fn find(&self, text: &Text, addresses: &[Address]) -> Vec<Hit> {
        let crosses = |start, end| {
            let at = addresses.partition_point(|address| address.end <= start);
            addresses
                .get(at)
                .is_some_and(|address| start >= address.start && end > address.end)
        };
        let mut hits = Vec::with_capacity(32);
        for found in self.automaton.find_overlapping_iter(text.folded.as_str()) {
            let word = self.words[found.pattern().as_usize()];
            if let Some(end) = fits(text, found.start(), found.end(), word)
                && !crosses(found.start(), end)
            {
                hits.push(Hit {
                    start: found.start(),
                    end,
                    class: word.class,
                    languages: word.languages,
                });
            }
        }
        hits.sort_unstable_by_key(|hit| (hit.start, usize::MAX - hit.end, hit.class));
        drop_foreign(&text.folded, &mut hits);
        prune(&mut hits);
        settle_puts(&mut hits);
        hits
    }
}

/// Drops Latin words of languages that the rest of the message does not speak, if they are short, speak against a code or
/// name a purpose: "es" is "is" in one language and "and" in another, "termin" is a date only in German. Code words stay,
/// and so do words of two languages in one message. Where a phrase is a compound in one language and a code word in
/// another ("PIN code"), the language that the message speaks more decides.
fn drop_foreign(text: &str, hits: &mut Vec<Hit>) {
    let mut spoken = [0_usize; LANGUAGES_MAX];
    for hit in hits.iter().filter(|hit| hit.languages != u128::MAX) {
        let mut rest = hit.languages;
        while rest != 0 {
            spoken[rest.trailing_zeros() as usize] += hit.end - hit.start;
            rest &= rest - 1;
        }
    }
    let most = spoken.iter().max().copied().unwrap_or(0);
    let active = (0..LANGUAGES_MAX)
        .filter(|at| spoken[*at] * 2 >= most)
        .fold(0_u128, |set, at| set | 1 << at);
    let fluency = |hit: &Hit| {
        (0..LANGUAGES_MAX)
            .filter(|at| hit.languages >> at & 1 == 1)
            .map(|at| spoken[at])
            .max()
    };
    for at in 1..hits.len() {
        let (left, right) = (hits[at - 1], hits[at]);
        let disputed = left.class == Class::Not && matches!(right.class, Class::Strong | Class::Weak);
        if disputed && (left.start, left.end) == (right.start, right.end) && fluency(&left) < fluency(&right)
        {
            hits[at - 1] = right;
        }
    }
    let misleads = |class| {
        matches!(
            class,
            Class::Offer
                | Class::Label
                | Class::Unit
                | Class::Old
                | Class::Dead
                | Class::Purpose
                | Class::Place
        )
    };
    hits.retain(|hit| {
        let short = hit.end - hit.start <= SHORT_BYTES || misleads(hit.class);
        !(short && text.as_bytes()[hit.start].is_ascii())
            || hit.languages & active != 0
            || matches!(hit.class, Class::Strong | Class::Weak) && hit.end - hit.start > TINY_BYTES
    });
}

/// Where the word ends, if its ends fall on word boundaries or are open.
fn fits(message: &Text, start: usize, end: usize, word: Word) -> Option<usize> {
    let text = message.folded.as_str();
    let first = text[start..].chars().next()?;
    let last = text[..end].chars().next_back()?;
    let before = text[..start].chars().next_back();
    // What is glued to its code is read as if there were blanks: "yourcode482913", "CodeShop:482913".
    let long =
        end - start > SHORT_BYTES - 1 && matches!(word.class, Class::Strong | Class::Weak | Class::Purpose);
    let humps = |at: usize| long && is_hump(&message.cased, at);
    let run_on = || long && word.class != Class::Purpose && number_follows(&text[end..]);
    if !word.open_start && joined(before, Some(first)) && !humps(start) && !run_on() {
        return None;
    }
    if !joined(Some(last), text[end..].chars().next()) || humps(end) {
        return Some(end);
    }
    let rest = &text[end..];
    if !word.open_end {
        let letters = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let glued = long
            && word.class != Class::Purpose
            && !joined(before, Some(first))
            && number_follows(&rest[letters..]);
        return glued.then_some(end + letters);
    }
    let tail = rest
        .char_indices()
        .take(24)
        .find(|(_, c)| !is_word(*c) || is_unspaced(*c) || c.is_ascii_digit());
    Some(end + tail.map_or_else(|| rest.chars().take(24).map(char::len_utf8).sum(), |(at, _)| at))
}

/// "CodeShop": a small letter, then a capital.
fn is_hump(cased: &[u8], at: usize) -> bool {
    let letter = |at: Option<usize>, test: fn(&u8) -> bool| at.and_then(|at| cased.get(at)).is_some_and(test);
    letter(at.checked_sub(1), u8::is_ascii_lowercase) && letter(Some(at), u8::is_ascii_uppercase)
}

/// True if five digits or more follow at once.
fn number_follows(rest: &str) -> bool {
    rest.bytes().take_while(u8::is_ascii_digit).count() >= 5
}

/// True if the two characters stand within one word. Latin letters end where another script begins.
fn joined(left: Option<char>, right: Option<char>) -> bool {
    let inside = |c: &char| is_word(*c) && !c.is_ascii_digit() && !is_unspaced(*c);
    let (Some(left), Some(right)) = (left.filter(inside), right.filter(inside)) else {
        return false;
    };
    let latin = |c: char| c < LATIN_END;
    latin(left) == latin(right)
}

fn word(phrase: &str, class: Class, languages: u128) -> (String, Word) {
    let open_start = phrase.starts_with('*');
    let open_end = phrase.ends_with('*');
    (
        folded(phrase.trim_matches('*')),
        Word {
            class,
            open_start,
            open_end,
            languages,
        },
    )
}
