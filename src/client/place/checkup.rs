//! Everything a station stands on, looked at in order: folder, files, keyring, network, server, token, clock, queue.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::{CallError, Place};
use crate::client::server_url::ServerUrl;
use crate::domain::InstanceId;
use crate::support::build_info::BUILD;

/// One thing that was looked at. Named by a key under `cli.check` in the language file.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub name: &'static str,
    pub verdict: Verdict,
    /// Names, numbers and the other side's words.
    pub detail: String,
    /// A sentence under `cli.note` in the language file, and what is filled in.
    pub note: Option<(&'static str, Vec<(&'static str, String)>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    Bad,
    /// Good enough, and worth knowing.
    Odd,
    /// Could not be looked at, because something before it is bad.
    Skipped,
}

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Beyond this the station warns of its clock.
const CLOCK_LIMIT_MS: i64 = 30_000;
/// Less room than this and the queue may soon refuse.
const ROOM_LIMIT_BYTES: u64 = 500_000_000;

pub(super) fn run(place: &Place, id: &InstanceId) -> Vec<Check> {
    let mut checks = vec![check("version", Verdict::Good, BUILD.to_string())];
    checks.push(check("data_folder", Verdict::Good, place.data_folder().display().to_string()));
    checks.extend(files(place, id));
    checks.push(room(place));
    checks.push(keyring(place));
    checks.extend(network(place, id));
    checks.extend(server(place, id));
    checks.push(queue(place, id));
    checks
}

fn check(name: &'static str, verdict: Verdict, detail: impl Into<String>) -> Check {
    Check { name, verdict, detail: detail.into(), note: None }
}

fn noted(name: &'static str, verdict: Verdict, note: &'static str, values: Vec<(&'static str, String)>) -> Check {
    Check { note: Some((note, values)), ..check(name, verdict, "") }
}

/// The instance's folder and settings, and that nobody else may read them.
fn files(place: &Place, id: &InstanceId) -> Vec<Check> {
    let folder = match place.folder(id) {
        Ok(folder) => folder,
        Err(told) => return vec![check("files", Verdict::Bad, told.key)],
    };
    ["", "config.json", "queue", "logs"].into_iter().map(|name| file(&folder.join(name))).collect()
}

fn file(path: &std::path::Path) -> Check {
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(error) => check("files", Verdict::Odd, format!("{shown}: {error}")),
        #[cfg(unix)]
        Ok(meta) => {
            let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777;
            let verdict = if mode & 0o077 == 0 { Verdict::Good } else { Verdict::Bad };
            check("files", verdict, format!("{shown}: mode {mode:03o}"))
        }
        #[cfg(not(unix))]
        Ok(_) => check("files", Verdict::Good, shown.to_string()),
    }
}

/// Free bytes of the data folder's disk, by the tool every Unix has.
fn room(place: &Place) -> Check {
    let output = std::process::Command::new("df").arg("-Pk").arg(place.data_folder()).output();
    let free = output.ok().and_then(|output| {
        let text = String::from_utf8(output.stdout).ok()?;
        text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()
    });
    match free {
        Some(kibibytes) => {
            let verdict = if kibibytes * 1024 >= ROOM_LIMIT_BYTES { Verdict::Good } else { Verdict::Bad };
            check("room", verdict, format!("{} MB", kibibytes * 1024 / 1_000_000))
        }
        None => check("room", Verdict::Skipped, ""),
    }
}

fn keyring(place: &Place) -> Check {
    if place.vault.reaches_keyring() { check("keyring", Verdict::Good, "") } else { noted("keyring", Verdict::Odd, "keyring", Vec::new()) }
}

