//! Ringback: a self-hosted event gateway for SMS and one-time codes. The map of the house, in reading order.

/// The composition root.
pub mod app;
/// The carriers' dialects: verify raw bytes, then parse.
pub mod carrier;
/// The commands.
pub mod cli;
/// The only reader of clocks and dice.
pub mod clock;
/// `config.toml`, files, environment and flags into a checked configuration.
pub mod config;
/// Pure decisions: what a message, a rental, an event, a delivery is and becomes.
pub mod core;
/// Outbound: due, attempt, record.
pub mod dispatch;
/// What the product does, in no transport's words.
pub mod gateway;
/// Inbound HTTP: accept, limits, drain, routes.
pub mod http;
/// Durable state: the product's commits and queries, on sled and simulated.
pub mod store;
/// Who sells us numbers rental by rental: their dialects, as values.
pub mod supplier;
/// Metric names, redaction, logs.
pub mod telemetry;
