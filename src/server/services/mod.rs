//! Use cases of more than one step.

pub(super) mod intake;
pub(super) mod periods;
pub(super) mod sign_in;
pub(super) mod yield_query;