/// The name resolved, and the port reached.
fn network(place: &Place, id: &InstanceId) -> Vec<Check> {
    let skipped = |name| check(name, Verdict::Skipped, "");
    let Some(url) = place.server(id).ok().and_then(|server| ServerUrl::parse(&server.url).ok()) else {
        return vec![check("address", Verdict::Bad, ""), skipped("name"), skipped("port")];
    };
    if let Some(tunnel) = place.tunnel(id).ok().filter(|tunnel| tunnel.enabled) {
        let reached = (tunnel.host.as_str(), tunnel.port).to_socket_addrs().ok().and_then(|mut found| {
            let socket = found.find(|socket| TcpStream::connect_timeout(socket, CONNECT_LIMIT).is_ok())?;
            Some(format!("{}, {socket}", tunnel.server()))
        });
        let verdict = if reached.is_some() { Verdict::Good } else { Verdict::Bad };
        let found = check("tunnel", verdict, reached.unwrap_or_else(|| tunnel.server()));
        return vec![check("address", Verdict::Good, url.to_string()), found];
    }
    let address = check("address", Verdict::Good, url.to_string());
    match resolve(&url) {
        Err(error) => vec![address, check("name", Verdict::Bad, format!("{}: {error}", url.host())), skipped("port")],
        Ok(found) => {
            let told: Vec<String> = found.iter().map(|socket| socket.ip().to_string()).collect();
            let reached = found.iter().find_map(|socket| TcpStream::connect_timeout(socket, CONNECT_LIMIT).ok());
            let verdict = if reached.is_some() { Verdict::Good } else { Verdict::Bad };
            vec![address, check("name", Verdict::Good, told.join(", ")), check("port", verdict, url.port().to_string())]
        }
    }
}

/// Where the server is. A number of IPv6 stands in brackets in an address, and without them everywhere else.
fn resolve(url: &ServerUrl) -> io::Result<Vec<SocketAddr>> {
    Ok((url.host().trim_matches(['[', ']']), url.port()).to_socket_addrs()?.collect())
}

/// Encryption, an answer, the token, and the two clocks.
fn server(place: &Place, id: &InstanceId) -> Vec<Check> {
    let contact = place.caller(id).and_then(|caller| caller.contact());
    let encrypted = place.server(id).is_ok_and(|server| server.url.starts_with("https://"));
    let skip = |name| check(name, Verdict::Skipped, "");
    let told = |error: &CallError| error.explanation().detail.clone();
    match contact {
        Ok(contact) => {
            let encryption = if encrypted {
                check("encryption", Verdict::Good, "")
            } else {
                noted("encryption", Verdict::Odd, "encryption", Vec::new())
            };
            let answer = format!("{}, {} ms", contact.version, contact.latency.as_millis());
            let clock = match contact.clock_offset_ms {
                Some(ms) if ms.abs() <= CLOCK_LIMIT_MS => check("clock", Verdict::Good, format!("{ms} ms")),
                Some(ms) => check("clock", Verdict::Bad, format!("{ms} ms")),
                None => skip("clock"),
            };
            vec![encryption, check("answer", Verdict::Good, answer), check("token", Verdict::Good, ""), clock]
        }
        Err(error @ CallError::NotSignedIn(_)) => {
            vec![skip("encryption"), skip("answer"), check("token", Verdict::Bad, told(&error)), skip("clock")]
        }
        Err(error) if error.explanation().key == "certificate_refused" => {
            vec![check("encryption", Verdict::Bad, told(&error)), skip("answer"), skip("token"), skip("clock")]
        }
        Err(error) => vec![skip("encryption"), check("answer", Verdict::Bad, told(&error)), skip("token"), skip("clock")],
    }
}

fn queue(place: &Place, id: &InstanceId) -> Check {
    let totals = place.queue(id).and_then(|queue| queue.count_blocking().map_err(|error| error.explain()));
    match totals {
        Ok(totals) => {
            let verdict = if totals.quarantined == 0 { Verdict::Good } else { Verdict::Odd };
            let values = [("waiting", totals.waiting), ("refused", totals.quarantined), ("delivered", totals.delivered)];
            noted("queue", verdict, "queue", values.map(|(name, n)| (name, n.to_string())).to_vec())
        }
        Err(told) => check("queue", Verdict::Bad, format!("{} {}", told.key, told.detail)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_both_kinds_are_found_without_asking_anybody() {
        for (url, socket) in [("https://[::1]:8440", "[::1]:8440"), ("https://127.0.0.1", "127.0.0.1:443")] {
            let found = resolve(&ServerUrl::parse(url).unwrap()).unwrap();
            assert_eq!(found, [socket.parse().unwrap()], "{url}");
        }
    }
}
