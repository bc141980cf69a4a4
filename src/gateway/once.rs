//! Requests that make something and that their clients may send again: the first makes it, and its answer is committed with what it made;
//! while it is under way the others are told so, and later they get that answer. What was refused is not kept: it made nothing.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Error, Gateway};
use crate::core::id::AccountId;
use crate::core::once::{Answered, Fingerprint, OnceId};
use crate::core::time::UnixMs;
use crate::store::{Access, Commit, Committed, Remembered};

/// Requests of this kind that are under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Underway(Arc<Mutex<HashMap<OnceId, Fingerprint>>>);

impl Underway {
    fn lock(&self) -> MutexGuard<'_, HashMap<OnceId, Fingerprint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first of such requests, as long as it is under way. Dropping it leaves, so a client that hangs up may try again.
#[derive(Debug)]
pub struct First {
    id: OnceId,
    fingerprint: Fingerprint,
    underway: Underway,
}

impl Drop for First {
    fn drop(&mut self) {
        self.underway.lock().remove(&self.id);
    }
}

/// What such a request is.
#[derive(Debug)]
pub enum Begun {
    First(First),
    /// It was answered so before.
    Answered(Answered),
}

/// Writes the body of an answer.
pub type Body<T> = Box<dyn Fn(&T) -> Vec<u8> + Send + Sync>;

/// A wish that is fulfilled once, and how its fulfilment is answered. Its own, because a supplier may be asked for it by another task.
pub struct Once<T> {
    pub first: First,
    pub status: u16,
    pub body: Body<T>,
}

impl<T> fmt::Debug for Once<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Once({:?})", self.first.id)
    }
}

impl Gateway {
    /// Begins a request that its client gave this key, or says what was answered to it.
    pub async fn begin_once(
        &self,
        account: &AccountId,
        (route, key): (&str, &str),
        fingerprint: Fingerprint,
    ) -> Result<Begun, Error> {
        // Its place before the look at the disk: who leaves in between has committed by then.
        let first = self.take_place(OnceId::derive(account, route, key), fingerprint)?;
        let Some(answered) = self.answered(first.id).await? else {
            return Ok(Begun::First(first));
        };
        if answered.fingerprint != fingerprint {
            return Err(Error::OnceOther);
        }
        // It may have been read before it was durable. Nothing is written: what was written before is durable when this is answered.
        self.commit(Commit::Access(Access::NoteUses(Vec::new()))).await?;
        Ok(Begun::Answered(answered))
    }

    fn take_place(&self, id: OnceId, fingerprint: Fingerprint) -> Result<First, Error> {
        let mut underway = self.underway.lock();
        match underway.get(&id) {
            Some(other) if *other != fingerprint => Err(Error::OnceOther),
            Some(_) => Err(Error::OnceUnderway),
            None => {
                underway.insert(id, fingerprint);
                drop(underway);
                Ok(First {
                    id,
                    fingerprint,
                    underway: self.underway.clone(),
                })
            }
        }
    }

    /// Commits what was made together with its answer. Where the same was answered meanwhile, for a client that hung up before its first
    /// request was durable and came back at once, it says so.
    pub(super) async fn commit_once<T>(
        &self,
        commit: Commit,
        once: Option<&Once<T>>,
        made: &T,
    ) -> Result<Committed, Error> {
        let Some(once) = once else {
            return self.commit(commit).await;
        };
        let remembered = Remembered {
            id: once.first.id,
            answered: Answered {
                fingerprint: once.first.fingerprint,
                at: self.now(),
                status: once.status,
                body: (once.body)(made),
            },
            since: self.counts_since(),
        };
        let committed = self
            .commit(Commit::Once(Box::new(commit), Box::new(remembered)))
            .await?;
        if committed == Committed::Conflict
            && let Some(answered) = self.answered(once.first.id).await?
        {
            return Err(if answered.fingerprint == once.first.fingerprint {
                Error::OnceAnswered(Box::new(answered))
            } else {
                Error::OnceOther
            });
        }
        Ok(committed)
    }

    /// What a request made has become this since its answer was kept, and is answered so from now on; `None`: it came to nothing, so the
    /// same request may come again.
    pub(super) async fn answer_anew<T>(&self, once: &Once<T>, made: Option<&T>) -> Result<(), Error> {
        let Some(known) = self.answered(once.first.id).await? else {
            return Ok(());
        };
        let body = made.map(|made| (once.body)(made));
        if body.as_ref() != Some(&known.body) {
            let at = known.at;
            let next = body.map(|body| Box::new(Answered { body, ..known }));
            self.commit(Commit::Answer(once.first.id, at, next)).await?;
        }
        Ok(())
    }

    async fn answered(&self, id: OnceId) -> Result<Option<Answered>, Error> {
        let since = self.counts_since();
        self.read(move |store| store.answered(id, since)).await
    }

    /// Answers from before this count no more.
    fn counts_since(&self) -> UnixMs {
        self.now().minus_ms(self.parts.rules.once_ms)
    }
}
