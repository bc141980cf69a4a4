//! The built program as its user meets it: what it prints, what can be pasted, its exit codes, and how it stops.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod cli {
    pub mod accounts;
    pub mod audit;
    pub mod bench;
    pub mod dev;
    pub mod doctor;
    pub mod extract;
    pub mod figures;
    pub mod inbound;
    pub mod listen;
    pub mod mcp;
    pub mod numbers;
    pub mod operate;
    pub mod process;
    pub mod replay;
    pub mod sending;
    pub mod short;
    pub mod signature;
    pub mod sim;
    pub mod sim_carrier;
    pub mod sources;
    pub mod stop;
    pub mod suppliers;
    pub mod unmatched;
    pub mod usage;
    pub mod verify;
}
