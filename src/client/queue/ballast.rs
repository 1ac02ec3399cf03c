//! A megabyte kept beside the queue, to be thrown overboard on a full disk: enough to write down what was delivered
//! meanwhile, so that a full disk cannot keep the queue from getting shorter.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

const BYTES: usize = 1 << 20;

fn file(folder: &Path) -> PathBuf {
    folder.join("ballast")
}

/// Takes ballast on board, where there is room for it.
pub(super) fn load(folder: &Path) {
    if is_aboard(folder) {
        return;
    }
    let path = file(folder);
    // Not zeros, which some disks do not store.
    let noise: Vec<u8> = (0..BYTES).map(|n| (n.wrapping_mul(2_654_435_761) >> 7) as u8).collect();
    let written = File::create(&path).and_then(|mut file| file.write_all(&noise));
    if written.is_err() {
        let _ = std::fs::remove_file(&path);
    }
}

pub(super) fn is_aboard(folder: &Path) -> bool {
    std::fs::metadata(file(folder)).is_ok_and(|metadata| metadata.len() == BYTES as u64)
}

/// Whether there was ballast to throw.
pub(super) fn throw(folder: &Path) -> bool {
    std::fs::remove_file(file(folder)).is_ok()
}
