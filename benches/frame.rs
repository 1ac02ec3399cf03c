//! Figures of the frame.

fn main() {}
