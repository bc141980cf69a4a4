//! The extractor of one-time codes, with the operator's rules.

use std::sync::{Arc, LazyLock};

use super::build::BuildError;
use crate::config::Config;
use crate::core::otp::{Engine, read_rule_file};

/// The extractor with the operator's rules. A bad rule is named with its line.
pub fn engine(config: &Config) -> Result<Arc<Engine>, BuildError> {
    /// Built once, for it reads all languages.
    static BUILT_IN: LazyLock<Arc<Engine>> =
        LazyLock::new(|| Arc::new(Engine::with_rules(&[]).expect("a test builds it from the same files")));
    let file = &config.otp.rules;
    if file.is_empty() {
        return Ok(BUILT_IN.clone());
    }
    let refuse = |error: String| BuildError::Config(format!("otp.rules: {error}"));
    let text = std::fs::read_to_string(file).map_err(|e| refuse(format!("{file}: {e}")))?;
    let rules = read_rule_file(file, &text).map_err(|e| refuse(e.to_string()))?;
    Engine::with_rules(&rules)
        .map(Arc::new)
        .map_err(|e| refuse(format!("{file}: {e}")))
}
