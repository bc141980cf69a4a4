//! The extractor of one-time codes, with the operator's rules.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::build::BuildError;
use crate::config::Config;
use crate::core::otp::{self, Engine, Rule};

/// The extractor with the operator's rules. A bad rule is named with its line.
pub fn engine(config: &Config) -> Result<Arc<Engine>, BuildError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        rule: Vec<Rule>,
    }
    /// Built once, for it reads all languages.
    static BUILT_IN: LazyLock<Arc<Engine>> =
        LazyLock::new(|| Arc::new(Engine::with_rules(&[]).expect("a test builds it from the same files")));
    let file = &config.otp.rules;
    let refuse = |error: String| BuildError::Config(format!("otp.rules: {file}{error}"));
    if file.is_empty() {
        return Ok(BUILT_IN.clone());
    }
    let text = std::fs::read_to_string(file).map_err(|e| refuse(format!(": {e}")))?;
    let rules: File = toml::from_str(&text).map_err(|e| refuse(format!(": {e}")))?;
    Engine::with_rules(&rules.rule)
        .map(Arc::new)
        .map_err(|error| match &error {
            otp::Error::Rule { name, .. } => refuse(format!(":{}: {error}", line_of(&text, name))),
            _ => refuse(format!(": {error}")),
        })
}

/// The line, counted from 1, that names this rule.
fn line_of(text: &str, name: &str) -> usize {
    let names_it = |line: &str| {
        let value = line.trim_start().strip_prefix("name").map(str::trim_start);
        let value = value.and_then(|rest| rest.strip_prefix('=')).map(str::trim_start);
        let quoted = value
            .and_then(|value| value.get(1..))
            .and_then(|value| value.strip_prefix(name));
        quoted.is_some_and(|rest| rest.starts_with(['"', '\'']))
    };
    text.lines().position(names_it).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_by_its_whole_name() {
        let text = "[[rule]]\nname = \"bank-de\"\n\n[[rule]]\nname='bank'\n";
        assert_eq!([line_of(text, "bank-de"), line_of(text, "bank")], [2, 5]);
    }
}
