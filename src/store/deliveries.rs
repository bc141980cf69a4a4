//! The writer's part for deliveries: whom an event is owed to, what an attempt settles, and what stands behind it in line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Error;
use super::execute::{Group, Writer};
use super::feed::Entry;
use super::keys::{self, Tree};
use super::live::Fact;
use super::owed::HEAD_MAX;
use super::plan;
use super::rows::{Row, Rows, due_value};
use crate::core::again::Again;
use crate::core::attempt::Attempt;
use crate::core::delivery::{Due, Line};
use crate::core::event::{self, Event};
use crate::core::health::{self, Health};
use crate::core::id::{Seq, SubscriptionId};
use crate::core::subscription::Subscription;
use crate::core::subscription::policy::Order;
use crate::core::time::Moment;

/// What one commit writes and changes.
#[derive(Default)]
pub struct Effects {
    pub rows: Vec<Row>,
    pub facts: Vec<Fact>,
    pub lines: Lines,
    /// How deliveries stand after this of which an attempt was made or that were asked for again.
    pub again: BTreeMap<(SubscriptionId, Seq), Again>,
}

/// Places in lines that are taken (true) or given up (false) and not on the disk yet.
#[derive(Default)]
pub struct Lines(BTreeMap<(SubscriptionId, Line, Seq), bool>);

impl Lines {
    // Not `BTreeMap::append`, which builds the whole map anew for every commit of a group.
    pub fn extend(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    fn of(&self, id: SubscriptionId, line: Line) -> impl Iterator<Item = (Seq, bool)> {
        self.0
            .range((id, line, Seq(0))..=(id, line, Seq(u64::MAX)))
            .map(|((_, _, seq), taken)| (*seq, *taken))
    }
}

impl Effects {
    pub fn owe(&mut self, due: Due) {
        let key = keys::due(&due);
        let value = due_value(&key, &due);
        self.rows.push(Row::put(Tree::State, key, value));
        self.facts.push(Fact::Due(due));
    }

    pub fn unowe(&mut self, due: &Due) {
        self.rows.push(Row::delete(Tree::State, keys::due(due)));
        self.facts.push(Fact::Settled(*due));
    }

    fn put_in_line(&mut self, id: SubscriptionId, line: Line, event: Seq) {
        let key = keys::place_in_line(id, line, event);
        self.rows.push(Row::put(Tree::State, key, Vec::new()));
        self.lines.0.insert((id, line, event), true);
    }

    fn take_from_line(&mut self, id: SubscriptionId, line: Line, event: Seq) {
        let key = keys::place_in_line(id, line, event);
        self.rows.push(Row::delete(Tree::State, key));
        self.lines.0.insert((id, line, event), false);
    }
}

impl<R: Rows> Writer<R> {
    /// Gives the event its sequence and owes it to its targets.
    pub fn append(
        &mut self,
        event: Arc<Event>,
        targets: &[SubscriptionId],
        (group, effects): (&Group, &mut Effects),
        now: Moment,
    ) -> Result<Seq, Error> {
        let seq = Seq::next(self.last_seq, now.wall);
        let key = keys::event(seq);
        let sealed = self.vault.seal(&key, &*event)?;
        effects
            .rows
            .push(Row::put(Tree::of(seq.written_at()), key, sealed));
        let entry = Entry {
            event: event.id,
            kind: event.kind.as_str().into(),
            rental: event.rental,
            targets: targets.to_vec(),
        };
        let key = keys::feed(&event.account, seq);
        let value = entry.value(&key);
        effects
            .rows
            .push(Row::put(Tree::of(seq.written_at()), key, value));
        for id in targets {
            let ordered = |s: &Subscription| s.settings.policy.order == Order::Rental;
            let line = self.subscription(*id, group).filter(|s| ordered(s));
            let line = line.and_then(|_| event.rental.map(Line::of));
            let due = Due {
                subscription: *id,
                due_at: now.steady,
                event: seq,
                attempts: 0,
                spent: 0,
                line,
                asked_at: None,
            };
            self.owe(due, group, effects)?;
        }
        effects.facts.push(Fact::Event(seq, event));
        self.last_seq = seq;
        Ok(seq)
    }

    /// Makes it due, or lets it wait where another stands before it in line.
    fn owe(&self, due: Due, group: &Group, effects: &mut Effects) -> Result<(), Error> {
        let Some(line) = due.line else {
            effects.owe(due);
            return Ok(());
        };
        let waits = self
            .first_in_line(due.subscription, line, group, effects)?
            .is_some();
        effects.put_in_line(due.subscription, line, due.event);
        if waits {
            effects.facts.push(Fact::Waits(due.subscription));
        } else {
            effects.owe(due);
        }
        Ok(())
    }

