//! Figures of the program as a whole: CPU until its first window, private memory, CPU at rest, size of the binary.
//! Each beside a blank window of the same toolkit and renderer, so that the renderer's own part can be told apart.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const BLANK: &str = "ANDON_BENCH_BLANK_WINDOW";

fn main() {
    if std::env::var_os(BLANK).is_some() {
        return blank_window();
    }
    let screen = Screen::start();
    let data = tempfile::tempdir().unwrap();
    let login = data.path().join("login");
    let andon = env!("CARGO_BIN_EXE_andon");
    let mut blank = Command::new(std::env::current_exe().unwrap());
    blank.env(BLANK, "1");
    let blank = measure("a blank window", blank, &screen, "blank");
    let mut command = Command::new(andon);
    command.arg("--data-dir").arg(&login).args(["--renderer", "glow"]);
    let first = measure("login window", command, &screen, "Andon");
    let mut command = Command::new(andon);
    let server = Server::start(&data.path().join("line"));
    let station = data.path().join("station");
    sign_in(&station, &server.url);
    command.arg("--data-dir").arg(&station).args(["--renderer", "glow"]);
    let rest = measure("a station at rest, connected", command, &screen, "Andon");
    eprintln!("\n{:<30} {:>16} {:>14} {:>18}", "", "CPU to window", "private", "CPU in 20 s idle");
    for row in [&blank, &first, &rest] {
        eprintln!("{:<30} {:>14.2} s {:>11.1} MB {:>16.2} s", row.name, row.start_cpu, row.private_mb, row.idle_cpu);
    }
    eprintln!(
        "{:<30} {:>14.2} s {:>11.1} MB",
        "login window less blank",
        first.start_cpu - blank.start_cpu,
        first.private_mb - blank.private_mb
    );
    eprintln!("{:<30} {:>14.2} s {:>11.1} MB", "station less blank", rest.start_cpu - blank.start_cpu, rest.private_mb - blank.private_mb);
    let size = std::fs::metadata(andon).unwrap().len() as f64 / 1e6;
    eprintln!("{:<30} {size:>14.1} MB (stripped)", "size of andon");
}

struct Row {
    name: &'static str,
    start_cpu: f64,
    private_mb: f64,
    idle_cpu: f64,
}

/// Starts a program, waits for its window, lets it settle, and watches it rest.
fn measure(name: &'static str, mut command: Command, screen: &Screen, title: &str) -> Row {
    let child = command.env("DISPLAY", &screen.display).env_remove("WAYLAND_DISPLAY").stdout(Stdio::null()).stderr(Stdio::null());
    let child = Ended(child.spawn().unwrap());
    let pid = child.0.id();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !screen.shows(title) {
        assert!(Instant::now() < deadline, "{name}: no window in 30 s");
        pause(5);
    }
    let start_cpu = cpu_seconds(pid);
    pause(5_000);
    let before = cpu_seconds(pid);
    pause(20_000);
    Row { name, start_cpu, private_mb: private_mb(pid), idle_cpu: cpu_seconds(pid) - before }
}

/// User and system time of a process so far, in seconds.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks as f64 / 100.0
}

fn private_mb(pid: u32) -> f64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let kilobytes = |line: &str| line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
    rollup.lines().filter(|line| line.starts_with("Private_")).map(kilobytes).sum::<f64>() / 1024.0
}

fn pause(millis: u64) {
    #[expect(clippy::disallowed_methods, reason = "a figure over time needs time")]
    std::thread::sleep(Duration::from_millis(millis));
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A display of its own, drawn in memory.
struct Screen {
    display: String,
    _server: Ended,
}

impl Screen {
    fn start() -> Screen {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1920x1080x24"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Ended(command.spawn().expect("Xvfb is installed by ./check packages"));
        let mut number = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Screen { display: format!(":{}", number.trim()), _server: server }
    }

    /// Whether a window with these words in its title is visible.
    fn shows(&self, title: &str) -> bool {
        let found = Command::new("xdotool").args(["search", "--onlyvisible", "--name", title]).env("DISPLAY", &self.display).output();
        found.is_ok_and(|output| !output.stdout.is_empty())
    }
}

struct Server {
    url: String,
    _process: Ended,
}

const PASSWORD: &str = "bench-password";

impl Server {
    fn start(data: &std::path::Path) -> Server {
        let program = env!("CARGO_BIN_EXE_andon-server");
        let mut add = Command::new(program);
        add.args(["user", "add", "admin", "--role", "SUPERUSER", "--email", "a@line.example", "--password-stdin", "--data-dir"]).arg(data);
        tell(add, PASSWORD);
        let mut serve = Command::new(program);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Ended(serve.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Server { url: line.trim().trim_start_matches("listening on ").to_owned(), _process: process }
    }
}

fn sign_in(data: &std::path::Path, url: &str) {
    let mut login = Command::new(env!("CARGO_BIN_EXE_andonctl"));
    login.args(["login", url, "--user", "admin", "--password-stdin", "--instance", "default", "--data-dir"]).arg(data);
    tell(login, PASSWORD);
}

fn tell(mut command: Command, input: &str) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
}

struct Blank;

impl eframe::App for Blank {
    fn ui(&mut self, _ui: &mut eframe::egui::Ui, _frame: &mut eframe::Frame) {}
}

fn blank_window() {
    let options = eframe::NativeOptions { renderer: eframe::Renderer::Glow, ..Default::default() };
    eframe::run_native("blank", options, Box::new(|_| Ok(Box::new(Blank)))).unwrap();
}
