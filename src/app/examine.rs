//! What can be told of a data folder without starting a gateway on it.

use std::path::Path;

use super::{BuildError, build, files};
use crate::config::Config;
use crate::store::sled::{self, Examined, Folder};

/// What stands in the data folder, once its master key is there and is one.
pub fn data_folder(config: &Config) -> Result<Folder, BuildError> {
    let found = sled::folder(&config.store.folder)?;
    if found != Folder::Empty {
        // Where a store is, a missing key is an error, and none is made.
        files::master_key(&config.store.folder, &config.store.master_key)?;
    }
    Ok(found)
}

/// Reads every record of a store that no gateway runs on. `progress` hears how many were read.
pub fn examine(config: &Config, progress: &mut dyn FnMut(u64)) -> Result<Examined, BuildError> {
    let master = files::master_key(&config.store.folder, &config.store.master_key)?;
    Ok(sled::examine(&build::store_options(config), &master, progress)?)
}

/// Free bytes for the folder, where the system tells.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    fs4::available_space(folder).ok()
}
