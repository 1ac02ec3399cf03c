//! What makes a user name or a password acceptable, and how a token is shown: never whole.

use thiserror::Error;

/// Shortest and longest user name, in characters.
pub const USER_NAME_LENGTH: std::ops::RangeInclusive<usize> = 3..=50;
/// Shortest password, in characters.
pub const PASSWORD_MIN_CHARS: usize = 8;
/// Longest password, in bytes of UTF-8: bcrypt reads no further.
pub const PASSWORD_MAX_BYTES: usize = 72;
/// Longest e-mail address, in characters.
pub const EMAIL_MAX_CHARS: usize = 120;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialError {
    #[error("a user name has 3 to 50 characters")]
    UserNameLength,
    #[error("a user name holds letters, digits and . _ - @, and no space")]
    UserNameCharacter,
    #[error("a password has at least 8 characters")]
    PasswordTooShort,
    #[error("a password has at most 72 bytes")]
    PasswordTooLong,
    #[error("this is not an e-mail address")]
    Email,
}

/// Checks a user name for a new account. Letters of every script are welcome.
pub fn check_user_name(name: &str) -> Result<(), CredentialError> {
    if !USER_NAME_LENGTH.contains(&name.chars().count()) {
        return Err(CredentialError::UserNameLength);
    }
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    if name.chars().all(allowed) { Ok(()) } else { Err(CredentialError::UserNameCharacter) }
}

/// Checks a password for a new account.
pub fn check_password(password: &str) -> Result<(), CredentialError> {
    if password.chars().count() < PASSWORD_MIN_CHARS {
        return Err(CredentialError::PasswordTooShort);
    }
    if password.len() > PASSWORD_MAX_BYTES { Err(CredentialError::PasswordTooLong) } else { Ok(()) }
}

/// Checks the shape of an e-mail address: something, one `@`, a name with a dot inside or `localhost`.
pub fn check_email(email: &str) -> Result<(), CredentialError> {
    let well_formed = || {
        let (local, host) = email.split_once('@')?;
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '@' && c != ',' && c != ';' && c != '<' && c != '>';
        let labels = host.split('.').all(|label| !label.is_empty());
        let good = !local.is_empty()
            && email.chars().count() <= EMAIL_MAX_CHARS
            && local.chars().chain(host.chars()).all(plain)
            && labels
            && (host.contains('.') || host == "localhost");
        good.then_some(())
    };
    well_formed().ok_or(CredentialError::Email)
}

/// How a token may be shown to a person: its last four characters.
pub fn mask_token(token: &str) -> String {
    let count = token.chars().count();
    if count < 12 { "…".to_owned() } else { format!("…{}", token.chars().skip(count - 4).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_script_are_welcome_and_markup_is_not() {
        assert_eq!(check_user_name("m.nowak"), Ok(()));
        assert_eq!(check_user_name("żółw"), Ok(()));
        assert_eq!(check_user_name("ab"), Err(CredentialError::UserNameLength));
        assert_eq!(check_user_name("a b c"), Err(CredentialError::UserNameCharacter));
        assert_eq!(check_user_name("<b>x</b>"), Err(CredentialError::UserNameCharacter));
    }

    #[test]
    fn an_address_needs_both_its_halves() {
        assert_eq!(check_email("op@line.example"), Ok(()));
        assert_eq!(check_email("op@localhost"), Ok(()));
        for bad in ["", "notmail", "@x.y", "a@", "a@b", "a b@c.d", "a@b..c", "a@b@c.d"] {
            assert_eq!(check_email(bad), Err(CredentialError::Email), "{bad:?}");
        }
    }

    #[test]
    fn a_mask_never_shows_a_short_token() {
        assert_eq!(mask_token("secret"), "…");
        assert_eq!(mask_token("abcdefghijkl"), "…ijkl");
    }
}
