//! sled's trees as `Rows`, one for the state and one for each day's log and each period's marks; a panic inside sled stops at this seam.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use sled::transaction::{ConflictableTransactionResult, Transactional, TransactionalTree};
use sled::{Batch, Db, IVec, Tree as SledTree};

use crate::core::time::UnixMs;
use crate::store::keys::Tree;
use crate::store::rows::{Pair, Row, Rows};
use crate::store::{Error, Kept};

pub struct Trees {
    db: Db,
    state: SledTree,
    dated: RwLock<BTreeMap<Tree, SledTree>>,
}

/// Runs what may panic on damaged media, and turns the panic into an error.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Error::Read(Arc::from(
            "the engine panicked; the media may be damaged, restore a backup",
        )))
    })
}

pub fn read_error(error: &sled::Error) -> Error {
    Error::Read(error.to_string().into())
}

impl Trees {
    pub fn new(db: Db) -> Result<Self, Error> {
        let open = |name: &str| db.open_tree(name).map_err(|e| read_error(&e));
        let state = open(&Tree::State.name())?;
        let mut dated = BTreeMap::new();
        for tree in db.tree_names().iter().filter_map(|name| Tree::parse(name)) {
            if tree != Tree::State {
                dated.insert(tree, open(&tree.name())?);
            }
        }
        Ok(Self {
            db,
            state,
            dated: RwLock::new(dated),
        })
    }

    fn existing(&self, tree: Tree) -> Option<SledTree> {
        if tree == Tree::State {
            return Some(self.state.clone());
        }
        let dated = self.dated.read().unwrap_or_else(PoisonError::into_inner);
        dated.get(&tree).cloned()
    }

    fn open(&self, tree: Tree) -> Result<SledTree, Error> {
        if let Some(open) = self.existing(tree) {
            return Ok(open);
        }
        let opened = self.db.open_tree(tree.name()).map_err(|e| read_error(&e))?;
        self.dated
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(tree, opened.clone());
        Ok(opened)
    }

    pub fn all(&self) -> Vec<Tree> {
        let dated = self.dated.read().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(Tree::State)
            .chain(dated.keys().copied())
            .collect()
    }

    /// Writes all rows or none. Only the writer thread calls it.
    pub fn write(&self, rows: Vec<Row>) -> Result<(), Error> {
        let mut batches: BTreeMap<Tree, Vec<Row>> = BTreeMap::new();
        rows.into_iter()
            .for_each(|row| batches.entry(row.tree).or_default().push(row));
        let trees = batches
            .keys()
            .map(|tree| self.open(*tree))
            .collect::<Result<Vec<_>, _>>()?;
        let mut batches: Vec<Batch> = batches.into_values().map(batch).collect();
        if let ([tree], [batch]) = (trees.as_slice(), batches.as_mut_slice()) {
            return tree
                .apply_batch(std::mem::take(batch))
                .map_err(|e| read_error(&e));
        }
        let apply = |trees: &Vec<TransactionalTree>| -> ConflictableTransactionResult<(), ()> {
            trees
                .iter()
                .zip(&batches)
                .try_for_each(|(tree, batch)| tree.apply_batch(batch).map_err(Into::into))
        };
        trees
            .as_slice()
            .transaction(apply)
            .map_err(|e| Error::Read(format!("{e:?}").into()))
    }

    /// Hands everything written so far to the operating system.
    pub fn flush(&self) -> Result<(), Error> {
        self.db.flush().map(drop).map_err(|e| read_error(&e))
    }

    /// Drops what nobody asks for any more.
    pub fn drop_old(&self, now: UnixMs, kept: Kept) -> Result<usize, Error> {
        let mut dated = self.dated.write().unwrap_or_else(PoisonError::into_inner);
        let old: Vec<Tree> = dated
            .keys()
            .filter(|tree| tree.is_over(now, kept))
            .copied()
            .collect();
        for tree in &old {
            dated.remove(tree);
            self.db.drop_tree(tree.name()).map_err(|e| read_error(&e))?;
        }
        Ok(old.len())
    }
}

fn batch(rows: Vec<Row>) -> Batch {
    let mut batch = Batch::default();
    for row in rows {
        match row.value {
            Some(value) => batch.insert(row.key, value),
            None => batch.remove(row.key),
        }
    }
    batch
}

fn pair(found: sled::Result<(IVec, IVec)>) -> Result<Pair, Error> {
    found
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .map_err(|e| read_error(&e))
}

impl Rows for Trees {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let Some(tree) = self.existing(tree) else {
            return Ok(None);
        };
        tree.get(key)
            .map(|value| value.map(|v| v.to_vec()))
            .map_err(|e| read_error(&e))
    }

    fn scan_up(
        &self,
        tree: Tree,
        prefix: &[u8],
        above: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        let Some(tree) = self.existing(tree) else {
            return Ok(Vec::new());
        };
        let Some(above) = above else {
            return tree.scan_prefix(prefix).take(limit).map(pair).collect();
        };
        let bounds = (Bound::Excluded(above), Bound::Unbounded);
        let within = tree
            .range::<&[u8], _>(bounds)
            .map(pair)
            .take_while(|found| found.as_ref().map_or(true, |(key, _)| key.starts_with(prefix)));
        within.take(limit).collect()
    }

    fn scan_down(
        &self,
        tree: Tree,
        prefix: &[u8],
        below: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        let Some(tree) = self.existing(tree) else {
            return Ok(Vec::new());
        };
        match below {
            Some(below) => tree.range(prefix..below).rev().take(limit).map(pair).collect(),
            None => tree.scan_prefix(prefix).rev().take(limit).map(pair).collect(),
        }
    }

    fn log_days(&self) -> Vec<u32> {
        let dated = self.dated.read().unwrap_or_else(PoisonError::into_inner);
        dated.keys().filter_map(Tree::log_day).collect()
    }

    fn audit_trees(&self) -> Vec<Tree> {
        let dated = self.dated.read().unwrap_or_else(PoisonError::into_inner);
        let is_audit = |tree: &&Tree| matches!(tree, Tree::Audit(_));
        dated.keys().filter(is_audit).copied().collect()
    }
}

/// The writer and the readers share the trees.
impl Rows for Arc<Trees> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        (**self).get(tree, key)
    }

    fn scan_up(
        &self,
        tree: Tree,
        prefix: &[u8],
        above: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        (**self).scan_up(tree, prefix, above, limit)
    }

    fn scan_down(
        &self,
        tree: Tree,
        prefix: &[u8],
        below: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        (**self).scan_down(tree, prefix, below, limit)
    }

    fn log_days(&self) -> Vec<u32> {
        (**self).log_days()
    }

    fn audit_trees(&self) -> Vec<Tree> {
        (**self).audit_trees()
    }
}
