//! The server tests, in one binary.
