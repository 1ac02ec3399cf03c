//! A file that holds one sealed text: `{"sealed": "…"}`. Replaced as a whole, and nothing of before remains.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files;

#[derive(Serialize, Deserialize)]
struct Content {
    sealed: String,
}

/// The sealed text. `InvalidData` where the file is no such file.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let content: Content = serde_json::from_slice(&files::read_bounded(path, files::SETTINGS_LIMIT)?)?;
    Ok(content.sealed)
}

pub(crate) fn write(path: &Path, sealed: String) -> io::Result<()> {
    files::write_without_trace(path, &serde_json::to_vec(&Content { sealed })?)
}
