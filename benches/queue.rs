//! Figures of the queue.

fn main() {}
