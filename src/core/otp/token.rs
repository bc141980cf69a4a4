//! Numbers and short words of a message that could be codes, and what their own shape says against them.
//! One hand-written pass over ASCII letters and digits; no language knowledge.

use super::chain;
use super::normalise::Text;
use super::result::Reason;

/// A possible code as a byte range of the folded text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token {
    pub start: usize,
    pub end: usize,
    pub shape: Shape,
    /// Letters and digits in it.
    pub chars: usize,
    pub mask: Option<Mask>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Digits,
    /// Digits in groups of one size.
    Split,
    Alnum,
    Letters,
}

impl Shape {
    pub(super) fn is_number(self) -> bool {
        matches!(self, Shape::Digits | Shape::Split)
    }
}

/// Why a token is probably no code. A hard mask cannot be overruled by a code word before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask {
    pub reason: Reason,
    pub hard: bool,
}

pub(super) const fn hard(reason: Reason) -> Option<Mask> {
    Some(Mask { reason, hard: true })
}

pub(super) const fn soft(reason: Reason) -> Option<Mask> {
    Some(Mask { reason, hard: false })
}

/// A maximal run of ASCII letters and digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub start: usize,
    pub end: usize,
    pub digits: usize,
}

impl Run {
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }
    pub(super) fn all_digits(&self) -> bool {
        self.digits == self.len()
    }
    pub(super) fn all_letters(&self) -> bool {
        self.digits == 0
    }
}

/// All tokens in order of their start. `skip` are ranges to leave out, in order.
pub(super) fn scan(text: &Text, skip: &[(usize, usize)]) -> Vec<Token> {
    let runs = runs(text.bytes(), skip);
    let mut tokens = Vec::with_capacity(runs.len());
    let mut at = 0;
    while at < runs.len() {
        let tight = tight(text.bytes(), &runs[at..]);
        if tight > 1 {
            chain::read(text, &runs[at..at + tight], &mut tokens);
            at += tight;
        } else {
            let spaced = spaced(text.bytes(), &runs[at..]);
            match group(text, &runs[at..at + spaced]) {
                Some(token) => {
                    tokens.push(token);
                    at += spaced;
                }
                None => {
                    single(text, runs[at], &mut tokens);
                    at += 1;
                }
            }
        }
    }
    tokens
}

fn runs(bytes: &[u8], skip: &[(usize, usize)]) -> Vec<Run> {
    let mut runs = Vec::with_capacity(32);
    let mut skip = skip.iter().peekable();
    let mut at = 0;
    while at < bytes.len() {
        while skip.peek().is_some_and(|range| range.1 <= at) {
            skip.next();
        }
        if let Some(range) = skip.peek().filter(|range| range.0 <= at) {
            at = range.1;
            continue;
        }
        let length = bytes[at..]
            .iter()
            .position(|b| !b.is_ascii_alphanumeric())
            .unwrap_or(bytes.len() - at);
        if length > 0 {
            let digits = bytes[at..at + length]
                .iter()
                .filter(|b| b.is_ascii_digit())
                .count();
            runs.push(Run {
                start: at,
                end: at + length,
                digits,
            });
        }
        at += length.max(1);
    }
    runs
}

/// How many runs from the first are joined by single separators.
fn tight(bytes: &[u8], runs: &[Run]) -> usize {
    let mut count = 1;
    while count < runs.len().min(12) {
        let (left, right) = (runs[count - 1], runs[count]);
        if right.start - left.end != 1 {
            break;
        }
        let joined = match bytes[left.end] {
            b'-' => left.digits + right.digits > 0,
            b'.' | b',' | b':' | b'/' | b'\'' => left.all_digits() && right.all_digits(),
            _ => false,
        };
        if !joined {
            break;
        }
        count += 1;
    }
    count
}

/// How many digit runs from the first are separated by one blank, or by a dash between blanks.
fn spaced(bytes: &[u8], runs: &[Run]) -> usize {
    let mut count = 1;
    while count < runs.len().min(12) && runs[count - 1].all_digits() && runs[count].all_digits() {
        if !matches!(&bytes[runs[count - 1].end..runs[count].start], b" " | b" - ") {
            break;
        }
        if count + 1 < runs.len() && tight(bytes, &runs[count..]) > 1 {
            break;
        }
        count += 1;
    }
    count
}

/// Sizes that people split codes into.
pub(super) fn is_split(sizes: &[usize]) -> bool {
    let total: usize = sizes.iter().sum();
    let even = sizes.iter().all(|size| *size == sizes[0]);
    even && match sizes[0] {
        1 => (4..=8).contains(&sizes.len()),
        2 => (2..=5).contains(&sizes.len()),
        3 => (2..=3).contains(&sizes.len()),
        _ => total <= 10 && sizes.len() == 2,
    }
}

