//! Opening the embedded store: one process at a time, a known format, the right master key, and an error that says what to do.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, mpsc};

use super::readers::Readers;
use super::trees::{Trees, guarded};
use super::writer::{Space, Thread, Timings};
use super::{Options, Sled};
use crate::core::retry;
use crate::store::Error;
use crate::store::execute::Writer;
use crate::store::inbound_log::InboundLog;
use crate::store::keys::{self, FORMAT, Tree};
use crate::store::live::Live;
use crate::store::query::Query;
use crate::store::rows::{Row, Rows};
use crate::store::vault::Vault;

const FORMAT_FILE: &str = "FORMAT";
const LOCK_FILE: &str = "lock";
/// Tries to open sled's file, over about two seconds.
const LOCK_TRIES_MAX: usize = 25;
/// What sled writes into a file of its own, a blob, is what is longer than a quarter of a segment: a record, or a page of about 20.
/// It never syncs a blob and removes one before what replaces it is durable, so a power cut costs the record or the whole store.
/// In the largest segments there are, a page stays below that while its records are below 200 KB, twice what an SMS can become.
const SEGMENT_BYTES: usize = 16 << 20;
/// There from the first to the last step of making a store.
const CREATING_FILE: &str = "creating";

pub fn open(options: &Options, master: &[u8; 32]) -> Result<Sled, Error> {
    let folder = &options.folder;
    create_folder(folder)?;
    let lock = lock(folder)?;
    let sled_folder = folder.join("sled");
    if !is_known_format(folder)? {
        begin_creation(folder, &sled_folder)?;
    }
    let vault = Vault::new(master);
    let trees = Arc::new(open_trees(options)?);
    if !fits_master(&trees, &vault)? {
        note_master(&trees, &vault)?;
    }
    sync_files(&sled_folder)?;
    write_format(folder)?;
    let live = Arc::new(Live::default());
    let query = Query {
        rows: &*trees,
        vault: &vault,
    };
    let (last_seq, audit) = guarded(|| Ok((query.load(&live)?, query.audit_head()?)))?;
    let file = File::open(sled_folder.join("db")).map_err(|e| io(&e, "open", &sled_folder))?;
    let (healthy, timings) = (Arc::new(AtomicBool::new(true)), Arc::new(Timings::default()));
    let thread = Thread {
        writer: Writer {
            rows: trees.clone(),
            vault: vault.clone(),
            live: live.clone(),
            last_seq,
            inbound_log: guarded(|| InboundLog::load(&*trees))?,
            audit,
        },
        options: options.clone(),
        file,
        healthy: healthy.clone(),
        timings: timings.clone(),
        space: Space::new(folder.clone()),
    };
    let (asks, asked) = mpsc::sync_channel(options.queue_max);
    let started = std::thread::Builder::new()
        .name("store-writer".into())
        .spawn(move || thread.run(&asked));
    let thread = started.map_err(|e| Error::Open(format!("the writer thread does not start: {e}")))?;
    let (asks, thread) = (Mutex::new(Some(asks)), Mutex::new(Some(thread)));
    Ok(Sled {
        live,
        vault,
        trees,
        readers: Readers::start()?,
        asks,
        thread,
        healthy,
        timings,
        lock: Mutex::new(Some(lock)),
    })
}

fn io(error: &std::io::Error, what: &str, path: &Path) -> Error {
    Error::Open(format!("cannot {what} {}: {error}", path.display()))
}

fn create_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|e| io(&e, "create", folder))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let owner_only = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder, owner_only).map_err(|e| io(&e, "protect", folder))?;
    }
    Ok(())
}

/// The trees of a folder whose format is known.
pub fn open_trees(options: &Options) -> Result<Trees, Error> {
    let folder = &options.folder;
    let db = guarded(|| open_sled(&folder.join("sled"), options.cache_bytes)).map_err(|e| {
        Error::Open(format!("the store in {} does not open: {e}. Nothing was changed. Restore a backup, or move the folder away to start anew", folder.display()))
    })?;
    guarded(|| Trees::new(db))
}

/// The lock that keeps a second process out.
pub fn lock(folder: &Path) -> Result<File, Error> {
    try_lock(folder)?.ok_or_else(|| {
        Error::Open(format!(
            "another gateway is running on {}: stop it, or give this one its own folder with --data or store.folder",
            folder.display()
        ))
    })
}

