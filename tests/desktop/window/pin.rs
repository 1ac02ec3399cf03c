//! The station's PIN: who is asked for it, how it is typed with fingers, gloves and keys, and what a wrong one does.

use std::sync::Arc;

use andon::client::*;
use andon::desktop::theme::Tone;
use andon::desktop::{Options, Route};
use andon::domain::access::Role;
use andon::domain::instance::Application;
use andon::support::secret::Secret;
use chrono::TimeDelta;
use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{Event, Key, ViewportCommand, ViewportId};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::frame;
use super::shots;
use super::world::{self, DESK, PANEL, WALL, World};
use crate::golden;
use crate::line::now;

const SET: PinSlice = PinSlice { is_set: true, is_open: false, acts: IDLE, locked_until: None };
const IDLE: Acts = Acts { running: false, settled: 0, refused: None };

/// A station at a server that knows no persons.
pub fn station(pin: PinSlice) -> Model {
    let mut model = world::signed_in(Role::Station);
    Arc::make_mut(&mut model.session).station.as_mut().unwrap().has_roles = false;
    model.pin = Arc::new(pin);
    model
}

pub fn guarded() -> Model {
    station(SET)
}

pub fn waiting() -> Model {
    station(PinSlice { locked_until: Some(now() + TimeDelta::seconds(277)), ..SET })
}

fn kiosk(size: (f32, f32), model: Model) -> World {
    World::with(size, model, Options { kiosk: true, ..world::options(Tone::Dark) })
}

/// Tries to close the window. Whether that was refused.
fn close(world: &mut World) -> bool {
    let refused = frame::close(world);
    world.harness.run();
    refused
}

fn press(world: &mut World, names: &[&str]) {
    for name in names {
        world.harness.get_by_role_and_label(Handle::Button, name).click();
        world.harness.run();
    }
}

fn sees(world: &World, label: &str) -> bool {
    world.harness.query_all_by_label(label).next().is_some()
}

fn asks(world: &World) -> bool {
    world.harness.query_all_by_role(Handle::Dialog).next().is_some()
}

fn pins(world: &mut World) -> Vec<PinCommand> {
    let pin = |command| if let Command::Pin(pin) = command { Some(pin) } else { None };
    world.commands().into_iter().filter_map(pin).filter(|pin| *pin != PinCommand::Look).collect()
}

/// The services answer.
fn answer(world: &mut World, change: impl FnOnce(&mut PinSlice)) {
    world.publish(|model| {
        let pin = Arc::make_mut(&mut model.pin);
        pin.acts.settled += 1;
        pin.acts.refused = None;
        change(pin);
    });
}

fn viewport_commands(world: &World) -> Vec<ViewportCommand> {
    world.harness.output().viewport_output[&ViewportId::ROOT].commands.clone()
}

#[test]
fn without_a_pin_anyone_leaves_a_kiosk_and_is_told_so() {
    let mut world = kiosk(DESK, station(PinSlice::default()));
    assert!(!close(&mut world));
    let world = World::with(DESK, station(PinSlice::default()), world::at(Route::Connection));
    assert!(sees(&world, "No PIN is set: anyone may leave the full screen and change this station's settings."));
    assert!(sees(&world, "Set a PIN") && !sees(&world, "Enter the PIN"));
}

#[test]
fn a_kiosk_is_left_with_the_pin_alone_and_only_by_touching() {
    let mut world = kiosk(PANEL, guarded());
    assert!(close(&mut world) && asks(&world));
    press(&mut world, &["2", "4", "6", "9"]);
    world.harness.drag_at(eframe::egui::pos2(20.0, 380.0));
    world.harness.drop_at(eframe::egui::pos2(20.0, 380.0));
    world.harness.run();
    press(&mut world, &["Backspace", "8", "Open"]);
    assert_eq!(pins(&mut world), [PinCommand::Enter(Secret::new("2468"))]);
    assert!(!viewport_commands(&world).contains(&ViewportCommand::Close));
    world.far.borrow().publish(|model| {
        let pin = Arc::make_mut(&mut model.pin);
        (pin.is_open, pin.acts.settled) = (true, 1);
    });
    world.harness.step();
    assert!(viewport_commands(&world).contains(&ViewportCommand::Close));
    assert!(!close(&mut world) && !asks(&world));
}

