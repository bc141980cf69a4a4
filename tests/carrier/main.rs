//! The tests of the carriers in one binary, for most of them share the vectors.

mod arbitrary;
mod by_name;
mod calls;
mod generic;
mod golden;
mod joints;
mod mutation;
mod requests;
mod rules;
mod send;
mod settings;
mod simulate;
mod sns;
mod strict;
mod vectors;
