//! The desktop tests, in one binary.

mod line;
mod window;