#[test]
fn full_screen_is_left_from_about_where_there_are_no_keys() {
    let options = Options { kiosk: true, route: Some(Route::About), ..world::options(Tone::Dark) };
    let mut world = World::with(PANEL, guarded(), options);
    press(&mut world, &["Leave full screen"]);
    assert!(asks(&world));
    press(&mut world, &["1", "2", "3", "4", "Open"]);
    world.far.borrow().publish(|model| {
        let pin = Arc::make_mut(&mut model.pin);
        (pin.is_open, pin.acts.settled) = (true, 1);
    });
    world.harness.step();
    assert!(viewport_commands(&world).contains(&ViewportCommand::Fullscreen(false)));
}

#[test]
fn a_wrong_pin_says_so_and_the_field_is_empty_again() {
    let mut world = kiosk(DESK, guarded());
    assert!(close(&mut world));
    press(&mut world, &["1", "1", "1", "1", "Open"]);
    assert!(sees(&world, "Checking …") || !pins(&mut world).is_empty());
    answer(&mut world, |pin| pin.acts.refused = Some(Explanation::new("pin_wrong").with("n", 4)));
    assert!(sees(&world, "The PIN is wrong. Tries left: 4.") && asks(&world));
    world.commands();
    press(&mut world, &["Open"]);
    assert_eq!(pins(&mut world), [], "there is nothing to try");
    press(&mut world, &["2"]);
    assert!(!sees(&world, "The PIN is wrong. Tries left: 4."), "it is about the one before");
}

#[test]
fn after_too_many_nobody_tries_before_the_time_is_over() {
    let mut world = kiosk(DESK, waiting());
    assert!(close(&mut world));
    assert!(sees(&world, "Too many wrong PINs. Try again in 4:37."));
    press(&mut world, &["2", "4", "6", "8"]);
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert!(world.harness.get_by_role_and_label(Handle::Button, "Open").accesskit_node().is_disabled());
    assert_eq!(pins(&mut world), []);
    world.clock.push(TimeDelta::seconds(278));
    world.harness.run();
    press(&mut world, &["Open"]);
    assert_eq!(pins(&mut world), [PinCommand::Enter(Secret::new("2468"))]);
}

#[test]
fn a_keyboard_types_digits_and_nothing_else_and_escape_puts_the_pad_away() {
    let mut world = kiosk(DESK, guarded());
    assert!(close(&mut world));
    world.harness.run();
    for text in ["2", "x", "4", "-", "6", "8"] {
        world.harness.event(Event::Text(text.to_owned()));
    }
    world.harness.run();
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!(pins(&mut world), [PinCommand::Enter(Secret::new("2468"))]);
    world.harness.key_press(Key::Escape);
    world.harness.run();
    assert!(!asks(&world));
    assert!(close(&mut world), "the kiosk is as it was");
}

#[test]
fn every_key_is_large_enough_for_a_glove_on_every_display() {
    for size in [PANEL, DESK, WALL] {
        let mut world = kiosk(size, guarded());
        assert!(close(&mut world));
        world.harness.run();
        let digits = (0..10).map(|digit: u8| digit.to_string());
        for name in digits.chain(["Backspace", "Open", "Cancel"].map(str::to_owned)) {
            let rect = world.harness.get_by_role_and_label(Handle::Button, &name).rect();
            assert!(rect.width() >= 48.0 && rect.height() >= 48.0, "{name} is {rect} on {size:?}");
            assert!(rect.min.y >= 0.0 && rect.max.y <= size.1 && rect.max.x <= size.0, "{name} is cut: {rect} on {size:?}");
        }
    }
}

#[test]
fn guarded_settings_ask_when_they_are_opened_and_once() {
    let mut world = World::with(DESK, guarded(), world::at(Route::Overview));
    world.harness.get_by_role_and_label(Handle::Tab, "Stations").click();
    world.harness.run();
    assert!(asks(&world) && !sees(&world, "New station"));
    press(&mut world, &["Cancel"]);
    assert!(sees(&world, "These settings are locked"), "the door stays");
    press(&mut world, &["Enter the PIN", "2", "4", "6", "8", "Open"]);
    answer(&mut world, |pin| pin.is_open = true);
    assert!(!asks(&world) && sees(&world, "New station"));
    for tab in ["Server", "Stations"] {
        world.harness.get_by_role_and_label(Handle::Tab, tab).click();
        world.harness.run();
        assert!(!asks(&world), "{tab}");
    }
}

