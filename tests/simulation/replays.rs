//! Customers who ask for all that they missed, count it first, or change their mind.

use std::sync::Arc;
use std::time::Duration;

use ringback::core::standing::Status;
use ringback::gateway::ReplayWish;

use super::customer::{self, ACCOUNTS};
use super::wall::START;
use super::world::World;

/// Asks for a replay; of those that are known to run, some are cancelled.
pub async fn replay(world: Arc<World>) {
    let dice = &world.dice;
    let account = customer::account(dice.pick(&ACCOUNTS).expect("two"));
    let statuses = if dice.one_in(3) {
        vec![Status::Delivered, Status::Exhausted]
    } else {
        Vec::new()
    };
    let wish = ReplayWish {
        // The gateway's clock may be set back by an hour; all that ever happened is meant.
        since: dice.one_in(2).then_some(START),
        missing_only: dice.one_in(2),
        per_second: Some(dice.between(1, 100) as u32),
        dry_run: dice.one_in(5),
        statuses,
        ..ReplayWish::default()
    };
    let is_cancelled = dice.one_in(4).then(|| dice.below(5000));
    let holder = account.clone();
    let made = world
        .ask(|gateway| async move { gateway.replay(&holder, wish, None).await })
        .await;
    let Some(Ok(made)) = made else {
        world.note("replay refused or lost");
        return;
    };
    let id = made.id;
    world.count("a replay");
    world.note(&format!("replay {id}"));
    world.books().replays.push((account.clone(), id));
    let Some(after_ms) = is_cancelled else { return };
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
    let cancelled = world
        .ask(|gateway| async move { gateway.cancel_replay(&account, id).await })
        .await;
    if let Some(Ok(ended)) = cancelled {
        world.count("a replay cancelled or ended before");
        world.note(&format!("replay {id} {}", ended.status()));
    }
}
