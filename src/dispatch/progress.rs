//! How far an attempt has come, and how long each part of it took; outlives the attempt when its deadline drops it.

use std::net::SocketAddr;

use tokio::time::Instant;

use super::sender::{Failure, micros};
use crate::core::attempt::Timing;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing yet, or a connection that stands already.
    Ready,
    Dns,
    Connect,
    Tls,
    /// The head of the reply.
    Reply,
    /// The rest of a reply with this status.
    Body(u16),
}

pub(super) struct Progress {
    phase: Phase,
    began: Instant,
    since: Instant,
    timing: Timing,
    /// Who was called; `None` as long as no connection stands.
    pub remote: Option<SocketAddr>,
    /// The connection had served a call before.
    pub reused: bool,
}

impl Progress {
    pub fn start() -> Self {
        let now = Instant::now();
        Self {
            phase: Phase::Ready,
            began: now,
            since: now,
            timing: Timing::default(),
            remote: None,
            reused: false,
        }
    }

    /// The phase before is over, and this one begins.
    pub fn enter(&mut self, phase: Phase) {
        let now = Instant::now();
        let took_us = Some(micros(now - self.since));
        match self.phase {
            Phase::Ready | Phase::Body(_) => {}
            Phase::Dns => self.timing.dns_us = took_us,
            Phase::Connect => self.timing.connect_us = took_us,
            Phase::Tls => self.timing.tls_us = took_us,
            Phase::Reply => self.timing.first_byte_us = took_us,
        }
        (self.phase, self.since) = (phase, now);
    }

    /// A kept connection turned out closed: what was waited for on it is nothing of the next one's.
    pub fn begin_anew(&mut self) {
        (self.phase, self.timing) = (Phase::Ready, Timing::default());
    }

    /// What the deadline cut off.
    pub fn timed_out(&self) -> Failure {
        match self.phase {
            Phase::Dns => Failure::DnsTimeout,
            Phase::Connect => Failure::ConnectTimeout,
            Phase::Tls => Failure::TlsTimeout,
            Phase::Ready | Phase::Reply => Failure::Timeout,
            Phase::Body(status) => Failure::BodyTooSlow { status },
        }
    }

    /// All that was come to; a phase that did not end counts for as long as it was waited for.
    pub fn timing(mut self) -> Timing {
        self.enter(Phase::Ready);
        Timing {
            total_us: micros(self.since - self.began),
            ..self.timing
        }
    }
}
