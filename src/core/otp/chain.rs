//! Runs of letters and digits joined by single marks: dates, times, amounts, versions, telephone numbers, split codes.

use super::normalise::Text;
use super::result::Reason;
use super::token::{Run, Shape, Token, hard, is_glued_word, is_split, single, soft};

/// Runs joined by dashes, dots, commas, colons or slashes.
pub(super) fn read(text: &Text, runs: &[Run], tokens: &mut Vec<Token>) {
    let bytes = text.bytes();
    let (start, end) = (runs[0].start, runs[runs.len() - 1].end);
    let separator = bytes[runs[0].end];
    let uniform = runs.windows(2).all(|pair| bytes[pair[0].end] == separator);
    let total: usize = runs.iter().map(Run::len).sum();
    if separator == b'-' && !runs.iter().all(Run::all_digits) {
        return dashed(text, runs, tokens);
    }
    if let [code @ .., last] = runs
        && is_split_run_on(text, code, last)
    {
        read(text, code, tokens);
        return single(text, *last, tokens);
    }
    if is_run_on(runs, separator) {
        for run in runs {
            single(text, *run, tokens);
        }
        return;
    }
    let sizes: Vec<usize> = runs.iter().map(Run::len).collect();
    let values: Vec<usize> = runs
        .iter()
        .map(|run| number(&bytes[run.start..run.end]))
        .collect();
    let before = start.checked_sub(1).map_or(b' ', |at| bytes[at]);
    let mask = if before == b'+' || (sizes[0] == 1 && total >= 10 && separator == b'-') {
        soft(Reason::Phone)
    } else if bytes[start..end].contains(&b':') {
        hard(Reason::Time)
    } else if is_date(&sizes, &values, separator) {
        hard(Reason::Date)
    } else if bytes[start..end].iter().any(|b| matches!(b, b',' | b'\'')) {
        hard(Reason::Amount)
    } else if separator == b'.' && sizes == [2, 2, 2, 2] {
        soft(Reason::Phone)
    } else if separator == b'.' && uniform && sizes != [3, 3] && sizes != [2, 2, 2] && sizes != [4, 4] {
        hard(if runs.len() == 4 {
            Reason::Version
        } else {
            Reason::Amount
        })
    } else if separator == b'/' || !uniform {
        hard(Reason::Reference)
    } else if is_split(&sizes) {
        None
    } else if (7..=13).contains(&total) {
        soft(Reason::Phone)
    } else {
        hard(Reason::Reference)
    };
    tokens.push(Token {
        start,
        end,
        shape: Shape::Split,
        chars: total,
        mask,
    });
}

/// "Code 482913,5 minutes": no amount, since its thousands would be parted and its cents be two digits.
fn is_run_on(runs: &[Run], separator: u8) -> bool {
    let (first, second) = (runs[0].len(), runs[1].len());
    runs.len() == 2
        && matches!(separator, b',' | b'.')
        && ((6..=8).contains(&first) && second <= 2 || matches!(first, 4 | 5) && second == 1)
}

/// "Code 482-913,5 minutes".
fn is_split_run_on(text: &Text, code: &[Run], last: &Run) -> bool {
    let sizes: Vec<usize> = code.iter().map(Run::len).collect();
    let dashed = code
        .windows(2)
        .all(|pair| text.bytes()[pair[0].end] == b'-' && pair[0].len() >= 3);
    code.len() == 2
        && dashed
        && is_split(&sizes)
        && last.len() <= 2
        && matches!(text.bytes()[last.start - 1], b',' | b'.')
}

fn number(digits: &[u8]) -> usize {
    digits
        .iter()
        .take(9)
        .fold(0, |sum, b| sum * 10 + usize::from(b - b'0'))
}

