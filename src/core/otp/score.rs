//! How likely a token is the code: each observation adds or takes away points. Weights only; the words are data.

use super::dead;
use super::evidence::{self, Evidence};
use super::fold::{is_unspaced, is_word};
use super::gap::gap;
use super::instruction::{self, IN_FIELD, in_field};
use super::lexicon::{Class, Hit};
use super::normalise::Text;
use super::result::{Feature, Reason};
use super::scene::Scene;
use super::structure::alternates;
use super::token::{Mask, Shape, Token, is_made, is_spelled, soft};

/// A token with its points.
pub(super) struct Scored {
    pub token: Token,
    pub score: i32,
    pub features: Vec<Feature>,
}

/// Points of a token.
pub(super) fn score(scene: &Scene, token: &Token) -> Scored {
    let mut scored = Scored {
        token: *token,
        score: 0,
        features: Vec::with_capacity(8),
    };
    let clause = scene.clause(token.start);
    let evidence = evidence::best(scene, token, clause);
    if let Some(evidence) = &evidence {
        scored.add(evidence.name, evidence.points);
    }
    // "Dear customer 482913 is the code": what follows tells more than what stands before.
    let label = label(scene, token, clause) && !evidence.as_ref().is_some_and(|e| e.subject);
    if label {
        scored.add("reference-word", -38);
        scored.token.mask = scored.token.mask.or(soft(Reason::Reference));
    }
    form(scene, &mut scored, clause, evidence.as_ref());
    let verb = instruction::points(scene, token, clause);
    if verb > 0 {
        let told = evidence.as_ref().map(|e| e.points);
        scored.add(
            "verb",
            match told {
                None => verb,
                Some(..20) => verb.min(12),
                Some(_) => 6,
            },
        );
    }
    let speaks = |e: &Evidence| e.points > 10 || e.name != "word-in-clause-before";
    company(
        scene,
        &mut scored,
        clause,
        verb > 0 || evidence.as_ref().is_some_and(speaks),
    );
    if let Some(reason) = dead::dead(scene, token, clause) {
        scored.add(reason, -48);
    }
    against(scene, &mut scored, (verb, label), evidence.as_ref());
    scored
}

/// Points against a token of a message about coupons or parcels, and against one that its words tell to be something else.
/// `label` says that a word for another kind of number has been counted against it already.
fn against(scene: &Scene, scored: &mut Scored, (verb, label): (i32, bool), evidence: Option<&Evidence>) {
    // "Enter 6947 to confirm your appointment": told to type it, and what for.
    let typed = verb == IN_FIELD && !scene.named || verb >= 21 && scene.purpose;
    let cased = &scene.text.cased[scored.token.start..scored.token.end];
    let made = || scene.purpose && is_made(cased) && alternates(cased);
    let told = typed && (scored.token.shape != Shape::Alnum || made());
    let named = |e: &Evidence| e.strong && (e.points >= 24 || scene.opens(&scored.token));
    if scene.offer && !told && !evidence.is_some_and(named) {
        scored.add("offer", -40);
    }
    let sure = |e: &Evidence| e.direct || e.name == "is-the-word" && e.points >= 31 || e.name == "new-one";
    if let Some(Mask { hard: false, .. }) = scored.token.mask
        && !label
        && !evidence.is_some_and(sure)
        && verb < IN_FIELD
    {
        scored.add("masked", -30);
    }
}

impl Scored {
    pub(super) fn add(&mut self, name: &'static str, weight: i32) {
        self.score += weight;
        self.features.push(Feature { name, weight });
    }
}

/// True if a word for another kind of number stands directly before the token, with no code word upon or after it.
fn label(scene: &Scene, token: &Token, clause: (usize, usize)) -> bool {
    let near = scene.before(token.start);
    let near = &near[near.partition_point(|hit| hit.start < clause.0)..];
    near.iter()
        .filter(|hit| {
            matches!(hit.class, Class::Label | Class::Not | Class::Number) && hit.end <= token.start
        })
        // "Dear customer, 482913 is your code".
        .filter(|hit| hit.class != Class::Label || !scene.text.folded[hit.end..token.start].contains(','))
        .any(|hit| labels(scene, near, hit, token))
}

