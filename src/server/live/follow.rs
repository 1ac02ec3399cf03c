//! What of the happenings a socket is told, by the topics it follows.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::protocol::live::Topic;
use crate::server::bus::Happening;

/// Types and payloads of the frames that a follower of these topics gets.
pub(super) fn frames(happening: &Happening, topics: &HashSet<Topic>) -> Vec<(&'static str, Value)> {
    let follows = |topic| topics.contains(&topic);
    match happening {
        Happening::ChatMessage { message, .. } if follows(Topic::Chat) => vec![("chat_message", json!(message))],
        Happening::TokenRevoked { token_id } if follows(Topic::Stations) => {
            vec![("station_changed", json!({ "token_id": token_id, "revoked": true }))]
        }
        _ => Vec::new(),
    }
}
