//! One way to set up logs: to standard error for programs, to a folder as well for stations.

use std::io;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// Starts logging for this process; a second call changes nothing.
/// `directives` is what the person asked for (`info`, `andon=trace`), else `default` holds.
pub fn start(directives: Option<&str>, default: LevelFilter, folder: Option<&Path>) -> io::Result<()> {
    let filter = || match directives {
        Some(text) => EnvFilter::builder().with_default_directive(default.into()).parse_lossy(text),
        None => EnvFilter::builder().with_default_directive(default.into()).parse_lossy(""),
    };
    let console = fmt::layer().with_writer(io::stderr).with_filter(filter());
    let file = match folder {
        Some(folder) => Some(fmt::layer().with_ansi(false).with_writer(Mutex::new(open_log(folder)?)).with_filter(filter())),
        None => None,
    };
    let _ = tracing_subscriber::registry().with(console).with(file).try_init();
    Ok(())
}

/// Largest log file before it becomes `andon.1.log`: logs of a station are bounded by twice this.
const LOG_LIMIT_BYTES: u64 = 8 * 1024 * 1024;

fn open_log(folder: &Path) -> io::Result<std::fs::File> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join("andon.log");
    if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_LIMIT_BYTES) {
        std::fs::rename(&path, folder.join("andon.1.log"))?;
    }
    std::fs::OpenOptions::new().create(true).append(true).open(path)
}