/// True if this word for another kind of number names the token. What was asked for with a verb, or stands behind
/// another word that tells of codes, is not named by it.
fn labels(scene: &Scene, near: &[Hit], label: &Hit, token: &Token) -> bool {
    let clause = scene.clause(token.start);
    const CODE: [Class; 2] = [Class::Strong, Class::Weak];
    const OTHER: [Class; 4] = [Class::Strong, Class::Weak, Class::Purpose, Class::Verb];
    let any = |classes: &[Class], test: &dyn Fn(&Hit) -> bool| {
        near.iter()
            .any(|hit| hit.end <= token.start && classes.contains(&hit.class) && test(hit))
    };
    let is_number = any(&[Class::Number], &|hit| hit.start == label.start);
    let adjacent = |hit: &Hit| hit.start < label.start && hit.end + 3 >= label.start;
    let asked = |hit: &Hit| {
        hit.end <= label.start && gap(scene, hit.end, label.start).is_some_and(|gap| gap.words <= 4)
    };
    let behind = |class| {
        scene
            .after(token.end)
            .iter()
            .any(|hit| hit.class == class && hit.end <= clause.1)
    };
    let code_number = is_number
        && (evidence::is_headed(scene, label)
            || any(&OTHER[..3], &adjacent)
            || (scene.named || scene.purpose) && any(&[Class::New], &adjacent)
            || in_field(scene, token, clause)
            || (any(&[Class::Purpose], &|_| true) || behind(Class::Purpose))
                && (any(&[Class::Verb], &asked) || behind(Class::Verb))
                && !any(&[Class::Label], &adjacent));
    if code_number || any(&CODE, &|hit| hit.end >= label.end) || any(&OTHER, &|hit| hit.start >= label.end) {
        return false;
    }
    if is_of_code(scene, label, token) {
        return false;
    }
    let subject = any(&CODE, &|hit| hit.end <= label.start)
        || any(&[Class::Number], &|hit| {
            hit.end <= label.start && evidence::modified(scene, hit)
        });
    let far = !any(&CODE, &|_| true);
    let colon = scene.text.folded[label.end..token.start]
        .trim_end()
        .ends_with(':');
    gap(scene, label.end, token.start)
        .is_some_and(|gap| gap.words <= usize::from(gap.announced && far) && !(subject && (gap.is || colon)))
}

/// "Código de verificação do cartão 883014": the word tells whose code the clause names, from its first word to its last. A
/// number that short is an ending of the card itself.
fn is_of_code(scene: &Scene, label: &Hit, token: &Token) -> bool {
    let text = &scene.text.folded;
    let clause = scene.clause(token.start);
    let bare = |from: usize, to: usize| !text[from..to].chars().any(is_word);
    let joint = |end: usize| {
        let between = &text[end..label.start];
        between.len() <= JOINT_BYTES_MAX && between.chars().all(|c| is_word(c) || c == ' ')
    };
    let opens = |hit: &&Hit| {
        let within = hit.start >= clause.0 && hit.end <= label.start;
        hit.class == Class::Strong && within && bare(clause.0, hit.start) && joint(hit.end)
    };
    token.chars >= 5
        && text[label.end..token.start] == *" "
        && bare(token.end, clause.1)
        && scene.before(label.start).iter().any(|hit| opens(&hit))
}

/// Bytes of the word that joins a code to what it is for, with the blanks around it.
const JOINT_BYTES_MAX: usize = 4;

/// Points for what the token looks like and where it stands.
fn form(scene: &Scene, scored: &mut Scored, clause: (usize, usize), evidence: Option<&Evidence>) {
    let token = scored.token;
    let direct = evidence.is_some_and(|e| e.direct);
    let strong = evidence.is_some_and(|e| e.strong && e.direct);
    let text = &scene.text.folded;
    match token.chars {
        6 => scored.add("length-6", 5),
        4 | 5 | 7 | 8 => scored.add("usual-length", 3),
        _ => {}
    }
    if scene.alone(&token, clause) && text.len() > token.end - token.start {
        scored.add("own-line", 8);
    }
    if scene.opens(&token) {
        scored.add("first", 6);
    }
    if scene.marks > 0 {
        scored.add(
            "retriever-mark",
            if scene.marks > 1 && scene.single { 23 } else { 14 },
        );
    }
    if text[..token.start].ends_with(QUOTES) {
        scored.add("quoted", 4);
    }
    if scene.is_question(clause) {
        let field = in_field(scene, &token, clause);
        let named = field || evidence.is_some_and(|e| e.strong && e.points >= 20);
        scored.add("question", if named { -3 } else { -12 });
    }
    if is_glued(scene, &token) {
        scored.add("glued", -30);
    }
    if text[..token.start].ends_with('#') {
        scored.add("number-sign", -8);
    }
    spelling(scene, scored, direct, strong);
}

/// Points for its letters and digits: a year, a round number, a word with a number behind it.
fn spelling(scene: &Scene, scored: &mut Scored, direct: bool, strong: bool) {
    let token = scored.token;
    let cased = &scene.text.cased[token.start..token.end];
    let year = token.shape == Shape::Digits
        && token.chars == 4
        && (cased.starts_with(b"19") || cased.starts_with(b"20"));
    if !direct && token.chars <= 5 && cased.ends_with(b"000") {
        scored.add("round", -10);
    }
    if year && !direct {
        scored.add("year", -14);
    }
    match token.shape {
        Shape::Alnum if scene.digits_only && is_spelled(cased) => scored.add("spelled", -40),
        Shape::Alnum if !direct && !alternates(cased) && !is_made(cased) => scored.add("letters", -8),
        Shape::Letters => scored.add("letters-only", letters_only(scene, &token, direct)),
        Shape::Split if token.chars == 4 && !direct => scored.add("split-4", -10),
        _ => {}
    }
    let letters_min = if scene.purpose || scene.cares > 0 { 4 } else { 3 };
    if token.shape == Shape::Alnum && (!strong || scene.offer) && is_coupon(cased, letters_min) {
        scored.add("coupon-shape", if scene.offer { -60 } else { -30 });
    }
    let mixed = cased.iter().any(u8::is_ascii_uppercase) && cased.iter().any(u8::is_ascii_lowercase);
    if mixed {
        scored.add("mixed-case", -8);
    }
}

