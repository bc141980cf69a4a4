//! Codes that are sent and checked, in the store: the one commit of a step, what guards it, the audit log's chain, and the queries.

use std::collections::{HashMap, HashSet};

use super::execute::{Group, Writer};
use super::keys::{self, Key, Tree};
use super::plan::Plan;
use super::query::Query;
use super::rows::{Row, Rows};
use super::steps;
use super::vault::Vault;
use super::{Error, Heard};
use crate::core::abuse::counter::{Counter, Name};
use crate::core::audit::{Entry, Head};
use crate::core::id::{AccountId, VerificationId};
use crate::core::time::UnixMs;
use crate::core::verification::Verification;
use crate::core::verification::address::To;
use crate::core::verification::fallback::Place;

/// One step in the life of codes: all of it or nothing. Guarded by the versions of what it changes and by what it settles being open.
#[derive(Debug, Clone, Default)]
pub struct VerifyStep {
    /// Each as it will be, with the version that was decided on; `None`: it is new, and open from now on.
    pub verifications: Vec<(Verification, Option<u32>)>,
    /// It is known whether these came back: they are open no more.
    pub settled: Vec<Open>,
    /// Steps that went, or will not.
    pub passed: Vec<Place>,
    /// Each record once.
    pub counters: Vec<CounterChange>,
    pub audit: Vec<Entry>,
    pub events: Vec<Heard>,
    /// All the work of changing it is done, and nothing of it kept: how long a step takes must not tell whether there was one.
    pub decoy: Option<Box<Verification>>,
}

impl VerifyStep {
    /// A code is asked for.
    pub fn begins_one(&self) -> bool {
        self.verifications.iter().any(|(_, was)| was.is_none())
    }
}

/// A verification whose end was not counted yet, by when it ends on the steady clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    pub ends_at: UnixMs,
    pub id: VerificationId,
}

impl From<&Verification> for Open {
    fn from(verification: &Verification) -> Self {
        Self {
            ends_at: verification.ends_at(),
            id: verification.id,
        }
    }
}

/// A record of abuse control as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub name: Name,
    /// 0: there is none.
    pub version: u32,
    pub counter: Counter,
}

#[derive(Debug, Clone)]
pub struct CounterChange {
    pub name: Name,
    /// The version that was decided on; 0: there was none.
    pub was: u32,
    /// As it will be; `None`: nothing is lost by forgetting it.
    pub next: Option<Counter>,
}

/// Some of the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterPage {
    pub counters: Vec<Counted>,
    /// Where to go on; `None`: there are no more.
    pub next: Option<Vec<u8>>,
}

/// Lines of the audit log, oldest first, and where its chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    pub lines: Vec<String>,
    pub head: Head,
}

/// What must be so, or the answer is `Conflict`, and what the writer adds.
#[derive(Debug, Default)]
pub struct Guard {
    verifications: Vec<(AccountId, VerificationId, u32)>,
    counters: Vec<(Key, u32)>,
    settled: Vec<Open>,
    audit: Vec<Entry>,
    /// The versions that the step gives.
    next_verifications: Vec<(VerificationId, u32)>,
    next_counters: Vec<(Key, u32)>,
}

/// As the commits of a group left them.
#[derive(Debug, Default)]
pub struct InGroup {
    verifications: HashMap<VerificationId, u32>,
    /// 0: it is gone.
    counters: HashMap<Key, u32>,
    settled: HashSet<VerificationId>,
    opened: HashSet<VerificationId>,
}

impl Plan {
    pub(super) fn verify(&mut self, step: VerifyStep, vault: &Vault) -> Result<(), Error> {
        for (verification, was) in step.verifications {
            let verification = Verification {
                updated_at: self.now.wall,
                ..verification
            };
            self.verification(&verification, was, vault)?;
        }
        let mut decoys = step.decoy.iter();
        decoys.try_for_each(|decoy| self.decoy(decoy, vault))?;
        for open in step.settled {
            self.rows
                .push(Row::delete(Tree::State, keys::open_verification(open)));
            self.verify.settled.push(open);
        }
        let passed = step.passed.into_iter();
        self.rows
            .extend(passed.map(|place| Row::delete(Tree::State, keys::step(place))));
        for change in step.counters {
            self.counter(&change, vault)?;
        }
        self.verify.audit = step.audit;
        let events = step.events.into_iter();
        self.events
            .extend(events.map(|heard| (heard.event.into(), heard.targets)));
        Ok(())
    }

