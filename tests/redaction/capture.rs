//! The process's whole log, every target at TRACE but for what the product lets through at no level, in memory.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use ringback::telemetry::quiet;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::{self, format::FmtSpan};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[derive(Clone, Default)]
pub struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    /// From here on everything is heard, also what crates say through `log`. Times are left out: six of their digits could
    /// pass for a code.
    pub fn start() -> Self {
        let capture = Self::default();
        let writer = capture.clone();
        let lines = fmt::layer()
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone());
        let log = tracing_subscriber::registry()
            .with(LevelFilter::TRACE)
            .with(quiet())
            .with(lines);
        log.try_init().expect("no other log in this process");
        capture
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
