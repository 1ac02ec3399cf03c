//! What an administrator changes of an account, and how the log tells of it.

use crate::domain::Role;
use crate::server::store::users::User;
use crate::support::secret::Secret;

/// What shall be different. What is missing stays.
#[derive(Default)]
pub(in crate::server) struct Change {
    /// Empty for none.
    pub(in crate::server) email: Option<String>,
    pub(in crate::server) role: Option<Role>,
    pub(in crate::server) active: Option<bool>,
    pub(in crate::server) verified: Option<bool>,
    pub(in crate::server) password: Option<Secret>,
    /// The version that was looked at.
    pub(in crate::server) version: Option<i64>,
}

impl Change {
    /// The account as it shall be.
    pub(super) fn of(&self, old: &User) -> User {
        let email = match self.email.as_deref() {
            None => old.email.clone(),
            Some("") => None,
            Some(email) => Some(email.to_owned()),
        };
        User {
            email,
            role: self.role.unwrap_or(old.role),
            active: self.active.unwrap_or(old.active),
            verified: self.verified.unwrap_or(old.verified),
            ..old.clone()
        }
    }
}

/// What an administrator changed, for the log. An address is a person's own: that it changed is enough.
pub(super) fn difference(old: &User, new: &User, password: bool) -> String {
    let mut parts = Vec::new();
    if old.role != new.role {
        parts.push(format!("role {} → {}", old.role.as_str(), new.role.as_str()));
    }
    if old.active != new.active {
        parts.push(if new.active { "enabled" } else { "disabled" }.to_owned());
    }
    if old.verified != new.verified {
        parts.push(if new.verified { "verified" } else { "unverified" }.to_owned());
    }
    if old.email != new.email {
        parts.push("e-mail address".to_owned());
    }
    if password {
        parts.push("password".to_owned());
    }
    parts.join(", ")
}
