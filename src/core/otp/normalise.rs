//! A message as it is compared: folded text with a map back to the bytes that came in. No clock, no language knowledge.

use super::compose::composed;
use super::fold::{Folded, fold};

/// Characters of a message that are looked at; ten segments of the longest SMS hold fewer.
pub const CHARS_MAX: usize = 2_000;

/// Folded text. `folded` and `cased` have the same length and differ in the case of ASCII letters only.
#[derive(Default)]
pub(super) struct Text {
    pub folded: String,
    pub cased: Vec<u8>,
    /// For each folded byte, where its character starts in the original; one more entry for the end.
    map: Vec<u32>,
    /// For each folded byte, where its character ends in the original.
    ends: Vec<u32>,
}

impl Text {
    pub(super) fn new(original: &str) -> Text {
        let mut text = Text {
            folded: String::with_capacity(original.len().min(CHARS_MAX * 3)),
            cased: Vec::with_capacity(original.len().min(CHARS_MAX * 3)),
            map: Vec::with_capacity(original.len().min(CHARS_MAX * 3)),
            ends: Vec::with_capacity(original.len().min(CHARS_MAX * 3)),
        };
        for (at, c) in original.char_indices().take(CHARS_MAX) {
            let end = (at + c.len_utf8()) as u32;
            match fold(c) {
                Folded::Drop => {}
                Folded::Voice(step) => text.voice(step, end),
                Folded::Keep(folded, cased) if !text.join(folded, end) => {
                    text.push(folded, cased, at as u32, end);
                }
                Folded::Keep(..) => {}
            }
        }
        text
    }

    fn push(&mut self, folded: char, cased: char, at: u32, end: u32) {
        self.folded.push(folded);
        if folded.is_ascii() {
            self.cased.push(if cased.is_ascii() {
                cased as u8
            } else {
                folded as u8
            });
            self.map.push(at);
            self.ends.push(end);
            return;
        }
        let new = self.folded.len() - folded.len_utf8();
        self.cased.extend_from_slice(&self.folded.as_bytes()[new..]);
        self.map.resize(self.folded.len(), at);
        self.ends.resize(self.folded.len(), end);
    }

    /// Half-width kana carry their voicing as a second character.
    fn voice(&mut self, step: u32, end: u32) {
        let Some(last) = self
            .folded
            .chars()
            .next_back()
            .filter(|c| ('ァ'..='ヶ').contains(c))
        else {
            return;
        };
        let Some(voiced) = char::from_u32(last as u32 + step) else {
            return;
        };
        self.replace(last, voiced, end);
    }

    /// Makes one letter of the last one and a part that belongs to it. False if it belongs to none.
    fn join(&mut self, part: char, end: u32) -> bool {
        if part.is_ascii() {
            return false;
        }
        let last = self.folded.chars().next_back();
        let whole = last.and_then(|last| composed(last, part).map(|whole| (last, whole)));
        whole
            .inspect(|(last, whole)| self.replace(*last, *whole, end))
            .is_some()
    }

    /// Puts another letter in the place of the last one, which now ends later.
    fn replace(&mut self, last: char, by: char, end: u32) {
        let at = self.folded.len() - last.len_utf8();
        let start = self.map[at];
        self.folded.truncate(at);
        self.cased.truncate(at);
        self.map.truncate(at);
        self.ends.truncate(at);
        self.push(by, by, start, end);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.folded.as_bytes()
    }

    /// The byte range of the original that a folded range came from. An empty range stays empty.
    pub(super) fn original(&self, start: usize, end: usize) -> [usize; 2] {
        match (
            self.map.get(start),
            end.checked_sub(1).and_then(|last| self.ends.get(last)),
        ) {
            (Some(from), Some(to)) if start < end => [*from as usize, *to as usize],
            _ => [0, 0],
        }
    }
}

/// Folds a word of the language data the way messages are folded.
pub(super) fn folded(word: &str) -> String {
    Text::new(word).folded
}
