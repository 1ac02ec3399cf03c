//! andon-server: arguments and wiring.

fn main() {}
