//! What crosses a wire: bodies and names, for both of its ends. No behaviour beyond reading and writing them.

pub mod audit;
pub mod auth;
pub mod chat;
pub mod live;
pub mod page;
pub mod stations;
pub mod users;
pub mod wats;
pub mod wsjf;
