//! One account's events in their order: read through the account's index rows, so that nobody's events are read on behalf of another.

use super::Error;
use super::keys::{self, Tree};
use super::query::Query;
use super::rows::{self, Rows};
use crate::core::event::Event;
use crate::core::id::{AccountId, EventId, RentalId, Seq, SubscriptionId};
use crate::core::subscription::Pattern;

/// Index rows that one reading looks at; a filter that rarely matches goes on from there.
pub const ROWS_MAX: usize = 1000;
/// Bytes of bodies after which a page ends.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// What is read of an account's events.
#[derive(Debug, Clone)]
pub struct Reading {
    pub account: AccountId,
    pub after: Seq,
    /// The types that are wanted; none: all of them.
    pub patterns: Vec<Pattern>,
    /// What is about this rental alone.
    pub rental: Option<RentalId>,
    pub events_max: usize,
}

impl Reading {
    fn wants(&self, entry: &Entry) -> bool {
        let is_of_type = |pattern: &Pattern| pattern.matches(&entry.kind);
        (self.patterns.is_empty() || self.patterns.iter().any(is_of_type))
            && (self.rental.is_none() || self.rental == entry.rental)
    }
}

/// What an index row tells of its event without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub event: EventId,
    pub kind: String,
    pub rental: Option<RentalId>,
    /// Whom it was owed to when it happened.
    pub targets: Vec<SubscriptionId>,
}

impl Entry {
    /// The event's id, its rental or zeros, the length of its type, the type, the targets, then CRC-32 of key and all that. No secret, so
    /// not sealed.
    pub fn value(&self, key: &[u8]) -> Vec<u8> {
        let kind = self.kind.as_bytes();
        let mut value = Vec::with_capacity(37 + kind.len() + 16 * self.targets.len());
        value.extend_from_slice(&self.event.0);
        value.extend_from_slice(&self.rental.map_or([0; 16], |rental| rental.0));
        value.push(u8::try_from(kind.len()).expect("an event's type is a short word"));
        value.extend_from_slice(kind);
        self.targets.iter().for_each(|id| value.extend_from_slice(&id.0));
        let checksum = rows::checksum(key, &value);
        value.extend_from_slice(&checksum.to_be_bytes());
        value
    }

    pub fn parse(key: &[u8], value: &[u8]) -> Result<Self, Error> {
        const DAMAGED: Error = Error::Damaged("a feed row of a wrong length");
        let (plain, checksum) = value.split_last_chunk().ok_or(DAMAGED)?;
        if rows::checksum(key, plain) != u32::from_be_bytes(*checksum) {
            return Err(Error::Damaged("a feed row fails its check"));
        }
        let (event, rest) = plain.split_first_chunk().ok_or(DAMAGED)?;
        let (rental, rest) = rest.split_first_chunk().ok_or(DAMAGED)?;
        let (length, rest) = rest.split_first().ok_or(DAMAGED)?;
        let (kind, targets) = rest.split_at_checked(usize::from(*length)).ok_or(DAMAGED)?;
        let (targets, tail) = targets.as_chunks::<16>();
        if !tail.is_empty() {
            return Err(DAMAGED);
        }
        Ok(Self {
            event: EventId(*event),
            kind: String::from_utf8(kind.to_vec()).map_err(|_| DAMAGED)?,
            rental: Some(RentalId(*rental)).filter(|rental| rental.0 != [0; 16]),
            targets: targets.iter().map(|id| SubscriptionId(*id)).collect(),
        })
    }
}

/// What a reading found.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    pub events: Vec<(Seq, Event)>,
    /// The account's last event that was looked at, wanted or not.
    pub read_to: Seq,
    /// There may be more behind it.
    pub more: bool,
}

