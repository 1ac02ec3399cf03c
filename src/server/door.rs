//! Connections, bounded in number, in all and from one address, and with an end to patience: a station that lost its power never says
//! goodbye, and would stay open for ever; another sends a byte a minute.

mod guests;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use self::guests::Guest;
pub(super) use self::guests::Guests;
use super::tls::{Tls, Wire};

/// How long a connection may be silent in the direction that is waited for. Stations ask every half minute.
const SILENCE: Duration = Duration::from_secs(90);
/// How long a caller may speak without an answer, however busily: more than head, body and the wait for room take together.
const SPEECH: Duration = Duration::from_secs(180);
/// Connections at a time, at least; those beyond the last place wait outside.
const PLACES: usize = 960;
/// Places beside those of open sockets: requests come and go.
const FOR_REQUESTS: usize = 200;
/// Files that a process has open beside its connections.
const OTHER_FILES: usize = 64;

/// Callers that may stand before the door at a time. The library's own 128 turns stations away when a whole plant comes back at once.
const QUEUE: u32 = 1024;

/// Listens at an address.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that starts again need not wait for connections of the one before. On Windows it would share its port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// Lets connections in.
pub(super) struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    guests: Arc<Guests>,
    tls: Option<Tls>,
}

impl Door {
    /// With a place for every socket that may be open, and for requests, as far as the system lets this process go.
    pub(super) fn new(listener: TcpListener, tls: Option<Tls>, guests: Guests, max_sockets: usize) -> Door {
        let wanted = PLACES.max(max_sockets + FOR_REQUESTS);
        let places = fitting(wanted, allow_files(wanted + OTHER_FILES));
        if places < wanted {
            tracing::warn!(
                places,
                wanted,
                "this process may not have as many files open as max_sockets asks for: raise its limit (ulimit -n)"
            );
        }
        Door { tls, ..Door::with_places(listener, places, guests) }
    }

    fn with_places(listener: TcpListener, places: usize, guests: Guests) -> Door {
        Door { listener, places: Arc::new(Semaphore::new(places)), guests: Arc::new(guests), tls: None }
    }
}

/// Raises the number of files that this process may have open to `wanted`, or as near to it as the system lets it. What it is then,
/// where the system tells.
fn allow_files(wanted: usize) -> Option<usize> {
    let files = rlimit::increase_nofile_limit(wanted as u64).ok()?;
    Some(usize::try_from(files).unwrap_or(usize::MAX))
}

fn fitting(wanted: usize, files: Option<usize>) -> usize {
    files.map_or(wanted, |files| wanted.min(files.saturating_sub(OTHER_FILES).max(1)))
}

