//! Figures of the report.

fn main() {}
