//! The conversation: what a person types and presses, what is asked of the services, and what is said of what is missing.

use std::sync::Arc;

use andon::client::*;
use andon::desktop::theme::Tone;
use andon::desktop::{Options, Route};
use andon::domain::access::Role;
use chrono::{SecondsFormat, TimeDelta};
use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use uuid::Uuid;

use super::administration::{at, press, says, type_into};
use super::world::{self, PANEL, World};
use crate::line::now;

const ME: &str = "3";
const STATION: &str = "station:line-a-end-of-line@line-a-pc3";
const FIELD: &str = "Message";

pub fn message(n: i64, user: &str, name: &str, content: &str) -> Arc<ChatMessage> {
    Arc::new(ChatMessage {
        id: format!("{n:08}"),
        from: name.to_owned(),
        user_id: user.to_owned(),
        room: "line".to_owned(),
        kind: MessageKind::Message,
        content: content.to_owned(),
        timestamp: (now() - TimeDelta::minutes(1200 - n)).to_rfc3339_opts(SecondsFormat::Micros, true),
    })
}

fn note() -> Arc<ChatMessage> {
    let text = "Running: VALVE-12 on both leak testers, PUMP-48V on FCT-01\nOpen: the seal of nest 3 on LEAK-02 is ordered, r.zimny knows more\n\
        Watch: the leak rate of VALVE-12 creeps up before each cleaning";
    let note = Arc::unwrap_or_clone(message(831, "2", "j.kowalska", text));
    Arc::new(ChatMessage { kind: MessageKind::Note, ..note })
}

pub fn page() -> ChatPage {
    let messages = vec![
        message(201, "4", "p.dąbrowski-wiśniewski@produkcja", "Leak tester two is back from calibration."),
        message(240, ME, "M. Nowak", "Good. Certificate is in the cabinet?"),
        message(241, "4", "p.dąbrowski-wiśniewski@produkcja", "Yes, first shelf.\nThe old one too."),
        note(),
        message(1122, "5", "r.zimny", "<b>Nest 3</b> is blocked again; '; drop table nests; --"),
        message(1123, "5", "r.zimny", "I call maintenance."),
        message(
            1140,
            ME,
            "M. Nowak",
            "Thanks. Move VALVE-12 over to LEAK-01 until they are done, and please tell me when the first unit went through.",
        ),
        message(1192, "2", "j.kowalska", "First unit passed at LEAK-01."),
    ];
    ChatPage { messages, more: true, note: Some(note()), new_after: Some("00001140".to_owned()), ..ChatPage::default() }
}

fn room(name: &str, unread: u64, own: bool) -> ChatRoom {
    ChatRoom { name: name.to_owned(), unread, own }
}

fn present() -> Vec<ChatPerson> {
    let person = |id: &str, name: &str, role| ChatPerson { user_id: id.to_owned(), username: name.to_owned(), role };
    vec![
        person("2", "j.kowalska", Role::Operator),
        person(ME, "M. Nowak", Role::Operator),
        person("4", "p.dąbrowski-wiśniewski@produkcja", Role::Technician),
    ]
}

/// A conversation that goes on.
pub fn slice() -> ChatSlice {
    ChatSlice {
        state: ChatState::Live,
        user_id: ME.to_owned(),
        rooms: vec![
            room("line", 1, false),
            room(STATION, 0, true),
            room("station:leak@line-a-pc2", 12, false),
            room("station:old", 0, false),
        ],
        room: "line".to_owned(),
        page: Remote::Ready(Arc::new(page())),
        present: Remote::Ready(Arc::new(present())),
        ..ChatSlice::default()
    }
}

pub fn with(model: Model, change: impl FnOnce(&mut ChatSlice)) -> Model {
    let mut model = model;
    let mut chat = slice();
    change(&mut chat);
    model.chat = Arc::new(chat);
    model
}

fn unsent(n: u128, content: &str, refused: Option<Explanation>) -> UnsentMessage {
    UnsentMessage { id: Uuid::from_u128(n), content: content.to_owned(), note: false, said_at: now(), refused }
}

pub fn refused(model: Model) -> Model {
    with(model, |chat| {
        let told = Explanation::new("chat_not_taken").detail("There is no such room.");
        chat.unsent = vec![unsent(1, "Is anybody there?", Some(told)), unsent(2, "Hello?", None)];
    })
}

