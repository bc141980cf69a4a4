//! When the reader of the output goes away, as in `ringback extract … | head`: the command ends without a word, as others do.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};

/// The exit code of a program that SIGPIPE ended, which is what shells and scripts know.
pub(super) const CLOSED: u8 = 141;

/// How the message of `println!` begins and ends when its reader is gone (EPIPE).
const SAID: (&str, &str) = ("failed printing to std", "(os error 32)");

/// Does the work, or nothing more of it once `println!` finds that nobody reads any more. All other panics are told as ever.
pub(super) fn until_closed<T>(work: impl FnOnce() -> T) -> Option<T> {
    let tell = take_hook();
    set_hook(Box::new(move |panic| {
        if !is_closed(panic.payload()) {
            tell(panic);
        }
    }));
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => Some(done),
        Err(payload) if is_closed(&*payload) => None,
        Err(payload) => resume_unwind(payload),
    }
}

fn is_closed(payload: &(dyn Any + Send)) -> bool {
    let said = payload.downcast_ref::<String>();
    said.is_some_and(|said| said.starts_with(SAID.0) && said.ends_with(SAID.1))
}
