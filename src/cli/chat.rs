//! Talking in a room: what was said is shown, what is typed is said, line by line. It comes back by itself when it is cut off.

use std::io::{BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::DateTime;
use clap::Args;
use serde_json::json;

use super::account::ask_hidden;
use super::context::{Context, Exit, Failure};
use super::output::{Output, minute};
use crate::client::{ChatMessage, Ending, Explanation, LiveEvent, LiveState, MessageKind, Talk};
use crate::domain::chat::check_content;
use crate::support::secret::Secret;

#[derive(Debug, Args)]
pub struct Chat {
    /// The room: line for everybody, or station:NAME
    #[arg(long, value_name = "ROOM", default_value = "line")]
    room: String,
    /// User name; the one who signed the station in where none is given
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Take the first line of standard input as the password instead of asking for it
    #[arg(long)]
    password_stdin: bool,
    /// Leave a shift handover note: all of standard input is one message, kept above the others in the app
    #[arg(long)]
    handover: bool,
    /// Hear what is said from now on as well, after standard input has ended
    #[arg(long)]
    follow: bool,
}

/// How long what was typed may take to reach the server, once nothing more is typed.
const LAST_WORDS: Duration = Duration::from_secs(15);
/// Longest line or note that is read, in bytes: more than the most characters that are taken have.
const LONGEST_LINE: u64 = 64 * 1024;

pub fn run(context: &Context, chat: &Chat) -> Result<(), Failure> {
    let (place, instance) = context.chosen()?;
    let known = place.server(&instance.id)?.user;
    let user = chat.user.clone().unwrap_or(known);
    if user.is_empty() {
        return Err(Explanation::new("chat_needs_user").into());
    }
    let mut input = std::io::stdin().lock();
    let password = match chat.password_stdin {
        true => Secret::new(read_line(&mut input)?.unwrap_or_default()),
        false => ask_hidden(&context.output.words("ask_password", &[("user", &user)]))?,
    };
    let conversation = place.chat(&instance.id, &user, &password)?;
    let history = conversation.history(&chat.room)?;
    history.iter().for_each(|message| show(&context.output, message));
    let heard = Arc::new(Heard::default());
    let (output, room, told) = (Output::new(context.output.json), chat.room.clone(), heard.clone());
    let talk = conversation.talk(history.into_iter().map(|message| message.id).collect(), move |event| told.take(&output, &room, event))?;
    let said =
        if chat.handover { hand_over(&mut input, &talk, &chat.room) } else { say_lines(context, &mut input, (&talk, &heard), &chat.room) };
    if said.is_ok() && chat.follow && !heard.ended.load(Ordering::SeqCst) {
        Ending::listen()?.wait();
    }
    let left = talk.finish(LAST_WORDS);
    said?;
    match left {
        _ if heard.ended.load(Ordering::SeqCst) => Err(Failure::silent(Exit::NotSignedIn)),
        0 if heard.refused.load(Ordering::SeqCst) => Err(Failure::silent(Exit::Refused)),
        0 => Ok(()),
        left => Err(Failure::new(Exit::Unreachable, Explanation::new("chat_unsent").with("n", left))),
    }
}

/// What the conversation has told that the exit code depends on.
#[derive(Default)]
struct Heard {
    /// The server has ended it.
    ended: AtomicBool,
    /// Something that was said was not taken, and never will be.
    refused: AtomicBool,
}

impl Heard {
    fn take(&self, output: &Output, room: &str, event: LiveEvent) {
        match event {
            LiveEvent::Heard(message) if message.room.eq_ignore_ascii_case(room) => show(output, &message),
            LiveEvent::NotSent(_, told) => {
                output.warn(&told);
                self.refused.store(true, Ordering::SeqCst);
            }
            LiveEvent::State(LiveState::Waiting(_)) => output.complain(&output.words("chat.away", &[])),
            LiveEvent::State(LiveState::Ended(told)) => {
                output.warn(&told);
                self.ended.store(true, Ordering::SeqCst);
            }
            _ => {}
        }
    }
}

/// All of the input is one message. One that nobody would take is not sent, and no part of it either.
fn hand_over(input: &mut impl BufRead, talk: &Talk, room: &str) -> Result<(), Failure> {
    let mut note = Vec::new();
    Read::read_to_end(&mut Read::take(input, LONGEST_LINE), &mut note)?;
    let note = String::from_utf8_lossy(&note);
    check_content(note.trim()).map_err(|error| Explanation::new("chat_not_taken").detail(error))?;
    match talk.say(room, note.trim(), true) {
        true => Ok(()),
        false => Err(Failure::silent(Exit::NotSignedIn)),
    }
}

/// Line by line, until the input or the conversation ends. A line that nobody would take is told and left out.
fn say_lines(context: &Context, input: &mut impl BufRead, (talk, heard): (&Talk, &Heard), room: &str) -> Result<(), Failure> {
    while let Some(line) = read_line(input)? {
        if line.trim().is_empty() {
            continue;
        }
        match check_content(&line) {
            Ok(()) if !talk.say(room, &line, false) => break,
            Ok(()) => {}
            Err(error) => {
                context.output.warn(&Explanation::new("chat_not_taken").detail(error));
                heard.refused.store(true, Ordering::SeqCst);
            }
        }
        if heard.ended.load(Ordering::SeqCst) {
            break;
        }
    }
    Ok(())
}

/// One line without its end; none at the end of the input. What goes beyond the longest line is read and left out.
fn read_line(input: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut line = Vec::new();
    if Read::take(&mut *input, LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
}

fn show(output: &Output, message: &ChatMessage) {
    if output.json {
        let ChatMessage { id, from, room, kind, content, timestamp, .. } = message;
        let value = json!({ "id": id, "from": from, "room": room, "kind": kind, "content": content, "timestamp": timestamp });
        return output.value_in_line(&value);
    }
    let time = DateTime::parse_from_rfc3339(&message.timestamp).map_or_else(|_| "--:--".to_owned(), |at| minute(at.to_utc()));
    let mark = if message.kind == MessageKind::Note { format!(" ({})", output.words("talk.handover", &[])) } else { String::new() };
    for (n, line) in message.content.lines().enumerate() {
        let head = if n == 0 { format!("{time} {}{mark}: ", message.from) } else { "      ".to_owned() };
        output.line(&format!("{head}{line}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_to_the_last_one_without_an_end() {
        let mut input = std::io::Cursor::new("one\r\ntwo\n\nlast");
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input).unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, ["one", "two", "", "last"]);
    }

    #[test]
    fn what_the_server_did_not_take_is_remembered_for_the_exit_code() {
        let (heard, output) = (Heard::default(), Output::new(true));
        heard.take(&output, "line", LiveEvent::Sent(uuid::Uuid::nil()));
        assert!(!heard.refused.load(Ordering::SeqCst));
        heard.take(&output, "line", LiveEvent::NotSent(uuid::Uuid::nil(), Explanation::new("chat_not_taken")));
        assert!(heard.refused.load(Ordering::SeqCst) && !heard.ended.load(Ordering::SeqCst));
    }

    #[test]
    fn a_line_without_end_is_cut_once_and_what_follows_it_is_no_message_of_its_own() {
        let mut long = "ą".repeat(100_000);
        long += "\nnext";
        let mut input = std::io::Cursor::new(long);
        let first = read_line(&mut input).unwrap().unwrap();
        assert!(check_content(&first).is_err() && first.len() as u64 <= LONGEST_LINE + 3);
        assert_eq!(read_line(&mut input).unwrap().as_deref(), Some("next"));
        assert_eq!(read_line(&mut input).unwrap(), None);
    }
}
