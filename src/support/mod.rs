//! A few tools that two floors need. No file here imports another.

pub mod backoff;
pub mod build_info;
pub mod clock;
#[cfg(any(feature = "desktop", feature = "cli"))]
pub mod language;
pub mod logging;
pub mod secret;
