//! The SSH tunnel against a real sshd: a report goes through it, everything that goes wrong is said, and nothing is left behind.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use andon::client::{Bridge, Command as Ask, Model, Notice, Startup, TunnelCommand};
use andon::domain::connection::{Connection, Trouble};
use andon::domain::tunnel::{Fault, Tunnel, TunnelSettings};
use serde_json::Value;

use crate::delivery::line_of_reports;
use crate::sshd::{Sshd, free_port};
use crate::world::{PASSWORD, Pc, Process, Server, drop_report, feed, require, succeed, until};

const LIMIT: Duration = Duration::from_secs(30);

/// `andonctl tunnel` beside an sshd, and what it says on both outputs.
struct Alone {
    process: Process,
    lines: BufReader<std::process::ChildStdout>,
    errors: std::process::ChildStderr,
}

fn arguments(sshd: &Sshd, key: &Path, local_port: u16, remote_port: u16) -> Vec<String> {
    let text = |part: &str| part.to_owned();
    vec![
        text("tunnel"),
        text("--host"),
        text("127.0.0.1"),
        text("--port"),
        sshd.port.to_string(),
        text("--user"),
        sshd.user.clone(),
        text("--key"),
        key.display().to_string(),
        text("--local-port"),
        local_port.to_string(),
        text("--remote-port"),
        remote_port.to_string(),
    ]
}

fn alone(mut command: Command, input: &str) -> Alone {
    let mut child = command.arg("--json").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let (lines, errors) = (BufReader::new(child.stdout.take().unwrap()), child.stderr.take().unwrap());
    Alone { process: Process(child), lines, errors }
}

impl Alone {
    fn start(pc: &Pc, sshd: &Sshd, key: &Path, local_port: u16, remote_port: u16, more: &[&str]) -> Alone {
        let mut command = pc.andonctl();
        command.args(arguments(sshd, key, local_port, remote_port)).args(more);
        alone(command, "")
    }

    /// The next thing it says.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| {
            self.process.kill();
            let mut said = line;
            self.lines.read_to_string(&mut said).unwrap();
            self.errors.read_to_string(&mut said).unwrap();
            panic!("{error}: {said}");
        })
    }

    /// Waits until it is up; where it is entered.
    fn up(&mut self) -> (SocketAddr, String) {
        let said = self.next();
        assert_eq!(said["state"], "up", "{said}");
        (said["local_end"].as_str().unwrap().parse().unwrap(), said["fingerprint"].as_str().unwrap().to_owned())
    }

    /// Waits until it gives up: exit code and sentence.
    fn ended(mut self) -> (i32, String) {
        let status = until("it ends", LIMIT, || self.process.0.try_wait().unwrap());
        let mut said = String::new();
        self.errors.read_to_string(&mut said).unwrap();
        (status.code().unwrap(), said)
    }
}

/// A server that says everything back, and its end of file too.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut all = Vec::new();
                let mut stream = stream;
                // Answers only once the other side has said all: a half-closed way must carry the answer.
                if stream.read_to_end(&mut all).is_ok() {
                    let _ = stream.write_all(&all);
                }
            });
        }
    });
    address
}

fn says_back(local: SocketAddr, text: &[u8]) {
    let mut stream = TcpStream::connect(local).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(text).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    assert!(back == text, "{} bytes of {} came back", back.len(), text.len());
}

/// Whether nobody listens there. It is asked, never taken: the tunnel may be about to.
fn is_free(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_err()
}

#[test]
fn alone_it_carries_bytes_both_ways_and_leaves_nothing_behind_when_it_ends_or_dies() {
    let sshd = Sshd::start();
    let (pc, far, port) = (Pc::new(), echo(), free_port());
    let key = sshd.key("ed25519", &["-t", "ed25519"], "");
    for dies in [false, true] {
        let mut tunnel = Alone::start(&pc, &sshd, &key, port, far.port(), &[]);
        let (local, fingerprint) = tunnel.up();
        assert_eq!((local.to_string(), fingerprint), (format!("127.0.0.1:{port}"), sshd.fingerprint()));
        let long: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
        says_back(local, &long);
        let many: Vec<_> = (0..20_u8).map(|i| std::thread::spawn(move || says_back(local, &[i; 10_000]))).collect();
        many.into_iter().for_each(|one| one.join().unwrap());
        let _open = TcpStream::connect(local).unwrap();
        assert!(!sshd.sessions().is_empty() && !is_free(port));
        match dies {
            true => tunnel.process.kill(),
            false => assert!(tunnel.process.terminate().success(), "asked to end, it ends well"),
        }
        until("the port is free", LIMIT, || is_free(port).then_some(()));
        until("sshd has no session left", LIMIT, || sshd.sessions().is_empty().then_some(()));
    }
}

