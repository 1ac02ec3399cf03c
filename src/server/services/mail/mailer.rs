//! How a mail leaves this machine.

use std::io::Write;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{Error as SmtpError, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::message::{self, Letter, NoMessage};
use super::{SEND_LIMIT, SENDERS};
use crate::server::config::{Encryption, Mail, Smtp};
use crate::support::backoff::Backoff;

/// How long a mail server may take over one step.
const STEP_LIMIT: Duration = Duration::from_secs(20);
/// How long a connection to it is kept for the next mail.
const IDLE: Duration = Duration::from_secs(10);

/// Where mail goes.
pub(in crate::server) enum Mailer {
    None,
    /// Codes are printed for the developer in front of the machine.
    Development,
    Smtp {
        transport: AsyncSmtpTransport<Tokio1Executor>,
        from: String,
        retry: Backoff,
    },
}

/// The settings of the mail server cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("mail cannot be set up: {0}")]
pub struct MailerError(#[from] SmtpError);

/// Why a mail did not go out.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// This mail to this address never will.
    #[error("{0}")]
    Never(String),
    /// The same may work later.
    #[error("{0}")]
    Later(String),
}

impl Mailer {
    /// Does not connect yet.
    pub(in crate::server) fn new(settings: &Mail) -> Result<Mailer, MailerError> {
        Ok(match settings {
            Mail::None => Mailer::None,
            Mail::Development => Mailer::Development,
            Mail::Smtp(smtp) => Mailer::Smtp { transport: transport(smtp)?, from: smtp.from.clone(), retry: smtp.retry },
        })
    }

    /// Whether anything can be sent at all.
    pub(in crate::server) fn is_set_up(&self) -> bool {
        !matches!(self, Mailer::None)
    }

    /// Waits between tries.
    pub(super) fn retry(&self) -> Backoff {
        match self {
            Mailer::Smtp { retry, .. } => *retry,
            _ => Backoff::new(LOCAL_RETRY, LOCAL_RETRY),
        }
    }

    /// Returns when the mail server has taken it.
    pub(super) async fn send(&self, letter: &Letter<'_>) -> Result<(), SendError> {
        match self {
            Mailer::None => Err(SendError::Never("mail is not set up".to_owned())),
            Mailer::Development => print_code(letter),
            Mailer::Smtp { transport, from, .. } => {
                let message = message::compose(letter, from)?;
                let sent = tokio::time::timeout(SEND_LIMIT, transport.send(message)).await;
                sent.map_err(|_| SendError::Later("the mail server took too long".to_owned()))??;
                Ok(())
            }
        }
    }
}

const LOCAL_RETRY: Duration = Duration::from_secs(5);

fn print_code(letter: &Letter<'_>) -> Result<(), SendError> {
    let line = format!("verification code for {}: {}\n", letter.email, letter.code.expose());
    std::io::stderr().lock().write_all(line.as_bytes()).map_err(|error| SendError::Later(error.to_string()))
}

fn transport(smtp: &Smtp) -> Result<AsyncSmtpTransport<Tokio1Executor>, SmtpError> {
    let mut tls = TlsParameters::builder(smtp.host.clone());
    if let Some(authorities) = &smtp.authorities {
        tls = tls.add_root_certificate(Certificate::from_pem(authorities)?);
    }
    let tls = match smtp.encryption {
        Encryption::Tls => Tls::Wrapper(tls.build()?),
        Encryption::StartTls => Tls::Required(tls.build()?),
        // Plain would be allowed too, so a certificate that nobody vouches for takes nothing away.
        Encryption::IfOffered => Tls::Opportunistic(tls.dangerous_accept_invalid_certs(true).build()?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
        .port(smtp.port)
        .tls(tls)
        .timeout(Some(STEP_LIMIT))
        .pool_config(PoolConfig::new().max_size(SENDERS as u32).idle_timeout(IDLE));
    if let Some((user, password)) = &smtp.user {
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    Ok(builder.build())
}

impl From<NoMessage> for SendError {
    fn from(error: NoMessage) -> SendError {
        SendError::Never(error.to_string())
    }
}

impl From<SmtpError> for SendError {
    /// 5xx about the mail itself is final. About our own name and password, or before a mail was offered, it is a matter of settings
    /// that somebody will mend.
    fn from(error: SmtpError) -> SendError {
        let code: Option<u16> = error.status().map(Into::into);
        let text = error.to_string();
        match code {
            Some(530 | 534 | 535 | 538 | 502 | 503 | 504) => SendError::Later(text),
            Some(500..) => SendError::Never(text),
            _ => SendError::Later(text),
        }
    }
}
