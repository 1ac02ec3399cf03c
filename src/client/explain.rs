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
