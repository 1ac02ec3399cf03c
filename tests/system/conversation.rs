//! The app's conversation by the true client against the true server: two persons, two stations, one line.

use std::time::Duration;

use andon::client::*;
use andon::domain::connection::Connection;
use andon::support::secret::Secret;
use tempfile::TempDir;

use crate::world::{PASSWORD, Server, until};

/// A sign-in is two slow hashes, and many tests may be hashing at once.
const SOON: Duration = Duration::from_secs(90);
const LITERAL: &str = "<b>bold</b> '; -- ąćę 🙂\nsecond line";

/// A person at a station, without a window.
struct Talker {
    bridge: Bridge,
}

impl Talker {
    fn sign_in(data: &TempDir, server: &Server, user: &str) -> Talker {
        let startup = Startup { keyring: false, ..Startup::new(data.path().to_owned()) };
        let mut talker = Talker { bridge: Bridge::start(startup, || ()).unwrap() };
        talker.wait("the station is open", |model| model.connection.since.is_some());
        talker.ask(Command::Session(SessionCommand::SignIn(SignIn {
            server_url: server.url(),
            user: user.to_owned(),
            password: Secret::new(PASSWORD),
            remember: false,
            application: None,
            allow_plain_http: false,
        })));
        talker.wait("the conversation is live", |model| {
            model.connection.state == Connection::Connected
                && model.chat.state == ChatState::Live
                && !model.chat.rooms.is_empty()
                && matches!(model.chat.page, Remote::Ready(_))
        });
        talker
    }

    fn ask(&self, command: Command) {
        self.bridge.send(command).unwrap();
    }

    fn chat(&self, command: ChatCommand) {
        self.ask(Command::Chat(command));
    }

    fn say(&self, room: &str, content: &str, note: bool) {
        self.chat(ChatCommand::Say { room: room.to_owned(), content: content.to_owned(), note });
    }

    fn wait(&mut self, what: &str, good: impl Fn(&Model) -> bool) -> Model {
        self.bridge.wait(SOON, good).unwrap_or_else(|model| panic!("waited in vain until {what}: {:#?}", model.chat))
    }

    /// Waits until the last that was said in the open room is this. All of it.
    fn hears(&mut self, content: &str) -> Vec<String> {
        let model = self.wait(content, |model| said(model).last().is_some_and(|last| last == content));
        said(&model)
    }

    /// As [`sign_in`](Self::sign_in), on top of a station that is signed in.
    fn comes(&mut self, user: &str) {
        let (user, password) = (user.to_owned(), Secret::new(PASSWORD));
        self.ask(Command::Session(SessionCommand::SignInPerson { user, password }));
    }

    fn unread(&mut self, n: u64) {
        self.wait("the unread messages are counted", |model| model.chat.unread() == n);
    }
}

fn said(model: &Model) -> Vec<String> {
    model.chat.page.value().map(|page| page.messages.iter().map(|one| one.content.clone()).collect()).unwrap_or_default()
}

#[test]
fn two_people_talk_across_the_line_and_what_was_read_is_known_after_a_restart() {
    let server = Server::start();
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut anna = Talker::sign_in(&here, &server, "admin");
    let mut jan = Talker::sign_in(&there, &server, "operator");
    anna.say("line", LITERAL, false);
    jan.hears(LITERAL);
    anna.hears(LITERAL);
    let own = anna.wait("what she said has arrived", |model| model.chat.unsent.is_empty());
    assert_eq!(own.chat.page.value().unwrap().messages[0].user_id, own.chat.user_id);
    assert_eq!(own.chat.unread(), 0, "nobody has to read what he said himself");
    jan.unread(1);
    let first = jan.bridge.model().chat.page.value().unwrap().messages[0].id.clone();
    jan.chat(ChatCommand::Read { room: "line".to_owned(), message_id: first.clone() });
    jan.unread(0);
    let note = "Running: VALVE-12\nWatch: nest 3";
    anna.say("line", note, true);
    anna.say("line", "good night", false);
    jan.hears("good night");
    jan.unread(2);
    let mark = there.path().join("instances/default/cache/chat-read.json");
    until("it is on the disk how far he has read", SOON, || {
        std::fs::read_to_string(&mark).is_ok_and(|text| text.contains(&first)).then_some(())
    });
    drop(jan);
    let mut jan = Talker::sign_in(&there, &server, "operator");
    assert_eq!(jan.hears("good night"), [LITERAL, note, "good night"]);
    jan.unread(2);
    let pinned = jan.wait("the note stands above", |model| model.chat.page.value().is_some_and(|page| page.note.is_some()));
    assert_eq!(pinned.chat.page.value().unwrap().note.as_ref().unwrap().content, note);
    jan.chat(ChatCommand::NotesOnly(true));
    assert_eq!(jan.hears(note), [note]);
    jan.ask(Command::Session(SessionCommand::PersonSignOut));
    jan.wait("nothing is left of it", |model| *model.chat == ChatSlice::default());
}

