//! What survives: the power cut at every commit of a script (simulated store), the process killed under load, and the power cut
//! under load (sled, with every byte dropped that no fsync covered). Seeds are printed; `RINGBACK_CRASH_SEED` repeats one.

#[expect(
    dead_code,
    reason = "of the shared schemas only the judging of one event is needed"
)]
#[path = "support/schema.rs"]
mod schema;

#[path = "support/gateway_rules.rs"]
mod gateway_rules;

mod crash {
    pub mod books;
    pub mod dice;
    pub mod enumerated;
    pub mod fused;
    #[cfg(target_os = "linux")]
    pub mod journal;
    pub mod killed;
    pub mod load;
    pub mod once;
    #[cfg(target_os = "linux")]
    pub mod power;
    pub mod process;
    pub mod replayed;
    pub mod script;
    pub mod sink;
}
