//! Any request to the carrier that this binary is named after: verified and read without a panic, and read the same way twice.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| parsers::judge(env!("CARGO_BIN_NAME"), data));
