//! Validates language and rule files, for `ringback otp check-rules` and for those who add a language.

use std::collections::HashMap;

use toml::de::DeTable;

use super::lexicon::{self, Class};
use super::normalise::folded;
use super::phrase;
use super::service::{self, Rule, Rules};
use super::{Error, lexicon::Lexicon};

/// Bytes of a phrase, once its groups are expanded.
const PHRASE_BYTES_MAX: usize = 120;
/// Phrases that one entry may stand for.
const PHRASES_MAX: usize = 5_000;

/// Checks the files that are compiled in. An empty list means all is well.
pub fn check_built_in() -> Vec<Error> {
    let mut errors: Vec<Error> = lexicon::FILES
        .iter()
        .flat_map(|(name, text)| check_language_file(name, text))
        .collect();
    errors.extend(check_rule_file(service::FILE.0, service::FILE.1));
    errors
}

/// Checks a language file: its syntax, that each entry says something, and that no word of a language is in two lists
/// that contradict each other.
pub fn check_language_file(name: &str, text: &str) -> Vec<Error> {
    let languages = match lexicon::read(name, text) {
        Ok(languages) => languages,
        Err(error) => return vec![error],
    };
    let mut errors = Vec::new();
    for (at, language) in languages.iter().enumerate() {
        let mut seen: HashMap<String, Class> = HashMap::new();
        for (class, list) in language.lists() {
            for (number, entry) in list.iter().enumerate() {
                let wrong = entry_fault(entry).or_else(|| clash(&mut seen, entry, class));
                errors.extend(wrong.map(|reason| Error::Entry {
                    file: name.to_owned(),
                    line: line_of(text, ("language", at), &class.key(), Some(number)),
                    language: language.id.clone(),
                    entry: entry.clone(),
                    reason,
                }));
            }
        }
    }
    errors.extend(Lexicon::new(&languages).err());
    errors
}

/// Checks a rule file: each rule against its bounds and its own examples.
pub fn check_rule_file(name: &str, text: &str) -> Vec<Error> {
    let rules = match service::read(name, text) {
        Ok(rules) => rules,
        Err(error) => return vec![error],
    };
    let wrong = rules.iter().enumerate().filter_map(|(at, rule)| {
        Rules::new(std::iter::once(rule))
            .err()
            .map(|error| Error::InFile {
                file: name.to_owned(),
                line: line_of(text, ("rule", at), "name", None),
                error: Box::new(error),
            })
    });
    wrong.collect()
}

/// Reads a rule file of an operator.
///
/// # Errors
/// The first thing that is wrong with it, with file and line.
pub fn read_rule_file(name: &str, text: &str) -> Result<Vec<Rule>, Error> {
    match check_rule_file(name, text).into_iter().next() {
        Some(error) => Err(error),
        None => service::read(name, text),
    }
}

/// The line, counted from 1, of a key of the table that stands at this place of its list; of one entry, where the key's value
/// is a list.
fn line_of(text: &str, (list, at): (&str, usize), key: &str, entry: Option<usize>) -> usize {
    let start = |table: &DeTable| {
        let value = table.get(list)?.get_ref().get(at)?.get_ref().get(key)?;
        let entry = entry.and_then(|entry| value.get_ref().get(entry));
        Some(entry.unwrap_or(value).span().start)
    };
    let start = DeTable::parse(text).ok().and_then(|table| start(table.get_ref()));
    let before = start.and_then(|start| text.get(..start)).unwrap_or_default();
    before.matches('\n').count() + 1
}

fn entry_fault(entry: &str) -> Option<String> {
    if entry.matches('(').count() != entry.matches(')').count() {
        return Some("a parenthesis is not closed; close it".to_owned());
    }
    let phrases = phrase::expand(entry);
    if phrases.len() > PHRASES_MAX {
        return Some(format!("stands for more than {PHRASES_MAX} phrases; split it"));
    }
    phrases.iter().find_map(|phrase| {
        let word = phrase.trim_matches('*');
        if word.len() > PHRASE_BYTES_MAX {
            return Some(format!(
                "`{phrase}` is longer than {PHRASE_BYTES_MAX} bytes; shorten it"
            ));
        }
        if word.contains('*') {
            return Some(format!("`{phrase}` has a `*` inside; only an end can be open"));
        }
        folded(word)
            .trim()
            .is_empty()
            .then(|| "empty after folding; remove it".to_owned())
    })
}

fn clash(seen: &mut HashMap<String, Class>, entry: &str, class: Class) -> Option<String> {
    let names_code = match class {
        Class::Strong | Class::Weak => true,
        Class::Not | Class::Label => false,
        _ => return None,
    };
    phrase::expand(entry).iter().find_map(|phrase| {
        let other = *seen.entry(folded(phrase)).or_insert(class);
        let clashes = matches!(other, Class::Strong | Class::Weak) != names_code;
        clashes.then(|| format!("`{phrase}` is also in list `{other:?}`; keep it in one"))
    })
}
