//! What this binary was built from.

/// Version, commit and day of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    pub version: &'static str,
    /// Short commit id, or "unknown" outside a checkout.
    pub commit: &'static str,
    /// Day of the commit, `YYYY-MM-DD`.
    pub date: &'static str,
}

pub const BUILD: BuildInfo =
    BuildInfo { version: env!("CARGO_PKG_VERSION"), commit: env!("ANDON_COMMIT"), date: env!("ANDON_COMMIT_DATE") };

impl std::fmt::Display for BuildInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}, {})", self.version, self.commit, self.date)
    }
}
