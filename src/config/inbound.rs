//! The sections `[inbound]` and `[inbound_log]`: what becomes of carriers' messages, and what is kept of their requests.

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbound {
    pub parts_wait_s: u64,
    pub sets_per_sender_max: usize,
    pub sets_max: usize,
    pub unmatched_h: u64,
    /// An account, or empty.
    pub operator_account: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundLog {
    pub enabled: bool,
    pub days: u32,
    pub bytes_max: u64,
    pub body_bytes_max: usize,
    pub refused_per_minute_max: u32,
}
