//! What the connection is called, wherever it is named: badge, overview, connection screen.

use super::format;
use super::scene::Scene;
use super::widgets::badge::{Look, Tint};
use super::widgets::sign::Sign;
use crate::client::Explanation;
use crate::domain::connection::{Connection, Trouble};

/// The connection badge as of now.
pub fn connection_look(scene: &Scene<'_>) -> Look {
    let connection = &scene.model.connection;
    match connection.state {
        Connection::NotConnected => {
            Look { sign: Sign::Normal, words: scene.text("shell.state.not_connected").to_owned(), aside: String::new(), tint: Tint::Quiet }
        }
        Connection::Authenticating => {
            Look { sign: busy(scene), words: scene.text("shell.state.authenticating").to_owned(), aside: String::new(), tint: Tint::Quiet }
        }
        Connection::Connected => Look { sign: Sign::Connected, words: connected(scene), aside: latency(scene), tint: Tint::Quiet },
        Connection::Offline(trouble) if trouble.needs_person() => {
            Look { sign: Sign::Fault, words: scene.text(trouble_key(trouble)).to_owned(), aside: String::new(), tint: Tint::Filled }
        }
        Connection::Offline(trouble) => offline(scene, trouble),
    }
}

/// Turns as the time goes by.
pub fn busy(scene: &Scene<'_>) -> Sign {
    Sign::busy(scene.now.timestamp_millis().rem_euclid(1_000_000) as f64 / 1000.0)
}

fn connected(scene: &Scene<'_>) -> String {
    let key = if scene.model.connection.plain_http { "shell.state.connected_plain" } else { "shell.state.connected" };
    scene.text(key).to_owned()
}

fn latency(scene: &Scene<'_>) -> String {
    scene.model.connection.latency_ms.map_or_else(String::new, |ms| scene.fill("shell.milliseconds", &[("n", &ms.to_string())]))
}

fn offline(scene: &Scene<'_>, trouble: Trouble) -> Look {
    let waiting = scene.model.queue.pending();
    let words = scene.text(trouble_key(trouble)).to_owned();
    let aside = match (waiting, scene.model.connection.since) {
        (0, Some(since)) => scene.fill("shell.since", &[("time", &scene.zone.moment(since, scene.now))]),
        (0, None) => String::new(),
        (n, _) => scene.fill("shell.queued", &[("n", &format::count(n))]),
    };
    Look { sign: Sign::Offline, words, aside, tint: Tint::Outlined }
}

fn trouble_key(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Unreachable => "shell.state.offline",
        Trouble::ServerError => "shell.state.server_error",
        Trouble::Certificate => "shell.state.certificate",
        Trouble::NotOurServer => "shell.state.not_our_server",
        Trouble::ServerTooOld => "shell.state.server_too_old",
        Trouble::OtherServer => "shell.state.other_server",
        Trouble::TunnelDown => "shell.state.tunnel_down",
        Trouble::TunnelRefused => "shell.state.tunnel_refused",
    }
}

/// The sign of what is wrong with the queue: filling needs a look, what takes no more reports needs somebody now.
pub fn queue_sign(trouble: &Explanation) -> Sign {
    if trouble.key == "queue_filling" { Sign::Warning } else { Sign::Critical }
}

/// A clock that is off by more than this is said, in milliseconds.
const CLOCK_WARNING_MS: i64 = 30_000;

/// Said while this machine's clock and the server's differ too much.
pub fn clock_warning(scene: &Scene<'_>) -> Option<String> {
    let offset = scene.model.connection.clock_offset_ms?;
    let key = if offset > 0 { "shell.clock_behind" } else { "shell.clock_ahead" };
    (offset.abs() > CLOCK_WARNING_MS).then(|| scene.fill(key, &[("n", &format::count(offset.unsigned_abs() / 1000))]))
}
