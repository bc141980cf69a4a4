//! The writer's part of a commit: guards checked against what is durable plus the group so far, sequences given, rows gathered.
//! One thread runs it, so a guard that holds here holds until the group is on the disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::access;
use super::deliveries::{Effects, Lines};
use super::inbound_log::{InboundLog, Keep};
use super::keys::{self, Tree};
use super::live::{Fact, Live};
use super::plan::{self, Plan};
use super::profiles;
use super::query::Query;
use super::rows::{Row, Rows};
use super::vault::Vault;
use super::verify;
use super::{Committed, Error, Novelty};
use crate::core::again::Again;
use crate::core::audit::Head;
use crate::core::health::Health;
use crate::core::id::{AccountId, MessageId, OutboundId, RentalId, ReplayId, Seq, SetId, SubscriptionId};
use crate::core::number::Number;
use crate::core::once::OnceId;
use crate::core::phone::PhoneNumber;
use crate::core::purchase::Purchase;
use crate::core::subscription::Subscription;
use crate::core::time::UnixMs;

/// How many days of logs are searched for an earlier copy of a message: today's, the 72 hours before (security.md), and a day for a clock that
/// stood or was wrong when the message came first.
const DEDUPE_DAYS: u32 = 5;

/// The commits that will be synced together.
#[derive(Default)]
pub struct Group {
    pub rows: Vec<Row>,
    pub facts: Vec<Fact>,
    /// Whether there is more in it than rows of the inbound log: only then it is worth a sync.
    pub must_sync: bool,
    /// What of the inbound log is to be kept, and how many rows of it there are in the group.
    keep: Option<(Keep, UnixMs)>,
    captures: usize,
    messages: HashSet<MessageId>,
    assigned: HashSet<MessageId>,
    pub(super) once: HashSet<OnceId>,
    outbound: HashMap<OutboundId, u32>,
    rentals: HashMap<RentalId, u32>,
    pub(super) numbers: HashMap<PhoneNumber, u32>,
    /// `None`: it ended.
    sets: HashMap<SetId, Option<u64>>,
    pub(super) subscriptions: HashMap<SubscriptionId, Option<Arc<Subscription>>>,
    pub(super) health: HashMap<SubscriptionId, Health>,
    pub(super) lines: Lines,
    pub(super) replays: HashMap<ReplayId, u32>,
    pub(super) purchases: HashMap<RentalId, Arc<Purchase>>,
    pub(super) again: BTreeMap<(SubscriptionId, Seq), Again>,
    pub(super) access: access::InGroup,
    pub(super) verify: verify::InGroup,
    pub(super) profiles: profiles::InGroup,
}

/// What the writer carries from group to group.
pub struct Writer<R> {
    pub rows: R,
    pub vault: Vault,
    pub live: Arc<Live>,
    pub last_seq: Seq,
    pub inbound_log: InboundLog,
    /// Where the audit log's chain ends.
    pub audit: Head,
}

/// Rows of the inbound log that a group deletes besides two for each that it adds.
const TRIM_ROWS: usize = 64;

