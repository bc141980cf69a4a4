//! A message with its code, candidates and masked parts marked in colour, for people at a terminal.

use std::fmt::Write;

use super::result::Extraction;

const CODE: &str = "\x1b[1;32m";
const CANDIDATE: &str = "\x1b[33m";
const MASKED: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// Renders the message and, below it, what was seen in it. Control characters of the message are shown as `?`, so that
/// a message cannot paint the terminal.
pub fn render(text: &str, extraction: &Extraction) -> String {
    let mut marks: Vec<([usize; 2], &str, &str)> = Vec::new();
    if let Some(span) = extraction.span {
        marks.push((span, CODE, ""));
    }
    for candidate in &extraction.candidates {
        marks.push((candidate.span, CANDIDATE, ""));
    }
    for masked in &extraction.masked {
        marks.push((masked.span, MASKED, masked.reason.word()));
    }
    marks.sort_by_key(|(span, _, _)| span[0]);
    let mut shown = String::new();
    let mut at = 0;
    for ([start, end], colour, note) in marks {
        let (Some(plain), Some(marked)) = (text.get(at..start.max(at)), text.get(start..end)) else {
            continue;
        };
        if start < at {
            continue;
        }
        push(&mut shown, plain);
        shown.push_str(colour);
        push(&mut shown, marked);
        shown.push_str(RESET);
        if !note.is_empty() {
            let _infallible = write!(shown, "{MASKED}[{note}]{RESET}");
        }
        at = end;
    }
    push(&mut shown, text.get(at..).unwrap_or(""));
    summary(&mut shown, extraction);
    shown
}

fn push(shown: &mut String, part: &str) {
    shown.extend(
        part.chars()
            .map(|c| if c.is_control() && c != '\n' { '?' } else { c }),
    );
}

fn summary(shown: &mut String, extraction: &Extraction) {
    let code = extraction.code.as_deref().unwrap_or("none");
    let _infallible = write!(
        shown,
        "\n\ncode {CODE}{code}{RESET}  confidence {:.2}  rule {}",
        extraction.confidence, extraction.rule
    );
    for candidate in &extraction.candidates {
        let _infallible = write!(shown, "\n  {} {:>4} points:", candidate.code, candidate.score);
        for feature in &candidate.features {
            let _infallible = write!(shown, " {} {:+}", feature.name, feature.weight);
        }
    }
    if let Some(link) = &extraction.link {
        let _infallible = write!(shown, "\nlink ");
        push(shown, link);
    }
    shown.push('\n');
}
