//! From scored tokens to the candidates of an answer: the value people type, the order, the confidence.

use super::normalise::Text;
use super::result::Candidate;
use super::score::Scored;

/// A score from which a candidate is a code.
pub const SCORE_MIN: i32 = 26;

/// What the user types: the letters and digits of the range.
pub(super) fn value(text: &Text, start: usize, end: usize) -> String {
    text.cased[start..end]
        .iter()
        .filter(|b| b.is_ascii_alphanumeric())
        .map(|b| char::from(*b))
        .collect()
}

/// Describes a scored token.
pub(super) fn describe(original: &str, text: &Text, scored: &Scored, margin: i32) -> Candidate {
    let span = text.original(scored.token.start, scored.token.end);
    Candidate {
        code: value(text, scored.token.start, scored.token.end),
        raw: original.get(span[0]..span[1]).unwrap_or("").to_owned(),
        span,
        score: scored.score,
        confidence: confidence(scored.score, margin),
        features: scored.features.clone(),
    }
}

/// Points above the threshold, or twice the lead on the next candidate if that is less, and the confidence they earn. Set
/// by hand, on the low side; docs/otp.md shows how often each tenth is right.
const TABLE: [(i32, f32); 8] = [
    (-20, 0.02),
    (-8, 0.15),
    (0, 0.6),
    (3, 0.75),
    (6, 0.88),
    (10, 0.94),
    (16, 0.97),
    (24, 0.99),
];

/// Confidence of a candidate by its score and its lead on the next one.
pub(super) fn confidence(score: i32, lead: i32) -> f32 {
    let margin = (score - SCORE_MIN).min(lead * 2);
    let at = TABLE.partition_point(|(points, _)| *points <= margin);
    match at {
        0 => 0.01,
        _ if at == TABLE.len() => TABLE[at - 1].1,
        _ => {
            let ((low, from), (high, to)) = (TABLE[at - 1], TABLE[at]);
            from + (to - from) * (margin - low) as f32 / (high - low) as f32
        }
    }
}
