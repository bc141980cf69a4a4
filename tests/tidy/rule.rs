//! What a rule is and how it reports; the rules themselves have a file each.

use std::fmt;

use super::source::Source;

/// A house rule over one file.
pub struct Rule {
    pub name: &'static str,
    /// Which paths (from the repository's root, with `/`) the rule looks at.
    pub concerns: fn(&str) -> bool,
    pub check: fn(&Source) -> Vec<Violation>,
    /// Path and text that the rule must object to.
    pub planted: &'static [(&'static str, &'static str)],
    /// Path and text that look alike and are fine.
    pub clean: &'static [(&'static str, &'static str)],
}

impl Rule {
    /// The rule's word on a text that is not a file.
    pub fn on(&self, path: &str, text: &str) -> Vec<Violation> {
        (self.check)(&Source::new(path, text))
    }
}

/// Where something is wrong, and what to do about it.
pub struct Violation {
    pub path: String,
    /// Counted from 1; 0 means the file as a whole.
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}
