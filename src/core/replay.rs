//! Replays: which deliveries are asked for again, how far that is, at which pace and how it ends. Walking through the events is the gateway's.

use serde::{Deserialize, Serialize};

use super::id::{self, AccountId, ReplayId, Seq, SubscriptionId};
use super::standing::Status;
use super::subscription::Pattern;
use super::time::UnixMs;

/// Deliveries that are shown of a dry run.
pub const SAMPLE_MAX: usize = 10;
/// Ended replays that an account can look at; the oldest go first.
pub const KEPT_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    pub id: ReplayId,
    pub account: AccountId,
    pub selection: Selection,
    /// Deliveries asked for in a second, at most.
    pub per_second: u32,
    /// Deliveries asked for in all, at most.
    pub deliveries_max: u64,
    /// Only counts; nothing is owed.
    pub dry_run: bool,
    pub created_at: UnixMs,
    /// Events up to this one are done with.
    pub read_to: Seq,
    pub counts: Counts,
    /// The first of a dry run.
    pub sample: Vec<(SubscriptionId, Seq)>,
    pub end: Option<(UnixMs, End)>,
    /// Grows with every change; a commit names the version it decided on.
    pub version: u32,
}

/// Which deliveries are meant; all that is named must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Of events from then on, up to then.
    pub since: UnixMs,
    pub until: UnixMs,
    /// None: however they stand.
    pub statuses: Vec<Status>,
    /// None: events of all types.
    pub patterns: Vec<Pattern>,
    pub subscriptions: Vec<SubscriptionId>,
    /// What was never delivered, although the subscription wanted it then or wants it now.
    pub missing_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Events looked at.
    pub events: u64,
    /// Deliveries asked for, or counted by a dry run.
    pub deliveries: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// All that was meant is asked for.
    Finished,
    Cancelled,
    /// It came to the most that one replay may ask for.
    Limited,
}

impl End {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
            Self::Limited => "limited",
        }
    }
}

/// What one look at the events found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    pub events: usize,
    pub deliveries: Vec<(SubscriptionId, Seq)>,
    /// The last event that was looked at, where there may be more behind it.
    pub more_behind: Option<Seq>,
}

impl ReplayId {
    pub fn new(now: UnixMs, random: [u8; 10]) -> Self {
        Self(id::timed(now, random))
    }
}

impl Selection {
    /// How a delivery may stand, to be meant.
    pub fn statuses(&self) -> Vec<Status> {
        if !self.missing_only {
            return self.statuses.clone();
        }
        let named = |status: &Status| self.statuses.is_empty() || self.statuses.contains(status);
        let owed = Status::ALL.into_iter().filter(named);
        let unwanted = Some(Status::Unwanted).filter(|_| self.statuses.is_empty());
        let missing = owed.chain(unwanted);
        missing.filter(|status| *status != Status::Delivered).collect()
    }

    pub fn last(&self) -> Seq {
        Seq::just_before(self.until.plus_ms(1))
    }
}

impl Replay {
    pub fn is_running(&self) -> bool {
        self.end.is_none()
    }

    /// `running`, or how it ended.
    pub fn status(&self) -> &'static str {
        self.end.map_or("running", |(_, end)| end.as_str())
    }

    /// Deliveries that it may still ask for.
    pub fn left(&self) -> u64 {
        self.deliveries_max.saturating_sub(self.counts.deliveries)
    }

    /// Goes on past what was found.
    pub fn advance(&mut self, found: &Found, now: UnixMs) {
        let asked = found.deliveries.len() as u64;
        self.counts = Counts {
            events: self.counts.events + found.events as u64,
            deliveries: self.counts.deliveries + asked,
        };
        if self.dry_run {
            let room = SAMPLE_MAX.saturating_sub(self.sample.len());
            self.sample.extend(found.deliveries.iter().take(room));
        }
        self.read_to = found.more_behind.unwrap_or(self.selection.last());
        if found.more_behind.is_none() {
            self.end = Some((now, End::Finished));
        } else if self.left() == 0 {
            self.end = Some((now, End::Limited));
        }
    }

    /// How much of the time it selects from is done with, 0.0 to 1.0.
    pub fn progress(&self) -> f64 {
        let Selection { since, until, .. } = self.selection;
        match self.end {
            Some((_, End::Finished)) => 1.0,
            _ => self.read_to.written_at().since(since) as f64 / (until.since(since).max(1)) as f64,
        }
        .min(1.0)
    }
}

