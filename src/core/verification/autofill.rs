//! What lets a phone fill a code in by itself: a last line that names the site (WICG, origin-bound codes), and a hash that names an Android
//! app (SMS Retriever). Both are for SMS alone.

use serde::{Deserialize, Serialize};

use super::code::Code;
use crate::core::segments;

/// Characters of an app's hash.
const HASH_BYTES: usize = 11;
/// Longest message that Android hands to an app, in bytes as they go over the air, a septet counted as one.
const RETRIEVED_BYTES_MAX: usize = 140;
/// Longest host, and longest label of one (RFC 1035), in bytes.
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// What is said of another hash, and of another host.
pub const APP_HASH_RULE: &str = "must be the 11 characters that Android's SMS Retriever knows the app by";
pub const WEB_DOMAIN_RULE: &str = "must be a host such as example.com, without scheme and port";

/// Whom a code is for; both are public.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Autofill {
    /// The app's hash: eleven characters of base64.
    pub app_hash: Option<String>,
    /// The site's host, such as `example.com`.
    pub web_domain: Option<String>,
}

/// Whether an app may be named so.
pub fn is_app_hash(text: &str) -> bool {
    text.len() == HASH_BYTES
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

/// Whether a site may be named so: a host of two labels or more, without scheme, port and path. International names stand as `xn--`.
pub fn is_web_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= DOMAIN_BYTES_MAX
        && text.contains('.')
        && text.split('.').all(is_label)
        && last.bytes().any(|b| b.is_ascii_alphabetic())
}

impl Autofill {
    /// The text with its last line. That begins with the site, as browsers want it, and ends with the hash, as old phones want it: what
    /// stands behind the code there, browsers pass over. Where the hash would make it too long for Android to read, it goes without one.
    pub fn marked(&self, text: &str, code: &Code) -> String {
        let mut marked = text.trim_end().to_owned();
        if let Some(domain) = &self.web_domain {
            marked.push_str(&format!("\n@{domain} #{}", code.as_str()));
        }
        let Some(hash) = &self.app_hash else {
            return marked;
        };
        let blank = if self.web_domain.is_some() { ' ' } else { '\n' };
        let hashed = format!("{marked}{blank}{hash}");
        let bytes: usize = segments::encode(&hashed).parts.iter().map(Vec::len).sum();
        if bytes <= RETRIEVED_BYTES_MAX {
            hashed
        } else {
            marked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::otp::{Engine, Filter};
    use crate::core::segments::Encoding;
    use crate::core::verification::text::{self, Filling};

    const HASH: &str = "FA+9qCX9VSu";

    fn autofill(app_hash: Option<&str>, web_domain: Option<&str>) -> Autofill {
        Autofill {
            app_hash: app_hash.map(str::to_owned),
            web_domain: web_domain.map(str::to_owned),
        }
    }

    /// The last line as WICG's "Origin-bound one-time codes" says that it is read: host and code.
    fn origin_bound(text: &str) -> Option<(&str, &str)> {
        let (host, rest) = text.lines().last()?.strip_prefix('@')?.split_once(' ')?;
        Some((host, rest.strip_prefix('#')?.split_whitespace().next()?))
    }

    #[test]
    fn the_last_line_names_the_site_and_the_message_ends_with_the_hash() {
        let code = Code::parse("482913").unwrap();
        let marked = |app_hash, web_domain| autofill(app_hash, web_domain).marked("Code 482913.\n", &code);
        assert_eq!(marked(None, None), "Code 482913.");
        assert_eq!(marked(Some(HASH), None), "Code 482913.\nFA+9qCX9VSu");
        assert_eq!(
            marked(None, Some("example.com")),
            "Code 482913.\n@example.com #482913"
        );
        let both = marked(Some(HASH), Some("example.com"));
        assert_eq!(both, "Code 482913.\n@example.com #482913 FA+9qCX9VSu");
        assert_eq!(origin_bound(&both), Some(("example.com", "482913")));
        assert_eq!(both.split_whitespace().last(), Some(HASH));
    }

    #[test]
    fn a_message_that_android_would_not_read_has_no_hash() {
        let code = Code::parse("482913").unwrap();
        let marked = |text: &str| autofill(Some(HASH), None).marked(text, &code);
        for (text, fits) in [
            ("x".repeat(128), true),
            ("x".repeat(129), false),
            // A brace takes two septets.
            ("{".repeat(64), true),
            ("{".repeat(65), false),
            ("ж".repeat(58), true),
            ("ж".repeat(59), false),
        ] {
            assert_eq!(marked(&text).ends_with(HASH), fits, "{} of {text}", text.len());
        }
    }

    #[test]
    fn our_own_extractor_reads_every_language_with_every_mark() {
        let (engine, code) = (Engine::with_rules(&[]).unwrap(), Code::parse("482913").unwrap());
        let finds = |text: &str| engine.extract(text, &Filter::default()).code.as_deref() == Some("482913");
        for language in text::languages() {
            let filling = Filling {
                code: &code,
                app_name: Some("MyApp"),
                minutes: 10,
            };
            let plain = text::written(None, language, filling);
            let with = |app_hash, web_domain| autofill(app_hash, web_domain).marked(&plain, &code);
            let (hashed, bound) = (with(Some(HASH), None), with(None, Some("login.example.co.uk")));
            let both = with(Some(HASH), Some("login.example.co.uk"));
            let in_latin = segments::encode(&plain).encoding == Encoding::Gsm7;
            assert!(
                hashed.ends_with(HASH) && (both.ends_with(HASH) || !in_latin),
                "{language}"
            );
            assert!(!finds(&plain) || finds(&hashed), "{language}: {hashed}");
            assert!(finds(&bound) && finds(&both), "{language}: {bound}");
            assert_eq!(origin_bound(&both), Some(("login.example.co.uk", "482913")));
        }
    }

    #[test]
    fn what_names_nobody_is_refused() {
        assert!(is_app_hash(HASH) && is_app_hash("abcdefghijk"));
        for bad in ["", "FA+9qCX9VS", "FA+9qCX9VSu=", "FA-9qCX9VSu", "FA+9qCX9VS\n"] {
            assert!(!is_app_hash(bad), "{bad:?}");
        }
        assert!(is_web_domain("example.com") && is_web_domain("a-1.xn--bcher-kva.example"));
        let long = format!("{}.com", "a".repeat(64));
        for bad in [
            "",
            "localhost",
            "https://example.com",
            "example.com:443",
            "example.com/x",
            ".example.com",
            "example.com.",
            "-a.com",
            "1.2.3.4",
            "a b.com",
            "bücher.example",
            "a.com\n@b.com",
            &long,
        ] {
            assert!(!is_web_domain(bad), "{bad:?}");
        }
    }
}