/// Marks that a code is set in.
const QUOTES: [char; 13] = [
    '"', '\'', '[', '(', '«', '“', '„', '「', '『', '*', '<', '【', '‘',
];

/// "SAVE20", "50OFF": a word that can be said beside a short number. Codes that a machine made rarely look so.
fn is_coupon(cased: &[u8], letters_min: usize) -> bool {
    let letters = cased.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (word, number) = cased.split_at(letters);
    let vowel = |b: &u8| matches!(b.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
    let vowels = word.iter().filter(|b| vowel(b)).count();
    // "SKY50", but not "RXQY82".
    let spoken = letters <= 3 || word.iter().any(|b| vowel(b) && !b.eq_ignore_ascii_case(&b'y'));
    let said = spoken && vowels > 0 && vowels * 4 >= word.len() && vowels < word.len();
    let is_number = |bytes: &[u8]| (1..=4).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit);
    letters >= letters_min && said && is_number(number)
        || cased
            .strip_suffix(b"OFF")
            .or(cased.strip_suffix(b"off"))
            .is_some_and(is_number)
}

/// True if letters that are no known word run into the token, as in "ЛЕТО2026". Scripts without blanks do so always.
fn is_glued(scene: &Scene, token: &Token) -> bool {
    let letter = |c: char| !c.is_ascii() && is_word(c) && !is_unspaced(c);
    let known = || scene.before(token.start).iter().any(|hit| hit.end == token.start);
    scene.text.folded[..token.start].ends_with(letter) && !known()
}

/// True for a word of letters that no ":" or "=" announces: it cannot be a code, and most words of a message are such.
pub(super) fn is_plain_word(text: &Text, token: &Token) -> bool {
    let announced = || {
        text.folded[..token.start]
            .trim_end_matches([' ', '"', '\'', '\n'])
            .ends_with([':', '='])
    };
    token.shape == Shape::Letters && !announced()
}

/// A word of letters is a code only straight after "code:", in capitals or at the end, when no number is there.
fn letters_only(scene: &Scene, token: &Token, direct: bool) -> i32 {
    let cased = &scene.text.cased[token.start..token.end];
    let capitals = cased.iter().all(u8::is_ascii_uppercase);
    let last = token.end >= scene.last;
    let known = scene
        .hits
        .iter()
        .any(|hit| hit.start < token.end && hit.end > token.start);
    if direct && !scene.digits && !known && (capitals || last) {
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
    } else if evidence && scene.purpose {
        scored.add("purpose-in-message", 3);
    }
    if !evidence {
        if scene.keyword && scored.token.start <= clause.0 + 2 {
            scored.add("word-in-message", if scene.strong { 8 } else { 4 });
        }
        let beside = scene.before(clause.1).iter().any(|hit| purpose(&hit));
        if beside
            && scored.token.chars == 6
            && scored.token.shape.is_number()
            && scene.is_plain(&scored.token, clause)
        {
            scored.add("purpose-and-only-number", 15);
        }
        if scored.token.chars == 6 && scene.is_headline(&scored.token, clause) {
            scored.add("beside-a-name", 15);
        }
        let told = scored.token.chars >= 5
            || scored.token.chars == 4 && beside && scene.is_plain(&scored.token, clause);
        if !scene.keyword && scene.cares > 0 && scene.purpose && told {
            scored.add("care-and-purpose", 18);
        }
        let six = scored.token.chars == 6 && scored.token.shape != Shape::Letters;
        if !scene.named && scene.cares > 0 && six && scene.alone(&scored.token, clause) {
            scored.add("care-and-alone", 14);
        }
        let announced = || scene.text.folded[..scored.token.start].trim_end().ends_with(':');
        if !scene.keyword && !scene.purpose && scene.cares >= 2 && scored.token.chars == 6 && announced() {
            scored.add("care-twice", 22);
        }
        return;
    }
    if scene.cares > 0 {
        scored.add("care", 4);
    }
    let first = scene.opens(&scored.token);
    if scene.single && (scene.purpose || scene.cares > 0 || first) && scene.keyword {
        let asked = |hit: &Hit| hit.class == Class::Verb && hit.start >= clause.0;
        scored.add(
            "only-number",
            if scene.before(clause.1).iter().any(asked) {
                8
            } else {
                5
            },
        );
    }
}
