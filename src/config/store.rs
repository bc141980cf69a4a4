//! The section `[store]`: where the data is, how sure a write must be, and how long what is dated is kept.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub folder: PathBuf,
    pub master_key: String,
    pub durability: Durability,
    pub queue_max: usize,
    pub group_max: usize,
    pub disk_reserve_bytes: u64,
    pub cache_bytes: u64,
    pub log_days: u32,
    pub usage_days: u32,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("folder", &self.folder)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    Power,
    Process,
}
