//! Whole files, durably: written beside, synced, renamed, with the version before kept as `.bak`.
//! A broken file is set aside, never overwritten.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// Largest settings file that is read, in bytes.
pub(crate) const SETTINGS_LIMIT: u64 = 4 * 1024 * 1024;

/// Where the version before lies.
pub(crate) fn backup_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".bak");
    PathBuf::from(name)
}

/// Makes a folder that only its owner may enter, where the platform has modes. One that is there is fine.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    private_folder().recursive(true).create(path)
}

/// As [`make_private_folder`], and an error where the folder is there already.
pub(crate) fn make_new_private_folder(path: &Path) -> io::Result<()> {
    private_folder().create(path)
}

#[cfg(unix)]
fn private_folder() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(not(unix))]
fn private_folder() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

/// Opens a file for writing that only its owner may read, where the platform has modes.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// One write at a time: two of one file would share the file beside it.
static WRITING: Mutex<()> = Mutex::new(());

/// Replaces a file as a whole. After a crash there is the old one or the new one, and the old one stays as `.bak`.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let temporary = write_beside(path, bytes)?;
    let backup = backup_of(path);
    if path.exists() {
        let _ = fs::remove_file(&backup);
        if fs::hard_link(path, &backup).is_err() {
            fs::copy(path, &backup)?;
        }
    }
    fs::rename(&temporary, path)?;
    sync_folder(path)
}

/// As [`write_whole`], and no backup remains: for changes after which nothing of before may be left.
/// The backup goes first, and leaves its room to the new file: so a full disk does not keep anybody signed in.
pub(crate) fn write_without_trace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    wipe_former(&backup_of(path), path)?;
    let temporary = write_beside(path, bytes)?;
    let before = beside(path, ".old");
    let _ = fs::remove_file(&before);
    let _ = fs::hard_link(path, &before);
    fs::rename(&temporary, path)?;
    sync_folder(path)?;
    // The new file is there, so this is no failure. What is left is swept at the next start.
    if let Err(error) = wipe(&before) {
        tracing::warn!(%error, "the settings before could not be wiped yet");
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("{ending}-{}", std::process::id()));
    PathBuf::from(name)
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let temporary = beside(path, ".new");
    let written = create_private(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(temporary)
}

/// Makes the names in the folder of `path` as durable as the file's content.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// Moves a broken file out of the way, and says where it lies now.
pub(crate) fn set_aside(path: &Path, now: DateTime<Utc>) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".broken-{}", now.format("%Y%m%dT%H%M%S%6f")));
    let aside = PathBuf::from(name);
    fs::rename(path, &aside)?;
    sync_folder(path)?;
    Ok(aside)
}

/// Removes what a crash in the middle of a write left in a folder.
pub(crate) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some((whole, _)) = name
            .split_once(".new-")
            .or_else(|| name.split_once(".old-"))
            .filter(|(whole, _)| whole.ends_with(".json") || whole.ends_with(".json.bak"))
        {
            let _ = wipe_former(&entry.path(), &folder.join(whole));
        }
    }
}

/// Wipes what `path` was before. A crash can leave one file under both names: wiping one of them would empty the other,
/// so then only the name goes.
fn wipe_former(former: &Path, path: &Path) -> io::Result<()> {
    if fs::read(former).is_ok_and(|bytes| fs::read(path).is_ok_and(|same| same == bytes)) {
        fs::remove_file(former)?;
    }
    wipe(former)
}

/// Overwrites a file before it is removed. A file that is not there is fine. It loses its name first: full of zeros under its own it would
/// be taken for a broken one, should the power fail before it is gone; under the other [`sweep`] finds it.
pub(crate) fn wipe(path: &Path) -> io::Result<()> {
    let former = beside(path, ".old");
    match fs::rename(path, &former) {
        // Unless a try before came no further.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !former.exists() => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        renamed => renamed?,
    }
    sync_folder(path)?;
    let overwritten = overwrite(&former);
    fs::remove_file(&former)?;
    sync_folder(path)?;
    overwritten
}

fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = File::options().write(true).open(path)?;
    let zeros = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or(0)];
    file.write_all(&zeros)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_before_stays_as_backup() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read(backup_of(&path)).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn many_writers_of_one_file_leave_it_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let texts: Vec<Vec<u8>> = (1..=6_u8).map(|n| vec![b'0' + n; usize::from(n) * 5_000]).collect();
        std::thread::scope(|scope| {
            for text in &texts {
                scope.spawn(|| (0..20).for_each(|_| write_whole(&path, text).unwrap()));
            }
        });
        assert!(texts.contains(&fs::read(&path).unwrap()) && texts.contains(&fs::read(backup_of(&path)).unwrap()));
    }

    #[test]
    fn without_trace_leaves_nothing_of_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_whole(&path, b"secret").unwrap();
        write_whole(&path, b"secret").unwrap();
        write_without_trace(&path, b"plain").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"plain");
        assert!(!backup_of(&path).exists());
    }

    #[test]
    fn a_crash_between_backup_and_rename_costs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, b"kept").unwrap();
        fs::hard_link(&path, backup_of(&path)).unwrap();
        // The new file cannot be written: a folder stands in its place.
        fs::create_dir(beside(&path, ".new")).unwrap();
        assert!(write_without_trace(&path, b"new").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"kept");
    }

    #[test]
    fn a_death_between_two_names_of_the_settings_costs_nothing_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let left = ["old-1", "old-2", "new-3"].map(|ending| folder.path().join(format!("config.json.{ending}")));
        fs::write(&path, b"kept").unwrap();
        fs::hard_link(&path, &left[0]).unwrap();
        fs::write(&left[1], b"an older token").unwrap();
        fs::write(&left[2], b"half").unwrap();
        sweep(folder.path());
        assert_eq!(fs::read(&path).unwrap(), b"kept");
        assert!(left.iter().all(|left| !left.exists()));
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        make_private_folder(&inner).unwrap();
        write_whole(&inner.join("a"), b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&inner.join("a"))), (0o700, 0o600));
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"12345").unwrap();
        assert!(read_bounded(&path, 4).is_err());
        assert_eq!(read_bounded(&path, 5).unwrap(), b"12345");
    }
}
