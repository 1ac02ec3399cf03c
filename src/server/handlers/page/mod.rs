//! The web page: its files, its session in cookies, and the line board.

pub(in crate::server) mod assets;
pub(in crate::server) mod board;
pub(in crate::server) mod session;
