//! andon: arguments and wiring.

#[path = "andon/line.rs"]
mod line;

fn main() {}
