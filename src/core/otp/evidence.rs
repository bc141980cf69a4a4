//! How strongly the code words around a token speak for it: which word, how far, on which side.

use super::fold::is_word;
use super::gap::{Gap, gap};
use super::lexicon::{Class, Hit};
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
    if scene.alone(token, clause) || follows_is(scene, token, clause) {
        let beside = [before_clause(scene, token, clause), after_clause(scene, clause)];
        return strongest(found.chain(beside.into_iter().flatten()));
    }
    strongest(found)
}

/// The one with the most points; of equals, the first.
fn strongest(found: impl Iterator<Item = Evidence>) -> Option<Evidence> {
    found.reduce(|best, other| if other.points > best.points { other } else { best })
}

/// "Your code is here! It's 482913": a clause of nothing but connectors and the token.
fn follows_is(scene: &Scene, token: &Token, clause: (usize, usize)) -> bool {
    let rest = &scene.text.folded[token.end..clause.1];
    clause.0 > 0
        && !rest.chars().any(is_word)
        && gap(scene, clause.0, token.start).is_some_and(|gap| gap.words == 0)
}

/// What speaks for a number in a clause without a code word: "482913 to log in" and "482913. Use it to log in".
fn told(scene: &Scene, token: &Token, clause: (usize, usize)) -> Option<Evidence> {
    let opens = token.chars == 4 && token.start <= scene.first;
    if token.shape == Shape::Letters || token.chars < 5 && !opens {
        return None;
    }
    let plain = |name, points| Evidence {
        points,
        name,
        direct: false,
        strong: false,
        subject: false,
    };
    let after = scene.after(token.end);
    let next = scene.clause(clause.1);
    let of = |class, end| {
        after
            .iter()
            .find(move |hit: &&Hit| hit.class == class && hit.end <= end)
    };
    let purpose = of(Class::Purpose, clause.1).and_then(|hit| gap(scene, token.end, hit.start));
    let first = token.start <= scene.first;
    let far = |gap: &Gap| {
        if gap.opened {
            8
        } else if first {
            4
        } else {
            1
        }
    };
    let short = |gap: &Gap| gap.opened || gap.words == 0 && scene.single && !scene.keyword && !scene.offer;
    if let Some(gap) = purpose.filter(|gap| gap.words <= far(gap) && (!opens || short(gap))) {
        let parted = !scene.text.folded[..token.start].trim_end().ends_with(is_word);
        let only = gap.words == 0 && token.chars >= 6 && parted && scene.is_plain(token, clause);
        return Some(plain("purpose-after", if only { 16 } else { 12 }));
    }
    if opens {
        return None;
    }
    let beyond = of(Class::Purpose, next.1).filter(|hit| hit.start >= clause.1);
    let colon = || scene.text.folded[..token.start].trim_end().ends_with(':');
    if beyond
        .and_then(|hit| gap(scene, token.end, hit.start))
        .is_some_and(|gap| gap.words <= 1)
        && colon()
    {
        return Some(plain("purpose-in-clause-after", 18));
    }
    let verb = of(Class::Verb, next.1).and_then(|hit| gap(scene, token.end, hit.start))?;
    let purpose = of(Class::Purpose, next.1).is_some();
    (verb.words == 0 && purpose).then(|| plain("verb-in-clause-after", 20))
}

/// A code word in the clause before a token that stands alone, or else a purpose that opens it: "Confirm it is you.".
/// The number after a question is no code.
fn before_clause(scene: &Scene, token: &Token, clause: (usize, usize)) -> Option<Evidence> {
    let limit = scene.clause(clause.0.saturating_sub(1)).0;
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

/// "Verification for Shop: 482913", "Your confirmation is 482913": a purpose that a colon or "is" leads from to the token.
fn announced(scene: &Scene, hit: &Hit, token: &Token) -> Option<Evidence> {
    let colon = || {
        scene.text.folded[hit.end..token.start]
            .trim_end()
            .ends_with([':', '：'])
    };
    if hit.class != Class::Purpose || token.shape == Shape::Letters || scene.keyword {
        return None;
    }
    let gap = gap(scene, hit.end, token.start)?;
    let is = gap.is && gap.words == 0 && token.shape != Shape::Alnum && token.chars >= 5;
    (is || gap.words <= 5 && colon()).then_some(Evidence {
        points: 21,
        name: "purpose-announces",
        direct: false,
        strong: false,
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
    match gap.words {
        0 => pick("word-directly-before", 46, 40, true),
        1..=6 if gap.announced => pick("word-announces", 38, 32, true),
        7..=14 if gap.announced => pick("word-announces", 34, 28, false),
        1..=3 => pick("word-before", 28, 20, false),
        // "Your code for the payment of ... with the card ... is 482913".
        _ if gap.announced && strong => pick("word-announces", 28, 0, false),
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
            subject: gap.opened && gap.words <= 1,
        })
    };
    match gap.words {
        0 if gap.opened => pick("word-directly-after", 38, 34, true),
        0 => pick("word-directly-after", 34, 28, true),
        1..=8 if gap.opened => pick("is-the-word", 36, 31, false),
        1..=4 => pick("word-after", 24, 17, false),
        5..=10 if scene.single && token.start <= scene.first => pick("word-after", 20, 16, false),
        5..=10 => pick("word-after", 14, 8, false),
        _ => pick("word-after", 5, 2, false),
    }
}
