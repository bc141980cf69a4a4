//! Whose turn it is among accounts that wait: each account's in the order in which they came, the accounts in rounds, so that one with
//! a hundred waiting delays another's first by one. Not every one in front can be served, so the order is for going through.

use std::collections::{BTreeMap, HashMap};

use super::id::AccountId;

/// A place in the order. One account has at most one in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Turn {
    round: u64,
    came: u64,
}

#[derive(Debug)]
pub struct Turns<T> {
    waiting: BTreeMap<Turn, (AccountId, T)>,
    /// Of accounts that have somebody waiting: the last round that they have a place in, and how many they are.
    accounts: HashMap<AccountId, (u64, usize)>,
    /// The latest round in which somebody was served.
    round: u64,
    came: u64,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            accounts: HashMap::new(),
            round: 0,
            came: 0,
        }
    }
}

impl<T> Turns<T> {
    /// A place behind all of this account's, in the first round that is not begun.
    pub fn join(&mut self, account: &AccountId, what: T) -> Turn {
        let last = self.accounts.get(account).map_or(0, |(round, _)| *round);
        self.came += 1;
        let turn = Turn {
            round: self.round.max(last) + 1,
            came: self.came,
        };
        self.join_at(turn, account, what);
        turn
    }

    /// The place that was served in vain, again.
    pub fn join_at(&mut self, turn: Turn, account: &AccountId, what: T) {
        let (last, count) = self.accounts.entry(account.clone()).or_default();
        *last = turn.round.max(*last);
        *count += 1;
        let before = self.waiting.insert(turn, (account.clone(), what));
        debug_assert!(before.is_none(), "a place is taken once");
    }

    /// Gives the place up; nobody was served.
    pub fn leave(&mut self, turn: Turn) -> Option<T> {
        let (account, what) = self.waiting.remove(&turn)?;
        if let Some((_, count)) = self.accounts.get_mut(&account) {
            *count -= 1;
            if *count == 0 {
                self.accounts.remove(&account);
            }
        }
        Some(what)
    }

    /// Takes out the one whose turn was used.
    pub fn serve(&mut self, turn: Turn) -> Option<T> {
        self.round = self.round.max(turn.round);
        self.leave(turn)
    }

    /// Those who wait, in the order of their turns.
    pub fn iter(&self) -> impl Iterator<Item = (Turn, &T)> {
        self.waiting.iter().map(|(turn, (_, what))| (*turn, what))
    }

    pub fn count(&self) -> usize {
        self.waiting.len()
    }

    pub fn count_of(&self, account: &AccountId) -> usize {
        self.accounts.get(account).map_or(0, |(_, count)| *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn account(n: usize) -> AccountId {
        AccountId::parse(&format!("acc{n}")).unwrap()
    }

    fn order(turns: &Turns<&'static str>) -> Vec<&'static str> {
        turns.iter().map(|(_, what)| *what).collect()
    }

    #[test]
    fn accounts_take_turns_and_each_keeps_its_own_order() {
        let mut turns = Turns::default();
        for what in ["a1", "a2", "a3"] {
            turns.join(&account(1), what);
        }
        turns.join(&account(2), "b1");
        assert_eq!(order(&turns), ["a1", "b1", "a2", "a3"]);
        let first = turns.iter().next().unwrap().0;
        turns.serve(first);
        turns.join(&account(3), "c1");
        assert_eq!(
            order(&turns),
            ["b1", "a2", "c1", "a3"],
            "a newcomer waits for the round that is not begun"
        );
        turns.join_at(first, &account(1), "a1 again");
        assert_eq!(order(&turns)[0], "a1 again");
        assert_eq!((turns.count(), turns.count_of(&account(1))), (5, 3));
    }

    #[test]
    fn who_leaves_is_forgotten() {
        let mut turns = Turns::default();
        let turn = turns.join(&account(1), "a1");
        assert_eq!((turns.leave(turn), turns.leave(turn)), (Some("a1"), None));
        assert_eq!((turns.count(), turns.count_of(&account(1))), (0, 0));
        assert!(turns.accounts.is_empty());
    }

    proptest! {
        /// Served always from the front: own order holds, and whoever is the first of its account is overtaken by each other account
        /// twice at most, whatever joins meanwhile. So nobody starves.
        #[test]
        fn nobody_is_overtaken_for_long(acts in proptest::collection::vec((any::<bool>(), 0usize..5), 1..300)) {
            let mut turns = Turns::default();
            let mut next = [0u32; 5];
            let mut served = [0u32; 5];
            // How often each account was served since this account's first came to be first.
            let mut overtaken = [[0u32; 5]; 5];
            for (joins, who) in acts {
                if joins {
                    if turns.count_of(&account(who)) == 0 {
                        overtaken[who] = [0; 5];
                    }
                    turns.join(&account(who), (who, next[who]));
                    next[who] += 1;
                    continue;
                }
                let first = turns.iter().next().map(|(turn, what)| (turn, *what));
                if let Some((turn, (who, what))) = first {
                    turns.serve(turn);
                    prop_assert_eq!(what, served[who]);
                    served[who] += 1;
                    overtaken[who] = [0; 5];
                    for other in (0..5).filter(|other| *other != who && turns.count_of(&account(*other)) > 0) {
                        overtaken[other][who] += 1;
                        prop_assert!(overtaken[other][who] <= 2, "{} overtook {}", who, other);
                    }
                }
            }
        }
    }
}
