//! The WATS-compatible group: the addresses and shapes that existing station clients know.

pub(in crate::server) mod app;
pub(in crate::server) mod token;
