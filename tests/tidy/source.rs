//! One file as the rules see it: its path, its text and, for Rust, its tokens with and without what only tests compile.

use proc_macro2::TokenStream;

use super::rule::Violation;
use super::tokens;

pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    pub text: String,
    /// Every token of a Rust file; empty for other files.
    pub tokens: TokenStream,
    /// The tokens that ship: without `#[cfg(test)]` and `#[test]` items, and empty in files of tests.
    pub shipped: TokenStream,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let tokens: TokenStream = if is_rust(path) {
            text.parse()
                .unwrap_or_else(|error| panic!("{path} is no Rust: {error}"))
        } else {
            TokenStream::new()
        };
        let shipped = if is_test_file(path) {
            TokenStream::new()
        } else {
            tokens::without_tests(&tokens)
        };
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens,
            shipped,
        }
    }

    pub fn violation(&self, line: usize, what: impl Into<String>) -> Violation {
        Violation {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }

    /// The module this file is, below the crate's root: `src/store/sled/mod.rs` is `["store", "sled"]`.
    pub fn module(&self) -> Vec<&str> {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let stem = inside.strip_suffix(".rs").unwrap_or(inside);
        let stem = stem.strip_suffix("/mod").unwrap_or(stem);
        if matches!(stem, "lib" | "main") {
            Vec::new()
        } else {
            stem.split('/').collect()
        }
    }
}

pub fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

/// Rust that ships: the library and the binary.
pub fn is_product(path: &str) -> bool {
    is_rust(path) && path.starts_with("src/")
}

/// A file of unit tests that its parent declares under `#[cfg(test)]`.
pub fn is_test_file(path: &str) -> bool {
    is_product(path) && (path.ends_with("/tests.rs") || path.contains("/tests/"))
}
