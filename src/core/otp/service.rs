//! Rules of single services, and those operators add: a pattern, the words that must be there, and its own examples.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use super::Error;
use super::normalise::{CHARS_MAX, Text, folded};

/// Bytes of a pattern.
const PATTERN_BYTES_MAX: usize = 500;
/// Bytes a compiled pattern may take.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// Rules an engine takes.
const RULES_MAX: usize = 500;

/// A rule for the messages of one service, as an operator writes it.
///
/// The pattern is matched against the message with digits, dashes, blanks and full-width forms made plain, accents
/// dropped, ASCII letters in their case (patterns ignore case), and invisible characters dropped. Its group `code` is
/// the code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Shown as the `rule` of an extraction.
    pub name: String,
    /// One of these words must be in the message; case and accents do not count. At least one.
    pub contains: Vec<String>,
    /// A regular expression with a group named `code`, at most 500 bytes.
    pub pattern: String,
    /// A message the rule must read.
    pub example: String,
    /// The code of `example`.
    pub code: String,
    /// A message the rule must leave alone.
    pub counter_example: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Rule>,
}

pub(super) const FILE: (&str, &str) = ("data/services.toml", include_str!("data/services.toml"));

/// Reads a rule file.
pub(super) fn read(name: &str, text: &str) -> Result<Vec<Rule>, Error> {
    let file: File = toml::from_str(text).map_err(|error| Error::Data {
        file: name.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(file.rule)
}

struct Compiled {
    name: String,
    regex: Regex,
}

/// Compiled rules and the anchors that wake them.
pub(super) struct Rules {
    anchors: AhoCorasick,
    owner: Vec<usize>,
    rules: Vec<Compiled>,
}

/// What a rule found, as a range of the folded text.
pub(super) struct Found {
    pub start: usize,
    pub end: usize,
    pub rule: Cow<'static, str>,
}

impl Rules {
    /// Compiles rules and holds each to its own examples.
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a Rule>) -> Result<Rules, Error> {
        let mut compiled = Vec::new();
        let mut anchors = Vec::new();
        let mut owner = Vec::new();
        for rule in rules {
            let refused = |reason: String| Error::Rule {
                name: rule.name.clone(),
                reason,
            };
            if compiled.len() == RULES_MAX {
                return Err(refused(format!(
                    "there are more than {RULES_MAX} rules; remove some"
                )));
            }
            for word in rule.contains.iter().map(|word| folded(word)) {
                if word.trim().is_empty() {
                    return Err(refused("an entry of `contains` is empty; name a word".to_owned()));
                }
                anchors.push(word);
                owner.push(compiled.len());
            }
            if rule.contains.is_empty() {
                return Err(refused(
                    "`contains` is empty; name a word the messages always have".to_owned(),
                ));
            }
            compiled.push(compile(rule)?);
        }
        let anchors = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&anchors)
            .map_err(|error| Error::Data {
                file: "rules".to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Rules {
            anchors,
            owner,
            rules: compiled,
        })
    }

    /// The first rule, in the order they were given, that finds a code.
    pub(super) fn find(&self, text: &Text) -> Option<Found> {
        let mut woken: Vec<usize> = self
            .anchors
            .find_overlapping_iter(text.folded.as_str())
            .map(|m| self.owner[m.pattern().as_usize()])
            .collect();
        woken.sort_unstable();
        woken.dedup();
        let shown = if woken.is_empty() {
            return None;
        } else {
            std::str::from_utf8(&text.cased).ok()?
        };
        woken.into_iter().find_map(|at| {
            let rule = &self.rules[at];
            let (start, end) = matched(&rule.regex, shown)?;
            Some(Found {
                start,
                end,
                rule: Cow::Owned(rule.name.clone()),
            })
        })
    }
}

fn compile(rule: &Rule) -> Result<Compiled, Error> {
    let refused = |reason: String| Error::Rule {
        name: rule.name.clone(),
        reason,
    };
    if rule.pattern.len() > PATTERN_BYTES_MAX {
        return Err(refused(format!(
            "`pattern` is longer than {PATTERN_BYTES_MAX} bytes; shorten it"
        )));
    }
    if rule.example.chars().count() > CHARS_MAX || rule.counter_example.chars().count() > CHARS_MAX {
        return Err(refused(format!(
            "an example is longer than {CHARS_MAX} characters; shorten it"
        )));
    }
    let regex = RegexBuilder::new(&rule.pattern)
        .case_insensitive(true)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| refused(error.to_string()))?;
    if !regex.capture_names().flatten().any(|name| name == "code") {
        return Err(refused(
            "`pattern` has no group named `code`; write (?P<code>...)".to_owned(),
        ));
    }
    let found = |message: &str| {
        let text = Text::new(message);
        let wanted = rule
            .contains
            .iter()
            .any(|word| text.folded.contains(&folded(word)));
        let shown = String::from_utf8_lossy(&text.cased).into_owned();
        let (start, end) = matched(&regex, &shown).filter(|_| wanted)?;
        Some(super::candidate::value(&text, start, end))
    };
    match found(&rule.example) {
        Some(code) if code == rule.code => {}
        Some(_) => {
            return Err(refused(
                "`example` gives another code than `code`; correct one of them".to_owned(),
            ));
        }
        None => {
            return Err(refused(
                "`example` is not matched; correct `pattern` or `contains`".to_owned(),
            ));
        }
    }
    if found(&rule.counter_example).is_some() {
        return Err(refused(
            "`counter_example` is matched; make `pattern` narrower".to_owned(),
        ));
    }
    Ok(Compiled {
        name: rule.name.clone(),
        regex,
    })
}

fn matched(regex: &Regex, text: &str) -> Option<(usize, usize)> {
    let code = regex.captures(text)?.name("code")?;
    Some((code.start(), code.end()))
}