#[test]
fn how_the_server_is_doing_can_always_be_seen_and_is_changed_with_the_pin() {
    let model = world::offline(guarded());
    let mut world = World::with(DESK, model, world::at(Route::Connection));
    assert!(sees(&world, "Enter the PIN to change this."));
    assert!(world.harness.get_by_label("Sign this station out").accesskit_node().is_disabled());
    assert!(world.harness.get_by_label("Reconnect by itself").accesskit_node().is_disabled());
    answer(&mut world, |pin| pin.is_open = true);
    assert!(!world.harness.get_by_label("Sign this station out").accesskit_node().is_disabled());
    assert!(!world.harness.get_by_label("Reconnect by itself").accesskit_node().is_disabled());
}

#[test]
fn an_open_pin_is_locked_by_hand_or_by_ten_quiet_minutes() {
    let open = || station(PinSlice { is_open: true, ..SET });
    let mut world = World::with(DESK, open(), world::at(Route::Connection));
    press(&mut world, &["Lock now"]);
    assert_eq!(pins(&mut world), [PinCommand::Lock]);
    let mut world = World::with(DESK, open(), world::at(Route::Connection));
    for _ in 0..3 {
        world.clock.push(TimeDelta::minutes(8));
        world.harness.hover_at(eframe::egui::pos2(300.0, 300.0));
        world.harness.run();
    }
    assert_eq!(pins(&mut world), [], "each touch counts");
    world.clock.push(TimeDelta::minutes(10));
    world.harness.hover_at(eframe::egui::pos2(310.0, 300.0));
    world.harness.run();
    assert_eq!(pins(&mut world), [PinCommand::Lock], "this one came too late");
}

#[test]
fn what_was_begun_with_the_pin_ends_with_it() {
    let open = || station(PinSlice { is_open: true, ..SET });
    let at = || world::at(Route::Connection);
    for minutes in [None, Some(10)] {
        let mut world = World::with(DESK, open(), at());
        press(&mut world, &["Sign this station out"]);
        assert!(sees(&world, "Sign this station out?"));
        match minutes {
            Some(minutes) => world.clock.push(TimeDelta::minutes(minutes)),
            None => answer(&mut world, |pin| pin.is_open = false),
        }
        world.harness.run();
        assert!(!sees(&world, "Sign this station out?"), "{minutes:?}");
    }
    let mut world = World::with(DESK, open(), at());
    press(&mut world, &["Change the PIN", "1", "1", "1", "1", "Next"]);
    assert!(sees(&world, "New PIN"));
    world.clock.push(TimeDelta::minutes(10));
    world.harness.run();
    assert!(!asks(&world), "a stranger has not typed the old one");
}

#[test]
fn a_kiosk_that_nobody_saw_since_is_not_closed_with_the_pin_of_then() {
    let mut world = kiosk(DESK, station(PinSlice { is_open: true, ..SET }));
    world.clock.push(TimeDelta::hours(9));
    assert!(close(&mut world) && asks(&world));
    assert!(pins(&mut world).contains(&PinCommand::Lock));
}

#[test]
fn a_pin_is_set_by_typing_it_twice() {
    let mut world = World::with(PANEL, station(PinSlice::default()), world::at(Route::Connection));
    world.harness.get_by_label("Set a PIN").scroll_to_me();
    world.harness.run();
    press(&mut world, &["Set a PIN", "1", "2", "3", "Next"]);
    assert!(sees(&world, "A PIN has 4 to 12 digits."));
    press(&mut world, &["2", "4", "6", "8", "Next", "2", "4", "6", "9", "Save"]);
    assert!(sees(&world, "The two PINs are not the same. Begin with the new one again."));
    assert_eq!(pins(&mut world), []);
    press(&mut world, &["2", "4", "6", "8", "Next", "2", "4", "6", "8", "Save"]);
    assert_eq!(pins(&mut world), [PinCommand::Set { current: Secret::default(), new: Secret::new("2468") }]);
    answer(&mut world, |pin| (pin.is_set, pin.is_open) = (true, true));
    assert!(!asks(&world));
}

