//! Validates language and rule files, for `ringback otp check-rules` and for those who add a language.

use std::collections::HashMap;

use super::lexicon::{self, Class};
use super::normalise::folded;
use super::phrase;
use super::service::{self, Rules};
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
    for language in &languages {
        let mut seen: HashMap<String, Class> = HashMap::new();
        for (class, list) in language.lists() {
            for entry in list {
                let wrong = entry_fault(entry).or_else(|| clash(&mut seen, entry, class));
                errors.extend(wrong.map(|reason| Error::Entry {
                    file: name.to_owned(),
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
    match service::read(name, text) {
        Ok(rules) => rules
            .iter()
            .filter_map(|rule| Rules::new(std::iter::once(rule)).err())
            .collect(),
        Err(error) => vec![error],
    }
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
