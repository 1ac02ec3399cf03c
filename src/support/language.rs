//! The sentences people read. Code knows keys; one file a language knows words.

use std::collections::HashMap;

/// The words of one language, by key: `login.title`.
#[derive(Clone, Debug, Default)]
pub struct Language {
    code: &'static str,
    texts: HashMap<String, String>,
}

const ENGLISH: &str = include_str!("../../assets/languages/en.toml");

impl Language {
    pub fn english() -> Language {
        Language::parse("en", ENGLISH)
    }

    /// The language with this code, where this build has it.
    pub fn find(code: &str) -> Option<Language> {
        (code == "en").then(Language::english)
    }

    fn parse(code: &'static str, source: &str) -> Language {
        let mut texts = HashMap::new();
        if let Ok(table) = source.parse::<toml::Table>() {
            flatten("", &table, &mut texts);
        }
        Language { code, texts }
    }

    /// The same keys with other words: how a screen looks in a language that needs more room.
    pub fn with_words(&self, words: impl Fn(&str) -> String) -> Language {
        Language { code: self.code, texts: self.texts.iter().map(|(key, text)| (key.clone(), words(text))).collect() }
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    pub fn has(&self, key: &str) -> bool {
        self.texts.contains_key(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// The words for `key`; the key itself where there are none, so that a gap shows and nothing breaks.
    pub fn text<'a>(&'a self, key: &'a str) -> &'a str {
        self.texts.get(key).map_or(key, String::as_str)
    }

    /// The words for `key`, with `{name}` replaced.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut text = self.text(key).to_owned();
        for (name, value) in values {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    /// As [`fill`](Self::fill), choosing `key.one` for exactly one and `key.many` else; `{n}` is the number.
    pub fn count(&self, key: &str, n: u64) -> String {
        let form = if n == 1 { "one" } else { "many" };
        self.fill(&format!("{key}.{form}"), &[("n", &n.to_string())])
    }
}

fn flatten(prefix: &str, table: &toml::Table, texts: &mut HashMap<String, String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(inner) => flatten(&key, inner, texts),
            toml::Value::String(text) => {
                texts.insert(key, text.clone());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_filled_and_counted() {
        let language = Language::parse("en", "[a]\nhi = \"Hello {who}\"\n[a.n]\none = \"one thing\"\nmany = \"{n} things\"");
        assert_eq!(language.fill("a.hi", &[("who", "Ann")]), "Hello Ann");
        assert_eq!(language.count("a.n", 1), "one thing");
        assert_eq!(language.count("a.n", 3), "3 things");
        assert_eq!(language.text("a.gap"), "a.gap");
    }

    /// A broken file would leave keys on every screen. A table or a name that stands twice breaks it, too.
    #[test]
    fn the_english_file_parses_and_holds_nothing_but_words() {
        fn words(place: &str, table: &toml::Table) -> usize {
            let count = |(name, value): (&String, &toml::Value)| match value {
                toml::Value::Table(inner) => words(&format!("{place}.{name}"), inner),
                toml::Value::String(_) => 1,
                other => panic!("{place}.{name} is {other}, not words"),
            };
            table.iter().map(count).sum()
        }
        let table: toml::Table = ENGLISH.parse().unwrap();
        assert_eq!(words("", &table), Language::english().keys().count());
        assert!("[a]\nb = \"\"\n[a]\nc = \"\"".parse::<toml::Table>().is_err(), "a table that stands twice is refused");
    }

    #[test]
    fn what_is_counted_has_a_word_for_one_and_for_many() {
        let language = Language::english();
        for key in language.keys() {
            let other = key.strip_suffix(".one").map(|key| format!("{key}.many"));
            let other = other.or_else(|| key.strip_suffix(".many").map(|key| format!("{key}.one")));
            assert!(other.is_none_or(|other| language.has(&other)), "{key} stands alone");
        }
    }
}
