//! The pure rooms: values in, values out; no clock, no dice, no I/O, so every decision has an exact test.

pub mod capture;
pub mod cidr;
pub mod country;
pub mod cursor;
pub mod delivery;
pub mod event;
pub mod id;
pub mod ingest;
pub mod key;
pub mod message;
pub mod money;
pub mod multipart;
pub mod number;
pub mod otp;
pub mod outbound;
pub mod phone;
pub mod rental;
pub mod retry;
pub mod sample;
pub mod signature;
pub mod subscription;
pub mod time;
