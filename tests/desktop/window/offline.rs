//! A person who came while the server was gone: what he is told, what he may do, and how he comes back.

use std::sync::Arc;

use andon::client::{Command, Explanation, Model, SessionCommand};
use andon::desktop::Route;
use andon::desktop::theme::Tone;
use andon::domain::access::Role;
use eframe::egui::accesskit::Role as Handle;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::goldens::tree;
use super::shots;
use super::world::{self, DESK, PANEL, WALL, World};
use crate::golden;

const LIMITED: &str = "Signed in without the server: acknowledge and guided tests only";
const BACK: &str = "The server is back. So far: acknowledge and guided tests only";

/// Somebody who came without the server, which is still away.
pub fn without_server(role: Role) -> Model {
    let mut model = world::offline(world::signed_in(role));
    Arc::make_mut(&mut model.session).person.as_mut().unwrap().offline = true;
    model
}

/// The card after a try that was refused.
pub fn refused(key: &'static str) -> Model {
    let mut model = world::offline(world::signed_in(Role::Station));
    Arc::make_mut(&mut model.session).sign_in_error = Some(Explanation::new(key));
    model
}

#[test]
fn who_came_without_the_server_is_told_what_he_may_do_on_every_display() {
    for size in [DESK, PANEL, WALL] {
        let world = World::new(size, without_server(Role::Superuser));
        assert!(world.harness.query_by_label(LIMITED).is_some(), "{}", tree(&world.harness));
        assert!(world.harness.query_by_label("M. Nowak, Superuser").is_some());
        assert!(world.harness.query_by_label("Sign in for the rest").is_none(), "there is no server to sign in at");
        for hidden in ["Users", "Audit", "Me"] {
            assert!(world.harness.query_by_role_and_label(Handle::Tab, hidden).is_none(), "{hidden}");
        }
    }
}

#[test]
fn he_can_press_nothing_that_needs_the_server_or_a_full_sign_in() {
    let mut world = World::new(DESK, without_server(Role::Superuser));
    world.harness.get_by_role_and_label(Handle::Tab, "Server").click();
    world.harness.run();
    for label in ["Sign this station out", "Forget people"] {
        assert!(world.harness.get_by_role_and_label(Handle::Button, label).accesskit_node().is_disabled(), "{label}");
    }
    world.harness.get_by_label("M. Nowak, Superuser").click();
    world.harness.run();
    assert!(world.harness.query_by_label("My account").is_none());
    world.commands();
    world.harness.get_by_role_and_label(Handle::MenuItem, "Sign out").click();
    world.harness.run();
    assert_eq!(world.commands(), [Command::Session(SessionCommand::PersonSignOut)]);
}

#[test]
fn an_idle_person_is_told_that_he_comes_in_again_without_the_server() {
    for size in [DESK, PANEL] {
        let mut world = World::new(size, without_server(Role::Operator));
        world.clock.push(chrono::TimeDelta::seconds(30 * 60 - 42));
        world.harness.run();
        let leave = Command::Session(SessionCommand::PersonSignOut);
        assert!(!world.commands().contains(&leave));
        world.clock.push(chrono::TimeDelta::seconds(42));
        world.harness.run();
        assert!(world.commands().contains(&leave));
        assert!(tree(&world.harness).contains("Sign in again with your last password: this PC checks it."), "{}", tree(&world.harness));
    }
}

#[test]
fn when_the_server_is_back_he_is_asked_to_sign_in_again_under_his_own_name() {
    let mut world = World::new(DESK, without_server(Role::Operator));
    let connected = world::signed_in(Role::Operator).connection;
    world.publish(|model| model.connection = connected);
    assert!(world.harness.query_by_label(BACK).is_some() && world.harness.query_by_label(LIMITED).is_none());
    world.commands();
    world.harness.get_by_label("Sign in for the rest").click();
    world.harness.run();
    assert!(world.harness.get_by_role_and_label(Handle::PasswordInput, "Password").is_focused(), "his name is known");
    world.publish(|model| Arc::make_mut(&mut model.session).person.as_mut().unwrap().offline = false);
    assert!(world.harness.query_by_label(BACK).is_none());
    assert!(world.harness.query_by_role_and_label(Handle::Dialog, "Sign in to act").is_none(), "the card goes with his coming");
}

#[test]
fn the_card_says_why_nobody_comes_in_without_the_server() {
    let sentences = [
        ("wrong_password", "User name or password is wrong."),
        ("offline_not_known", "The server does not answer, and you have not signed in on this PC in the last 7 days."),
        ("offline_clock_back", "The server does not answer, and this PC's clock shows an earlier time than it did before."),
        ("offline_nothing", "The server does not answer, and your role has nothing to do without it."),
        ("offline_not_kept", "The server does not answer, and this PC cannot write down that you sign in."),
    ];
    for (key, sentence) in sentences {
        for size in [DESK, PANEL] {
            let mut world = World::new(size, world::offline(world::signed_in(Role::Station)));
            world.harness.get_by_label("Sign in to act").click();
            world.harness.run();
            world.publish(|model| model.session = refused(key).session);
            assert!(world.harness.query_by_label(sentence).is_some(), "{key}: {}", tree(&world.harness));
        }
    }
}

#[test]
fn people_are_forgotten_by_whoever_looks_after_the_stations() {
    let mut world = World::with(DESK, world::signed_in(Role::Admin), world::at(Route::Connection));
    world.commands();
    let press = |world: &mut World, label: &str, which: usize| {
        world.harness.get_all_by_role_and_label(Handle::Button, label).nth(which).unwrap().click();
        world.harness.run();
    };
    press(&mut world, "Forget people", 0);
    assert!(world.harness.query_by_role_and_label(Handle::Dialog, "Forget everybody on this PC?").is_some());
    press(&mut world, "Cancel", 0);
    assert_eq!(world.commands(), [], "it was asked first");
    press(&mut world, "Forget people", 0);
    press(&mut world, "Forget people", 1);
    assert_eq!(world.commands(), [Command::Session(SessionCommand::ForgetPersons)]);
    assert!(world.harness.query_by_role_and_label(Handle::Dialog, "Forget everybody on this PC?").is_none());
    let world = World::with(DESK, world::signed_in(Role::Operator), world::at(Route::Connection));
    assert!(world.harness.get_by_label("Forget people").accesskit_node().is_disabled());
}

#[test]
fn strip_and_card_look_as_they_should() {
    let mut back = without_server(Role::Operator);
    back.connection = world::signed_in(Role::Operator).connection;
    for (place, size) in [("desk", DESK), ("panel", PANEL), ("wall", WALL)] {
        for (state, model) in [("gone", without_server(Role::Operator)), ("back", back.clone())] {
            let strip = shots::case("", model, Route::Overview, &[]);
            golden::compare(&format!("offline-{state}-{place}"), &shots::shot(&strip, size, Tone::Dark).unwrap());
        }
        let card = shots::case("", refused("offline_not_known"), Route::Overview, &["Sign in to act"]);
        golden::compare(&format!("offline-card-{place}"), &shots::shot(&card, size, Tone::Dark).unwrap());
    }
}
