//! When the reader of the output goes away, as in `ringback extract … | head`: the program ends without a word, as others do.

use std::panic::{set_hook, take_hook};

/// The exit code of a program that SIGPIPE ended, which is what shells and scripts know.
pub(super) const CLOSED: u8 = 141;

/// How the message of `println!` begins and ends when its reader is gone (EPIPE).
const SAID: (&str, &str) = ("failed printing to std", "(os error 32)");

/// From now on `println!` ends the program quietly when nobody reads any more. All other panics are told as ever.
pub(super) fn end_quietly() {
    let tell = take_hook();
    set_hook(Box::new(move |panic| {
        let said = panic.payload().downcast_ref::<String>();
        if said.is_some_and(|said| said.starts_with(SAID.0) && said.ends_with(SAID.1)) {
            std::process::exit(CLOSED.into());
        }
        tell(panic);
    }));
}