#[test]
fn the_current_pin_is_needed_to_change_or_remove_it() {
    let model = || station(PinSlice { is_open: true, ..SET });
    let mut world = World::with(DESK, model(), world::at(Route::Connection));
    let (old, new) = (Secret::new("1111"), Secret::new("2222"));
    press(&mut world, &["Change the PIN", "1", "1", "1", "1", "Next", "2", "2", "2", "2", "Next", "2", "2", "2", "2", "Save"]);
    assert_eq!(pins(&mut world), [PinCommand::Set { current: old.clone(), new }]);
    answer(&mut world, |pin| pin.acts.refused = Some(Explanation::new("pin_wrong").with("n", 4)));
    assert!(sees(&world, "Current PIN") && sees(&world, "The PIN is wrong. Tries left: 4."), "it begins anew");
    press(&mut world, &["Cancel"]);
    let mut world = World::with(DESK, model(), world::at(Route::Connection));
    press(&mut world, &["Remove the PIN", "1", "1", "1", "1", "Remove"]);
    assert_eq!(pins(&mut world), [PinCommand::Remove { current: old }]);
    answer(&mut world, |pin| (pin.is_set, pin.is_open) = (false, false));
    assert!(!asks(&world) && sees(&world, "Set a PIN"));
}

#[test]
fn nobody_gets_round_the_pin_through_the_login() {
    let mut model = guarded();
    let session = Arc::make_mut(&mut model.session);
    session.station = None;
    session.sign_in_error = Some(Explanation::new("token_refused"));
    let mut world = kiosk(DESK, model);
    assert!(world.harness.query_by_role_and_label(Handle::Button, "Connect").is_none());
    assert!(sees(&world, "These settings are locked"));
    assert!(close(&mut world) && asks(&world));
    press(&mut world, &["Cancel"]);
    answer(&mut world, |pin| pin.is_open = true);
    assert!(world.harness.query_by_role_and_label(Handle::Button, "Connect").is_some());
    assert!(!close(&mut world));
}

#[test]
fn a_server_that_knows_persons_asks_for_their_roles_and_not_for_a_pin() {
    for (role, refused) in [(Role::Operator, true), (Role::Admin, false)] {
        let mut model = world::signed_in(role);
        model.pin = Arc::new(SET);
        let mut world = kiosk(DESK, model);
        assert_eq!(close(&mut world), refused, "{role:?}");
        assert!(!asks(&world));
    }
    let world = World::with(DESK, world::signed_in(Role::Admin), world::at(Route::Connection));
    assert!(!sees(&world, "Set a PIN"));
}

#[test]
fn a_pin_that_was_taken_away_lets_everybody_go_on() {
    let mut world = kiosk(DESK, guarded());
    assert!(close(&mut world) && asks(&world));
    assert!(world.commands().contains(&Command::Pin(PinCommand::Look)), "the disk is asked");
    world.publish(|model| Arc::make_mut(&mut model.pin).is_set = false);
    assert!(!asks(&world) && !close(&mut world));
}

#[test]
fn a_display_that_only_looks_can_be_given_a_pin_too() {
    let mut model = station(PinSlice::default());
    Arc::make_mut(&mut model.session).station.as_mut().unwrap().application = Application::PressurePanel;
    let mut world = World::with(DESK, model, world::at(Route::Connection));
    press(&mut world, &["Set a PIN"]);
    assert!(asks(&world));
}

#[test]
fn the_pin_looks_as_it_should() {
    let pad = shots::case("", guarded(), Route::Connection, &["Enter the PIN"]);
    let waits = shots::case("", waiting(), Route::Connection, &["Enter the PIN"]);
    for (name, case, size, tone) in [
        ("pin-panel-dark", &pad, PANEL, Tone::Dark),
        ("pin-panel-light", &waits, PANEL, Tone::Light),
        ("pin-desk-dark", &pad, DESK, Tone::Dark),
        ("pin-desk-light", &waits, DESK, Tone::Light),
        ("pin-wall-dark", &pad, WALL, Tone::Dark),
    ] {
        golden::compare(name, &shots::shot(case, size, tone).expect("the pad is reached from the card"));
    }
    golden::picture("pin-card-panel", PANEL, guarded(), world::at(Route::Connection));
    golden::picture(
        "pin-none-desk",
        DESK,
        station(PinSlice::default()),
        Options { tone: Some(Tone::Light), ..world::at(Route::Connection) },
    );
    golden::picture("pin-door-desk", DESK, guarded(), world::at(Route::Instances));
    golden::text("connection-pin", &World::with(DESK, guarded(), world::at(Route::Connection)).harness);
}
