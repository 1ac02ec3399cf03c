//! The acts that are kept in the audit log, by the words that stay the same for good.

/// Who the log names where the name is nobody's: what was typed may be a password.
pub const NOBODY: &str = "(unknown name)";

/// What stands before the word of an act that a station told of later.
pub const OFFLINE: &str = "offline.";

/// One kind of act. Its word is `thing.done`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Login,
    Logout,
    /// A person reached the limit of failed tries.
    Locked,
    SessionEnded,
    SessionsEnded,
    /// A refresh token came a second time.
    TokenReused,
    PasswordChanged,
    PasswordReset,
    SignedUp,
    EmailVerified,
    CodeSent,
    UserCreated,
    UserChanged,
    UserDeleted,
    UserUnlocked,
    TokenIssued,
    TokenRevoked,
    KeyRotated,
}

impl Action {
    pub const ALL: [Action; 18] = [
        Action::Login,
        Action::Logout,
        Action::Locked,
        Action::SessionEnded,
        Action::SessionsEnded,
        Action::TokenReused,
        Action::PasswordChanged,
        Action::PasswordReset,
        Action::SignedUp,
        Action::EmailVerified,
        Action::CodeSent,
        Action::UserCreated,
        Action::UserChanged,
        Action::UserDeleted,
        Action::UserUnlocked,
        Action::TokenIssued,
        Action::TokenRevoked,
        Action::KeyRotated,
    ];

    /// The word in the log and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Login => "login",
            Action::Logout => "logout",
            Action::Locked => "user.locked",
            Action::SessionEnded => "session.ended",
            Action::SessionsEnded => "sessions.ended",
            Action::TokenReused => "session.token_reused",
            Action::PasswordChanged => "password.changed",
            Action::PasswordReset => "password.reset",
            Action::SignedUp => "user.signed_up",
            Action::EmailVerified => "user.email_verified",
            Action::CodeSent => "user.code_sent",
            Action::UserCreated => "user.created",
            Action::UserChanged => "user.changed",
            Action::UserDeleted => "user.deleted",
            Action::UserUnlocked => "user.unlocked",
            Action::TokenIssued => "token.issued",
            Action::TokenRevoked => "token.revoked",
            Action::KeyRotated => "key.rotated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_a_word_of_its_own() {
        let words: std::collections::HashSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(words.len(), Action::ALL.len());
    }
}
