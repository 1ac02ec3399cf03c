//! How mail leaves the server, and who may ask for an account.

use std::time::Duration;

use super::{ConfigError, refuse};
use crate::domain::credentials::check_email;
use crate::support::backoff::Backoff;
use crate::support::secret::Secret;

/// Who may make an account by himself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signup {
    Closed,
    /// As a guest, until an administrator gives a role.
    #[default]
    Approval,
    /// As an operator.
    Open,
}

/// Where mail goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Mail {
    /// Nowhere: nobody can sign up or ask for a new password.
    #[default]
    None,
    /// Codes go to standard error. For a developer's machine.
    Development,
    Smtp(Smtp),
}

/// A mail server, and how patient we are with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub encryption: Encryption,
    pub user: Option<(String, Secret)>,
    /// `lines@plant.example`, as the sender.
    pub from: String,
    /// Certificates in PEM that are trusted beside the machine's own.
    pub authorities: Option<Vec<u8>>,
    /// Waits between tries for one mail.
    pub retry: Backoff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte.
    Tls,
    /// STARTTLS, and no mail without it.
    StartTls,
    /// STARTTLS where it is offered, with any certificate: for a mail server on this machine, between which and us nobody stands.
    IfOffered,
}

/// What the settings say, before they are put together.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    url: Option<Secret>,
    server: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    password: Option<Secret>,
    from: Option<String>,
    authorities: Option<Vec<u8>>,
    development: bool,
}

/// Waits of up to two seconds at first, of up to a minute in the end.
const RETRY: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));
/// The server that the specification names where only a name and a password are given.
const USUAL_SERVER: &str = "smtp.gmail.com";
const TLS_PORT: u16 = 465;
const SUBMISSION_PORT: u16 = 587;
const URL_FORM: &str = "smtp://USER:PASSWORD@HOST:587 (STARTTLS) or smtps://USER:PASSWORD@HOST:465";

impl Signup {
    pub(super) fn parse(value: &str, label: &str) -> Result<Signup, ConfigError> {
        match value {
            "closed" => Ok(Signup::Closed),
            "approval" => Ok(Signup::Approval),
            "open" => Ok(Signup::Open),
            _ => Err(refuse(label, value, "closed, approval or open")),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Signup::Closed => "closed",
            Signup::Approval => "approval",
            Signup::Open => "open",
        }
    }
}

impl Mail {
    /// For people, without a secret.
    pub fn shown(&self) -> String {
        match self {
            Mail::None => "none".to_owned(),
            Mail::Development => "codes on standard error".to_owned(),
            Mail::Smtp(smtp) => {
                let scheme = if smtp.encryption == Encryption::Tls { "smtps" } else { "smtp" };
                format!("{scheme}://{}:{} from {}", smtp.host, smtp.port, smtp.from)
            }
        }
    }
}

