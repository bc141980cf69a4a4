//! Which numbers a message takes back: old codes, used and expired ones; and which one is left then.

use super::lexicon::{Class, Hit};
use super::scene::Scene;
use super::score::Scored;
use super::token::Token;

/// Points of a number that is told to be typed, though nothing calls it a code.
const SAID_MIN: i32 = 20;

/// Characters from which two numbers of one length are taken for two codes, whatever is said of them.
const TWIN_CHARS_MIN: usize = 6;

/// True for a number that the message takes back.
pub(super) fn is_dead(one: &Scored) -> bool {
    one.features
        .iter()
        .any(|feature| matches!(feature.name, "old" | "dead"))
}

/// "Code 339102 no longer works, take 840517": where one of two numbers of a kind is dead, the other one is meant.
pub(super) fn revive(scored: &mut [Scored]) {
    settle(scored);
    let Some(dead) = scored.iter().find(|one| is_dead(one)).map(|one| one.token) else {
        return;
    };
    let mut rest = scored
        .iter_mut()
        .filter(|one| !is_dead(one) && one.token.shape.is_number() == dead.shape.is_number());
    if let (Some(only), None) = (rest.next(), rest.next())
        && (only.token.chars == dead.chars || only.score >= SAID_MIN)
    {
        let twins = only.token.chars == dead.chars && dead.chars >= TWIN_CHARS_MIN;
        only.add("other-is-dead", if twins { 21 } else { 16 });
    }
}

/// "Use 840517 instead of 339102, that one no longer works": what is said of "that one" is said of the old code.
fn settle(scored: &mut [Scored]) {
    let count = |name| {
        let named = |one: &&Scored| one.features.iter().any(|feature| feature.name == name);
        scored.iter().filter(named).count()
    };
    if (count("old"), count("dead"), scored.len()) == (1, 1, 2) {
        for one in scored.iter_mut() {
            let said = one.features.iter().filter(|feature| feature.name == "dead");
            one.score -= said.map(|feature| feature.weight).sum::<i32>();
            one.features.retain(|feature| feature.name != "dead");
        }
    }
}

/// "No longer valid: code 1234": a word that says so, then a code word, then the first number.
fn is_named_dead(scene: &Scene, token: &Token, clause: (usize, usize)) -> bool {
    let near = scene.before(token.start).iter();
    let mut near = near
        .rev()
        .filter(|hit| hit.end <= token.start && hit.start >= clause.0);
    let named = |hit: &&Hit| {
        matches!(
            hit.class,
            Class::Strong | Class::Weak | Class::Verb | Class::New | Class::Dead
        )
    };
    near.find(named)
        .is_some_and(|hit| matches!(hit.class, Class::Strong | Class::Weak))
        && near
            .find(|hit| !matches!(hit.class, Class::Is | Class::Number | Class::Care))
            .is_some_and(|hit| {
                hit.class == Class::Dead && !has_number(&scene.text.folded[clause.0..token.start])
            })
}

/// True if four digits or more stand together.
fn has_number(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit())
        .any(|run| run.len() >= 4)
}

/// "Old code 1234", "1234 has been used".
pub(super) fn dead(scene: &Scene, token: &Token, clause: (usize, usize)) -> Option<&'static str> {
    let last = scene
        .before(token.start)
        .iter()
        .rev()
        .filter(|hit| hit.end <= token.start && hit.start >= clause.0)
        .find(|hit| matches!(hit.class, Class::Old | Class::New));
    let next_to = |hit: &Hit| !has_number(&scene.text.folded[hit.end..token.start]);
    if last.is_some_and(|hit| hit.class == Class::Old && next_to(hit)) {
        return Some("old");
    }
    if is_named_dead(scene, token, clause) {
        return Some("dead");
    }
    let next = scene
        .after(token.end)
        .iter()
        .filter(|hit| hit.end <= clause.1)
        .find(|hit| matches!(hit.class, Class::Dead | Class::New | Class::Old));
    // "348951 (the one before, 770264, has expired)": it is said of the number that stands nearest.
    next.is_some_and(|hit| hit.class == Class::Dead && !has_number(&scene.text.folded[token.end..hit.start]))
        .then_some("dead")
}
