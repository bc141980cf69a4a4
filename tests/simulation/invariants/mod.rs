//! The promises of the product, numbered as in its reliability notes, each a function over the world. They are looked at after every
//! step; those that only a world at rest can show, at the end. 9 is about codes that are sent, in worlds of their own; 13 is what was used.

mod codes;
mod deliveries;
mod ingest;
mod numbers;
mod polls;
mod replays;
mod sealed;
mod sharing;
mod usage;

use std::ops::Range;
use std::sync::Arc;

use super::world::World;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// 0: a panic.
    pub invariant: u8,
    pub what: String,
}

/// What has happened since the last look; what is older was judged then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    pub kept: Range<usize>,
    pub logged: Range<usize>,
    pub tried: Range<usize>,
    pub listed: Range<usize>,
    pub sent: Range<usize>,
    pub charged: Range<usize>,
}

impl News {
    fn after(last: &Self, world: &World) -> Self {
        let (model, books) = (world.model(), world.books());
        Self {
            kept: last.kept.end..model.kept.len(),
            logged: last.logged.end..model.logged.len(),
            tried: last.tried.end..model.tried.len(),
            listed: last.listed.end..model.listed.len(),
            sent: last.sent.end..books.sent.len(),
            charged: last.charged.end..model.tally.charged.len(),
        }
    }
}

type Check = fn(&World, &News) -> Result<(), String>;

const ALWAYS: [(u8, Check); 19] = [
    (1, ingest::acknowledged_is_stored),
    (2, ingest::one_message_and_one_event),
    (3, ingest::belongs_to_one),
    (4, ingest::nothing_is_rewritten),
    (4, ingest::reports_only_add),
    (5, polls::answered_in_time),
    (5, polls::nobody_is_left_behind),
    (6, deliveries::on_schedule),
    (6, deliveries::retries_wait),
    (6, deliveries::recorded_before_repeated),
    (6, deliveries::success_is_the_subscribers_word),
    (6, deliveries::silent_when_gone),
    (7, deliveries::not_held_up_by_others),
    (8, numbers::one_renter),
    (8, numbers::rested),
    (8, numbers::none_out_of_quarantine),
    (9, codes::no_person_gets_too_many),
    (9, codes::no_more_is_spent_than_the_cap),
    (9, codes::none_is_guessed_at_too_often),
];

const AT_THE_END: [(u8, Check); 9] = [
    (1, ingest::everything_is_as_the_model_says),
    (11, polls::everything_drained),
    (6, deliveries::each_event_is_delivered_or_given_up),
    (6, replays::what_was_asked_for_is_settled),
    (11, replays::come_to_their_end),
    (8, numbers::none_is_lost),
    (10, sealed::nothing_in_the_clear),
    (11, codes::each_is_over),
    (13, usage::each_completion_is_metered_once),
];

/// Lets everything that is ready run, and then looks.
pub async fn check(world: &Arc<World>) -> Result<(), Violation> {
    for _ in 0..24 {
        tokio::task::yield_now().await;
    }
    world.reap();
    if let Some((invariant, what)) = world.books().wrong.first().cloned() {
        return Err(Violation { invariant, what });
    }
    let news = News::after(&world.last_news(), world);
    each(world, &news, &ALWAYS)?;
    world.set_last_news(news);
    Ok(())
}

pub fn check_end(world: &World) -> Result<(), Violation> {
    each(world, &News::default(), &AT_THE_END)
}

fn each(world: &World, news: &News, checks: &[(u8, Check)]) -> Result<(), Violation> {
    for (invariant, check) in checks {
        check(world, news).map_err(|what| Violation {
            invariant: *invariant,
            what,
        })?;
    }
    Ok(())
}

/// For a check that says what is wrong where something is.
fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
