//! `ringback inbound`: what carriers sent.

mod verify;

use clap::Subcommand;

use super::Failure;

#[derive(Subcommand)]
pub enum Inbound {
    /// Judge a captured request, or a list of them, as the gateway would; needs no running gateway.
    Verify(verify::Arguments),
}

pub fn run(inbound: Inbound) -> Result<(), Failure> {
    match inbound {
        Inbound::Verify(arguments) => verify::run(arguments),
    }
}
