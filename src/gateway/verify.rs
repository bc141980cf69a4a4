//! Codes that are sent and checked: who may have one, what is kept of it, by whom it goes out, and what comes of its time.

mod blocks;
mod cancel;
mod check;
mod choice;
mod concealed;
mod consent;
mod ends;
mod figures;
mod loopback;
mod newest;
mod once;
mod preview;
mod profiles;
mod send;
mod short;
mod start;
mod steps;
mod texts;
mod told;
mod trigger;
mod webhook;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, Weak};

use tokio::sync::{Mutex, MutexGuard, OnceCell, OwnedMutexGuard, Semaphore};

use super::{Error, Gateway};
use crate::core::abuse;
use crate::core::abuse::counter::{Counter, Counters, Name};
use crate::core::audit::{Action, Entry};
use crate::core::id::{AccountId, VerificationId};
use crate::core::key::Key;
use crate::core::money::Price;
use crate::core::verification::address::To;
use crate::core::verification::code::Code;
use crate::core::verification::fallback::Step;
use crate::core::verification::hash::Scheme;
use crate::core::verification::pepper::{Bound, Lasting, Pepper, Peppers};
use crate::core::verification::{Status, Verification};
use crate::store::{AuditPage, CounterChange};

pub use blocks::{Block, Lift};
pub use check::Guess;
pub use figures::FiguresWish;
pub use newest::{CallerWord, NewestGuess};
pub use preview::Preview;
pub use profiles::{ProfileError, ProfilesWish};
pub use start::VerifyWish;
pub use texts::{TextSent, TextWish};
pub use trigger::TriggerWish;

/// Asks whether a code may go out: the body of the question, and whether the answer is yes. Errors hold no number.
pub type Consent = Box<dyn Fn(String) -> Consenting + Send + Sync>;
pub type Consenting = Pin<Box<dyn Future<Output = Result<bool, String>> + Send>>;

/// Accounts whose steps do not wait for each other.
const LANES: usize = 64;

/// The rules of codes that are sent. Every number is a key of `config.toml`.
pub struct VerifyRules {
    pub abuse: abuse::Rules,
    pub scheme: Scheme,
    pub peppers: Peppers,
    pub lasting: Lasting,
    pub ttl_ms: u64,
    pub attempts_max: u8,
    /// A code that is asked for again while it is pending goes out as it is, instead of a new one in its place.
    pub resends_same: bool,
    /// How codes without a profile go on where they do not arrive.
    pub fallback: Vec<Step>,
    /// What one code is reckoned to cost where no provider's table says.
    pub price: Price,
    /// A refusal that would tell something of a number is answered as a code that went out.
    pub strict_privacy: bool,
    /// Contract 003 tells by a verification's id why a code was not even compared.
    pub tells_why: bool,
    /// Numbers that get nothing, and their codes.
    pub test_codes: BTreeMap<String, Code>,
    /// Numbers of our own get their codes without a carrier.
    pub loopback: bool,
    /// The operator's own check, where there is one, and whether a code goes out where it gives no answer.
    pub consent: Option<Consent>,
    pub consent_fails_open: bool,
    /// Codes that are hashed at one time, and that wait to be.
    pub hashing_max: usize,
    pub hashing_queue_max: usize,
    /// In which the same wish by a profile is the one before.
    pub repeated_ms: u64,
    /// Profiles, and templates, that one account may have.
    pub profiles_max: usize,
    pub templates_max: usize,
}

/// What codes need besides the rules.
pub(super) struct Verifying {
    rules: VerifyRules,
    /// Steps of one account go one after the other, so that they seldom conflict; the store's guards are what makes them right.
    lanes: Vec<Mutex<()>>,
    /// Whose turn it is to decide on a code's next step. Longer than a lane is held, for the operator's own check is asked meanwhile.
    turns: std::sync::Mutex<HashMap<VerificationId, Weak<Mutex<()>>>>,
    hashing: Arc<Semaphore>,
    waiting: std::sync::Mutex<usize>,
    /// Where the looking for records that can be forgotten goes on.
    forgetting: std::sync::Mutex<Option<Vec<u8>>>,
    /// Accounts, and their profiles, whose short codes were warned of.
    short_told: std::sync::Mutex<HashSet<(AccountId, String)>>,
    /// Filled once those are ended that a clock which was set back has left ahead of it.
    none_ahead: OnceCell<()>,
}