#[test]
fn every_kind_of_key_in_both_formats_opens_it() {
    let sshd = Sshd::start();
    let pc = Pc::new();
    let kinds: [(&str, &[&str], &str); 7] = [
        ("ed25519", &["-t", "ed25519"], ""),
        ("ecdsa", &["-t", "ecdsa", "-b", "256"], ""),
        ("ecdsa-pem", &["-t", "ecdsa", "-b", "384", "-m", "PEM"], ""),
        ("rsa", &["-t", "rsa", "-b", "2048"], ""),
        ("rsa-pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"], ""),
        ("rsa-pkcs8-locked", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"], "open sesame"),
        ("rsa-pem-locked", &["-t", "rsa", "-b", "2048", "-m", "PEM"], "open sesame"),
    ];
    for (name, make, passphrase) in kinds {
        let key = sshd.key(name, make, passphrase);
        let mut command = pc.andonctl();
        command.args(arguments(&sshd, &key, 0, 9));
        if !passphrase.is_empty() {
            command.arg("--passphrase-stdin");
        }
        let mut tunnel = alone(command, passphrase);
        tunnel.up();
        assert!(tunnel.process.terminate().success(), "{name}");
    }
}

#[test]
fn whatever_is_wrong_has_its_sentence_and_its_exit_code() {
    let sshd = Sshd::start();
    let pc = Pc::new();
    let key = sshd.key("good", &["-t", "ed25519"], "");
    let locked = sshd.key("locked", &["-t", "ed25519"], "open sesame");
    let fails = |key: &Path, local: u16| Alone::start(&pc, &sshd, key, local, 9, &[]).ended();
    let missing = key.with_extension("gone");
    assert_said(fails(&missing, 0), 1, &format!("The key file is not there: {}.", missing.display()));
    assert_said(fails(&key.with_extension("pub"), 0), 1, "There is no private key in");
    assert_said(fails(&sshd.strange_key(), 0), 5, "with this key.");
    assert_said(fails(&locked, 0), 1, "The keyring that may hold the key's passphrase does not answer");
    let mut wrong = pc.andonctl();
    wrong.args(arguments(&sshd, &locked, 0, 9)).arg("--passphrase-stdin");
    assert_said(alone(wrong, "not this one\n").ended(), 1, "The passphrase does not open the key");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    assert_said(fails(&key, port), 1, &format!("Another program on this PC has port {port}."));
    let mut nobody = pc.andonctl();
    let closed = free_port().to_string();
    nobody.args(["tunnel", "--host", "127.0.0.1", "--port", &closed, "--user", "x", "--remote-port", "9", "--key"]).arg(&key);
    assert_said(alone(nobody, "").ended(), 4, "does not answer.");
    let mut incomplete = pc.andonctl();
    incomplete.args(["tunnel", "--host", "127.0.0.1", "--key"]).arg(&key);
    assert_said(alone(incomplete, "").ended(), 2, "The user on the SSH server is missing");
    let walled = Sshd::with("AllowTcpForwarding no");
    let key = walled.key("good", &["-t", "ed25519"], "");
    assert_said(Alone::start(&pc, &walled, &key, 0, 9, &[]).ended(), 5, "does not forward to localhost:9.");
    until("no session is left", LIMIT, || (sshd.sessions().is_empty() && walled.sessions().is_empty()).then_some(()));
}

fn assert_said((code, said): (i32, String), expected: i32, sentence: &str) {
    assert!(code == expected && said.contains(sentence), "exit code {code} instead of {expected} with {sentence:?}: {said}");
}

