//! The only file of the server that prints: results on standard output, complaints on standard error.
//! A reader who has gone away is no reason to fail.

use std::io::{self, Write};

/// One line for programs and people to read.
pub(super) fn line(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// One sentence on what went wrong.
pub(super) fn complain(sentence: &str) {
    let _ = writeln!(io::stderr(), "andon-server: {sentence}");
}