/// Digit groups with blanks between them: a split code, or a phone or account number.
fn group(text: &Text, runs: &[Run]) -> Option<Token> {
    if runs.len() < 2 {
        return None;
    }
    let sizes: Vec<usize> = runs.iter().map(Run::len).collect();
    let total: usize = sizes.iter().sum();
    let (start, end) = (runs[0].start, runs[runs.len() - 1].end);
    let bytes = text.bytes();
    let international = start > 0 && (bytes[start - 1] == b'+' || text.folded[..start].ends_with("(+"));
    let trunk = bytes[start] == b'0' && total >= 9 && sizes[0] != 1;
    let free = total >= 10
        && matches!(
            &bytes[start..start + sizes[0]],
            b"1" | b"800" | b"1800" | b"888" | b"900" | b"1300"
        );
    let token = |shape, mask| {
        Some(Token {
            start,
            end,
            shape,
            chars: total,
            mask,
        })
    };
    if international || trunk || free {
        return token(Shape::Split, soft(Reason::Phone));
    }
    if is_split(&sizes) {
        return token(Shape::Split, None);
    }
    let accountlike = sizes.len() >= 3 && total >= 9 && sizes.iter().all(|size| *size >= 2);
    if accountlike {
        return token(Shape::Split, soft(Reason::Phone));
    }
    None
}

pub(super) fn single(text: &Text, run: Run, tokens: &mut Vec<Token>) {
    let bytes = text.bytes();
    let before = run.start.checked_sub(1).map_or(b' ', |at| bytes[at]);
    let after = bytes.get(run.end).copied().unwrap_or(b' ');
    let mut token = Token {
        start: run.start,
        end: run.end,
        shape: Shape::Digits,
        chars: run.len(),
        mask: None,
    };
    if run.all_letters() {
        token.shape = Shape::Letters;
        if (4..=10).contains(&run.len()) {
            tokens.push(token);
        }
        return;
    }
    if !run.all_digits() {
        return alnum(text, run, tokens);
    }
    token.mask = if run.len() > 10 {
        hard(Reason::Long)
    } else if before == b'+' && run.len() >= 7 {
        soft(Reason::Phone)
    } else if is_card(text, run, before, after) {
        hard(Reason::Card)
    } else {
        None
    };
    tokens.push(token);
}

/// `*4417`, `...4432`, `••4471`, but not `*297379*`.
fn is_card(text: &Text, run: Run, before: u8, after: u8) -> bool {
    let head = &text.folded[..run.start];
    if head.ends_with("**") && run.len() <= 6 && after != b'*' {
        return true;
    }
    let starred = before == b'*' && after != b'*' && run.len() <= 5;
    starred
        || (run.len() <= 5 && (head.ends_with("..") || head.ends_with(['…', '•', '·', '×', '●'])))
        || (after == b'*' && before != b'*' && run.len() <= 6)
}

fn alnum(text: &Text, run: Run, tokens: &mut Vec<Token>) {
    let bytes = &text.bytes()[run.start..run.end];
    let token = |start, end, shape, mask| Token {
        start,
        end,
        shape,
        chars: end - start,
        mask,
    };
    let letters = bytes.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let split = letters.max(digits);
    let two_parts = letters + bytes[letters..].iter().take_while(|b| b.is_ascii_digit()).count()
        == bytes.len()
        || digits
            + bytes[digits..]
                .iter()
                .take_while(|b| b.is_ascii_alphabetic())
                .count()
            == bytes.len();
    if two_parts && split < bytes.len() {
        let (word, number) = if letters > 0 {
            (&bytes[..letters], run.start + letters..run.end)
        } else {
            (&bytes[digits..], run.start..run.start + digits)
        };
        if word.iter().all(|b| *b == b'x') && number.len() <= 6 {
            tokens.push(token(run.start, run.end, Shape::Alnum, hard(Reason::Card)));
            return;
        }
        // "905518VALIDA", "verifycode905518": too long to be a code as a whole.
        let long = run.len() > 10 && (5..=8).contains(&number.len());
        let cased = &text.cased[run.start + digits..run.end];
        // "905518Do not share": a sentence begins behind the code.
        let sentence = cased.len() >= 2
            && cased[0].is_ascii_uppercase()
            && cased[1..].iter().all(u8::is_ascii_lowercase);
        let run_on = sentence && digits >= 6
            || word.len() >= 4 && (long || letters == 0 && number.len() == 4 && word.len() >= 6);
        if run_on || is_glued_word(word) && number.len() >= 4 {
            tokens.push(token(number.start, number.end, Shape::Digits, None));
            return;
        }
    }
    let mask = if run.len() > 10 { hard(Reason::Long) } else { None };
    tokens.push(token(run.start, run.end, Shape::Alnum, mask));
}

/// Words that are typed against the code without a blank: "OTP482913", "yourcode482913".
pub(super) fn is_glued_word(word: &[u8]) -> bool {
    const ENDS: [&[u8]; 8] = [
        b"otp", b"code", b"kod", b"kode", b"pin", b"codigo", b"token", b"kood",
    ];
    matches!(word, b"is" | b"tan" | b"la" | b"est") || ENDS.iter().any(|end| word.ends_with(end))
}

/// "ta2keed", "ta7a9o9": a word of small letters in which digits stand for sounds.
pub(super) fn is_spelled(cased: &[u8]) -> bool {
    let digits = cased.iter().filter(|b| b.is_ascii_digit()).count();
    let small = cased.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    small && digits <= 2 && digits * 3 <= cased.len()
}

/// Six capitals and digits or more, and two at least of each.
pub(super) fn is_made(cased: &[u8]) -> bool {
    let digits = cased.iter().filter(|b| b.is_ascii_digit()).count();
    let capitals = cased.iter().filter(|b| b.is_ascii_uppercase()).count();
    digits >= 2 && capitals >= 2 && digits + capitals == cased.len() && cased.len() >= 6
}
