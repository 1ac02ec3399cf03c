//! The text a report came as. For reading it is broken into lines between its tokens; no token is changed.

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::{Align2, pos2};

use crate::desktop::scene::Scene;
use crate::desktop::theme::Weight;
use crate::desktop::widgets::lettering::words;
use crate::desktop::widgets::list::List;

/// The text as it came, and its lines for reading.
#[derive(Default)]
pub(super) struct Source {
    original: Arc<str>,
    text: String,
    lines: Vec<Range<usize>>,
    list: List,
}

/// Longest line that is laid out; more of a line cannot be seen anyway.
const LONGEST: usize = 400;

impl Source {
    pub(super) fn new(original: Arc<str>) -> Source {
        let text = broken(&original);
        let mut lines = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            lines.push(start..start + line.trim_end_matches(['\n', '\r']).len());
            start += line.len();
        }
        Source { original, text, lines, list: List::default() }
    }

    pub(super) fn original(&self) -> &str {
        &self.original
    }

    pub(super) fn ui(&mut self, ui: &mut eframe::egui::Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let size = theme.sizes.small.max(theme.sizes.body * 0.9);
        let gutter = size * (self.lines.len().max(1).ilog10() as f32 + 1.0) * 0.65 + size;
        let (text, lines) = (&self.text, &self.lines);
        self.list.ui(ui, theme, (scene.text("reports.tab.source"), lines.len()), (size * 1.5).round(), |ui, row| {
            let line = text.get(lines[row.index].clone()).unwrap_or_default();
            let line = line.char_indices().nth(LONGEST).map_or(line, |(end, _)| &line[..end]);
            let middle = row.rect.center().y;
            let number = (row.index + 1).to_string();
            let at = |x: f32| pos2(row.rect.left() + x, middle);
            words(ui, &number, (size, Weight::Regular, theme.color.text3), (at(gutter - size * 0.6), Align2::RIGHT_CENTER), gutter);
            let depth = line.len() - line.trim_start().len();
            let left = gutter + depth as f32 * size * 0.5;
            let room = (row.rect.width() - left).max(1.0);
            words(ui, line.trim_start(), (size, Weight::Regular, theme.color.text1), (at(left), Align2::LEFT_CENTER), room);
            line.trim_start().to_owned()
        });
    }
}

/// JSON with a line for each member, as it is where it has lines already. Text inside quotes stays as it is.
fn broken(source: &str) -> String {
    let longest = source.lines().map(str::len).max().unwrap_or(0);
    if longest <= LONGEST {
        return source.to_owned();
    }
    let mut text = String::with_capacity(source.len() * 5 / 4);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", depth.min(64)));
    };
    let mut tokens = source.chars().peekable();
    while let Some(c) = tokens.next() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            text.push(c);
            continue;
        }
        match c {
            '"' => {
                quoted = true;
                text.push(c);
            }
            '{' | '[' => {
                text.push(c);
                while tokens.next_if(|c| c.is_ascii_whitespace()).is_some() {}
                if !matches!(tokens.peek(), Some('}' | ']')) {
                    depth += 1;
                    line(&mut text, depth);
                } else if let Some(end) = tokens.next() {
                    text.push(end);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut text, depth);
                text.push(c);
            }
            ',' => {
                text.push(c);
                line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squeezed(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    #[test]
    fn a_long_line_is_broken_between_tokens_and_no_token_changes() {
        let filler = "x".repeat(LONGEST);
        let source = format!(r#"{{"a":[1.50,-2e-03,{{"b":"q, {{ \" \\"}},[],{{ }}],"ż":null,"c":"{filler}"}}"#);
        let text = broken(&source);
        assert_eq!(squeezed(&text), squeezed(&source));
        assert!(text.lines().any(|line| line == r#"      "b": "q, { \" \\""#), "{text}");
        assert!(text.contains("    [],\n    {}\n"), "{text}");
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(&text), parse(&source));
    }

    #[test]
    fn a_text_with_lines_stays_as_it_came() {
        let source = "{\r\n\t\"a\": 1\r\n}";
        let known = Source::new(source.into());
        assert_eq!(known.text, source);
        assert_eq!(known.lines.iter().map(|line| &known.text[line.clone()]).collect::<Vec<_>>(), ["{", "\t\"a\": 1", "}"]);
    }

    #[test]
    fn nonsense_does_not_break_it() {
        for bad in ["]]}}{{", "\"\\", "", ",,,,"] {
            let long = bad.repeat(LONGEST);
            assert_eq!(squeezed(&broken(&long)), squeezed(&long));
        }
    }
}
