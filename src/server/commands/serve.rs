//! `andon-server serve`: ready is one line, stopping is Ctrl-C or SIGTERM.

use super::{Failure, output};
use crate::server::config::Config;
use crate::server::running;
use crate::support::clock::Clock;

/// Runs until it is told to stop.
pub(super) async fn serve(config: Config) -> Result<(), Failure> {
    // Before the server is ready, so that no signal is missed.
    let stop = stop_signal()?;
    let server = running::start(config, Clock::system()).await?;
    output::line(&format!("listening on {}", server.url()));
    stop.await;
    tracing::info!("stopping");
    server.stop().await;
    Ok(())
}

#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(windows)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
    let (mut c, mut pause, mut close, mut shutdown) = (ctrl_c()?, ctrl_break()?, ctrl_close()?, ctrl_shutdown()?);
    Ok(async move {
        tokio::select! {
            _ = c.recv() => {}
            _ = pause.recv() => {}
            _ = close.recv() => {}
            _ = shutdown.recv() => {}
        }
    })
}
