//! HTTP and nothing more: one file a resource.

pub(super) mod api;
pub(super) mod auth;
pub(super) mod chat;
pub(super) mod health;
pub(super) mod page;
pub(super) mod signup;
pub(super) mod wats;
