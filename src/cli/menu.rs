//! The numbered menu of specification 002: an account, a sign-in and a few words, without any other program.
//! What the server says over its socket appears when it comes, between the prompts too.

use std::io::{BufRead, IsTerminal};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::account::{Where, ask_hidden};
use super::context::{Context, Failure};
use super::output::Output;
use crate::client::{AccountAsk, CallError, Heard, LineAddress, SocketIo};
use crate::support::secret::Secret;

#[derive(Debug, Args)]
pub struct Menu {
    #[command(flatten)]
    server: Where,
}

/// The choices, by number. Words under `cli.menu`.
const CHOICES: [&str; 8] = ["sign_up", "verify", "login", "connect", "authenticate", "send", "resend", "exit"];
/// How long an answer over the socket is waited for before the next prompt.
const ANSWER: Duration = Duration::from_secs(10);
/// Events that may wait to be noticed; all of them are printed.
const NOTICED: usize = 256;

pub fn run(context: &Context, menu: &Menu) -> Result<(), Failure> {
    let address = menu.server.find(context)?;
    Session { output: &context.output, address, socket: None }.talk()
}

/// An open socket, and the names of the events that came by it.
struct Connected {
    socket: SocketIo,
    events: Receiver<String>,
}

struct Session<'a> {
    output: &'a Output,
    address: LineAddress,
    socket: Option<Connected>,
}