    /// Done with for good; what stands behind it in line is due at its own event's time, so that the oldest goes first.
    pub fn settle(
        &self,
        due: &Due,
        (group, effects): (&Group, &mut Effects),
        now: Moment,
    ) -> Result<(), Error> {
        effects.unowe(due);
        let Some(line) = due.line else { return Ok(()) };
        effects.take_from_line(due.subscription, line, due.event);
        if let Some(event) = self.first_in_line(due.subscription, line, group, effects)? {
            effects.facts.push(Fact::WaitsNoMore(due.subscription));
            effects.owe(Due {
                due_at: event.written_at().min(now.steady),
                event,
                attempts: 0,
                spent: 0,
                ..*due
            });
        }
        Ok(())
    }

    fn first_in_line(
        &self,
        id: SubscriptionId,
        line: Line,
        group: &Group,
        effects: &Effects,
    ) -> Result<Option<Seq>, Error> {
        let mut pending: BTreeMap<Seq, bool> = group.lines.of(id, line).collect();
        pending.extend(effects.lines.of(id, line));
        let given_up = pending.values().filter(|taken| !**taken).count();
        let stored = self.rows.scan(Tree::State, &keys::line(id, line), given_up + 1)?;
        for (key, _) in stored {
            let seq =
                keys::parse_place_in_line(&key).ok_or(Error::Damaged("a place in line of a wrong length"))?;
            pending.entry(seq).or_insert(true);
        }
        Ok(pending.into_iter().find_map(|(seq, taken)| taken.then_some(seq)))
    }

    /// The attempt, what is owed after it, the subscription's health, and what its account hears of it; the last event of these.
    pub fn record(
        &mut self,
        attempt: &Attempt,
        rules: &health::Rules,
        (group, effects): (&Group, &mut Effects),
        now: Moment,
    ) -> Result<Option<Seq>, Error> {
        let due = attempt.due;
        let logged = &self.counted(attempt, group, effects)?;
        match logged.owed() {
            _ if due.is_manual() => {}
            Some(next) => {
                effects.unowe(&due);
                effects.owe(next);
            }
            None => self.settle(&due, (group, effects), now)?,
        }
        let key = keys::attempt(due.subscription, (due.event, logged.number()));
        let sealed = self.vault.seal(&key, logged)?;
        effects
            .rows
            .push(Row::put(Tree::of(due.event.written_at()), key, sealed));
        let Some(subscription) = self.subscription(due.subscription, group) else {
            return Ok(None);
        };
        let mut told = event::of_exhausted(&subscription.account, logged, now.wall)
            .map(|event| self.tell_others(event, due.subscription, (group, effects), now))
            .transpose()?;
        let before = self.health(due.subscription, group);
        let after = before.after(&attempt.outcome, attempt.next, rules, now.steady);
        if after != before {
            let (row, fact) = plan::health_row(due.subscription, after, &self.vault)?;
            effects.rows.push(row);
            effects.facts.push(fact);
            let health = self.tell_health(due.subscription, &after, (group, effects), now)?;
            told = health.or(told);
        }
        Ok(told)
    }

    /// Tells the account that its subscription is switched off, or back, where it is by this change of its health.
    pub fn tell_health(
        &mut self,
        id: SubscriptionId,
        after: &Health,
        (group, effects): (&Group, &mut Effects),
        now: Moment,
    ) -> Result<Option<Seq>, Error> {
        let before = self.health(id, group);
        let subscription = self.subscription(id, group);
        let event = subscription.and_then(|s| event::of_health(&s, &before, after, now.wall));
        event
            .map(|event| self.tell_others(event, id, (group, effects), now))
            .transpose()
    }

    /// An event about a subscription, owed to the account's others that want it.
    fn tell_others(
        &mut self,
        event: Event,
        about: SubscriptionId,
        (group, effects): (&Group, &mut Effects),
        now: Moment,
    ) -> Result<Seq, Error> {
        let known = self.live.subscriptions(&event.account);
        let unchanged = known.iter().filter(|s| !group.subscriptions.contains_key(&s.id));
        let changed = group.subscriptions.values().flatten();
        let wants = |s: &&Arc<Subscription>| {
            s.id != about && s.account == event.account && s.wants(event.kind.as_str(), None)
        };
        let others = unchanged.chain(changed).filter(wants).map(|s| s.id);
        let targets: BTreeSet<SubscriptionId> = others.collect();
        self.append(
            Arc::new(event),
            &targets.into_iter().collect::<Vec<_>>(),
            (group, effects),
            now,
        )
    }

    /// Reads on the queues whose head has grown short; after a group is durable, so that nothing is seen before.
    pub fn top_up(&self) -> Result<(), Error> {
        for place in self.live.short() {
            let (read, more) = self.query().owed_after(place, HEAD_MAX)?;
            self.live.top_up(place, read, more);
        }
        Ok(())
    }

    pub fn subscription(&self, id: SubscriptionId, group: &Group) -> Option<Arc<Subscription>> {
        match group.subscriptions.get(&id) {
            Some(changed) => changed.clone(),
            None => self.live.subscription(id),
        }
    }

    fn health(&self, id: SubscriptionId, group: &Group) -> Health {
        let changed = group.health.get(&id).copied();
        changed.unwrap_or_else(|| self.live.health(id))
    }
}
