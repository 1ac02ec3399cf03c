//! Talking in a room: what was said is shown, what is typed is said, line by line. It comes back by itself when it is cut off.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::account::ask_hidden;
use super::context::{Context, Exit, Failure};
use super::output::Output;
use crate::client::{ChatMessage, Ending, Explanation, LiveEvent, LiveState, MessageKind};
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
/// Longest line that is read, in bytes; longer ones are refused by the server.
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
    let (output, room, ended) = (Output::new(context.output.json), chat.room.clone(), Arc::new(AtomicBool::new(false)));
    let over = ended.clone();
    let talk = conversation.talk(history.into_iter().map(|message| message.id).collect(), move |event| match event {
        LiveEvent::Heard(message) if message.room.eq_ignore_ascii_case(&room) => show(&output, &message),
        LiveEvent::NotSent(_, told) => output.warn(&told),
        LiveEvent::State(LiveState::Waiting(_)) => output.complain(&output.words("chat.away", &[])),
        LiveEvent::State(LiveState::Ended(told)) => {
            output.warn(&told);
            over.store(true, Ordering::SeqCst);
        }
        _ => {}
    })?;
    if chat.handover {
        let mut note = String::new();
        std::io::Read::read_to_string(&mut std::io::Read::take(&mut input, LONGEST_LINE), &mut note)?;
        talk.say(&chat.room, note.trim(), true);
    }
    while let Some(line) = read_line(&mut input)? {
        let said = line.trim().is_empty() || talk.say(&chat.room, &line, false);
        if !said || ended.load(Ordering::SeqCst) {
            break;
        }
    }
    if chat.follow && !ended.load(Ordering::SeqCst) {
        Ending::listen()?.wait();
    }
    match talk.finish(LAST_WORDS) {
        _ if ended.load(Ordering::SeqCst) => Err(Failure::silent(Exit::NotSignedIn)),
        0 => Ok(()),
        left => Err(Failure::new(Exit::Unreachable, Explanation::new("chat_unsent").with("n", left))),
    }
}

/// One line without its end; none at the end of the input.
fn read_line(input: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut line = String::new();
    match std::io::Read::take(&mut *input, LONGEST_LINE).read_line(&mut line)? {
        0 => Ok(None),
        _ => Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned())),
    }
}

fn show(output: &Output, message: &ChatMessage) {
    if output.json {
        let ChatMessage { id, from, room, kind, content, timestamp, .. } = message;
        let value = json!({ "id": id, "from": from, "room": room, "kind": kind, "content": content, "timestamp": timestamp });
        return output.value_in_line(&value);
    }
    let time = message.timestamp.get(11..16).unwrap_or_default();
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
}
