//! HTTP and nothing more: one file a resource.

pub(super) mod api;
pub(super) mod audit;
pub(super) mod auth;
pub(super) mod chat;
pub(super) mod health;
pub(super) mod page;
pub(super) mod signup;
pub(super) mod stations;
pub(super) mod users;
pub(super) mod wats;
