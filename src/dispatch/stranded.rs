//! What a clock that was set back before this start would hold up: nothing waits longer from now on than one interval of its schedule.
//! While the process runs, no step of the clock reaches what is waited for.

use futures_util::future::join_all;

use super::deliver::{Dispatch, Parts};
use super::sender::Sender;
use crate::core::delivery::Due;
use crate::core::retry::{self, DELAY_MAX_MS};
use crate::core::time::UnixMs;
use crate::store::Commit;

impl<S: Sender> Dispatch<S> {
    /// Once, before anything is claimed. Of a long queue its head: what stands behind it is due later.
    pub(super) async fn call_back_stranded(&self) {
        let Parts {
            store, clock, rules, ..
        } = &self.parts;
        let (live, now) = (store.live(), clock.steady());
        let mut stranded = Vec::new();
        for id in live.owed(UnixMs(u64::MAX)) {
            let Some(subscription) = live.subscription(id) else {
                continue;
            };
            let policy = &subscription.settings.policy;
            let retry = policy.retry.as_ref().unwrap_or(&rules.retry);
            let hold_until = live.health(id).hold_until.unwrap_or(now);
            for due in live.due(id, UnixMs(u64::MAX), usize::MAX) {
                let delay_ms = retry.delay_ms(due.spent).unwrap_or(DELAY_MAX_MS);
                if !may_wait(&due, (now, delay_ms), hold_until) {
                    let wait_ms = retry::spread_ms(delay_ms, None, clock.dice());
                    stranded.push(Commit::Reschedule(due, now.plus_ms(wait_ms)));
                }
            }
        }
        if !stranded.is_empty() {
            tracing::warn!(
                deliveries = stranded.len(),
                "the clock was set back before this start; what would have waited for it is due within one interval of its schedule"
            );
        }
        let chunk = rules.concurrency_max.max(1);
        while !stranded.is_empty() {
            let some = stranded.split_off(stranded.len().saturating_sub(chunk));
            join_all(some.into_iter().map(|commit| self.record(commit))).await;
        }
    }
}

/// Whether it waits no longer than its schedule or its subscriber's hint says, with their jitter.
fn may_wait(due: &Due, (now, delay_ms): (UnixMs, u64), hold_until: UnixMs) -> bool {
    let by_schedule = now.plus_ms(retry::spread_ms(delay_ms, None, 1.0));
    let hint_ms = hold_until.since(now);
    let by_hint = hold_until.plus_ms(DELAY_MAX_MS / 10);
    due.due_at <= by_schedule || (1..=DELAY_MAX_MS).contains(&hint_ms) && due.due_at <= by_hint
}
