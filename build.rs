//! Puts the version's commit and date into the binaries.

#![expect(clippy::disallowed_macros, reason = "a build script speaks to cargo by printing")]

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=ANDON_COMMIT");
    println!("cargo:rerun-if-env-changed=ANDON_COMMIT_DATE");
    println!("cargo:rerun-if-changed=.git/HEAD");
    println!("cargo:rerun-if-changed=.git/logs/HEAD");
    println!("cargo:rustc-env=ANDON_COMMIT={}", told("ANDON_COMMIT").unwrap_or_else(|| git(&["rev-parse", "--short=10", "HEAD"])));
    println!("cargo:rustc-env=ANDON_COMMIT_DATE={}", told("ANDON_COMMIT_DATE").unwrap_or_else(|| git(&["log", "-1", "--format=%cs"])));
}

/// What whoever builds without git tells.
#[expect(clippy::disallowed_methods, reason = "a build script has no other settings")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn git(arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success());
    let text = output.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    if text.trim().is_empty() { "unknown".to_owned() } else { text.trim().to_owned() }
}
