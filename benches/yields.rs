//! Figures of the yields.

fn main() {}
