//! Why there is no tunnel, with the other side's words, and the explanation it becomes.

use crate::client::explain::Explanation;
use crate::domain::tunnel::{Fault, Field, TunnelSettings};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault:?} {detail}")]
pub(crate) struct TunnelError {
    pub(crate) fault: Fault,
    /// The system's or the other side's own words; empty where there are none.
    pub(crate) detail: String,
}

impl From<Fault> for TunnelError {
    fn from(fault: Fault) -> TunnelError {
        TunnelError { fault, detail: String::new() }
    }
}

impl TunnelError {
    pub(crate) fn new(fault: Fault, detail: impl ToString) -> TunnelError {
        TunnelError { fault, detail: detail.to_string().chars().take(300).collect() }
    }

    pub(crate) fn explain(&self, settings: &TunnelSettings) -> Explanation {
        let file = settings.key_file.display();
        let host = settings.server();
        let told = match &self.fault {
            Fault::Incomplete(field) => Explanation::new(incomplete(*field)),
            Fault::KeyMissing => Explanation::new("tunnel_key_missing").with("file", file),
            Fault::KeyUnreadable => Explanation::new("tunnel_key_unreadable").with("file", file),
            Fault::NotAKey => Explanation::new("tunnel_not_a_key").with("file", file),
            Fault::PassphraseMissing => Explanation::new("tunnel_passphrase_missing").with("file", file),
            Fault::PassphraseWrong => Explanation::new("tunnel_passphrase_wrong").with("file", file),
            Fault::KeyRefused => Explanation::new("tunnel_key_refused").with("host", host).with("user", &settings.user),
            Fault::HostKeyChanged { known, found } => {
                Explanation::new("tunnel_host_key_changed").with("host", host).with("known", known).with("found", found)
            }
            Fault::ForwardingRefused => {
                let to = format!("{}:{}", settings.remote_host, settings.remote_port);
                Explanation::new("tunnel_forwarding_refused").with("host", host).with("to", to)
            }
            Fault::KeyringAway => Explanation::new("tunnel_keyring_away").with("file", file),
            Fault::LocalPortTaken => Explanation::new("tunnel_local_port_taken").with("port", settings.local_port),
            Fault::Unreachable => Explanation::new("tunnel_unreachable").with("host", host),
            Fault::NotSsh => Explanation::new("tunnel_not_ssh").with("host", host),
            Fault::Disconnected => Explanation::new("tunnel_disconnected").with("host", host),
        };
        told.detail(&self.detail)
    }
}

fn incomplete(field: Field) -> &'static str {
    match field {
        Field::Host => "tunnel_host_unusable",
        Field::Port | Field::LocalPort | Field::RemotePort => "tunnel_port_unusable",
        Field::User => "tunnel_user_unusable",
        Field::KeyFile => "tunnel_key_unnamed",
        Field::RemoteHost => "tunnel_remote_host_unusable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::language::Language;

    #[test]
    fn every_fault_has_a_sentence_and_a_remedy() {
        let changed = Fault::HostKeyChanged { known: "SHA256:old".into(), found: "SHA256:new".into() };
        let fields = [Field::Host, Field::Port, Field::User, Field::KeyFile, Field::LocalPort, Field::RemoteHost, Field::RemotePort];
        let others = [
            Fault::KeyMissing,
            Fault::KeyUnreadable,
            Fault::NotAKey,
            Fault::PassphraseMissing,
            Fault::PassphraseWrong,
            Fault::KeyRefused,
            changed.clone(),
            Fault::ForwardingRefused,
            Fault::LocalPortTaken,
            Fault::KeyringAway,
            Fault::Unreachable,
            Fault::NotSsh,
            Fault::Disconnected,
        ];
        let language = Language::english();
        for fault in fields.map(Fault::Incomplete).into_iter().chain(others) {
            let told = TunnelError::from(fault).explain(&TunnelSettings::default());
            for words in [told.what(&language), told.remedy(&language)] {
                assert!(!words.starts_with("explain.") && words.ends_with('.') && !words.contains(['{', '}']), "{}: {words}", told.key);
            }
        }
        let told = TunnelError::from(changed).explain(&TunnelSettings::default()).what(&language);
        assert!(told.contains("SHA256:old") && told.contains("SHA256:new"), "{told}");
    }
}
