//! What survives: the power cut at every commit of a script (simulated store), the process killed under load, and the power cut
//! under load (sled, with every byte dropped that no fsync covered). Seeds are printed; `RINGBACK_CRASH_SEED` repeats one.

mod crash {
    pub mod books;
    pub mod dice;
    pub mod enumerated;
    pub mod fused;
    pub mod killed;
    pub mod load;
    pub mod process;
    pub mod script;
    pub mod sink;
}
