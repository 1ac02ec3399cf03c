//! Every way a sign-in can fail, and what each says to the person and about the server.

use std::time::Duration;

use crate::client::api::ApiError;
use crate::client::explain::Explanation;
use crate::client::server_url::BadServerUrl;
use crate::domain::connection::Trouble;

/// Why a sign-in did not succeed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("address: {0}")]
    BadAddress(#[from] BadServerUrl),
    #[error("no password")]
    NoPassword,
    #[error("wrong user or password")]
    WrongPassword,
    #[error("the account is locked for {0:?}")]
    LockedFor(Duration),
    #[error("the e-mail address is not confirmed")]
    NotVerified,
    #[error("not allowed to enroll stations")]
    MayNotEnroll { detail: String },
    #[error("the server hands out no tokens")]
    TokensNotHandedOut,
    #[error("the token is not known")]
    TokenRefused,
    #[error("unreachable: {detail}")]
    Unreachable { detail: String },
    #[error("server error: {detail}")]
    ServerError { detail: String },
    #[error("certificate: {detail}")]
    Certificate { detail: String },
    #[error("not our server: {detail}")]
    NotOurServer { detail: String },
    #[error("version {version} is too old")]
    ServerTooOld { version: String },
    #[error("the tunnel is down")]
    TunnelDown,
    /// https to a number cannot be checked through a tunnel.
    #[error("through a tunnel the server needs a name")]
    NeedsName,
    #[error("refused: {detail}")]
    Refused { detail: String },
    /// The server asks for time: too many tries from here.
    #[error("asked too often, again in {0:?}")]
    AskedTooOften(Duration),
    /// The server is gone, and this person has not signed in here lately.
    #[error("the server is gone, and nobody of this name signed in here within seven days")]
    NotKnownHere,
    /// The server is gone, and the clock shows an earlier time than before.
    #[error("the server is gone, and the clock went back")]
    ClockWentBack,
    /// The server is gone, and the keyring does not give the key of those who may come without it.
    #[error("the server is gone, and the keyring does not answer")]
    KeyringAway,
    /// The server is gone, and the person's role has nothing that he could do.
    #[error("the server is gone, and there is nothing that the person may do without it")]
    NothingOffline,
    /// The server is gone, and the sign-in could not be noted for it.
    #[error("it could not be noted: {detail}")]
    NotKept { detail: String },
    #[error("cancelled")]
    Cancelled,
}

impl SignInError {
    pub(crate) fn explain(&self) -> Explanation {
        let key = match self {
            SignInError::BadAddress(BadServerUrl::Empty) => "address_empty",
            SignInError::BadAddress(BadServerUrl::Malformed) => "address_malformed",
            SignInError::BadAddress(BadServerUrl::Scheme) => "address_scheme",
            SignInError::BadAddress(BadServerUrl::HoldsCredentials) => "address_holds_credentials",
            SignInError::BadAddress(BadServerUrl::HoldsQuery) => "address_holds_query",
            SignInError::BadAddress(BadServerUrl::PlainHttp) => "plain_http_refused",
            SignInError::NoPassword => "password_missing",
            SignInError::WrongPassword => "wrong_password",
            SignInError::LockedFor(wait) => {
                return Explanation::new("account_locked").with("minutes", wait.as_secs().div_ceil(60).max(1));
            }
            SignInError::NotVerified => "email_not_verified",
            SignInError::MayNotEnroll { .. } => "may_not_enroll",
            SignInError::TokensNotHandedOut => "tokens_not_handed_out",
            SignInError::TokenRefused => "token_refused",
            SignInError::Unreachable { .. } => "server_unreachable",
            SignInError::ServerError { .. } => "server_error",
            SignInError::Certificate { .. } => "certificate_refused",
            SignInError::NotOurServer { .. } => "not_our_server",
            SignInError::ServerTooOld { version } => return Explanation::new("server_too_old").with("version", version),
            SignInError::TunnelDown => "tunnel_down",
            SignInError::NeedsName => "tunnel_needs_name",
            SignInError::Refused { .. } => "sign_in_refused",
            SignInError::AskedTooOften(wait) => {
                return Explanation::new("asked_too_often").with("minutes", wait.as_secs().div_ceil(60).max(1));
            }
            SignInError::NotKnownHere => "offline_not_known",
            SignInError::ClockWentBack => "offline_clock_back",
            SignInError::KeyringAway => "offline_keyring_away",
            SignInError::NothingOffline => "offline_nothing",
            SignInError::NotKept { .. } => "offline_not_kept",
            SignInError::Cancelled => "cancelled",
        };
        Explanation::new(key).detail(self.their_words())
    }

    fn their_words(&self) -> &str {
        match self {
            SignInError::MayNotEnroll { detail }
            | SignInError::Unreachable { detail }
            | SignInError::ServerError { detail }
            | SignInError::Certificate { detail }
            | SignInError::NotOurServer { detail }
            | SignInError::Refused { detail }
            | SignInError::NotKept { detail } => detail,
            _ => "",
        }
    }

    /// What it says about the connection where there is no server to ask, and waiting may bring it back.
    pub(crate) fn server_gone(&self) -> Option<Trouble> {
        match self {
            SignInError::Unreachable { .. } => Some(Trouble::Unreachable),
            SignInError::ServerError { .. } => Some(Trouble::ServerError),
            SignInError::TunnelDown => Some(Trouble::TunnelDown),
            _ => None,
        }
    }

    /// Whether the server knows the person and does not let him in.
    pub(crate) fn refuses_person(&self) -> bool {
        use SignInError::{MayNotEnroll, NotVerified, Refused, WrongPassword};
        matches!(self, WrongPassword | NotVerified | MayNotEnroll { .. } | Refused { .. })
    }

    /// How long nobody should try again.
    pub(crate) fn locked_for(&self) -> Option<Duration> {
        match self {
            SignInError::LockedFor(wait) => Some(*wait),
            _ => None,
        }
    }
}

impl From<ApiError> for SignInError {
    fn from(error: ApiError) -> SignInError {
        let detail = error.detail();
        match error {
            ApiError::Unreachable(_) => SignInError::Unreachable { detail },
            ApiError::Certificate(_) => SignInError::Certificate { detail },
            ApiError::TokenRefused { .. } => SignInError::TokenRefused,
            ApiError::Later { status: 429, retry_after, .. } => SignInError::AskedTooOften(retry_after.unwrap_or(Duration::from_secs(60))),
            ApiError::Later { .. } => SignInError::ServerError { detail },
            ApiError::NotOurServer(_) | ApiError::OtherServer => SignInError::NotOurServer { detail },
            ApiError::TunnelDown { .. } => SignInError::TunnelDown,
            ApiError::Refused { .. } => SignInError::Refused { detail },
        }
    }
}
