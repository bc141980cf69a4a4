//! How likely a token is the code: each observation adds or takes away points. Weights only; the words are data.

use super::fold::{is_unspaced, is_word};
use super::lexicon::{Class, Hit};
use super::normalise::Text;
use super::result::{Feature, Reason};
use super::token::{Mask, Shape, Token, soft};

/// What is the same for every token of a message.
pub(super) struct Scene<'a> {
    pub text: &'a Text,
    pub hits: &'a [Hit],
    /// Ends of clauses, in order.
    pub clauses: Vec<usize>,
    pub marked: bool,
    offer: bool,
    care: bool,
    strong: bool,
    keyword: bool,
    digits: bool,
}

/// A token with its points.
pub(super) struct Scored {
    pub token: Token,
    pub score: i32,
    pub features: Vec<Feature>,
}

/// Hits looked at on either side of a token, so that time stays linear.
const REACH: usize = 24;
/// Bytes between a word and a token that are read.
const GAP_BYTES_MAX: usize = 220;

impl<'a> Scene<'a> {
    pub(super) fn new(text: &'a Text, hits: &'a [Hit], tokens: &[Token], marked: bool) -> Scene<'a> {
        let has = |class| hits.iter().any(|hit: &Hit| hit.class == class);
        Scene {
            text,
            hits,
            clauses: clauses(&text.folded),
            marked,
            offer: has(Class::Offer),
            care: has(Class::Care),
            strong: has(Class::Strong),
            keyword: has(Class::Strong) || has(Class::Weak) || has(Class::Number),
            digits: tokens
                .iter()
                .any(|token| token.shape != Shape::Letters && token.chars >= 4 && token.mask.is_none()),
        }
    }

    /// The clause of a position, as a byte range.
    fn clause(&self, at: usize) -> (usize, usize) {
        let index = self.clauses.partition_point(|end| *end <= at);
        let start = if index == 0 { 0 } else { self.clauses[index - 1] };
        (
            start,
            self.clauses.get(index).copied().unwrap_or(self.text.folded.len()),
        )
    }

    /// Hits that end at or before the position, nearest last.
    fn before(&self, at: usize) -> &[Hit] {
        let end = self.hits.partition_point(|hit| hit.start < at);
        &self.hits[end.saturating_sub(REACH)..end]
    }

    /// Hits that start at or after the position, nearest first.
    fn after(&self, at: usize) -> &[Hit] {
        let start = self.hits.partition_point(|hit| hit.start < at);
        &self.hits[start..(start + REACH).min(self.hits.len())]
    }

    fn alone(&self, token: &Token, clause: (usize, usize)) -> bool {
        let bare = |part: &str| !part.chars().any(is_word);
        clause.1 - clause.0 <= token.end - token.start + 24
            && bare(&self.text.folded[clause.0..token.start])
            && bare(&self.text.folded[token.end..clause.1])
    }
}

/// Ends of clauses: line ends and full stops of every script, but not the point of an abbreviation before a number.
fn clauses(text: &str) -> Vec<usize> {
    let mut ends = Vec::with_capacity(8);
    let mut chars = text.char_indices().peekable();
    let mut word = 0;
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let end = match c {
            '\n' | '。' | '！' | '？' | '｡' | '।' | '॥' | '።' | '۔' | '؟' | '։' | '။' | '!' | '?' | '…' => {
                true
            }
            '។' | '៕' => true,
            ';' => true,
            '.' => {
                next.is_none_or(|n| n.is_whitespace() || n == '"' || n == '\'')
                    && !is_abbreviation(text, at, word)
            }
            _ => false,
        };
        if end {
            ends.push(at + c.len_utf8());
        }
        word = if c.is_alphabetic() { word + 1 } else { 0 };
    }
    ends
}

/// "Rs. 450", "No. 7", "nr. 12": a short word, a point, a blank and a digit.
fn is_abbreviation(text: &str, point: usize, word: usize) -> bool {
    (1..=4).contains(&word)
        && text[point + 1..]
            .trim_start_matches(' ')
            .starts_with(|c: char| c.is_ascii_digit())
        && !text[point + 1..].starts_with('\n')
}

/// What lies between a word and a token.
struct Gap {
    /// Words that are not mere connectors.
    words: usize,
    /// It ends in "is", ":" or "-".
    announced: bool,
    /// It starts with "is", ":" or "-".
    opened: bool,
}

