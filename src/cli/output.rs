//! The only file that prints: plain aligned text, or one JSON value. Results go to standard output, troubles to standard error.

use std::io::{self, IsTerminal, Write};

use chrono::{DateTime, Local, Utc};
use serde::Serialize;
use serde_json::json;

use super::context::Failure;
use crate::client::Explanation;
use crate::support::language::Language;

pub struct Output {
    pub json: bool,
    language: Language,
}

impl Output {
    pub fn new(json: bool) -> Output {
        Output { json, language: Language::english() }
    }

    /// The words for a key under `cli`.
    pub fn words(&self, key: &str, values: &[(&str, &str)]) -> String {
        plain(&self.language.fill(&format!("cli.{key}"), values))
    }

    /// Says one sentence, or with `--json` the value instead.
    pub fn say(&self, value: &impl Serialize, key: &str, values: &[(&str, &str)]) {
        if self.json { self.value(value) } else { self.line(&self.words(key, values)) }
    }

    pub fn line(&self, text: &str) {
        print(&mut io::stdout().lock(), &plain(text));
    }

    /// Prints a text of somebody else's: to the letter into a file or another program, and so that a terminal only shows it.
    pub fn text(&self, text: &str) {
        let mut out = io::stdout().lock();
        if !out.is_terminal() {
            return print(&mut out, text);
        }
        text.lines().for_each(|line| print(&mut out, &plain(line)));
    }

    /// Asks for something that is typed on the same line.
    pub fn prompt(&self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = write!(out, "{text}");
        let _ = out.flush();
    }

    /// Prints one value, indented.
    pub fn value(&self, value: &impl Serialize) {
        let text = serde_json::to_string_pretty(value).unwrap_or_else(|error| json!({"error": error.to_string()}).to_string());
        print(&mut io::stdout().lock(), &escaped(&text));
    }

    /// Prints one value in one line, where many follow each other.
    pub fn value_in_line(&self, value: &serde_json::Value) {
        print(&mut io::stdout().lock(), &escaped(&value.to_string()));
    }

    /// Prints rows under their heads, columns aligned. Heads are keys under `cli.column`.
    pub fn table(&self, heads: &[&str], rows: &[Vec<String>]) {
        let heads = heads.iter().map(|head| self.words(&format!("column.{head}"), &[])).collect();
        for line in aligned(std::iter::once(&heads).chain(rows)) {
            self.line(&line);
        }
    }

    /// Prints names and values, values aligned. Names are keys under `cli.column`.
    pub fn pairs(&self, pairs: &[(&str, String)]) {
        let rows: Vec<Vec<String>> =
            pairs.iter().map(|(name, value)| vec![self.words(&format!("column.{name}"), &[]), value.clone()]).collect();
        for line in aligned(rows.iter()) {
            self.line(&line);
        }
    }

    /// Tells of something wrong that did not stop the command.
    pub fn warn(&self, told: &Explanation) {
        print(&mut io::stderr().lock(), &self.sentence(told));
    }

    /// Says a sentence about something that was not done.
    pub fn complain(&self, text: &str) {
        print(&mut io::stderr().lock(), &plain(text));
    }

    pub fn failure(&self, failure: &Failure) {
        let Some(told) = &failure.told else { return };
        if self.json {
            let error =
                json!({"code": told.key, "what": told.what(&self.language), "remedy": told.remedy(&self.language), "detail": told.detail});
            self.value(&json!({"error": error}));
        }
        self.warn(told);
    }

    /// What happened, the other side's own words, and what to do, in one line.
    pub fn sentence(&self, told: &Explanation) -> String {
        let detail = told.detail.trim();
        let detail = if detail.is_empty() { String::new() } else { format!("({detail}) ") };
        plain(&one_line(&format!("{} {detail}{}", told.what(&self.language), told.remedy(&self.language))))
    }
}

