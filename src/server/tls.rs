//! TLS in the server itself. The certificate is read again when its files change, so that it can be renewed while the line runs; a pair
//! that does not fit leaves the old one in use.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};
use tokio_util::sync::CancellationToken;

use super::config::TlsFiles;

/// How long a caller may take to agree on a key.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the certificate {0} cannot be used: {1}")]
    Certificate(String, String),
    #[error("the private key {0} cannot be used: {1}")]
    Key(String, String),
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] rustls::Error),
}

/// What connections are encrypted with.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    pair: Arc<Pair>,
}

/// The certificate of now.
#[derive(Debug)]
struct Pair {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Tls {
    pub(super) fn open(files: &TlsFiles) -> Result<Tls, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let current = RwLock::new(Arc::new(read(files, &provider)?));
        let pair = Arc::new(Pair { files: files.clone(), provider: provider.clone(), current });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(pair.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), pair })
    }

    /// Reads the files again when they change, or when the program is told to by SIGHUP.
    pub(super) async fn watch(self, stop: CancellationToken) {
        let mut seen = marks(&self.pair.files);
        let mut told = hang_up();
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                () = told.next() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let now = marks(&self.pair.files);
            if asked || now != seen {
                seen = now;
                self.reread();
            }
        }
    }

    fn reread(&self) {
        match read(&self.pair.files, &self.pair.provider) {
            Ok(new) => {
                *self.pair.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
                tracing::info!("the certificate was read again");
            }
            Err(error) => tracing::error!("the old certificate stays in use: {error}"),
        }
    }
}

fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let certificate = |why: String| TlsError::Certificate(shown(&files.certificates), why);
    let chain = CertificateDer::pem_file_iter(&files.certificates).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| certificate(error.to_string()))?;
    if chain.is_empty() {
        return Err(certificate("it holds no certificate in PEM".to_owned()));
    }
    let unusable = |why: String| TlsError::Key(shown(&files.key), why);
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable(error.to_string()))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| unusable(format!("it is not the certificate's ({error})")))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What differs after a file was written anew.
fn marks(files: &TlsFiles) -> [Option<(SystemTime, u64)>; 2] {
    [&files.certificates, &files.key].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

struct HangUp {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

fn hang_up() -> HangUp {
    HangUp {
        #[cfg(unix)]
        signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
    }
}

impl HangUp {
    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

/// One connection, encrypted or not. It agrees on a key when it is first read or written, so that no caller holds up another's coming.
pub(super) enum Wire {
    Plain(TcpStream),
    Agreeing(Box<Agreeing>),
    Encrypted(Box<TlsStream<TcpStream>>),
    /// The caller and we did not agree.
    Broken,
}

pub(super) struct Agreeing {
    accept: Accept<TcpStream>,
    end: Pin<Box<Sleep>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, tls: Option<&Tls>) -> Wire {
        let Some(tls) = tls else { return Wire::Plain(stream) };
        let (accept, end) = (tls.acceptor.accept(stream), Box::pin(tokio::time::sleep(HANDSHAKE)));
        Wire::Agreeing(Box::new(Agreeing { accept, end }))
    }

    pub(super) fn is_encrypted(&self) -> bool {
        !matches!(self, Wire::Plain(_))
    }

    /// Ready once there is a stream to read and write.
    fn poll_agreed(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Wire::Agreeing(agreeing) = self else { return Poll::Ready(Ok(())) };
        let agreed = match Pin::new(&mut agreeing.accept).poll(context) {
            Poll::Ready(agreed) => agreed,
            Poll::Pending => match agreeing.end.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            },
        };
        match agreed {
            Ok(stream) => {
                *self = Wire::Encrypted(Box::new(stream));
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                tracing::debug!("a caller and the server did not agree on TLS: {error}");
                *self = Wire::Broken;
                Poll::Ready(Err(error))
            }
        }
    }
}

/// Does something with whichever stream there is.
macro_rules! on_stream {
    ($wire:expr, $context:expr, $stream:ident => $act:expr) => {{
        if let Poll::Pending = $wire.poll_agreed($context)? {
            return Poll::Pending;
        }
        match &mut *$wire {
            Wire::Plain($stream) => $act,
            Wire::Encrypted($stream) => $act,
            Wire::Agreeing(_) | Wire::Broken => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }};
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        on_stream!(self, context, stream => Pin::new(stream).poll_read(context, buffer))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on_stream!(self, context, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        on_stream!(self, context, stream => Pin::new(stream).poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_stream!(self, context, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Wire::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
            Wire::Agreeing(_) | Wire::Broken => Poll::Ready(Ok(())),
        }
    }
}
