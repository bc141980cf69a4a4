//! Runs worlds: one thread, one runtime and one virtual time each, many side by side; and says how to repeat the one that failed.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::invariants::Violation;
use super::plant::Plant;
use super::script;
use super::wall::Wall;
use super::world::World;

/// How a world ended.
pub struct Played {
    pub seed: u64,
    pub violation: Option<Violation>,
    pub world: Arc<World>,
}

/// Plays one world of the script.
pub fn play(seed: u64, plant: Option<Plant>) -> Played {
    play_with(seed, plant, async |world| script::play(world).await)
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
    let violation = runtime.block_on(async {
        world.wall.follow();
        let played = act(&world).await;
        world.crash("at the end");
        played.err()
    });
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

/// Plays all these seeds on all cores; stops at the first that fails.
pub fn play_all(seeds: Range<u64>) -> u64 {
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(None));
    let lines = AtomicU64::new(0);
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
                    if played.violation.is_some() {
                        next.store(seeds.end, Ordering::Relaxed);
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(played);
                    }
                }
            });
        }
    });
    if let Some(failed) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        failed.must_hold();
    }
    lines.into_inner()
}
