//! The queries of the product over anything that holds rows, and the reading of the small tables at opening.

use std::sync::Arc;

use super::keys::{self, Tree};
use super::live::{Fact, Live};
use super::profiles::Profiled;
use super::rows::{Pair, Rows, parse_due};
use super::vault::Vault;
use super::{AttemptPlace, Error};
use crate::core::account::Account;
use crate::core::again::Again;
use crate::core::attempt::Attempt;
use crate::core::capture::Capture;
use crate::core::delivery::{Due, Place};
use crate::core::event::Event;
use crate::core::id::{AccountId, CaptureId, MessageId, OutboundId, RentalId, Seq, SubscriptionId};
use crate::core::ingest::StoredMessage;
use crate::core::key::Key;
use crate::core::multipart::Set;
use crate::core::number::Number;
use crate::core::outbound::Outbound;
use crate::core::purchase::{Purchase, Stage};
use crate::core::rental::{MessageRef, Rental};
use crate::core::replay::Replay;
use crate::core::service::Service;
use crate::core::subscription::Subscription;
use crate::core::verification::profile::{Profile, Template};

/// Rows read at a time where there may be many.
const CHUNK: usize = 1024;

/// Reads of one store.
pub struct Query<'a, R> {
    pub rows: &'a R,
    pub vault: &'a Vault,
}

