//! The FORMAT file: what another version wrote is refused before it is touched, and a creation that was cut short begins anew.

use std::fs;

use ringback::store::Error;
use ringback::store::Reads;
use ringback::store::sled::Sled;

use super::home::{Home, MASTER, OnSled, options};
use super::samples::{self, NOON};

/// A closed store with one message in it, and its folder.
fn closed() -> tempfile::TempDir {
    let home = OnSled::new();
    home.commit(samples::stray("m1", NOON).0, NOON);
    let OnSled { store, folder } = home;
    drop(store);
    folder
}

fn refusal(folder: &std::path::Path) -> String {
    match Sled::open(&options(folder), &MASTER).map(drop) {
        Err(Error::Open(told)) => told,
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_formats_are_refused_with_what_to_do() {
    for (format, told) in [
        ("ringback 5\n", "start the newer ringback"),
        ("ringback 4294967295\n", "start the newer ringback"),
        ("ringback 3\n", "start the older ringback"),
        ("ringback one\n", "is not a FORMAT file"),
        ("something else\n", "is not a FORMAT file"),
        ("", "is not a FORMAT file"),
    ] {
        let folder = closed();
        let path = folder.path().join("FORMAT");
        let own = fs::read(&path).unwrap();
        fs::write(&path, format).unwrap();
        let refused = refusal(folder.path());
        assert!(refused.contains(told), "{format:?}: {refused}");
        fs::write(&path, own).unwrap();
        assert_eq!(
            Sled::open(&options(folder.path()), &MASTER)
                .unwrap()
                .unmatched(None, 10)
                .unwrap()
                .len(),
            1
        );
    }
}

#[test]
fn data_without_its_format_is_refused() {
    let folder = closed();
    fs::remove_file(folder.path().join("FORMAT")).unwrap();
    let told = refusal(folder.path());
    assert!(told.contains("FORMAT") && told.contains("backup"), "{told}");
}

/// Never silently empty: a folder that says it holds a store must hold it.
#[test]
fn a_format_without_its_data_is_refused() {
    let folder = closed();
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    let told = refusal(folder.path());
    assert!(told.contains("backup"), "{told}");
}

/// The process or the power can go at any point of the first start. Nothing was acknowledged then, so the next start begins anew.
#[test]
fn a_creation_that_was_cut_short_begins_anew() {
    for half_made in ["", "conf", "db"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("creating"), "").unwrap();
        fs::create_dir_all(folder.path().join("sled/blobs")).unwrap();
        if !half_made.is_empty() {
            fs::write(folder.path().join("sled").join(half_made), "torn").unwrap();
        }
        let store = Sled::open(&options(folder.path()), &MASTER).unwrap();
        assert_eq!(store.unmatched(None, 10).unwrap(), []);
        drop(store);
        assert!(!folder.path().join("creating").exists());
    }
}

/// The mark of a creation outlives a power cut right after it; it must not cost the data that came after.
#[test]
fn a_left_mark_of_the_creation_takes_nothing_away() {
    let folder = closed();
    fs::write(folder.path().join("creating"), "").unwrap();
    assert_eq!(
        Sled::open(&options(folder.path()), &MASTER)
            .unwrap()
            .unmatched(None, 10)
            .unwrap()
            .len(),
        1
    );
}
