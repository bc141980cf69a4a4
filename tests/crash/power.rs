//! The power cut under load on sled: the program runs with `power.c` before it, and what a power cut at any point would have left is
//! opened and asked for everything that was acknowledged by then. With `durability = "process"` the same test finds losses.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use ringback::clock::monotonic;
use ringback::core::event::Kind;
use ringback::core::id::{AccountId, EventId, SubscriptionId};
use ringback::core::rental::{MessageRef, Rental, Status};
use ringback::core::time::UnixMs;
use ringback::store::sled::{Durability, Options, Sled};
use ringback::store::{Reads, Store};

use super::books::{Answered, Books, Rented, Sent};
use super::dice::{Dice, setting};
use super::journal::Journal;
use super::load::Load;
use super::process::{ACCOUNT, Gateway};
use super::sink::{PATHS, Sink};

/// Runs of the program, power cuts of each.
const RUNS: u64 = 3;
const CUTS: usize = 15;
const CUSTOMERS: u64 = 4;

/// The journalling library, built by the C compiler.
fn library(work: &Path) -> PathBuf {
    let (source, library) = (Path::new("tests/crash/power.c"), work.join("power.so"));
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .status();
    let built = built.expect("the power-cut test needs a C compiler, called cc: install one (Debian: apt-get install gcc libc6-dev)");
    assert!(built.success(), "cc could not build {}", source.display());
    library
}

/// A run that is over: what was acknowledged when, and all that was written.
struct Run {
    books: Books,
    subscriptions: Vec<SubscriptionId>,
    journal: Journal,
}

/// Loads the program twice on one folder, with a SIGKILL after each.
async fn run(dice: &mut Dice, durability: &str) -> Run {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().canonicalize().unwrap();
    let (library, journal) = (library(&path), path.join("journal"));
    let data = path.join("data");
    let environment = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("RINGBACK_POWER_ROOT", data.to_str().unwrap()),
        ("RINGBACK_POWER_JOURNAL", journal.to_str().unwrap()),
        ("RINGBACK__STORE__DURABILITY", durability),
    ];
    let sink = Sink::start(dice.next()).await;
    let books = Mutex::new(Books::default());
    let mut subscriptions = Vec::new();
    for start in 0..2 {
        let gateway = Gateway::start(&path, &environment).await;
        for path in PATHS.iter().filter(|_| start == 0) {
            let id = gateway.subscribe(&format!("http://{}{path}", sink.address)).await;
            subscriptions.push(id.parse().unwrap());
        }
        let load = Load {
            gateway: &gateway,
            books: &books,
            journal: Some(journal.clone()),
            rentals_max: 12,
            text_bytes_max: 60_000,
        };
        let customers = (0..CUSTOMERS).map(|_| load.customer(Dice::new(dice.next())));
        let _ = tokio::time::timeout(
            Duration::from_millis(1500),
            futures_util::future::join_all(customers),
        )
        .await;
        gateway.kill();
    }
    subscriptions.sort_unstable();
    let journal = Journal::read(&journal, &data);
    Run {
        books: books.into_inner().unwrap(),
        subscriptions,
        journal,
    }
}

/// What one power cut cost.
#[derive(Debug, Default)]
struct Toll {
    acknowledged: usize,
    lost: Vec<String>,
    /// The store did not open, with the reason.
    closed: Option<String>,
}

/// A folder without FORMAT was never acknowledged: it must open as a new one, with any key.
fn open(folder: &Path) -> Result<Sled, String> {
    let key = match std::fs::read_to_string(folder.join("master.key")) {
        Err(_) if !folder.join("FORMAT").exists() => "0".repeat(64),
        read => read.map_err(|e| format!("master.key: {e}"))?,
    };
    let byte = |at: usize| u8::from_str_radix(key.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..64).step_by(2).map(byte).collect();
    let master: [u8; 32] = bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("master.key is torn")?;
    let options = Options {
        folder: folder.to_owned(),
        durability: Durability::Process,
        queue_max: 64,
        group_max: 64,
        disk_reserve_bytes: 0,
        cache_bytes: 16 << 20,
    };
    Sled::open(&options, &master).map_err(|e| e.to_string())
}

/// The state after a power cut, and when it was.
struct After<'a> {
    run: &'a Run,
    cut: u64,
    store: Sled,
    /// By subscription: the events that are due, or were attempted.
    events: Vec<Vec<EventId>>,
    rentals: Vec<Rental>,
}

