//! What a message tells its reader to type: "enter 4829", "4829 in the app", a line that tells and a number below it.

use super::fold::is_word;
use super::gap::gap;
use super::lexicon::{Class, Hit};
use super::scene::Scene;
use super::token::Token;

/// Points for an instruction such as "enter": directly before or after the token, or a few words before it in a clause
/// that names its purpose.
pub(super) fn points(scene: &Scene, token: &Token, clause: (usize, usize)) -> i32 {
    let is_purpose = |hit: &Hit| hit.class == Class::Purpose && hit.start >= clause.0;
    let is_verb = |hit: &&Hit| hit.class == Class::Verb && hit.start >= clause.0 && hit.end <= clause.1;
    let before = scene
        .before(token.start)
        .iter()
        .filter(is_verb)
        .filter(|hit| hit.end <= token.start);
    let nearest = before
        .filter_map(|hit| gap(scene, hit.end, token.start).map(|gap| (gap.words, hit.start)))
        .min();
    // "I open with 1275": nothing tells of codes, and nobody is told to do anything.
    let opens = |at: usize| !scene.text.folded[..at].trim_end_matches(' ').ends_with(is_word);
    let idle = token.chars < 6 && !scene.purpose && !scene.keyword && scene.cares == 0;
    let after = scene.after(token.end).iter().filter(is_verb).find_map(|hit| {
        let between = &scene.text.folded[token.end..hit.start];
        gap(scene, token.end, hit.start)
            .filter(|_| !between.contains(','))
            .map(|gap| (gap.words, *hit))
    });
    let directly_after = after.is_some_and(|(words, _)| words == 0);
    // "Paid at REMA 1000 with": the word leads to what comes behind it.
    let leads = after.is_some_and(|(_, hit)| scene.text.bytes()[hit.start].is_ascii());
    // "482913 bei der Anmeldung eingeben": the verb comes last.
    let last = |end: usize| !scene.text.folded[end..clause.1].chars().any(is_word);
    let late = after.is_some_and(|(words, hit)| words <= 4 && last(hit.end));
    // "Dial 2204 at the gate".
    let place = |hit: &Hit| hit.class == Class::Place && hit.start >= clause.0;
    if idle && scene.before(clause.1).iter().any(place) && !in_field(scene, token, clause) {
        return 0;
    }
    let words = nearest.map(|(words, _)| words);
    match words {
        _ if in_field(scene, token, clause) => IN_FIELD,
        Some(0) if idle && !nearest.is_some_and(|(_, at)| opens(at)) => 19,
        Some(0) => 23,
        _ if directly_after && idle && leads && !late => 17,
        _ if directly_after => 23,
        Some(1) => 21,
        Some(2..=4) if scene.before(clause.1).iter().any(is_purpose) => 16,
        _ if late => 21,
        Some(..=4) if !idle && scene.text.folded[..token.start].trim_end().ends_with(':') => 21,
        None if told_above(scene, token, clause) => 21,
        _ => 0,
    }
}

/// Points of a token that is told to be typed and where.
pub(super) const IN_FIELD: i32 = 26;

/// "Enter 4829 in the app": a verb and a place to type it, both near the token.
pub(super) fn in_field(scene: &Scene, token: &Token, clause: (usize, usize)) -> bool {
    let inside = |hit: &&Hit| hit.start >= clause.0 && hit.end <= clause.1;
    let near = |hit: &&Hit| {
        let (from, to) = match hit.end <= token.start {
            true => (hit.end, token.start),
            false => (token.end, hit.start),
        };
        let words = if hit.class == Class::Field { 2 } else { 4 };
        let other = |c: char| c == ',' || c.is_ascii_digit();
        from <= to
            && !scene.text.folded[from..to].contains(other)
            && gap(scene, from, to).is_some_and(|gap| gap.words <= words)
    };
    let around = || {
        let around = scene.before(token.start).iter().chain(scene.after(token.end));
        around.filter(inside).filter(near)
    };
    let fields = || around().filter(|hit| hit.class == Class::Field);
    // "Type this when the page asks for it: 4829": the verb stands beside the field.
    let beside = |verb: &&Hit| {
        fields().any(|field| {
            let (from, to) = match verb.end <= field.start {
                true => (verb.end, field.start),
                false => (field.end, verb.start),
            };
            gap(scene, from, to).is_some_and(|gap| gap.words <= 1)
        })
    };
    let is_field = |verb: &Hit| fields().any(|field| field.start <= verb.start && verb.end <= field.end);
    let verb = |hit: &&Hit| hit.class == Class::Verb && !is_field(hit);
    let before = || scene.before(token.start).iter().filter(inside).filter(verb);
    fields().next().is_some() && (around().any(|hit| verb(&hit)) || before().any(|hit| beside(&hit)))
}

/// "Please enter on the page:\n482913": the line above tells to type, and the number has a line of its own.
fn told_above(scene: &Scene, token: &Token, clause: (usize, usize)) -> bool {
    if !scene.alone(token, clause) {
        return false;
    }
    let text = &scene.text.folded;
    let above = scene.clause(text[..clause.0].trim_end().len().saturating_sub(1));
    let told = |hit: &&Hit| hit.class == Class::Verb && hit.start >= above.0 && hit.end <= above.1;
    let verb = scene.before(clause.0).iter().rev().find(told);
    verb.and_then(|verb| gap(scene, verb.end, token.start))
        .is_some_and(|gap| {
            let closed = text[above.0..above.1].trim_end().ends_with(['.', '!', '?']);
            !closed && (gap.words <= 3 || gap.words <= 12 && scene.purpose && scene.single)
        })
}