pub fn away(model: Model) -> Model {
    with(model, |chat| {
        chat.state = ChatState::Away;
        chat.unsent = vec![unsent(2, "Hello?", None)];
    })
}

/// A search that found something.
pub fn found(model: Model) -> Model {
    with(model, |chat| {
        let messages = page().messages.into_iter().filter(|one| one.content.to_lowercase().contains("nest")).collect();
        chat.search = "nest".to_owned();
        chat.page = Remote::Ready(Arc::new(ChatPage { messages, more: true, ..ChatPage::default() }));
    })
}

pub fn too_fast(model: Model) -> Model {
    with(model, |chat| chat.too_fast_until = Some(now() + TimeDelta::seconds(12)))
}

pub fn ended(model: Model) -> Model {
    with(model, |chat| chat.state = ChatState::Ended(Explanation::new("chat_ended")))
}

/// Nothing was ever said.
pub fn silent(model: Model) -> Model {
    with(model, |chat| {
        chat.rooms = vec![room("line", 0, false)];
        chat.page = Remote::Ready(Arc::default());
    })
}

pub fn notes(model: Model) -> Model {
    with(model, |chat| {
        chat.notes_only = true;
        chat.page = Remote::Ready(Arc::new(ChatPage { messages: vec![note()], note: Some(note()), ..ChatPage::default() }));
    })
}

fn open(model: Model) -> World {
    let mut world = at(Route::Chat, model);
    world.harness.run_steps(6);
    world.commands();
    world
}

fn full() -> Model {
    world::signed_in(Role::Superuser)
}

fn say(content: &str, note: bool) -> Command {
    Command::Chat(ChatCommand::Say { room: "line".to_owned(), content: content.to_owned(), note })
}

fn field(world: &World) -> String {
    world.harness.get_by_role_and_label(Handle::MultilineTextInput, FIELD).accesskit_node().value().unwrap_or_default()
}

fn can_type(world: &World) -> bool {
    !world.harness.get_by_role_and_label(Handle::MultilineTextInput, FIELD).accesskit_node().is_disabled()
}

#[test]
fn what_is_typed_is_said_with_enter_and_a_new_line_needs_shift() {
    let mut world = open(full());
    type_into(&mut world, Handle::MultilineTextInput, FIELD, "first <i>line</i>");
    world.harness.key_press_modifiers(Modifiers::SHIFT, Key::Enter);
    world.harness.run();
    type_into(&mut world, Handle::MultilineTextInput, FIELD, "second");
    assert_eq!((world.commands(), field(&world).as_str()), (vec![], "first <i>line</i>\nsecond"));
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!((world.commands(), field(&world).as_str()), (vec![say("first <i>line</i>\nsecond", false)], ""));
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!(world.commands(), [], "nothing is said of nothing");
    // What was said waits, and then it is one of the others.
    world.publish(|model| Arc::make_mut(&mut model.chat).unsent = vec![unsent(1, "second", None)]);
    assert!(says(&world, "14:02 You, Waits to be sent: second"));
    world.publish(|model| {
        let chat = Arc::make_mut(&mut model.chat);
        let mut page = page();
        page.messages.push(message(1200, ME, "M. Nowak", "second"));
        (chat.page, chat.unsent) = (Remote::Ready(Arc::new(page)), Vec::new());
    });
    assert!(says(&world, "14:02 You: second"));
}

#[test]
fn unread_messages_stand_at_the_place_and_the_room_and_are_read_once_they_are_in_sight() {
    let mut world = at(Route::Overview, full());
    assert!(says(&world, "Chat, 13 unread"), "a number stands at the place in the rail");
    assert_eq!(world.commands(), [], "nobody has looked");
    world.harness.get_by_role_and_label(Handle::Tab, "Chat, 13 unread").click();
    world.harness.run_steps(8);
    let read = ChatCommand::Read { room: "line".to_owned(), message_id: "00001192".to_owned() };
    assert_eq!(world.commands(), [Command::Chat(read)], "said once, and nothing earlier is asked for");
    assert!(says(&world, "Line, 1 unread") && says(&world, "leak@line-a-pc2, 12 unread") && says(&world, "This station"));
    world.harness.get_by_role_and_label(Handle::Tab, "leak@line-a-pc2, 12 unread").click();
    world.harness.run();
    assert_eq!(world.commands(), [Command::Chat(ChatCommand::Enter("station:leak@line-a-pc2".to_owned()))]);
    world.publish(|model| Arc::make_mut(&mut model.chat).rooms.iter_mut().for_each(|room| room.unread = 0));
    assert!(says(&world, "Chat"));
}

