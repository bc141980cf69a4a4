//! Outbound: what is owed is sent from here.

pub mod client;
mod connect;
mod connection;
pub mod deliver;
pub mod guard;
mod lanes;
mod pool;
pub mod prepare;
mod progress;
mod pulse;
pub mod ranges;
mod record;
mod report;
pub mod resolve;
pub mod sender;
pub mod smpp;
pub mod smtp;
mod stranded;
mod telnyx;
pub mod trust;