impl Listener for Door {
    type Io = Patient<Wire>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            if self.places.available_permits() == 0 {
                tracing::warn!("all places for connections are taken; further callers wait");
            }
            // Never closed, so there is always a place in the end.
            let place = self.places.clone().acquire_owned().await.ok();
            let (stream, address) = Listener::accept(&mut self.listener).await;
            let Some(guest) = Guests::admit(&self.guests, address.ip()) else { continue };
            // Answers are small and whole: waiting to fill a packet would only delay them.
            let _ = stream.set_nodelay(true);
            let wire = Wire::new(stream, self.tls.as_ref());
            let place = Some(Arc::new(Place { _among_all: place, _of_address: guest }));
            return (Patient { place, ..Patient::new(wire, SILENCE, SPEECH) }, address);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that fails when nothing moves for too long, or when its caller never comes to an end.
pub(super) struct Patient<S> {
    stream: S,
    silence: Duration,
    moved: Instant,
    /// Rings at the end of patience, counted from a time when something had moved: what moved since then is looked at when it rings.
    end: Pin<Box<Sleep>>,
    speech: Duration,
    /// When the first byte came that was not answered yet.
    speaks_since: Option<Instant>,
    cut: Cut,
    place: Option<Arc<Place>>,
}

/// A connection's place, until it has ended and all that was begun on it.
#[derive(Debug)]
pub(super) struct Place {
    _among_all: Option<OwnedSemaphorePermit>,
    _of_address: Guest,
}

/// Ends a connection from outside: whoever waits in either direction hears of it.
struct Cut {
    asked: CancellationToken,
    reading: Pin<Box<WaitForCancellationFutureOwned>>,
    writing: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Cut {
    fn new() -> Cut {
        let asked = CancellationToken::new();
        Cut { reading: Box::pin(asked.clone().cancelled_owned()), writing: Box::pin(asked.clone().cancelled_owned()), asked }
    }
}

/// Whoever remembers a connection by its token sees that it is gone.
impl Drop for Cut {
    fn drop(&mut self) {
        self.asked.cancel();
    }
}

fn cut_short<T>(
    waiting: &mut Pin<Box<WaitForCancellationFutureOwned>>,
    context: &mut Context<'_>,
    moved: Poll<io::Result<T>>,
) -> Poll<io::Result<T>> {
    if moved.is_pending() && waiting.as_mut().poll(context).is_ready() {
        return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
    }
    moved
}

impl Patient<Wire> {
    /// Ends this connection when it is cancelled, and is cancelled when the connection ends.
    pub(super) fn cut(&self) -> CancellationToken {
        self.cut.asked.clone()
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.stream.is_encrypted()
    }

    pub(super) fn place(&self) -> Option<Arc<Place>> {
        self.place.clone()
    }
}

impl<S> Patient<S> {
    fn new(stream: S, silence: Duration, speech: Duration) -> Patient<S> {
        let end = Box::pin(tokio::time::sleep(silence));
        Patient { stream, silence, moved: Instant::now(), end, speech, speaks_since: None, cut: Cut::new(), place: None }
    }

    /// Whether the caller has been speaking for too long.
    fn rambles(&mut self) -> bool {
        self.speaks_since.get_or_insert_with(Instant::now).elapsed() > self.speech
    }

    fn answered(&mut self, moved: &Poll<io::Result<usize>>) {
        if moved.is_ready() {
            self.speaks_since = None;
        }
    }