fn gap(scene: &Scene, from: usize, to: usize) -> Option<Gap> {
    if to < from || to - from > GAP_BYTES_MAX {
        return None;
    }
    let text = &scene.text.folded;
    let mut gap = Gap {
        words: 0,
        announced: false,
        opened: false,
    };
    let mut at = from;
    let mut letters = 0;
    let mut first = true;
    let first_hit = scene.hits.partition_point(|hit| hit.start < from);
    let mut links = scene.hits[first_hit..]
        .iter()
        .take(3 * REACH)
        .filter(|hit| matches!(hit.class, Class::Is | Class::Number) && hit.end <= to)
        .peekable();
    while at < to {
        while links.peek().is_some_and(|hit| hit.start < at) {
            links.next();
        }
        if let Some(hit) = links.next_if(|hit| hit.start == at) {
            gap.announced = true;
            gap.opened |= first;
            first = false;
            gap.words += letters;
            letters = 0;
            at = hit.end;
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        if !is_word(c) {
            gap.words += usize::from(letters > 0);
            letters = 0;
            if matches!(c, ':' | '=' | '-' | '→' | '>') {
                gap.announced = true;
                gap.opened |= first;
            }
            first &= matches!(
                c,
                ' ' | ']' | ')' | '"' | '*' | '»' | '」' | '』' | '】' | '\'' | '>'
            );
        } else {
            first = false;
            gap.announced = false;
            letters += 1;
            if is_unspaced(c) && letters == 3 {
                gap.words += 1;
                letters = 0;
            } else {
                letters = if is_unspaced(c) { letters } else { 1 };
            }
        }
        at += c.len_utf8();
    }
    gap.words += usize::from(letters > 0);
    Some(gap)
}

/// Evidence of one code word.
struct Evidence {
    points: i32,
    name: &'static str,
    direct: bool,
    strong: bool,
}

/// Points of a token.
pub(super) fn score(scene: &Scene, token: &Token) -> Scored {
    let mut scored = Scored {
        token: *token,
        score: 0,
        features: Vec::with_capacity(8),
    };
    let clause = scene.clause(token.start);
    let evidence = best_evidence(scene, token, clause);
    let direct = evidence.as_ref().is_some_and(|e| e.direct);
    if let Some(evidence) = &evidence {
        scored.add(evidence.name, evidence.points);
    }
    let label = label(scene, token, clause);
    if label {
        scored.add("reference-word", -38);
        scored.token.mask = scored.token.mask.or(soft(Reason::Reference));
    }
    form(scene, &mut scored, clause, direct);
    let verb = verb(scene, token, clause);
    if verb {
        scored.add("verb", if evidence.is_some() { 6 } else { 20 });
    }
    company(scene, &mut scored, clause, verb || evidence.is_some());
    if let Some(reason) = dead(scene, token, clause) {
        scored.add(reason, -48);
    }
    if scene.offer && !evidence.as_ref().is_some_and(|e| e.strong && e.points >= 30) {
        scored.add("offer", -40);
    }
    if let Some(Mask { hard: false, .. }) = scored.token.mask {
        if !direct && !label {
            scored.add("masked", -30);
        }
    }
    scored
}

impl Scored {
    fn add(&mut self, name: &'static str, weight: i32) {
        self.score += weight;
        self.features.push(Feature { name, weight });
    }
}

fn best_evidence(scene: &Scene, token: &Token, clause: (usize, usize)) -> Option<Evidence> {
    let mut best: Option<Evidence> = None;
    let mut offer = |evidence: Option<Evidence>| {
        if let Some(evidence) = evidence {
            if best.as_ref().is_none_or(|b| evidence.points > b.points) {
                best = Some(evidence);
            }
        }
    };
    for hit in scene
        .before(token.start)
        .iter()
        .rev()
        .filter(|hit| hit.end <= token.start && hit.start >= clause.0)
    {
        offer(keyword(scene, hit).and_then(|strong| ahead(scene, hit, token, strong)));
    }
    for hit in scene.after(token.end).iter().filter(|hit| hit.end <= clause.1) {
        offer(keyword(scene, hit).and_then(|strong| behind(scene, hit, token, strong)));
    }
    if scene.alone(token, clause) {
        let previous = scene.before(clause.0);
        let near = previous
            .iter()
            .rev()
            .find_map(|hit| keyword(scene, hit).map(|strong| (hit, strong)));
        let limit = scene.clause(clause.0.saturating_sub(1)).0;
        if let Some((hit, strong)) = near.filter(|(hit, _)| hit.start + 120 >= limit) {
            let colon = scene.text.folded[hit.end..clause.0]
                .trim_end()
                .ends_with([':', '-']);
            let points = if strong { 28 } else { 22 } + if colon { 8 } else { 0 };
            offer(Some(Evidence {
                points,
                name: "word-in-clause-before",
                direct: colon,
                strong,
            }));
        }
        let next = scene.clause(clause.1);
        let near = scene
            .after(clause.1)
            .iter()
            .filter(|hit| hit.end <= next.1)
            .find_map(|hit| keyword(scene, hit));
        if let Some(strong) = near {
            let points = if strong { 28 } else { 22 };
            offer(Some(Evidence {
                points,
                name: "word-in-clause-after",
                direct: false,
                strong,
            }));
        }
    }
    best
}

/// Whether a hit is a code word, and a strong one. A weak word beside "verification" or "login" is strong.
fn keyword(scene: &Scene, hit: &Hit) -> Option<bool> {
    match hit.class {
        Class::Strong => Some(true),
        Class::Weak => Some(modified(scene, hit)),
        Class::Number => modified(scene, hit).then_some(true),
        _ => None,
    }
}

/// True if a purpose word stands within two words of the hit.
fn modified(scene: &Scene, hit: &Hit) -> bool {
    let clause = scene.clause(hit.start);
    let close = |from, to| gap(scene, from, to).is_some_and(|gap| gap.words <= 2);
    let purpose =
        |other: &&Hit| other.class == Class::Purpose && other.start >= clause.0 && other.end <= clause.1;
    let ahead = scene.before(hit.start).iter().rev().find(purpose);
    let behind = scene.after(hit.end).iter().find(purpose);
    ahead.is_some_and(|other| other.end >= hit.start || close(other.end, hit.start))
        || behind.is_some_and(|other| close(hit.end, other.start))
        || scene.before(hit.end).iter().any(|other| {
            other.class == Class::Purpose && other.start >= hit.start && other.end <= hit.end + 24
        })
}

fn ahead(scene: &Scene, hit: &Hit, token: &Token, strong: bool) -> Option<Evidence> {
    let gap = gap(scene, hit.end, token.start)?;
    let pick = |name, strong_points, weak_points, direct| {
        Some(Evidence {
            points: if strong { strong_points } else { weak_points },
            name,
            direct,
            strong,
        })
    };
    match gap.words {
        0 => pick("word-directly-before", 46, 40, true),
        1..=6 if gap.announced => pick("word-announces", 38, 32, true),
        7..=14 if gap.announced => pick("word-announces", 34, 28, false),
        1..=3 => pick("word-before", 28, 20, false),
        4..=10 => pick("word-before", 20, 10, false),
        _ => pick("word-before", 10, 4, false),
    }
}

fn behind(scene: &Scene, hit: &Hit, token: &Token, strong: bool) -> Option<Evidence> {
    let gap = gap(scene, token.end, hit.start)?;
    let pick = |name, strong_points, weak_points, direct| {
        Some(Evidence {
            points: if strong { strong_points } else { weak_points },
            name,
            direct,
            strong,
        })
    };
    match gap.words {
        0 if gap.opened => pick("word-directly-after", 38, 34, true),
        0 => pick("word-directly-after", 34, 28, false),
        1..=8 if gap.opened => pick("is-the-word", 36, 31, false),
        1..=4 => pick("word-after", 24, 17, false),
        5..=10 => pick("word-after", 14, 8, false),
        _ => pick("word-after", 5, 2, false),
    }
}

/// True if an instruction stands directly before the token.
fn verb(scene: &Scene, token: &Token, clause: (usize, usize)) -> bool {
    scene
        .before(token.start)
        .iter()
        .rev()
        .filter(|hit| hit.class == Class::Verb && hit.end <= token.start && hit.start >= clause.0)
        .any(|hit| gap(scene, hit.end, token.start).is_some_and(|gap| gap.words <= 1))
        || scene
            .after(token.end)
            .iter()
            .filter(|hit| hit.class == Class::Verb && hit.end <= clause.1)
            .any(|hit| gap(scene, token.end, hit.start).is_some_and(|gap| gap.words == 0))
}

/// True if a word for another kind of number stands directly before the token, with no code word after it.
fn label(scene: &Scene, token: &Token, clause: (usize, usize)) -> bool {
    let near = scene.before(token.start);
    let code_word = |from: usize| {
        near.iter().any(|hit| {
            hit.start >= from && hit.end <= token.start && matches!(hit.class, Class::Strong | Class::Weak)
        })
    };
    near.iter()
        .rev()
        .filter(|hit| hit.end <= token.start && hit.start >= clause.0)
        .filter(|hit| matches!(hit.class, Class::Label | Class::Not | Class::Number))
        .any(|hit| {
            let numbered = hit.class == Class::Number
                && near.iter().any(|other| {
                    matches!(other.class, Class::Strong | Class::Weak | Class::Purpose)
                        && other.end <= token.start
                        && other.end + 3 >= hit.start
                });
            !numbered
                && !code_word(hit.end)
                && gap(scene, hit.end, token.start).is_some_and(|gap| gap.words <= usize::from(gap.announced))
        })
}

/// Points for what the token looks like and where it stands.
fn form(scene: &Scene, scored: &mut Scored, clause: (usize, usize), direct: bool) {
    let token = scored.token;
    let text = &scene.text.folded;
    match token.chars {
        6 => scored.add("length-6", 5),
        4 | 5 | 7 | 8 => scored.add("usual-length", 3),
        _ => {}
    }
    if scene.alone(&token, clause) && text[clause.0..].len() > token.end - token.start {
        scored.add("own-line", 8);
    }
    if text[..token.start].chars().all(|c| !is_word(c)) {
        scored.add("first", 6);
    }
    if scene.marked {
        scored.add("retriever-mark", 14);
    }
    let quoted = text[..token.start].ends_with([
        '"', '\'', '[', '(', '«', '“', '„', '「', '『', '*', '<', '【', '‘',
    ]);
    if quoted {
        scored.add("quoted", 4);
    }
    if text[..token.start].ends_with('#') {
        scored.add("number-sign", -8);
    }
    let cased = &scene.text.cased[token.start..token.end];
    let year = token.shape == Shape::Digits
        && token.chars == 4
        && (cased.starts_with(b"19") || cased.starts_with(b"20"));
    if year && !direct {
        scored.add("year", -14);
    }
    match token.shape {
        Shape::Alnum if !direct => scored.add("letters", -8),
        Shape::Letters => scored.add("letters-only", letters_only(scene, &token, direct)),
        Shape::Split if token.chars == 4 && !direct => scored.add("split-4", -10),
        _ => {}
    }
    let mixed = cased.iter().any(u8::is_ascii_uppercase) && cased.iter().any(u8::is_ascii_lowercase);
    if mixed {
        scored.add("mixed-case", -8);
    }
}

/// A word of letters is a code only straight after "code:", in capitals or at the end, when no number is there.
fn letters_only(scene: &Scene, token: &Token, direct: bool) -> i32 {
    let text = &scene.text.folded;
    let cased = &scene.text.cased[token.start..token.end];
    let announced = text[..token.start]
        .trim_end_matches([' ', '"', '\'', '\n'])
        .ends_with([':', '=']);
    let capitals = cased.iter().all(u8::is_ascii_uppercase);
    let last = text[token.end..].chars().all(|c| !is_word(c));
    let known = scene
        .hits
        .iter()
        .any(|hit| hit.start < token.end && hit.end > token.start);
    if direct && announced && !scene.digits && !known && (capitals || last) {
        -6
    } else {
        -90
    }
}

/// Points for the usual company of a code.
fn company(scene: &Scene, scored: &mut Scored, clause: (usize, usize), evidence: bool) {
    let purpose = |hit: &&Hit| hit.class == Class::Purpose && hit.start >= clause.0 && hit.end <= clause.1;
    if scene.before(clause.1).iter().any(|hit| purpose(&hit)) {
        scored.add("purpose", 6);
    }
    if !evidence {
        if scene.keyword && scored.token.start <= clause.0 + 2 {
            scored.add("word-in-message", if scene.strong { 8 } else { 4 });
        }
        return;
    }
    if scene.care {
        scored.add("care", 4);
    }
}

/// "Old code 1234", "1234 has been used".
fn dead(scene: &Scene, token: &Token, clause: (usize, usize)) -> Option<&'static str> {
    let last = scene
        .before(token.start)
        .iter()
        .rev()
        .filter(|hit| hit.end <= token.start && hit.start >= clause.0)
        .find(|hit| matches!(hit.class, Class::Old | Class::New));
    if last.is_some_and(|hit| hit.class == Class::Old) {
        return Some("old");
    }
    let next = scene
        .after(token.end)
        .iter()
        .filter(|hit| hit.end <= clause.1)
        .find(|hit| matches!(hit.class, Class::Dead | Class::New));
    next.is_some_and(|hit| hit.class == Class::Dead).then_some("dead")
}
