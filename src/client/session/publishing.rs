//! What the others know of the session: the link that services work with, and what the window shows of the connection.

use super::Session;
use crate::client::api::Probe;
use crate::client::explain::Explanation;
use crate::client::link::Link;
use crate::domain::connection::{Connection, Event};

impl Session {
    /// Moves the machine, and tells everybody.
    pub(super) fn enter(&mut self, event: Event, trouble: Option<Explanation>) {
        let next = self.state.next(event);
        let now = self.parts.clock.now();
        if next != self.state {
            tracing::info!(from = ?self.state, to = ?next, "connection");
        }
        let (changed, attempt) = (next != self.state, self.attempt);
        self.state = next;
        // Services know before anybody can see it and ask them.
        self.publish_link();
        self.parts.connection.update(|slice| {
            slice.state = next;
            slice.trouble = trouble;
            slice.attempt = attempt;
            if changed {
                slice.since = Some(now);
            }
            if !matches!(next, Connection::Offline(_)) {
                slice.next_attempt = None;
            }
        });
    }

    pub(super) fn publish_link(&self) {
        let link = match &self.held {
            Some(held) => {
                Link { api: Some(held.api.clone()), server_id: held.server_id.clone(), state: self.state, person: self.person.clone() }
            }
            None => Link { state: self.state, ..Link::default() },
        };
        self.parts.link.send_replace(link);
    }

    pub(super) fn note_contact(&mut self, probe: &Probe) {
        let now = self.parts.clock.now();
        let server_id = self.held.as_ref().map(|held| held.server_id.clone()).unwrap_or_default();
        self.parts.connection.update(|slice| {
            slice.last_contact = Some(now);
            slice.latency_ms = Some(u32::try_from(probe.latency.as_millis()).unwrap_or(u32::MAX));
            slice.clock_offset_ms = probe.server_time.map(|time| (time + probe.latency / 2 - now).num_milliseconds());
            slice.server_version.clone_from(&probe.version);
            slice.server_id = server_id;
        });
    }
}
