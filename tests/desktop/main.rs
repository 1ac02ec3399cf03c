//! The desktop tests, in one binary.
