//! The pure rooms: values in, values out; no clock, no dice, no I/O, so every decision has an exact test.

pub mod time;
pub mod id;
pub mod phone;
pub mod money;
pub mod key;
pub mod message;
pub mod otp;
pub mod number;
pub mod rental;
pub mod event;
pub mod ingest;
pub mod subscription;
pub mod signature;
pub mod retry;
pub mod delivery;
