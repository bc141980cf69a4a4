//! The waiting sets of parts in memory: by id, by their end, and counted by sender and receiver.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::core::id::SetId;
use crate::core::multipart::Set;
use crate::core::time::UnixMs;

#[derive(Debug, Default)]
pub struct Sets {
    by_id: HashMap<SetId, Arc<Set>>,
    ends: BTreeSet<(UnixMs, SetId)>,
    waiting: HashMap<[u8; 8], usize>,
}

impl Sets {
    pub fn get(&self, id: SetId) -> Option<Arc<Set>> {
        self.by_id.get(&id).cloned()
    }

    pub fn put(&mut self, set: Arc<Set>) {
        self.remove(set.id);
        self.ends.insert((set.until, set.id));
        *self.waiting.entry(set.pair).or_default() += 1;
        self.by_id.insert(set.id, set);
    }

    pub fn remove(&mut self, id: SetId) {
        let Some(old) = self.by_id.remove(&id) else {
            return;
        };
        self.ends.remove(&(old.until, id));
        if let Some(count) = self.waiting.get_mut(&old.pair) {
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(&old.pair);
            }
        }
    }

    pub fn waiting(&self, pair: [u8; 8]) -> (usize, usize) {
        (self.waiting.get(&pair).copied().unwrap_or(0), self.by_id.len())
    }

    pub fn over(&self, now: UnixMs, limit: usize) -> Vec<Arc<Set>> {
        let over = self.ends.iter().take_while(|(at, _)| *at <= now);
        over.filter_map(|(_, id)| self.get(*id)).take(limit).collect()
    }
}
