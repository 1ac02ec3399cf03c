//! The live socket, version 2: frames both ways, and why a socket ends.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chat::MessageKind;
use crate::domain::{Permission, Role};

/// What this version calls itself.
pub const PROTOCOL: u32 = 2;
/// Most bytes of a frame.
pub const FRAME_LIMIT: usize = 64 * 1024;
/// Longest id of a frame, in bytes.
pub const ID_LIMIT: usize = 64;
/// How long a new socket may take to say who it is, and a client to wait for the answer.
pub const AUTH_SECS: u64 = 5;
/// How long before a token's end its holder is asked for another, and how long he may take.
pub const RENEW_BEFORE_SECS: i64 = 60;
pub const GRACE_SECS: i64 = 30;

/// The envelope of every frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    #[serde(rename = "type")]
    pub kind: String,
    /// The sender's own. A change that comes twice under one id is made once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    #[serde(default)]
    pub payload: Value,
}

/// What can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    Yield,
    Reports,
    Chat,
    Stations,
}

impl Topic {
    pub const ALL: [Topic; 4] = [Topic::Yield, Topic::Reports, Topic::Chat, Topic::Stations];

    pub fn as_str(self) -> &'static str {
        match self {
            Topic::Yield => "yield",
            Topic::Reports => "reports",
            Topic::Chat => "chat",
            Topic::Stations => "stations",
        }
    }

    pub fn of(name: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.as_str() == name)
    }

    /// What following it needs.
    pub fn permission(self) -> Permission {
        match self {
            Topic::Yield | Topic::Reports => Permission::ViewYield,
            Topic::Chat => Permission::Chat,
            Topic::Stations => Permission::ViewStations,
        }
    }
}

/// `auth`, to the server.
#[derive(Debug, Serialize, Deserialize)]
pub struct Auth {
    pub token: String,
}

/// `subscribe` and `unsubscribe`, to the server. Topics are words, so that an unknown one can be answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Subscribe {
    pub topics: Vec<String>,
    /// The last chat message that is known: what was said after it comes first. A few may come twice; ids tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// `chat_message`, to the server.
#[derive(Debug, Serialize, Deserialize)]
pub struct Say {
    pub room: String,
    pub content: String,
    #[serde(default)]
    pub kind: MessageKind,
}

/// `auth_ok`: after the first `auth` and each later one, and when role or name changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthOk {
    pub protocol: u32,
    pub user: LiveUser,
    pub role: Role,
    pub permissions: Vec<Permission>,
    pub expires_at: DateTime<Utc>,
    pub server_time: DateTime<Utc>,
    /// Whether the socket was already signed in.
    pub resumed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveUser {
    pub id: String,
    pub username: String,
}

/// `auth_required`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthRequired {
    pub reason: String,
    pub expires_at: DateTime<Utc>,
    pub grace_seconds: i64,
}

/// `ack`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ack {
    pub request_id: Option<String>,
    /// The id under which a chat message is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

/// `error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveError {
    pub code: String,
    pub message: String,
    /// Seconds until another try is welcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// `report_received`: the head of a report that was stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportReceived {
    pub id: String,
    pub serial_number: String,
    pub part_number: String,
    pub process_code: i64,
    pub process: String,
    pub result: String,
    pub station: String,
    pub start: DateTime<Utc>,
}

/// `yield_changed`: numbers of these may be others now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct YieldChanged {
    pub part_numbers: Vec<String>,
    pub process_codes: Vec<i64>,
}

/// Why the server ends a socket: a close code, a stable word, a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    AuthTimeout,
    AuthExpected,
    BadFrame,
    BadToken,
    TokenExpired,
    OtherUser,
    RenewalTimeout,
    Revoked,
    TooLarge,
    RateLimit,
    TooMany,
    SlowReader,
    GoingAway,
}

impl Ending {
    pub const ALL: [Ending; 13] = [
        Ending::AuthTimeout,
        Ending::AuthExpected,
        Ending::BadFrame,
        Ending::BadToken,
        Ending::TokenExpired,
        Ending::OtherUser,
        Ending::RenewalTimeout,
        Ending::Revoked,
        Ending::TooLarge,
        Ending::RateLimit,
        Ending::TooMany,
        Ending::SlowReader,
        Ending::GoingAway,
    ];

    /// 1008 for whatever is about who one is.
    pub fn close_code(self) -> u16 {
        match self {
            Ending::GoingAway => 1001,
            Ending::TooLarge => 1009,
            Ending::TooMany => 4008,
            Ending::SlowReader => 4010,
            Ending::RateLimit => 4029,
            _ => 1008,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Ending::AuthTimeout => "auth_timeout",
            Ending::AuthExpected => "auth_expected",
            Ending::BadFrame => "bad_frame",
            Ending::BadToken => "bad_token",
            Ending::TokenExpired => "token_expired",
            Ending::OtherUser => "other_user",
            Ending::RenewalTimeout => "renewal_timeout",
            Ending::Revoked => "revoked",
            Ending::TooLarge => "too_large",
            Ending::RateLimit => "rate_limit",
            Ending::TooMany => "too_many_connections",
            Ending::SlowReader => "slow_reader",
            Ending::GoingAway => "going_away",
        }
    }

    pub fn of(word: &str) -> Option<Ending> {
        Ending::ALL.into_iter().find(|ending| ending.word() == word)
    }

    /// Also the reason of the close frame, which has 123 bytes at most.
    pub fn sentence(self) -> &'static str {
        match self {
            Ending::AuthTimeout => "No auth frame came within 5 seconds.",
            Ending::AuthExpected => "The first frame must be auth. This is version 2 of the live socket: send the token in it.",
            Ending::BadFrame => "A frame is one JSON object with a type, as text.",
            Ending::BadToken => "This token is not known, or was revoked.",
            Ending::TokenExpired => "This token has ended. Get another, then connect again.",
            Ending::OtherUser => "This token is of another user than the socket's.",
            Ending::RenewalTimeout => "No new token came in time.",
            Ending::Revoked => "Your session has ended. Sign in again.",
            Ending::TooLarge => "A frame has at most 64 KiB.",
            Ending::RateLimit => "Too many frames. Wait a moment.",
            Ending::TooMany => "There are too many connections, of yours or of all.",
            Ending::SlowReader => "You read more slowly than things happen. Connect again.",
            Ending::GoingAway => "The server is stopping. Connect again in a moment.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_has_a_word_of_its_own_and_a_reason_that_fits_into_a_close_frame() {
        for ending in Ending::ALL {
            assert_eq!(Ending::of(ending.word()), Some(ending));
            assert!(ending.sentence().len() <= 123, "{}", ending.word());
        }
    }

    #[test]
    fn topics_are_read_by_the_words_they_are_written_with() {
        for topic in Topic::ALL {
            assert_eq!(Topic::of(topic.as_str()), Some(topic));
            assert_eq!(serde_json::to_value(topic).unwrap(), topic.as_str());
        }
        assert_eq!(Topic::of("readings"), None);
    }
}