#[test]
fn what_is_said_while_the_server_is_away_waits_and_arrives_once() {
    let mut server = Server::start();
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut anna = Talker::sign_in(&here, &server, "admin");
    let mut jan = Talker::sign_in(&there, &server, "operator");
    let own = anna.bridge.model().chat.rooms.iter().find(|room| room.own).map(|room| room.name.clone());
    assert!(own.is_some_and(|name| name.starts_with("station:default@")), "the station has a room of its own");
    anna.say("line", "before", false);
    jan.hears("before");
    server.kill();
    anna.wait("the socket is cut off", |model| model.chat.state == ChatState::Away);
    anna.say("line", "meanwhile", false);
    let model = anna.wait("it waits", |model| model.chat.unsent.len() == 1);
    assert_eq!(said(&model), ["before"], "what is known stays");
    server.resume();
    assert_eq!(jan.hears("meanwhile"), ["before", "meanwhile"]);
    anna.wait("nothing waits", |model| model.chat.unsent.is_empty());
    assert_eq!(anna.hears("meanwhile"), ["before", "meanwhile"]);
    anna.say("line", "a\u{0}b", false);
    let refused = anna.wait("it is refused", |model| model.chat.unsent.iter().any(|unsent| unsent.refused.is_some()));
    anna.chat(ChatCommand::Discard(refused.chat.unsent[0].id));
    anna.wait("it is gone", |model| model.chat.unsent.is_empty());
}

#[test]
fn what_waits_when_the_program_ends_is_sent_once_when_its_own_author_signs_in_again() {
    let mut server = Server::start();
    let here = tempfile::tempdir().unwrap();
    let mut talker = Talker::sign_in(&here, &server, "operator");
    server.kill();
    talker.wait("the socket is cut off", |model| model.chat.state == ChatState::Away);
    for content in ["stays", "is withdrawn", "<b>stays too</b> ą"] {
        talker.say("line", content, false);
    }
    let model = talker.wait("all wait", |model| model.chat.unsent.len() == 3);
    talker.chat(ChatCommand::Discard(model.chat.unsent[1].id));
    talker.wait("one is withdrawn", |model| model.chat.unsent.len() == 2);
    drop(talker);
    let file = here.path().join("instances/default/chat_unsent.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("stays") && !text.contains("is withdrawn"), "{text}");
    server.resume();
    let mut talker = Talker::sign_in(&here, &server, "admin");
    assert_eq!(talker.bridge.model().chat.unsent, [], "another person sees and sends nothing of it");
    assert!(said(&talker.bridge.model()).is_empty());
    talker.comes("operator");
    assert_eq!(talker.hears("<b>stays too</b> ą"), ["stays", "<b>stays too</b> ą"]);
    talker.wait("nothing waits", |model| model.chat.unsent.is_empty());
    until("nothing is on the disk any more", SOON, || (!file.exists()).then_some(()));
    // As after a crash between the server's yes and the disk's: the file is there again, and nothing is said twice.
    talker.ask(Command::Session(SessionCommand::PersonSignOut));
    talker.wait("he is gone", |model| *model.chat == ChatSlice::default());
    std::fs::write(&file, &text).unwrap();
    talker.comes("operator");
    talker.wait("nothing waits", |model| model.chat.state == ChatState::Live && model.chat.unsent.is_empty());
    until("nothing is on the disk any more", SOON, || (!file.exists()).then_some(()));
    assert_eq!(talker.hears("<b>stays too</b> ą"), ["stays", "<b>stays too</b> ą"]);
}

#[test]
fn a_word_is_found_far_back_and_who_is_there_is_known() {
    let server = Server::start();
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let anna = Talker::sign_in(&here, &server, "admin");
    let mut jan = Talker::sign_in(&there, &server, "operator");
    anna.say("line", "NEST 3 is blocked", false);
    for n in 0..12 {
        anna.say("line", &format!("message {n}"), false);
    }
    jan.hears("message 11");
    jan.chat(ChatCommand::Search("nest".to_owned()));
    assert_eq!(jan.hears("NEST 3 is blocked"), ["NEST 3 is blocked"]);
    jan.chat(ChatCommand::Search(String::new()));
    jan.hears("message 11");
    jan.chat(ChatCommand::Present);
    let model = jan.wait("both are there", |model| model.chat.present.value().is_some_and(|present| present.len() == 2));
    let names: Vec<&str> = model.chat.present.value().unwrap().iter().map(|one| one.username.as_str()).collect();
    assert_eq!(names, ["admin", "operator"]);
}
