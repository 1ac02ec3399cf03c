//! What makes a user name, a password or a PIN acceptable, and how a token is shown: never whole.

use thiserror::Error;

/// Shortest and longest user name, in characters.
pub const USER_NAME_LENGTH: std::ops::RangeInclusive<usize> = 3..=50;
/// Shortest password, in characters.
pub const PASSWORD_MIN_CHARS: usize = 8;
/// Longest password, in bytes of UTF-8: bcrypt reads no further.
pub const PASSWORD_MAX_BYTES: usize = 72;
/// Shortest and longest PIN of a station, in digits.
pub const PIN_LENGTH: std::ops::RangeInclusive<usize> = 4..=12;
/// Longest e-mail address, in characters.
pub const EMAIL_MAX_CHARS: usize = 120;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialError {
    #[error("a user name has 3 to 50 characters")]
    UserNameLength,
    #[error("a user name does not begin or end with a space, and holds no colon and nothing invisible")]
    UserNameCharacter,
    #[error("a user name has letters of one script: those of two can look alike")]
    UserNameScripts,
    #[error("a password has at least 8 characters")]
    PasswordTooShort,
    #[error("a password has at most 72 bytes")]
    PasswordTooLong,
    #[error("a password holds no control characters")]
    PasswordCharacter,
    #[error("a PIN has 4 to 12 digits")]
    Pin,
    #[error("this is not an e-mail address")]
    Email,
}

/// Checks a user name for a new account. Whatever can be seen is welcome, `<b>` and emoji too: a name is only ever shown literally.
/// A colon would end the name in Basic credentials; what cannot be seen would let one name pass for another.
pub fn check_user_name(name: &str) -> Result<(), CredentialError> {
    if !USER_NAME_LENGTH.contains(&name.chars().count()) {
        return Err(CredentialError::UserNameLength);
    }
    let visible = name.trim() == name && name.chars().all(|c| c != ':' && (c == ' ' || !(c.is_whitespace() || is_invisible(c))));
    if visible { Ok(()) } else { Err(CredentialError::UserNameCharacter) }
}

/// Control characters, and the marks that join, hide or turn round the letters beside them.
fn is_invisible(c: char) -> bool {
    let marks = ['\u{ad}', '\u{34f}', '\u{61c}', '\u{180e}', '\u{3164}', '\u{feff}', '\u{ffa0}'];
    let spans = matches!(c, '\u{115f}'..='\u{1160}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e0fff}');
    c.is_control() || spans || marks.contains(&c)
}

/// Checks a password for a new account.
pub fn check_password(password: &str) -> Result<(), CredentialError> {
    if password.chars().count() < PASSWORD_MIN_CHARS {
        return Err(CredentialError::PasswordTooShort);
    }
    if password.len() > PASSWORD_MAX_BYTES {
        return Err(CredentialError::PasswordTooLong);
    }
    if password.contains(char::is_control) { Err(CredentialError::PasswordCharacter) } else { Ok(()) }
}

/// Checks a PIN: the digits of every keypad, and nothing else.
pub fn check_pin(pin: &str) -> Result<(), CredentialError> {
    let good = PIN_LENGTH.contains(&pin.len()) && pin.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some(()).ok_or(CredentialError::Pin)
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
    fn names_of_every_script_are_welcome_and_what_cannot_be_seen_is_not() {
        for good in ["m.nowak", "żółw", "Anna Nowak", "<b>x</b>", "'; --", "Zoë 🔧", "张三丰"] {
            assert_eq!(check_user_name(good), Ok(()), "{good:?}");
        }
        assert_eq!(check_user_name("ab"), Err(CredentialError::UserNameLength));
        for bad in [" anna", "anna ", "a:nna", "an\tna", "an\u{0}na", "an\u{200b}na", "\u{202e}anna", "an\u{a0}na", "   "] {
            assert_eq!(check_user_name(bad), Err(CredentialError::UserNameCharacter), "{bad:?}");
        }
    }

    #[test]
    fn a_password_is_long_enough_short_enough_and_can_be_typed() {
        assert_eq!(check_password("zażółć g"), Ok(()));
        assert_eq!(check_password("1234567"), Err(CredentialError::PasswordTooShort));
        assert_eq!(check_password(&"x".repeat(73)), Err(CredentialError::PasswordTooLong));
        assert_eq!(check_password("1234567\u{0}"), Err(CredentialError::PasswordCharacter));
    }

    #[test]
    fn a_pin_is_digits_that_every_keypad_has() {
        assert!(check_pin("0000").is_ok() && check_pin("123456789012").is_ok());
        for bad in ["", "123", "1234567890123", "12 4", "abcd", "１２３４", "12\u{0}4"] {
            assert_eq!(check_pin(bad), Err(CredentialError::Pin), "{bad:?}");
        }
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
