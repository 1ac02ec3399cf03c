//! The true program `andon`: a picture without a display, a sentence without one, and a window on one.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::world::{Process, feed, require, until};

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
    require("Xvfb");
    require("xdotool");
    let mut screen = Command::new("Xvfb");
    screen.args(["-displayfd", "1", "-screen", "0", "1280x800x24"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut screen = Process(screen.spawn().unwrap());
    let mut number = String::new();
    BufReader::new(screen.0.stdout.take().unwrap()).read_line(&mut number).unwrap();
    let display = format!(":{}", number.trim());
    let home = tempfile::tempdir().unwrap();
    let mut command = andon(home.path());
    command.env("DISPLAY", &display).arg("--demo").stdout(Stdio::null()).stderr(Stdio::null());
    let mut window = Process(command.spawn().unwrap());
    until("the window is on the screen", Duration::from_secs(10), || {
        let found = Command::new("xdotool").args(["search", "--onlyvisible", "--name", "Andon"]).env("DISPLAY", &display).output().unwrap();
        (!found.stdout.is_empty()).then_some(())
    });
    assert!(window.terminate().code() != Some(101), "it does not panic when it is ended");
}
