//! People talk by command line, with the true programs, and a server that dies in between.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::world::{PASSWORD, Pc, Process, Server, feed, succeed, until};

const LITERAL: &str = "<b>bold</b> '; drop table users; -- ąćę 🙂 \"q\" \\";

/// A person at a terminal.
struct Talker {
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    process: Process,
}

impl Talker {
    fn new(pc: &Pc, user: &str) -> Talker {
        let mut command = pc.andonctl();
        command.args(["chat", "--user", user, "--password-stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child: Child = command.spawn().unwrap();
        let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        writeln!(input, "{PASSWORD}").unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Talker { input: Some(input), lines, process: Process(child) }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn hears(&self, who: &str, what: &str) {
        let line = self.lines.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("waited in vain for {what:?}"));
        assert!(line.ends_with(&format!(" {who}: {what}")), "{line:?} is not {what:?} of {who}");
    }

    fn leaves(&mut self) -> std::process::ExitStatus {
        self.input = None;
        until("the program ends", Duration::from_secs(30), || self.process.0.try_wait().unwrap())
    }
}

#[test]
fn two_people_talk_by_command_line_and_what_was_typed_while_the_server_was_away_arrives_once() {
    let (mut server, pc) = (Server::start(), Pc::new());
    pc.login("eol", &server.url());
    let mut admin = Talker::new(&pc, "admin");
    admin.say(LITERAL);
    admin.hears("admin", LITERAL);
    // Whoever comes later reads what was said before.
    let mut operator = Talker::new(&pc, "operator");
    operator.hears("admin", LITERAL);
    operator.say("heard you");
    admin.hears("operator", "heard you");
    operator.hears("operator", "heard you");
    server.kill();
    admin.say("while you were away");
    server.resume();
    operator.hears("admin", "while you were away");
    operator.say("once");
    operator.hears("operator", "once");
    admin.hears("admin", "while you were away");
    admin.hears("operator", "once");
    assert!(admin.leaves().success() && operator.leaves().success());
}

#[test]
fn a_wrong_password_and_an_unknown_room_are_refused_in_words() {
    let (server, pc) = (Server::start(), Pc::new());
    pc.login("eol", &server.url());
    let refused = |arguments: &[&str], input: &str, exit: i32| {
        let mut command = pc.andonctl();
        command.args(["chat", "--password-stdin"]).args(arguments);
        let output = feed(command, input);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{told}");
        assert!(!told.trim().is_empty() && !told.contains(PASSWORD), "{told}");
    };
    refused(&["--user", "operator"], "wrong\n", 5);
    refused(&["--user", "operator", "--room", "station:nowhere"], &format!("{PASSWORD}\n"), 5);
}

#[test]
fn what_is_too_long_to_be_said_is_refused_and_what_is_good_beside_it_arrives() {
    let (server, pc) = (Server::start(), Pc::new());
    pc.login("eol", &server.url());
    let long = "x".repeat(4001);
    let endless = "ą".repeat(40_000);
    for (arguments, words) in [(vec!["--handover"], &long), (vec!["--handover"], &endless), (vec![], &long), (vec![], &endless)] {
        let mut command = pc.andonctl();
        command.args(["chat", "--user", "admin", "--password-stdin"]).args(&arguments);
        let output = feed(command, &format!("{PASSWORD}\n{words}\nand more\n"));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(5) && told.contains("too long"), "{arguments:?}: {:?} {told}", output.status);
    }
    let mut command = pc.andonctl();
    command.args(["chat", "--user", "operator", "--password-stdin", "--json"]);
    let heard = succeed(feed(command, &format!("{PASSWORD}\n")));
    let said: Vec<serde_json::Value> = heard.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(said.len() == 2 && said.iter().all(|message| message["content"] == "and more" && message["kind"] != "note"), "{heard}");
}

#[test]
fn the_time_of_a_message_is_that_of_this_pc() {
    let (server, pc) = (Server::start(), Pc::new());
    pc.login("eol", &server.url());
    let chat = |more: &[&str], words: &str| {
        let mut command = pc.andonctl();
        command.args(["chat", "--user", "admin", "--password-stdin"]).args(more).env("TZ", "XXX-5:30");
        succeed(feed(command, &format!("{PASSWORD}\n{words}")))
    };
    chat(&[], "hello\n");
    let value: serde_json::Value = serde_json::from_str(chat(&["--json"], "").trim()).unwrap();
    let said = chrono::DateTime::parse_from_rfc3339(value["timestamp"].as_str().unwrap()).unwrap();
    let there = said.with_timezone(&chrono::FixedOffset::east_opt(5 * 3600 + 1800).unwrap()).format("%H:%M").to_string();
    assert_eq!(chat(&[], "").trim(), format!("{there} admin: hello"));
}

#[test]
fn a_handover_note_is_left_as_one_message_and_marked_wherever_it_is_read() {
    let (server, pc) = (Server::start(), Pc::new());
    pc.login("eol", &server.url());
    let chat = |user: &str, arguments: &[&str], words: &str| {
        let mut command = pc.andonctl();
        command.args(["chat", "--user", user, "--password-stdin"]).args(arguments);
        succeed(feed(command, &format!("{PASSWORD}\n{words}")))
    };
    chat("admin", &["--handover"], "Running: VALVE-12\nWatch: nest 3\n");
    let heard = chat("operator", &[], "");
    let lines: Vec<&str> = heard.lines().collect();
    assert!(lines[0].ends_with(" admin (shift handover): Running: VALVE-12"), "{heard}");
    assert_eq!((lines[1].trim(), lines.len()), ("Watch: nest 3", 2));
    assert!(chat("operator", &["--json"], "").contains(r#""kind":"note""#));
}