impl<R: Rows> Query<'_, R> {
    pub(super) fn one<T: serde::de::DeserializeOwned>(
        &self,
        tree: Tree,
        key: &[u8],
    ) -> Result<Option<T>, Error> {
        self.rows
            .get(tree, key)?
            .map(|record| self.vault.open(key, &record))
            .transpose()
    }

    pub fn rental(&self, account: &AccountId, id: RentalId) -> Result<Option<Rental>, Error> {
        self.one(Tree::of(id.created_at()), &keys::rental(account, id))
    }

    /// Newest first, starting below `before`.
    pub fn rentals(
        &self,
        account: &AccountId,
        before: Option<RentalId>,
        limit: usize,
    ) -> Result<Vec<Rental>, Error> {
        let below = before.map(|id| keys::rental(account, id));
        let mut found = Vec::new();
        for day in self.rows.log_days().into_iter().rev() {
            if before.is_some_and(|id| Tree::Log(day) > Tree::of(id.created_at())) {
                continue;
            }
            let wanted = limit - found.len();
            let prefix = keys::rentals(account);
            for (key, record) in self
                .rows
                .scan_down(Tree::Log(day), &prefix, below.as_deref(), wanted)?
            {
                found.push(self.vault.open(&key, &record)?);
            }
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    /// The messages that are still kept, in the order of the references.
    pub fn messages(&self, refs: &[MessageRef]) -> Result<Vec<StoredMessage>, Error> {
        let each = refs
            .iter()
            .map(|r| self.one(Tree::of(r.at), &keys::message(r.id)));
        each.filter_map(Result::transpose).collect()
    }

    /// A message of any day that is kept.
    pub fn message(&self, id: MessageId) -> Result<Option<StoredMessage>, Error> {
        self.of_any_day(&keys::message(id))
    }

    /// A message that was sent on any day that is kept.
    pub fn outbound(&self, id: OutboundId) -> Result<Option<Outbound>, Error> {
        self.of_any_day(&keys::outbound(id))
    }

    fn of_any_day<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        for day in self.rows.log_days().into_iter().rev() {
            if let Some(found) = self.one(Tree::Log(day), key)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Newest first, starting below `before`.
    pub fn unmatched(&self, before: Option<&MessageRef>, limit: usize) -> Result<Vec<StoredMessage>, Error> {
        let below = before.map(|place| keys::unmatched(place.at, place.id));
        let mut found = Vec::new();
        for day in self.rows.log_days().into_iter().rev() {
            let tree = Tree::Log(day);
            if before.is_some_and(|place| tree > Tree::of(place.at)) {
                continue;
            }
            for (key, _) in
                self.rows
                    .scan_down(tree, &[keys::UNMATCHED], below.as_deref(), limit - found.len())?
            {
                let id = keys::parse_unmatched(&key)
                    .ok_or(Error::Damaged("an unmatched row of a wrong length"))?;
                found.extend(self.one(tree, &keys::message(id))?);
            }
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    pub fn capture(&self, id: CaptureId) -> Result<Option<Capture>, Error> {
        self.one(Tree::of(id.arrived_at()), &keys::capture(id))
    }

    /// Newest first, starting below `before`.
    pub fn captures(&self, before: Option<CaptureId>, limit: usize) -> Result<Vec<Capture>, Error> {
        let below = before.map(keys::capture);
        let mut found = Vec::new();
        for day in self.rows.log_days().into_iter().rev() {
            let tree = Tree::Log(day);
            if before.is_some_and(|id| tree > Tree::of(id.arrived_at())) {
                continue;
            }
            let wanted = limit - found.len();
            for (key, record) in self
                .rows
                .scan_down(tree, &[keys::CAPTURE], below.as_deref(), wanted)?
            {
                found.push(self.vault.open(&key, &record)?);
            }
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    pub fn event(&self, seq: Seq) -> Result<Option<Event>, Error> {
        self.one(Tree::of(seq.written_at()), &keys::event(seq))
    }

    pub fn attempts(
        &self,
        subscription: SubscriptionId,
        below: Option<AttemptPlace>,
        limit: usize,
    ) -> Result<Vec<Attempt>, Error> {
        let above = below.map(|place| keys::attempt(subscription, place));
        let mut found = Vec::new();
        for day in self.rows.log_days().into_iter().rev() {
            let tree = Tree::Log(day);
            if below.is_some_and(|(event, _)| tree > Tree::of(event.written_at())) {
                continue;
            }
            let (prefix, wanted) = (keys::attempts(subscription), limit - found.len());
            for (key, record) in self.rows.scan_up(tree, &prefix, above.as_deref(), wanted)? {
                found.push(self.vault.open(&key, &record)?);
            }
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    /// The newest attempt for a subscription with this event.
    pub fn newest_attempt(&self, place: (SubscriptionId, Seq)) -> Result<Option<Attempt>, Error> {
        let tree = Tree::of(place.1.written_at());
        let mut rows = self.rows.scan(tree, &keys::attempts_of(place), 1)?;
        rows.pop()
            .map(|(key, record)| self.vault.open(&key, &record))
            .transpose()
    }

    /// What was asked for again of this event.
    pub fn again(&self, place: (SubscriptionId, Seq)) -> Result<Option<Again>, Error> {
        self.one(Tree::of(place.1.written_at()), &keys::again(place))
    }

    /// Fills `live` from the state tree, and answers the newest sequence there is.
    pub fn load(&self, live: &Live) -> Result<Seq, Error> {
        self.load_table::<Number>(keys::NUMBER, live, |number, query| query.number_facts(number))?;
        self.load_table::<Subscription>(keys::SUBSCRIPTION, live, |s, _| {
            Ok(vec![Fact::Subscription(Arc::new(s))])
        })?;
        self.load_table::<(String, Option<Service>)>(keys::SERVICE, live, |(name, service), _| {
            Ok(vec![Fact::Service(name, service.map(Arc::new))])
        })?;
        self.load_table::<Set>(keys::PARTS, live, |set, _| Ok(vec![Fact::Parts(Arc::new(set))]))?;
        self.load_table::<Account>(keys::ACCOUNT, live, |account, _| {
            Ok(vec![Fact::Account(Arc::new(account))])
        })?;
        self.load_table::<Key>(keys::KEY, live, |key, _| Ok(vec![Fact::Key(Arc::new(key))]))?;
        for (key, record) in self.rows.scan(Tree::State, &[keys::KEY_USE], usize::MAX)? {
            let hash = keys::parse_key_use(&key).ok_or(Error::Damaged("a key use of a wrong length"))?;
            live.apply(vec![Fact::KeyUsed(hash, self.vault.open(&key, &record)?)]);
        }
        self.load_table::<Profile>(keys::PROFILE, live, |profile, _| {
            Ok(vec![Fact::Profiled(Profiled::Profile(Arc::new(profile)))])
        })?;
        self.load_table::<Template>(keys::TEMPLATE, live, |template, _| {
            Ok(vec![Fact::Profiled(Profiled::Template(Arc::new(template)))])
        })?;
        self.load_table::<Replay>(keys::REPLAY, live, |replay, _| {
            Ok(vec![Fact::Replay(Arc::new(replay))])
        })?;
        self.load_table::<Purchase>(keys::PURCHASE, live, |purchase, query| {
            query.purchase_facts(purchase)
        })?;
        for (key, record) in self.rows.scan(Tree::State, &[keys::HEALTH], usize::MAX)? {
            let id = keys::parse_health(&key).ok_or(Error::Damaged("a health row of a wrong length"))?;
            live.apply(vec![Fact::Health(id, self.vault.open(&key, &record)?)]);
        }
        let newest = self.load_owed(live)?.max(self.newest_event()?);
        live.begin_at(newest);
        Ok(newest)
    }

    /// Counts all that is owed, keeps the heads of the queues, and answers the newest event among it.
    fn load_owed(&self, live: &Live) -> Result<Seq, Error> {
        self.in_chunks(
            keys::LINE,
            |(key, _)| {
                let id = keys::parse_line(&key).ok_or(Error::Damaged("a place in line of a wrong length"))?;
                Ok(vec![Fact::Waits(id)])
            },
            live,
        )?;
        let mut newest = Seq::default();
        self.in_chunks(
            keys::DUE,
            |(key, value)| {
                let due = parse_due(&key, &value)?;
                newest = newest.max(due.event);
                // The first in line has a place there too.
                let first = due.line.map(|_| Fact::WaitsNoMore(due.subscription));
                Ok(std::iter::once(Fact::Due(due)).chain(first).collect())
            },
            live,
        )?;
        Ok(newest)
    }

    /// Rows that may be a million, taken over a few at a time.
    fn in_chunks(
        &self,
        tag: u8,
        mut facts: impl FnMut(Pair) -> Result<Vec<Fact>, Error>,
        live: &Live,
    ) -> Result<(), Error> {
        let mut above: Option<Vec<u8>> = None;
        loop {
            let rows = self.rows.scan_up(Tree::State, &[tag], above.as_deref(), CHUNK)?;
            let Some((last, _)) = rows.last() else {
                return Ok(());
            };
            above = Some(last.clone());
            let mut chunk = Vec::with_capacity(rows.len());
            for row in rows {
                chunk.extend(facts(row)?);
            }
            live.apply(chunk);
        }
    }

    /// What a subscription is owed behind this place, and whether there is still more.
    pub fn owed_after(
        &self,
        (id, after): (SubscriptionId, Place),
        limit: usize,
    ) -> Result<(Vec<Due>, bool), Error> {
        let prefix = keys::due_of(id);
        let above = keys::due_at(id, after);
        let rows = self.rows.scan_up(Tree::State, &prefix, Some(&above), limit + 1)?;
        let more = rows.len() > limit;
        let owed = rows.iter().take(limit).map(|(key, value)| parse_due(key, value));
        Ok((owed.collect::<Result<_, _>>()?, more))
    }

    fn load_table<T: serde::de::DeserializeOwned>(
        &self,
        tag: u8,
        live: &Live,
        facts: impl Fn(T, &Self) -> Result<Vec<Fact>, Error>,
    ) -> Result<(), Error> {
        for (key, record) in self.rows.scan(Tree::State, &[tag], usize::MAX)? {
            live.apply(facts(self.vault.open(&key, &record)?, self)?);
        }
        Ok(())
    }

    /// A number with the rentals that have it now, which must be decoded too.
    fn number_facts(&self, number: Number) -> Result<Vec<Fact>, Error> {
        let mut facts = Vec::new();
        for lease in number.open() {
            let rental = self.rental(&lease.account, lease.rental)?;
            facts.extend(rental.map(|rental| Fact::Rental(Arc::new(rental))));
        }
        facts.push(Fact::Number(Arc::new(number)));
        Ok(facts)
    }

    /// A purchase with the rental that has it now, which must be decoded too.
    fn purchase_facts(&self, purchase: Purchase) -> Result<Vec<Fact>, Error> {
        let rental = match purchase.stage {
            Stage::Rented => self.rental(&purchase.account, purchase.rental)?,
            _ => None,
        };
        let rental = rental.map(|rental| Fact::Rental(Arc::new(rental)));
        Ok(rental
            .into_iter()
            .chain([Fact::Purchase(Arc::new(purchase))])
            .collect())
    }

    fn newest_event(&self) -> Result<Seq, Error> {
        for day in self.rows.log_days().into_iter().rev() {
            if let Some((key, _)) = self
                .rows
                .scan_down(Tree::Log(day), &[keys::EVENT], None, 1)?
                .pop()
            {
                let seq = key
                    .get(1..)
                    .and_then(|b| b.try_into().ok())
                    .ok_or(Error::Damaged("an event key of a wrong length"))?;
                return Ok(Seq(u64::from_be_bytes(seq)));
            }
        }
        Ok(Seq::default())
    }
}
