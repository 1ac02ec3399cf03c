//! Text to tokens, each with its place.

use super::{MAX_CHARS, ODataError};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    Comma,
    /// `'…'`, with doubled quotes made one.
    Text(String),
    /// A name, a keyword, a number or a time.
    Word(String),
}

/// Token and the character it starts at, from 1.
pub(super) type Placed = (usize, Token);

pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, ODataError> {
    if text.chars().count() > MAX_CHARS {
        return Err(ODataError { at: MAX_CHARS, what: format!("the text is longer than {MAX_CHARS} characters") });
    }
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let at = i + 1;
        let single = match chars[i] {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Comma),
            c if c.is_whitespace() => {
                i += 1;
                continue;
            }
            _ => None,
        };
        if let Some(token) = single {
            tokens.push((at, token));
            i += 1;
        } else if chars[i] == '\'' {
            let (text, end) = quoted(&chars, i)?;
            tokens.push((at, Token::Text(text)));
            i = end;
        } else {
            let end = (i..chars.len()).find(|&j| !in_word(chars[j])).unwrap_or(chars.len());
            if end == i {
                return Err(ODataError { at, what: format!("{:?} does not belong here", chars[i]) });
            }
            tokens.push((at, Token::Word(chars[i..end].iter().collect())));
            i = end;
        }
    }
    Ok(tokens)
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-' | '+' | '/' | '$')
}

/// The text from the quote at `start`, and the place after its end. Right after it nothing of a word may follow.
fn quoted(chars: &[char], start: usize) -> Result<(String, usize), ODataError> {
    let mut text = String::new();
    let mut i = start + 1;
    while let Some(&c) = chars.get(i) {
        if c != '\'' {
            text.push(c);
            i += 1;
        } else if chars.get(i + 1) == Some(&'\'') {
            text.push('\'');
            i += 2;
        } else if chars.get(i + 1).is_some_and(|&next| in_word(next)) {
            return Err(ODataError { at: i + 2, what: "a quote inside a text is written twice: 'O''Brien'".to_owned() });
        } else {
            return Ok((text, i + 1));
        }
    }
    Err(ODataError { at: start + 1, what: "this text has no closing quote".to_owned() })
}
