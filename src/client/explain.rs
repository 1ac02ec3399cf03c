//! Typed troubles in, words for people out: what happened, in detail, and what to do.
//! Window and command line share it. Keys lead into the language file under `explain.`.

use crate::support::language::Language;

/// A trouble, ready to be put into words of any language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Name under `explain.` in the language file, which has `what` and `remedy` for it.
    pub key: &'static str,
    /// Values for the sentences' `{names}`.
    pub values: Vec<(&'static str, String)>,
    /// The other side's own words or the system's error, never a secret; empty where there are none.
    pub detail: String,
}

impl Explanation {
    pub fn new(key: &'static str) -> Explanation {
        Explanation { key, values: Vec::new(), detail: String::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Explanation {
        self.values.push((name, value.to_string()));
        self
    }

    pub fn detail(mut self, detail: impl ToString) -> Explanation {
        self.detail = detail.to_string();
        self
    }

    /// What happened, in one sentence.
    pub fn what(&self, language: &Language) -> String {
        self.words(language, "what")
    }

    /// What to do about it.
    pub fn remedy(&self, language: &Language) -> String {
        self.words(language, "remedy")
    }

    fn words(&self, language: &Language, part: &str) -> String {
        let values: Vec<(&str, &str)> = self.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        language.fill(&format!("explain.{}.{part}", self.key), &values)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::client::instances::{InstancesError, Unsent};
    use crate::client::server_url::BadServerUrl;
    use crate::client::sign_in::SignInError;
    use crate::domain::InstanceId;

    fn good(explanation: &Explanation) {
        let language = Language::english();
        for text in [explanation.what(&language), explanation.remedy(&language)] {
            assert!(!text.starts_with("explain.") && text.ends_with('.'), "{}: {text}", explanation.key);
            assert!(!text.contains(['{', '}']), "{}: a gap is left in {text:?}", explanation.key);
        }
    }

    #[test]
    fn every_failed_sign_in_has_a_sentence_and_a_remedy() {
        let detail = || "x".to_owned();
        let addresses = [
            BadServerUrl::Empty,
            BadServerUrl::Malformed,
            BadServerUrl::Scheme,
            BadServerUrl::HoldsCredentials,
            BadServerUrl::HoldsQuery,
            BadServerUrl::PlainHttp,
        ];
        let others = [
            SignInError::NoPassword,
            SignInError::WrongPassword,
            SignInError::LockedFor(Duration::from_secs(290)),
            SignInError::NotVerified,
            SignInError::MayNotEnroll { detail: detail() },
            SignInError::TokensNotHandedOut,
            SignInError::TokenRefused,
            SignInError::Unreachable { detail: detail() },
            SignInError::ServerError { detail: detail() },
            SignInError::Certificate { detail: detail() },
            SignInError::NotOurServer { detail: detail() },
            SignInError::ServerTooOld { version: "20.1".to_owned() },
            SignInError::Refused { detail: detail() },
            SignInError::TunnelDown,
            SignInError::NeedsName,
            SignInError::AskedTooOften(Duration::from_secs(90)),
            SignInError::NotKnownHere,
            SignInError::ClockWentBack,
            SignInError::KeyringAway,
            SignInError::NothingOffline,
            SignInError::NotKept { detail: detail() },
            SignInError::Cancelled,
        ];
        let mut keys = std::collections::BTreeSet::new();
        for error in addresses.into_iter().map(SignInError::BadAddress).chain(others) {
            let explanation = error.explain();
            good(&explanation);
            assert!(keys.insert(explanation.key), "{} is said of two troubles", explanation.key);
        }
        assert!(SignInError::LockedFor(Duration::from_secs(290)).explain().remedy(&Language::english()).contains("5 min"));
    }

    #[test]
    fn every_trouble_with_instances_has_a_sentence_and_a_remedy() {
        let id = || InstanceId::parse("a").unwrap();
        for error in [
            InstancesError::Unknown(id()),
            InstancesError::Taken(id()),
            InstancesError::UnknownTemplate("t".to_owned()),
            InstancesError::BadName,
            InstancesError::InUse(id()),
            InstancesError::ReportsWait { id: id(), unsent: Unsent { reports: 3, ..Unsent::default() } },
            InstancesError::ReportsWait { id: id(), unsent: Unsent { reports: 3, acts: 2, messages: 1 } },
            InstancesError::FolderMissing { name: "A".to_owned(), folder: "/a".to_owned() },
            InstancesError::FromTheFuture { version: 2 },
            InstancesError::OtherInstance { id: id(), found: "b".to_owned() },
            InstancesError::NothingToImport("/a".to_owned()),
            InstancesError::OldAddress(BadServerUrl::Empty),
            InstancesError::Busy,
            InstancesError::Cancelled,
            InstancesError::Io(std::io::Error::other("x")),
        ] {
            good(&error.explain());
        }
    }

    /// Keys that are written in the sources of the client, and what follows them.
    fn keys_after(marks: &[&str]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                for mark in marks {
                    let keys = text.split(mark).skip(1).filter_map(|rest| rest.split_once('"'));
                    found.extend(keys.map(|(key, _)| (key.to_owned(), path.display().to_string())));
                }
            }
        }
        found.retain(|(key, _)| !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        found
    }

    #[test]
    fn every_key_in_the_sources_has_its_words() {
        let language = Language::english();
        let explained = keys_after(&["Explanation::new(\""]);
        assert!(explained.len() > 50);
        for (key, place) in explained {
            for part in ["what", "remedy"] {
                assert!(language.has(&format!("explain.{key}.{part}")), "{place}: explain.{key}.{part} has no words");
            }
        }
        for (key, place) in keys_after(&["notifier.done(\"", "Notice::Done { key: \"", "Ok((\"instance_"]) {
            let key = if place.contains("supervisor") && !key.starts_with("instance_") { format!("instance_{key}") } else { key };
            assert!(language.has(&format!("notice.{key}")), "{place}: notice.{key} has no words");
        }
    }
}