impl Verifying {
    pub fn new(rules: VerifyRules) -> Self {
        Self {
            hashing: Arc::new(Semaphore::new(rules.hashing_max)),
            lanes: (0..LANES).map(|_| Mutex::new(())).collect(),
            turns: std::sync::Mutex::default(),
            rules,
            waiting: std::sync::Mutex::new(0),
            forgetting: std::sync::Mutex::default(),
            short_told: std::sync::Mutex::default(),
            none_ahead: OnceCell::new(),
        }
    }
}

/// Why there is no code, or why one is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Gateway(#[from] Error),
    #[error("codes are not sent here: the section [verify] of the configuration says so")]
    Off,
    /// The account's own configuration does not allow the destination.
    #[error("no code is sent to this destination: verify.countries and verify.deny_prefixes say where")]
    Destination,
    /// In so many milliseconds again; why stands in the audit log.
    #[error("too many codes; wait")]
    Limited(u64),
    #[error("show first that a person asks, then send the request again with \"challenge_passed\": true")]
    Challenge,
    #[error("it was not taken by any provider: {0}")]
    Undelivered(String),
    #[error("there is no such verification, or it is over")]
    NotFound,
    /// So many guesses are left.
    #[error("the code is wrong")]
    Wrong(u8),
    #[error(
        "nothing is closed there; verify.blocked and verify.conversion_low say what is, `ringback verify blocks` lists it"
    )]
    NotBlocked,
    #[error("all guesses were made; ask for another code")]
    NoAttempts,
    /// It ended in this way, so it cannot be taken back.
    #[error("it is over: {}", .0.as_str())]
    Over(Status),
}

impl From<crate::store::Error> for VerifyError {
    fn from(error: crate::store::Error) -> Self {
        Self::Gateway(error.into())
    }
}

/// Records as they were read, with the versions that a change of them is guarded by.
pub(super) struct Read {
    pub known: Counters,
    versions: HashMap<Name, u32>,
}

impl Read {
    /// What a decision changes.
    pub fn changes(&self, next: Counters) -> Vec<CounterChange> {
        let change = |(name, counter): (Name, Counter)| CounterChange {
            was: self.versions.get(&name).copied().unwrap_or(0),
            name,
            next: Some(counter),
        };
        next.into_iter().map(change).collect()
    }
}

impl Gateway {
    /// The same, with codes that are sent and checked.
    pub fn with_verify(self, rules: VerifyRules) -> Self {
        Self {
            verifying: Some(Verifying::new(rules)),
            ..self
        }
    }

    fn verifying(&self) -> Result<&Verifying, VerifyError> {
        self.verifying.as_ref().ok_or(VerifyError::Off)
    }

    /// The rules of codes that are sent.
    pub fn verify_rules(&self) -> Result<&VerifyRules, VerifyError> {
        Ok(&self.verifying()?.rules)
    }

