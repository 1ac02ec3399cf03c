//! The desktop tests, in one binary.

mod golden;
mod line;
mod looks;
mod reports;
mod stage;
mod window;
mod yields;