impl<R: Rows> Query<'_, R> {
    /// Reads on, up to `newest`: what is written after that may not be durable yet.
    pub fn events(&self, reading: &Reading, newest: Seq) -> Result<Page, Error> {
        let (mut events, mut read_to, mut rows, mut bytes) = (Vec::new(), reading.after, 0, 0);
        let prefix = keys::feed_of(&reading.account);
        let (first, last) = (
            Tree::of(reading.after.written_at()),
            Tree::of(newest.written_at()),
        );
        for day in self.rows.log_days() {
            let tree = Tree::Log(day);
            if tree < first || tree > last {
                continue;
            }
            let after = keys::feed(&reading.account, reading.after);
            for (key, value) in self.rows.scan_up(tree, &prefix, Some(&after), ROWS_MAX - rows)? {
                let seq = keys::parse_feed(&key).ok_or(Error::Damaged("a feed row of a wrong length"))?;
                if seq > newest {
                    break;
                }
                if events.len() >= reading.events_max || bytes >= PAGE_BYTES_MAX {
                    return Ok(Page {
                        events,
                        read_to,
                        more: true,
                    });
                }
                (read_to, rows) = (seq, rows + 1);
                // Gone only where its day is being dropped this moment; the caller's cursor is then gone too.
                if reading.wants(&Entry::parse(&key, &value)?)
                    && let Some(event) = self.event(seq)?
                {
                    bytes += event.body.len();
                    events.push((seq, event));
                }
            }
            if rows >= ROWS_MAX {
                return Ok(Page {
                    events,
                    read_to,
                    more: true,
                });
            }
        }
        Ok(Page {
            events,
            read_to,
            more: false,
        })
    }

    /// The account's newest event up to `newest`.
    pub fn newest_of(&self, account: &AccountId, newest: Seq) -> Result<Option<Seq>, Error> {
        let prefix = keys::feed_of(account);
        let past = keys::feed(account, Seq(newest.0.saturating_add(1)));
        for day in self.rows.log_days().into_iter().rev() {
            let found = self.rows.scan_down(Tree::Log(day), &prefix, Some(&past), 1)?;
            if let Some((key, _)) = found.first() {
                return keys::parse_feed(key)
                    .map(Some)
                    .ok_or(Error::Damaged("a feed row of a wrong length"));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::core::event::Kind;
    use crate::core::id::EventId;
    use crate::core::time::UnixMs;
    use crate::store::rows::{Pair, Row};
    use crate::store::sim::Disk;
    use crate::store::vault::Vault;

    /// A disk that counts the pairs it hands out.
    struct Counting {
        disk: Disk,
        pairs: Cell<usize>,
    }

    impl Counting {
        fn counted(&self, pairs: Result<Vec<Pair>, Error>) -> Result<Vec<Pair>, Error> {
            self.pairs
                .set(self.pairs.get() + pairs.as_ref().map_or(0, Vec::len));
            pairs
        }
    }

    impl Rows for Counting {
        fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
            self.pairs.set(self.pairs.get() + 1);
            self.disk.get(tree, key)
        }
        fn scan_up(
            &self,
            tree: Tree,
            prefix: &[u8],
            above: Option<&[u8]>,
            limit: usize,
        ) -> Result<Vec<Pair>, Error> {
            self.counted(self.disk.scan_up(tree, prefix, above, limit))
        }
        fn scan_down(
            &self,
            tree: Tree,
            prefix: &[u8],
            below: Option<&[u8]>,
            limit: usize,
        ) -> Result<Vec<Pair>, Error> {
            self.counted(self.disk.scan_down(tree, prefix, below, limit))
        }
        fn log_days(&self) -> Vec<u32> {
            self.disk.log_days()
        }
        fn audit_trees(&self) -> Vec<Tree> {
            self.disk.audit_trees()
        }
    }

    /// 3000 events of one account around 3 of another.
    fn log(vault: &Vault) -> (Counting, Seq) {
        let mut disk = Disk::default();
        let mut seq = Seq(0);
        for n in 0..3003u32 {
            let name = if n % 1001 == 500 { "quiet" } else { "busy" };
            seq = Seq::next(seq, UnixMs(1_793_534_400_000));
            let event = Event {
                id: EventId([7; 16]),
                account: AccountId::parse(name).unwrap(),
                kind: Kind::VerificationCreated,
                rental: None,
                message: None,
                at: UnixMs(0),
                body: "{}".into(),
            };
            let (tree, key) = (Tree::of(seq.written_at()), keys::event(seq));
            let sealed = vault.seal(&key, &event).unwrap();
            disk.write(Row::put(tree, key, sealed));
            let key = keys::feed(&event.account, seq);
            let entry = Entry {
                event: event.id,
                kind: event.kind.as_str().into(),
                rental: (n % 2 == 0).then_some(RentalId([9; 16])),
                targets: vec![SubscriptionId([n as u8; 16])],
            };
            let value = entry.value(&key);
            assert_eq!(Entry::parse(&key, &value).unwrap(), entry);
            let mut flipped = value.clone();
            flipped[n as usize % value.len()] ^= 1;
            assert!(Entry::parse(&key, &flipped).is_err());
            disk.write(Row::put(tree, key, value));
        }
        (
            Counting {
                disk,
                pairs: Cell::new(0),
            },
            seq,
        )
    }

    #[test]
    fn a_reading_costs_what_the_account_has_and_never_more_than_its_bound() {
        let vault = Vault::new(&[7; 32]);
        let (rows, newest) = log(&vault);
        let query = Query {
            rows: &rows,
            vault: &vault,
        };
        let mut reading = Reading {
            account: AccountId::parse("quiet").unwrap(),
            after: Seq(0),
            patterns: Vec::new(),
            rental: None,
            events_max: 100,
        };
        assert_eq!(query.events(&reading, newest).unwrap().events.len(), 3);
        assert_eq!(
            rows.pairs.replace(0),
            6,
            "three rows and three events, whatever the other account has"
        );
        reading.account = AccountId::parse("busy").unwrap();
        reading.patterns = vec![Pattern::parse("message.*").unwrap()];
        let mut readings = 0;
        loop {
            let page = query.events(&reading, newest).unwrap();
            assert!(rows.pairs.replace(0) <= ROWS_MAX && page.events.is_empty());
            (reading.after, readings) = (page.read_to, readings + 1);
            if !page.more {
                break;
            }
        }
        assert_eq!(readings, 4, "three times the bound, and the end");
        let not_durable = Seq(newest.0 - 1);
        assert!(
            query
                .events(
                    &Reading {
                        after: not_durable,
                        ..reading
                    },
                    not_durable
                )
                .unwrap()
                .read_to
                < newest
        );
    }
}
