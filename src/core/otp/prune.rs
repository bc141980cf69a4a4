//! Of the words found in a message, those that count: what a longer word or a compound covers, and what the company decides.

use super::lexicon::{Class, Hit};

/// Makes verbs of the words that are verbs only where the message names a purpose or a field, or drops them.
pub(super) fn settle_puts(hits: &mut Vec<Hit>) {
    let purpose = hits
        .iter()
        .any(|hit| matches!(hit.class, Class::Purpose | Class::Field));
    hits.retain_mut(|hit| {
        let put = hit.class == Class::Put;
        if put {
            hit.class = Class::Verb;
        }
        !put || purpose
    });
}

/// Removes words inside a longer phrase that is about something else: the purpose in "if this was not you" and in "entrance" as
/// some languages say it, and the appointment in "account" as Ukrainian does.
fn drop_inner(hits: &mut Vec<Hit>, inner: &[Class], outer: &[Class]) {
    let (mut start, mut end) = (0, 0);
    hits.retain(|hit| {
        if outer.contains(&hit.class) && hit.end > end {
            (start, end) = (hit.start, hit.end);
        }
        let inside = hit.end <= end && (hit.start, hit.end) != (start, end);
        !inner.contains(&hit.class) || !inside
    });
}

/// Of words of these classes, removes those inside a longer one of another: "instead" in "instead of".
fn drop_parts(hits: &mut Vec<Hit>, classes: &[Class]) {
    let mut long: Option<Hit> = None;
    hits.retain(|hit| {
        if !classes.contains(&hit.class) {
            return true;
        }
        if long.is_some_and(|long| hit.end <= long.end && hit.class != long.class) {
            return false;
        }
        if long.is_none_or(|long| hit.end > long.end) {
            long = Some(*hit);
        }
        true
    });
}

/// Removes code words that a compound covers or that stand inside a longer code word.
pub(super) fn prune(hits: &mut Vec<Hit>) {
    let rank = |class: Class| matches!(class, Class::Not | Class::Strong | Class::Weak | Class::Number);
    let mut kept_end = 0;
    let mut kept_start = 0;
    let mut kept = Class::Care;
    hits.retain(|hit| {
        if !rank(hit.class) {
            // The last syllable of "number" is that of "room" in Korean.
            return hit.class != Class::Label || hit.end > kept_end || hit.start <= kept_start;
        }
        let inside = hit.end <= kept_end && hit.start >= kept_start;
        let crossed = hit.start < kept_end && (kept == Class::Not || kept == Class::Strong);
        if inside || crossed {
            return false;
        }
        (kept_start, kept_end, kept) = (hit.start, hit.end, hit.class);
        true
    });
    drop_inner(hits, &[Class::Purpose], &[Class::Care, Class::Place]);
    drop_inner(hits, &[Class::Offer], &[Class::Purpose]);
    drop_parts(hits, &[Class::Old, Class::Dead, Class::New]);
    // A compound that starts inside a code word ("code postal") still wins over the word it shares.
    let compounds: Vec<(usize, usize)> = hits
        .iter()
        .filter(|hit| matches!(hit.class, Class::Not | Class::Card))
        .map(|hit| (hit.start, hit.end))
        .collect();
    if compounds.is_empty() {
        return;
    }
    let mut at = 0;
    hits.retain(|hit| {
        if !matches!(hit.class, Class::Weak | Class::Number) {
            return true;
        }
        while at < compounds.len() && compounds[at].1 <= hit.start {
            at += 1;
        }
        !(at < compounds.len() && compounds[at].0 < hit.end)
    });
}
