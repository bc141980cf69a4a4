//! What becomes of what carriers bring: whole requests in one commit, long messages in parts, repetitions, messages of nobody, receipts;
//! and what time alone does to keys and accounts.
//! The real gateway on the simulated store, with a clock that stands until it is set.

#[path = "support/gateway_rules.rs"]
mod gateway_rules;

mod inbound {
    pub mod accounts;
    pub mod batches;
    pub mod house;
    pub mod mixed;
    pub mod parts;
    pub mod receipts;
    pub mod repeated;
    pub mod shared;
    pub mod unmatched;
}
