//! `andon-server probe`: asks the server of these settings whether it is ready, as containers and scripts want to know. It comes by the
//! server's own door, in plain or by TLS, and takes whatever certificate is shown there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Failure, output};
use crate::server::config::Config;

/// How long a server that is ready may take to say so.
const PATIENCE: Duration = Duration::from_secs(2);
const QUESTION: &[u8] = b"GET /health/ready HTTP/1.0\r\nhost: localhost\r\n\r\n";
/// Bytes of the answer that are read: its first line is in them.
const ANSWER_MAX: u64 = 1024;

pub(super) async fn probe(config: &Config) -> Result<(), Failure> {
    let address = nearest(config.listen)?;
    let asked = tokio::time::timeout(PATIENCE, ask(address, config.tls.is_some())).await;
    let answer = asked.map_err(|_| format!("nothing answered at {address} within {} s", PATIENCE.as_secs()))??;
    match answer.split(' ').nth(1) {
        Some("200") => {
            output::line("ready");
            Ok(())
        }
        Some(status) => Err(format!("the server at {address} is not ready: it answers {status}").into()),
        None => Err(format!("what listens at {address} is no web server").into()),
    }
}

/// Where this machine reaches what listens there.
fn nearest(listen: SocketAddr) -> Result<SocketAddr, Failure> {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    match listen.port() {
        0 => Err("the port is chosen when the server starts, so that nobody can ask it: set listen to one".into()),
        port => Ok(SocketAddr::new(ip, port)),
    }
}

async fn ask(address: SocketAddr, by_tls: bool) -> Result<String, Failure> {
    let stream = TcpStream::connect(address).await.map_err(|error| format!("nothing listens at {address}: {error}"))?;
    if !by_tls {
        return exchange(stream).await;
    }
    let name = ServerName::IpAddress(address.ip().into());
    exchange(TlsConnector::from(Arc::new(client()?)).connect(name, stream).await?).await
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<String, Failure> {
    stream.write_all(QUESTION).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn client() -> Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = AnyServer(provider.clone());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// Takes any certificate: it is the server that is asked about, and it goes on with the old one where a renewal cannot be used. The
/// address is this machine's own, and nothing is told there.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