/// As `lock`; none where another process holds it.
pub fn try_lock(folder: &Path) -> Result<Option<File>, Error> {
    let path = folder.join(LOCK_FILE);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = file.map_err(|e| io(&e, "open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(io(&e, "lock", &path)),
    }
}

/// Whether a store of this format stands there; refuses one of another before anything in the folder is touched.
pub fn is_known_format(folder: &Path) -> Result<bool, Error> {
    let path = folder.join(FORMAT_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(io(&e, "read", &path)),
    };
    match text
        .trim()
        .strip_prefix("ringback ")
        .and_then(|v| v.parse::<u32>().ok())
    {
        Some(FORMAT) if folder.join("sled").exists() => Ok(true),
        Some(FORMAT) => Err(Error::Open(format!(
            "{} is a store whose data is gone: restore a backup, or remove its FORMAT file to start anew",
            folder.display()
        ))),
        Some(newer) if newer > FORMAT => Err(Error::Open(format!(
            "the store in {} has format {newer}, this version reads {FORMAT}: start the newer ringback that wrote it",
            folder.display()
        ))),
        Some(older) => Err(Error::Open(format!(
            "the store in {} has format {older}, this version reads {FORMAT}: start the older ringback that wrote it; there is no migration from it",
            folder.display()
        ))),
        None => Err(Error::Open(format!(
            "{} is not a FORMAT file of ringback: is this the right data folder?",
            path.display()
        ))),
    }
}

/// A creation that was cut short acknowledged nothing: what it left is removed, and it begins anew.
fn begin_creation(folder: &Path, sled_folder: &Path) -> Result<(), Error> {
    let mark = folder.join(CREATING_FILE);
    match (sled_folder.exists(), mark.exists()) {
        (true, true) => fs::remove_dir_all(sled_folder).map_err(|e| io(&e, "remove", sled_folder)),
        (true, false) => Err(Error::Open(format!(
            "{} holds a store without its FORMAT file: restore that file from a backup (this version writes \"ringback {FORMAT}\")",
            folder.display()
        ))),
        (false, _) => {
            File::create(&mark).map_err(|e| io(&e, "create", &mark))?;
            sync(folder)
        }
    }
}

/// The last step of a creation, once its files are on the disk. Renamed into place, so that it is never there by half.
fn write_format(folder: &Path) -> Result<(), Error> {
    let (path, new) = (folder.join(FORMAT_FILE), folder.join("FORMAT.new"));
    if !path.exists() {
        let mut file = File::create(&new).map_err(|e| io(&e, "create", &new))?;
        let written = writeln!(file, "ringback {FORMAT}").and_then(|()| file.sync_all());
        let renamed = written.and_then(|()| fs::rename(&new, &path));
        renamed.map_err(|e| io(&e, "write", &path))?;
    }
    sync(folder)?;
    let mark = folder.join(CREATING_FILE);
    match fs::remove_file(&mark) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(io(&e, "remove", &mark)),
        _ => Ok(()),
    }
}

/// Our own lock is held, so sled's can only be that of a store which this process has just closed: sled's threads let go of it a
/// moment later.
fn open_sled(folder: &Path, cache_bytes: u64) -> Result<sled::Db, Error> {
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(cache_bytes)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(None);
    let mut waits = retry::exponential(1, 2.0, 100);
    for _ in 0..LOCK_TRIES_MAX {
        match config.open() {
            Err(sled::Error::Io(e)) if e.to_string().contains("acquire lock") => {
                std::thread::park_timeout(waits.next().unwrap_or_default());
            }
            opened => return opened.map_err(|e| Error::Read(e.to_string().into())),
        }
    }
    config.open().map_err(|e| Error::Read(e.to_string().into()))
}

/// A store written under another master key is refused at once, not at the first record. False: it is new, and none is noted yet.
pub fn fits_master(trees: &Trees, vault: &Vault) -> Result<bool, Error> {
    match trees.get(Tree::State, &keys::master_check())? {
        Some(check) if check == vault.check_value() => Ok(true),
        Some(_) => Err(Error::Open(
            "the store was written under another master key: set store.master_key to that one".into(),
        )),
        None => Ok(false),
    }
}

fn note_master(trees: &Trees, vault: &Vault) -> Result<(), Error> {
    let row = Row::put(Tree::State, keys::master_check(), vault.check_value().to_vec());
    guarded(|| trees.write(vec![row])).and_then(|()| trees.flush())
}

/// Syncs what creation made, or what a killed process left written and unsynced: a repetition is answered from it.
fn sync_files(sled_folder: &Path) -> Result<(), Error> {
    sync(&sled_folder.join("conf"))?;
    sync(&sled_folder.join("db"))?;
    sync(sled_folder)
}

fn sync(path: &Path) -> Result<(), Error> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|e| io(&e, "sync", path))
}