    fn verification(
        &mut self,
        verification: &Verification,
        was: Option<u32>,
        vault: &Vault,
    ) -> Result<(), Error> {
        let (account, id) = (&verification.account, verification.id);
        let day = Tree::of(id.created_at());
        let key = keys::verification(account, id);
        let sealed = vault.seal(&key, verification)?;
        self.rows.push(Row::put(day, key, sealed));
        self.rows.extend(steps::row(verification, vault)?);
        match was {
            Some(was) => self.verify.verifications.push((account.clone(), id, was)),
            None => {
                let key = keys::newest_verification(
                    account,
                    blinded(vault, &verification.profile, &verification.to),
                );
                let sealed = vault.seal(&key, &id)?;
                self.rows.push(Row::put(day, key, sealed));
                if !verification.profile.is_empty() {
                    let key = keys::verification_to(account, address(vault, &verification.to), id);
                    self.rows.push(Row::put(day, key, Vec::new()));
                }
                let key = keys::open_verification(verification.into());
                let sealed = vault.seal(&key, account)?;
                self.rows.push(Row::put(Tree::State, key, sealed));
            }
        }
        self.verify.next_verifications.push((id, verification.version));
        Ok(())
    }

    /// It is sealed, and read as often as whoever decides on one and the guard of its version do.
    fn decoy(&mut self, decoy: &Verification, vault: &Vault) -> Result<(), Error> {
        let key = keys::verification(&decoy.account, decoy.id);
        let sealed = vault.seal(&key, decoy)?;
        (0..2).try_for_each(|_| vault.open::<Verification>(&key, &sealed).map(drop))?;
        self.rows.push(Row::delete(Tree::of(decoy.id.created_at()), key));
        Ok(())
    }

    fn counter(&mut self, change: &CounterChange, vault: &Vault) -> Result<(), Error> {
        let key = keys::counter(vault.blind_text(change.name.as_str()));
        // One that was forgotten and comes again has another version than any before it.
        let version = match change.was {
            0 => (self.now.steady.0 as u32).max(1),
            was => was.wrapping_add(1).max(1),
        };
        let next = change
            .next
            .as_ref()
            .map(|counter| (&change.name, version, counter));
        let row = match next {
            Some(stored) => Row::put(Tree::State, key.clone(), vault.seal(&key, &stored)?),
            None => Row::delete(Tree::State, key.clone()),
        };
        self.rows.push(row);
        self.verify.counters.push((key.clone(), change.was));
        self.verify.next_counters.push((key, next.map_or(0, |_| version)));
        Ok(())
    }
}

/// Whom a verification is to within a profile, as it stands in a key.
fn blinded(vault: &Vault, profile: &str, to: &To) -> [u8; 16] {
    vault.blind_text(&format!("{profile}\0{}", to.as_str()))
}

/// An address by itself, as it stands in a key.
pub(super) fn address(vault: &Vault, to: &To) -> [u8; 16] {
    blinded(vault, "any profile", to)
}

type Stored = (Name, u32, Counter);