impl Session<'_> {
    /// Until Exit, or until there is nothing more to read.
    fn talk(mut self) -> Result<(), Failure> {
        loop {
            self.show();
            let Some(choice) = self.read("choose")? else { return Ok(()) };
            let number = choice.trim().parse::<usize>().unwrap_or(0);
            let going_on = match CHOICES.get(number.wrapping_sub(1)).copied() {
                Some("exit") => return Ok(()),
                Some("connect") => self.connect().map(Some)?,
                Some("authenticate") => self.authenticate()?,
                Some("send") => self.send()?,
                Some(choice) => self.account(choice)?,
                None => {
                    self.wrong(&self.words("invalid"));
                    Some(())
                }
            };
            if going_on.is_none() {
                return Ok(());
            }
        }
    }

    fn show(&self) {
        self.output.line("");
        for (n, choice) in CHOICES.iter().enumerate() {
            self.output.line(&format!("{}. {}", n + 1, self.words(choice)));
        }
    }

    /// Sign up, verify, log in, resend. `None` when the input has ended.
    fn account(&mut self, choice: &str) -> Result<Option<()>, Failure> {
        let Some(ask) = self.fill_in(choice)? else { return Ok(None) };
        match self.address.accounts().and_then(|accounts| accounts.ask(&ask)) {
            Ok(sentence) => self.right(&sentence),
            Err(error) => self.tell(&error),
        }
        Ok(Some(()))
    }

    fn fill_in(&self, choice: &str) -> Result<Option<AccountAsk>, Failure> {
        let ask = match choice {
            "sign_up" => {
                let (Some(name), Some(email), Some(password)) = (self.read("user")?, self.read("email")?, self.read_hidden()?) else {
                    return Ok(None);
                };
                AccountAsk::SignUp { name, email, password }
            }
            "verify" => {
                let (Some(email), Some(code)) = (self.read("email")?, self.read("code")?) else { return Ok(None) };
                AccountAsk::Verify { email, code: Secret::new(code) }
            }
            "login" => {
                let (Some(name), Some(password)) = (self.read("user")?, self.read_hidden()?) else { return Ok(None) };
                AccountAsk::Check { name, password }
            }
            _ => {
                let Some(email) = self.read("email")? else { return Ok(None) };
                AccountAsk::Resend { email }
            }
        };
        Ok(Some(ask))
    }

    fn connect(&mut self) -> Result<(), Failure> {
        self.socket = None;
        let (noticed, events) = sync_channel(NOTICED);
        let output = Output::new(false);
        let hear = move |heard: Heard| {
            print(&output, &heard);
            if let Heard::Event { name, .. } = heard {
                let _ = noticed.try_send(name);
            }
        };
        match self.address.socket_io(hear) {
            Ok(socket) => {
                let connected = Connected { socket, events };
                connected.wait_for(&["connected"]);
                self.socket = Some(connected);
            }
            Err(error) => self.tell(&error),
        }
        Ok(())
    }

    fn authenticate(&mut self) -> Result<Option<()>, Failure> {
        let Some(connected) = self.connected() else { return Ok(Some(())) };
        let (Some(name), Some(password)) = (self.read("user")?, self.read_hidden()?) else { return Ok(None) };
        let sent = connected.emit("authenticate", &json!({ "username": name, "password": password.expose() }));
        self.answered(connected, sent, &["auth_success", "auth_error"]);
        Ok(Some(()))
    }

    fn send(&mut self) -> Result<Option<()>, Failure> {
        let Some(connected) = self.connected() else { return Ok(Some(())) };
        let Some(text) = self.read("message")? else { return Ok(None) };
        let sent = connected.emit("message", &Value::String(text));
        self.answered(connected, sent, &["message", "auth_error"]);
        Ok(Some(()))
    }

    fn connected(&self) -> Option<&Connected> {
        if self.socket.is_none() {
            self.wrong(&self.words("not_connected"));
        }
        self.socket.as_ref()
    }

    fn answered(&self, connected: &Connected, sent: bool, names: &[&str]) {
        if !sent || !connected.wait_for(names) {
            self.wrong(&self.words("no_answer"));
        }
    }

    /// The server's own sentence where it has one.
    fn tell(&self, error: &CallError) {
        let told = error.explanation();
        let sentence = match error {
            CallError::Refused(told) if !told.detail.is_empty() => told.detail.clone(),
            _ => self.output.sentence(told),
        };
        self.wrong(&sentence);
    }

    fn words(&self, key: &str) -> String {
        self.output.words(&format!("menu.{key}"), &[])
    }

    fn right(&self, sentence: &str) {
        self.output.line(&format!("✓ {sentence}"));
    }

    fn wrong(&self, sentence: &str) {
        self.output.line(&format!("✗ {sentence}"));
    }

    /// One line; `None` at the end of the input.
    fn read(&self, key: &str) -> Result<Option<String>, Failure> {
        self.output.prompt(&self.words(key));
        let mut line = String::new();
        let bytes = std::io::stdin().lock().read_line(&mut line)?;
        Ok((bytes > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// Without echo where somebody types.
    fn read_hidden(&self) -> Result<Option<Secret>, Failure> {
        if std::io::stdin().is_terminal() {
            return ask_hidden(&self.words("password")).map(Some);
        }
        Ok(self.read("password")?.map(Secret::new))
    }
}

impl Connected {
    fn emit(&self, name: &str, value: &Value) -> bool {
        while self.events.try_recv().is_ok() {}
        self.socket.emit(name, value)
    }

    /// Whether one of these events comes in time.
    fn wait_for(&self, names: &[&str]) -> bool {
        let deadline = Instant::now() + ANSWER;
        loop {
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(name) if names.contains(&name.as_str()) => return true,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
        }
    }
}

/// What the server said, on a line of its own.
fn print(output: &Output, heard: &Heard) {
    let Heard::Event { name, value } = heard else {
        return output.line(&format!("✗ {}", output.words("menu.disconnected", &[])));
    };
    let text = |key: &str| value[key].as_str();
    let line = match (name.as_str(), text("from"), text("content"), text("error"), text("message")) {
        (_, _, _, Some(error), _) => format!("✗ {error}"),
        ("message", Some(from), Some(content), ..) => format!("✓ {from}: {content}"),
        ("message", ..) => {
            let echo = value.get("echo").unwrap_or(value);
            let echo = echo.as_str().map_or_else(|| echo.to_string(), str::to_owned);
            format!("✓ {}", output.words("menu.server", &[("text", &echo)]))
        }
        (_, _, _, _, Some(message)) => format!("✓ {message}"),
        (name, ..) => format!("✓ {name}: {value}"),
    };
    output.line(&line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_has_words() {
        let output = Output::new(false);
        for choice in CHOICES {
            assert!(!output.words(&format!("menu.{choice}"), &[]).starts_with("cli."), "{choice}");
        }
    }
}
