//! A person's own account: password, sessions, and the way out everywhere.

use std::sync::Arc;

use andon::client::*;
use andon::desktop::Route;
use andon::domain::access::Role;
use andon::support::secret::Secret;
use eframe::egui::accesskit::Role as Handle;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::administration::{at, press, says, type_into};
use super::world::{self, World};

#[test]
fn the_menu_behind_the_name_leads_to_the_own_account() {
    let mut world = at(Route::Overview, world::signed_in(Role::Operator));
    world.harness.get_by_label("M. Nowak, Operator").click();
    world.harness.run();
    world.harness.get_by_label("My account").click();
    world.harness.run();
    assert_eq!(world.harness.state().route(), Some(Route::Me));
}

#[test]
fn the_own_password_is_changed_with_the_old_one_and_the_new_one_twice() {
    let mut world = at(Route::Me, world::signed_in(Role::Operator));
    press(&mut world, "Change password");
    type_into(&mut world, Handle::PasswordInput, "Current password", "yesterday-1");
    type_into(&mut world, Handle::PasswordInput, "New password", "tomorrow-22");
    type_into(&mut world, Handle::PasswordInput, "Password again", "tomorrow-2");
    assert!(says(&world, "The two passwords are not the same."));
    let button = world.harness.get_all_by_role_and_label(Handle::Button, "Change password").last().unwrap();
    assert!(button.accesskit_node().is_disabled());
    type_into(&mut world, Handle::PasswordInput, "Password again", "2");
    press(&mut world, "Change password");
    let (current, new) = (Secret::new("yesterday-1"), Secret::new("tomorrow-22"));
    assert_eq!(world.commands(), [Command::Me(MeCommand::ChangePassword { current, new })]);
    settle(&mut world, Some(Explanation::new("current_password_wrong")));
    let sentence = "Your current password is wrong. Type it again. After three wrong tries the account is locked for five minutes.";
    assert!(says(&world, sentence));
    press(&mut world, "Change password");
    world.commands();
    settle(&mut world, None);
    assert!(world.harness.query_by_role(Handle::Dialog).is_none());
}

fn settle(world: &mut World, refused: Option<Explanation>) {
    world.publish(|model| {
        let acts = &mut Arc::make_mut(&mut model.me).acts;
        *acts = Acts { running: false, settled: acts.settled + 1, refused };
    });
}

#[test]
fn what_a_person_typed_and_was_asked_goes_with_him() {
    let mut world = at(Route::Me, world::signed_in(Role::Operator));
    press(&mut world, "Change password");
    type_into(&mut world, Handle::PasswordInput, "Current password", "yesterday-1");
    let becomes = |world: &mut World, name: &str| {
        world.publish(|model| Arc::make_mut(&mut model.session).person.as_mut().unwrap().name = name.to_owned());
    };
    becomes(&mut world, "J. Kowalska");
    assert!(world.harness.query_by_role(Handle::Dialog).is_none(), "the form is gone");
    press(&mut world, "Sign out everywhere");
    becomes(&mut world, "A. Wrona");
    assert!(world.harness.query_by_role(Handle::Dialog).is_none(), "so is the question");
    assert_eq!(world.commands(), []);
}

#[test]
fn a_form_that_is_never_answered_can_be_left() {
    let mut world = at(Route::Me, world::signed_in(Role::Operator));
    press(&mut world, "Change password");
    type_into(&mut world, Handle::PasswordInput, "Current password", "yesterday-1");
    type_into(&mut world, Handle::PasswordInput, "New password", "tomorrow-22");
    type_into(&mut world, Handle::PasswordInput, "Password again", "tomorrow-22");
    press(&mut world, "Change password");
    world.publish(|model| Arc::make_mut(&mut model.me).acts.running = true);
    press(&mut world, "Cancel");
    assert!(world.harness.query_by_role(Handle::Dialog).is_none());
}

#[test]
fn signing_out_everywhere_asks_and_another_session_is_ended_at_once() {
    let mut world = at(Route::Me, world::signed_in(Role::Operator));
    press(&mut world, "Sign out everywhere");
    press(&mut world, "Cancel");
    assert_eq!(world.commands(), []);
    press(&mut world, "Sign out everywhere");
    press(&mut world, "Sign out everywhere");
    assert_eq!(world.commands(), [Command::Me(MeCommand::EndAllSessions)]);
    let ends = world.harness.query_all_by_role_and_label(Handle::Button, "End").count();
    assert_eq!(ends, 2, "the session at hand has no such button");
    world.harness.get_all_by_role_and_label(Handle::Button, "End").next().unwrap().click();
    world.harness.run();
    assert_eq!(world.commands(), [Command::Me(MeCommand::EndSession { id: "s2".to_owned() })]);
}
