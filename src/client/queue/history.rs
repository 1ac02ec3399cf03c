//! What happened to one report, kept in its row: one line an event, the oldest of many dropped.
//! In the row and not in a table of its own, so that an event costs no further page of the disk.

use chrono::{DateTime, Utc};

use super::super::model::{QueueEvent, QueueHappening};

/// Events kept a report: the first, and the newest of the others.
pub(super) const KEPT_EVENTS: usize = 50;
/// Longest detail of an event, in characters.
const DETAIL: usize = 300;

const WORDS: [(QueueHappening, &str); 7] = [
    (QueueHappening::Accepted, "accepted"),
    (QueueHappening::Replaced, "replaced"),
    (QueueHappening::Tried, "tried"),
    (QueueHappening::Delivered, "delivered"),
    (QueueHappening::Quarantined, "quarantined"),
    (QueueHappening::Retried, "retried"),
    (QueueHappening::Released, "released"),
];

/// `history` with one more event.
pub(super) fn append(history: &str, at: DateTime<Utc>, what: QueueHappening, detail: &str) -> String {
    let word = WORDS.iter().find(|(known, _)| *known == what).map_or("", |(_, word)| word);
    let line = format!("{}\t{word}\t{}\n", at.timestamp_micros(), one_line(detail));
    let lines: Vec<&str> = history.split_inclusive('\n').collect();
    if lines.len() < KEPT_EVENTS {
        return format!("{history}{line}");
    }
    let tail = lines.len() - (KEPT_EVENTS - 2);
    format!("{}{}{line}", lines[0], lines[tail..].concat())
}

/// The events, oldest first. Lines of a later version are passed over.
pub(super) fn read(history: &str) -> Vec<QueueEvent> {
    history.lines().filter_map(read_line).collect()
}

fn read_line(line: &str) -> Option<QueueEvent> {
    let mut parts = line.splitn(3, '\t');
    let at = DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?;
    let word = parts.next()?;
    let what = WORDS.iter().find(|(_, known)| *known == word)?.0;
    Some(QueueEvent { at, what, detail: parts.next().unwrap_or_default().to_owned() })
}

/// A sentence fit for one line of bounded length.
pub(super) fn one_line(text: &str) -> String {
    text.chars().take(DETAIL).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_keeps_its_first_and_its_newest_events() {
        let at = |n: i64| DateTime::from_timestamp_micros(n).unwrap();
        let mut history = append("", at(0), QueueHappening::Accepted, "a.json");
        for n in 1..200 {
            history = append(&history, at(n), QueueHappening::Tried, "no\tanswer\nat all");
        }
        let events = read(&history);
        assert_eq!(events.len(), KEPT_EVENTS);
        assert_eq!(events[0], QueueEvent { at: at(0), what: QueueHappening::Accepted, detail: "a.json".to_owned() });
        assert_eq!(events[1].at, at(151));
        assert_eq!(events[49].at, at(199));
        assert_eq!(events[49].detail, "no answer at all");
    }

    #[test]
    fn lines_nobody_understands_are_passed_over() {
        assert_eq!(read("x\ty\tz\n17\tunheard\t\n17\tdelivered\t\n").len(), 1);
    }
}
