//! What only files can show: full queues and disks, one opener, damage, and nothing in the clear.

use std::fs;
use std::path::Path;

use ringback::core::delivery::Next;
use ringback::core::id::SubscriptionId;
use ringback::core::time::UnixMs;
use ringback::store::sled::{Options, Sled, examine};
use ringback::store::{Access, Commit, Committed, Error, Reads, Store};

use super::commits::rented;
use super::home::{Home, MASTER, OnSled, options, wait};
use super::samples::{self, NOON, account};

const TARGET: SubscriptionId = SubscriptionId([1; 16]);
/// What the sample commits hold: numbers, texts, codes, a sender, a signing key, a URL and an API key.
pub const SECRETS: [&str; 9] = [
    "2025550001",
    "2025559999",
    "482913",
    "909090",
    "is your code",
    "Google",
    "secret-of-1",
    "hooks.example",
    "key-1",
];

pub fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Opens it again with other options.
fn reopened(home: OnSled, change: impl FnOnce(&mut Options)) -> OnSled {
    let OnSled { store, folder } = home;
    drop(store);
    let mut options = options(folder.path());
    change(&mut options);
    OnSled {
        store: Sled::open(&options, &MASTER).unwrap(),
        folder,
    }
}

#[test]
fn a_full_queue_answers_busy_and_keeps_the_rest() {
    let home = reopened(OnSled::new(), |options| {
        (options.queue_max, options.group_max) = (2, 1);
    });
    let tickets: Vec<_> = (0..500)
        .map(|n| home.hand_in(samples::stray(&n.to_string(), NOON).0, NOON))
        .collect();
    let answers: Vec<_> = tickets.into_iter().map(wait).collect();
    let taken = answers
        .iter()
        .filter(|answer| matches!(answer, Ok(Committed::New(None))))
        .count();
    let busy = answers
        .iter()
        .filter(|answer| matches!(answer, Err(Error::Busy)))
        .count();
    assert!(
        busy > 0 && taken > 0 && taken + busy == 500,
        "{taken} taken, {busy} busy"
    );
    assert_eq!(home.store().unmatched(None, 1000).unwrap().len(), taken);
    assert!(home.store().is_healthy());
    assert_eq!(
        home.commit(samples::stray("later", NOON).0, NOON),
        Committed::New(None)
    );
}

#[test]
fn a_full_disk_refuses_what_grows_and_nothing_else() {
    let (home, rental, number) = rented::<OnSled>();
    let home = reopened(home, |options| options.disk_reserve_bytes = u64::MAX);
    let refused = |commit: Commit| assert!(matches!(wait(home.hand_in(commit, NOON)), Err(Error::DiskFull)));
    refused(samples::stray("m1", NOON).0);
    refused(samples::receive(&rental, "m2", "hello", NOON, &[]).commit);
    refused(
        samples::rent(
            &samples::rental(&samples::number(2), 2, NOON),
            &samples::number(2),
            &[],
        )
        .0,
    );
    assert!(home.store().is_healthy());

    let due = home.store().live().due(TARGET, UnixMs(u64::MAX), 10);
    home.commit(samples::record(due[0], Next::Retry { at: NOON }, NOON), NOON);
    let due = home.store().live().due(TARGET, UnixMs(u64::MAX), 10);
    home.commit(Commit::Forget(due[0]), NOON);
    home.commit(samples::cancel(&rental, &number, NOON, &[]).0, NOON);
    assert_eq!(home.store().live().counts().due, 0);
    let home = reopened(home, |_| {});
    assert_eq!(
        home.commit(samples::stray("m1", NOON).0, NOON),
        Committed::New(None)
    );
}

/// A gateway with numbers in its configuration adds them at every start; it must start on a full disk too.
#[test]
fn numbers_are_added_on_a_full_disk() {
    let (home, ..) = rented::<OnSled>();
    let home = reopened(home, |options| options.disk_reserve_bytes = u64::MAX);
    home.commit(
        Commit::AddNumbers(vec![samples::number(1), samples::number(2)]),
        NOON,
    );
    assert_eq!(home.store().live().counts().numbers, 2);
}

#[test]
fn a_second_opener_is_told_what_to_do() {
    let home = OnSled::new();
    let Err(Error::Open(told)) = Sled::open(&options(home.folder.path()), &MASTER).map(drop) else {
        panic!("opened twice")
    };
    assert!(
        told.contains("another gateway is running") && told.contains("--data"),
        "{told}"
    );
    home.commit(samples::stray("m1", NOON).0, NOON);
    assert_eq!(home.reopened().store().unmatched(None, 10).unwrap().len(), 1);
}

