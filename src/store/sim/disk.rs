//! The simulated disk: rows in memory, in the order of their keys.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::store::Error;
use crate::store::keys::Tree;
use crate::store::rows::{Pair, Row, Rows};

/// What would be found on the disk after a power cut.
#[derive(Debug, Clone, Default)]
pub struct Disk(pub(super) BTreeMap<(Tree, Vec<u8>), Vec<u8>>);

impl Disk {
    /// Every stored byte, for a test that looks for what must not be there in the clear.
    pub fn bytes(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|((_, key), value)| key.iter().chain(value))
            .copied()
            .collect()
    }

    pub(in crate::store) fn write(&mut self, row: Row) {
        match row.value {
            Some(value) => drop(self.0.insert((row.tree, row.key), value)),
            None => drop(self.0.remove(&(row.tree, row.key))),
        }
    }

    fn range(&self, tree: Tree, prefix: &[u8]) -> impl DoubleEndedIterator<Item = Pair> {
        let from = Bound::Included((tree, prefix.to_vec()));
        let past = prefix.iter().rposition(|b| *b != u8::MAX).map(|at| {
            let mut past = prefix[..=at].to_vec();
            past[at] += 1;
            (tree, past)
        });
        let to = past.map_or(Bound::Unbounded, Bound::Excluded);
        self.0
            .range((from, to))
            .filter(move |((t, _), _)| *t == tree)
            .map(|((_, key), value)| (key.clone(), value.clone()))
    }
}

impl Rows for Disk {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.get(&(tree, key.to_vec())).cloned())
    }

    fn scan_up(
        &self,
        tree: Tree,
        prefix: &[u8],
        above: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        let up = self
            .range(tree, prefix)
            .filter(|(key, _)| above.is_none_or(|above| key.as_slice() > above));
        Ok(up.take(limit).collect())
    }

    fn scan_down(
        &self,
        tree: Tree,
        prefix: &[u8],
        below: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, Error> {
        let down = self
            .range(tree, prefix)
            .rev()
            .filter(|(key, _)| below.is_none_or(|below| key.as_slice() < below));
        Ok(down.take(limit).collect())
    }

    fn audit_trees(&self) -> Vec<Tree> {
        let mut trees: Vec<Tree> = self
            .0
            .range((Tree::Audit(0), Vec::new())..)
            .map(|((tree, _), _)| *tree)
            .collect();
        trees.dedup();
        trees
    }

    /// From one day's first row to the next's: a day may have many.
    fn log_days(&self) -> Vec<u32> {
        let (mut days, mut from) = (Vec::new(), Some(0));
        while let Some(day) = from
            && let Some(((Tree::Log(day), _), _)) = self.0.range((Tree::Log(day), Vec::new())..).next()
        {
            days.push(*day);
            from = day.checked_add(1);
        }
        days
    }
}