    async fn lane(&self, account: &AccountId) -> Result<MutexGuard<'_, ()>, VerifyError> {
        let sum = account
            .as_str()
            .bytes()
            .fold(0usize, |sum, b| sum.wrapping_mul(31).wrapping_add(usize::from(b)));
        Ok(self.verifying()?.lanes[sum % LANES].lock().await)
    }

    /// Waits for whoever else decides on this code's next step.
    async fn step_turn(&self, id: VerificationId) -> Result<OwnedMutexGuard<()>, VerifyError> {
        let turns = &self.verifying()?.turns;
        let turn = {
            let mut turns = turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let known = turns.get(&id).and_then(Weak::upgrade);
            let turn = known.unwrap_or_default();
            turns.insert(id, Arc::downgrade(&turn));
            turn
        };
        Ok(turn.lock_owned().await)
    }

    async fn counters(&self, names: Vec<Name>) -> Result<Read, Error> {
        let found = self.read(move |store| store.counters(&names)).await?;
        let (mut known, mut versions) = (Counters::new(), HashMap::new());
        for counted in found {
            versions.insert(counted.name.clone(), counted.version);
            known.insert(counted.name, counted.counter);
        }
        Ok(Read { known, versions })
    }

    /// A verification of this account as it stands.
    pub async fn verification(
        &self,
        account: &AccountId,
        id: VerificationId,
    ) -> Result<Verification, VerifyError> {
        let account = account.clone();
        let read = self.read(move |store| store.verification(&account, id)).await?;
        read.ok_or(VerifyError::NotFound)
    }

    /// Lines of the audit log behind this one.
    pub async fn audit(&self, after: u64, limit: usize) -> Result<AuditPage, Error> {
        self.read(move |store| store.audit(after, limit)).await
    }

    /// What this verification's code is compared under; `None`: it was taken away, so nobody can tell any more which code it is.
    fn pepper_of(&self, verification: &Verification) -> Result<Option<&Pepper>, VerifyError> {
        Ok(self.verify_rules()?.peppers.of(verification.hash.kid()))
    }

    /// Its code once more, which is kept nowhere: its caller's own, or made again. `None`: its pepper is gone, or it has another one, as of
    /// another length.
    async fn code_again(
        &self,
        of: &Verification,
        (own, digits): (Option<&Code>, u8),
    ) -> Result<Option<Code>, VerifyError> {
        let pepper = self.pepper_of(of)?;
        let made = || pepper.map(|pepper| pepper.code(bound(of), digits));
        let Some(code) = own.cloned().or_else(made) else {
            return Ok(None);
        };
        Ok(self.is_code_of(of, &code).await?.then_some(code))
    }

    /// Whether this is its code.
    async fn is_code_of(&self, verification: &Verification, guess: &Code) -> Result<bool, VerifyError> {
        let Some(pepper) = self.pepper_of(verification)?.cloned() else {
            return Ok(false);
        };
        let (of, guess) = (verification.clone(), guess.clone());
        self.hashed(of.hash.is_slow(), move || {
            of.hash.is_of(&pepper, bound(&of), &guess)
        })
        .await
    }

    /// Hashes or compares, what is slow on a few threads of its own: bcrypt takes a tenth of a second, and whoever waits for other things
    /// must not wait for it. More than may wait are refused.
    async fn hashed<T: Send + 'static>(
        &self,
        is_slow: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, VerifyError> {
        if !is_slow {
            return Ok(work());
        }
        let verifying = self.verifying()?;
        let Some(waiting) = verifying.queue() else {
            return Err(Error::Crowded.into());
        };
        let place = verifying
            .hashing
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Error::Contended)?;
        drop(waiting);
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|_| Error::Contended.into())
    }

    fn entry(&self, account: &AccountId, action: Action, verdict: &str) -> Entry {
        Entry {
            at: self.now(),
            account: account.clone(),
            actor: String::new(),
            action,
            verification: None,
            person: String::new(),
            ip: None,
            verdict: verdict.to_owned(),
            reasons: Vec::new(),
        }
    }

    /// Whom an entry is about, so that lines about one person can be told to be so.
    fn about(&self, entry: Entry, to: &To, id: Option<VerificationId>) -> Entry {
        let person = self
            .verifying
            .as_ref()
            .map(|verifying| verifying.rules.lasting.person(&entry.account, to));
        Entry {
            person: person.unwrap_or_default(),
            verification: id,
            ..entry
        }
    }
}

/// A place among those who wait to be hashed.
struct Waiting<'a>(&'a Verifying);

impl Verifying {
    fn queue(&self) -> Option<Waiting<'_>> {
        let mut count = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if *count >= self.rules.hashing_queue_max {
            return None;
        }
        *count += 1;
        Some(Waiting(self))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut count = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        *count -= 1;
    }
}

/// An entry with whose key it was.
fn by(entry: Entry, key: &Key, ip: Option<std::net::IpAddr>) -> Entry {
    Entry {
        actor: key.id.as_str().to_owned(),
        ip: ip.map(|ip| ip.to_string()),
        ..entry
    }
}

/// Whom a verification's code is bound to.
fn bound(verification: &Verification) -> Bound<'_> {
    Bound {
        account: &verification.account,
        id: verification.id,
        to: &verification.to,
    }
}
