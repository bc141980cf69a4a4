//! The one thread that writes: it takes as many commits as wait, writes them as one group, flushes and syncs once, then answers all.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::sync::oneshot;

use super::trees::{Trees, guarded};
use super::{Durability, Options};
use crate::clock;
use crate::core::time::UnixMs;
use crate::store::execute::{Group, Writer};
use crate::store::plan::Plan;
use crate::store::{Committed, Error, Kept};

/// Bytes of rows after which a group is closed.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// How often the free space is looked at.
const SPACE_CHECK_EVERY: Duration = Duration::from_millis(500);

type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// What the writer can be asked.
pub enum Ask {
    Commit {
        plan: Box<Plan>,
        grows: bool,
        answer: Answer<Committed>,
    },
    DropLogs {
        now: UnixMs,
        kept: Kept,
        answer: Answer<usize>,
    },
}

/// Sums over all groups so far.
#[derive(Debug, Default)]
pub struct Timings {
    pub groups: AtomicU64,
    pub commits: AtomicU64,
    pub sync_us: AtomicU64,
    /// The sync times of the latest groups, in microseconds, in a ring.
    ring: [AtomicU64; 32],
}

impl Timings {
    fn note(&self, commits: usize, sync: Duration) {
        let us = u64::try_from(sync.as_micros()).unwrap_or(u64::MAX);
        let group = self.groups.fetch_add(1, Ordering::Relaxed);
        self.commits.fetch_add(commits as u64, Ordering::Relaxed);
        self.sync_us.fetch_add(us, Ordering::Relaxed);
        self.ring[usize::try_from(group % 32).unwrap_or(0)].store(us, Ordering::Relaxed);
    }

    /// The median of the latest syncs, in microseconds; 0 before the first.
    pub fn sync_p50_us(&self) -> u64 {
        let known = self.groups.load(Ordering::Relaxed).min(32);
        let mut latest: Vec<u64> = self.ring.iter().map(|us| us.load(Ordering::Relaxed)).collect();
        latest.truncate(usize::try_from(known).unwrap_or(32));
        latest.sort_unstable();
        latest.get(latest.len() / 2).copied().unwrap_or(0)
    }
}

pub struct Thread {
    pub writer: Writer<Arc<Trees>>,
    pub options: Options,
    /// A second handle to sled's file: syncing through it is what makes a group survive a power cut.
    pub file: File,
    pub healthy: Arc<AtomicBool>,
    pub timings: Arc<Timings>,
    pub space: Space,
}

impl Thread {
    /// Runs until every sender is gone.
    pub fn run(mut self, asks: &Receiver<Ask>) {
        while let Ok(first) = asks.recv() {
            let mut group = Group::default();
            let mut answers = Vec::new();
            let mut bytes = 0;
            let mut next = Some(first);
            while let Some(ask) = next {
                self.take(ask, &mut group, &mut answers, &mut bytes);
                let full = answers.len() >= self.options.group_max || bytes >= GROUP_BYTES_MAX;
                next = if full { None } else { asks.try_recv().ok() };
            }
            self.finish(group, answers);
        }
    }

    fn take(
        &mut self,
        ask: Ask,
        group: &mut Group,
        answers: &mut Vec<(Answer<Committed>, Committed)>,
        bytes: &mut usize,
    ) {
        match ask {
            Ask::Commit { plan, grows, answer } => {
                let before = group.rows.len();
                match self.execute(*plan, grows, group) {
                    Ok(committed) => answers.push((answer, committed)),
                    Err(error) => drop(answer.send(Err(error))),
                }
                let size = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
                *bytes += group.rows[before..]
                    .iter()
                    .map(|row| row.key.len() + size(&row.value))
                    .sum::<usize>();
            }
            Ask::DropLogs { now, kept, answer } => {
                let dropped = guarded(|| self.writer.rows.drop_old(now, kept));
                drop(answer.send(dropped));
            }
        }
    }

    fn execute(&mut self, plan: Plan, grows: bool, group: &mut Group) -> Result<Committed, Error> {
        if !self.healthy.load(Ordering::Acquire) {
            return Err(Error::Broken("an earlier write failed".into()));
        }
        if grows && self.space.is_low(&self.options) {
            return Err(Error::DiskFull);
        }
        guarded(|| self.writer.execute(plan, group))
    }

    /// Writes and syncs the group; only then may anyone hear of it. A failure is final: nothing is acknowledged after it.
    fn finish(&mut self, mut group: Group, answers: Vec<(Answer<Committed>, Committed)>) {
        if let Err(error) = guarded(|| self.writer.trim(&mut group)) {
            tracing::warn!(%error, "the inbound log was not trimmed; the next group tries again");
        }
        if group.rows.is_empty() {
            answers
                .into_iter()
                .for_each(|(answer, committed)| drop(answer.send(Ok(committed))));
            return;
        }
        let started = clock::monotonic();
        let written = guarded(|| {
            self.writer.rows.write(group.rows)?;
            if !group.must_sync {
                return Ok(());
            }
            self.writer.rows.flush()?;
            match self.options.durability {
                Durability::Power => self
                    .file
                    .sync_data()
                    .map_err(|e| Error::Read(e.to_string().into())),
                Durability::Process => Ok(()),
            }
        });
        if let Err(error) = written {
            self.healthy.store(false, Ordering::Release);
            tracing::error!(%error, "a write failed: nothing more is acknowledged, restart the gateway");
            let broken = Error::Broken(error.to_string().into());
            answers
                .into_iter()
                .for_each(|(answer, _)| drop(answer.send(Err(broken.clone()))));
            return;
        }
        if group.must_sync {
            self.timings.note(answers.len(), clock::since(started));
        }
        self.writer.live.apply(group.facts);
        if let Err(error) = guarded(|| self.writer.top_up()) {
            tracing::error!(%error, "what is owed cannot be read on; tried again after the next commit");
        }
        answers
            .into_iter()
            .for_each(|(answer, committed)| drop(answer.send(Ok(committed))));
    }
}

/// The free space of the data folder, asked for at most twice a second.
pub struct Space {
    folder: PathBuf,
    checked: Option<std::time::Instant>,
    low: bool,
}

impl Space {
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            checked: None,
            low: false,
        }
    }

    fn is_low(&mut self, options: &Options) -> bool {
        let now = clock::monotonic();
        if self
            .checked
            .is_none_or(|at| now.duration_since(at) >= SPACE_CHECK_EVERY)
        {
            self.checked = Some(now);
            // Where the system does not tell, the write itself will.
            let free = fs4::available_space(&self.folder).unwrap_or(u64::MAX);
            self.low = free < options.disk_reserve_bytes;
        }
        self.low
    }
}
