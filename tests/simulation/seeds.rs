//! Runs worlds: one thread, one runtime and one virtual time each, many side by side; and says how to repeat the one that failed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::codes;
use super::invariants::Violation;
use super::plant::Plant;
use super::script;
use super::wall::Wall;
use super::world::World;

/// One in so many worlds has few numbers, which are shared.
const SHARED_EVERY: u64 = 8;
const SHARED_AT: u64 = 5;
/// One in so many worlds has all of its logs searched.
const LOGGED_EVERY: u64 = 8;
/// What must happen in a full run, or it shows less than it says.
pub const HAPPENINGS: [&str; 34] = [
    "answered at once",
    "answered slowly",
    "3xx, 4xx or 5xx",
    "429 or 503 with Retry-After",
    "410",
    "hung",
    "reset in the answer",
    "200 after the timeout",
    "name not found",
    "partition",
    "a call cut off by a crash",
    "a crash",
    "a failed sync",
    "a full disk",
    "a stop",
    "a clock set back by an hour or less",
    "a clock set ahead by an hour or less",
    "a clock that stands",
    "a pause",
    "a resuming",
    "a new key",
    "a changed subscription",
    "a delivery asked for again",
    "a replay",
    "a replay cancelled or ended before",
    SELDOM,
    "a probe",
    "a message in parts",
    "a request with several messages",
    "a message sent",
    "a receipt",
    "a number that several have",
    "a message of one of several",
    "a message that may be any of several's",
];
/// The same, where codes are sent.
pub const HAPPENINGS_OF_CODES: [&str; 16] = [
    "a crash",
    "a failed sync",
    "a full disk",
    "a clock set back by an hour or less",
    "a clock set ahead by an hour or less",
    "a clock that stands",
    "a code sent",
    "a code sent once more",
    "a code that no provider took",
    "a code of which nobody knows",
    "a code that was too many",
    "a code approved",
    "a wrong guess",
    "a guess too many",
    "a guess at what is over",
    "a code taken back",
];

/// Once in some hundreds of worlds.
const SELDOM: &str = "a subscription whose answer was lost";

/// How a world ended.
pub struct Played {
    pub seed: u64,
    pub violation: Option<Violation>,
    pub world: Arc<World>,
}

/// Plays a seed, perhaps with a bug.
pub type Play = fn(u64, Option<Plant>) -> Played;

/// Plays one world in which messages come and are told.
pub fn play(seed: u64, plant: Option<Plant>) -> Played {
    play_with(seed, plant, async |world| {
        if seed % SHARED_EVERY == SHARED_AT {
            world.share_numbers();
        }
        script::play(world).await
    })
}

/// Plays one world in which codes are sent.
pub fn play_codes(seed: u64, plant: Option<Plant>) -> Played {
    play_with(seed, plant, async |world| codes::play(world).await)
}

/// Plays one world in which this happens.
pub fn play_with(
    seed: u64,
    plant: Option<Plant>,
    act: impl AsyncFnOnce(&Arc<World>) -> Result<(), Violation>,
) -> Played {
    let wall = Arc::new(Wall::new(seed));
    let follows = wall.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .on_thread_unpark(move || follows.follow())
        .build()
        .expect("a runtime without sockets");
    let world = World::new(seed, plant, wall);
    let playing = async {
        world.wall.follow();
        let played = act(&world).await;
        world.crash("at the end");
        played.err()
    };
    let is_logged = seed.is_multiple_of(LOGGED_EVERY) || plant == Some(Plant::LogsTexts);
    let violation = if is_logged {
        world.log.clone().listen(|| runtime.block_on(playing))
    } else {
        runtime.block_on(playing)
    };
    drop(runtime);
    Played {
        seed,
        violation,
        world,
    }
}

impl Played {
    /// # Panics
    /// Where an invariant does not hold: with the newest lines of the trace and the command that repeats it.
    pub fn must_hold(&self) {
        let Some(Violation { invariant, what }) = &self.violation else {
            return;
        };
        let trace = self.world.trace.last(40);
        panic!(
            "seed {}, line {} of its trace\n{trace}\ninvariant {invariant}: {what}\nagain: RINGBACK_SIMULATION_SEED={} cargo test --test simulation the_seed",
            self.seed,
            self.world.trace.len(),
            self.seed
        );
    }
}

/// Plays all these seeds on all cores; stops at the first that fails. Says how many lines of trace they made.
///
/// # Panics
/// Where one does not hold, or many have shown less than they should.
pub fn play_all(play: Play, happenings: &[&str], seeds: Range<u64>) -> u64 {
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(None));
    let (lines, happened) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let played = play(seed, None);
                    lines.fetch_add(played.world.trace.len() as u64, Ordering::Relaxed);
                    let mut all = happened.lock().unwrap_or_else(PoisonError::into_inner);
                    for (what, times) in played.world.counts() {
                        *all.entry(what).or_insert(0) += times;
                    }
                    drop(all);
                    // All that fail are named; the first is told whole.
                    if let Some(violation) = &played.violation {
                        println!("simulation: seed {seed} breaks invariant {}", violation.invariant);
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        failed.get_or_insert(played);
                    }
                    if (1 + seed).is_multiple_of(1000) {
                        println!("simulation: seed {seed}");
                    }
                }
            });
        }
    });
    if let Some(failed) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        failed.must_hold();
    }
    let happened = happened.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("simulation: {happened:?}");
    let count = seeds.end - seeds.start;
    let must = happenings
        .iter()
        .filter(|what| **what != SELDOM || count >= 10_000);
    let missing: Vec<_> = must.filter(|what| !happened.contains_key(*what)).collect();
    assert!(count < 256 || missing.is_empty(), "never happened: {missing:?}");
    lines.into_inner()
}
