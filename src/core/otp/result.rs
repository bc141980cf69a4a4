//! What an extraction answers. `Debug` hides everything that is, or may be, a code.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use serde::Serialize;

use super::filter::Filter;

/// Candidates that an answer names at most.
pub const CANDIDATES_MAX: usize = 5;

/// Masked spans that an answer names at most.
pub const MASKED_MAX: usize = 16;

/// The answer for one message.
#[derive(Clone, Default, PartialEq, Serialize)]
pub struct Extraction {
    /// What the user types: ASCII, 4 to 10 letters and digits, no separators. `None` when there is none or it is unsure.
    pub code: Option<String>,
    /// The code as the message shows it.
    pub raw: Option<String>,
    /// 0 to 1. With a code: how sure the code is right. Without: 0.
    pub confidence: f32,
    /// Which rule found the code: `origin-bound`, `bare`, `words`, or the name of a service rule. Empty without a code.
    pub rule: Cow<'static, str>,
    /// Byte range of `raw` in the message.
    pub span: Option<[usize; 2]>,
    /// Best first, at most `CANDIDATES_MAX`.
    pub candidates: Vec<Candidate>,
    /// What was taken out, in order, at most `MASKED_MAX`.
    pub masked: Vec<Masked>,
    /// A sign-in or confirmation link.
    pub link: Option<String>,
}

/// How our code stands to the one that the carrier named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    Same,
    /// Ours counts.
    Different,
    /// We found none and theirs is in the text: theirs counts.
    Theirs,
    /// We found none, and theirs is not in the text or not what is expected.
    Neither,
}

impl Compared {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Different => "different",
            Self::Theirs => "theirs",
            Self::Neither => "neither",
        }
    }
}

/// Characters of a code that only the carrier found, and how sure it is.
const CODE_CHARS: RangeInclusive<usize> = 4..=10;
const THEIRS_CONFIDENCE: f32 = 0.5;

impl Extraction {
    /// Beside the code that the carrier names for this text. Separators do not make two codes of one.
    pub fn beside(self, theirs: &str, text: &str, filter: &Filter) -> (Self, Compared) {
        let plain = |text: &str| -> String { text.chars().filter(char::is_ascii_alphanumeric).collect() };
        let code = plain(theirs);
        if let Some(ours) = &self.code {
            let verdict = if *ours == code {
                Compared::Same
            } else {
                Compared::Different
            };
            return (self, verdict);
        }
        let fits =
            CODE_CHARS.contains(&code.len()) && filter.accepts(&code) && filter.is_sure(THEIRS_CONFIDENCE);
        let Some(at) = text.find(theirs).filter(|_| fits) else {
            return (self, Compared::Neither);
        };
        let theirs = Self {
            code: Some(code),
            raw: Some(theirs.to_owned()),
            confidence: THEIRS_CONFIDENCE,
            rule: Cow::Borrowed("carrier"),
            span: Some([at, at + theirs.len()]),
            ..self
        };
        (theirs, Compared::Theirs)
    }
}

/// A number that was considered.
#[derive(Clone, PartialEq, Serialize)]
pub struct Candidate {
    pub code: String,
    pub raw: String,
    /// Byte range in the message.
    pub span: [usize; 2],
    /// Sum of its features; compare it with [`super::SCORE_MIN`].
    pub score: i32,
    /// 0 to 1, as if this candidate were the answer.
    pub confidence: f32,
    pub features: Vec<Feature>,
}

/// One observation about a candidate and its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Feature {
    pub name: &'static str,
    pub weight: i32,
}

/// A part of the message that is no code, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Masked {
    /// Byte range in the message.
    pub span: [usize; 2],
    pub reason: Reason,
}

/// Why a part of a message is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    Amount,
    Card,
    Date,
    Email,
    /// It does not fit the length or alphabet asked for.
    Filter,
    /// The app hash of an SMS Retriever message.
    Hash,
    /// More characters than a code has.
    Long,
    Phone,
    /// An order, account, ticket or other number that is named as such.
    Reference,
    Time,
    Unit,
    Url,
    Version,
}

impl Reason {
    /// The word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Amount => "amount",
            Reason::Card => "card",
            Reason::Date => "date",
            Reason::Email => "email",
            Reason::Filter => "filter",
            Reason::Hash => "hash",
            Reason::Long => "long",
            Reason::Phone => "phone",
            Reason::Reference => "reference",
            Reason::Time => "time",
            Reason::Unit => "unit",
            Reason::Url => "url",
            Reason::Version => "version",
        }
    }
}

impl fmt::Debug for Extraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extraction")
            .field("code", &self.code.as_ref().map(|_| Hidden))
            .field("confidence", &self.confidence)
            .field("rule", &self.rule)
            .field("candidates", &self.candidates.len())
            .field("masked", &self.masked)
            .field("link", &self.link.as_ref().map(|_| Hidden))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("code", &Hidden)
            .field("score", &self.score)
            .field("features", &self.features)
            .finish_non_exhaustive()
    }
}

/// Stands where a secret would be.
struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(ours: Option<&str>, theirs: &str, text: &str, filter: &Filter) -> (Option<String>, Compared) {
        let ours = Extraction {
            code: ours.map(str::to_owned),
            ..Extraction::default()
        };
        let (found, verdict) = ours.beside(theirs, text, filter);
        assert_eq!(found.span.is_some(), verdict == Compared::Theirs);
        (found.code, verdict)
    }

    #[test]
    fn our_code_counts_unless_we_found_none() {
        let any = Filter::default();
        let ours = |code: &str| Some(code.to_owned());
        assert_eq!(
            beside(Some("482913"), "482-913", "x", &any),
            (ours("482913"), Compared::Same)
        );
        assert_eq!(
            beside(Some("482913"), "1234", "1234", &any),
            (ours("482913"), Compared::Different)
        );
        assert_eq!(
            beside(None, "48-29", "use 48-29 now", &any),
            (ours("4829"), Compared::Theirs)
        );
        assert_eq!(
            beside(None, "4829", "use it now", &any),
            (None, Compared::Neither)
        );
        assert_eq!(beside(None, "42", "use 42 now", &any), (None, Compared::Neither));
    }

    #[test]
    fn what_is_expected_holds_for_theirs_too() {
        let six = Filter {
            length_min: Some(6),
            ..Filter::default()
        };
        assert_eq!(beside(None, "4829", "use 4829", &six), (None, Compared::Neither));
        let sure = Filter {
            min_confidence: Some(0.8),
            ..Filter::default()
        };
        assert_eq!(beside(None, "4829", "use 4829", &sure), (None, Compared::Neither));
    }
}
