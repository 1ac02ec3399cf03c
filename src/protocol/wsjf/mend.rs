//! The two mendings a source gets: bare NaN and Infinity become texts, as servers of this format read them, and a missing id is put in.

use std::ops::Range;

use uuid::Uuid;

/// Puts quotes around NaN, Infinity and -Infinity where they stand bare. `None` where there are none.
pub fn quote_bare_numbers(text: &str) -> Option<String> {
    let mut mended = String::with_capacity(text.len() + 64);
    let mut copied = 0;
    let mut at = 0;
    while let Some(&byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => at = after_string(text, at),
            b'N' | b'I' | b'-' => {
                let word = bare_number(&text[at..]);
                if let Some(word) = word {
                    mended.push_str(&text[copied..at]);
                    mended.push('"');
                    mended.push_str(word);
                    mended.push('"');
                    copied = at + word.len();
                }
                at += word.map_or(1, str::len);
            }
            _ => at += 1,
        }
    }
    mended.push_str(&text[copied..]);
    (copied > 0).then_some(mended)
}

fn bare_number(rest: &str) -> Option<&'static str> {
    let ends = |word: &str| !rest[word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| rest.starts_with(word) && ends(word))
}

/// Where the text goes on after the string that opens at `start`.
fn after_string(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The object with an id: in the place of an empty one, else as the first entry.
pub fn with_id(text: &str, slot: Option<Range<usize>>, id: Uuid) -> String {
    let (before, entry, after) = match slot {
        Some(slot) => (&text[..slot.start], format!("\"{id}\""), &text[slot.end..]),
        None => {
            let open = text.find('{').map_or(0, |brace| brace + 1);
            (&text[..open], format!("\"id\":\"{id}\","), &text[open..])
        }
    };
    format!("{before}{entry}{after}")
}
