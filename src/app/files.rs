//! The secrets in the data folder: the master key and the peppers of codes, where the configuration gives none, and the admin listener's token.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::BuildError;
use crate::clock;
use crate::config::Verify;
use crate::core::verification::pepper::{Pepper, Peppers};

/// The configured master key, or that of the data folder, which is made if it is not there yet.
pub fn master_key(folder: &Path, configured: &str) -> Result<[u8; 32], BuildError> {
    if !configured.is_empty() {
        return parse_key(configured.trim(), "store.master_key");
    }
    let path = folder.join("master.key");
    let has_data = folder.join("FORMAT").exists();
    match fs::read_to_string(&path) {
        Ok(text) => parse_key(text.trim(), &path.display().to_string()),
        Err(e) if e.kind() == ErrorKind::NotFound && has_data => Err(BuildError::File(format!(
            "{} is missing, and the store in that folder cannot be read without it: put it back, or set store.master_key",
            path.display()
        ))),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let key: [u8; 32] = clock::random();
            write_private(&path, &hexadecimal(&key))?;
            Ok(key)
        }
        Err(e) => Err(BuildError::File(format!("{}: {e}", path.display()))),
    }
}

/// The configured pepper of codes and the one before it, or those of the data folder; the newer is made if it is not there.
pub fn peppers(folder: &Path, verify: &Verify) -> Result<Peppers, BuildError> {
    let (newest, before) = configured_peppers(verify)?;
    let before = match before {
        None => kept_pepper(&folder.join("verify.pepper.before"))?,
        before => before,
    };
    let newest = match newest {
        None => kept_or_made_pepper(&folder.join("verify.pepper"))?,
        Some(newest) => newest,
    };
    checked_peppers(newest, before)
}

/// Those that the configuration holds.
pub fn configured_peppers(verify: &Verify) -> Result<(Option<Pepper>, Option<Pepper>), BuildError> {
    let read = |text: &str, key| match text.trim() {
        "" => Ok(None),
        text => parse_key(text, key).map(|key| Some(Pepper(key))),
    };
    Ok((
        read(&verify.pepper, "verify.pepper")?,
        read(&verify.pepper_before, "verify.pepper_before")?,
    ))
}

/// Two that are one would be a rotation that changed nothing.
pub fn checked_peppers(newest: Pepper, before: Option<Pepper>) -> Result<Peppers, BuildError> {
    if before.as_ref() == Some(&newest) {
        let said = "verify.pepper and verify.pepper_before are one pepper: make a new one, or take the one before away";
        return Err(BuildError::Config(said.into()));
    }
    Ok(Peppers { newest, before })
}

fn kept_pepper(path: &Path) -> Result<Option<Pepper>, BuildError> {
    match fs::read_to_string(path) {
        Ok(text) => parse_key(text.trim(), &path.display().to_string()).map(|key| Some(Pepper(key))),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(BuildError::File(format!("{}: {e}", path.display()))),
    }
}

fn kept_or_made_pepper(path: &Path) -> Result<Pepper, BuildError> {
    if let Some(kept) = kept_pepper(path)? {
        return Ok(kept);
    }
    let pepper: [u8; 32] = clock::random();
    write_private(path, &hexadecimal(&pepper))?;
    Ok(Pepper(pepper))
}

fn hexadecimal(key: &[u8; 32]) -> String {
    key.iter().map(|b| format!("{b:02x}")).collect()
}

fn parse_key(text: &str, place: &str) -> Result<[u8; 32], BuildError> {
    let refuse = || BuildError::File(format!("{place} is no key: write 64 hexadecimal digits"));
    if text.len() != 64 || !text.is_ascii() {
        return Err(refuse());
    }
    let mut key = [0; 32];
    for (byte, at) in key.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| refuse())?;
    }
    Ok(key)
}

/// The admin token of this data folder; made if it is not there yet.
pub fn admin_token(folder: &Path) -> Result<String, BuildError> {
    let path = folder.join("admin.token");
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= 32 => Ok(text.trim().to_owned()),
        Ok(_) => Err(BuildError::File(format!(
            "{} is too short: delete it, the next start makes a new one",
            path.display()
        ))),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let token = BASE64_URL_SAFE_NO_PAD.encode(clock::random::<32>());
            write_private(&path, &token)?;
            Ok(token)
        }
        Err(e) => Err(BuildError::File(format!("{}: {e}", path.display()))),
    }
}

/// Writes a file that only its owner may read, and syncs it and its folder. Renamed into place, so that it is never there by half.
fn write_private(path: &Path, text: &str) -> Result<(), BuildError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let new = path.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|e| BuildError::File(format!("cannot write {}: {e}", path.display())))
}