impl<R: Rows> Writer<R> {
    /// Adds one commit to the group, or answers why not. An error leaves the group as it was.
    pub fn execute(&mut self, plan: Plan, group: &mut Group) -> Result<Committed, Error> {
        if let Some(keep) = plan.keep {
            group.keep = Some((keep, plan.now.earlier()));
            self.log_inbound(plan.capture, group);
            return Ok(Committed::New(None));
        }
        let known = self.known(&plan, group)?;
        if !known.is_empty() {
            return Ok(Committed::Known(known));
        }
        if self.is_outdated(&plan, group)? || self.was_answered(&plan, group)? {
            return Ok(Committed::Conflict);
        }
        let mut effects = Effects {
            rows: plan.rows,
            facts: plan.facts,
            ..Effects::default()
        };
        self.meter_all(&plan.usage, &mut effects, plan.now)?;
        let mut seq = None;
        for (event, targets) in plan.events {
            seq = Some(self.append(event, &targets, (group, &mut effects), plan.now)?);
        }
        if let Some((attempt, rules)) = plan.attempt {
            seq = self.record(&attempt, &rules, (group, &mut effects), plan.now)?;
        }
        if let Some((id, health)) = plan.health {
            seq = self.tell_health(id, &health, (group, &mut effects), plan.now)?;
        }
        self.redeliver_all(plan.again, (group, &mut effects), plan.now)?;
        if let Some(due) = plan.forgotten {
            self.settle(&due, (group, &mut effects), plan.now)?;
        }
        if let Some(moved) = plan.rescheduled {
            self.reschedule(moved, (group, &mut effects))?;
        }
        self.add_access(plan.access, group, &mut effects)?;
        self.add_numbers(plan.new_numbers, group, &mut effects)?;
        effects
            .rows
            .extend(self.note_verify(plan.verify, group, plan.now.wall)?);
        group
            .outbound
            .extend(plan.outbound_were.iter().map(|(id, _, version)| (*id, *version)));
        let assigned = plan.unmatched_were.iter().map(|place| place.id);
        group.assigned.extend(assigned);
        let messages = plan.new_messages.into_iter().map(|(id, _)| id);
        group.messages.extend(messages);
        group.once.extend(plan.once.map(|(id, _)| id));
        group.note(&effects.facts);
        group.must_sync = true;
        group.lines.extend(effects.lines);
        group.again.extend(effects.again);
        group.rows.append(&mut effects.rows);
        group.facts.append(&mut effects.facts);
        Ok(Committed::New(seq))
    }

    fn log_inbound(&mut self, capture: Option<Row>, group: &mut Group) {
        if let Some(row) = capture {
            self.inbound_log.note(&row);
            group.captures += 1;
            group.rows.push(row);
        }
    }

    /// Those that are not known yet, and that no rental has from a supplier.
    fn add_numbers(&self, numbers: Vec<Number>, group: &Group, effects: &mut Effects) -> Result<(), Error> {
        for number in numbers {
            if !self.is_taken(&number.number, group) {
                let (row, fact) = plan::number_row(number, &self.vault)?;
                effects.rows.push(row);
                effects.facts.push(fact);
            }
        }
        Ok(())
    }

    /// The last thing before a group is written: what of the inbound log is too much goes with it.
    pub fn trim(&mut self, group: &mut Group) -> Result<(), Error> {
        let Some((keep, now)) = group.keep else {
            return Ok(());
        };
        let rows_max = TRIM_ROWS + 2 * group.captures;
        let rows = self.inbound_log.trim(&self.rows, keep, now, rows_max)?;
        group.rows.extend(rows);
        Ok(())
    }

    /// Which of the new messages are there already.
    fn known(&self, plan: &Plan, group: &Group) -> Result<Vec<MessageId>, Error> {
        let mut known = Vec::new();
        for (id, novelty) in &plan.new_messages {
            let is_known = group.messages.contains(id)
                || self.is_stored(*id, plan.now.earlier())?
                || (*novelty == Novelty::NewForLong && self.is_marked(*id, plan.now.earlier())?);
            if is_known {
                known.push(*id);
            }
        }
        Ok(known)
    }

