//! What lies between a word and a token: how many words, and whether they lead from the one to the other.

use super::fold::{is_unspaced, is_word};
use super::lexicon::{Class, Hit};
use super::scene::{REACH, Scene};

/// Bytes between a word and a token that are read.
const GAP_BYTES_MAX: usize = 220;
/// Letters that make a word in scripts without spaces: Chinese, Japanese, Korean, and those of South-East Asia.
const UNSPACED_WORD: usize = 3;
const UNSPACED_WORD_LONG: usize = 6;

/// What lies between a word and a token.
#[derive(Default)]
pub(super) struct Gap {
    /// Words that are not mere connectors.
    pub words: usize,
    /// It ends in "is", ":" or "-".
    pub announced: bool,
    /// It starts with "is", ":" or "-".
    pub opened: bool,
    /// It holds "is".
    pub is: bool,
}

/// Reads the stretch of folded text from the end of a word to the start of a token, or the other way round. `None` if
/// it is too long to matter.
pub(super) fn gap(scene: &Scene, from: usize, to: usize) -> Option<Gap> {
    if to < from || to - from > GAP_BYTES_MAX {
        return None;
    }
    let text = &scene.text.folded;
    let mut reader = Reader {
        gap: Gap::default(),
        letters: 0,
        first: true,
    };
    let mut at = from;
    let hits = &scene.hits[scene.hits.partition_point(|hit| hit.start < from)..];
    let is_link = |hit: &&Hit| matches!(hit.class, Class::Is | Class::Number) && hit.end <= to;
    let mut links = hits.iter().take(3 * REACH).filter(is_link).peekable();
    while at < to {
        while links.next_if(|hit| hit.start < at).is_some() {}
        if let Some(link) = links.next_if(|hit| hit.start == at) {
            reader.link(link.class == Class::Is && text[link.start..link.end].starts_with(is_word));
            at = link.end;
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        if is_word(c) {
            reader.letter(c);
        } else {
            reader.mark(c);
        }
        at += c.len_utf8();
    }
    reader.end_word();
    // "Type G-482913": a service's prefix is no word.
    reader.gap.words -= usize::from(reader.gap.words > 0 && has_prefix(&text[from..to]));
    Some(reader.gap)
}

/// True if a text ends in one to three letters and a dash.
fn has_prefix(before: &str) -> bool {
    let Some(head) = before.strip_suffix('-') else {
        return false;
    };
    let letters = head.chars().rev().take_while(char::is_ascii_alphabetic).count();
    (1..=3).contains(&letters) && !head[..head.len() - letters].ends_with(is_word)
}

/// Counts what it is shown, character by character.
struct Reader {
    gap: Gap,
    /// Letters of the word that is being read.
    letters: usize,
    /// Nothing but blanks and closing marks so far.
    first: bool,
}

impl Reader {
    fn end_word(&mut self) {
        self.gap.words += usize::from(self.letters > 0);
        self.letters = 0;
    }

    /// "is", "number"; `is` tells the first from punctuation.
    fn link(&mut self, is: bool) {
        self.end_word();
        self.gap.announced = true;
        self.gap.opened |= self.first;
        self.gap.is |= is;
        self.first = false;
    }

    fn mark(&mut self, c: char) {
        self.end_word();
        if matches!(c, ':' | '=' | '-' | '→' | '>') {
            self.gap.announced = true;
            self.gap.opened |= self.first;
        }
        self.first &= " ])\"*»」』】'>#".contains(c);
    }

    fn letter(&mut self, c: char) {
        self.first = false;
        self.gap.announced = false;
        if !is_unspaced(c) {
            self.letters = 1;
            return;
        }
        self.letters += 1;
        let word = if (c as u32) < 0x1100 || ('ក'..='៿').contains(&c) {
            UNSPACED_WORD_LONG
        } else {
            UNSPACED_WORD
        };
        if self.letters >= word {
            self.end_word();
        }
    }
}