#[test]
fn a_changed_host_key_is_refused_until_a_person_trusts_it() {
    let mut sshd = Sshd::start();
    let (pc, far) = (Pc::new(), echo());
    let key = sshd.key("good", &["-t", "ed25519"], "");
    let open = |sshd: &Sshd, more: &[&str]| Alone::start(&pc, sshd, &key, 0, far.port(), more);
    let known = sshd.fingerprint();
    assert_eq!(open(&sshd, &[]).up().1, known);
    sshd.change_host_key();
    let found = sshd.fingerprint();
    let (code, said) = open(&sshd, &[]).ended();
    assert_said((code, said.clone()), 5, "shows another host key than before.");
    assert!(said.contains(&known) && said.contains(&found), "{said}");
    assert!(!sshd.log().contains("Accepted publickey") || sshd.log().matches("Accepted publickey").count() == 1, "nothing was sent");
    assert_eq!(open(&sshd, &["--accept-new-host-key"]).up().1, found);
    assert_eq!(open(&sshd, &[]).up().1, found, "and trusted from then on");
}

#[test]
fn it_comes_back_by_itself_when_sshd_does() {
    let mut sshd = Sshd::start();
    let (pc, far, port) = (Pc::new(), echo(), free_port());
    let key = sshd.key("good", &["-t", "ed25519"], "");
    let mut tunnel = Alone::start(&pc, &sshd, &key, port, far.port(), &[]);
    says_back(tunnel.up().0, b"before");
    sshd.kill();
    let said = tunnel.next();
    assert_eq!((&said["state"], &said["why"]), (&"retrying".into(), &"tunnel_disconnected".into()));
    sshd.resume();
    let begun = Instant::now();
    let up = loop {
        let said = tunnel.next();
        if said["state"] == "up" {
            break said;
        }
        assert!(begun.elapsed() < LIMIT && said["why"] != "", "{said}");
    };
    says_back(up["local_end"].as_str().unwrap().parse().unwrap(), b"after");
}

#[test]
fn the_environment_of_the_specification_is_understood() {
    let sshd = Sshd::start();
    let (pc, far) = (Pc::new(), echo());
    let key = sshd.key("good", &["-t", "ed25519"], "");
    let mut command = pc.andonctl();
    command.arg("tunnel").env("SSH_HOST", "127.0.0.1").env("SSH_PORT", sshd.port.to_string()).env("SSH_USER", &sshd.user);
    command.env("SSH_KEY_PATH", &key).env("LOCAL_PORT", "0").env("REMOTE_PORT", far.port().to_string());
    says_back(alone(command, "").up().0, b"hello");
}

#[test]
fn a_passphrase_is_kept_in_the_keyring_and_nowhere_else() {
    require("gnome-keyring-daemon");
    require("dbus-run-session");
    const PASSPHRASE: &str = "tunnel-passphrase-3ef1";
    let sshd = Sshd::start();
    let pc = Pc::new();
    let key = sshd.key("locked", &["-t", "ed25519"], PASSPHRASE);
    let home = tempfile::tempdir().unwrap();
    let in_session = |input: &str, more: &str| {
        let mut command = Command::new("dbus-run-session");
        // Ended by its own limit: up is all that is asked of it.
        let arguments: Vec<String> = arguments(&sshd, &key, 0, 9).iter().map(|part| format!("'{part}'")).collect();
        let script = format!(
            "printf keyring-password | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; \
             timeout 8 \"$0\" --data-dir \"$1\" --log trace {} {more} 2>\"$1/log.txt\"",
            arguments.join(" ")
        );
        command.args(["--", "sh", "-c", &script, env!("CARGO_BIN_EXE_andonctl")]).arg(pc.data.path());
        command.env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path()).env_remove("DBUS_SESSION_BUS_ADDRESS");
        let output = feed(command, input);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let first = in_session(&format!("{PASSPHRASE}\n"), "--passphrase-stdin --keep-passphrase");
    assert!(first.contains("The tunnel is up"), "{first}");
    let again = in_session("", "");
    assert!(again.contains("The tunnel is up"), "the keyring knows it: {again}");
    for folder in [pc.data.path(), home.path()] {
        let found = Command::new("grep").args(["-rl", PASSPHRASE]).arg(folder).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout), "", "the passphrase is in no file");
    }
}

