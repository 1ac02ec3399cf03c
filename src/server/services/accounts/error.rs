//! Why an account stays as it is, and how that is answered.

use axum::http::StatusCode;

use crate::domain::credentials::CredentialError;
use crate::protocol::auth::code;
use crate::server::error::Refusal;
use crate::server::passwords::PasswordError;
use crate::server::store::StoreError;

/// Why an account stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("the user name is taken")]
    NameTaken,
    #[error("the user name looks like one that is taken")]
    LookTaken,
    #[error("the e-mail address is taken")]
    EmailTaken,
    #[error("there is no such user")]
    Unknown,
    #[error("stations have tokens, not accounts: a user cannot have the role STATION")]
    StationRole,
    #[error("only a SUPERUSER makes or changes a SUPERUSER")]
    RoleTooHigh,
    #[error("nobody disables, deletes, demotes or unverifies himself, nor sets his own password without the old one")]
    OwnAccount,
    #[error("this is the last SUPERUSER: make another one first")]
    LastSuperuser,
    #[error("somebody else changed this account meanwhile")]
    ChangedMeanwhile,
    /// A field of the account, and what is wrong with it.
    #[error("{1}")]
    Field(&'static str, CredentialError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> AccountError {
        AccountError::Store(error.into())
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Refusal {
        use AccountError as E;
        let sentence = sentence(&error.to_string());
        let conflict = |code: &'static str, field: Option<&str>| {
            let mut refusal = Refusal::new(StatusCode::CONFLICT, code, sentence.clone());
            refusal.fields.extend(field.map(|field| (field.to_owned(), sentence.clone())));
            refusal
        };
        let bad = |code: &'static str, field: &str| {
            let mut refusal = Refusal::bad_request(code, sentence.clone());
            refusal.fields.insert(field.to_owned(), sentence.clone());
            refusal
        };
        match error {
            E::NameTaken | E::LookTaken => conflict(code::USERNAME_TAKEN, Some("username")),
            E::EmailTaken => conflict(code::EMAIL_TAKEN, Some("email")),
            E::OwnAccount => conflict(code::OWN_ACCOUNT, None),
            E::LastSuperuser => conflict(code::LAST_SUPERUSER, None),
            E::ChangedMeanwhile => conflict(code::CHANGED_MEANWHILE, None),
            E::Unknown => Refusal::not_found("user"),
            E::RoleTooHigh => Refusal::new(StatusCode::FORBIDDEN, code::ROLE_TOO_HIGH, sentence),
            E::StationRole => bad("bad_role", "role"),
            E::Field(field @ ("password" | "new_password"), _) => bad(code::BAD_PASSWORD, field),
            E::Field(field, _) => bad("bad_field", field),
            E::Password(error) => error.into(),
            E::Store(error) => error.into(),
        }
    }
}

/// With a capital letter and a full stop.
pub(in crate::server) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
