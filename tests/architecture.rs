//! The floors: who may name what. Reads the sources, so that a wall cannot be forgotten.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder of `src`, and the words that no file in it may hold.
const FLOORS: &[(&str, &[&str])] = &[
    (
        "domain",
        &[
            "tokio",
            "egui",
            "axum",
            "sqlx",
            "reqwest",
            "std::fs",
            "std::net",
            "std::env",
            "std::thread",
            "Utc::now",
            "Local::now",
            "Instant::now",
            "SystemTime::now",
            "rand::",
            "getrandom",
            "crate::protocol",
            "crate::support",
            "crate::client",
            "crate::server",
            "crate::desktop",
            "crate::cli::",
        ],
    ),
    (
        "protocol",
        &[
            "tokio",
            "egui",
            "axum",
            "sqlx",
            "reqwest",
            "std::fs",
            "std::net",
            "std::env",
            "std::thread",
            "crate::support",
            "crate::client",
            "crate::server",
            "crate::desktop",
            "crate::cli::",
        ],
    ),
    (
        "support",
        &["egui", "axum", "sqlx", "reqwest", "crate::protocol", "crate::client", "crate::server", "crate::desktop", "crate::cli::"],
    ),
    ("client", &["egui", "axum", "sqlx", "crate::server", "crate::desktop", "crate::cli::"]),
    ("server", &["egui", "reqwest", "rusqlite", "crate::client", "crate::desktop", "crate::cli::"]),
    (
        "desktop",
        &[
            "tokio",
            "reqwest",
            "sqlx",
            "axum",
            "rusqlite",
            "std::fs",
            "std::net",
            "std::thread",
            "crate::protocol",
            "crate::server",
            "crate::cli::",
        ],
    ),
    ("cli", &["egui", "axum", "sqlx", "crate::protocol", "crate::server", "crate::desktop"]),
];

/// Words that only one place may hold: the word, and the file or folder.
const ONLY_IN: &[(&str, &str)] = &[
    ("reqwest", "client/api"),
    ("Color32::from_rgb", "desktop/theme"),
    ("println!", "output.rs"),
    ("todo!", "nowhere"),
    ("unimplemented!", "nowhere"),
    ("#[ignore", "nowhere"),
    ("unbounded_channel", "nowhere"),
    // It writes what PostgreSQL cannot read: see server/store/sql.rs.
    ("QueryBuilder", "nowhere"),
];

#[test]
fn no_floor_names_what_lies_above_it() {
    let mut faults = Vec::new();
    for (floor, words) in FLOORS {
        for file in sources(&root().join("src").join(floor)) {
            faults.extend(lines_with(&file, words).into_iter().map(|(place, word)| format!("{place}: {floor} may not touch {word}")));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn some_words_have_one_home() {
    let mut faults = Vec::new();
    for file in sources(&root().join("src")) {
        let name = slashed(&file);
        for (word, home) in ONLY_IN.iter().filter(|(_, home)| !name.contains(home)) {
            faults.extend(lines_with(&file, &[word]).into_iter().map(|(place, word)| format!("{place}: {word} belongs into {home}")));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_file_of_support_imports_another() {
    for file in sources(&root().join("src/support")) {
        assert_eq!(
            lines_with(&file, &["crate::support", "super::"]).into_iter().filter(|(place, _)| !in_tests(&file, place)).count(),
            0,
            "{}",
            file.display()
        );
    }
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for folder in ["src", "tests", "benches"] {
        for file in sources(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//! "), "{} does not open with a line that says what it is for", file.display());
        }
    }
}

/// Every key of the language file that code names must exist; the language file is checked against the sources as text.
#[test]
fn every_sentence_the_code_names_is_in_the_language_file() {
    let english: toml::Table = fs::read_to_string(root().join("assets/languages/en.toml")).unwrap().parse().unwrap();
    let mut faults = Vec::new();
    for folder in ["src/client", "src/desktop", "src/cli"] {
        for file in sources(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                for key in named_keys(line) {
                    if english.get(key.split('.').next().unwrap_or_default()).is_some() && !is_known(&english, key) {
                        faults.push(format!("{}:{}: no words for {key}", slashed(&file), number + 1));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// String literals that look like keys: `"login.title"`, and not like files: `"queue.db"`.
fn named_keys(line: &str) -> impl Iterator<Item = &str> {
    let part_of_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    line.split('"')
        .skip(1)
        .step_by(2)
        .filter(|text| ![".json", ".db", ".toml"].iter().any(|ending| text.ends_with(ending)))
        .filter(move |text| text.contains('.') && !text.starts_with('.') && !text.ends_with('.') && text.chars().all(part_of_key))
}

fn is_known(table: &toml::Table, key: &str) -> bool {
    let mut value = table;
    let mut names = key.split('.').peekable();
    while let Some(name) = names.next() {
        match value.get(name) {
            Some(toml::Value::Table(inner)) if names.peek().is_none() => {
                return inner.contains_key("one") || inner.contains_key("what") || inner.contains_key("many");
            }
            Some(toml::Value::Table(inner)) => value = inner,
            Some(_) => return names.peek().is_none(),
            None => return false,
        }
    }
    false
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn slashed(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).to_string_lossy().replace('\\', "/")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Where a file's code, not its comments, holds one of the words.
fn lines_with<'a>(file: &Path, words: &[&'a str]) -> Vec<(String, &'a str)> {
    let text = fs::read_to_string(file).unwrap();
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for word in words.iter().filter(|word| holds_word(code, word)) {
            found.push((format!("{}:{}", slashed(file), number + 1), *word));
        }
    }
    found
}

/// `egui` is not in `egui_plot`'s way: the word stands alone or before `::`, `_`.
fn holds_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"'))
}

/// Whether `place` (file:line) lies in the file's tests, which stand at its end.
fn in_tests(file: &Path, place: &str) -> bool {
    let line: usize = place.rsplit(':').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    let text = fs::read_to_string(file).unwrap();
    text.lines().position(|text| text.contains("#[cfg(test)]")).is_some_and(|start| line > start)
}
