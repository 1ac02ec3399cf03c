//! andon: arguments and wiring.

fn main() {}