/// A time as the window shows it: in this PC's own zone.
pub fn moment(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// As [`moment`], of today: `14:02`.
pub fn minute(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%H:%M").to_string()
}

/// One line without what a terminal would obey instead of showing it: whoever wrote a report or answers as a server
/// shall not write all over the screen.
fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_whitespace() { ' ' } else { '\u{fffd}' };
    text.chars().map(|c| if obeyed(c) { shown(c) } else { c }).collect()
}

/// JSON that says the same without what a terminal would obey. Its own line ends stay; all else is inside of strings.
fn escaped(json: &str) -> String {
    let escape = |c: char| if c != '\n' && obeyed(c) { format!("\\u{:04x}", c as u32) } else { c.to_string() };
    json.chars().map(escape).collect()
}

fn obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A reader that has gone away, `| head` for one, is no failure.
fn print(to: &mut impl Write, text: &str) {
    let _ = writeln!(to, "{text}");
    let _ = to.flush();
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Each row as a line, its columns as wide as their widest entry and two apart.
fn aligned<'a>(rows: impl Iterator<Item = &'a Vec<String>> + Clone) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows.clone() {
        for (i, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(i) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_characters_not_bytes() {
        let rows = [vec!["Łódź".to_owned(), "1".to_owned()], vec!["Ab".to_owned(), "22".to_owned()]];
        assert_eq!(aligned(rows.iter()), ["Łódź  1", "Ab    22"]);
    }

    #[test]
    fn nobody_commands_the_terminal() {
        assert_eq!(plain("\u{1b}[31mred\u{7} ą 🙂 <b>\u{9b}2J"), "\u{fffd}[31mred\u{fffd} ą 🙂 <b>\u{fffd}2J");
        assert_eq!(plain("abc\u{202e}def\r\n"), "abc\u{fffd}def  ");
        let told = Explanation::new("wrong_password").with("name", "\u{1b}c").detail("\u{1b}]0;owned\u{7}");
        assert!(!Output::new(false).sentence(&told).contains(char::is_control));
        let value = json!({"from": "a\u{9b}b\u{7f}\u{202e}\n", "n": [1, 2]});
        for text in [serde_json::to_string_pretty(&value).unwrap(), value.to_string()] {
            let text = escaped(&text);
            assert!(text.lines().all(|line| !line.contains(obeyed)), "{text:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value, "the same value");
        }
    }

    #[test]
    fn every_key_that_is_put_together_has_words() {
        let language = Language::english();
        let keys = [
            ("state", vec!["connected", "not_connected", "offline", "waiting", "sending", "delivered", "quarantined"]),
            ("submit", vec!["delivered", "waiting", "sending", "quarantined", "refused"]),
            ("cause", vec!["station_error", "terminated", "no_step"]),
            ("verdict", vec!["good", "bad", "odd", "skipped"]),
            ("note", vec!["keyring", "encryption", "queue"]),
            (
                "check",
                vec![
                    "version",
                    "data_folder",
                    "files",
                    "room",
                    "keyring",
                    "address",
                    "name",
                    "port",
                    "encryption",
                    "answer",
                    "token",
                    "clock",
                    "queue",
                ],
            ),
            (
                "column",
                vec![
                    "instance",
                    "state",
                    "server",
                    "latency",
                    "clock",
                    "services",
                    "waiting",
                    "refused",
                    "delivered",
                    "id",
                    "name",
                    "type",
                ],
            ),
            (
                "column",
                vec![
                    "report", "part", "serial", "accepted", "tries", "reason", "start", "result", "process", "station", "verdict", "check",
                    "detail",
                ],
            ),
            ("column", vec!["fpy", "spy", "tpy", "lpy", "report_yield", "units", "share", "sum", "step"]),
        ];
        for (group, names) in keys {
            for name in names {
                assert!(language.has(&format!("cli.{group}.{name}")), "{group}.{name}");
            }
        }
    }

    #[test]
    fn a_trouble_is_one_line() {
        let told = Explanation::new("wrong_password").detail("first\nsecond");
        let sentence = Output::new(false).sentence(&told);
        assert!(sentence.contains("(first second)") && !sentence.contains('\n'), "{sentence}");
    }
}
