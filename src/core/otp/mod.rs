//! One-time-code extraction: a message in, the code it carries out, with the reasons. Pure: no clock, no I/O, no state.
//!
//! The way of a message: normalise with an offset map, structural forms, service rules, addresses out, tokens, masks,
//! scores, threshold. Languages and services are data (`data/*.toml`); nothing here knows a word of any language.

mod candidate;
mod chain;
mod check;
mod compose;
mod dead;
mod evidence;
mod explain;
mod filter;
mod fold;
mod gap;
mod instruction;
mod lexicon;
mod link;
mod mask;
mod normalise;
mod phrase;
mod prune;
mod purpose;
mod result;
mod scene;
mod score;
mod service;
mod structure;
mod telephone;
mod token;

use std::borrow::Cow;
use std::sync::OnceLock;

pub use candidate::SCORE_MIN;
pub use check::{check_built_in, check_language_file, check_rule_file, read_rule_file};
pub use explain::render;
pub use filter::{Alphabet, Filter};
pub use normalise::CHARS_MAX;
pub use result::{Candidate, Compared, Extraction, Feature, Masked, Reason};
pub use service::Rule;

use lexicon::{Class, Lexicon};
use normalise::Text;
use scene::Scene;
use score::Scored;
use service::Rules;

/// Why an engine could not be built, or a data file is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule failed its own examples or its bounds.
    #[error("rule `{name}`: {reason}")]
    Rule { name: String, reason: String },
    /// A data file cannot be read; the reason names line and column.
    #[error("{file}: {reason}")]
    Data { file: String, reason: String },
    /// A rule of a file is wrong.
    #[error("{file}:{line}: {error}")]
    InFile {
        file: String,
        line: usize,
        error: Box<Error>,
    },
    /// An entry of a language is wrong.
    #[error("{file}:{line}: language `{language}`, entry `{entry}`: {reason}")]
    Entry {
        file: String,
        line: usize,
        language: String,
        entry: String,
        reason: String,
    },
}

/// Reads messages. Built once, shared by all threads.
pub struct Engine {
    lexicon: Lexicon,
    rules: Rules,
}

impl Engine {
    /// The engine with the languages and services that are compiled in.
    pub fn built_in() -> &'static Engine {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        ENGINE.get_or_init(|| Engine::with_rules(&[]).expect("a test builds the engine from the same files"))
    }

    /// An engine with further rules, which are tried before the built-in ones.
    ///
    /// # Errors
    /// [`Error::Rule`] names the first rule that is out of bounds, does not compile, or fails its own examples.
    pub fn with_rules(rules: &[Rule]) -> Result<Engine, Error> {
        let mut languages = Vec::new();
        for (name, text) in lexicon::FILES {
            languages.extend(lexicon::read(name, text)?);
        }
        let built_in = service::read(service::FILE.0, service::FILE.1)?;
        Ok(Engine {
            lexicon: Lexicon::new(&languages)?,
            rules: Rules::new(rules.iter().chain(&built_in))?,
        })
    }

    /// Reads one message; only its first [`CHARS_MAX`] characters count. Takes linear time.
    pub fn extract(&self, text: &str, filter: &Filter) -> Extraction {
        let folded = Text::new(text);
        let reading = Reading {
            original: text,
            text: &folded,
            filter,
        };
        reading
            .structural()
            .or_else(|| {
                self.rules
                    .find(&folded)
                    .and_then(|found| reading.certain(found.start, found.end, 0.99, found.rule))
            })
            .map_or_else(
                || reading.words(&self.lexicon),
                |found| reading.with_link(found, &self.lexicon),
            )
    }
}

/// Tokens of a message that are weighed; more are in no message that people get, and each costs time.
const TOKENS_MAX: usize = 32;

/// A score up to which a token is not even a candidate.
const SCORE_KEPT: i32 = -40;

/// True for a token that can be an answer, or that an answer should name as masked.
fn is_possible(text: &Text, token: &token::Token) -> bool {
    let masked = token.mask.is_some_and(|mask| mask.hard);
    masked || (4..=10).contains(&token.chars) && !score::is_plain_word(text, token)
}

/// One message on its way.
struct Reading<'a> {
    original: &'a str,
    text: &'a Text,
    filter: &'a Filter,
}

