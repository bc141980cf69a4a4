//! A code given back by whom it was sent to: the newest of a profile counts. Whether there is one shows neither in the answer nor in the
//! work: a guess at nothing is counted, hashed and written down like any other.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Guess, ProfileError, VerifyError, bound, by};
use crate::core::abuse;
use crate::core::audit::Action;
use crate::core::event::Kind;
use crate::core::id::{AccountId, ProfileId, VerificationId};
use crate::core::key::Key;
use crate::core::phone::PhoneNumber;
use crate::core::sending::Channel;
use crate::core::verification::address::To;
use crate::core::verification::code::Code;
use crate::core::verification::hash::Hash;
use crate::core::verification::{New, Own, Status, Verification};
use crate::gateway::{DECISIONS_MAX, Error, Gateway};
use crate::store::VerifyStep;

/// A code that somebody gives back for a number.
#[derive(Debug, Clone)]
pub struct NewestGuess {
    pub key: Arc<Key>,
    pub profile: ProfileId,
    pub to: PhoneNumber,
    pub code: Code,
    /// Whoever asked the caller.
    pub ip: Option<IpAddr>,
}

/// What a caller says of a code of its own, which it compared itself.
#[derive(Debug, Clone)]
pub struct CallerWord {
    pub key: Arc<Key>,
    pub id: VerificationId,
    pub is_right: bool,
}

impl Gateway {
    /// Whether the code is that of the newest verification of this profile to this number. Runs on to its end if the caller goes away.
    pub async fn check_newest(self: &Arc<Self>, guess: NewestGuess) -> Result<bool, ProfileError> {
        self.profile(&guess.key.account, guess.profile)?;
        let this = self.clone();
        let checked = tokio::spawn(async move { this.checked_newest(guess).await });
        Ok(checked.await.map_err(|_| Error::Contended)??)
    }

    async fn checked_newest(&self, guess: NewestGuess) -> Result<bool, VerifyError> {
        let (account, profile) = (guess.key.account.clone(), guess.profile.to_string());
        let (to, now) = (To::Number(guess.to.clone()), self.now());
        let newest = self
            .read(move |store| store.newest_verification(&account, (&profile, &to), now))
            .await?;
        if let Some(newest) = newest {
            let by_id = Guess {
                key: guess.key.clone(),
                id: newest.id,
                code: guess.code.clone(),
                ip: guess.ip,
            };
            match self.checked(&by_id).await {
                Ok(_) => return Ok(true),
                Err(VerifyError::Wrong(_)) => return Ok(false),
                Err(VerifyError::NotFound | VerifyError::NoAttempts | VerifyError::Limited(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.check_in_vain(&guess).await?;
        Ok(false)
    }

    /// All that a guess costs, for nothing: a count of its person, a hash, and a line of the audit log, with as much work at the disk.
    async fn check_in_vain(&self, guess: &NewestGuess) -> Result<(), VerifyError> {
        let (rules, account) = (self.verify_rules()?, &guess.key.account);
        let nothing = self.nothing(guess);
        self.count_in_vain(guess.ip, &nothing).await?;
        let (pepper, scheme, code) = (rules.peppers.newest.clone(), rules.scheme, guess.code.clone());
        let salt = self.parts.clock.random();
        let of = nothing.clone();
        self.hashed(scheme.is_slow(), move || {
            scheme.hash(&pepper, bound(&of), &code, salt)
        })
        .await?;
        let _lane = self.lane(account).await?;
        self.look_in_vain(account).await?;
        let entry = self.about(self.entry(account, Action::Check, "unknown"), &nothing.to, None);
        let step = VerifyStep {
            audit: vec![by(entry, &guess.key, guess.ip)],
            decoy: Some(Box::new(nothing)),
            ..VerifyStep::default()
        };
        self.take_step(step).await?;
        Ok(())
    }

    /// What would be guessed at, if there were anything.
    fn nothing(&self, guess: &NewestGuess) -> Verification {
        let nothing = New {
            id: VerificationId::new(self.now(), self.parts.clock.random()),
            account: guess.key.account.clone(),
            profile: guess.profile.to_string(),
            to: To::Number(guess.to.clone()),
            channel: Channel::Sms,
            hash: Hash::NOTHING,
            digits: 0,
            attempts_max: 0,
            ttl_ms: 0,
            own: Own::default(),
        };
        nothing.begun(self.parts.clock.moment())
    }

    /// A look at a verification that is not there.
    async fn look_in_vain(&self, account: &AccountId) -> Result<(), Error> {
        let account = account.clone();
        let id = VerificationId::new(self.now(), self.parts.clock.random());
        self.read(move |store| store.verification(&account, id)).await?;
        Ok(())
    }

    /// One more wrong code; where no more may be given, that is known already.
    async fn count_in_vain(&self, ip: Option<IpAddr>, nothing: &Verification) -> Result<(), VerifyError> {
        let rules = &self.verify_rules()?.abuse;
        let of = &abuse::Guess {
            account: &nothing.account,
            to: &nothing.to,
            ip,
        };
        let _lane = self.lane(of.account).await?;
        for _ in 0..DECISIONS_MAX {
            self.look_in_vain(of.account).await?;
            let read = self.counters(abuse::names_of_guess(of)).await?;
            let Ok(guessed) = abuse::guessed(of, &read.known, rules, self.steady()) else {
                return Ok(());
            };
            let step = VerifyStep {
                counters: read.changes(guessed.changes),
                events: self.events_of_guess(of.account, guessed.failing),
                decoy: Some(Box::new(nothing.clone())),
                ..VerifyStep::default()
            };
            if self.take_step(step).await? {
                return Ok(());
            }
        }
        Err(Error::Contended.into())
    }

    /// Takes a caller's word on a code of its own; `false`: it is over, or the word was no.
    pub async fn take_word(&self, word: &CallerWord) -> Result<bool, VerifyError> {
        let account = &word.key.account;
        let _lane = self.lane(account).await?;
        for _ in 0..DECISIONS_MAX {
            let known = self.verification(account, word.id).await?;
            let is_right = word.is_right && !known.withheld;
            let (status, kind, said) = match is_right {
                true => (Status::Approved, Kind::VerifyApproved, "approved"),
                false => (Status::Failed, Kind::VerifyFailed, "failed"),
            };
            if known.status_at(self.steady()) != Status::Pending {
                return Ok(false);
            }
            let Some(next) = known.ended(status) else {
                return Ok(false);
            };
            let step = self.step_of_word((&known, next, kind), word, said).await?;
            if self.take_step(step).await? {
                return Ok(is_right);
            }
        }
        Err(Error::Contended.into())
    }

    async fn step_of_word(
        &self,
        (known, next, kind): (&Verification, Verification, Kind),
        word: &CallerWord,
        said: &str,
    ) -> Result<VerifyStep, VerifyError> {
        let entry = self.entry(&known.account, Action::Check, said);
        let entry = self.about(entry, &known.to, Some(known.id));
        let read = self.counters(abuse::names_of_end(known)).await?;
        Ok(VerifyStep {
            audit: vec![by(entry, &word.key, None)],
            counters: read.changes(abuse::ended(known, &read.known, next.status == Status::Approved)),
            settled: vec![known.into()],
            events: vec![self.event_of(kind, &next)],
            verifications: vec![(next, Some(known.version))],
            ..VerifyStep::default()
        })
    }
}
