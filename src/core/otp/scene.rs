//! A message as its tokens see it: the words around them, the clauses, what lies between a word and a token.

use super::fold::{is_unspaced, is_word};
use super::lexicon::{Class, Hit};
use super::normalise::Text;
use super::token::{Shape, Token};

/// What is the same for every token of a message.
pub(super) struct Scene<'a> {
    pub text: &'a Text,
    pub hits: &'a [Hit],
    /// Ends of clauses, in order.
    pub clauses: Vec<usize>,
    pub marked: bool,
    /// A coupon, a parcel, a journey.
    pub offer: bool,
    pub care: bool,
    pub strong: bool,
    pub keyword: bool,
    pub purpose: bool,
    /// There is a number that could be a code.
    pub digits: bool,
    /// Where the first word or number starts.
    pub first: usize,
    /// Where the last word or number ends.
    pub last: usize,
}

/// Hits looked at on either side of a token, so that time stays linear.
const REACH: usize = 24;
/// Bytes between a word and a token that are read.
const GAP_BYTES_MAX: usize = 220;

impl<'a> Scene<'a> {
    pub(super) fn new(text: &'a Text, hits: &'a [Hit], tokens: &[Token], marked: bool) -> Scene<'a> {
        let has = |class| hits.iter().any(|hit: &Hit| hit.class == class);
        Scene {
            text,
            hits,
            clauses: clauses(&text.folded),
            marked,
            purpose: has(Class::Purpose),
            first: text.folded.find(is_word).unwrap_or(0),
            last: text.folded.rfind(is_word).map_or(0, |at| at + 1),
            offer: has(Class::Offer),
            care: has(Class::Care),
            strong: has(Class::Strong),
            keyword: has(Class::Strong) || has(Class::Weak) || has(Class::Number),
            digits: tokens
                .iter()
                .any(|token| token.shape != Shape::Letters && token.chars >= 4 && token.mask.is_none()),
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

    pub(super) fn alone(&self, token: &Token, clause: (usize, usize)) -> bool {
        let bare = |part: &str| !part.chars().any(is_word);
        clause.1 - clause.0 <= token.end - token.start + 24
            && bare(&self.text.folded[clause.0..token.start])
            && bare(&self.text.folded[token.end..clause.1])
    }
}

/// Ends of clauses: line ends and full stops of every script, but not the point of an abbreviation before a number.
fn clauses(text: &str) -> Vec<usize> {
    let mut ends = Vec::with_capacity(8);
    let mut chars = text.char_indices().peekable();
    let mut word = 0;
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let end = match c {
            '\n' | '。' | '！' | '？' | '｡' | '।' | '॥' | '።' | '۔' | '؟' | '։' | '။' | '!' | '?' | '…' => {
                true
            }
            '។' | '៕' => true,
            ';' => true,
            '.' => {
                next.is_none_or(|n| n.is_whitespace() || n == '"' || n == '\'')
                    && !is_abbreviation(text, at, word)
            }
            _ => false,
        };
        if end {
            ends.push(at + c.len_utf8());
        }
        word = if c.is_alphabetic() { word + 1 } else { 0 };
    }
    ends
}

/// "Rs. 450", "No. 7", "nr. 12": a short word, a point, a blank and a digit.
fn is_abbreviation(text: &str, point: usize, word: usize) -> bool {
    (1..=4).contains(&word)
        && text[point + 1..]
            .trim_start_matches(' ')
            .starts_with(|c: char| c.is_ascii_digit())
        && !text[point + 1..].starts_with('\n')
}

/// What lies between a word and a token.
pub(super) struct Gap {
    /// Words that are not mere connectors.
    pub words: usize,
    /// It ends in "is", ":" or "-".
    pub announced: bool,
    /// It starts with "is", ":" or "-".
    pub opened: bool,
}

pub(super) fn gap(scene: &Scene, from: usize, to: usize) -> Option<Gap> {
    if to < from || to - from > GAP_BYTES_MAX {
        return None;
    }
    let text = &scene.text.folded;
    let mut gap = Gap {
        words: 0,
        announced: false,
        opened: false,
    };
    let mut at = from;
    let mut letters = 0;
    let mut first = true;
    let first_hit = scene.hits.partition_point(|hit| hit.start < from);
    let mut links = scene.hits[first_hit..]
        .iter()
        .take(3 * REACH)
        .filter(|hit| matches!(hit.class, Class::Is | Class::Number) && hit.end <= to)
        .peekable();
    while at < to {
        while links.peek().is_some_and(|hit| hit.start < at) {
            links.next();
        }
        if let Some(hit) = links.next_if(|hit| hit.start == at) {
            gap.announced = true;
            gap.opened |= first;
            first = false;
            gap.words += letters;
            letters = 0;
            at = hit.end;
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        if !is_word(c) {
            gap.words += usize::from(letters > 0);
            letters = 0;
            if matches!(c, ':' | '=' | '-' | '→' | '>') {
                gap.announced = true;
                gap.opened |= first;
            }
            first &= matches!(
                c,
                ' ' | ']' | ')' | '"' | '*' | '»' | '」' | '』' | '】' | '\'' | '>'
            );
        } else {
            first = false;
            gap.announced = false;
            letters += 1;
            if is_unspaced(c) && letters == 3 {
                gap.words += 1;
                letters = 0;
            } else {
                letters = if is_unspaced(c) { letters } else { 1 };
            }
        }
        at += c.len_utf8();
    }
    gap.words += usize::from(letters > 0);
    Some(gap)
}
