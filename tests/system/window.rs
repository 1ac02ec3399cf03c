//! The true program `andon`: a picture without a display, a sentence without one, and a window on one.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::chaos::Chaos;
use crate::secrecy::{core_of, holds};
use crate::world::{Process, Server, feed, pause, require, until};

/// `andon` without any display, at home in an empty folder.
fn andon(home: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
    command.env("HOME", home).env("XDG_DATA_HOME", home.join("data")).env("XDG_CONFIG_HOME", home.join("config"));
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent").env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    command
}

#[test]
fn a_picture_of_the_demo_needs_no_display_and_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let pictures = tempfile::tempdir().unwrap();
    let file = pictures.path().join("yield.png");
    let mut command = andon(home.path());
    command.args(["--demo", "--screen", "yield", "--size", "1920x1080", "--after", "10", "--picture"]).arg(&file);
    let output = feed(command, "");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let decoder = png::Decoder::new(BufReader::new(std::fs::File::open(&file).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (1920, 1080));
    let colours: std::collections::HashSet<&[u8]> = pixels.chunks_exact(info.color_type.samples()).collect();
    assert!(colours.len() > 100, "only {} colours: that is no picture of a screen", colours.len());
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_a_display_one_sentence_says_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let mut command = andon(home.path());
    command.arg("--data-dir").arg(home.path());
    let output = feed(command, "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("DISPLAY") && said.contains("--picture"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
}

#[test]
fn the_demo_opens_a_window_within_ten_seconds() {
    let screen = Screen::start();
    let home = tempfile::tempdir().unwrap();
    let mut command = andon(home.path());
    command.env("DISPLAY", &screen.display).arg("--demo").stdout(Stdio::null()).stderr(Stdio::null());
    let mut window = Process(command.spawn().unwrap());
    screen.window(Duration::from_secs(10));
    assert!(window.terminate().code() != Some(101), "it does not panic when it is ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_typed_by_keys_alone_signs_in_and_is_in_no_memory_a_minute_after_the_token_ended() {
    require("gcore");
    let server = Server::start();
    let chaos = Chaos::before(server.address).await;
    let password = format!("pw-{}", uuid::Uuid::new_v4());
    server.command(&["user", "add", "keeper", "--role", "OPERATOR", "--email", "k@line.example", "--password-stdin"], &password);
    let screen = Screen::start();
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("station");
    let mut command = andon(home.path());
    command.env("DISPLAY", &screen.display).env("ANDON_LOG", "info").arg("--data-dir").arg(&data);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let window = Process(command.spawn().unwrap());
    let id = screen.window(Duration::from_secs(20));
    screen.xdotool(&["windowfocus", "--sync", &id]);
    let log = data.join("instances/default/logs/andon.log");
    until("the station is open", Duration::from_secs(20), || log.exists().then_some(()));
    for (tabs, text) in [(1, chaos.url.as_str()), (2, "keeper"), (2, &password)] {
        for _ in 0..tabs {
            screen.xdotool(&["key", "Tab"]);
            pause(Duration::from_millis(200));
        }
        screen.xdotool(&["type", "--delay", "30", text]);
        pause(Duration::from_millis(200));
    }
    screen.xdotool(&["key", "Return"]);
    let logged = |words: &str| std::fs::read_to_string(&log).is_ok_and(|text| text.contains(words)).then_some(());
    until("the window has signed in", Duration::from_secs(30), || logged("signed in"));
    let listed = server.command(&["token", "list"], "");
    let token = listed.lines().find(|line| line.contains("keeper")).and_then(|line| line.split_whitespace().next()).unwrap();
    server.command(&["token", "revoke", token], "");
    until("the window has heard of it", Duration::from_secs(90), || logged("does not know this station's token"));
    pause(Duration::from_secs(60));
    let core = core_of(&window, home.path());
    assert!(holds(&core, "keeper"), "the dump is one of this program: the user's name is still there");
    let mut secrets: Vec<String> = chaos.credentials().into_iter().collect();
    assert!(secrets.len() >= 2, "a password and a token went over the wire");
    secrets.push(password);
    for secret in secrets {
        assert!(!holds(&core, &secret), "{}… of {} characters is in the dump", &secret[..6], secret.len());
    }
}

/// A display of a test's own, drawn in memory, without a window manager.
struct Screen {
    display: String,
    _server: Process,
}

impl Screen {
    fn start() -> Screen {
        require("Xvfb");
        require("xdotool");
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x800x24"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Process(command.spawn().unwrap());
        let mut number = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Screen { display: format!(":{}", number.trim()), _server: server }
    }

    /// Waits for the program's window. Its id.
    fn window(&self, limit: Duration) -> String {
        until("the window is on the screen", limit, || {
            let found = self.xdotool(&["search", "--onlyvisible", "--name", "Andon"]);
            found.lines().next().map(str::to_owned)
        })
    }

    fn xdotool(&self, arguments: &[&str]) -> String {
        let output = Command::new("xdotool").args(arguments).env("DISPLAY", &self.display).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}
