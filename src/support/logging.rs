//! One way to set up logs: to standard error for programs, to the instance's folder as well for stations.
//! Libraries that see headers and keys are held at `info`, whatever is asked for: no secret reaches a log.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::Metadata;
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// Crates through which credentials pass.
const DISCREET: [&str; 12] =
    ["h2", "hyper", "hyper_util", "reqwest", "rustls", "tower", "tower_http", "zbus", "secret_service", "keyring", "keyring_core", "sqlx"];

/// How lines on standard error look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs that collect logs.
    Json,
}

/// Starts logging for this process; a second call changes nothing.
/// `directives` is what the person asked for (`info`, `andon=trace`), else `default` holds.
pub fn start(directives: Option<&str>, default: LevelFilter, format: LogFormat, folder: Option<&Path>) -> io::Result<()> {
    let asked = || EnvFilter::builder().with_default_directive(default.into()).parse_lossy(directives.unwrap_or_default());
    if let Some(folder) = folder {
        write_into(Some(folder))?;
    }
    let console = fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr);
    let console = match format {
        LogFormat::Text => console.boxed(),
        LogFormat::Json => console.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let console = console.with_filter(asked().and(filter_fn(is_discreet)));
    let file = fmt::layer().with_ansi(false).with_writer(|| LogFile).with_filter(asked().and(filter_fn(is_discreet)));
    let _ = tracing_subscriber::registry().with(console).with(file).try_init();
    Ok(())
}

/// From now on the log is written into this folder as well, or into none.
pub fn write_into(folder: Option<&Path>) -> io::Result<()> {
    let opened = folder.map(Open::new).transpose()?;
    *file() = opened;
    Ok(())
}

fn is_discreet(meta: &Metadata<'_>) -> bool {
    let root = meta.target().split("::").next().unwrap_or_default();
    *meta.level() <= tracing::Level::INFO || !DISCREET.contains(&root)
}

/// Largest log file before it becomes `andon.1.log`: logs of a station are bounded by twice this.
const LOG_LIMIT_BYTES: u64 = 8 * 1024 * 1024;

static FILE: Mutex<Option<Open>> = Mutex::new(None);

fn file() -> MutexGuard<'static, Option<Open>> {
    FILE.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Open {
    folder: PathBuf,
    file: File,
    bytes: u64,
}

impl Open {
    fn new(folder: &Path) -> io::Result<Open> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join("andon.log");
        if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_LIMIT_BYTES) {
            std::fs::rename(&path, folder.join("andon.1.log"))?;
        }
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Open { folder: folder.to_owned(), file, bytes })
    }
}

/// Writes to the folder of the moment. A log that cannot be written stops nobody.
struct LogFile;

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut slot = file();
        if let Some(open) = slot.as_mut() {
            open.bytes += line.len() as u64;
            let _ = open.file.write_all(line);
            if open.bytes > LOG_LIMIT_BYTES {
                let folder = open.folder.clone();
                *slot = Open::new(&folder).ok();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_makes_room_and_keeps_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        write_into(Some(folder.path())).unwrap();
        let line = vec![b'x'; 1024 * 1024];
        for _ in 0..=9 {
            LogFile.write_all(&line).unwrap();
        }
        LogFile.write_all(b"after\n").unwrap();
        write_into(None).unwrap();
        let size = |name: &str| std::fs::metadata(folder.path().join(name)).map(|meta| meta.len()).unwrap_or(0);
        assert!(size("andon.1.log") >= LOG_LIMIT_BYTES && size("andon.log") < LOG_LIMIT_BYTES);
    }
}