/// How many deliveries may be asked for now. It begins with none, so that a restart brings no burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    allowed: f64,
    at: UnixMs,
}

impl Pace {
    pub fn new(now: UnixMs) -> Self {
        Self {
            allowed: 0.0,
            at: now,
        }
    }

    /// Adds what has come together, a second's worth at most.
    pub fn allowed(&mut self, per_second: u32, now: UnixMs) -> usize {
        let rate = f64::from(per_second);
        let come = now.since(self.at) as f64 / 1000.0 * rate;
        self.allowed = (self.allowed + come).min(rate.max(1.0));
        self.at = now;
        self.allowed.max(0.0) as usize
    }

    /// An event for several subscriptions may use more than was allowed; the next ones wait for it.
    pub fn used(&mut self, deliveries: usize) {
        self.allowed -= deliveries as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: SubscriptionId = SubscriptionId([1; 16]);

    fn selection() -> Selection {
        Selection {
            since: UnixMs(1000),
            until: UnixMs(2000),
            statuses: Vec::new(),
            patterns: Vec::new(),
            subscriptions: vec![ONE],
            missing_only: false,
        }
    }

    fn replay() -> Replay {
        Replay {
            id: ReplayId([1; 16]),
            account: AccountId::parse("a").unwrap(),
            selection: selection(),
            per_second: 10,
            deliveries_max: 5,
            dry_run: false,
            created_at: UnixMs(5000),
            read_to: Seq::just_before(UnixMs(1000)),
            counts: Counts::default(),
            sample: Vec::new(),
            end: None,
            version: 0,
        }
    }

    fn found(deliveries: usize, more_behind: Option<Seq>) -> Found {
        Found {
            events: 7,
            deliveries: vec![(ONE, Seq(9)); deliveries],
            more_behind,
        }
    }

    #[test]
    fn it_ends_where_nothing_is_behind_or_it_asked_for_its_most() {
        let mut replay = replay();
        let half = Seq::first_at(UnixMs(1500));
        replay.advance(&found(3, Some(half)), UnixMs(6000));
        assert_eq!((replay.read_to, replay.end, replay.progress()), (half, None, 0.5));
        let mut limited = replay.clone();
        limited.advance(&found(2, Some(half)), UnixMs(7000));
        assert_eq!(limited.end, Some((UnixMs(7000), End::Limited)));
        replay.advance(&found(1, None), UnixMs(7000));
        assert_eq!(replay.end, Some((UnixMs(7000), End::Finished)));
        let counts = Counts {
            events: 14,
            deliveries: 4,
        };
        assert_eq!((replay.counts, replay.progress()), (counts, 1.0));
        assert_eq!(replay.sample, []);
    }

    #[test]
    fn a_dry_run_shows_the_first_few() {
        let mut replay = Replay {
            dry_run: true,
            deliveries_max: u64::MAX,
            ..replay()
        };
        for _ in 0..3 {
            replay.advance(&found(7, Some(Seq(1))), UnixMs(6000));
        }
        assert_eq!((replay.sample.len(), replay.counts.deliveries), (SAMPLE_MAX, 21));
    }

    #[test]
    fn what_is_missing_was_never_delivered() {
        let missing = Selection {
            missing_only: true,
            ..selection()
        };
        assert!(!missing.statuses().contains(&Status::Delivered));
        assert!(missing.statuses().contains(&Status::Unwanted));
        let named = Selection {
            statuses: vec![Status::Delivered, Status::Expired],
            ..missing
        };
        assert_eq!(named.statuses(), [Status::Expired]);
        assert_eq!(selection().statuses(), []);
        assert_eq!(selection().last().written_at(), UnixMs(2000));
    }

    #[test]
    fn the_pace_is_kept_and_a_pause_brings_a_second_at_most() {
        let mut pace = Pace::new(UnixMs(0));
        assert_eq!(pace.allowed(10, UnixMs(0)), 0);
        assert_eq!(pace.allowed(10, UnixMs(500)), 5);
        pace.used(8);
        assert_eq!(pace.allowed(10, UnixMs(700)), 0);
        assert_eq!(pace.allowed(10, UnixMs(900)), 1);
        assert_eq!(pace.allowed(10, UnixMs(900_000)), 10);
        assert_eq!(
            pace.allowed(10, UnixMs(1000)),
            10,
            "a clock that goes back adds nothing"
        );
        let mut slow = Pace::new(UnixMs(0));
        assert_eq!(
            (slow.allowed(1, UnixMs(999)), slow.allowed(1, UnixMs(1000))),
            (0, 1)
        );
    }
}
