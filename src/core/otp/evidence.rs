//! How strongly the code words around a token speak for it: which word, how far, on which side.

use super::fold::is_word;
use super::gap::gap;
use super::lexicon::{Class, Hit};
use super::purpose::{announced, told};
use super::scene::Scene;
use super::token::{Shape, Token};

/// Evidence of one code word.
pub(super) struct Evidence {
    pub points: i32,
    pub name: &'static str,
    /// Nothing but connectors between them.
    pub direct: bool,
    pub strong: bool,
    /// The token is what the sentence is about: "482913 is your code".
    pub subject: bool,
}

/// Points from which a code word that names one by itself makes another one beside it as strong.
const STRONG_MIN: i32 = 24;

/// The strongest evidence for a token of a clause.
pub(super) fn best(scene: &Scene, token: &Token, clause: (usize, usize)) -> Option<Evidence> {
    let before = scene.before(token.start);
    let before = before
        .iter()
        .filter(|hit| hit.end <= token.start && hit.start >= clause.0);
    let after = scene.after(token.end).iter().filter(|hit| hit.end <= clause.1);
    let ahead = before.filter_map(|hit| match keyword(scene, hit) {
        Some(strong) => ahead(scene, hit, token, strong),
        None => announced(scene, hit, token).or_else(|| renewed(scene, hit, token)),
    });
    let behind =
        after.filter_map(|hit| keyword(scene, hit).and_then(|strong| behind(scene, hit, token, strong)));
    let found = ahead.chain(behind).chain(told(scene, token, clause));
    if scene.alone(token, clause) || follows_is(scene, token, clause) || is_below(scene, token, clause) {
        let beside = [before_clause(scene, token, clause), after_clause(scene, clause)];
        return strongest(found.chain(beside.into_iter().flatten()));
    }
    strongest(found)
}

/// The one with the most points; of equals, the first. "Code 3391 (OTP)": the word behind tells what kind of code it is.
fn strongest(found: impl Iterator<Item = Evidence>) -> Option<Evidence> {
    found.reduce(|best, other| {
        let (mut most, less) = if other.points > best.points {
            (other, best)
        } else {
            (best, other)
        };
        most.strong |= less.strong && less.points >= STRONG_MIN;
        most
    })
}

/// "Your code is here! It's 482913": a clause of nothing but connectors and the token.
fn follows_is(scene: &Scene, token: &Token, clause: (usize, usize)) -> bool {
    let rest = &scene.text.folded[token.end..clause.1];
    clause.0 > 0
        && !rest.chars().any(is_word)
        && gap(scene, clause.0, token.start).is_some_and(|gap| gap.words == 0)
}

/// "Enter this code:\n482913 Fernbay": a token that opens what a colon announces.
fn is_below(scene: &Scene, token: &Token, clause: (usize, usize)) -> bool {
    let text = &scene.text.folded;
    clause.0 > 0
        && !text[clause.0..token.start].chars().any(is_word)
        && text[..clause.0].trim_end().ends_with(':')
}

