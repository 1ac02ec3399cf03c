//! An SSH tunnel to the server, as settings that can be judged and a pure machine of its states.
//! What waiting cures is tried again for ever; what needs a person waits for one.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where the tunnel goes and who opens it. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TunnelSettings {
    pub enabled: bool,
    /// The SSH server's name or address.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub key_file: PathBuf,
    /// On this PC, for loopback alone; 0 takes a free one.
    pub local_port: u16,
    /// As the SSH server sees it.
    pub remote_host: String,
    pub remote_port: u16,
}

impl Default for TunnelSettings {
    fn default() -> TunnelSettings {
        TunnelSettings {
            enabled: false,
            host: String::new(),
            port: 22,
            user: String::new(),
            key_file: PathBuf::new(),
            local_port: 0,
            remote_host: "localhost".to_owned(),
            remote_port: 8440,
        }
    }
}

/// A field of the settings that cannot be used as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Host,
    Port,
    User,
    KeyFile,
    /// Only ever wrong as text: any number that fits is a port or asks for a free one.
    LocalPort,
    RemoteHost,
    RemotePort,
}

/// Longest name of a host, as DNS has it, and of a user.
const LONGEST_HOST: usize = 253;
const LONGEST_USER: usize = 255;

impl TunnelSettings {
    /// The first field that cannot be used, in the order of a form.
    pub fn check(&self) -> Result<(), Field> {
        let printable = |text: &str| !text.chars().any(|c| c.is_whitespace() || c.is_control());
        let is_host = |text: &str| (1..=LONGEST_HOST).contains(&text.len()) && printable(text) && !text.contains(['/', '@']);
        let is_user = (1..=LONGEST_USER).contains(&self.user.len()) && printable(&self.user);
        let fields = [
            (Field::Host, is_host(&self.host)),
            (Field::Port, self.port != 0),
            (Field::User, is_user),
            (Field::KeyFile, !self.key_file.as_os_str().is_empty()),
            (Field::RemoteHost, is_host(&self.remote_host)),
            (Field::RemotePort, self.remote_port != 0),
        ];
        fields.into_iter().find(|(_, good)| !good).map_or(Ok(()), |(field, _)| Err(field))
    }

    /// How the SSH server is named: `host:port`.
    pub fn server(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }
}

/// Why there is no tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The settings lack something. Needs a person, like the next eight.
    Incomplete(Field),
    KeyMissing,
    KeyUnreadable,
    /// The file holds no private key that can be used.
    NotAKey,
    PassphraseMissing,
    PassphraseWrong,
    /// The SSH server does not let this user in with this key.
    KeyRefused,
    /// Another host key than the one that was pinned, both as `SHA256:…`.
    HostKeyChanged {
        known: String,
        found: String,
    },
    /// The SSH server does not forward to where the tunnel shall go.
    ForwardingRefused,
    /// Another program has the local port. Waiting cures this and what follows.
    LocalPortTaken,
    /// The keyring that may hold the key's passphrase cannot be reached yet.
    KeyringAway,
    Unreachable,
    /// Something answers that does not speak SSH as it should.
    NotSsh,
    Disconnected,
}

impl Fault {
    /// Whether waiting will not cure it.
    pub fn needs_person(&self) -> bool {
        !matches!(self, Fault::LocalPortTaken | Fault::KeyringAway | Fault::Unreachable | Fault::NotSsh | Fault::Disconnected)
    }
}

/// Where the tunnel stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tunnel {
    #[default]
    Off,
    Connecting,
    Up {
        since: DateTime<Utc>,
    },
    /// Tried again at `after`.
    Retrying {
        after: DateTime<Utc>,
        why: Fault,
    },
    Refused {
        why: Fault,
    },
}

/// What can happen to a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    SwitchedOff,
    /// A try begins: at start, after a wait, after new settings, or because a person asks.
    Started,
    Opened(DateTime<Utc>),
    /// The try failed or the tunnel broke; `again` is when the next try is due, should waiting help.
    Failed {
        why: Fault,
        again: DateTime<Utc>,
    },
}

impl Tunnel {
    /// The state after `event`. What comes late, after the tunnel was switched off, changes nothing.
    pub fn next(self, event: Event) -> Tunnel {
        match (self, event) {
            (_, Event::SwitchedOff) => Tunnel::Off,
            (_, Event::Started) => Tunnel::Connecting,
            (Tunnel::Connecting, Event::Opened(since)) => Tunnel::Up { since },
            (Tunnel::Connecting | Tunnel::Up { .. }, Event::Failed { why, again }) => {
                if why.needs_person() {
                    Tunnel::Refused { why }
                } else {
                    Tunnel::Retrying { after: again, why }
                }
            }
            (state, _) => state,
        }
    }

    pub fn why(&self) -> Option<&Fault> {
        match self {
            Tunnel::Retrying { why, .. } | Tunnel::Refused { why } => Some(why),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> TunnelSettings {
        TunnelSettings { host: "gate.plant".into(), user: "andon".into(), key_file: "/keys/id".into(), ..TunnelSettings::default() }
    }

    fn failed(why: Fault) -> Event {
        Event::Failed { why, again: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn a_tunnel_opens_breaks_and_is_tried_again() {
        let up = Tunnel::Off.next(Event::Started).next(Event::Opened(DateTime::UNIX_EPOCH));
        assert_eq!(up, Tunnel::Up { since: DateTime::UNIX_EPOCH });
        let broken = up.next(failed(Fault::Disconnected));
        assert_eq!(broken, Tunnel::Retrying { after: DateTime::UNIX_EPOCH, why: Fault::Disconnected });
        assert_eq!(broken.next(Event::Started), Tunnel::Connecting);
    }

    #[test]
    fn what_waiting_does_not_cure_waits_for_a_person() {
        let refused = Tunnel::Connecting.next(failed(Fault::KeyRefused));
        assert_eq!(refused, Tunnel::Refused { why: Fault::KeyRefused });
        assert_eq!(refused.clone().next(Event::Opened(DateTime::UNIX_EPOCH)), refused, "what comes late changes nothing");
        assert_eq!(refused.next(Event::Started), Tunnel::Connecting);
    }

    #[test]
    fn nothing_opens_a_tunnel_that_was_switched_off() {
        for event in [Event::Opened(DateTime::UNIX_EPOCH), failed(Fault::Unreachable), Event::SwitchedOff] {
            assert_eq!(Tunnel::Off.next(event), Tunnel::Off);
        }
    }

    #[test]
    fn settings_are_judged_field_by_field() {
        assert_eq!(settings().check(), Ok(()));
        let wrong = |change: fn(&mut TunnelSettings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.check().unwrap_err()
        };
        assert_eq!(wrong(|s| s.host.clear()), Field::Host);
        assert_eq!(wrong(|s| s.host = "a b".into()), Field::Host);
        assert_eq!(wrong(|s| s.host = "ann@gate".into()), Field::Host);
        assert_eq!(wrong(|s| s.port = 0), Field::Port);
        assert_eq!(wrong(|s| s.user = "a\nb".into()), Field::User);
        assert_eq!(wrong(|s| s.key_file = PathBuf::new()), Field::KeyFile);
        assert_eq!(wrong(|s| s.remote_host = "x".repeat(300)), Field::RemoteHost);
        assert_eq!(wrong(|s| s.remote_port = 0), Field::RemotePort);
        assert_eq!(TunnelSettings { host: "::1".into(), ..settings() }.server(), "[::1]:22");
    }
}
