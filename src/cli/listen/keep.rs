//! What `listen` keeps between two runs: this user's signing secret, and the cursor where a file for it is named.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::clock::Clock;
use crate::config;
use crate::core::signature::{Scheme, SigningKey};

/// The secret that was given, else this user's own, which is made once.
pub fn secret(given: Option<&str>) -> Result<String, Failure> {
    if let Some(given) = given {
        return checked(config::secret(given).map_err(Failure::usage)?.trim());
    }
    let path = config::state_folder().join("listen.secret");
    match std::fs::read_to_string(&path) {
        Ok(text) => checked(text.trim()),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let secret = SigningKey::from_random(Scheme::V1, Clock::System.random()).to_string();
            write(&path, &secret)?;
            Ok(secret)
        }
        Err(e) => Err(unwritable(&path, &e)),
    }
}

fn checked(text: &str) -> Result<String, Failure> {
    let key: SigningKey = text
        .parse()
        .map_err(|e| Failure::usage(format!("the signing secret: {e}")))?;
    Ok(key.to_string())
}

/// Where the cursor is kept, if it is.
pub struct CursorFile(Option<PathBuf>);

impl CursorFile {
    pub fn new(path: Option<PathBuf>) -> Self {
        Self(path)
    }

    pub fn read(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.0 else { return Ok(None) };
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unwritable(path, &e)),
        }
    }

    pub fn write(&self, cursor: &str) -> Result<(), Failure> {
        self.0.as_deref().map_or(Ok(()), |path| write(path, cursor))
    }

    /// What else to do where the cursor in the file is of no use any more.
    pub fn hint(&self) -> String {
        self.0
            .as_ref()
            .map_or_else(String::new, |path| format!(", after removing {}", path.display()))
    }
}

/// Beside the place and then into it: a file is there whole or as it was. Readable by its owner only.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let new = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = folder
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| options.open(&new))
        .and_then(|mut file| writeln!(file, "{text}"))
        .and_then(|()| std::fs::rename(&new, path));
    written.map_err(|e| unwritable(path, &e))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{}: {error}", path.display()))
}