/// A code word in the clause before a token that stands alone, or else a purpose that opens it: "Confirm it is you.".
/// The number after a question is no code.
fn before_clause(scene: &Scene, token: &Token, clause: (usize, usize)) -> Option<Evidence> {
    let end = scene.text.folded[..clause.0].trim_end().len();
    let limit = scene.clause(end.saturating_sub(1)).0;
    let previous = scene.before(clause.0);
    let question = scene.is_question((limit, clause.0));
    let Some((hit, strong)) = previous
        .iter()
        .rev()
        .find_map(|hit| keyword(scene, hit).map(|strong| (hit, strong)))
    else {
        let start = clause.0 - scene.text.folded[limit..clause.0].trim_start().len();
        let told = |hit: &Hit| gap(scene, hit.end, clause.0).is_some_and(|gap| gap.words > 0);
        let purpose = |hit: &Hit| hit.class == Class::Purpose && hit.start == start && told(hit);
        let within = |hit: &Hit| hit.class == Class::Purpose && hit.start >= start;
        let colon = scene.single && scene.text.folded[..clause.0].trim_end().ends_with(':');
        let announced = colon && previous.iter().any(within);
        return (!question && !scene.keyword && (announced || previous.iter().any(purpose))).then_some(
            Evidence {
                points: if announced { 16 } else { 10 },
                name: "purpose-in-clause-before",
                direct: false,
                strong: false,
                subject: false,
            },
        );
    };
    if hit.start + 120 < limit || (question && !strong) {
        return None;
    }
    let rest = scene.text.folded[hit.end..clause.0].trim();
    let colon = rest.is_empty() || rest.ends_with([':', '-']);
    if token.chars >= 9 && !colon {
        return None;
    }
    let warning = !colon
        && previous
            .iter()
            .any(|other| other.class == Class::Care && other.start >= limit);
    let points = match (strong, colon, warning) {
        (true, true, _) => 36,
        (false, true, _) => 30,
        (true, _, true) => 6,
        // "Keep this code to yourself. 482913", but "Never give out your code. 33700": helplines are short.
        (false, _, true) if token.chars >= 6 => 10,
        (false, _, true) => 0,
        (true, ..) => 28,
        (false, ..) => 22,
    };
    Some(Evidence {
        points,
        name: "word-in-clause-before",
        direct: colon,
        strong,
        subject: false,
    })
}

/// A code word in the clause after a token that stands alone.
fn after_clause(scene: &Scene, clause: (usize, usize)) -> Option<Evidence> {
    let next = scene.clause(clause.1);
    let mut near = scene.after(clause.1).iter().filter(|hit| hit.end <= next.1);
    let strong = near.find_map(|hit| keyword(scene, hit))?;
    Some(Evidence {
        points: if strong { 28 } else { 22 },
        name: "word-in-clause-after",
        direct: false,
        strong,
        subject: false,
    })
}

/// "The code 6620 has expired. The new one: 9135": the message has named codes, and this is the new one.
fn renewed(scene: &Scene, hit: &Hit, token: &Token) -> Option<Evidence> {
    let another = || scene.hits.iter().any(|other| other.class == Class::Old);
    if hit.class != Class::New || !(scene.named || another()) || token.shape == Shape::Letters {
        return None;
    }
    let gap = gap(scene, hit.end, token.start)?;
    (gap.words == 0 || gap.words == 1 && gap.announced).then_some(Evidence {
        points: 26,
        name: "new-one",
        direct: false,
        strong: false,
        subject: false,
    })
}

/// Whether a hit is a code word, and a strong one. A weak word beside "verification" or "login" is strong.
fn keyword(scene: &Scene, hit: &Hit) -> Option<bool> {
    match hit.class {
        Class::Strong => Some(true),
        Class::Weak => {
            let strong = modified(scene, hit);
            (strong || !is_of_place(scene, hit)).then_some(strong)
        }
        Class::Number => (modified(scene, hit) || asked(scene, hit) || is_headed(scene, hit)).then_some(true),
        _ => None,
    }
}

/// "The code for the door is 4821", "show code 482913 at the till".
fn is_of_place(scene: &Scene, hit: &Hit) -> bool {
    // Nobody says of a door that its code expires.
    if !scene.place || scene.cares > 0 && !scene.offer {
        return false;
    }
    let clause = scene.clause(hit.start);
    // Nor does anybody log in at a door, or open one in an app.
    let elsewhere = |other: &Hit| match other.class {
        Class::Purpose => other.end <= clause.0 || other.start >= clause.1,
        Class::Field => true,
        _ => false,
    };
    if scene.single && scene.hits.iter().any(elsewhere) {
        return false;
    }
    let place =
        |other: &&Hit| other.class == Class::Place && other.start >= clause.0 && other.end <= clause.1;
    let close = |from, to| gap(scene, from, to).is_some_and(|gap| gap.words <= 4);
    scene
        .before(hit.start)
        .iter()
        .filter(place)
        .any(|other| other.end >= hit.start || close(other.end, hit.start))
        || scene
            .after(hit.start)
            .iter()
            .filter(place)
            .any(|other| other.start <= hit.end || close(hit.end, other.start))
}