#[test]
fn everything_said_is_shown_as_it_was_typed_with_who_and_when_and_days_between() {
    let world = open(full());
    let said = super::goldens::tree(&world.harness);
    for words in [
        "07:53 j.kowalska, Shift handover: Running: VALVE-12 on both leak testers",
        "12:44 r.zimny: <b>Nest 3</b> is blocked again; '; drop table nests; --",
        "13:02 You: Thanks. Move VALVE-12 over to LEAK-01 until they are done, and please tell me when the first unit went through.",
        "13:54 j.kowalska: First unit passed at LEAK-01.",
        "New",
    ] {
        assert!(said.lines().any(|line| line.starts_with(words)), "{words:?} is not among:\n{said}");
    }
    assert!(says(&world, "Shift handover · j.kowalska, 07:53"), "the last note stands above");
}

#[test]
fn a_handover_note_is_written_part_by_part() {
    let mut world = open(full());
    press(&mut world, "New handover note");
    let off = |world: &World| world.harness.get_by_role_and_label(Handle::Button, "Leave the note").accesskit_node().is_disabled();
    assert!(off(&world), "nothing is left of nothing");
    type_into(&mut world, Handle::MultilineTextInput, "Running", "VALVE-12");
    type_into(&mut world, Handle::MultilineTextInput, "Watch", "nest 3");
    press(&mut world, "Leave the note");
    assert_eq!(world.commands(), [say("Running: VALVE-12\nWatch: nest 3", true)]);
    assert!(world.harness.query_by_role(Handle::Dialog).is_none());
    press(&mut world, "Handover notes only");
    assert_eq!(world.commands(), [Command::Chat(ChatCommand::NotesOnly(true))]);
}

#[test]
fn a_handover_note_stays_in_its_form_while_nobody_takes_it() {
    let told = "The server has ended the conversation. Sign in again.";
    for size in [world::DESK, PANEL] {
        let mut world = World::with(size, full(), Options { route: Some(Route::Chat), ..world::options(Tone::Dark) });
        world.harness.run_steps(6);
        let (new, part) = match size {
            PANEL => ("New note", Handle::TextInput),
            _ => ("New handover note", Handle::MultilineTextInput),
        };
        press(&mut world, new);
        type_into(&mut world, part, "Running", "VALVE-12");
        world.commands();
        world.publish(|model| Arc::make_mut(&mut model.chat).state = ChatState::Ended(Explanation::new("chat_ended")));
        press(&mut world, "Leave the note");
        assert_eq!(world.commands(), [], "nobody is there to take it");
        assert!(world.harness.get_all_by_label(told).next().is_some(), "{}", super::goldens::tree(&world.harness));
        world.publish(|model| Arc::make_mut(&mut model.chat).state = ChatState::Live);
        press(&mut world, "Leave the note");
        assert_eq!(world.commands(), [say("Running: VALVE-12", true)]);
    }
}

#[test]
fn while_the_server_is_away_there_is_history_to_read_and_what_is_written_waits() {
    let mut world = open(world::offline(full()));
    assert!(says(&world, "The server is away. What you write now is kept on this PC and sent when it is back and you are signed in."));
    assert!(says(&world, "13:54 j.kowalska: First unit passed at LEAK-01.") && can_type(&world));
    assert!(!says(&world, "3 present"), "nobody knows who is there");
    world.publish(|model| *model = world::offline(with(full(), |chat| chat.page = Remote::Loading(None))));
    assert!(says(&world, "What was said is kept on the server. It is shown as soon as the server is back."));
    let mut world = open(away(full()));
    assert!(says(&world, "Cut off from the server. What you write now is sent as soon as it is back.") && can_type(&world));
    world.publish(|model| *model = too_fast(full()));
    assert!(says(&world, "You are writing faster than people read. What waits is sent by itself in 12 s."));
    world.publish(|model| *model = with(full(), |chat| chat.full = true));
    assert!(says(&world, "Too many messages wait for the server. Write again when some of them are sent.") && !can_type(&world));
    world.publish(|model| *model = ended(full()));
    assert!(says(&world, "The server has ended the conversation. Sign in again.") && !can_type(&world));
}