    /// Starts waiting anew when something moved, and ends it when nothing did for too long.
    fn judge<T>(&mut self, context: &mut Context<'_>, moved: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            self.moved = Instant::now();
            return moved;
        }
        while self.end.as_mut().poll(context).is_ready() {
            let end = self.moved + self.silence;
            if end <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.end.as_mut().reset(end);
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let moved = Pin::new(&mut self.stream).poll_read(context, buffer);
        if moved.is_ready() && self.rambles() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let moved = cut_short(&mut self.cut.reading, context, moved);
        self.judge(context, moved)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.answered(&moved);
        let moved = cut_short(&mut self.cut.writing, context, moved);
        self.judge(context, moved)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.answered(&moved);
        let moved = cut_short(&mut self.cut.writing, context, moved);
        self.judge(context, moved)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    const LIMIT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_silent_connection_ends_and_one_that_talks_does_not() {
        let (mut far, near) = tokio::io::duplex(64);
        let mut near = Patient::new(near, LIMIT, LIMIT * 20);
        let started = Instant::now();
        let mut byte = [0];
        // Each word comes before the limit, all together after it.
        for _ in 0..4 {
            let talk = async {
                tokio::time::sleep(LIMIT / 3).await;
                far.write_all(b"x").await.unwrap();
            };
            tokio::join!(talk, async { near.read_exact(&mut byte).await.unwrap() });
        }
        assert!(started.elapsed() > LIMIT);
        let error = near.read_exact(&mut byte).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn whoever_does_not_take_his_answer_is_not_waited_for() {
        let (_far, near) = tokio::io::duplex(16);
        let error = Patient::new(near, LIMIT, LIMIT * 20).write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn whoever_never_comes_to_an_end_is_cut_off_and_whoever_is_answered_is_not() {
        let (mut far, near) = tokio::io::duplex(64);
        let mut near = Patient::new(near, LIMIT, LIMIT);
        let mut byte = [0];
        let mut word = async |near: &mut Patient<tokio::io::DuplexStream>| {
            far.write_all(b"x").await.unwrap();
            tokio::time::sleep(LIMIT / 3).await;
            near.read_exact(&mut byte).await
        };
        for _ in 0..6 {
            word(&mut near).await.unwrap();
            near.write_all(b"y").await.unwrap();
        }
        let started = Instant::now();
        let error = loop {
            match word(&mut near).await {
                Ok(_) => assert!(started.elapsed() < LIMIT * 10),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(started.elapsed() >= LIMIT);
    }

    #[tokio::test]
    async fn a_connection_is_cut_in_both_directions_and_its_token_tells_that_it_is_gone() {
        let (_far, near) = tokio::io::duplex(16);
        let near = Patient::new(near, LIMIT * 100, LIMIT * 100);
        let cut = near.cut.asked.clone();
        let (mut reader, mut writer) = tokio::io::split(near);
        let mut byte = [0];
        let ends = async { tokio::join!(reader.read_exact(&mut byte), writer.write_all(&[0; 64])) };
        let (ends, ()) = tokio::join!(ends, async {
            tokio::task::yield_now().await;
            cut.cancel();
        });
        assert_eq!(
            (ends.0.unwrap_err().kind(), ends.1.unwrap_err().kind()),
            (io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionAborted)
        );
        let (_far, near) = tokio::io::duplex(16);
        let near = Patient::new(near, LIMIT, LIMIT);
        let cut = near.cut.asked.clone();
        drop(near);
        cut.cancelled().await;
    }

    #[tokio::test]
    async fn five_hundred_callers_at_once_are_not_turned_away() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        // Nobody is let in meanwhile: all of them stand before the door.
        let all = futures_util::future::join_all((0..500).map(|_| TcpStream::connect(address)));
        let connected = tokio::time::timeout(LIMIT * 4, all).await.expect("nobody has to ask again");
        assert!(connected.iter().all(Result::is_ok));
    }

    #[test]
    fn there_are_no_more_places_than_the_process_may_have_files() {
        assert_eq!(
            [fitting(1200, None), fitting(1200, Some(8192)), fitting(1200, Some(1024)), fitting(1200, Some(10))],
            [1200, 1200, 960, 1]
        );
    }

    #[tokio::test]
    async fn callers_beyond_the_last_place_wait_until_one_is_free() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut door = Door::with_places(listener, 1, Guests::new(10, &[]));
        let _first = TcpStream::connect(address).await.unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        let (inside, _) = door.accept().await;
        assert!(tokio::time::timeout(LIMIT, door.accept()).await.is_err());
        drop(inside);
        door.accept().await;
    }

    // Only here every address of 127.0.0.0/8 is this machine's.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_has_its_share_is_turned_away_and_others_are_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut door = Door::with_places(listener, 10, Guests::new(2, &[]));
        let call = async |from: [u8; 4]| {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from((from, 0))).unwrap();
            socket.connect(address).await.unwrap()
        };
        let (_one, _two, mut third) = (call([127, 0, 0, 1]).await, call([127, 0, 0, 1]).await, call([127, 0, 0, 1]).await);
        let _other = call([127, 0, 0, 9]).await;
        let (first, _second, (_, from)) = (door.accept().await, door.accept().await, door.accept().await);
        assert_eq!(from.ip(), std::net::IpAddr::from([127, 0, 0, 9]), "the third was passed over");
        assert!(matches!(third.read(&mut [0]).await, Ok(0) | Err(_)), "and is told so");
        drop(first);
        let _again = call([127, 0, 0, 1]).await;
        assert_eq!(door.accept().await.1.ip(), std::net::IpAddr::from([127, 0, 0, 1]));
    }
}
