//! How the server is doing: when it is probed next, and what an answer means for the connection.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::Instant;

use super::Session;
use crate::client::api::{ApiError, Identity, Probe};
use crate::client::explain::Explanation;
use crate::client::health;
use crate::client::sign_in;
use crate::client::tunnel::Entry;
use crate::domain::connection::{Connection, Event, Trouble};

impl Session {
    /// Starts a probe now, unless one is on its way, there is nothing to probe with, or a sign-in is: the token before may end
    /// with it, and what is heard of that one then is no news of the new one. Its end looks again.
    pub(super) fn probe(&mut self) {
        if self.work.is_some() && self.parts.session.get().signing_in {
            self.next_probe = None;
            return;
        }
        let Some(held) = self.held.as_ref().filter(|_| self.probing.is_none()) else { return };
        let api = held.api.clone();
        self.next_probe = None;
        self.last_probe = Some(Instant::now());
        self.probing = Some(tokio::spawn(async move { api.probe().await }));
    }

    pub(super) fn stop_probing(&mut self) {
        if let Some(probing) = self.probing.take() {
            probing.abort();
        }
        self.next_probe = None;
    }

    /// What requests of other services taught. It never moves the state by itself: a probe looks first.
    pub(super) fn observe(&mut self, event: Event) {
        let surprising = match event {
            Event::Answered => matches!(self.state, Connection::Offline(_)),
            Event::Failed(_) => self.state == Connection::Connected,
            Event::TokenRefused => self.held.is_some(),
            _ => false,
        };
        let waits_for_person = matches!(self.state, Connection::Offline(_)) && !self.parts.connection.get().auto_reconnect;
        if surprising && !waits_for_person && self.probing.is_none() {
            let soon = self.last_probe.map_or_else(Instant::now, |last| last + Duration::from_secs(1));
            self.next_probe = Some(self.next_probe.map_or(soon, |planned| planned.min(soon)));
        }
    }

    /// The tunnel has opened, broken, or was switched on or off: a probe tells what that means for the connection.
    pub(super) fn way_changed(&mut self) {
        if !matches!(self.parts.way.entry(), Entry::Opening) {
            self.stop_probing();
            self.probe();
        }
    }

    pub(super) fn look_at_network(&mut self) {
        let mark = health::network_mark();
        let changed = std::mem::replace(&mut self.network, mark) != mark;
        if changed && health::wait(self.state, Duration::ZERO, self.parts.connection.get().auto_reconnect, 0, 0.0).is_some() {
            tracing::debug!("the network changed");
            self.probe();
        }
    }

    pub(super) async fn probed(&mut self, result: Option<Result<Probe, ApiError>>) {
        if self.held.is_none() {
            return;
        }
        match result {
            Some(Ok(probe)) if sign_in::is_too_old(&probe) => {
                let explanation = Explanation::new("server_too_old").with("version", &probe.version);
                self.failed(Trouble::ServerTooOld, explanation);
            }
            Some(Ok(probe)) => {
                self.bind(&probe).await;
                self.note_contact(&probe);
                if self.state != Connection::Connected {
                    let now = self.parts.clock.now();
                    self.keep(move |config| config.connection.last_connected = Some(now)).await;
                }
                self.attempt = 0;
                self.enter(Event::Answered, None);
            }
            Some(Err(ApiError::TokenRefused { sentence })) => {
                tracing::warn!("the server does not know this station's token any more");
                let explanation = Explanation::new("token_revoked").detail(sentence);
                self.leave(Some(explanation.clone())).await;
                self.parts.notifier.failed(explanation);
                return;
            }
            Some(Err(error)) => {
                let trouble = match &error {
                    ApiError::Refused { .. } => Trouble::NotOurServer,
                    other => other.trouble().unwrap_or(Trouble::ServerError),
                };
                let told = match (trouble, self.parts.way.entry()) {
                    (Trouble::TunnelRefused, Entry::Open(_)) => Explanation::new("tunnel_needs_name"),
                    _ => explain_trouble(trouble).detail(error.detail()),
                };
                self.failed(trouble, told);
            }
            None => {}
        }
        self.plan();
    }

    pub(super) fn failed(&mut self, trouble: Trouble, explanation: Explanation) {
        self.attempt = self.attempt.saturating_add(1);
        self.enter(Event::Failed(trouble), Some(explanation));
    }

    /// The first good answer tells which server the token is for.
    pub(super) async fn bind(&mut self, probe: &Probe) {
        let Some(held) = self.held.as_mut().filter(|held| held.server_id.is_empty()) else { return };
        let server_id = server_id_of(&probe.identity, &held.api.server().to_string());
        held.api = Arc::new(held.api.bound_to(probe.identity.clone()));
        held.server_id.clone_from(&server_id);
        let has_roles = matches!(probe.identity, Identity::Line(_));
        self.parts.session.update(|slice| {
            if let Some(station) = &mut slice.station {
                station.has_roles = has_roles;
            }
        });
        self.keep(move |config| config.connection.server_id = server_id).await;
    }

    /// Sets the time of the next probe.
    pub(super) fn plan(&mut self) {
        let slice = self.parts.connection.get();
        let interval = Duration::from_secs(slice.health_interval_secs.into());
        let wait = health::wait(self.state, interval, slice.auto_reconnect, self.attempt, health::chance());
        self.next_probe = wait.filter(|_| self.held.is_some()).map(|wait| Instant::now() + wait);
        let shown = wait.filter(|_| matches!(self.state, Connection::Offline(_))).and_then(|wait| TimeDelta::from_std(wait).ok());
        let next_attempt = shown.map(|wait| self.parts.clock.now() + wait);
        self.parts.connection.update(|slice| slice.next_attempt = next_attempt);
    }
}

/// How a server is known on disk: its own id, or the address where it has none.
pub(super) fn server_id_of(identity: &Identity, url: &str) -> String {
    match identity {
        Identity::Line(id) => id.clone(),
        _ => url.to_owned(),
    }
}

pub(in crate::client) fn explain_trouble(trouble: Trouble) -> Explanation {
    Explanation::new(match trouble {
        Trouble::Unreachable => "server_unreachable",
        Trouble::ServerError => "server_error",
        Trouble::Certificate => "certificate_refused",
        Trouble::NotOurServer => "not_our_server",
        Trouble::ServerTooOld => "server_too_old",
        Trouble::OtherServer => "other_server",
        Trouble::TunnelDown | Trouble::TunnelRefused => "tunnel_down",
    })
}
