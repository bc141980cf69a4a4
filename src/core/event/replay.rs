//! What an account hears of the end of its replay.

use serde::Serialize;

use super::{Event, Kind, Text, written};
use crate::core::id::{EventId, ReplayId};
use crate::core::replay::Replay;
use crate::core::time::UnixMs;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    id: Text<ReplayId>,
    status: &'static str,
    since: Text<UnixMs>,
    until: Text<UnixMs>,
    /// Up to when it came.
    read_to: Text<UnixMs>,
    events: u64,
    deliveries: u64,
    created_at: Text<UnixMs>,
    ended_at: Text<UnixMs>,
}

/// `None` while it runs, and for a dry run.
pub fn of_replay(replay: &Replay) -> Option<Event> {
    let (ended_at, end) = replay.end.filter(|_| !replay.dry_run)?;
    let kind = Kind::ReplayFinished;
    let data = Data {
        id: Text(replay.id),
        status: end.as_str(),
        since: Text(replay.selection.since),
        until: Text(replay.selection.until),
        read_to: Text(replay.read_to.written_at()),
        events: replay.counts.events,
        deliveries: replay.counts.deliveries,
        created_at: Text(replay.created_at),
        ended_at: Text(ended_at),
    };
    Some(Event {
        id: EventId::derive(&replay.id.0, kind.as_str()),
        account: replay.account.clone(),
        kind,
        rental: None,
        message: None,
        at: ended_at,
        body: written(kind, ended_at, &data),
    })
}
