//! Whether a call may be made as it is, looked at in the moment it is made: by how its subscriber fares, by its keys, its order, its end
//! and its ramp.

use ringback::core::id::SubscriptionId;
use ringback::core::subscription::Subscription;
use ringback::core::subscription::policy::Order;
use ringback::core::time::UnixMs;

use super::books::Sent;
use super::fare::{Back, Fare};
use super::model::{At, Logged, Model};
use super::network::Heard;
use super::process::{CONCURRENCY_PER_SUBSCRIPTION_MAX, RAMP};
use super::world::World;

/// How much later a start of the gateway or a first token may let a ramp begin again.
const RAMP_SLACK: f64 = 3.0;

/// The first thing that is wrong about it.
pub fn look(world: &World, sent: &Sent, heard: &Heard) -> Result<(), (u8, String)> {
    let mut model = world.model();
    let (ms, to) = (sent.began_ms, sent.subscription);
    let model = &mut *model;
    let fare = model
        .fares
        .get_mut(&to)
        .ok_or((6, "a call to somebody unknown".to_owned()))?;
    let most = fare.since(ms).map(places).max().unwrap_or(0);
    let in_flight = world.network.enter(to, most).map_err(broken)?;
    fare.call((ms, sent.now.steady), in_flight)
        .map_err(|why| broken(format!("{to} was called, and is {why}")))?;
    if fare.is_off() {
        world.count("a probe");
    }
    ramped(fare, world, ms).map_err(|what| (7, format!("{to} got {what}")))?;
    let signed = fare.since(ms).any(|version| signs(version, heard, sent.now.wall));
    if !signed {
        let what = format!("{} was not signed by all keys of {to} and no other", sent.event);
        return Err(broken(what));
    }
    let fare = &model.fares[&to];
    let Some(logged) = model.event(sent.event) else {
        return Ok(());
    };
    let place = (to, logged.seq);
    if !model.again.contains_key(&place) {
        in_time(fare, logged, sent).map_err(broken)?;
        in_order(model, (fare, to), logged, ms).map_err(broken)?;
    }
    Ok(())
}

fn broken(what: String) -> (u8, String) {
    (6, what)
}

fn places(version: &Subscription) -> usize {
    let wished = version
        .settings
        .policy
        .concurrency_max
        .map_or(usize::MAX, usize::from);
    wished.min(CONCURRENCY_PER_SUBSCRIPTION_MAX)
}

/// By every key that has not expired, and by none that has.
fn signs(version: &Subscription, heard: &Heard, now: UnixMs) -> bool {
    version.signing_keys.iter().all(|key| {
        let is_signed = heard.is_signed_by(std::slice::from_ref(&key.secret));
        is_signed == key.signs_at(now)
    })
}

/// No more calls since it came back than its ramp has let through by now. A start cannot tell a clock that was set ahead from time that passed,
/// so what it finds of a ramp may be over by then.
fn ramped(fare: &Fare, world: &World, ms: u64) -> Result<(), String> {
    let boots = world.boot_count();
    let is_set_ahead = |at: &At| at.was_set_ahead || at.clock_changes != world.wall.changes();
    let is_other = |back: &Back| back.at.boot != boots && is_set_ahead(&back.at);
    let Some(back) = fare.back().filter(|back| !is_other(back)) else {
        return Ok(());
    };
    let (for_ms, double_ms) = ((ms - back.at.decided_ms) as f64, RAMP.double_ms as f64);
    let grown = (for_ms / double_ms).exp2() - 1.0;
    let allowed = RAMP.per_second * double_ms / 1000.0 / std::f64::consts::LN_2 * grown;
    let slack = RAMP_SLACK + boots as f64;
    if f64::from(back.calls) <= allowed + slack {
        return Ok(());
    }
    Err(format!("{} calls within {for_ms} ms of coming back", back.calls))
}

/// Nothing is sent that is worthless by then.
fn in_time(fare: &Fare, logged: &Logged, sent: &Sent) -> Result<(), String> {
    let event = &logged.event;
    let is_worthless = fare.since(sent.began_ms).all(|version| {
        let end = version.settings.policy.expires_at(event.kind.as_str(), event.at);
        end.is_some_and(|end| sent.now.wall >= end)
    });
    if is_worthless {
        return Err(format!("{} was sent after its end", event.id));
    }
    Ok(())
}

/// Where a rental's events go out in order, all before it are done with.
fn in_order(
    model: &Model,
    (fare, to): (&Fare, SubscriptionId),
    logged: &Logged,
    ms: u64,
) -> Result<(), String> {
    let is_ordered = fare
        .all()
        .all(|version| version.settings.policy.order == Order::Rental);
    let Some(rental) = logged.event.rental.filter(|_| is_ordered) else {
        return Ok(());
    };
    let before = model.logged.iter().take_while(|other| other.seq < logged.seq);
    let mut before = before.filter(|other| other.event.rental == Some(rental) && other.at.ms < ms);
    match before.find(|other| model.due_at.contains_key(&(to, other.seq))) {
        Some(other) => Err(format!("{} overtook {} at {to}", logged.event.id, other.event.id)),
        None => Ok(()),
    }
}
