//! Where people talk and what they may say: the line's room for everybody, and one room a station.

use std::fmt;

/// Longest message, in characters.
pub const CONTENT_MAX_CHARS: usize = 4000;
/// Longest name of a station, in characters.
pub const STATION_MAX_CHARS: usize = 100;
/// What a station's room begins with.
const STATION: &str = "station:";

/// A room by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Room {
    /// Everybody.
    Line,
    /// Those at and around one station.
    Station(String),
}

impl Room {
    /// `line` or `station:NAME`.
    pub fn parse(text: &str) -> Option<Room> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("line") {
            return Some(Room::Line);
        }
        let start = text.get(..STATION.len()).filter(|start| start.eq_ignore_ascii_case(STATION))?;
        let name = text[start.len()..].trim();
        let good = (1..=STATION_MAX_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        good.then(|| Room::Station(name.to_owned()))
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Room::Line => f.write_str("line"),
            Room::Station(name) => write!(f, "{STATION}{name}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    #[error("Write something first: the message is empty.")]
    Empty,
    #[error("The message is too long: at most 4000 characters are taken.")]
    TooLong,
    #[error("The message holds a character that is no text (NUL).")]
    Nul,
}

/// Checks what is to be said. Every script, line breaks and markup are welcome: they are shown as they were typed.
pub fn check_content(text: &str) -> Result<(), ContentError> {
    if text.trim().is_empty() {
        return Err(ContentError::Empty);
    }
    if text.chars().count() > CONTENT_MAX_CHARS {
        return Err(ContentError::TooLong);
    }
    if text.contains('\0') { Err(ContentError::Nul) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn there_is_one_room_for_the_line_and_one_a_station() {
        assert_eq!(Room::parse(" LINE "), Some(Room::Line));
        assert_eq!(Room::parse("Station:Line-A EOL"), Some(Room::Station("Line-A EOL".to_owned())));
        for bad in ["", "lines", "station:", "station: ", "station:a\nb", "ąąąąąąąą", &format!("station:{}", "x".repeat(101))] {
            assert_eq!(Room::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn markup_and_every_script_may_be_said_and_nothing_may_not() {
        assert_eq!(check_content("<b>'; -- ą 🙂\nand more"), Ok(()));
        assert_eq!(check_content(&"🙂".repeat(4000)), Ok(()));
        assert_eq!(check_content(&"a".repeat(4001)), Err(ContentError::TooLong));
        assert_eq!(check_content(" \n"), Err(ContentError::Empty));
        assert_eq!(check_content("a\0b"), Err(ContentError::Nul));
    }

    proptest! {
        #[test]
        fn what_a_room_is_called_leads_back_to_it(text in ".{0,40}") {
            if let Some(room) = Room::parse(&text) {
                prop_assert_eq!(Room::parse(&room.to_string()), Some(room));
            }
        }
    }
}
