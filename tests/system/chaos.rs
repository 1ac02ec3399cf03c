//! A proxy that does to HTTP what a bad network does: cuts, delays, answers wrongly, loses answers.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to the next request.
#[derive(Clone, Debug, PartialEq)]
pub enum Weather {
    Fair,
    /// Connections are closed without an answer.
    Cut,
    Delayed(Duration),
    /// The server is not asked; this status answers, with `Retry-After: 1` for 429.
    Answer(u16),
    /// The server did its work, and half of its answer arrives.
    HalfAnswer,
    /// The server did its work, and nothing of its answer arrives.
    LostAnswer,
}

/// A proxy on a port of its own before one server.
pub struct Chaos {
    pub url: String,
    weather: Arc<Mutex<Forecast>>,
    /// The credentials of all requests, as their headers carried them.
    credentials: Arc<Mutex<BTreeSet<String>>>,
    task: tokio::task::JoinHandle<()>,
}

type Forecast = Box<dyn FnMut() -> Weather + Send>;

impl Chaos {
    pub async fn before(server: SocketAddr) -> Chaos {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let weather: Arc<Mutex<Forecast>> = Arc::new(Mutex::new(Box::new(|| Weather::Fair)));
        let credentials = Arc::new(Mutex::new(BTreeSet::new()));
        let (forecast, seen) = (weather.clone(), credentials.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let now = (forecast.lock().unwrap())();
                let seen = seen.clone();
                tokio::spawn(async move {
                    let _ = serve(client, server, now, &seen).await;
                });
            }
        });
        Chaos { url, weather, credentials, task }
    }

    /// What every request so far proved itself with: `dXNlcjpw…` of `Basic dXNlcjpw…`.
    pub fn credentials(&self) -> BTreeSet<String> {
        self.credentials.lock().unwrap().clone()
    }

    pub fn set(&self, weather: Weather) {
        self.forecast(move || weather.clone());
    }

    /// Asks `forecast` for each connection.
    pub fn forecast(&self, forecast: impl FnMut() -> Weather + Send + 'static) {
        *self.weather.lock().unwrap() = Box::new(forecast);
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection carries one request, so that every request meets the weather of its own moment.
async fn serve(mut client: TcpStream, server: SocketAddr, weather: Weather, seen: &Mutex<BTreeSet<String>>) -> std::io::Result<()> {
    let request = match weather {
        Weather::Cut => return Ok(()),
        _ => read_request(&mut client).await?,
    };
    let head = String::from_utf8_lossy(&request).into_owned();
    let credential = head.lines().filter_map(|line| line.split_once(": ")).find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    seen.lock().unwrap().extend(credential.and_then(|(_, value)| value.split_once(' ')).map(|(_, token)| token.to_owned()));
    match weather {
        Weather::Answer(status) => {
            let wait = if status == 429 { "retry-after: 1\r\n" } else { "" };
            let body = format!("{{\"error\":\"the weather is {status}\",\"code\":\"weather\"}}");
            let head = format!(
                "HTTP/1.1 {status} Weather\r\ncontent-type: application/json\r\n{wait}content-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            client.write_all(head.as_bytes()).await?;
            return client.write_all(body.as_bytes()).await;
        }
        Weather::Delayed(delay) => tokio::time::sleep(delay).await,
        _ => {}
    }
    let mut upstream = TcpStream::connect(server).await?;
    upstream.write_all(&request).await?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await?;
    match weather {
        Weather::LostAnswer => Ok(()),
        Weather::HalfAnswer => client.write_all(&answer[..answer.len() / 2]).await,
        _ => client.write_all(&answer).await,
    }
}

/// The whole request, asking for the connection to be closed after its answer.
async fn read_request(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 * 1024];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        match client.read(&mut chunk).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => bytes.extend_from_slice(&chunk[..n]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let length = head.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + length {
        match client.read(&mut chunk).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => bytes.extend_from_slice(&chunk[..n]),
        }
    }
    let mut request = String::new();
    for line in head.trim_end().lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:")) {
        request.push_str(line);
        request.push_str("\r\n");
    }
    let mut request = format!("{request}connection: close\r\n\r\n").into_bytes();
    request.extend_from_slice(&bytes[head_end..]);
    Ok(request)
}