/// The services of an instance, as the window starts them.
fn station(pc: &Pc) -> Bridge {
    let startup = Startup { keyring: false, ..Startup::new(pc.data.path().to_owned()) };
    Bridge::start(startup, || ()).unwrap()
}

fn wait(bridge: &mut Bridge, what: &str, good: impl Fn(&Model) -> bool) -> Model {
    match bridge.wait(LIMIT, good) {
        Ok(model) => model,
        Err(model) => panic!("{what} did not come: {:?}, {:?}", model.tunnel, model.connection),
    }
}

/// An instance that is signed in to a server and reaches it through the tunnel alone.
fn tunnelled(pc: &Pc, sshd: &Sshd, server: &Server, key: &Path) {
    let port = server.address.port();
    let mut command = pc.andonctl();
    command.args(["instance", "create", "eol"]);
    succeed(feed(command, ""));
    let mut command = pc.andonctl();
    command.args(arguments(sshd, key, 0, port)).args(["--save", "--instance", "eol"]);
    succeed(feed(command, ""));
    // Nothing listens at this address: only through the tunnel is there a server.
    let mut command = pc.andonctl();
    command.args(["login", "http://line-a.localhost:9", "--user", "admin", "--password-stdin", "--instance", "eol"]);
    succeed(feed(command, PASSWORD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_station_signs_in_and_delivers_its_reports_through_the_tunnel_alone() {
    let mut sshd = Sshd::start();
    let (pc, server) = (Pc::new(), Server::start());
    let key = sshd.key("good", &["-t", "ed25519"], "");
    tunnelled(&pc, &sshd, &server, &key);
    assert_eq!(pc.json(&["status", "--instance", "eol"])["state"], "connected", "a command goes through a tunnel of its own");
    let mut bridge = station(&pc);
    let model = wait(&mut bridge, "connected", |model| model.connection.state == Connection::Connected);
    assert!(matches!(model.tunnel.state, Tunnel::Up { .. }));
    assert_eq!(model.tunnel.fingerprint, sshd.fingerprint());
    let token = server.token().await;
    let reports = line_of_reports(51, 2);
    drop_report(&pc.inbox("eol"), "one", &reports[0]);
    wait(&mut bridge, "the report is delivered", |model| model.queue.delivered == 1);
    assert_eq!(server.headers(&token).await.len(), 1);
    sshd.kill();
    wait(&mut bridge, "the tunnel is missed", |model| model.connection.state == Connection::Offline(Trouble::TunnelDown));
    let model = bridge.model();
    assert_eq!(model.connection.trouble.as_ref().map(|told| told.key), Some("tunnel_down"));
    drop_report(&pc.inbox("eol"), "two", &reports[1]);
    wait(&mut bridge, "the report waits", |model| model.queue.pending() == 1);
    sshd.resume();
    wait(&mut bridge, "delivered after", |model| model.queue.delivered == 2);
    assert_eq!(server.headers(&token).await.len(), 2);
    drop(bridge);
    until("no session is left", LIMIT, || sshd.sessions().is_empty().then_some(()));
}

#[test]
fn the_first_command_through_a_tunnel_pins_the_host_key_for_all_that_follow() {
    let mut sshd = Sshd::start();
    let (pc, server) = (Pc::new(), Server::start());
    let key = sshd.key("good", &["-t", "ed25519"], "");
    pc.login("eol", &server.url());
    let mut command = pc.andonctl();
    command.args(arguments(&sshd, &key, 0, server.address.port())).args(["--save", "--instance", "eol"]);
    succeed(feed(command, ""));
    assert_eq!(pc.json(&["status", "--instance", "eol"])["state"], "connected");
    sshd.change_host_key();
    let mut command = pc.andonctl();
    command.args(["status", "--instance", "eol", "--json"]);
    let output = feed(command, "");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &told["trouble"]), (Some(4), &"tunnel_host_key_changed".into()), "{told}");
}

#[test]
fn a_station_that_is_killed_leaves_no_tunnel_behind() {
    let sshd = Sshd::start();
    let (pc, server, port) = (Pc::new(), Server::start(), free_port());
    let key = sshd.key("good", &["-t", "ed25519"], "");
    tunnelled(&pc, &sshd, &server, &key);
    let mut command = pc.andonctl();
    command.args(arguments(&sshd, &key, port, server.address.port())).args(["--save", "--instance", "eol"]);
    succeed(feed(command, ""));
    let mut station = pc.station("eol");
    until("the tunnel is up", LIMIT, || (!is_free(port)).then_some(()));
    until("sshd serves it", LIMIT, || (!sshd.sessions().is_empty()).then_some(()));
    station.kill();
    until("the port is free", LIMIT, || is_free(port).then_some(()));
    until("sshd has no session left", LIMIT, || sshd.sessions().is_empty().then_some(()));
}

#[test]
fn in_the_window_a_tunnel_is_tested_saved_refused_and_trusted_again() {
    let mut sshd = Sshd::start();
    let (pc, server) = (Pc::new(), Server::start());
    pc.login("eol", &server.url());
    let key = sshd.key("good", &["-t", "ed25519"], "");
    let settings = TunnelSettings {
        enabled: true,
        host: "127.0.0.1".to_owned(),
        port: sshd.port,
        user: sshd.user.clone(),
        key_file: key.clone(),
        remote_port: server.address.port(),
        ..TunnelSettings::default()
    };
    let mut bridge = station(&pc);
    wait(&mut bridge, "connected straight", |model| model.connection.state == Connection::Connected);
    let ask = |bridge: &Bridge, command| bridge.send(Ask::Tunnel(command)).unwrap();
    let wrong = TunnelSettings { key_file: sshd.strange_key(), ..settings.clone() };
    ask(&bridge, TunnelCommand::Test { settings: wrong.clone(), passphrase: None });
    let model = wait(&mut bridge, "the test's result", |model| model.tunnel.tested.is_some());
    assert_eq!(model.tunnel.tested.clone().unwrap().unwrap_err().key, "tunnel_key_refused");
    assert_eq!((model.tunnel.state.clone(), model.connection.state), (Tunnel::Off, Connection::Connected), "a test changes nothing");
    ask(&bridge, TunnelCommand::Test { settings: settings.clone(), passphrase: None });
    wait(&mut bridge, "a good test", |model| model.tunnel.tested == Some(Ok(sshd.fingerprint())));
    ask(&bridge, TunnelCommand::Save { settings: wrong, passphrase: None });
    let refused = Tunnel::Refused { why: Fault::KeyRefused };
    wait(&mut bridge, "the refusal", |model| {
        model.tunnel.state == refused && model.connection.state == Connection::Offline(Trouble::TunnelRefused)
    });
    ask(&bridge, TunnelCommand::Save { settings: settings.clone(), passphrase: None });
    let through = |model: &Model| matches!(model.tunnel.state, Tunnel::Up { .. }) && model.connection.state == Connection::Connected;
    wait(&mut bridge, "connected through the tunnel", through);
    let known = sshd.fingerprint();
    sshd.change_host_key();
    let changed = Tunnel::Refused { why: Fault::HostKeyChanged { known, found: sshd.fingerprint() } };
    wait(&mut bridge, "the changed key is refused", |model| model.tunnel.state == changed);
    ask(&bridge, TunnelCommand::TrustHostKey { fingerprint: sshd.fingerprint() });
    wait(&mut bridge, "trusted", |model| through(model) && model.tunnel.fingerprint == sshd.fingerprint());
    ask(&bridge, TunnelCommand::Save { settings: TunnelSettings { enabled: false, ..settings }, passphrase: None });
    wait(&mut bridge, "straight again", |model| model.tunnel.state == Tunnel::Off && model.connection.state == Connection::Connected);
    until("no session is left", LIMIT, || sshd.sessions().is_empty().then_some(()));
    while let Some(notice) = bridge.next_notice() {
        assert!(matches!(notice, Notice::Done { .. }), "{notice:?}");
    }
}
