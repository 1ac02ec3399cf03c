//! Puts the version's commit and date into the binaries.

#![expect(clippy::disallowed_macros, reason = "a build script speaks to cargo by printing")]

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=.git/HEAD");
    println!("cargo:rerun-if-changed=.git/logs/HEAD");
    println!("cargo:rustc-env=ANDON_COMMIT={}", git(&["rev-parse", "--short=10", "HEAD"]));
    println!("cargo:rustc-env=ANDON_COMMIT_DATE={}", git(&["log", "-1", "--format=%cs"]));
}

fn git(arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success());
    let text = output.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    if text.trim().is_empty() { "unknown".to_owned() } else { text.trim().to_owned() }
}