/// "Login approval needed. Number: 250127": all that the clause says of the number stands in the one before it.
pub(super) fn is_headed(scene: &Scene, hit: &Hit) -> bool {
    let clause = scene.clause(hit.start);
    let text = &scene.text.folded;
    let previous = scene.clause(clause.0.saturating_sub(1));
    clause.0 > 0
        && scene.single
        && !text[clause.0..hit.start].chars().any(is_word)
        && text[hit.end..].trim_start().starts_with(':')
        && scene
            .before(clause.0)
            .iter()
            .any(|other| other.class == Class::Purpose && other.start >= previous.0)
}

/// "Type the following number to confirm": a number that is asked for with a verb, for a purpose.
fn asked(scene: &Scene, hit: &Hit) -> bool {
    let clause = scene.clause(hit.start);
    let verb = |other: &&Hit| other.class == Class::Verb && other.start >= clause.0 && other.end <= hit.start;
    let label = |other: &Hit| other.class == Class::Label && other.end + 3 >= hit.start;
    let near = scene.before(hit.start);
    scene
        .before(clause.1)
        .iter()
        .any(|other| other.class == Class::Purpose && other.start >= clause.0)
        && !near.iter().any(label)
        && near
            .iter()
            .rev()
            .find(verb)
            .and_then(|verb| gap(scene, verb.end, hit.start))
            .is_some_and(|gap| gap.words <= 3)
}

/// True if a purpose word stands within two words of the hit.
pub(super) fn modified(scene: &Scene, hit: &Hit) -> bool {
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
            subject: false,
        })
    };
    // "Your code for signing the contract online 55820": the only number, and the last word.
    let kept = scene.purpose || scene.cares > 0;
    let last = kept
        && scene.single
        && !scene.text.folded[token.end..scene.clause(token.start).1]
            .chars()
            .any(is_word);
    match gap.words {
        0 => pick("word-directly-before", 46, 40, true),
        1..=6 if gap.announced => pick("word-announces", 38, 32, true),
        7..=14 if gap.announced => pick("word-announces", 34, 28, false),
        1..=3 => pick("word-before", 28, 20, false),
        // "Your code for the payment of ... with the card ... is 482913".
        _ if gap.announced && strong => pick("word-announces", 28, 0, false),
        4..=6 if last => pick("word-before", 24, 10, false),
        4..=10 => pick("word-before", 20, 10, false),
        _ => pick("word-before", 10, 4, false),
    }
}

fn behind(scene: &Scene, hit: &Hit, token: &Token, strong: bool) -> Option<Evidence> {
    let gap = gap(scene, token.end, hit.start)?;
    if heads(scene, hit, token) {
        return None;
    }
    let pick = |name, strong_points, weak_points, direct| {
        Some(Evidence {
            points: if strong { strong_points } else { weak_points },
            name,
            direct,
            strong,
            subject: gap.opened && gap.words <= 1,
        })
    };
    match gap.words {
        0 if gap.opened => pick("word-directly-after", 38, 34, true),
        0 => pick("word-directly-after", 34, 28, true),
        1..=8 if gap.opened => pick("is-the-word", 36, 31, false),
        1..=4 => pick("word-after", 24, 17, false),
        5..=10 if scene.single && scene.opens(token) => pick("word-after", 20, 16, false),
        5..=10 => pick("word-after", 14, 8, false),
        _ => pick("word-after", 5, 2, false),
    }
}

/// "Claim 40718: your access code is 661802": a number that heads a clause about another one.
fn heads(scene: &Scene, hit: &Hit, token: &Token) -> bool {
    let text = &scene.text.folded;
    let clause = scene.clause(token.start);
    let another = |part: &str| {
        part.split(|c: char| !c.is_ascii_digit())
            .any(|run| run.len() >= 4)
    };
    !scene.single
        && token.start > scene.first
        && text[token.end..].starts_with(':')
        && hit.end <= clause.1
        && another(&text[hit.end..clause.1])
}
