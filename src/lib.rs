//! Andon: test stations and line displays for the factory floor, with their own line server.
//!
//! The folders are floors; a floor sees only the ones above it in this list. `ARCHITECTURE.md` has the table,
//! `tests/architecture.rs` holds it.

pub mod domain;
pub mod protocol;
pub mod support;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "desktop")]
pub mod desktop;
