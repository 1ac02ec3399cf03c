//! Passwords and tokens leave no trace: not on disk, not in logs at their finest, not in memory after logout,
//! and a copied folder is worth nothing elsewhere.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use andon::client::{Bridge, Command as Ask, SessionCommand, SignIn, Startup};
use andon::domain::connection::Connection;
use andon::support::secret::Secret;

use crate::chaos::Chaos;
use crate::delivery::line_of_reports;
use crate::world::{PASSWORD, Pc, Process, Server, drop_report, feed, pause, require, succeed, until};

/// Files below `folder` that hold one of `secrets`.
pub fn files_with(folder: &Path, secrets: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, secrets));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.extend(
                secrets.iter().filter(|secret| holds(&bytes, secret)).map(|secret| format!("{}: {}…", path.display(), &secret[..4])),
            );
        }
    }
    found
}

/// Whether the bytes hold the text, in UTF-8 or as Windows keeps it.
pub fn holds(bytes: &[u8], secret: &str) -> bool {
    let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [secret.as_bytes(), &wide].iter().any(|needle| finds(bytes, needle))
}

/// Horspool's search: a core dump is long.
fn finds(bytes: &[u8], needle: &[u8]) -> bool {
    let last = needle.len() - 1;
    let mut skip = [needle.len(); 256];
    for (at, byte) in needle[..last].iter().enumerate() {
        skip[usize::from(*byte)] = last - at;
    }
    let mut end = last;
    while end < bytes.len() {
        if bytes[end] == needle[last] && bytes[end - last..=end] == *needle {
            return true;
        }
        end += skip[usize::from(bytes[end])];
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_disk_nor_logs_at_trace_level_hold_a_password_or_a_token() {
    let server = Server::start();
    let chaos = Chaos::before(server.address).await;
    let pc = Pc::new();
    let mut command = pc.andonctl();
    command.env("ANDON_LOG", "trace").args(["login", &chaos.url, "--user", "admin", "--password-stdin", "--instance", "eol"]);
    let login = feed(command, PASSWORD);
    std::fs::write(pc.data.path().join("login.out"), [&login.stdout[..], &login.stderr[..]].concat()).unwrap();
    assert!(login.status.success());
    let mut command = pc.andonctl();
    let log = std::fs::File::create(pc.data.path().join("station.err")).unwrap();
    command.env("ANDON_LOG", "trace").args(["station", "run", "--instance", "eol"]).stdout(Stdio::null()).stderr(log);
    let mut station = Process(command.spawn().unwrap());
    drop_report(&pc.inbox("eol"), "one", &line_of_reports(50, 1)[0]);
    until("the report is moved", Duration::from_secs(30), || pc.inbox("eol").join("Done/one.json").exists().then_some(()));
    pause(Duration::from_secs(2));
    station.terminate();
    let mut secrets: Vec<String> = chaos.credentials().into_iter().collect();
    assert!(secrets.len() >= 2, "a password and a token went over the wire: {secrets:?}");
    secrets.push(PASSWORD.to_owned());
    let found = files_with(pc.data.path(), &secrets);
    assert!(found.is_empty(), "{found:#?}");
    assert!(files_with(server.data.path(), &secrets).is_empty(), "the server keeps neither");
}

#[test]
fn a_folder_under_another_machine_id_does_not_sign_in() {
    require("unshare");
    let server = Server::start();
    let pc = Pc::new();
    pc.login("eol", &server.url());
    assert_eq!(status_code(pc.andonctl()), Some(0), "signed in here");
    let other = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(other.path(), "0123456789abcdef0123456789abcdef\n").unwrap();
    let andonctl = pc.andonctl();
    let mut elsewhere = Command::new("unshare");
    let script = "for f in /etc/machine-id /var/lib/dbus/machine-id; do [ -e $f ] && mount --bind \"$0\" $f; done; exec \"$@\"";
    elsewhere.args(["--mount", "sh", "-c", script]).arg(other.path()).arg(andonctl.get_program()).args(andonctl.get_args());
    elsewhere.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    assert_eq!(status_code(elsewhere), Some(3), "not signed in there");
    assert_eq!(status_code(pc.andonctl()), Some(0), "and nothing was spoilt here");
}

fn status_code(mut command: Command) -> Option<i32> {
    command.args(["status", "--instance", "eol"]);
    feed(command, "").status.code()
}

#[test]
fn with_a_secret_service_the_token_opens_only_with_its_key() {
    require("gnome-keyring-daemon");
    require("dbus-run-session");
    let server = Server::start();
    let pc = Pc::new();
    let home = tempfile::tempdir().unwrap();
    let in_session = |script: &str, input: &str| {
        let mut command = Command::new("dbus-run-session");
        let script = format!("printf keyring-password | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; {script}");
        command.args(["--", "sh", "-c", &script, env!("CARGO_BIN_EXE_andonctl")]).arg(pc.data.path()).arg(server.url());
        command.env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path()).env_remove("DBUS_SESSION_BUS_ADDRESS");
        feed(command, input)
    };
    succeed(in_session("exec \"$0\" --data-dir \"$1\" login \"$2\" --user admin --password-stdin --instance eol", PASSWORD));
    let again = in_session("exec \"$0\" --data-dir \"$1\" status --instance eol", "");
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(status_code(pc.andonctl()), Some(3), "without the keyring's key there is no token");
    // One that asks a person who is not there does not answer at all.
    let hangs = "for try in $(seq 100); do \
        service=$(dbus-send --print-reply=literal --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetConnectionUnixProcessID \
        string:org.freedesktop.secrets 2>/dev/null | awk '{print $NF}'); [ -n \"$service\" ] && break; sleep 0.1; done; \
        kill -STOP $service || exit 99; \"$0\" --data-dir \"$1\" login \"$2\" --user admin --password-stdin --instance eol; \
        code=$?; kill -KILL $service; exit $code";
    succeed(in_session(hangs, PASSWORD));
    assert_eq!(status_code(pc.andonctl()), Some(0), "the machine alone seals the new token");
}

/// What the child of the test below runs: sign in, sign out, and wait to be looked into.
const ROLE: &str = "ANDON_TEST_SIGNED_OUT_STATION";

#[test]
fn a_core_dump_a_minute_after_logout_holds_neither_password_nor_token() {
    #[expect(clippy::disallowed_methods, reason = "this is how the test starts itself again")]
    if let Ok(data) = std::env::var(ROLE) {
        return sign_in_and_out(Path::new(&data));
    }
    require("gcore");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start();
    let chaos = runtime.block_on(Chaos::before(server.address));
    let password = format!("pw-{}", uuid::Uuid::new_v4());
    server.command(&["user", "add", "keeper", "--role", "OPERATOR", "--email", "k@line.example", "--password-stdin"], &password);
    let pc = Pc::new();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "secrecy::a_core_dump_a_minute_after_logout_holds_neither_password_nor_token", "--nocapture"]);
    child.env(ROLE, pc.data.path()).env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    let mut child = Process(child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut input = child.0.stdin.take().unwrap();
    writeln!(input, "{}", chaos.url).unwrap();
    writeln!(input, "{password}").unwrap();
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("signed out")), "the child signed in and out");
    pause(Duration::from_secs(60));
    let core = core_of(&child, pc.data.path());
    assert!(holds(&core, "keeper"), "the dump is one of this program: the user's name is still there");
    let mut secrets: Vec<String> = chaos.credentials().into_iter().collect();
    secrets.push(password);
    for secret in secrets {
        assert!(!holds(&core, &secret), "{}… of {} characters is in the dump", &secret[..6], secret.len());
    }
}

