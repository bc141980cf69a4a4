//! What happened, a line each, and the hash of all of it: two runs of one seed must agree to the last byte; and what the gateway logs.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

#[derive(Default)]
pub struct Trace(Mutex<Vec<String>>);

impl Trace {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note(&self, at_ms: u64, what: &str) {
        self.lines()
            .push(format!("{:>12.3} {what}", at_ms as f64 / 1000.0));
    }

    pub fn len(&self) -> usize {
        self.lines().len()
    }

    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        self.lines()
            .iter()
            .for_each(|line| hasher.update(format!("{line}\n")));
        hasher.finalize().into()
    }

    pub fn all(&self) -> Vec<String> {
        self.lines().clone()
    }

    /// The newest lines, at most so many.
    pub fn last(&self, count: usize) -> String {
        let lines = self.lines();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }
}

/// What the gateway logs, of every level.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs this with all that it logs written down.
    pub fn listen<T>(&self, act: impl FnOnce() -> T) -> T {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, act)
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