    fn is_marked(&self, id: MessageId, now: UnixMs) -> Result<bool, Error> {
        for tree in Tree::seen_around(now) {
            if self.rows.get(tree, &keys::seen(id))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_stored(&self, id: MessageId, now: UnixMs) -> Result<bool, Error> {
        let key = keys::message(id);
        let Tree::Log(today) = Tree::of(now) else {
            return Ok(false);
        };
        // The clock may have been set back since, so the logs of days to come are asked too where there are any.
        let recent = |day: u32| day > today.saturating_sub(DEDUPE_DAYS);
        for day in self.rows.log_days().into_iter().filter(|day| recent(*day)) {
            if self.rows.get(Tree::Log(day), &key)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_outdated(&self, plan: &Plan, group: &Group) -> Result<bool, Error> {
        let is_outdated =
            self.is_access_outdated(&plan.access, group) || self.is_profile_outdated(&plan.profiles, group);
        if is_outdated || self.is_verify_outdated(&plan.verify, group)? {
            return Ok(true);
        }
        for (account, id, was) in &plan.rentals_were {
            if self.rental_version(account, *id, group)? != Some(*was) {
                return Ok(true);
            }
        }
        for place in &plan.unmatched_were {
            let key = keys::unmatched(place.at, place.id);
            let is_listed = self.rows.get(Tree::of(place.at), &key)?.is_some();
            if !is_listed || group.assigned.contains(&place.id) {
                return Ok(true);
            }
        }
        for (id, was, _) in &plan.outbound_were {
            let is = match group.outbound.get(id) {
                Some(version) => Some(*version),
                None => self.query().outbound(*id)?.map(|outbound| outbound.version),
            };
            if is != *was {
                return Ok(true);
            }
        }
        for (id, was) in &plan.sets_were {
            let is = group.sets.get(id).copied();
            if is.unwrap_or_else(|| self.live.parts(*id).map(|set| set.version)) != *was {
                return Ok(true);
            }
        }
        if plan
            .replay_was
            .is_some_and(|was| self.replay_is_outdated(was, group))
        {
            return Ok(true);
        }
        if plan
            .must_be_there
            .is_some_and(|id| self.subscription(id, group).is_none())
        {
            return Ok(true);
        }
        if let Some((id, was)) = plan.subscription_was
            && self.subscription(id, group).map(|s| s.version) != Some(was)
        {
            return Ok(true);
        }
        let number = plan.number_was.as_ref().is_some_and(|(number, was)| {
            let is = group
                .numbers
                .get(number)
                .copied()
                .or_else(|| self.live.number(number).map(|n| n.version));
            is != Some(*was)
        });
        Ok(number || self.is_supply_outdated(plan, group))
    }

    /// Memory forgets a rental some time after its end, and at a restart; then the disk knows.
    fn rental_version(&self, account: &AccountId, id: RentalId, group: &Group) -> Result<Option<u32>, Error> {
        if let Some(version) = group.rentals.get(&id) {
            return Ok(Some(*version));
        }
        if let Some(rental) = self.live.rental(id) {
            return Ok(Some(rental.version));
        }
        Ok(self.query().rental(account, id)?.map(|rental| rental.version))
    }

    pub(super) fn query(&self) -> Query<'_, R> {
        Query {
            rows: &self.rows,
            vault: &self.vault,
        }
    }
}

impl Group {
    /// Remembers what later commits of the same group must see.
    fn note(&mut self, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::Rental(rental) => drop(self.rentals.insert(rental.id, rental.version)),
                Fact::Number(number) => drop(self.numbers.insert(number.number.clone(), number.version)),
                Fact::Parts(set) => drop(self.sets.insert(set.id, Some(set.version))),
                Fact::PartsGone(id) => drop(self.sets.insert(*id, None)),
                Fact::Subscription(s) => drop(self.subscriptions.insert(s.id, Some(s.clone()))),
                Fact::Unsubscribed(id) => drop(self.subscriptions.insert(*id, None)),
                Fact::Purchase(purchase) => drop(self.purchases.insert(purchase.rental, purchase.clone())),
                Fact::Profiled(fact) => self.profiles.note(fact),
                Fact::Replay(replay) => drop(self.replays.insert(replay.id, replay.version)),
                Fact::Health(id, health) => drop(self.health.insert(*id, *health)),
                Fact::Account(account) => self.access.note_account(&account.id, Some(account.clone())),
                Fact::AccountGone(id) => self.access.note_account(id, None),
                Fact::Key(key) => self.access.note_key(key.hash, Some(key.version)),
                Fact::KeyGone(hash) => self.access.note_key(*hash, None),
                Fact::KeyUsed(..)
                | Fact::Service(..)
                | Fact::Event(..)
                | Fact::PurchaseGone(_)
                | Fact::ReplayGone(_)
                | Fact::Due(_)
                | Fact::Settled(_)
                | Fact::Waits(_)
                | Fact::WaitsNoMore(_) => {}
            }
        }
    }
}
