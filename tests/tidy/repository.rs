//! Lists and reads the repository's files: what git tracks or would track, or the whole tree where there is no git (a packaged crate).

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use super::source::Source;

/// Every text file of the repository.
pub fn sources() -> Vec<Source> {
    let root = root();
    let mut paths = tracked(&root).unwrap_or_else(|| walk(&root));
    paths.sort();
    paths.dedup();
    let read = |path: String| Some(Source::new(&path, &text(&root.join(&path))?));
    paths.into_iter().filter_map(read).collect()
}

pub fn manifest() -> String {
    text(&root().join("Cargo.toml")).expect("cargo runs this test with a Cargo.toml")
}

fn root() -> std::path::PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), Into::into)
}

/// The file's text; `None` if it is gone from the working tree, or binary.
fn text(path: &Path) -> Option<String> {
    String::from_utf8(fs::read(path).ok()?)
        .ok()
        .filter(|text| !text.contains('\0'))
}

/// Tracked files and new ones that are not ignored, so that a rule speaks before the commit.
fn tracked(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()?;
    let names = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<_> = names.split_terminator('\0').map(str::to_owned).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

fn walk(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let inside = path.strip_prefix(root).expect("walked down from the root");
            let name = inside.to_string_lossy().replace('\\', "/");
            if path.is_file() {
                found.push(name);
            } else if !matches!(name.as_str(), ".git" | "target" | "fuzz/target") && path.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}