#[test]
fn another_master_key_is_refused_at_once() {
    let (home, ..) = rented::<OnSled>();
    let OnSled { store, folder } = home;
    drop(store);
    let Err(Error::Open(told)) = Sled::open(&options(folder.path()), &[8; 32]).map(drop) else {
        panic!("opened with a wrong key")
    };
    assert!(told.contains("another master key"), "{told}");
    assert_eq!(
        Sled::open(&options(folder.path()), &MASTER)
            .unwrap()
            .live()
            .counts()
            .rentals,
        1
    );
}

/// A rental with its message, a stray one and an attempt; then every row of the log is changed in place.
fn damaged(change: impl Fn(&[u8]) -> Vec<u8>) -> OnSled {
    let (home, rental, _) = rented::<OnSled>();
    home.commit(
        samples::receive(&rental, "m1", "G-482913 is your code", NOON, &[TARGET]).commit,
        NOON,
    );
    home.commit(samples::stray("m2", NOON).0, NOON);
    let due = home.store().live().due(TARGET, UnixMs(u64::MAX), 10);
    home.commit(samples::record(due[0], Next::Retry { at: NOON }, NOON), NOON);
    // The open rental would stand in the way of opening; a cancelled one is only read when asked for.
    let number = home.store().live().number(&rental.number).unwrap();
    let rental = home.store().live().rental(rental.id).unwrap();
    let over = ringback::core::rental::Rental {
        status: ringback::core::rental::Status::Active,
        ..(*rental).clone()
    };
    home.commit(samples::cancel(&over, &number, NOON, &[]).0, NOON);
    let OnSled { store, folder } = home;
    drop(store);
    edit(folder.path(), "log-", &change);
    OnSled {
        store: Sled::open(&options(folder.path()), &MASTER).unwrap(),
        folder,
    }
}

/// Changes the values of all rows of the trees whose name begins so; how many those are.
fn edit(folder: &Path, tree: &str, change: &impl Fn(&[u8]) -> Vec<u8>) -> u64 {
    let config = sled::Config::new().path(folder.join("sled"));
    let config = config.segment_size(16 << 20);
    // Its threads let go of the one that was just closed a moment later.
    let mut opened = (0..200).filter_map(|_| {
        config
            .open()
            .inspect_err(|_| std::thread::park_timeout(std::time::Duration::from_millis(10)))
            .ok()
    });
    let db = opened.next().expect("the closed store is let go of");
    let mut changed = 0;
    for name in db
        .tree_names()
        .into_iter()
        .filter(|name| name.starts_with(tree.as_bytes()))
    {
        let tree = db.open_tree(name).unwrap();
        for row in &tree {
            let (key, value) = row.unwrap();
            // A row of the unmatched list and the master key's check stand for themselves.
            if !value.is_empty() && key[0] != 1 {
                tree.insert(key, change(&value)).unwrap();
                changed += 1;
            }
        }
    }
    db.flush().unwrap();
    changed
}

#[test]
fn a_damaged_record_is_an_error_and_no_panic() {
    let flipped = |value: &[u8]| {
        value
            .iter()
            .enumerate()
            .map(|(at, b)| b ^ u8::from(at == value.len() / 2))
            .collect()
    };
    type Change<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let changes: [Change; 4] = [
        &flipped,
        &|value| value[..value.len() / 2].to_vec(),
        &|_| vec![1],
        &|_| vec![99; 80],
    ];
    for change in changes {
        let home = damaged(change);
        let store = home.store();
        let rental = samples::rental(&samples::number(1), 1, NOON);
        let message = samples::receive(&rental, "m1", "", NOON, &[]).message;
        assert!(matches!(
            store.rental(&rental.account, rental.id),
            Err(Error::Damaged(_))
        ));
        assert!(matches!(
            store.rentals(&account("acc_a"), None, 10),
            Err(Error::Damaged(_))
        ));
        assert!(matches!(
            store.messages(&[samples::reference(&message)]),
            Err(Error::Damaged(_))
        ));
        assert!(matches!(store.unmatched(None, 10), Err(Error::Damaged(_))));
        assert!(matches!(store.attempts(TARGET, None, 10), Err(Error::Damaged(_))));
        let due = store.live().due(TARGET, UnixMs(u64::MAX), 10);
        assert!(matches!(store.event(due[0].event), Err(Error::Damaged(_))));
        // The rest of the store goes on.
        assert_eq!(
            home.commit(samples::stray("m3", NOON).0, NOON),
            Committed::New(None)
        );
    }
}

