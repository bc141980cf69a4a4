//! 6 and 7: what is owed is sent, on its schedule, as often as it must be and no oftener, and nobody waits for another's sake.

use ringback::core::attempt::Attempt;
use ringback::core::delivery::{Next, Outcome};
use ringback::core::id::SubscriptionId;
use ringback::core::retry::{DELAY_MAX_MS, Policy};
use ringback::core::subscription::Subscription;
use ringback::core::subscription::policy::Order;
use ringback::core::time::UnixMs;

use super::{News, ensure};
use crate::simulation::books::{Books, Came, Sent};
use crate::simulation::fare::{Back, Fare};
use crate::simulation::model::{Logged, Model, Tried};
use crate::simulation::process::retry;
use crate::simulation::world::World;

/// A first attempt follows its commit within this, where the subscriber and the gateway have been well for so long.
const PROMPT_MS: u64 = 1000;
/// What came of a call is acted upon within this.
const HEARD_WITHIN_MS: u64 = 50;
const WELL_MS: u64 = 60_000;
/// What was held in a pause has gone out by the ramp within this.
const BACK_MS: u64 = 180_000;
/// A decision and its commit may lie so far apart.
const COMMIT_MS: u64 = 10_000;

fn event_of<'a>(model: &'a Model, sent: &Sent) -> Result<&'a Logged, String> {
    let found = model.event(sent.event);
    found.ok_or_else(|| format!("{} is not on the disk", sent.event))
}

