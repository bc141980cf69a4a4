//! 9: codes that are sent: never more to one person than the limits allow, never for more than the cap, never guessed at too often or
//! approved when they are over; and when all is quiet each has come to an end.

use ringback::core::money::Price;
use ringback::core::verification::Status;
use ringback::store::Reads;

use super::{News, ensure};
use crate::simulation::codes::{ATTEMPTS_MAX, HOUR_CAP, PERSON};
use crate::simulation::model::At;
use crate::simulation::process::IDLE_MS;
use crate::simulation::tally::Tally;
use crate::simulation::world::World;

/// In true time, within one life of the gateway however its clock is set, and over restarts where nobody touched it.
pub fn no_person_gets_too_many(world: &World, news: &News) -> Result<(), String> {
    let tally = &world.model().tally;
    for place in news.charged.clone() {
        let newest = &tally.charged[place];
        let is_clear =
            |at: At| at.boot == newest.at.boot || at.clock_changes == 0 && newest.at.clock_changes == 0;
        for limit in PERSON {
            let same = tally.charged[..=place].iter().filter(|charged| {
                (&charged.account, &charged.to) == (&newest.account, &newest.to)
                    && is_clear(charged.at)
                    && charged.at.decided_ms + limit.per_ms > newest.at.decided_ms
            });
            let count = same.count();
            ensure(count <= limit.max as usize, || {
                format!("{}: {count} within {} ms", newest.id, limit.per_ms)
            })?;
        }
    }
    Ok(())
}

pub fn no_more_is_spent_than_the_cap(world: &World, news: &News) -> Result<(), String> {
    let tally = &world.model().tally;
    for newest in &tally.charged[news.charged.clone()] {
        let spent = spent(tally, newest.hour, newest.account.as_str());
        ensure(spent <= HOUR_CAP, || {
            format!("{}: {spent} in an hour", newest.account.as_str())
        })?;
    }
    Ok(())
}

fn spent(tally: &Tally, hour: u64, account: &str) -> Price {
    let charged = tally.charged.iter();
    let charged = charged.filter(|one| one.hour == hour && one.account.as_str() == account);
    Price(
        charged
            .filter(|one| tally.is_charged(one.id, one.nth))
            .map(|one| one.cost.0)
            .sum(),
    )
}

pub fn none_is_guessed_at_too_often(world: &World, _: &News) -> Result<(), String> {
    let tally = &world.model().tally;
    let over = tally.codes.values().find(|code| code.attempts > ATTEMPTS_MAX);
    ensure(over.is_none(), || {
        format!("{over:?} has more attempts than there are")
    })
}

/// 11: none can be given back any more, and none waits for its end that has come by the gateway's clock. That may be behind: it stood, and
/// a restart believed it.
pub fn each_is_over(world: &World, _: &News) -> Result<(), String> {
    let Some(disk) = world.disk() else {
        return Err("the gateway is down at the end".into());
    };
    let now = world.wall.clock.moment().steady;
    let pending = {
        let tally = &world.model().tally;
        let mut codes = tally.codes.values();
        codes
            .find(|code| code.status_at(now) == Status::Pending)
            .map(|code| code.id)
    };
    ensure(pending.is_none(), || format!("{pending:?} is pending at the end"))?;
    let open = disk
        .verifications_over(now.minus_ms(IDLE_MS), 1)
        .map_err(|e| e.to_string())?;
    ensure(open.is_empty(), || format!("{open:?} waits for its end"))
}
