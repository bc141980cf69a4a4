//! What a person reads: the language's own sentence, or the caller's, with the code in its place.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::code::Code;

/// Longest text of a caller's own, in bytes.
pub const TEXT_BYTES_MAX: usize = 1000;
/// Longest name of an app, in characters.
pub const APP_NAME_MAX: usize = 30;

const TABLE: &str = include_str!("templates.toml");
/// What a language that is not there falls back to.
const USUAL: &str = "en";

static TEMPLATES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let rows: BTreeMap<String, String> = toml::from_str(TABLE).expect("a unit test reads every row");
    rows.into_iter()
        .map(|(language, text)| (language.to_ascii_lowercase(), text))
        .collect()
});

/// The languages that there are sentences of.
pub fn languages() -> impl Iterator<Item = &'static str> {
    TEMPLATES.keys().map(String::as_str)
}

/// The sentence of a language: its own, else that of the language without its region, else the English one.
fn template(language: &str) -> &'static str {
    let wanted = language.replace('_', "-").to_ascii_lowercase();
    let base = wanted.split('-').next().unwrap_or_default();
    let found = [wanted.as_str(), base, USUAL]
        .into_iter()
        .find_map(|language| TEMPLATES.get(language));
    found.map_or("{{code}}", String::as_str)
}

/// Whether a caller's own text tells the code, and is not too long.
pub fn is_text(text: &str) -> bool {
    let fits = text.len() <= TEXT_BYTES_MAX && !text.chars().any(|c| c.is_control() && c != '\n');
    fits && (text.contains("{{code}}") || text.contains("{code}"))
}

/// Whether an app may be called so: one line, and nothing that would stand for something else.
pub fn is_app_name(name: &str) -> bool {
    let fits = (1..=APP_NAME_MAX).contains(&name.chars().count());
    fits && !name.chars().any(|c| c.is_control() || matches!(c, '{' | '}'))
}

/// What is filled into a text.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    pub code: &'a Code,
    pub app_name: Option<&'a str>,
    pub minutes: u64,
}

/// The caller's own text, or the language's with the app's name before it.
pub fn written(own: Option<&str>, language: &str, filling: Filling<'_>) -> String {
    let name = filling.app_name.unwrap_or_default();
    match own {
        Some(own) => filled(own, name, filling),
        None if name.is_empty() => filled(template(language), name, filling),
        None => format!("{name}: {}", filled(template(language), name, filling)),
    }
}

/// The code last: nothing that is filled in before it can bring a place for it.
fn filled(text: &str, name: &str, filling: Filling<'_>) -> String {
    let minutes = filling.minutes.to_string();
    let text = text
        .replace("{{app_name}}", name)
        .replace("{{minutes}}", &minutes)
        // As Telnyx calls it, and renders it.
        .replace("{{default_verification_timeout_secs}}", &minutes);
    text.replace("{{code}}", filling.code.as_str())
        .replace("{code}", filling.code.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::otp::{Engine, Filter};
    use crate::core::segments::encode;

    fn filling(code: &Code) -> Filling<'_> {
        Filling {
            code,
            app_name: Some("Twenty letters or so"),
            minutes: 10,
        }
    }

    #[test]
    fn every_language_tells_the_code_once_in_one_sms() {
        let code = Code::parse("48291375").unwrap();
        assert!(TEMPLATES.len() >= 50, "{}", TEMPLATES.len());
        for (language, template) in &*TEMPLATES {
            assert_eq!(template.matches("{{code}}").count(), 1, "{language}");
            let text = written(None, language, filling(&code));
            assert_eq!(
                (text.matches("48291375").count(), text.contains('{')),
                (1, false),
                "{text}"
            );
            assert_eq!(encode(&text).segments(), 1, "{language}: {text}");
            let is_link =
                text.contains("://") || text.contains("www.") || text.contains('/') || text.contains('@');
            assert!(!is_link, "{language}: {text}");
        }
    }

    #[test]
    fn our_own_extractor_finds_the_code_in_most_languages() {
        let (engine, code) = (Engine::with_rules(&[]).unwrap(), Code::parse("482913").unwrap());
        let finds = |language: &&String| {
            let text = written(
                None,
                language,
                Filling {
                    app_name: Some("MyApp"),
                    ..filling(&code)
                },
            );
            engine.extract(&text, &Filter::default()).code.as_deref() == Some("482913")
        };
        let (found, missed): (Vec<_>, Vec<_>) = TEMPLATES.keys().partition(finds);
        assert!(found.len() * 10 >= TEMPLATES.len() * 9, "missed: {missed:?}");
    }

    #[test]
    fn a_region_falls_back_to_its_language_and_an_unknown_one_to_english() {
        let code = Code::parse("482913").unwrap();
        let text = |language: &str| {
            written(
                None,
                language,
                Filling {
                    app_name: None,
                    ..filling(&code)
                },
            )
        };
        assert_eq!(text("de-CH"), "482913 ist Ihr Bestätigungscode.");
        assert_eq!(text("pt_br"), "482913 é seu código de verificação.");
        for unknown in ["tlh", "", "../en"] {
            assert_eq!(text(unknown), "482913 is your verification code.");
        }
    }

    #[test]
    fn a_callers_text_has_either_placeholder_and_brings_no_second_one() {
        let code = Code::parse("482913").unwrap();
        let text = |own: &str| written(Some(own), "en", filling(&code));
        assert_eq!(
            text("{{code}} for {{app_name}}, {{minutes}} min"),
            "482913 for Twenty letters or so, 10 min"
        );
        assert_eq!(text("Code {code}"), "Code 482913");
        assert!(is_text("Code {code}") && is_text("{{code}}\nline"));
        assert!(
            !is_text("no code")
                && !is_text(&format!("{{code}}{}", "x".repeat(TEXT_BYTES_MAX)))
                && !is_text("{{code}}\u{7}")
        );
        assert!(
            is_app_name("MyApp")
                && !is_app_name("")
                && !is_app_name("{{code}}")
                && !is_app_name(&"x".repeat(31))
        );
    }
}
