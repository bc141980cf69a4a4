//! 6 and 7: what is owed is sent, on its schedule, as often as it must be and no oftener, and nobody waits for another's sake.

use ringback::core::attempt::Attempt;
use ringback::core::delivery::Next;
use ringback::core::id::SubscriptionId;
use ringback::core::retry::DELAY_MAX_MS;
use ringback::core::time::UnixMs;

use super::{News, ensure};
use crate::simulation::books::{Came, Sent};
use crate::simulation::model::{Logged, Model, Tried};
use crate::simulation::process::retry;
use crate::simulation::world::World;

/// A first attempt follows its commit within this, where the subscriber and the gateway have been well for so long.
const PROMPT_MS: u64 = 1000;
/// A record is on the disk within this.
const RECORDED_WITHIN_MS: u64 = 10_000;
const WELL_MS: u64 = 60_000;

fn event_of<'a>(model: &'a Model, sent: &Sent) -> Result<&'a Logged, String> {
    let found = model.event(sent.event);
    found.ok_or_else(|| format!("{} is not on the disk", sent.event))
}

/// No attempt is early, and none comes after the last.
pub fn on_schedule(world: &World, news: &News) -> Result<(), String> {
    let (books, model) = (world.books(), world.model());
    for sent in &books.sent[news.sent.clone()] {
        let logged = event_of(&model, sent)?;
        let before = model.attempt(sent.subscription, logged.seq, sent.recorded);
        let is_over = before.is_some_and(|attempt| attempt.next.owed_at(&attempt.due).is_none());
        ensure(!is_over, || {
            format!("{} was sent again to {}", sent.event, sent.subscription)
        })?;
        ensure(sent.due_at <= Some(sent.now.steady), || {
            format!(
                "{} was sent to {} at {}, due at {:?}",
                sent.event, sent.subscription, sent.now.steady, sent.due_at
            )
        })?;
    }
    Ok(())
}

/// A retry waits for its delay or its subscriber's hint, whichever is longer, and at most a tenth more.
pub fn retries_wait(world: &World, news: &News) -> Result<(), String> {
    let (books, model) = (world.books(), world.model());
    for Tried { attempt, .. } in &model.tried[news.tried.clone()] {
        let calls = books.calls(attempt.due.subscription, attempt.event);
        let same = |sent: &&Sent| sent.recorded == usize::from(attempt.due.attempts);
        let call = calls.filter(same).last();
        let call = call.ok_or_else(|| format!("an attempt of {} was never made", attempt.event))?;
        waits_long_enough(attempt, call.now.steady)?;
    }
    Ok(())
}

fn waits_long_enough(attempt: &Attempt, started_at: UnixMs) -> Result<(), String> {
    let Next::Retry { at: next } = attempt.next else {
        return Ok(());
    };
    let hint_ms = attempt.outcome.retry_after_ms().unwrap_or(0);
    let Some(delay_ms) = retry().delay_ms(attempt.number()) else {
        return Err(format!(
            "{} is tried more often than the schedule says",
            attempt.event
        ));
    };
    let base_ms = delay_ms.max(hint_ms).min(DELAY_MAX_MS);
    let ended_at = started_at.plus_ms(u64::from(attempt.timing.total_us / 1000));
    let waits_ms = next.since(ended_at);
    ensure((base_ms..=base_ms + base_ms / 10 + 2).contains(&waits_ms), || {
        format!(
            "{} waits {waits_ms} ms after attempt {}, not {base_ms}",
            attempt.event,
            attempt.number()
        )
    })
}

/// The same attempt is made twice only if the gateway died between its call and its record.
pub fn recorded_before_repeated(world: &World, news: &News) -> Result<(), String> {
    let books = world.books();
    for sent in &books.sent[news.sent.clone()] {
        let calls = books.calls(sent.subscription, sent.event);
        let same = calls
            .filter(|other| other.boot == sent.boot && other.recorded == sent.recorded)
            .count();
        ensure(same == 1, || {
            format!(
                "{} was sent twice to {} as attempt {}",
                sent.event,
                sent.subscription,
                sent.recorded + 1
            )
        })?;
    }
    Ok(())
}

