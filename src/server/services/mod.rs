//! Use cases of more than one step.

pub(super) mod accounts;
pub(super) mod audit;
pub(super) mod board;
pub(super) mod chat;
pub(super) mod codes;
pub(super) mod intake;
pub(super) mod key_ring;
pub(super) mod mail;
pub(super) mod periods;
pub(super) mod rate;
pub(super) mod runs;
pub(super) mod server_status;
pub(super) mod sessions;
pub(super) mod sign_in;
pub(super) mod signup;
pub(super) mod socket_sign_in;
pub(super) mod sweep;
pub(super) mod turns;
mod untold;
pub(super) mod yield_query;
