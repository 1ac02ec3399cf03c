//! Where files go when they are handled: Done, or Error with the reason beside it. Nothing is ever deleted or replaced.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::super::files;
use super::folder::has_reports_name;

pub(super) const DONE: &str = "Done";
pub(super) const ERROR: &str = "Error";

/// Moves a file into a folder beside it, under a name that is free there.
pub(super) fn put(file: &Path, beside: &str) -> io::Result<PathBuf> {
    let target = free_name(file, beside)?;
    std::fs::rename(file, &target)?;
    Ok(target)
}

/// Moves a file into Error. The reason is there before the file is, so that none lies there without.
pub(super) fn reject(file: &Path, reason: &str) -> io::Result<PathBuf> {
    let target = free_name(file, ERROR)?;
    files::write_whole(&with_suffix(&target, ".reason.txt"), format!("{reason}\n").as_bytes())?;
    std::fs::rename(file, &target)?;
    Ok(target)
}

/// Makes the moves out of `folder` outlast a power cut. A crash before that only brings a file back, which is known then.
pub(super) fn sync(folder: &Path) {
    for changed in [folder.join(DONE), folder.join(ERROR), folder.to_path_buf()] {
        if changed.is_dir()
            && let Err(error) = files::sync_folder(&changed.join("any"))
        {
            tracing::debug!("{} cannot be synced: {error}", changed.display());
        }
    }
}

/// Reports below `folder` that are not in the queue: files that wait, and refused ones. Those in Done are.
/// What cannot be looked into counts as one.
pub(crate) fn reports_below(folder: &Path) -> u64 {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return u64::from(error.kind() != io::ErrorKind::NotFound),
    };
    let count = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() && entry.file_name() != DONE => reports_below(&entry.path()),
        Ok(kind) => u64::from(kind.is_file() && has_reports_name(&entry.path())),
        Err(_) => 1,
    };
    entries.map(|entry| entry.map_or(1, count)).sum()
}

fn free_name(file: &Path, beside: &str) -> io::Result<PathBuf> {
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "a file without a name");
    let (folder, name) = (file.parent().ok_or_else(missing)?, file.file_name().ok_or_else(missing)?);
    let target = folder.join(beside);
    std::fs::create_dir_all(&target)?;
    let first = target.join(name);
    let is_free = |path: &PathBuf| !path.exists() && !with_suffix(path, ".reason.txt").exists();
    if is_free(&first) {
        return Ok(first);
    }
    let numbered = |n: u64| target.join(numbered_name(Path::new(name), n));
    let free = |n: u64| is_free(&numbered(n));
    Ok(numbered(first_free(free)))
}

/// A free number from 2, after few tries: a tester may give each of a million files the same name.
fn first_free(free: impl Fn(u64) -> bool) -> u64 {
    let mut taken = 1;
    let mut found = 2;
    while !free(found) {
        (taken, found) = (found, found * 2);
    }
    while found - taken > 1 {
        let middle = taken + (found - taken) / 2;
        if free(middle) { found = middle } else { taken = middle }
    }
    found
}

/// `a.json` gives `a (2).json`.
fn numbered_name(name: &Path, n: u64) -> OsString {
    let mut numbered = name.file_stem().unwrap_or_default().to_owned();
    numbered.push(format!(" ({n})"));
    if let Some(extension) = name.extension() {
        numbered.push(".");
        numbered.push(extension);
    }
    numbered
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_free_name_is_found_quickly_among_very_many() {
        for last in [1, 2, 3, 4, 7, 8, 9, 1_000_003] {
            let tries = Cell::new(0);
            let free = |n| {
                tries.set(tries.get() + 1);
                n > last
            };
            assert_eq!(first_free(free), last + 1);
            assert!(tries.get() <= 45, "{} tries", tries.get());
        }
        // Gaps where somebody tidied up: any free name will do.
        let found = first_free(|n| n == 5 || n > 1000);
        assert!(found == 5 || found == 1001, "{found}");
    }
}