/// All memory of a process, as a core dump holds it.
pub fn core_of(process: &Process, folder: &Path) -> Vec<u8> {
    let id = process.0.id().to_string();
    let taken = Command::new("gcore").arg("-o").arg(folder.join("core")).arg(&id).output().unwrap();
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    std::fs::read(folder.join(format!("core.{id}"))).unwrap()
}

fn sign_in_and_out(data: &Path) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (url, password) = (read_line(), read_line());
    let startup = Startup { keyring: false, ..Startup::new(data.to_owned()) };
    let mut bridge = Bridge::start(startup, || ()).unwrap();
    let form = SignIn {
        server_url: url.expose().to_owned(),
        user: "keeper".to_owned(),
        password,
        remember: true,
        application: None,
        allow_plain_http: false,
    };
    bridge.send(Ask::Session(SessionCommand::SignIn(form))).unwrap();
    bridge.wait(Duration::from_secs(30), |model| model.connection.state == Connection::Connected).expect("signed in");
    bridge.send(Ask::Session(SessionCommand::SignOut)).unwrap();
    bridge.wait(Duration::from_secs(30), |model| model.connection.state == Connection::NotConnected).expect("signed out");
    let mut out = std::io::stdout();
    writeln!(out, "signed out").unwrap();
    out.flush().unwrap();
    pause(Duration::from_secs(300));
}

/// One line of standard input, without a buffer that would keep a copy.
fn read_line() -> Secret {
    use std::io::Read;
    let mut line = String::with_capacity(256);
    let mut byte = [0];
    let mut input = std::fs::File::from(std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned().unwrap());
    while input.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
        line.push(byte[0] as char);
    }
    Secret::new(line)
}
