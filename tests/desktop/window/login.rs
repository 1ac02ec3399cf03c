//! The login by keyboard, pointer and touch.

use std::sync::Arc;

use andon::client::*;
use andon::desktop::Options;
use andon::domain::access::Role;
use andon::domain::instance::{Application, InstanceId};
use andon::support::secret::Secret;
use chrono::TimeDelta;
use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{Event, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::world::{self, DESK, PANEL, World};
use crate::line::now;

fn sign_in(user: &str, password: &str) -> SignIn {
    SignIn {
        server_url: "https://line-a.local:8443".to_owned(),
        user: user.to_owned(),
        password: Secret::new(password),
        remember: false,
        application: None,
        allow_plain_http: false,
    }
}

fn type_into(world: &mut World, role: Handle, label: &str, text: &str) {
    world.harness.get_by_role_and_label(role, label).focus();
    world.harness.run();
    world.harness.get_by_role_and_label(role, label).type_text(text);
    world.harness.run();
}

#[test]
fn what_is_typed_becomes_one_sign_in_and_leaves_the_window() {
    let mut world = World::new(DESK, world::signed_out());
    type_into(&mut world, Handle::TextInput, "Server", "https://line-a.local:8443");
    type_into(&mut world, Handle::TextInput, "User", "m.nowak");
    type_into(&mut world, Handle::PasswordInput, "Password", "zażółć gęślą");
    world.harness.get_by_label("Connect").click();
    world.harness.run();
    assert_eq!(world.commands(), [Command::Session(SessionCommand::SignIn(sign_in("m.nowak", "zażółć gęślą")))]);
    world.harness.get_by_label("Connect").click();
    world.harness.run();
    assert_eq!(world.commands(), [], "the password left with the command");
    assert!(world.harness.query_by_label("Type the password.").is_some());
}

#[test]
fn enter_connects_and_remember_and_application_are_kept() {
    let mut world = World::new(DESK, world::signed_out());
    type_into(&mut world, Handle::TextInput, "Server", "https://line-a.local:8443");
    world.harness.get_by_role_and_label(Handle::CheckBox, "Remember this connection").click();
    world.harness.run();
    world.harness.get_by_role_and_label(Handle::ComboBox, "Application").click();
    world.harness.run();
    world.harness.get_by_label("Yield monitor").click();
    world.harness.run();
    type_into(&mut world, Handle::PasswordInput, "Password", "a-long-token");
    world.harness.key_press(Key::Enter);
    world.harness.run();
    let expected = SignIn { remember: true, application: Some(Application::YieldMonitor), ..sign_in("", "a-long-token") };
    assert_eq!(world.commands(), [Command::Session(SessionCommand::SignIn(expected))]);
}

#[test]
fn enter_on_a_button_or_a_link_means_that_one_and_only_once() {
    let mut world = World::new(DESK, world::signed_out());
    type_into(&mut world, Handle::TextInput, "Server", "https://line-a.local:8443");
    type_into(&mut world, Handle::PasswordInput, "Password", "a-long-token");
    world.harness.get_by_role_and_label(Handle::Button, "Connect").focus();
    world.harness.run();
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!(world.commands(), [Command::Session(SessionCommand::SignIn(sign_in("", "a-long-token")))]);
    assert!(world.harness.query_by_label("Type the password.").is_none(), "it was not tried a second time without one");
    type_into(&mut world, Handle::PasswordInput, "Password", "a-long-token");
    world.harness.get_by_role_and_label(Handle::CheckBox, "Remember this connection").focus();
    world.harness.run();
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!(world.commands(), [], "it ticks the box");
}

#[test]
fn a_password_is_pasted_selected_and_never_told_to_anybody() {
    let mut world = World::new(DESK, world::signed_out());
    type_into(&mut world, Handle::PasswordInput, "Password", "first try");
    world.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    world.harness.event(Event::Paste("hunter22\n".to_owned()));
    world.harness.run();
    let node = world.harness.get_by_role_and_label(Handle::PasswordInput, "Password");
    assert_eq!(node.accesskit_node().value(), None);
    let tree = super::goldens::tree(&world.harness);
    assert!(!tree.contains("hunter22") && !tree.contains("first"), "{tree}");
    type_into(&mut world, Handle::TextInput, "Server", "https://line-a.local:8443");
    world.harness.get_by_label("Connect").click();
    world.harness.run();
    assert_eq!(world.commands(), [Command::Session(SessionCommand::SignIn(sign_in("", "hunter22")))]);
}

#[test]
fn an_address_is_judged_when_it_is_left_and_the_form_does_not_move() {
    let mut world = World::new(DESK, world::signed_out());
    let before = world.harness.get_by_role_and_label(Handle::PasswordInput, "Password").rect();
    type_into(&mut world, Handle::TextInput, "Server", "https://me:secret@line-a.local");
    let sentence = "Leave user and password out of the address; they have fields of their own.";
    assert!(world.harness.query_by_label(sentence).is_none(), "not while it is typed");
    world.harness.get_by_role_and_label(Handle::TextInput, "User").focus();
    world.harness.run();
    assert!(world.harness.query_by_label(sentence).is_some());
    assert_eq!(world.harness.get_by_role_and_label(Handle::PasswordInput, "Password").rect(), before);
}

#[test]
fn plain_http_to_another_machine_needs_leave() {
    let mut world = World::new(DESK, world::signed_out());
    type_into(&mut world, Handle::TextInput, "Server", "http://10.0.0.9:8440");
    type_into(&mut world, Handle::PasswordInput, "Password", "x");
    world.harness.get_by_label("Connect").click();
    world.harness.run();
    assert_eq!(world.commands(), []);
    world.harness.get_by_label("Allow an unencrypted connection. Others on the network can read it.").click();
    world.harness.run();
    world.harness.get_by_label("Connect").click();
    world.harness.run();
    let [Command::Session(SessionCommand::SignIn(sent))] = &world.commands()[..] else { panic!("no sign-in") };
    assert!(sent.allow_plain_http);
}

#[test]
fn the_first_use_of_this_pc_makes_its_administrator() {
    let mut world = World::new(DESK, world::signed_out());
    world.harness.get_by_label("Use this PC").click();
    world.harness.run();
    assert_eq!(world.commands(), [Command::Line(LineCommand::Start)]);
    world.publish(|model| Arc::make_mut(&mut model.line).state = LineState::Running("http://127.0.0.1:8440".to_owned()));
    type_into(&mut world, Handle::TextInput, "Administrator's name", "anna");
    type_into(&mut world, Handle::PasswordInput, "Password", "good password");
    type_into(&mut world, Handle::PasswordInput, "Password again", "good passwort");
    world.harness.get_by_label("Set up this PC").click();
    world.harness.run();
    assert_eq!(world.commands(), [], "the two passwords differ");
    type_into(&mut world, Handle::PasswordInput, "Password again", "");
    world.harness.key_press(Key::Backspace);
    world.harness.run();
    type_into(&mut world, Handle::PasswordInput, "Password again", "d");
    world.harness.get_by_label("Set up this PC").click();
    world.harness.run();
    let expected = LineCommand::SetUp { administrator: "anna".to_owned(), password: Secret::new("good password") };
    assert_eq!(world.commands(), [Command::Line(expected)]);
}

#[test]
fn what_is_ticked_for_one_station_is_not_ticked_for_the_next() {
    let mut world = World::new(DESK, world::signed_out());
    let remember =
        |world: &World| world.harness.get_by_role_and_label(Handle::CheckBox, "Remember this connection").accesskit_node().toggled();
    let before = remember(&world);
    world.harness.get_by_role_and_label(Handle::CheckBox, "Remember this connection").click();
    world.harness.run();
    assert_ne!(remember(&world), before);
    // Neither was ever signed in: both have no server.
    world.publish(|model| Arc::make_mut(&mut model.instances).current = InstanceId::parse("leak-tester").ok());
    assert_eq!(remember(&world), before);
}

#[test]
fn another_station_is_opened_from_the_login() {
    let mut world = World::new(DESK, world::signed_out());
    world.harness.get_by_role_and_label(Handle::ComboBox, "Station").click();
    world.harness.run();
    world.harness.get_by_label("Leak tester").click();
    world.harness.run();
    let id = InstanceId::parse("leak-tester").unwrap();
    assert_eq!(world.commands(), [Command::Instances(InstancesCommand::Open(id))]);
}

#[test]
fn busy_failed_and_locked_are_each_said_in_their_place() {
    let mut world = World::new(DESK, world::signed_out());
    world.publish(|model| Arc::make_mut(&mut model.session).signing_in = true);
    assert!(world.harness.query_by_label("Signing in …").is_some());
    assert!(world.harness.get_by_label("Connect").accesskit_node().is_disabled());
    world.harness.get_by_label("Cancel").click();
    world.harness.run();
    assert_eq!(world.commands(), [Command::Session(SessionCommand::CancelSignIn)]);
    world.publish(|model| {
        let session = Arc::make_mut(&mut model.session);
        session.signing_in = false;
        session.sign_in_error = Some(Explanation::new("wrong_password"));
    });
    assert!(world.harness.query_by_label("User name or password is wrong.").is_some());
    world.publish(|model| world::lock(Arc::make_mut(&mut model.session)));
    assert!(world.harness.query_by_label("This account is locked. Try again in 4:37.").is_some());
    world.clock.push(TimeDelta::seconds(100));
    world.harness.run();
    assert!(world.harness.query_by_label("This account is locked. Try again in 2:57.").is_some());
    world.clock.push(TimeDelta::seconds(200));
    world.harness.run();
    assert!(!world.harness.get_by_label("Connect").accesskit_node().is_disabled());
}

#[test]
fn a_panel_says_what_to_do_after_a_failed_sign_in_and_then_gives_the_keyboard_back() {
    let remedy = "Check the address and the network.";
    let mut model = world::signed_out();
    let session = Arc::make_mut(&mut model.session);
    (session.tries, session.sign_in_error) = (1, Some(Explanation::new("server_unreachable").with("server", "https://line-a.local:8443")));
    let mut world = World::new(PANEL, model);
    let (told, keys) = (
        |world: &World| world.harness.query_by_label_contains(remedy).is_some(),
        |world: &World| world.harness.query_by_label("q").is_some(),
    );
    assert!(told(&world) && !keys(&world), "{}", super::goldens::tree(&world.harness));
    world.harness.get_by_label("Keyboard").click();
    world.harness.run();
    assert!(!told(&world) && keys(&world), "read, and typed on");
    world.publish(|model| Arc::make_mut(&mut model.session).tries = 2);
    assert!(told(&world), "the next try failed as well");
    world.harness.get_by_role_and_label(Handle::TextInput, "User").click();
    world.harness.run();
    assert!(!told(&world) && keys(&world), "who touches a field wants to type");
    world.publish(|model| Arc::make_mut(&mut model.session).tries = 3);
    world.harness.event(Event::Text("m".to_owned()));
    world.harness.run();
    assert!(keys(&world), "who has a keyboard of his own reads on the left what happened");
}

#[test]
fn an_account_that_is_locked_keeps_nobody_else_waiting() {
    let mut world = World::new(DESK, world::signed_out());
    world.publish(|model| {
        let until = now() + TimeDelta::seconds(277);
        Arc::make_mut(&mut model.session).locked =
            Some(LockedAccount { server_url: "https://line-a.local:8443".to_owned(), user: "Bob".to_owned(), until });
    });
    let is_free = |world: &World| !world.harness.get_by_label("Connect").accesskit_node().is_disabled();
    type_into(&mut world, Handle::TextInput, "Server", "https://line-a.local:8443/");
    type_into(&mut world, Handle::TextInput, "User", "bo");
    assert!(is_free(&world), "somebody else");
    type_into(&mut world, Handle::TextInput, "User", "b");
    assert!(!is_free(&world) && world.harness.query_by_label("This account is locked. Try again in 4:37.").is_some());
    type_into(&mut world, Handle::TextInput, "Server", "plant");
    assert!(is_free(&world), "another server");
}

#[test]
fn a_panel_without_a_keyboard_signs_in_by_touch() {
    let mut world = World::new(PANEL, world::signed_out());
    let touch = |world: &mut World, keys: &[&str]| {
        for key in keys {
            world.harness.get_by_role_and_label(Handle::Button, key).click();
            world.harness.run();
        }
    };
    world.harness.get_by_role_and_label(Handle::TextInput, "Server").click();
    world.harness.run();
    touch(&mut world, &["l", "i", "x", "Backspace", "n", "e", "-", "a"]);
    world.harness.get_by_role_and_label(Handle::PasswordInput, "Password").click();
    world.harness.run();
    touch(&mut world, &["Shift", "P", "w", "#+=", "!", "abc", "1", "Enter"]);
    let expected = SignIn { server_url: "line-a".to_owned(), ..sign_in("", "Pw!1") };
    assert_eq!(world.commands(), [Command::Session(SessionCommand::SignIn(expected))]);
}

fn sign_in_person(user: &str, password: &str) -> Command {
    Command::Session(SessionCommand::SignInPerson { user: user.to_owned(), password: Secret::new(password) })
}

#[test]
fn a_person_signs_in_on_top_of_a_station_and_lands_where_he_was() {
    let mut world = World::new(DESK, world::signed_in(Role::Station));
    world.harness.get_by_label("Queue").click();
    world.harness.run();
    world.commands();
    world.harness.get_by_label("Sign in to act").click();
    world.harness.run();
    assert!(world.harness.query_by_role_and_label(Handle::Dialog, "Sign in to act").is_some());
    assert!(world.harness.query_by_role_and_label(Handle::ComboBox, "Station").is_none());
    assert!(world.harness.get_by_role_and_label(Handle::PasswordInput, "Password").is_focused(), "his name is known");
    type_into(&mut world, Handle::PasswordInput, "Password", "secret word");
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!(world.commands(), [sign_in_person("m.nowak", "secret word")]);
    world.publish(|model| Arc::make_mut(&mut model.session).signing_in = true);
    assert!(world.harness.query_by_label("Signing in …").is_some());
    assert!(world.harness.query_by_label("Connected 15 ms").is_some(), "the station is signed in all the time");
    world.publish(|model| {
        let session = Arc::make_mut(&mut model.session);
        session.signing_in = false;
        session.person = Some(Person { name: "M. Nowak".to_owned(), role: Role::Operator, since: now(), offline: false });
    });
    assert!(world.harness.query_by_role_and_label(Handle::Dialog, "Sign in to act").is_none());
    assert!(world.harness.query_by_label("Waiting 12").is_some(), "back at the queue");
}

#[test]
fn the_page_behind_the_card_goes_on_and_cannot_be_pressed() {
    let mut world = World::new(DESK, world::signed_in(Role::Station));
    world.harness.get_by_label("Sign in to act").click();
    world.harness.run();
    world.commands();
    let offline = world::offline(world::signed_in(Role::Station));
    world.publish(|model| model.connection = offline.connection);
    assert!(world.harness.query_by_label("Offline 12 queued").is_some(), "what happens is seen");
    world.harness.get_by_role_and_label(Handle::Tab, "Queue").click();
    world.harness.key_press_modifiers(Modifiers::COMMAND, Key::Num2);
    world.harness.run();
    assert_eq!(world.harness.state().route(), Some(andon::desktop::Route::Overview));
    assert_eq!(world.commands(), []);
}

#[test]
fn one_operator_changes_over_to_another_who_types_his_own_name() {
    let mut world = World::new(DESK, world::signed_in(Role::Operator));
    world.harness.get_by_label("M. Nowak, Operator").click();
    world.harness.run();
    world.harness.get_by_label("Change operator").click();
    world.harness.run();
    world.commands();
    assert!(world.harness.get_by_role_and_label(Handle::TextInput, "User").is_focused());
    world.harness.get_by_label("Sign in").click();
    world.harness.run();
    assert!(world.harness.query_by_label("Type your user name.").is_some(), "{}", super::goldens::tree(&world.harness));
    assert_eq!(world.commands(), []);
    type_into(&mut world, Handle::TextInput, "User", "j.kowalska");
    type_into(&mut world, Handle::PasswordInput, "Password", "her own word");
    world.harness.get_by_label("Sign in").click();
    world.harness.run();
    assert_eq!(world.commands(), [sign_in_person("j.kowalska", "her own word")]);
    world.publish(|model| {
        Arc::make_mut(&mut model.session).person =
            Some(Person { name: "J. Kowalska".to_owned(), role: Role::Operator, since: now(), offline: false });
    });
    assert!(world.harness.query_by_role_and_label(Handle::Dialog, "Sign in to act").is_none());
}

#[test]
fn escape_leaves_the_card_and_forgets_what_was_refused() {
    let mut world = World::new(DESK, world::signed_in(Role::Station));
    world.harness.get_by_label("Sign in to act").click();
    world.harness.run();
    world.publish(|model| {
        let session = Arc::make_mut(&mut model.session);
        session.sign_in_error = Some(Explanation::new("account_locked").with("minutes", 5));
        world::lock(session);
    });
    assert!(world.harness.query_by_label("This account is locked. Try again in 4:37.").is_some());
    world.commands();
    world.harness.key_press(Key::Escape);
    world.harness.run();
    assert_eq!(world.commands(), [Command::Session(SessionCommand::CancelSignIn)]);
    assert!(world.harness.query_by_role_and_label(Handle::Dialog, "Sign in to act").is_none());
    assert!(world.harness.query_by_label("View only").is_some());
}

#[test]
fn a_person_signs_in_by_touch_on_a_panel() {
    let mut world = World::new(PANEL, world::signed_in(Role::Station));
    world.harness.get_by_label("Sign in to act").click();
    world.harness.run();
    world.commands();
    for key in ["p", "w", "1", "Enter"] {
        world.harness.get_by_role_and_label(Handle::Button, key).click();
        world.harness.run();
    }
    assert_eq!(world.commands(), [sign_in_person("m.nowak", "pw1")]);
}

#[test]
fn where_a_server_knows_no_persons_nobody_is_asked_to_sign_in() {
    let mut model = world::signed_in(Role::Station);
    let station = Arc::make_mut(&mut model.session).station.as_mut().unwrap();
    (station.has_roles, station.application) = (false, Application::PressurePanel);
    let world = World::new(DESK, model);
    assert!(world.harness.query_by_label("View only").is_some());
    assert!(world.harness.query_by_label("Sign in to act").is_none());
}

#[test]
fn a_display_started_for_one_application_opens_what_the_login_chose() {
    let options = Options { application: Some(Application::PressurePanel), ..world::options(andon::desktop::theme::Tone::Dark) };
    let mut model = world::signed_in(Role::Operator);
    Arc::make_mut(&mut model.session).station.as_mut().unwrap().application = Application::Configurator;
    let world = World::with(DESK, model, options);
    assert!(world.harness.query_by_label("Overview").is_some());
    assert!(world.harness.query_by_role_and_label(Handle::Tab, "Reports").is_none(), "an operator display has no such place");
}

#[test]
fn a_demo_that_signs_in_by_itself_asks_nobody_for_a_password() {
    let mut world = World::new(DESK, world::signed_out());
    let mut becomes = |state: LineState| {
        world.publish(|model| model.line = Arc::new(LineSlice { state, is_set_up: false, simulated: true }));
        world.harness.query_by_role(Handle::PasswordInput).is_some()
    };
    assert!(!becomes(LineState::Stopped) && !becomes(LineState::Starting));
    assert!(becomes(LineState::Running("127.0.0.1:8440".to_owned())), "a station that was signed out of the demo can be signed in again");
    assert!(becomes(LineState::Failed(Explanation::new("line_failed"))));
}