fn is_date(sizes: &[usize], values: &[usize], separator: u8) -> bool {
    let day = |at: usize| sizes[at] <= 2 && (1..=31).contains(&values[at]);
    let month = |at: usize| sizes[at] <= 2 && (1..=12).contains(&values[at]);
    let year = |at: usize| (sizes[at] == 4 && (1300..=2600).contains(&values[at])) || sizes[at] == 2;
    match sizes.len() {
        2 if separator == b'/' => (day(0) && day(1)) || (month(0) && year(1)),
        2 if separator == b'.' => day(0) && month(1) && sizes.iter().all(|size| *size <= 2),
        3 => {
            let european = day(0) && month(1) && year(2);
            let american = month(0) && day(1) && year(2);
            let iso = sizes[0] == 4 && year(0) && month(1) && day(2);
            european || american || iso
        }
        _ => false,
    }
}

/// Dash chains that hold letters: a service prefix, a code in two parts, or words.
fn dashed(text: &Text, runs: &[Run], tokens: &mut Vec<Token>) {
    let (start, end) = (runs[0].start, runs[runs.len() - 1].end);
    let total: usize = runs.iter().map(Run::len).sum();
    let cased = |run: &Run| &text.cased[run.start..run.end];
    if let Some(code) = headed(text, runs) {
        return tokens.push(code);
    }
    if is_measure(runs) {
        return;
    }
    if runs.len() == 2 && runs[0].all_letters() && runs[1].all_digits() {
        let digits = runs[1];
        if cased(&runs[0]).iter().all(|b| matches!(b, b'x' | b'X')) {
            tokens.push(Token {
                start,
                end,
                shape: Shape::Alnum,
                chars: total,
                mask: hard(Reason::Card),
            });
            return;
        }
        if runs[0].len() <= 3 || cased(&runs[0]).iter().any(u8::is_ascii_lowercase) || total > 10 {
            return single(text, digits, tokens);
        }
    }
    let plain = |run: &Run| run.all_letters() && cased(run).iter().any(u8::is_ascii_lowercase);
    let shouted = runs
        .iter()
        .all(|run| !cased(run).iter().any(u8::is_ascii_lowercase));
    if runs.len() <= 3 && (4..=10).contains(&total) && !runs.iter().any(plain) && (shouted || runs.len() == 2)
    {
        let mask = (runs.len() == 2 && runs[0].len() == 1 && runs[1].len() > 6)
            .then_some(())
            .and(soft(Reason::Reference));
        tokens.push(Token {
            start,
            end,
            shape: Shape::Alnum,
            chars: total,
            mask,
        });
        return;
    }
    if runs.iter().any(plain) {
        for run in runs {
            single(text, *run, tokens);
        }
    } else {
        tokens.push(Token {
            start,
            end,
            shape: Shape::Alnum,
            chars: total,
            mask: hard(Reason::Reference),
        });
    }
}

/// "6-DIGIT".
fn is_measure(runs: &[Run]) -> bool {
    matches!(runs, [count, unit] if count.all_digits() && count.len() <= 2 && unit.all_letters() && unit.len() >= 4)
}

/// "G-482-913", "ngu-482-913", "yourcode482-913": a prefix or a word, then a code in two halves.
fn headed(text: &Text, runs: &[Run]) -> Option<Token> {
    let (head, halves) = match runs {
        [head, halves @ ..] if head.all_letters() => (head.len(), halves),
        [first, _] => (first.len().checked_sub(first.digits)?, runs),
        _ => return None,
    };
    let [left, right] = halves else { return None };
    let start = if halves.len() == runs.len() {
        left.start + head
    } else {
        left.start
    };
    let word = &text.cased[runs[0].start..runs[0].start + head];
    let apart = halves.len() < runs.len() && head <= 3;
    let spoken = word.iter().any(u8::is_ascii_lowercase) && head >= 4
        || is_glued_word(&text.bytes()[runs[0].start..][..head]);
    let even = left.end - start == right.len() && (3..=4).contains(&right.len());
    let digits = right.all_digits() && text.bytes()[start..left.end].iter().all(u8::is_ascii_digit);
    (head > 0 && word.iter().all(u8::is_ascii_alphabetic) && (apart || spoken) && even && digits).then_some(
        Token {
            start,
            end: right.end,
            shape: Shape::Split,
            chars: 2 * right.len(),
            mask: None,
        },
    )
}
