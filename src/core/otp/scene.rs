//! A message as its tokens see it: the words around them, the clauses, what lies between a word and a token.

use super::fold::{is_unspaced, is_word};
use super::lexicon::{Class, Hit};
use super::link::Address;
use super::normalise::Text;
use super::token::{Shape, Token, is_made, is_spelled};

/// What is the same for every token of a message.
pub(super) struct Scene<'a> {
    pub text: &'a Text,
    pub hits: &'a [Hit],
    /// Ends of clauses, in order.
    pub clauses: Vec<usize>,
    /// Marks of the SMS Retriever: its sign, its hash.
    pub marks: usize,
    /// A coupon, a parcel, a journey; a percentage is one of the first.
    pub offer: bool,
    /// Words that keep a code company: "do not share", "expires".
    pub cares: usize,
    pub strong: bool,
    pub keyword: bool,
    /// There is a word that names a code, not only a number.
    pub named: bool,
    pub purpose: bool,
    /// There is something else that has a code.
    pub place: bool,
    /// There is a number that could be a code.
    pub digits: bool,
    /// There is one that nobody could take for a word in which digits stand for sounds.
    pub digits_only: bool,
    /// There is one and no other.
    pub single: bool,
    /// Where the first word or number starts, behind the sender's name if it heads the message.
    pub first: usize,
    /// Where the last word or number ends.
    pub last: usize,
}

/// Hits looked at on either side of a token, so that time stays linear.
pub(super) const REACH: usize = 24;

impl<'a> Scene<'a> {
    /// `apart` are the addresses, in order: their marks end no clause.
    pub(super) fn new(
        (text, apart): (&'a Text, &[Address]),
        hits: &'a [Hit],
        tokens: &[Token],
        marks: usize,
    ) -> Scene<'a> {
        let has = |class| hits.iter().any(|hit: &Hit| hit.class == class);
        let possible = || {
            tokens.iter().filter(|token| {
                token.shape != Shape::Letters && token.chars >= 4 && token.mask.is_none_or(|mask| !mask.hard)
            })
        };
        Scene {
            text,
            hits,
            clauses: clauses(text, hits, apart),
            marks,
            purpose: has(Class::Purpose),
            place: has(Class::Place),
            first: opening(&text.folded, hits),
            last: text.folded.rfind(is_word).map_or(0, |at| at + 1),
            offer: has(Class::Offer) || has_percent(&text.folded),
            cares: hits.iter().filter(|hit| hit.class == Class::Care).count(),
            strong: has(Class::Strong),
            named: has(Class::Strong) || has(Class::Weak),
            keyword: has(Class::Strong) || has(Class::Weak) || has(Class::Number),
            digits: possible().next().is_some(),
            digits_only: possible()
                .any(|token| token.shape != Shape::Alnum || is_made(&text.cased[token.start..token.end])),
            single: possible()
                .filter(|token| {
                    token.shape != Shape::Alnum || !is_spelled(&text.cased[token.start..token.end])
                })
                .count()
                == 1,
        }
    }

    /// The clause of a position, as a byte range.
    pub(super) fn clause(&self, at: usize) -> (usize, usize) {
        let index = self.clauses.partition_point(|end| *end <= at);
        let start = if index == 0 { 0 } else { self.clauses[index - 1] };
        (
            start,
            self.clauses.get(index).copied().unwrap_or(self.text.folded.len()),
        )
    }

    /// True for a message with a purpose, one number, and no word that tells of anything else.
    pub(super) fn is_plain(&self, token: &Token, clause: (usize, usize)) -> bool {
        let verb = |hit: &Hit| hit.class == Class::Verb && hit.start >= clause.0;
        let told = self.before(clause.1).iter().any(verb);
        let other = |hit: &Hit| {
            matches!(
                hit.class,
                Class::Not | Class::Old | Class::Dead | Class::Call | Class::Money | Class::Card
            ) || hit.class == Class::Label && hit.start < token.end
                || hit.class == Class::Unit && !told
        };
        self.single && self.purpose && !self.keyword && !self.offer && !self.hits.iter().any(other)
    }

    /// "482913 - Fernbay. If you did not try to log in, ...": a number and a name, no word that we know, in a message that has a
    /// purpose and tells of nothing else.
    pub(super) fn is_headline(&self, token: &Token, clause: (usize, usize)) -> bool {
        let other = |hit: &Hit| {
            matches!(
                hit.class,
                Class::Not | Class::Money | Class::Card | Class::Label | Class::Unit | Class::Place
            ) || hit.start < clause.1 && hit.class != Class::Is
        };
        let name = self.text.folded[token.end..clause.1].trim_matches([' ', '-', '.', ':', ',']);
        self.opens(token)
            && (1..=SENDER_BYTES_MAX).contains(&name.len())
            && !name.contains(|c: char| c.is_ascii_digit())
            && self.single
            && self.purpose
            && !self.offer
            && !self.hits.iter().any(other)
    }

    /// True for the token that the message begins with, a service's prefix apart: "G-482913 is your code".
    pub(super) fn opens(&self, token: &Token) -> bool {
        let prefix = self.text.folded.get(self.first..token.start).unwrap_or("");
        token.start <= self.first
            || prefix.len() <= 4
                && prefix
                    .strip_suffix('-')
                    .is_some_and(|word| word.bytes().all(|b| b.is_ascii_alphabetic()))
    }

