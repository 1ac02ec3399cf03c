//! The WATS-compatible group: the addresses and shapes that existing station clients know.

pub(in crate::server) mod app;
pub(in crate::server::handlers) mod freshness;
pub(in crate::server) mod report;
pub(in crate::server) mod token;
pub(in crate::server) mod yields;