impl Reading<'_> {
    fn structural(&self) -> Option<Extraction> {
        if let Some((start, end)) = structure::origin_bound(self.text) {
            let found = self.certain(start, end, 0.999, Cow::Borrowed("origin-bound"));
            if found.is_some() {
                return found;
            }
        }
        let (start, end) = structure::bare(self.text)?;
        self.certain(start, end, 0.95, Cow::Borrowed("bare"))
    }

    /// An answer that needs no score, if the filter lets it pass.
    fn certain(
        &self,
        start: usize,
        end: usize,
        confidence: f32,
        rule: Cow<'static, str>,
    ) -> Option<Extraction> {
        let code = candidate::value(self.text, start, end);
        if !(4..=10).contains(&code.len()) || !self.filter.accepts(&code) || !self.filter.is_sure(confidence)
        {
            return None;
        }
        let span = self.text.original(start, end);
        let raw = self.original.get(span[0]..span[1]).unwrap_or("").to_owned();
        let only = Candidate {
            code: code.clone(),
            raw: raw.clone(),
            span,
            score: 100,
            confidence,
            features: vec![Feature {
                name: "structure",
                weight: 100,
            }],
        };
        Some(Extraction {
            code: Some(code),
            raw: Some(raw),
            confidence,
            rule,
            span: Some(span),
            candidates: vec![only],
            ..Extraction::default()
        })
    }

    fn with_link(&self, mut found: Extraction, lexicon: &Lexicon) -> Extraction {
        if self.text.folded.contains("://") {
            let addresses = link::find(self.text);
            let hits = lexicon.find(self.text, &addresses);
            found.link = self.link(&addresses, &hits, found.code.as_deref());
        }
        found
    }

    /// Scores what is left when no structural form and no rule has answered.
    fn words(&self, lexicon: &Lexicon) -> Extraction {
        let marked = structure::is_marked(self.text);
        let hash = structure::hash(self.text, marked);
        let addresses = link::find(self.text);
        let mut skip: Vec<(usize, usize)> = addresses
            .iter()
            .map(|address| (address.start, address.end))
            .collect();
        skip.extend(hash);
        let mut tokens = token::scan(self.text, &skip);
        let hits = lexicon.find(self.text, &addresses);
        mask::apply(self.text, &hits, &mut tokens);
        let scene = Scene::new(
            (self.text, &addresses),
            &hits,
            &tokens,
            usize::from(marked) + usize::from(hash.is_some()),
        );
        let mut masked = self.masked(&addresses, hash);
        let mut scored: Vec<Scored> = Vec::with_capacity(4);
        for token in tokens
            .iter()
            .filter(|token| is_possible(self.text, token))
            .take(TOKENS_MAX)
        {
            self.consider(&scene, token, &mut scored, &mut masked);
        }
        dead::revive(&mut scored);
        scored.retain(|one| one.score > SCORE_KEPT);
        scored.sort_by_key(|s| (-s.score, s.token.start));
        scored.truncate(result::CANDIDATES_MAX);
        masked.sort_by_key(|m| m.span[0]);
        masked.truncate(result::MASKED_MAX);
        let mut answer = self.answer(&scored);
        answer.masked = masked;
        answer.link = self.link(&addresses, &hits, answer.code.as_deref());
        answer
    }

    fn masked(&self, addresses: &[link::Address], hash: Option<(usize, usize)>) -> Vec<Masked> {
        let address = addresses.iter().map(|address| Masked {
            span: self.text.original(address.start, address.end),
            reason: if address.kind == link::Kind::Email {
                Reason::Email
            } else {
                Reason::Url
            },
        });
        let hash = hash.map(|(start, end)| Masked {
            span: self.text.original(start, end),
            reason: Reason::Hash,
        });
        address.chain(hash).collect()
    }

    fn consider(
        &self,
        scene: &Scene,
        token: &token::Token,
        scored: &mut Vec<Scored>,
        masked: &mut Vec<Masked>,
    ) {
        let span = || self.text.original(token.start, token.end);
        if let Some(mask) = token.mask.filter(|mask| mask.hard) {
            masked.push(Masked {
                span: span(),
                reason: mask.reason,
            });
            return;
        }
        let one = score::score(scene, token);
        if one.score < SCORE_MIN
            && let Some(mask) = one.token.mask
        {
            masked.push(Masked {
                span: span(),
                reason: mask.reason,
            });
        }
        // One that is taken back says something of the others, however little speaks for it.
        if one.score <= SCORE_KEPT && !dead::is_dead(&one) {
            return;
        }
        if self
            .filter
            .accepts(&candidate::value(self.text, token.start, token.end))
        {
            scored.push(one);
        } else {
            masked.push(Masked {
                span: span(),
                reason: Reason::Filter,
            });
        }
    }

    /// The best candidate if it clears the threshold, else none.
    fn answer(&self, scored: &[Scored]) -> Extraction {
        let lead = |at: usize| {
            scored
                .get(at + 1)
                .map_or(100, |next| scored[at].score - next.score)
        };
        let first_of_equals = |at: usize| {
            if at == 0 {
                lead(0).max(6)
            } else {
                scored[at].score - scored[0].score
            }
        };
        let candidates: Vec<Candidate> = scored
            .iter()
            .enumerate()
            .map(|(at, one)| candidate::describe(self.original, self.text, one, first_of_equals(at)))
            .collect();
        let Some(best) = candidates.first() else {
            return Extraction::default();
        };
        if best.score < SCORE_MIN || !self.filter.is_sure(best.confidence) {
            return Extraction {
                candidates,
                ..Extraction::default()
            };
        }
        Extraction {
            code: Some(best.code.clone()),
            raw: Some(best.raw.clone()),
            confidence: best.confidence,
            rule: Cow::Borrowed("words"),
            span: Some(best.span),
            candidates,
            ..Extraction::default()
        }
    }

    /// The first web address, if the message is about signing in or confirming.
    fn link(&self, addresses: &[link::Address], hits: &[lexicon::Hit], code: Option<&str>) -> Option<String> {
        let has = |class: Class| hits.iter().any(|hit| hit.class == class);
        let inside = |hit: &lexicon::Hit| {
            let near = addresses.partition_point(|address| address.end <= hit.start);
            addresses
                .get(near)
                .is_some_and(|address| address.start <= hit.start)
        };
        let purpose = |hit: &lexicon::Hit| hit.class == Class::Purpose && !inside(hit);
        let about = hits.iter().any(purpose) || code.is_some();
        // "Your ticket shop: sign in here", but not "20 % off: sign in here".
        let sold = has(Class::Offer) && code.is_none();
        addresses
            .iter()
            .filter(|address| address.kind == link::Kind::Url)
            .map(|address| self.text.original(address.start, address.end))
            .filter_map(|span| self.original.get(span[0]..span[1]))
            .find(|url| {
                let personal = match sold {
                    true => link::is_worded(url) && link::has_token(url),
                    false => link::is_personal(url),
                };
                about && personal
                    || !sold && link::is_worded(url)
                    || code.is_some_and(|code| url.contains(code))
            })
            .map(str::to_owned)
    }
}
