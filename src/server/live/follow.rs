//! What of the happenings a socket is told, by the topics it follows.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value, json};

use crate::protocol::live::{ReportReceived, Topic};
use crate::server::bus::Happening;

/// Types and payloads of the frames that a follower of these topics gets.
pub(super) fn frames(happening: &Happening, topics: &HashSet<Topic>) -> Vec<(&'static str, Value)> {
    let follows = |topic| topics.contains(&topic);
    match happening {
        Happening::ChatMessage { message, .. } if follows(Topic::Chat) => vec![("chat_message", json!(message))],
        Happening::ReportsStored { heads, .. } => reports(heads, topics),
        Happening::TokenRevoked { token_id } if follows(Topic::Stations) => {
            vec![("station_changed", json!({ "token_id": token_id, "revoked": true }))]
        }
        _ => Vec::new(),
    }
}

/// Each report, then what its arrival may have changed.
fn reports(heads: &[ReportReceived], topics: &HashSet<Topic>) -> Vec<(&'static str, Value)> {
    let mut frames = Vec::new();
    if topics.contains(&Topic::Reports) {
        frames.extend(heads.iter().map(|head| ("report_received", json!(head))));
    }
    if topics.contains(&Topic::Yield) {
        let part_numbers: BTreeSet<&str> = heads.iter().map(|head| head.part_number.as_str()).collect();
        let process_codes: BTreeSet<i64> = heads.iter().map(|head| head.process_code).collect();
        frames.push(("yield_changed", json!({ "part_numbers": part_numbers, "process_codes": process_codes })));
    }
    frames
}