/// What `ringback doctor` reads of a store that nobody holds.
#[test]
fn every_record_is_looked_at_past_those_that_are_hurt() {
    let OnSled { store, folder } = damaged(<[u8]>::to_vec);
    assert!(
        matches!(
            examine(&options(folder.path()), &MASTER, &mut drop),
            Err(Error::Open(_))
        ),
        "somebody holds it"
    );
    drop(store);
    let look = || examine(&options(folder.path()), &MASTER, &mut drop).unwrap();
    let whole = look();
    assert!(
        whole.records > 10 && whole.hurt.is_empty() && whole.unread.is_empty(),
        "{whole:?}"
    );
    // Rows without a value say all in their key, and cannot be hurt in it.
    let mut values = 0;
    for tree in ["log-", "state"] {
        values += edit(folder.path(), tree, &|value| {
            value
                .iter()
                .enumerate()
                .map(|(at, byte)| byte ^ u8::from(at == value.len() / 2))
                .collect()
        });
    }
    let hurt = look();
    assert_eq!(
        (hurt.records, hurt.hurt.values().sum::<u64>()),
        (whole.records, values)
    );
    assert_eq!(hurt.hurt.len(), 2, "{hurt:?}");
    assert!(matches!(
        examine(&options(folder.path()), &[8; 32], &mut drop),
        Err(Error::Open(_))
    ));
}

#[test]
fn a_damaged_table_is_refused_at_the_opening() {
    for cut in [0, 1, 3] {
        let (home, ..) = rented::<OnSled>();
        let OnSled { store, folder } = home;
        drop(store);
        edit(folder.path(), "state", &|value| {
            value[..value.len().min(cut)].to_vec()
        });
        assert!(matches!(
            Sled::open(&options(folder.path()), &MASTER).map(drop),
            Err(Error::Damaged(_))
        ));
    }
}

/// Bytes flipped in sled's own file, behind its back: an error or the record, never a panic and never another record.
#[test]
fn damaged_media_never_panics_through() {
    for seed in 0..8u64 {
        let (home, rental, _) = rented::<OnSled>();
        let tickets: Vec<_> = (0..200).map(|n| samples::stray(&n.to_string(), NOON).0).collect();
        home.commit_all(tickets, NOON);
        let OnSled { store, folder } = home;
        drop(store);
        let path = folder.path().join("sled/db");
        let mut bytes = fs::read(&path).unwrap();
        let written = bytes.iter().rposition(|b| *b != 0).unwrap();
        for n in 0..3 {
            let place = (seed * 3 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
            bytes[place as usize % written] ^= 0x10;
        }
        fs::write(&path, bytes).unwrap();
        if let Ok(store) = Sled::open(&options(folder.path()), &MASTER) {
            let read = store.rental(&rental.account, rental.id);
            assert!(matches!(&read, Err(_) | Ok(None)) || read.unwrap().unwrap() == rental);
            let _ = (store.unmatched(None, 1000), store.attempts(TARGET, None, 10));
        }
    }
}

#[test]
fn the_files_hold_nothing_in_the_clear() {
    let (home, rental, _) = rented::<OnSled>();
    home.commit(Commit::Access(Access::AddKey(Box::new(samples::key(1)))), NOON);
    home.commit(
        samples::receive(&rental, "m1", "G-482913 is your code", NOON, &[TARGET]).commit,
        NOON,
    );
    home.commit(samples::stray("m2", NOON).0, NOON);
    let due = home.store().live().due(TARGET, UnixMs(u64::MAX), 10);
    home.commit(samples::record(due[0], Next::Retry { at: NOON }, NOON), NOON);
    let OnSled { store, folder } = home;
    drop(store);
    let mut files = 0;
    let mut folders = vec![folder.path().to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            files += 1;
            let bytes = fs::read(&entry).unwrap();
            for secret in SECRETS {
                assert!(!contains(&bytes, secret), "{secret} is in {}", entry.display());
            }
        }
    }
    assert!(files >= 4, "FORMAT, lock, conf and db at least");
}

/// sled never syncs what it writes into a file of its own, so a power cut would cost it, and with it the whole store.
#[test]
fn the_longest_texts_of_sms_make_no_file_of_their_own() {
    let (home, rental, _) = rented::<OnSled>();
    // 255 parts of 67 letters that take three bytes each.
    let text = format!("G-482913 is your code{}", "語".repeat(255 * 67));
    let mut rental = rental;
    for n in 0..24 {
        let received = samples::receive(&rental, &n.to_string(), &text, NOON, &[TARGET]);
        home.commit(received.commit, NOON);
        rental = received.rental;
    }
    assert_eq!(
        fs::read_dir(home.folder.path().join("sled/blobs"))
            .unwrap()
            .count(),
        0
    );
    assert_eq!(
        home.reopened().store().messages(&rental.messages).unwrap().len(),
        24
    );
}
