//! A store looked at without a gateway: what stands in its folder, whether it opens, and whether each record passes its own check.

use std::collections::BTreeMap;
use std::path::Path;

use super::open::{fits_master, is_known_format, lock, open_trees, try_lock};
use super::trees::{Trees, guarded};
use super::{Error, Options};
use crate::store::feed::Entry;
use crate::store::keys::{self, Tree};
use crate::store::rows::{self, Pair, Rows};
use crate::store::vault::Vault;

/// Rows read at a time.
const CHUNK: usize = 1024;

/// What stands in a data folder of the right format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// No store.
    Empty,
    /// A gateway runs on it.
    Held,
    /// A store that nobody holds.
    Closed,
}

/// Every record of a store, read once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Examined {
    pub records: u64,
    /// By the name of the tree: how many of its records fail their check.
    pub hurt: BTreeMap<String, u64>,
    /// Trees that the engine could not read to their end, and why.
    pub unread: BTreeMap<String, String>,
}

/// What stands there. Refuses another format, and a folder that cannot be written to.
pub fn folder(folder: &Path) -> Result<Folder, Error> {
    if !is_known_format(folder)? {
        return Ok(Folder::Empty);
    }
    Ok(try_lock(folder)?.map_or(Folder::Held, |_| Folder::Closed))
}

/// Reads all of a closed store as it is, past what is hurt. `progress` hears how many records were read.
pub fn examine(
    options: &Options,
    master: &[u8; 32],
    progress: &mut dyn FnMut(u64),
) -> Result<Examined, Error> {
    let _lock = lock(&options.folder)?;
    let (trees, vault) = (open_trees(options)?, Vault::new(master));
    let mut found = Examined::default();
    if !guarded(|| fits_master(&trees, &vault))? {
        found.hurt.insert(Tree::State.name(), 1);
    }
    for tree in trees.all() {
        if let Err(error) = guarded(|| read(&trees, (tree, &vault), &mut found, progress)) {
            found.unread.insert(tree.name(), error.to_string());
        }
    }
    Ok(found)
}

fn read(
    trees: &Trees,
    (tree, vault): (Tree, &Vault),
    found: &mut Examined,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let mut above: Option<Vec<u8>> = None;
    loop {
        let rows = trees.scan_up(tree, &[], above.as_deref(), CHUNK)?;
        let hurt = rows.iter().filter(|row| !is_sound(vault, row)).count() as u64;
        if hurt > 0 {
            *found.hurt.entry(tree.name()).or_default() += hurt;
        }
        found.records += rows.len() as u64;
        progress(found.records);
        let Some((last, _)) = rows.into_iter().next_back() else {
            return Ok(());
        };
        above = Some(last);
    }
}

/// Whether the row passes the check that its kind has; `keys.rs` tells the kinds.
fn is_sound(vault: &Vault, (key, value): &Pair) -> bool {
    match key.first() {
        None => false,
        Some(&keys::META) if *key == keys::master_check() => *value == vault.check_value(),
        Some(&keys::META) if *key == keys::captured_bytes() => value.len() == size_of::<u64>(),
        Some(&keys::DUE) => rows::parse_due(key, value).is_ok(),
        Some(&keys::FEED) => Entry::parse(key, value).is_ok(),
        Some(&(keys::LINE | keys::UNMATCHED | keys::SEEN | keys::VERIFICATION_TO)) => value.is_empty(),
        Some(_) => vault.unseal(key, value).is_ok(),
    }
}