    /// True if a clause ends in a question mark of any script.
    pub(super) fn is_question(&self, clause: (usize, usize)) -> bool {
        self.text.folded[clause.0..clause.1]
            .trim_end()
            .ends_with(['?', '？', '؟'])
    }

    /// Hits that end at or before the position, nearest last.
    pub(super) fn before(&self, at: usize) -> &[Hit] {
        let end = self.hits.partition_point(|hit| hit.start < at);
        &self.hits[end.saturating_sub(REACH)..end]
    }

    /// Hits that start at or after the position, nearest first.
    pub(super) fn after(&self, at: usize) -> &[Hit] {
        let start = self.hits.partition_point(|hit| hit.start < at);
        &self.hits[start..(start + REACH).min(self.hits.len())]
    }

    /// True for a token with nothing but marks beside it in its clause, a sender's name apart.
    pub(super) fn alone(&self, token: &Token, clause: (usize, usize)) -> bool {
        let bare = |part: &str| !part.chars().any(is_word);
        let start = clause.0.max(self.first.min(token.start));
        clause.1 - start <= token.end - token.start + 24
            && bare(&self.text.folded[start..token.start])
            && bare(&self.text.folded[token.end..clause.1])
    }
}

/// Where a message begins to tell: "Fernbay: 482913 to log in" begins with the number, since no word of ours is in its head.
fn opening(text: &str, hits: &[Hit]) -> usize {
    let start = text.find(is_word).unwrap_or(0);
    let head = text[start..]
        .find([':', ']', '】', '!'])
        .filter(|length| *length <= SENDER_BYTES_MAX);
    let told = |hit: &Hit| !matches!(hit.class, Class::Is | Class::Purpose | Class::Care | Class::Field);
    head.map(|length| start + length)
        .filter(|end| !text[start..*end].contains(|c: char| c.is_ascii_digit() || c == '\n'))
        .filter(|end| !hits.iter().take_while(|hit| hit.start < *end).any(told))
        .and_then(|end| text[end..].find(is_word).map(|rest| end + rest))
        .unwrap_or(start)
}

/// Bytes of the name of a sender before a colon.
const SENDER_BYTES_MAX: usize = 32;

/// Letters of a word that a point cuts short.
const ABBREVIATION_MAX: usize = 4;

/// "20%" or "%20".
fn has_percent(text: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    text.split_once('%')
        .is_some_and(|(left, right)| left.trim_end().ends_with(digit) || right.starts_with(digit))
}

/// Ends of clauses: line ends and full stops of every script, but not the point of an abbreviation before a number.
fn clauses(text: &Text, hits: &[Hit], apart: &[Address]) -> Vec<usize> {
    let (text, cased) = (text.folded.as_str(), text.cased.as_slice());
    let mut ends = Vec::with_capacity(8);
    let mut chars = text.char_indices().peekable();
    let mut word = 0;
    let mut apart = apart.iter().peekable();
    while let Some((at, c)) = chars.next() {
        while apart.next_if(|address| address.end <= at).is_some() {}
        if apart.peek().is_some_and(|address| address.start <= at) {
            continue;
        }
        let next = chars.peek().map(|(_, next)| *next);
        let end = match c {
            '\n' | '。' | '！' | '？' | '｡' | '।' | '॥' | '።' | '۔' | '؟' | '։' | '။' | '!' | '?' | '…' => {
                true
            }
            '។' | '៕' => true,
            ';' => true,
            '.' => {
                next.is_none_or(|n| n.is_whitespace() || n == '"' || n == '\'')
                    && !is_abbreviation(cased, text, hits, (at, word))
            }
            _ => false,
        };
        if end {
            ends.push(at + c.len_utf8());
        }
        word = match c {
            _ if is_unspaced(c) => ABBREVIATION_MAX + 1,
            _ if c.is_alphabetic() => word + 1,
            _ => 0,
        };
    }
    ends
}

/// "Rs. 450", "No. 7", "dvs. de": a short word, a point, blanks and a small letter, or a digit if the word is a known one.
fn is_abbreviation(cased: &[u8], text: &str, hits: &[Hit], (point, word): (usize, usize)) -> bool {
    let next = cased.len() - text[point + 1..].trim_start_matches(' ').len();
    let before = &hits[..hits.partition_point(|hit| hit.start < point)];
    let known = || {
        before
            .iter()
            .rev()
            .take(4)
            .any(|hit| hit.end == point || hit.end == point + 1)
    };
    // Who writes no capitals starts sentences with small letters.
    let small = !cased.iter().any(u8::is_ascii_uppercase);
    let written = || {
        let mut near = before.iter().rev().take(4);
        near.any(|hit| hit.end > point && matches!(hit.class, Class::Weak | Class::Strong))
    };
    (1..=ABBREVIATION_MAX).contains(&word)
        && (written() && cased.get(next).is_some_and(u8::is_ascii_alphabetic)
            || cased
                .get(next)
                .is_some_and(|b| b.is_ascii_lowercase() && !small || (b.is_ascii_digit() && known())))
}
