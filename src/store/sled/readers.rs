//! A few threads that wait for the disk in the place of whoever asks. Always the same ones: the engine and the allocator keep half a
//! megabyte for each thread that reads, so a thread for each of 400 readers was 250 MiB.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::store::{Error, Work};

const THREADS: usize = 8;

/// They end when this is dropped and what was asked before is done. Nobody joins them: the last thing done may be to drop the store.
pub struct Readers(Sender<Work>);

impl Readers {
    pub fn start() -> Result<Self, Error> {
        let (asks, asked) = channel();
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..THREADS {
            let asked = asked.clone();
            let started = thread::Builder::new()
                .name("store-reader".into())
                .spawn(move || read(&asked));
            started.map_err(|e| Error::Open(format!("a reader thread does not start: {e}")))?;
        }
        Ok(Self(asks))
    }

    pub fn run(&self, work: Work) {
        // The threads are there as long as this is.
        let _ = self.0.send(work);
    }
}

fn read(asked: &Mutex<Receiver<Work>>) {
    loop {
        // One waits for work, holding the lock; the others wait for the lock.
        let next = asked.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        // Whoever asked learns of a panic by getting no answer.
        let _ = catch_unwind(AssertUnwindSafe(work));
    }
}
