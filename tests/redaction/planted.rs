//! The secrets of a run, and the search for them in a log: as they are, percent-encoded, in base64, in hexadecimal and as a list of bytes.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What must not be found, each with a name.
#[derive(Default)]
pub struct Planted(Vec<(String, String)>);

impl Planted {
    pub fn plant(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= 8, "{name}: too short to be told from chance");
        self.0.push((name.to_owned(), secret.to_owned()));
    }

    /// A number in the two ways that carriers write it.
    pub fn plant_number(&mut self, name: &str, number: &str) {
        self.plant(name, number);
        self.plant(
            &format!("{name} without its plus"),
            number.trim_start_matches('+'),
        );
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, secret)| (name.as_str(), secret.as_str()))
    }

    /// The names of those that stand in the log, each with the line.
    pub fn leaks(&self, log: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (name, secret) in self.each() {
            for form in forms(secret) {
                if let Some(at) = log.find(&form) {
                    let line = log[..at].lines().last().unwrap_or("");
                    found.push(format!("{name}: {line}{form}"));
                }
            }
        }
        found
    }
}

fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let list: Vec<String> = bytes.iter().map(ToString::to_string).collect();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let whole_blocks = &bytes[..bytes.len() / 3 * 3];
    let mut forms = vec![
        secret.to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        BASE64_STANDARD.encode(whole_blocks),
        BASE64_URL_SAFE_NO_PAD.encode(whole_blocks),
        hex.to_uppercase(),
        hex,
        list.join(", "),
        list.join(","),
    ];
    forms.sort();
    forms.dedup();
    forms
}
