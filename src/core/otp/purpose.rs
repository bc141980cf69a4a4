//! What a purpose tells of a number in a message without a code word beside it: "482913 to log in", "Login: 482913".

use super::evidence::Evidence;
use super::fold::is_word;
use super::gap::{Gap, gap};
use super::lexicon::{Class, Hit};
use super::scene::Scene;
use super::token::{Shape, Token};

/// What speaks for a number in a clause without a code word: "482913 to log in" and "482913. Use it to log in".
pub(super) fn told(scene: &Scene, token: &Token, clause: (usize, usize)) -> Option<Evidence> {
    let opens = token.chars == 4 && scene.opens(token);
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
    let first = scene.opens(token);
    let far = |gap: &Gap| {
        if gap.opened {
            8
        } else if first {
            4
        } else {
            1
        }
    };
    // "1500 to register the team" is what it costs.
    let paid = scene.text.bytes()[token.start..token.end].ends_with(b"00")
        || scene.hits.iter().any(|hit| hit.class == Class::Money);
    let short = |gap: &Gap| {
        let near = gap.words == 0 || gap.words <= 2 && leads(&scene.text.folded[token.end..]);
        gap.opened || near && scene.single && !scene.keyword && !scene.offer && !paid
    };
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

/// True if a text starts with a short word: "to log in", "pour te connecter", but not "people registered".
fn leads(rest: &str) -> bool {
    let word = rest.trim_start_matches(' ');
    word.chars().take_while(|c| is_word(*c)).count() <= LEADING_CHARS_MAX
}

/// Letters of a word that leads to a purpose.
const LEADING_CHARS_MAX: usize = 4;

/// "Verification for Shop: 482913", "Your confirmation is 482913": a purpose that a colon or "is" leads from to the token.
pub(super) fn announced(scene: &Scene, hit: &Hit, token: &Token) -> Option<Evidence> {
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