/// What is recorded as delivered was accepted.
pub fn success_is_the_subscribers_word(world: &World, news: &News) -> Result<(), String> {
    let (books, model) = (world.books(), world.model());
    for Tried { attempt, .. } in &model.tried[news.tried.clone()] {
        let mut calls = books.calls(attempt.due.subscription, attempt.event);
        let is_true = attempt.next != Next::Delivered || calls.any(|call| call.came == Came::Accepted);
        ensure(is_true, || {
            let subscription = attempt.due.subscription;
            format!(
                "{} is recorded as delivered to {subscription}, which refused it",
                attempt.event
            )
        })?;
    }
    Ok(())
}

/// A subscriber that wants nothing more is not called again; calls under way then may end.
pub fn silent_when_off(world: &World, news: &News) -> Result<(), String> {
    let (books, model) = (world.books(), world.model());
    for sent in &books.sent[news.sent.clone()] {
        let off_ms = model.off_ms.get(&sent.subscription);
        ensure(off_ms.is_none_or(|off_ms| sent.began_ms <= *off_ms), || {
            format!("{} was called after it was switched off", sent.subscription)
        })?;
        let said_gone = |other: &Sent| {
            let recorded = other.began_ms + RECORDED_WITHIN_MS < sent.began_ms;
            other.boot == sent.boot && other.came == Came::Refused(410) && recorded
        };
        let mut calls = books.calls(sent.subscription, sent.event);
        ensure(!calls.any(said_gone), || {
            format!("{} said 410 and was called again", sent.subscription)
        })?;
    }
    Ok(())
}

/// Whether the subscriber's own hint, which holds for all that it is owed, was still to be waited for shortly before this call.
fn asks_to_wait(tried: &Tried, sent: &Sent) -> bool {
    let Some(hint_ms) = tried.attempt.outcome.retry_after_ms() else {
        return false;
    };
    // A restart counts on from the wall's time, which may have been set back, but waits for no more than a day.
    let longest_ms = if sent.boot == tried.at.boot {
        hint_ms
    } else {
        DELAY_MAX_MS
    };
    let waits_until_ms = tried.at.ms + longest_ms + longest_ms / 10 + WELL_MS;
    tried.attempt.due.subscription == sent.subscription && waits_until_ms > sent.began_ms
}

pub fn not_held_up_by_others(world: &World, news: &News) -> Result<(), String> {
    let (books, model) = (world.books(), world.model());
    for sent in &books.sent[news.sent.clone()] {
        let logged = event_of(&model, sent)?;
        let waited_ms = sent.began_ms - logged.at.ms;
        let waits = sent.recorded == 0 && sent.well_ms > WELL_MS && waited_ms > PROMPT_MS;
        let held_up = waits && !model.tried.iter().any(|tried| asks_to_wait(tried, sent));
        ensure(!held_up, || {
            format!(
                "{} is well, and waited {waited_ms} ms for {}",
                sent.subscription, sent.event
            )
        })?;
    }
    Ok(())
}

/// Every subscriber that wanted an event has accepted it, or all attempts were made.
pub fn each_event_is_delivered_or_given_up(world: &World, _: &News) -> Result<(), String> {
    let (books, model) = (world.books(), world.model());
    for logged in &model.logged {
        for known in &books.subscribed {
            let there = known.since_ms + 10_000 < logged.at.ms && known.until_ms.is_none();
            let wants = known
                .patterns
                .iter()
                .any(|p| p.matches(logged.event.kind.as_str()));
            let off = model.off_ms.contains_key(&known.id);
            if there && wants && known.account == logged.event.account && !off {
                is_settled(&model, known.id, logged)?;
            }
        }
        let foreign = |id: &&SubscriptionId| {
            books
                .subscribed(**id)
                .is_some_and(|known| known.account != logged.event.account)
        };
        let foreign = logged.targets.iter().find(foreign);
        ensure(foreign.is_none(), || {
            format!("{} is owed to a stranger", logged.event.id)
        })?;
    }
    Ok(())
}

fn is_settled(model: &Model, id: SubscriptionId, logged: &Logged) -> Result<(), String> {
    let last = model.attempt(id, logged.seq, model.attempts(id, logged.seq));
    let end = last.map(|attempt| (attempt.next, attempt.number()));
    let is_settled = match end {
        Some((Next::Delivered, _)) => true,
        Some((Next::Exhausted, made)) => retry().delay_ms(made).is_none(),
        _ => false,
    };
    ensure(is_settled, || {
        format!(
            "{} {:?} was never settled with {id}: {end:?}",
            logged.event.id, logged.event.kind
        )
    })
}