#[test]
fn what_waits_can_be_withdrawn_and_its_words_are_in_the_field_again() {
    let mut world = open(with(full(), |chat| chat.unsent = vec![unsent(2, "Hello?", None)]));
    assert!(!says(&world, "Withdraw: Hello?"), "it is on its way");
    world.publish(|model| Arc::make_mut(&mut model.chat).state = ChatState::Away);
    press(&mut world, "Withdraw: Hello?");
    assert_eq!(world.commands(), [Command::Chat(ChatCommand::Discard(Uuid::from_u128(2)))]);
    assert_eq!(field(&world), "Hello?");
    let slow =
        with(full(), |chat| chat.unsent = vec![UnsentMessage { said_at: now() - TimeDelta::seconds(4), ..unsent(3, "Slow?", None) }]);
    assert!(says(&open(slow), "Withdraw: Slow?"));
}

#[test]
fn who_is_present_is_shown_and_asked_for_while_somebody_looks() {
    let ask = [Command::Chat(ChatCommand::Present)];
    let mut world = at(Route::Overview, with(full(), |chat| chat.present = Remote::Idle));
    world.harness.run_steps(8);
    assert_eq!(world.commands(), [], "nobody looks");
    world.harness.get_by_role_and_label(Handle::Tab, "Chat, 13 unread").click();
    world.harness.run_steps(4);
    assert!(world.commands().starts_with(&ask));
    world.publish(|model| Arc::make_mut(&mut model.chat).present = Remote::Ready(Arc::new(present())));
    for words in ["3 present", "j.kowalska · Operator", "M. Nowak (you) · Operator", "p.dąbrowski-wiśniewski@produkcja · Technician"] {
        assert!(says(&world, words), "{words}: {}", super::goldens::tree(&world.harness));
    }
    world.publish(|model| Arc::make_mut(&mut model.chat).present = Remote::Ready(Arc::new(present()[1..2].to_vec())));
    assert!(says(&world, "1 present") && says(&world, "Nobody else has the chat open."));
}

#[test]
fn however_many_are_present_the_keys_below_them_stay_whole() {
    let mut crowd = present();
    crowd.extend((10..40).map(|n| ChatPerson { user_id: n.to_string(), username: format!("operator {n}"), role: Role::Operator }));
    let mut world = open(with(full(), |chat| chat.present = Remote::Ready(Arc::new(crowd))));
    world.harness.run_steps(3);
    let place = |label: &str| world.harness.get_by_label(label).rect();
    let (title, first, last) = (place("33 present"), place("Handover notes only"), place("New handover note"));
    assert!(title.bottom() + 48.0 < first.top(), "names have a place: {title:?} {first:?}");
    assert!(first.bottom() <= last.top() && last.bottom() <= 784.5, "{first:?} {last:?}");
    assert!(title.top() > place("old").bottom(), "the rooms keep theirs");
}

#[test]
fn on_a_panel_who_is_present_stands_in_the_place_of_the_messages() {
    let mut world = World::with(PANEL, full(), Options { route: Some(Route::Chat), ..world::options(Tone::Dark) });
    press(&mut world, "3 here");
    assert!(says(&world, "j.kowalska · Operator") && !says(&world, "13:54 j.kowalska: First unit passed at LEAK-01."));
    press(&mut world, "Messages");
    world.harness.run_steps(3);
    assert!(!says(&world, "j.kowalska · Operator") && says(&world, "13:54 j.kowalska: First unit passed at LEAK-01."));
}

fn search(words: &str) -> Command {
    Command::Chat(ChatCommand::Search(words.to_owned()))
}

