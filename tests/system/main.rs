//! The system tests, in one binary.
