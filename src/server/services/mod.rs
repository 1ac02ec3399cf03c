//! Use cases of more than one step.

pub(super) mod sign_in;
