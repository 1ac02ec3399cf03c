//! The line server: HTTP, accounts, reports and yield on one database.
//! Three programs use what is re-exported here: `andon-server`, the line server built into `andon`, and tests.

mod access_keys;
mod admin;
mod body;
mod bridge;
mod bus;
mod caller;
mod client_address;
pub mod commands;
mod config;
mod cookies;
mod door;
mod error;
mod files;
mod guard;
mod handlers;
mod headers;
mod live;
mod lock;
mod metrics;
mod names;
mod odata;
mod openapi;
mod passwords;
mod presence;
mod random;
mod room;
mod router;
mod running;
mod seen;
mod services;
mod shared;
mod socket_io;
mod sockets;
mod state;
mod store;
mod tls;
mod whole;

pub use access_keys::KeyError;
pub use admin::{Admin, AdminError};
pub use client_address::Network;
pub use config::{
    Config, ConfigError, DEFAULT_LISTEN, Database, Encryption, Layers, Mail, Signup, Smtp, StationEnrollment, TlsFiles, UnknownProcesses,
};
pub use passwords::PasswordError;
pub use random::NoRandom;
pub use running::{Running, StartError, start};
pub use services::accounts::AccountError;
pub use services::mail::MailerError;
pub use store::StoreError;
pub use store::station_tokens::StationToken;
pub use store::users::User;
pub use tls::TlsError;
