//! The composition root: builds everything in the order of its dependencies, starts it, and stops it in the reverse order.

mod accounts;
mod build;
mod carry;
mod catalogue;
mod consent;
mod examine;
mod extractor;
mod fetch;
mod files;
mod gauges;
mod providers;
mod run;
mod supply;
mod verify;

pub use crate::dispatch::client::{Client, Options as ClientOptions};
pub use crate::dispatch::guard::{Policy, Target, check_url};
pub use crate::dispatch::sender::{Call, Outcome, Sender};
pub use crate::gateway::{Carry, Fetch, NewNumber, Provider};
pub use crate::http::dev::{Dev, DevSource};
pub use crate::store::sled::{Examined, Folder};
pub use build::{BuildError, check, public_url, sources};
pub use examine::{data_folder, examine, free_bytes};
pub use extractor::engine;
pub use fetch::fetcher;
pub use files::{admin_token, master_key};
pub use run::{Running, Start, start};
pub use supply::asker;