impl After<'_> {
    fn open(run: &Run, cut: u64, store: Sled) -> Result<After<'_>, ringback::store::Error> {
        let mut events = Vec::new();
        for id in &run.subscriptions {
            let mut known = Vec::new();
            for due in store.live().due(*id, UnixMs(u64::MAX), usize::MAX) {
                known.extend(store.event(due.event)?.map(|event| event.id));
            }
            known.extend(
                store
                    .attempts(*id, None, 10_000)?
                    .iter()
                    .map(|attempt| attempt.event),
            );
            events.push(known);
        }
        let rentals = store.rentals(&AccountId::parse(ACCOUNT).unwrap(), None, 10_000)?;
        Ok(After {
            run,
            cut,
            store,
            events,
            rentals,
        })
    }

    fn is_answered(&self, answered: Answered) -> bool {
        answered.is_some_and(|position| position <= self.cut)
    }

    fn is_owed(&self, event: EventId) -> bool {
        self.events.iter().all(|known| known.contains(&event))
    }

    fn ask(&self, toll: &mut Toll) -> Result<(), ringback::store::Error> {
        for rented in &self.run.books.rentals {
            let rental = self.rentals.iter().find(|rental| rental.id == rented.id);
            if self.is_answered(Some(rented.answered)) {
                toll.note(rental.is_some() && self.is_owed(rented.created()), || {
                    format!("rental {}", rented.id)
                });
            }
            if self.is_answered(rented.cancel.answered) {
                let is_over = rental.is_some_and(|rental| rental.status == Status::Cancelled);
                toll.note(is_over && self.is_owed(rented.cancelled()), || {
                    format!("cancellation of {}", rented.id)
                });
            }
            for sent in &rented.sent {
                self.ask_message(rented, rental, sent, toll)?;
            }
        }
        Ok(())
    }

    /// A message is whole: stored, listed by its rental and owed to both, or it is not there at all.
    fn ask_message(
        &self,
        rented: &Rented,
        rental: Option<&Rental>,
        sent: &Sent,
        toll: &mut Toll,
    ) -> Result<(), ringback::store::Error> {
        let refs: Vec<MessageRef> = rental
            .into_iter()
            .flat_map(|r| r.messages.clone())
            .filter(|m| m.id == sent.id())
            .collect();
        let stored = self.store.messages(&refs)?;
        let without_code = EventId::derive(&sent.id().0, Kind::MessageReceived.as_str());
        let is_owed = self.is_owed(sent.event()) || self.is_owed(without_code);
        let is_whole = refs.len() == 1 && stored.len() == 1 && stored[0].text == sent.draft.text && is_owed;
        if self.is_answered(sent.answered) {
            toll.note(is_whole, || format!("message {} of {}", sent.id(), rented.id));
        } else {
            let heard = self
                .events
                .iter()
                .any(|known| known.contains(&sent.event()) || known.contains(&without_code));
            assert!(
                is_whole || (refs.is_empty() && !heard),
                "message {} is there by half",
                sent.id()
            );
        }
        Ok(())
    }
}

impl Toll {
    fn note(&mut self, is_there: bool, what: impl FnOnce() -> String) {
        self.acknowledged += 1;
        if !is_there {
            self.lost.push(what());
        }
    }
}

/// Cuts the power at this point and asks what is left.
fn cut(run: &Run, cut: u64, kept_percent: u64, dice: &mut Dice) -> Toll {
    let folder = tempfile::tempdir().unwrap();
    run.journal.rebuild(cut, kept_percent, dice, folder.path());
    let mut toll = Toll::default();
    let asked = open(folder.path()).and_then(|store| {
        let after = After::open(run, cut, store);
        after
            .and_then(|after| after.ask(&mut toll))
            .map_err(|e| e.to_string())
    });
    toll.closed = asked.err();
    toll
}

/// Points at which the power goes: some in the first start, and of the others half right after an answer, where there is most to lose.
fn cuts(run: &Run, dice: &mut Dice) -> Vec<u64> {
    let ends = run.journal.ends();
    let rentals = &run.books.rentals;
    let sent = rentals
        .iter()
        .flat_map(|rented| rented.sent.iter().filter_map(|sent| sent.answered));
    let answers: Vec<u64> = rentals.iter().map(|rented| rented.answered).chain(sent).collect();
    let first = answers.iter().min().copied().unwrap_or(0);
    let starting: Vec<u64> = ends.iter().copied().filter(|end| *end < first).collect();
    let mut any = |list: &[u64]| list[dice.below(list.len() as u64) as usize];
    let places = [&starting, &answers, &ends, &answers, &ends, &answers];
    (0..CUTS).map(|n| any(places[n % places.len()])).collect()
}

async fn tolls(test: &str, durability: &str, runs: u64) -> Vec<Toll> {
    let began = monotonic();
    let mut dice = Dice::new(Dice::seed(test));
    let mut tolls = Vec::new();
    for _ in 0..runs {
        let run = run(&mut dice, durability).await;
        for at in cuts(&run, &mut dice) {
            let kept_percent = [0, 10, 50, 90][dice.below(4) as usize];
            tolls.push(cut(&run, at, kept_percent, &mut dice));
        }
    }
    let acknowledged: usize = tolls.iter().map(|toll| toll.acknowledged).sum();
    let lost: usize = tolls.iter().map(|toll| toll.lost.len()).sum();
    let closed = tolls.iter().filter(|toll| toll.closed.is_some()).count();
    println!(
        "{test}: {} power cuts, {acknowledged} acknowledged, {lost} lost, {closed} stores not opened, {:?}",
        tolls.len(),
        began.elapsed()
    );
    tolls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_nothing_acknowledged() {
    let runs = setting("RINGBACK_CRASH_POWER_RUNS").unwrap_or(RUNS);
    let tolls = tolls("power cut", "power", runs).await;
    for toll in &tolls {
        assert!(toll.closed.is_none() && toll.lost.is_empty(), "{toll:?}");
    }
    assert!(tolls.iter().map(|toll| toll.acknowledged).sum::<usize>() > 10 * tolls.len());
}

/// The test can fail: a store that only flushes loses what it acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_sync_a_power_cut_loses_what_was_acknowledged() {
    let tolls = tolls("power cut without a sync", "process", 1).await;
    assert!(
        tolls
            .iter()
            .any(|toll| !toll.lost.is_empty() || toll.closed.is_some()),
        "nothing was lost: is the journal right?"
    );
}
