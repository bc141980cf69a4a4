//! Who hears whose event became durable, whatever commit it came with.

use std::fmt;
use std::sync::OnceLock;

use crate::core::id::AccountId;

/// Hears whose event became durable.
pub type OnEvent = Box<dyn Fn(&AccountId) + Send + Sync>;

#[derive(Default)]
pub struct Listener(OnceLock<OnEvent>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl Listener {
    /// The first one stays: a store serves one gateway.
    pub fn set(&self, listener: OnEvent) {
        let _ = self.0.set(listener);
    }

    pub fn tell(&self, heard: &[AccountId]) {
        if let Some(listener) = self.0.get() {
            heard.iter().for_each(listener);
        }
    }
}