/// No attempt is early, and none comes after the last.
pub fn on_schedule(world: &World, news: &News) -> Result<(), String> {
    let (books, model) = (world.books(), world.model());
    for sent in &books.sent[news.sent.clone()] {
        event_of(&model, sent)?;
        ensure(sent.due_at.is_some(), || {
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
    for Tried { attempt, at } in &model.tried[news.tried.clone()] {
        if attempt.outcome == Outcome::Untried {
            continue;
        }
        let calls = books.calls(attempt.due.subscription, attempt.event);
        // A wall clock may stand or repeat itself.
        let took_ms = u64::from(attempt.timing.total_us / 1000);
        let same = |sent: &&Sent| {
            // Both ends are cut to whole milliseconds, and so is what lies between.
            let is_as_long = sent
                .ended_ms
                .is_some_and(|ended| (took_ms..=took_ms + 1).contains(&ended.saturating_sub(sent.began_ms)));
            let is_over = sent.ended_ms <= Some(at.ms);
            sent.now.wall == attempt.started_at && is_as_long && is_over
        };
        let calls: Vec<&Sent> = calls.filter(same).collect();
        let fare = &model.fares[&attempt.due.subscription];
        // Nobody changes a schedule here.
        let own = fare
            .all()
            .last()
            .and_then(|version| version.settings.policy.retry.clone());
        let policy = own.unwrap_or_else(retry);
        // While the wall's clock stands, an attempt that was asked for looks like one that was due: it is one of them.
        let mut wrong = format!("an attempt of {} was never made", attempt.event);
        let mut waits = calls
            .iter()
            .map(|call| waits_long_enough(attempt, call.now.steady, &policy));
        let is_right = waits.any(|waits| waits.map_err(|why| wrong = why).is_ok());
        ensure(is_right, || wrong)?;
    }
    Ok(())
}

fn waits_long_enough(attempt: &Attempt, started_at: UnixMs, policy: &Policy) -> Result<(), String> {
    let Next::Retry { at: next } = attempt.next else {
        return Ok(());
    };
    let hint_ms = attempt.outcome.retry_after_ms().unwrap_or(0);
    let Some(delay_ms) = policy.delay_ms(attempt.due.spent + 1) else {
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
    let (books, model) = (world.books(), world.model());
    for sent in &books.sent[news.sent.clone()] {
        let calls = books.calls(sent.subscription, sent.event);
        let same = calls
            .filter(|other| other.boot == sent.boot && other.recorded == sent.recorded)
            .count();
        // What was asked for again goes out beside the other.
        let logged = event_of(&model, sent)?;
        let is_twice = model.again.contains_key(&(sent.subscription, logged.seq));
        ensure(same == 1 || is_twice, || {
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
        let is_success = matches!(attempt.next, Next::Delivered | Next::Recovered);
        let is_true = !is_success || calls.any(|call| call.came == Came::Accepted);
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

/// A subscriber that answered 410 is not called again before somebody resumes it, whatever is on the disk, and though the disk be full.
pub fn silent_when_gone(world: &World, news: &News) -> Result<(), String> {
    let (books, model) = (world.books(), world.model());
    for sent in &books.sent[news.sent.clone()] {
        let back_ms = model.fares[&sent.subscription]
            .back()
            .map_or(0, |back| back.at.ms);
        let said_gone = |other: &Sent| {
            let is_known = other
                .ended_ms
                .is_some_and(|at| at + HEARD_WITHIN_MS < sent.began_ms);
            let since_then = other.boot == sent.boot && other.began_ms > back_ms;
            let same = other.subscription == sent.subscription;
            same && since_then && other.came == Came::Refused(410) && is_known
        };
        ensure(!books.sent.iter().any(said_gone), || {
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

/// Neither a rate nor an order nor few places of its own hold it up.
fn is_unbounded(version: &Subscription) -> bool {
    let policy = &version.settings.policy;
    policy.rate.is_none() && policy.concurrency_max.is_none() && policy.order == Order::None
}

pub fn not_held_up_by_others(world: &World, news: &News) -> Result<(), String> {
    let (books, model) = (world.books(), world.model());
    for sent in &books.sent[news.sent.clone()] {
        let logged = event_of(&model, sent)?;
        let waited_ms = sent.began_ms - logged.at.ms;
        let waits = sent.recorded == 0 && sent.well_ms > WELL_MS && waited_ms > PROMPT_MS;
        let fare = &model.fares[&sent.subscription];
        // A probe may be the first attempt of what happened since it was switched off.
        let is_back = |back: Back| back.at.ms + BACK_MS > sent.began_ms;
        let was_off = fare.is_off() || fare.back().is_some_and(is_back);
        // What was asked for long after it happened counts from then on.
        let was_asked_for = model.again.contains_key(&(sent.subscription, logged.seq));
        let is_bounded = was_off || was_asked_for || !fare.all().all(is_unbounded);
        let is_told = || model.tried.iter().any(|tried| asks_to_wait(tried, sent));
        let idle_ms = || waited_ms.saturating_sub(busy_ms(&books, sent, logged.at.ms));
        let held_up = waits && !is_bounded && !is_told() && idle_ms() > PROMPT_MS;
        ensure(!held_up, || {
            format!(
                "{} is well, and waited {waited_ms} ms for {}",
                sent.subscription, sent.event
            )
        })?;
    }
    Ok(())
}

/// How long calls to the same subscriber were under way between the event's commit and this call: whoever has few places left, because it hung
/// before, and has just been sent a replay, is held up by nobody else.
fn busy_ms(books: &Books, sent: &Sent, since_ms: u64) -> u64 {
    let own = books
        .sent
        .iter()
        .filter(|other| other.subscription == sent.subscription);
    let in_between = own.map(|other| {
        let ended_ms = other.ended_ms.unwrap_or(sent.began_ms).min(sent.began_ms);
        ended_ms.saturating_sub(other.began_ms.max(since_ms))
    });
    in_between.sum()
}

/// Everyone who wanted an event is owed it, and has accepted it, or all attempts were made; what was held is not lost.
pub fn each_event_is_delivered_or_given_up(world: &World, _: &News) -> Result<(), String> {
    let (books, model) = (world.books(), world.model());
    for logged in &model.logged {
        let (kind, account) = (logged.event.kind.as_str(), &logged.event.account);
        for (id, fare) in &model.fares {
            let left = books
                .subscribed(*id)
                .is_some_and(|known| known.until_ms.is_some());
            if left || fare.deleted_ms.is_some() {
                continue;
            }
            let decided_ms = logged.at.ms.saturating_sub(COMMIT_MS);
            let of_account = |version: &Subscription| version.account == *account;
            let mut wants = fare
                .since(decided_ms)
                .map(|version| of_account(version) && version.wants(kind, None) && !is_about(logged, *id));
            let is_target = logged.targets.contains(id);
            let was_there = fare.since_ms() < decided_ms;
            let is_right = wants.any(|wants| wants == is_target) || !(was_there || is_target);
            ensure(is_right, || {
                format!("{} {kind} is owed to {id}: {is_target}", logged.event.id)
            })?;
            if is_target {
                is_settled(&model, (*id, fare), logged)?;
            }
        }
    }
    Ok(())
}

/// Whether it is what the account's others hear of this subscription.
fn is_about(logged: &Logged, id: SubscriptionId) -> bool {
    logged.event.kind.is_operational() && logged.event.body.contains(&id.to_string())
}

fn is_settled(model: &Model, (id, fare): (SubscriptionId, &Fare), logged: &Logged) -> Result<(), String> {
    let own = model.attempts_of(id, logged.seq);
    let last = own.filter(|attempt| !attempt.due.is_manual()).last();
    let end = last.map(|attempt| (attempt.next, attempt.due.spent + 1));
    let policies = || fare.all().map(|version| &version.settings.policy);
    let is_settled = match end {
        Some((Next::Delivered | Next::Recovered, _)) => true,
        Some((Next::Exhausted, spent)) => policies().any(|policy| {
            let own = policy.retry.clone().unwrap_or_else(retry);
            own.delay_ms(spent).is_none()
        }),
        Some((Next::Expired, _)) => policies().any(|policy| policy.deadline_s.is_some()),
        _ => false,
    };
    let again = model.again.get(&(id, logged.seq)).copied().flatten();
    ensure(is_settled && again.is_none(), || {
        format!(
            "{} {:?} was never settled with {id}: {end:?}, asked for again: {again:?}",
            logged.event.id, logged.event.kind
        )
    })
}