#[test]
fn a_search_shows_only_what_was_found_and_leads_further_back() {
    let mut world = open(full());
    type_into(&mut world, Handle::SearchInput, "Search in this room", "nest");
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!(world.commands(), [search("nest")]);
    let found =
        |messages, more, reading_earlier| Remote::Ready(Arc::new(ChatPage { messages, more, reading_earlier, ..ChatPage::default() }));
    world.publish(|model| {
        let chat = Arc::make_mut(&mut model.chat);
        (chat.search, chat.page) = ("nest".to_owned(), found(Vec::new(), false, true));
    });
    assert!(says(&world, "No message with these words") && says(&world, "Searching …"));
    world.publish(|model| Arc::make_mut(&mut model.chat).page = found(Vec::new(), true, false));
    press(&mut world, "Search further back");
    assert_eq!(world.commands(), [Command::Chat(ChatCommand::Earlier)]);
    world.publish(|model| Arc::make_mut(&mut model.chat).page = found(vec![message(1122, "5", "r.zimny", "<b>Nest 3</b>")], false, false));
    world.harness.run_steps(3);
    assert!(says(&world, "12:44 r.zimny: <b>Nest 3</b>"));
    assert_eq!(world.commands(), [], "what is only found is not read");
    world.publish(|model| {
        let chat = Arc::make_mut(&mut model.chat);
        let nothing = found(Vec::new(), true, false).value().cloned();
        chat.page = Remote::Failed(Explanation::new("chat_searched_here"), nothing);
    });
    assert!(says(&world, "Only what was read here so far was searched: the server did not answer."));
    assert!(!says(&world, "Looked through everything that was said in this room."));
    press(&mut world, "Search again");
    assert_eq!(world.commands(), [Command::Chat(ChatCommand::Earlier)]);
}

#[test]
fn on_a_panel_a_search_is_typed_on_the_screen_and_ended_there() {
    let mut world = World::with(PANEL, full(), Options { route: Some(Route::Chat), ..world::options(Tone::Dark) });
    world.harness.run_steps(6);
    world.commands();
    press(&mut world, "Search");
    for key in ["n", "e"] {
        press(&mut world, key);
    }
    press(&mut world, "Enter");
    assert_eq!(world.commands(), [search("ne")]);
    world.publish(|model| {
        let chat = Arc::make_mut(&mut model.chat);
        chat.search = "ne".to_owned();
        chat.page =
            Remote::Ready(Arc::new(ChatPage { messages: vec![message(1122, "5", "r.zimny", "<b>Nest 3</b>")], ..ChatPage::default() }));
    });
    assert!(says(&world, "12:44 r.zimny: <b>Nest 3</b>") && says(&world, "ne"));
    press(&mut world, "End search");
    assert_eq!(world.commands(), [search("")]);
}

#[test]
fn who_came_without_the_server_finds_a_sentence_in_the_place_of_the_chat() {
    let mut world = at(Route::Overview, super::offline::without_server(Role::Operator));
    world.harness.get_by_role_and_label(Handle::Tab, "Chat, 13 unread").click();
    world.harness.run();
    assert!(says(&world, "The chat needs the server") && world.harness.query_by_role(Handle::MultilineTextInput).is_none());
    assert!(!says(&world, "13:54 j.kowalska: First unit passed at LEAK-01."));
}

#[test]
fn where_nothing_was_said_it_tells_what_to_do() {
    let mut world = open(silent(full()));
    assert!(says(&world, "Nothing has been said here yet") && can_type(&world));
    world.publish(|model| Arc::make_mut(&mut model.chat).notes_only = true);
    assert!(says(&world, "No handover note yet"));
}

#[test]
fn a_message_that_is_too_long_stays_in_the_field_and_says_so() {
    let mut world = open(full());
    type_into(&mut world, Handle::MultilineTextInput, FIELD, &"ą".repeat(3700));
    assert!(says(&world, "3\u{202f}700 of 4\u{202f}000 characters"));
    type_into(&mut world, Handle::MultilineTextInput, FIELD, &"ą".repeat(301));
    assert!(says(&world, "4\u{202f}001 characters: at most 4\u{202f}000 are taken. Shorten it, or send it in two parts."));
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!((world.commands(), field(&world).chars().count()), (vec![], 4001));
}

#[test]
fn a_refused_message_is_sent_again_or_put_away() {
    let mut world = open(refused(full()));
    assert!(says(&world, "14:02 You, Not sent: Is anybody there?") && says(&world, "14:02 You, Waits to be sent: Hello?"));
    press(&mut world, "Try again");
    press(&mut world, "Discard");
    let id = Uuid::from_u128(1);
    assert_eq!(world.commands(), [Command::Chat(ChatCommand::Again(id)), Command::Chat(ChatCommand::Discard(id))]);
}

