//! The true programs, started as a person would start them, each in a folder of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub const PASSWORD: &str = "correct-horse-battery";

/// Waits until `good` gives something, or fails with what was waited for.
pub fn until<T>(what: &str, limit: Duration, mut good: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = good() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} in vain until {what}");
        pause(Duration::from_millis(20));
    }
}

pub fn pause(time: Duration) {
    #[expect(clippy::disallowed_methods, reason = "a test may wait between two looks")]
    std::thread::sleep(time);
}

/// A child process that does not outlive its test.
pub struct Process(pub Child);

impl Process {
    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Asks it to end, as a service manager would, and waits.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        until("the process ends", Duration::from_secs(15), || self.0.try_wait().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A line server and its data.
pub struct Server {
    pub data: TempDir,
    pub address: SocketAddr,
    process: Option<Process>,
}

impl Server {
    /// A running server with one administrator, `admin`, who may do everything, and an operator, `operator`.
    pub fn start() -> Server {
        let data = tempfile::tempdir().unwrap();
        let mut server = Server { data, address: "127.0.0.1:0".parse().unwrap(), process: None };
        server.command(&["user", "add", "admin", "--role", "SUPERUSER", "--email", "admin@line.example", "--password-stdin"], PASSWORD);
        server.command(&["user", "add", "operator", "--role", "OPERATOR", "--email", "op@line.example", "--password-stdin"], PASSWORD);
        for (code, name) in andon::domain::simulator::processes() {
            if ![10, 100, 500].contains(&code) {
                server.command(&["process", "add", &code.to_string(), name], "");
            }
        }
        server.resume();
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts it again on the port it had.
    pub fn resume(&mut self) {
        let listen = self.address.to_string();
        let started = until("the port is free again", Duration::from_secs(20), || {
            let mut child = Command::new(env!("CARGO_BIN_EXE_andon-server"))
                .args(["serve", "--listen", &listen, "--data-dir"])
                .arg(self.data.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            let process = Process(child);
            line.trim().strip_prefix("listening on http://").map(|address| (process, address.parse().unwrap()))
        });
        (self.process, self.address) = (Some(started.0), started.1);
    }

    pub fn kill(&mut self) {
        self.process = None;
    }

    pub fn stop(&mut self) -> std::process::ExitStatus {
        self.process.take().unwrap().terminate()
    }

    /// Runs `andon-server` with these arguments on the same data.
    pub fn command(&self, arguments: &[&str], input: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon-server"));
        command.args(arguments).arg("--data-dir").arg(self.data.path());
        succeed(feed(command, input))
    }

    /// A token of a station that the test itself plays.
    pub async fn token(&self) -> String {
        let answer =
            http().get(format!("{}/api/Auth/GetToken/the-test", self.url())).basic_auth("admin", Some(PASSWORD)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// The headers of all reports on the server.
    pub async fn headers(&self, token: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        loop {
            let url = format!("{}/api/Report/Query/Header?reportType=U&%24orderby=start&%24top=500&%24skip={}", self.url(), rows.len());
            let answer = http().get(url).header("authorization", format!("Basic {token}")).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
            let page: Vec<Value> = answer.json().await.unwrap();
            if page.is_empty() {
                return rows;
            }
            rows.extend(page);
        }
    }

    /// The source of one report, as the server keeps it.
    pub async fn report(&self, token: &str, id: &str) -> String {
        let url = format!("{}/api/Report/Wsjf/{id}", self.url());
        let answer = http().get(url).header("authorization", format!("Basic {token}")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    }
}

/// A client of the test's own, not the station's.
pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A station PC: a data folder, and the programs on it.
pub struct Pc {
    pub data: TempDir,
}

impl Pc {
    pub fn new() -> Pc {
        Pc { data: tempfile::tempdir().unwrap() }
    }

    /// `andonctl` on this PC, without a keyring of the person who runs the tests.
    pub fn andonctl(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andonctl"));
        command.arg("--data-dir").arg(self.data.path()).env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent").env_remove("ANDON_LOG");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> String {
        let mut command = self.andonctl();
        command.args(arguments);
        succeed(feed(command, ""))
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Signs an instance in, making it if need be.
    pub fn login(&self, instance: &str, url: &str) {
        let mut command = self.andonctl();
        command.args(["login", url, "--user", "admin", "--password-stdin", "--instance", instance]);
        succeed(feed(command, PASSWORD));
    }

    /// The station's background life, without a window.
    pub fn station(&self, instance: &str) -> Process {
        let mut command = self.andonctl();
        command.args(["station", "run", "--instance", instance]).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
        Process(command.spawn().unwrap())
    }

    pub fn instance(&self, instance: &str) -> PathBuf {
        self.data.path().join("instances").join(instance)
    }

    /// The folder that a tester writes its reports to.
    pub fn inbox(&self, instance: &str) -> PathBuf {
        let folder = self.instance(instance).join("converters").join("inbox");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }
}

/// Drops a report as a careful tester does: written beside, then renamed.
pub fn drop_report(inbox: &Path, name: &str, text: &str) {
    let draft = inbox.join(format!("{name}.part"));
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(draft, inbox.join(format!("{name}.json"))).unwrap();
}

pub fn feed(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub fn succeed(output: Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// Makes sure that a program from Debian's packages is there; `./check` installs it.
pub fn require(program: &str) {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap().status.success();
    assert!(found, "this test needs {program}; ./check packages installs it");
}
