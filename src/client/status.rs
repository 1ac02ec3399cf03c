//! Tells the line server how this station is doing, so that whoever looks after the line sees it without walking there.

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
    let mut told: Option<(StationStatus, Instant)> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
            changed = link.changed() => {
                if changed.is_err() {
                    return;
                }
                // Who came back tells at once.
                if told.is_some() {
                    continue;
                }
            }
        }
        let Some(api) = line_server(&link) else {
            told = None;
            continue;
        };
        let status = status_of(&model.borrow());
        let fresh = |(last, at): &(StationStatus, Instant)| *last == status && at.elapsed() < AT_LEAST;
        if !told.as_ref().is_some_and(fresh) {
            let result = tokio::select! {
                () = stop.cancelled() => return,
                result = api.tell_status(&status) => result,
            };
            told = matches!(result, Ok(()) | Err(ApiError::Refused { .. })).then(|| (status, Instant::now()));
        }
    }
}

/// The server, if it is one of ours: another would not know what to do with it.
fn line_server(link: &LinkReceiver) -> Option<std::sync::Arc<Api>> {
    let link = link.borrow();
    link.online().filter(|api| link.server_id != api.server().to_string())
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
