//! The journal of `power.c`, and what a power cut at a point of it leaves: all that a sync covered, and of the rest nothing, or any
//! part of it in pages of 4 KiB. Folders themselves always stay; the names in them do not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::dice::Dice;

const PAGE_BYTES: usize = 4096;
const HEAD_BYTES: usize = 24;

#[derive(Debug)]
enum Kind {
    Created,
    Written { at: u64, data: Vec<u8> },
    Length(u64),
    Synced { covered: u64 },
    Renamed(PathBuf),
    Removed,
}

#[derive(Debug)]
struct Record {
    starts: u64,
    ends: u64,
    path: PathBuf,
    kind: Kind,
}

pub struct Journal {
    records: Vec<Record>,
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap()))
}

impl Journal {
    /// Reads all of it; the paths below `root`. A last record that is cut off was never finished.
    pub fn read(journal: &Path, root: &Path) -> Self {
        let bytes = std::fs::read(journal).unwrap();
        let below = |path: &[u8]| {
            let path = PathBuf::from(str::from_utf8(path).unwrap());
            path.strip_prefix(root).unwrap().to_owned()
        };
        let mut records = Vec::new();
        let mut at = 0;
        while at + HEAD_BYTES <= bytes.len() {
            let head = &bytes[at..at + HEAD_BYTES];
            assert_eq!(&head[..4], b"RBJ1");
            let number = u64::from_ne_bytes(head[8..16].try_into().unwrap());
            let path_ends = at + HEAD_BYTES + word(head, 16) as usize;
            let ends = path_ends + word(head, 20) as usize;
            let Some(data) = bytes.get(path_ends..ends) else {
                break;
            };
            let kind = match head[4] {
                b'C' => Kind::Created,
                b'W' => Kind::Written {
                    at: number,
                    data: data.to_vec(),
                },
                b'T' => Kind::Length(number),
                b'S' => Kind::Synced { covered: number },
                b'R' => Kind::Renamed(below(data)),
                b'U' => Kind::Removed,
                other => panic!("kind {other}"),
            };
            let path = below(&bytes[at + HEAD_BYTES..path_ends]);
            records.push(Record {
                starts: at as u64,
                ends: ends as u64,
                path,
                kind,
            });
            at = ends;
        }
        Self { records }
    }

    /// Where the power may go: the end of a record, from that of this path's first one on.
    pub fn ends(&self) -> Vec<u64> {
        self.records.iter().map(|record| record.ends).collect()
    }

    /// Writes the folder as a power cut at this point leaves it; `kept` is the share of unsynced pages that got there all the same.
    pub fn rebuild(&self, cut: u64, kept_percent: u64, dice: &mut Dice, folder: &Path) {
        let mut disk = Disk::default();
        for record in self.records.iter().take_while(|record| record.ends <= cut) {
            disk.take(record);
        }
        disk.leave(kept_percent, dice, folder);
    }
}

/// A file's synced bytes and the changes since.
#[derive(Default)]
struct File<'a> {
    synced: Vec<u8>,
    since: Vec<&'a Record>,
}

/// A change of a name; it lasts once its folder is synced, or the file that it names.
struct Naming<'a> {
    record: &'a Record,
    file: usize,
    lasts: bool,
}

#[derive(Default)]
struct Disk<'a> {
    files: Vec<File<'a>>,
    /// The names as the process sees them.
    names: BTreeMap<PathBuf, usize>,
    namings: Vec<Naming<'a>>,
}

fn apply(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    if bytes.len() < at + data.len() {
        bytes.resize(at + data.len(), 0);
    }
    bytes[at..at + data.len()].copy_from_slice(data);
}

fn change(bytes: &mut Vec<u8>, record: &Record) {
    match &record.kind {
        Kind::Written { at, data } => apply(bytes, *at as usize, data),
        Kind::Length(length) => bytes.resize(*length as usize, 0),
        _ => {}
    }
}

impl<'a> Disk<'a> {
    fn take(&mut self, record: &'a Record) {
        match &record.kind {
            Kind::Created => {
                self.files.push(File::default());
                self.names.insert(record.path.clone(), self.files.len() - 1);
                self.name(record, self.files.len() - 1);
            }
            Kind::Renamed(to) => {
                let file = self.names.remove(&record.path).unwrap();
                self.names.insert(to.clone(), file);
                self.name(record, file);
            }
            Kind::Removed => {
                if let Some(file) = self.names.remove(&record.path) {
                    self.name(record, file);
                }
            }
            Kind::Written { .. } | Kind::Length(_) => {
                // A file whose name is gone is nobody's any more.
                if let Some(file) = self.names.get(&record.path) {
                    self.files[*file].since.push(record);
                }
            }
            Kind::Synced { covered } => self.sync(&record.path, *covered),
        }
    }

    fn name(&mut self, record: &'a Record, file: usize) {
        self.namings.push(Naming {
            record,
            file,
            lasts: false,
        });
    }

    fn sync(&mut self, path: &Path, covered: u64) {
        if let Some(at) = self.names.get(path).copied() {
            let file = &mut self.files[at];
            let (synced, since) = file.since.iter().partition(|record| record.starts < covered);
            file.since = since;
            let synced: Vec<&Record> = synced;
            synced
                .into_iter()
                .for_each(|record| change(&mut file.synced, record));
            for naming in self.namings.iter_mut().filter(|naming| naming.file == at) {
                naming.lasts |= naming.record.starts < covered;
            }
        }
        for naming in self
            .namings
            .iter_mut()
            .filter(|naming| naming.record.path.parent() == Some(path))
        {
            naming.lasts |= naming.record.starts < covered;
        }
    }

    /// The names that last: those that must, and of the others any.
    fn lasting(&self, dice: &mut Dice) -> BTreeMap<PathBuf, usize> {
        let mut names = BTreeMap::new();
        for naming in &self.namings {
            if !naming.lasts && dice.one_in(2) {
                continue;
            }
            let path = &naming.record.path;
            match &naming.record.kind {
                Kind::Renamed(to) if names.get(path) == Some(&naming.file) => {
                    names.remove(path);
                    names.insert(to.clone(), naming.file);
                }
                Kind::Created => drop(names.insert(path.clone(), naming.file)),
                Kind::Removed if names.get(path) == Some(&naming.file) => drop(names.remove(path)),
                _ => {}
            }
        }
        names
    }

    fn leave(&self, kept_percent: u64, dice: &mut Dice, folder: &Path) {
        for (path, file) in self.lasting(dice) {
            let file = &self.files[file];
            let mut bytes = file.synced.clone();
            for record in &file.since {
                match &record.kind {
                    Kind::Written { at, data } => torn(&mut bytes, (*at as usize, data), kept_percent, dice),
                    _ if dice.below(100) < kept_percent => change(&mut bytes, record),
                    _ => {}
                }
            }
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}

/// Some pages of a write get to the disk, others do not.
fn torn(bytes: &mut Vec<u8>, (mut at, mut data): (usize, &[u8]), kept_percent: u64, dice: &mut Dice) {
    while !data.is_empty() {
        let (page, rest) = data.split_at(data.len().min(PAGE_BYTES - at % PAGE_BYTES));
        if dice.below(100) < kept_percent {
            apply(bytes, at, page);
        }
        (at, data) = (at + page.len(), rest);
    }
}
