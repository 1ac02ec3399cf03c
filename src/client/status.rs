//! Tells the line server how this station is doing, so that whoever looks after the line sees it without walking there.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::api::{Api, ApiError};
use super::link::LinkReceiver;
use super::model::Model;
use crate::protocol::stations::StationStatus;

/// What changed is told this often at most, and what did not this often at least.
const BEAT: Duration = Duration::from_secs(30);
const AT_LEAST: Duration = Duration::from_secs(300);

pub(crate) async fn run(model: watch::Receiver<Model>, mut link: LinkReceiver, stop: CancellationToken) {
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<Told> = None;
    loop {
        let on_the_beat = tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => true,
            changed = link.changed() => match changed {
                Ok(()) => false,
                Err(_) => return,
            },
        };
        let Some((server_id, api)) = line_server(&mut link) else {
            told = None;
            continue;
        };
        // Who came back, or came to another server, tells at once; what else is new waits for the beat.
        let before = told.as_ref().filter(|told| told.server_id == server_id);
        let status = status_of(&model.borrow());
        if before.is_some_and(|told| !on_the_beat || told.is_fresh(&status)) {
            continue;
        }
        let result = tokio::select! {
            () = stop.cancelled() => return,
            result = api.tell_status(&status) => result,
        };
        told = matches!(result, Ok(()) | Err(ApiError::Refused { .. })).then(|| Told { server_id, status, at: Instant::now() });
    }
}

/// What a server knows.
struct Told {
    server_id: String,
    status: StationStatus,
    at: Instant,
}

impl Told {
    fn is_fresh(&self, status: &StationStatus) -> bool {
        self.status == *status && self.at.elapsed() < AT_LEAST
    }
}

/// The server, if it is one of ours: another would not know what to do with it.
fn line_server(link: &mut LinkReceiver) -> Option<(String, Arc<Api>)> {
    let link = link.borrow_and_update();
    let api = link.online().filter(|api| link.server_id != api.server().to_string())?;
    Some((link.server_id.clone(), api))
}

fn status_of(model: &Model) -> StationStatus {
    StationStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        queue_depth: model.queue.pending(),
        failed: model.queue.quarantined,
        converter_errors: model.converters.folders.iter().map(|folder| folder.rejected).sum(),
        clock_offset_ms: model.connection.clock_offset_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::api::{Http, Identity};
    use crate::client::link::Link;
    use crate::client::peer::{Peer, from_line, until};
    use crate::client::server_url::ServerUrl;
    use crate::client::tunnel::Way;
    use crate::domain::connection::{Connection, Trouble};
    use crate::support::secret::Secret;

    fn online(peer: &Peer, server_id: &str) -> Link {
        let server = ServerUrl::parse(&peer.url).unwrap();
        let http = Http::new(&server, &[], Way::direct()).unwrap();
        let api = Arc::new(Api::new(http, server, Secret::new("token"), Identity::Line(server_id.to_owned())));
        Link { api: Some(api), server_id: server_id.to_owned(), state: Connection::Connected, ..Link::default() }
    }

    #[tokio::test]
    async fn whoever_comes_back_or_comes_to_another_server_tells_at_once() {
        let (one, other) = (Peer::start(|_| from_line("s1", 204, "")).await, Peer::start(|_| from_line("s2", 204, "")).await);
        let (_publisher, model) = watch::channel(Model::default());
        let (link, links) = watch::channel(Link::default());
        let stop = CancellationToken::new();
        let service = tokio::spawn(run(model, links, stop.clone()));
        let heard = |peer: &Peer, n: usize| {
            let asked = peer.asked();
            assert!(asked.iter().all(|asked| asked.line == "PUT /api/stations/status"), "{asked:?}");
            asked.len() >= n
        };
        link.send_replace(online(&one, "s1"));
        until("the first", || heard(&one, 1), |told| *told).await;
        // Each look lets the server go or come back: one of both is seen by itself.
        let away = std::cell::Cell::new(false);
        let blink = || {
            away.set(!away.get());
            link.send_modify(|link| {
                link.state = if away.get() { Connection::Offline(Trouble::Unreachable) } else { Connection::Connected }
            });
            heard(&one, 2)
        };
        until("back", blink, |told| *told).await;
        link.send_replace(online(&other, "s2"));
        until("the other", || heard(&other, 1), |told| *told).await;
        stop.cancel();
        service.await.unwrap();
    }
}