#[test]
fn earlier_messages_are_asked_for_above_once_and_what_is_read_stays_in_its_place() {
    let long = |from: i64, to: i64, more: bool| {
        let messages = (from..to).map(|n| message(n, "5", "r.zimny", &format!("message {n}"))).collect();
        Remote::Ready(Arc::new(ChatPage { messages, more, ..ChatPage::default() }))
    };
    let mut world = open(with(full(), |chat| chat.page = long(1100, 1190, true)));
    let line = world.harness.get_by_label_contains("message 1189").rect();
    for _ in 0..60 {
        let delta = eframe::egui::vec2(0.0, 400.0);
        world.harness.event(eframe::egui::Event::PointerMoved(line.center()));
        let phase = eframe::egui::TouchPhase::Move;
        let (unit, source) = (eframe::egui::MouseWheelUnit::Point, eframe::egui::MouseWheelSource::Unknown);
        world.harness.event(eframe::egui::Event::MouseWheel { unit, delta, phase, source, modifiers: Modifiers::NONE });
        world.harness.step();
    }
    world.harness.run();
    let asked: Vec<Command> = world.commands().into_iter().filter(|command| *command != Command::Chat(ChatCommand::Present)).collect();
    assert_eq!(asked, [Command::Chat(ChatCommand::Earlier)]);
    let before = world.harness.get_by_label_contains("message 1103").rect();
    world.publish(|model| Arc::make_mut(&mut model.chat).page = long(1050, 1190, false));
    world.harness.run_steps(3);
    let after = world.harness.get_by_label_contains("message 1103").rect();
    assert!((before.top() - after.top()).abs() < 45.0, "{before:?} {after:?}");
}

#[test]
fn on_a_panel_the_keyboard_comes_with_the_field_and_goes_when_asked() {
    let mut world = World::with(PANEL, full(), Options { route: Some(Route::Chat), ..world::options(Tone::Dark) });
    world.harness.run_steps(6);
    world.commands();
    world.harness.get_by_role_and_label(Handle::MultilineTextInput, FIELD).focus();
    world.harness.run_steps(3);
    for key in ["o", "k"] {
        press(&mut world, key);
    }
    assert_eq!(field(&world), "ok");
    press(&mut world, "Enter");
    let said = world.commands();
    assert!(said.contains(&say("ok", false)), "{said:?}");
    press(&mut world, "Hide keys");
    world.harness.run_steps(3);
    assert!(world.harness.query_by_role_and_label(Handle::Button, "k").is_none());
    press(&mut world, "New note");
    for key in ["v", "1"] {
        press(&mut world, key);
    }
    press(&mut world, "Leave the note");
    assert_eq!(world.commands(), [say("Running: v1", true)]);
}

#[test]
fn a_guest_sees_the_chat_and_a_station_alone_does_not() {
    let world = open(world::signed_in(Role::Guest));
    let tabs: Vec<String> = world.harness.query_all_by_role(Handle::Tab).filter_map(|tab| tab.accesskit_node().label()).collect();
    assert_eq!(tabs[..3], ["Chat, 13 unread", "Me", "About"], "then the rooms");
    let world = at(Route::Overview, world::signed_in(Role::Station));
    assert!(world.harness.query_by_role_and_label(Handle::Tab, "Chat, 13 unread").is_none());
}

#[test]
fn what_was_being_typed_goes_with_the_person() {
    let mut world = open(full());
    type_into(&mut world, Handle::MultilineTextInput, FIELD, "half a thought");
    world.publish(|model| Arc::make_mut(&mut model.session).person.as_mut().unwrap().since += TimeDelta::seconds(1));
    assert_eq!(field(&world), "");
}

#[test]
fn an_open_chat_that_nobody_touches_asks_for_no_frames_but_the_clocks() {
    let mut world = open(with(full(), |chat| chat.rooms[0].unread = 0));
    world.harness.run();
    let before = world.harness.ctx.cumulative_frame_nr();
    let steps = world.harness.run_ok();
    assert!(steps.is_some_and(|steps| steps <= 2) && world.harness.ctx.cumulative_frame_nr() - before <= 2);
}