impl Parts {
    /// Takes one setting; false when it is not about mail.
    pub(super) fn set(&mut self, name: &str, value: &str, label: &str) -> Result<bool, ConfigError> {
        let text = || Some(value.to_owned());
        match name {
            "smtp_url" => self.url = Some(Secret::new(value)),
            "smtp_server" => self.server = text(),
            "smtp_port" => {
                let port = value.parse().ok().filter(|port| *port != 0);
                self.port = Some(port.ok_or_else(|| refuse(label, value, "a port from 1 to 65535"))?);
            }
            "smtp_username" => self.user = text(),
            "smtp_password" => self.password = Some(Secret::new(value)),
            "smtp_ca" => self.authorities = Some(read_authorities(value, label)?),
            "mail_from" => {
                check_sender(value).map_err(|()| refuse(label, value, "one e-mail address, such as andon@plant.example"))?;
                self.from = text();
            }
            "development" => self.development = matches!(value, "1" | "true"),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What they come to.
    pub(super) fn finish(self) -> Result<Mail, ConfigError> {
        let mut smtp = match (&self.url, &self.server, &self.user) {
            (Some(url), ..) => of_url(url)?,
            (None, Some(server), _) => of_server(server, self.port),
            (None, None, Some(_)) => of_server(USUAL_SERVER, self.port),
            (None, None, None) => return Ok(if self.development { Mail::Development } else { Mail::None }),
        };
        if let (None, Some(user)) = (&smtp.user, self.user) {
            smtp.user = Some((user, self.password.unwrap_or_default()));
        }
        let user = smtp.user.as_ref().map(|(user, _)| user.clone()).filter(|user| check_sender(user).is_ok());
        let missing = || refuse("mail_from", "", "the address that mail shall come from (ANDON_MAIL_FROM or FROM_EMAIL)");
        smtp.from = self.from.or(user).ok_or_else(missing)?;
        smtp.authorities = self.authorities;
        if smtp.encryption == Encryption::IfOffered && smtp.authorities.is_some() {
            smtp.encryption = Encryption::StartTls;
        }
        Ok(Mail::Smtp(smtp))
    }
}

fn of_server(host: &str, port: Option<u16>) -> Smtp {
    let port = port.unwrap_or(SUBMISSION_PORT);
    let encryption = match port {
        TLS_PORT => Encryption::Tls,
        _ if is_loopback(host) => Encryption::IfOffered,
        _ => Encryption::StartTls,
    };
    Smtp { host: host.to_owned(), port, encryption, user: None, from: String::new(), authorities: None, retry: RETRY }
}

fn of_url(url: &Secret) -> Result<Smtp, ConfigError> {
    // The address may hold a password, and is not repeated.
    let wrong = || refuse("smtp_url", "…", URL_FORM);
    let url = url::Url::parse(url.expose()).map_err(|_| wrong())?;
    // For schemes it does not know the library keeps a host of any kind, and an IPv6 address in brackets.
    let host = url.host_str().map(|host| host.trim_matches(['[', ']'])).filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    let default_port = match url.scheme() {
        "smtps" => TLS_PORT,
        "smtp" => SUBMISSION_PORT,
        _ => return Err(wrong()),
    };
    let mut smtp = of_server(host, Some(url.port().unwrap_or(default_port)));
    smtp.encryption = match url.scheme() {
        "smtps" => Encryption::Tls,
        _ if is_loopback(host) => Encryption::IfOffered,
        _ => Encryption::StartTls,
    };
    if !url.username().is_empty() {
        let user = decode(url.username()).ok_or_else(wrong)?;
        smtp.user = Some((user, Secret::new(decode(url.password().unwrap_or_default()).ok_or_else(wrong)?)));
    }
    Ok(smtp)
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        if *first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn check_sender(address: &str) -> Result<(), ()> {
    check_email(address).map_err(drop)?;
    address.parse::<lettre::Address>().map(drop).map_err(drop)
}

fn read_authorities(path: &str, label: &str) -> Result<Vec<u8>, ConfigError> {
    let allowed = "a readable file of certificates in PEM";
    let bytes = std::fs::read(path).map_err(|_| refuse(label, path, allowed))?;
    match lettre::transport::smtp::client::Certificate::from_pem(&bytes) {
        Ok(_) => Ok(bytes),
        Err(_) => Err(refuse(label, path, allowed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(settings: &[(&str, &str)]) -> Result<Mail, ConfigError> {
        let mut parts = Parts::default();
        for (name, value) in settings {
            assert!(parts.set(name, value, name)?, "{name}");
        }
        parts.finish()
    }

    fn smtp(settings: &[(&str, &str)]) -> Smtp {
        match mail(settings).unwrap() {
            Mail::Smtp(smtp) => smtp,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_address_says_it_all() {
        let found = smtp(&[("smtp_url", "smtp://line%40plant.example:p%3Aw@mail.plant.example"), ("mail_from", "andon@plant.example")]);
        assert_eq!((found.host.as_str(), found.port, found.encryption), ("mail.plant.example", 587, Encryption::StartTls));
        assert_eq!(found.user, Some(("line@plant.example".to_owned(), Secret::new("p:w"))));
        let found = smtp(&[("smtp_url", "smtps://line%40plant.example:x@mail.plant.example")]);
        assert_eq!((found.port, found.encryption, found.from.as_str()), (465, Encryption::Tls, "line@plant.example"));
        let found = smtp(&[("smtp_url", "smtp://[::1]:2525"), ("mail_from", "andon@plant.example")]);
        assert_eq!((found.host.as_str(), found.port, found.encryption), ("::1", 2525, Encryption::IfOffered));
    }

    #[test]
    fn the_specifications_own_names_are_understood() {
        let names = [("smtp_username", "me@gmail.com"), ("smtp_password", "x")];
        let found = smtp(&names);
        assert_eq!((found.host.as_str(), found.port, found.encryption), ("smtp.gmail.com", 587, Encryption::StartTls));
        assert_eq!(found.from, "me@gmail.com");
        let found = smtp(&[("smtp_server", "mail"), ("smtp_port", "465"), ("mail_from", "a@b.c")]);
        assert_eq!((found.host.as_str(), found.encryption, found.user), ("mail", Encryption::Tls, None));
    }

    #[test]
    fn without_a_server_codes_are_printed_for_developers_alone() {
        assert_eq!(mail(&[]), Ok(Mail::None));
        assert_eq!(mail(&[("development", "1")]), Ok(Mail::Development));
        assert_eq!(mail(&[("development", "0")]), Ok(Mail::None));
    }

    #[test]
    fn a_wrong_setting_is_named_and_its_password_is_not() {
        for url in ["http://u:hunter2@h", "smtp://", "smtp://u:%zzhunter2@h", "hunter2"] {
            let error = mail(&[("smtp_url", url), ("mail_from", "a@b.c")]).unwrap_err().to_string();
            assert!(error.contains("smtp_url") && !error.contains("hunter2"), "{error}");
        }
        assert!(mail(&[("smtp_server", "mail")]).unwrap_err().to_string().contains("ANDON_MAIL_FROM"));
        assert!(mail(&[("mail_from", "a@b.c\r\nBcc: x@y.z")]).is_err());
        assert!(mail(&[("smtp_port", "0")]).is_err());
        let shown = mail(&[("smtp_url", "smtp://u:hunter2@mail"), ("mail_from", "a@b.c")]).unwrap().shown();
        assert_eq!(shown, "smtp://mail:587 from a@b.c");
    }
}