impl<R: Rows> Writer<R> {
    pub(super) fn is_verify_outdated(&self, guard: &Guard, group: &Group) -> Result<bool, Error> {
        let query = self.query();
        for (account, id, was) in &guard.verifications {
            let is = match group.verify.verifications.get(id) {
                Some(version) => Some(*version),
                None => query.verification(account, *id)?.map(|known| known.version),
            };
            if is != Some(*was) {
                return Ok(true);
            }
        }
        for (key, was) in &guard.counters {
            let is = match group.verify.counters.get(key) {
                Some(version) => *version,
                None => query.counted(key)?.map_or(0, |(_, version, _)| version),
            };
            if is != *was {
                return Ok(true);
            }
        }
        for open in &guard.settled {
            let is_open = group.verify.opened.contains(&open.id)
                || self
                    .rows
                    .get(Tree::State, &keys::open_verification(*open))?
                    .is_some();
            if !is_open || group.verify.settled.contains(&open.id) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The last thing of a commit that can fail: the audit log's lines, and what later commits of the group must see.
    pub(super) fn note_verify(
        &mut self,
        guard: Guard,
        group: &mut Group,
        now: UnixMs,
    ) -> Result<Vec<Row>, Error> {
        let (mut head, mut rows) = (self.audit, Vec::new());
        for entry in &guard.audit {
            let (line, next) = head.appended(entry);
            let key = keys::audit(next.count);
            let sealed = self.vault.seal(&key, &line)?;
            rows.push(Row::put(Tree::audit(now), key, sealed));
            head = next;
        }
        if head != self.audit {
            let key = keys::audit_head();
            let sealed = self.vault.seal(&key, &head)?;
            rows.push(Row::put(Tree::State, key, sealed));
            self.audit = head;
        }
        let known = &mut group.verify;
        let is_new = |id: &VerificationId| !guard.verifications.iter().any(|(_, known, _)| known == id);
        let opened = guard.next_verifications.iter().map(|(id, _)| *id).filter(is_new);
        known.opened.extend(opened);
        known
            .verifications
            .extend(guard.next_verifications.iter().copied());
        known.counters.extend(guard.next_counters);
        known.settled.extend(guard.settled.iter().map(|open| open.id));
        Ok(rows)
    }
}

impl<R: Rows> Query<'_, R> {
    pub fn verification(
        &self,
        account: &AccountId,
        id: VerificationId,
    ) -> Result<Option<Verification>, Error> {
        self.one(Tree::of(id.created_at()), &keys::verification(account, id))
    }

    /// Newest first, starting below `before`.
    pub fn verifications(
        &self,
        account: &AccountId,
        before: Option<VerificationId>,
        limit: usize,
    ) -> Result<Vec<Verification>, Error> {
        let below = before.map(|id| keys::verification(account, id));
        let (prefix, mut found) = (keys::verifications(account), Vec::new());
        for day in self.rows.log_days().into_iter().rev() {
            let tree = Tree::Log(day);
            if before.is_some_and(|id| tree > Tree::of(id.created_at())) {
                continue;
            }
            let rows = self
                .rows
                .scan_down(tree, &prefix, below.as_deref(), limit - found.len())?;
            for (key, record) in rows {
                found.push(self.vault.open(&key, &record)?);
            }
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    /// The newest to this address within a profile, of today and the day before; the clock may have been set back.
    pub fn newest_verification(
        &self,
        account: &AccountId,
        (profile, to): (&str, &To),
        now: UnixMs,
    ) -> Result<Option<Verification>, Error> {
        let key = keys::newest_verification(account, blinded(self.vault, profile, to));
        for tree in Tree::days_around(now) {
            if let Some(id) = self.one::<VerificationId>(tree, &key)? {
                return self.verification(account, id);
            }
        }
        Ok(None)
    }

    fn counted(&self, key: &[u8]) -> Result<Option<Stored>, Error> {
        self.one(Tree::State, key)
    }

    /// Those of these names that there are.
    pub fn counters(&self, names: &[Name]) -> Result<Vec<Counted>, Error> {
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let key = keys::counter(self.vault.blind_text(name.as_str()));
            found.extend(self.counted(&key)?.map(of_stored));
        }
        Ok(found)
    }

    /// Some of all there are.
    pub fn all_counters(&self, after: Option<&[u8]>, limit: usize) -> Result<CounterPage, Error> {
        let rows = self.rows.scan_up(Tree::State, &[keys::COUNTER], after, limit)?;
        let next = rows
            .last()
            .filter(|_| rows.len() == limit)
            .map(|(key, _)| key.clone());
        let mut found = Vec::with_capacity(rows.len());
        for (key, record) in &rows {
            found.push(of_stored(self.vault.open(key, record)?));
        }
        Ok(CounterPage {
            counters: found,
            next,
        })
    }

    /// The audit log's lines behind this one.
    pub fn audit(&self, after: u64, limit: usize) -> Result<AuditPage, Error> {
        let (above, mut rows) = (keys::audit(after), Vec::new());
        for tree in self.rows.audit_trees() {
            rows.extend(self.rows.scan_up(tree, &[keys::AUDIT], Some(&above), limit)?);
        }
        // Where the clock was set back over the end of a period, later lines stand in an earlier one.
        rows.sort();
        rows.truncate(limit);
        let lines = rows.iter().map(|(key, record)| self.vault.open(key, record));
        Ok(AuditPage {
            lines: lines.collect::<Result<_, _>>()?,
            head: self.audit_head()?,
        })
    }

    pub fn audit_head(&self) -> Result<Head, Error> {
        Ok(self.one(Tree::State, &keys::audit_head())?.unwrap_or_default())
    }
}

fn of_stored((name, version, counter): Stored) -> Counted {
    Counted {
        name,
        version,
        counter,
    }
}
