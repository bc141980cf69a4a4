//! What a clock that is set ahead or back does to deliveries: nothing while the gateway runs, and over a restart at most one interval
//! of the schedule.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use ringback::core::subscription::{Pattern, Settings};

use super::customer::{self, ACCOUNTS, account};
use super::model::Tried;
use super::network::Weather;
use super::script;
use super::seeds::play_with;
use super::subscriber;
use super::world::World;

const HOUR_MS: i64 = 3_600_000;
const STEPS_MS: [i64; 4] = [-HOUR_MS, HOUR_MS, -365 * 24 * HOUR_MS, 365 * 24 * HOUR_MS];
/// By then all calls have been made that nothing delays.
const BEGINNING_MS: u64 = 900;
/// From a call to the next one by the standard schedule, with the longest answer, jitter and sync.
const RETRIED_WITHIN_MS: RangeInclusive<u64> = 5000..=5750;

async fn pass(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

async fn rent(world: &Arc<World>, count: usize) {
    for _ in 0..count {
        tokio::spawn(customer::rent(world.clone()));
    }
    pass(900).await;
}

/// A subscriber of each account, in this weather, and events that it is owed and has refused once.
async fn begin(world: &Arc<World>, weather: Weather) {
    script::open(world).await;
    for name in ACCOUNTS {
        let host = format!("{name}.example");
        let all = Pattern::parse("*").expect("a pattern");
        let settings = Settings::new(format!("https://{host}/hook"), vec![all]);
        subscriber::make(world, account(name), (host, settings)).await;
    }
    let hosts: Vec<_> = world.books().subscribed.iter().map(|known| known.id).collect();
    for host in hosts {
        world.network.set(host, weather, 0);
    }
    rent(world, 4).await;
    assert!(calls(world).len() > 2, "somebody is called");
}

/// When each delivery was called that was first called in the beginning, in virtual time.
fn calls(world: &World) -> Vec<Vec<u64>> {
    let books = world.books();
    let times = |(to, event): &(_, _)| books.calls(*to, *event).map(|sent| sent.began_ms).collect();
    let all = books.by_delivery.keys().map(times);
    all.filter(|times: &Vec<u64>| times[0] <= BEGINNING_MS).collect()
}

fn clear(world: &World) {
    world.network.clear_up(world.wall.elapsed_ms());
}

#[test]
fn a_stepped_clock_neither_delays_a_retry_nor_hastens_it() {
    for by_ms in STEPS_MS {
        let played = play_with(1, None, async |world| {
            begin(world, Weather::Errors).await;
            clear(world);
            world.wall.step_to(by_ms);
            pass(20_000).await;
            Ok(())
        });
        for times in calls(&played.world) {
            let is_on_time = times.len() == 2 && RETRIED_WITHIN_MS.contains(&(times[1] - times[0]));
            assert!(is_on_time, "a step by {by_ms} ms: {times:?}");
        }
    }
}

#[test]
fn what_is_new_after_a_step_is_sent_at_once() {
    for by_ms in STEPS_MS {
        let played = play_with(1, None, async |world| {
            begin(world, Weather::Fine).await;
            world.wall.step_to(by_ms);
            let now_ms = world.wall.elapsed_ms();
            rent(world, 2).await;
            let newest = world.books().sent.last().map(|sent| sent.began_ms);
            assert!(newest > Some(now_ms), "a step by {by_ms} ms: {newest:?}");
            Ok(())
        });
        assert_eq!(played.violation, None);
    }
}

#[test]
fn a_hint_is_waited_for_whatever_the_clock_says() {
    for by_ms in STEPS_MS {
        let played = play_with(1, None, async |world| {
            begin(world, Weather::Busy).await;
            clear(world);
            world.wall.step_to(by_ms);
            pass(2 * HOUR_MS.unsigned_abs()).await;
            Ok(())
        });
        let (books, model) = (played.world.books(), played.world.model());
        for Tried { attempt, .. } in &model.tried {
            let mut calls = books.calls(attempt.due.subscription, attempt.event);
            let (first, second) = (calls.next().expect("called"), calls.next());
            let waited_ms = second.map_or(u64::MAX, |second| second.began_ms - first.began_ms);
            let hint_ms = attempt.outcome.retry_after_ms().unwrap_or(0);
            assert!(
                waited_ms >= hint_ms,
                "a step by {by_ms} ms: {waited_ms} of {hint_ms} ms"
            );
        }
    }
}

#[test]
fn over_a_restart_a_clock_set_back_delays_by_one_interval_at_most() {
    for by_ms in STEPS_MS {
        let played = play_with(1, None, async |world| {
            begin(world, Weather::Errors).await;
            clear(world);
            world.crash("for the step");
            world.wall.step_to(by_ms);
            world.boot();
            pass(20_000).await;
            Ok(())
        });
        for times in calls(&played.world) {
            let is_in_time = times.len() == 2 && times[1] - times[0] <= 2 * RETRIED_WITHIN_MS.end();
            assert!(is_in_time, "a step by {by_ms} ms: {times:?}");
        }
    }
}
