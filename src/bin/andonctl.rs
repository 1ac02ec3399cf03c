//! andonctl: arguments and wiring.

fn main() {}
