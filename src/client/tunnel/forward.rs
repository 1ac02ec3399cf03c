//! The tunnel while it is up: a listener on loopback, and one way through the SSH connection for each who connects.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use russh::Disconnect;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::error::TunnelError;
use super::ssh::{self, Pin, Session};
use super::{Key, News};
use crate::domain::tunnel::{Fault, TunnelSettings};

/// Who connects beyond these waits until another has gone.
const CONNECTIONS: usize = 64;
const GOODBYE: Duration = Duration::from_secs(1);

/// Opens the tunnel, tells of it, and holds it until it breaks or `stop`. The local port is taken first: where it is
/// another program's, nobody is bothered. All it holds ends with this future.
pub(super) async fn hold(
    settings: Arc<TunnelSettings>,
    key: Key,
    pin: Pin,
    news: mpsc::Sender<News>,
    stop: CancellationToken,
) -> Result<(), TunnelError> {
    let prepared = tokio::select! {
        prepared = prepare(&settings, key, &pin) => prepared,
        () = stop.cancelled() => return Ok(()),
    };
    let (listener, session) = prepared?;
    let local_end = listener.local_addr().map_err(|error| TunnelError::new(Fault::LocalPortTaken, error))?;
    let _ = news.send(News { local_end, host_key: session.host_key.clone() }).await;
    let session = Arc::new(session);
    let ended = tokio::select! {
        error = serve(&settings, &listener, &session) => Err(error),
        () = stop.cancelled() => Ok(()),
    };
    drop(listener);
    let goodbye = session.handle.disconnect(Disconnect::ByApplication, "", "en");
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    ended
}

async fn prepare(settings: &TunnelSettings, key: Key, pin: &Pin) -> Result<(TcpListener, Session), TunnelError> {
    let taken = |error| TunnelError::new(Fault::LocalPortTaken, error);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.local_port)).await.map_err(taken)?;
    let key = key.load(&settings.key_file).await?;
    let session = ssh::open(settings, key, pin).await?;
    session.try_forwarding(settings).await?;
    Ok((listener, session))
}

/// As [`hold`], and gone again at once: whether the tunnel would open. Gives the host key.
pub(super) async fn try_once(settings: &TunnelSettings, key: Key, pin: Pin) -> Result<String, TunnelError> {
    let key = key.load(&settings.key_file).await?;
    let session = ssh::open(settings, key, &pin).await?;
    session.try_forwarding(settings).await?;
    let goodbye = session.handle.disconnect(Disconnect::ByApplication, "", "en");
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    Ok(session.host_key)
}

async fn serve(settings: &Arc<TunnelSettings>, listener: &TcpListener, session: &Arc<Session>) -> TunnelError {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut ways = JoinSet::new();
    loop {
        let accepted = async {
            let place = room.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = session.over.cancelled() => return Fault::Disconnected.into(),
            Some(_) = ways.join_next() => {}
            (place, accepted) = accepted => match accepted {
                Ok((stream, from)) => {
                    let (settings, session) = (settings.clone(), session.clone());
                    ways.spawn(async move {
                        let _place = place;
                        pass(&settings, &session, stream, from).await;
                    });
                }
                // Out of file handles, or the other end was quick to go: no reason to let all others fall.
                Err(error) => {
                    tracing::debug!(%error, "the tunnel could not take a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
}

/// Passes bytes both ways until both ends have said all. What goes wrong here ends this one way only.
async fn pass(settings: &TunnelSettings, session: &Session, mut stream: TcpStream, from: SocketAddr) {
    let origin = (from.ip().to_string(), from.port().into());
    let opening = session.handle.channel_open_direct_tcpip(&settings.remote_host, settings.remote_port.into(), origin.0, origin.1);
    let channel = match tokio::time::timeout(ssh::OPEN_LIMIT, opening).await {
        Ok(Ok(channel)) => channel,
        Ok(Err(error)) => return tracing::debug!(%error, "no way through the tunnel"),
        Err(_) => return tracing::debug!("no way through the tunnel in time"),
    };
    let _ = stream.set_nodelay(true);
    let mut far = channel.into_stream();
    if let Err(error) = tokio::io::copy_bidirectional(&mut stream, &mut far).await {
        tracing::debug!(%error, "a way through the tunnel broke");
    }
}
