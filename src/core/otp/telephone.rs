//! Numbers that are called or texted: those beside "call", "text STOP to", "phone". What is told to be typed is none.

use super::fold::is_word;
use super::lexicon::{Class, Hit};
use super::normalise::Text;
use super::result::Reason;
use super::token::{Mask, Token, soft};

/// Words before and behind a token that are looked at.
const WORDS_BEFORE: usize = 12;
const WORDS_AFTER: usize = 6;
/// Bytes of the word that joins a code to its service, with the blanks around it.
const JOINT_BYTES_MAX: usize = 5;
/// Letters between "confirm" and "phone number".
const OBJECT_CHARS_MAX: usize = 20;

pub(super) fn mask(text: &Text, hits: &[Hit], token: &Token) -> Option<Mask> {
    let end = hits.partition_point(|hit| hit.start < token.start);
    let start = hits.partition_point(|hit| hit.start < token.end);
    let around = Around {
        text,
        token,
        before: &hits[end.saturating_sub(WORDS_BEFORE)..end],
        after: &hits[start..(start + WORDS_BEFORE).min(hits.len())],
    };
    (around.is_called() || around.is_called_behind())
        .then_some(())
        .and(soft(Reason::Phone))
}

/// The words around a token.
struct Around<'a> {
    text: &'a Text,
    token: &'a Token,
    before: &'a [Hit],
    after: &'a [Hit],
}

fn is_code(hit: &Hit) -> bool {
    matches!(hit.class, Class::Strong | Class::Weak)
}

impl Around<'_> {
    /// "Call 1930", with no word between that tells of a code.
    fn is_called(&self) -> bool {
        let told = self.is_told();
        let ends_reach =
            |hit: &Hit| is_code(hit) || hit.class == Class::Verb || told && hit.class == Class::Purpose;
        self.before
            .iter()
            .rev()
            .filter(|hit| hit.end <= self.token.start)
            .take_while(|hit| !ends_reach(hit))
            .filter(|hit| hit.class == Class::Call && is_near(self.between(hit.end, self.token.start), 32))
            .any(|hit| !self.is_confirmed(hit) && !self.names_code(hit) && !self.is_verb(hit))
    }

    /// "1930 to call", but not "482913: call-in code".
    fn is_called_behind(&self) -> bool {
        self.after.iter().take(WORDS_AFTER).any(|hit| {
            hit.class == Class::Call
                && hit.start - self.token.end <= 2
                && is_near(self.between(self.token.end, hit.start), 2)
                && !self
                    .after
                    .iter()
                    .any(|code| is_code(code) && code.start <= hit.end + 1)
        })
    }

    fn between(&self, from: usize, to: usize) -> &str {
        &self.text.folded[from..to]
    }

    /// True if a verb follows: "To confirm your phone 482913 type", as many languages say it.
    fn is_told(&self) -> bool {
        self.after
            .iter()
            .take(4)
            .any(|hit| hit.class == Class::Verb && is_near(self.between(self.token.end, hit.start), 24))
    }

    /// "Enter the code to confirm your phone number 482913": the telephone is what is confirmed.
    fn is_confirmed(&self, call: &Hit) -> bool {
        let coded = self
            .before
            .iter()
            .any(|hit| is_code(hit) && hit.end <= self.token.start)
            || self.after.iter().any(|hit| hit.class == Class::Care);
        let leads = |hit: &Hit| {
            let mut between = self.between(hit.end, call.start).chars().zip(0..);
            between.all(|(c, at)| at < OBJECT_CHARS_MAX && (is_word(c) || c == ' '))
        };
        let within_code = |hit: &Hit| {
            let strong = |code: &&Hit| code.class == Class::Strong;
            self.before
                .iter()
                .filter(strong)
                .any(|code| code.start <= hit.start && code.end >= hit.end)
        };
        let confirms = |hit: &&Hit| hit.class == Class::Purpose && hit.end <= call.start;
        coded
            && self.token.chars <= 8
            && self
                .before
                .iter()
                .filter(confirms)
                .any(|hit| leads(hit) && !within_code(hit))
    }

    /// "Send", which is said of a code and of a text to a number alike.
    fn is_verb(&self, call: &Hit) -> bool {
        self.before
            .iter()
            .any(|hit| hit.class == Class::Verb && hit.start == call.start)
    }

    /// "Your WhatsApp code", "your code for WhatsApp".
    fn names_code(&self, call: &Hit) -> bool {
        let joined = |c: char| is_word(c) || c == ' ';
        let beside = |end: usize, start: usize| {
            end <= start && start - end <= JOINT_BYTES_MAX && self.between(end, start).chars().all(joined)
        };
        let within = |hit: &Hit| hit.start <= call.start && call.end <= hit.end;
        self.before.iter().any(|hit| {
            is_code(hit) && (within(hit) || beside(hit.end, call.start) || beside(call.end, hit.start))
        })
    }
}

/// A short stretch of one clause.
fn is_near(between: &str, bytes_max: usize) -> bool {
    between.len() <= bytes_max && !between.contains(['\n', '!', '?', '。', ';']) && !between.contains(". ")
}
