//! Accounts, tokens and the audit log: what a person presses, what is asked of the services, what is refused and why.

use std::sync::Arc;

use andon::client::*;
use andon::desktop::theme::Tone;
use andon::desktop::{Options, Route};
use andon::domain::access::Role;
use andon::support::language::Language;
use andon::support::secret::Secret;
use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{Key, Modifiers, OutputCommand};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::people;
use super::world::{self, DESK, PANEL, World};

pub const OPERATOR: &str = "j.kowalska, Active, Operator, 13:41:07";
const OWN: &str = "M. Nowak, Active, Superuser, 13:12:37";
const LOCKED: &str = "r.zimny, Locked until 14:06:37, Operator, 2026-03-09 14:02";

pub fn at(route: Route, model: Model) -> World {
    let mut world = World::with(DESK, model, Options { route: Some(route), ..world::options(Tone::Dark) });
    world.commands();
    world
}

pub fn press(world: &mut World, label: &str) {
    // Of two buttons of one name, the one in the dialog: it comes later.
    world.harness.get_all_by_role_and_label(Handle::Button, label).last().unwrap().click();
    world.harness.run();
}

fn choose(world: &mut World, row: &str) {
    world.harness.get_by_role_and_label(Handle::ListItem, row).click();
    world.harness.run();
}

pub fn type_into(world: &mut World, handle: Handle, name: &str, text: &str) {
    world.harness.get_by_role_and_label(handle, name).focus();
    world.harness.run();
    world.harness.get_by_role_and_label(handle, name).type_text(text);
    world.harness.run();
}

pub fn says(world: &World, words: &str) -> bool {
    world.harness.query_all_by_label(words).next().is_some()
}

fn has_dialog(world: &World) -> bool {
    world.harness.query_all_by_role(Handle::Dialog).next().is_some()
}

fn is_off(world: &World, label: &str) -> bool {
    world.harness.get_by_role_and_label(Handle::Button, label).accesskit_node().is_disabled()
}

fn settle(world: &mut World, refused: Option<Explanation>) {
    world.publish(|model| {
        let acts = &mut Arc::make_mut(&mut model.users).acts;
        *acts = Acts { running: false, settled: acts.settled + 1, refused };
    });
}

fn changed(id: &str, name: &str, change: AccountChange) -> Command {
    Command::Users(UsersCommand::Change { id: id.to_owned(), name: name.to_owned(), version: 4, change })
}

#[test]
fn an_account_is_made_of_what_was_typed_and_a_refusal_loses_nothing() {
    let mut world = at(Route::Users, world::signed_in(Role::Admin));
    press(&mut world, "New user");
    assert!(is_off(&world, "Make the account"));
    type_into(&mut world, Handle::TextInput, "User name", "ż.nowa");
    type_into(&mut world, Handle::TextInput, "E-mail", "z@line.example");
    type_into(&mut world, Handle::PasswordInput, "Temporary password", "first-day-1");
    press(&mut world, "Make the account");
    let (username, email) = ("ż.nowa".to_owned(), "z@line.example".to_owned());
    let create = UsersCommand::Create { username, email, role: Role::Operator, password: Secret::new("first-day-1") };
    assert_eq!(world.commands(), [Command::Users(create.clone())]);
    settle(&mut world, Some(Explanation::new("name_in_use")));
    assert!(says(&world, "There is an account of this name already. Choose another name. Capital and small letters count alike."));
    press(&mut world, "Make the account");
    assert_eq!(world.commands(), [Command::Users(create)], "nothing typed was lost");
    settle(&mut world, None);
    assert!(world.harness.query_by_role(Handle::Dialog).is_none());
}

#[test]
fn what_no_server_would_take_is_said_at_the_field() {
    let mut world = at(Route::Users, world::signed_in(Role::Admin));
    press(&mut world, "New user");
    type_into(&mut world, Handle::TextInput, "User name", "a:b");
    type_into(&mut world, Handle::TextInput, "E-mail", "nobody");
    type_into(&mut world, Handle::PasswordInput, "Temporary password", "short");
    for sentence in
        ["Choose a name of 3 to 50 characters, without a colon.", "This is not an e-mail address.", "A password has at least 8 characters."]
    {
        assert!(says(&world, sentence), "{sentence}");
    }
    assert!(is_off(&world, "Make the account"));
}

#[test]
fn a_change_that_somebody_else_outran_is_repeated_on_the_account_as_it_is_now() {
    let mut world = at(Route::Users, world::signed_in(Role::Admin));
    choose(&mut world, OPERATOR);
    press(&mut world, "Set password");
    type_into(&mut world, Handle::PasswordInput, "Temporary password", "first-day-1");
    let password = || AccountChange::Password(Secret::new("first-day-1"));
    press(&mut world, "Set password");
    assert_eq!(world.commands(), [changed("2", "j.kowalska", password())]);
    settle(&mut world, Some(Explanation::new("changed_meanwhile")));
    world.publish(|model| {
        let users = Arc::make_mut(&mut model.users);
        let mut list = UserList::clone(users.list.value().unwrap());
        list.rows.iter_mut().for_each(|row| row.version = 5);
        users.list = users.list.settled(Ok(list));
    });
    press(&mut world, "Set password");
    let again = Command::Users(UsersCommand::Change { id: "2".to_owned(), name: "j.kowalska".to_owned(), version: 5, change: password() });
    assert_eq!(world.commands(), [again], "what was typed goes out with the account as it is now");
}

#[test]
fn disabling_somebody_asks_first_and_names_him() {
    let mut world = at(Route::Users, world::signed_in(Role::Admin));
    choose(&mut world, OPERATOR);
    press(&mut world, "Disable");
    assert!(says(&world, "Disable j.kowalska?"));
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!(world.commands(), [], "Enter without reading says no");
    press(&mut world, "Disable");
    press(&mut world, "Disable");
    assert_eq!(world.commands(), [changed("2", "j.kowalska", AccountChange::Active(false))]);
}

#[test]
fn nobody_takes_his_own_access_or_the_last_superusers() {
    let mut world = at(Route::Users, world::signed_in(Role::Superuser));
    choose(&mut world, OWN);
    assert!(is_off(&world, "Disable") && is_off(&world, "Change role") && !is_off(&world, "Set password"));
    assert!(says(&world, "This is your own account: another administrator has to do that."));
    world.publish(|model| Arc::make_mut(&mut model.session).person.as_mut().unwrap().name = "root".to_owned());
    choose(&mut world, OWN);
    assert!(is_off(&world, "Disable"));
    assert!(says(&world, "This is the last superuser: make somebody else one first."));
}

#[test]
fn an_administrator_does_not_touch_a_superuser() {
    let mut model = world::signed_in(Role::Admin);
    Arc::make_mut(&mut model.session).person.as_mut().unwrap().name = "a.wrona".to_owned();
    let mut world = at(Route::Users, model);
    choose(&mut world, OWN);
    for label in ["Disable", "Change role", "Set password", "Send code by mail"] {
        assert!(is_off(&world, label), "{label}");
    }
    assert!(says(&world, "Only a superuser may change a superuser's account."));
}

#[test]
fn who_is_locked_out_is_seen_until_when_and_let_in_again() {
    let mut world = at(Route::Users, world::signed_in(Role::Admin));
    choose(&mut world, OPERATOR);
    assert!(world.harness.query_by_role_and_label(Handle::Button, "Unlock").is_none());
    choose(&mut world, LOCKED);
    press(&mut world, "Unlock");
    assert_eq!(world.commands(), [Command::Users(UsersCommand::Unlock { id: "5".to_owned(), name: "r.zimny".to_owned() })]);
    world.clock.push(chrono::TimeDelta::seconds(241));
    world.harness.run();
    assert!(world.harness.query_by_role_and_label(Handle::Button, "Unlock").is_none(), "it ended by itself");
}

#[test]
fn a_role_is_given_and_a_password_set_in_forms_that_name_whom() {
    let mut world = at(Route::Users, world::signed_in(Role::Admin));
    choose(&mut world, OPERATOR);
    press(&mut world, "Change role");
    assert!(says(&world, "Role of j.kowalska"));
    world.harness.get_by_role_and_label(Handle::ComboBox, "Role").click();
    world.harness.run();
    assert!(!says(&world, "Superuser") || world.harness.query_by_role_and_label(Handle::Button, "Superuser").is_none());
    world.harness.get_all_by_label("Technician").last().unwrap().click();
    world.harness.run();
    press(&mut world, "Change role");
    assert_eq!(world.commands(), [changed("2", "j.kowalska", AccountChange::Role(Role::Technician))]);
    settle(&mut world, None);
    press(&mut world, "Set password");
    type_into(&mut world, Handle::PasswordInput, "Temporary password", "second-day-2");
    press(&mut world, "Set password");
    assert_eq!(world.commands(), [changed("2", "j.kowalska", AccountChange::Password(Secret::new("second-day-2")))]);
}

#[test]
fn a_code_is_sent_by_mail_after_a_question_and_only_where_there_is_an_address() {
    let mut world = at(Route::Users, world::signed_in(Role::Admin));
    choose(&mut world, "p.dąbrowski-wiśniewski@produkcja, Active, Technician, 12:02:37");
    assert!(world.harness.query_by_role_and_label(Handle::Button, "Send code by mail").is_none());
    choose(&mut world, OPERATOR);
    press(&mut world, "Send code by mail");
    press(&mut world, "Send");
    let (name, email) = ("j.kowalska".to_owned(), "j.kowalska@line.example".to_owned());
    assert_eq!(world.commands(), [Command::Users(UsersCommand::SendResetCode { name, email })]);
}

#[test]
fn while_the_server_is_away_the_list_stays_and_says_why_nothing_can_be_changed() {
    for (route, label) in
        [(Route::Users, "New user"), (Route::Stations, "New token"), (Route::Audit, "Export"), (Route::Me, "Change password")]
    {
        let world = at(route, world::offline(world::signed_in(Role::Superuser)));
        assert!(is_off(&world, label), "{route:?}");
        assert!(says(&world, "Read 9 s ago; the server is away."), "{route:?}");
        let never = at(route, {
            let mut model = world::offline(world::signed_in(Role::Superuser));
            people::empty(&mut model);
            model.users = Arc::default();
            model.stations = Arc::default();
            model.audit = Arc::default();
            model
        });
        assert!(says(&never, "The server is away"), "{route:?}");
    }
}

#[test]
fn a_list_is_asked_for_once_by_whoever_shows_it() {
    for route in [Route::Users, Route::Stations, Route::Audit, Route::Me] {
        let mut model = world::signed_in(Role::Superuser);
        (model.users, model.stations, model.audit, model.me) = Default::default();
        let mut world = World::with(DESK, model, Options { route: Some(route), ..world::options(Tone::Dark) });
        world.harness.run_steps(5);
        assert_eq!(world.commands().len(), 1, "{route:?}");
    }
}

#[test]
fn ten_thousand_accounts_draw_only_those_in_sight() {
    let mut model = world::signed_in(Role::Admin);
    let rows = (0..USER_ROWS).map(|n| people::account(&n.to_string(), &format!("user{n:05}"), Role::Operator, 90)).collect();
    let list = UserList { rows, complete: false, as_of: crate::line::now() };
    Arc::make_mut(&mut model.users).list = Remote::Ready(Arc::new(list));
    let mut world = at(Route::Users, model);
    let rows = world.harness.query_all_by_role(Handle::ListItem).count();
    assert!((5..40).contains(&rows), "{rows}");
    assert!(says(&world, "More than 10\u{202f}000 users. Search for the one you need."));
    type_into(&mut world, Handle::SearchInput, "Name or e-mail", "user09");
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!(world.commands(), [Command::Users(UsersCommand::List { search: "user09".to_owned() })]);
}

#[test]
fn a_new_token_is_seen_once_and_is_put_away_only_on_purpose() {
    let mut world = at(Route::Stations, world::signed_in(Role::Admin));
    press(&mut world, "New token");
    type_into(&mut world, Handle::TextInput, "Station", "label printer");
    press(&mut world, "Make the token");
    let issue = StationsCommand::Issue { station: "label printer".to_owned(), reset: false };
    assert_eq!(world.commands(), [Command::Stations(issue)]);
    let given = people::issued(world::signed_in(Role::Admin));
    let token = given.stations.issued.clone().unwrap().token;
    world.publish(|model| {
        model.stations = given.stations.clone();
        Arc::make_mut(&mut model.stations).acts.settled = 1;
    });
    assert!(says(&world, "Token of label printer"));
    assert!(says(&world, "It is shown this one time only. Copy it to the station now; whoever has it can act as this station."));
    world.harness.key_press(Key::Escape);
    world.harness.run();
    assert!(says(&world, "Token of label printer"), "Escape does not lose it");
    world.harness.get_by_role_and_label(Handle::Button, "Copy").click();
    world.harness.step();
    let copied = OutputCommand::CopyText(token.expose().to_owned());
    assert!(world.harness.output().platform_output.commands.contains(&copied));
    press(&mut world, "I have copied it");
    assert_eq!(world.commands(), [Command::Stations(StationsCommand::PutAway)]);
}

#[test]
fn revoking_a_token_asks_first_and_names_station_and_token() {
    let mut world = at(Route::Stations, world::signed_in(Role::Admin));
    world.harness.get_by_role_and_label(Handle::Tab, "Tokens 2").click();
    world.harness.run();
    press(&mut world, "Revoke");
    assert!(says(&world, "Revoke a token of eol@line-a-pc3?"));
    press(&mut world, "Revoke");
    let revoke = StationsCommand::Revoke { id: "t1".to_owned(), station: "eol@line-a-pc3".to_owned() };
    assert_eq!(world.commands(), [Command::Stations(revoke)]);
    choose(&mut world, "leak@line-a-pc2, …77d0, Revoked, 14:02:17");
    assert!(world.harness.query_by_role_and_label(Handle::Button, "Revoke").is_none(), "what is revoked stays so");
}

#[test]
fn the_audit_log_is_narrowed_read_back_and_taken_along() {
    let mut world = at(Route::Audit, world::signed_in(Role::Admin));
    type_into(&mut world, Handle::SearchInput, "Name, target, address", "zimny");
    world.harness.key_press(Key::Enter);
    world.harness.run();
    let filter = AuditFilter { search: "zimny".to_owned(), ..AuditFilter::default() };
    assert_eq!(world.commands(), [Command::Audit(AuditCommand::List(filter.clone()))]);
    world.publish(|model| Arc::make_mut(&mut model.audit).filter = filter.clone());
    world.harness.get_by_role_and_label(Handle::ComboBox, "Period").click();
    world.harness.run();
    world.harness.get_by_label("Last 30 days").click();
    world.harness.run();
    let filter = AuditFilter { period: AuditPeriod::Month, ..filter };
    assert_eq!(world.commands(), [Command::Audit(AuditCommand::List(filter))]);
    press(&mut world, "Older");
    assert_eq!(world.commands(), [Command::Audit(AuditCommand::Older)]);
    press(&mut world, "Export");
    type_into(&mut world, Handle::TextInput, "Folder", "/media/stick");
    press(&mut world, "Export");
    assert_eq!(world.commands(), [Command::Audit(AuditCommand::Export { folder: "/media/stick".into() })]);
}

#[test]
fn an_act_that_this_version_does_not_know_is_shown_by_its_own_word() {
    let world = at(Route::Audit, world::signed_in(Role::Admin));
    let tree = super::goldens::tree(&world.harness);
    assert!(tree.contains("something.new") && tree.contains("Account changed") && !tree.contains("audit.action"), "{tree}");
}

/// German and Polish need about half as much room again; here every sentence gets it.
fn roomy() -> Language {
    Language::english().with_words(|text| {
        let more: String = text.chars().filter(|c| c.is_alphabetic()).take(text.chars().count().div_ceil(2)).collect();
        format!("{text}{more}")
    })
}

#[test]
fn longer_words_push_no_button_out_of_the_window_or_over_another() {
    for route in [Route::Users, Route::Stations, Route::Audit, Route::Me] {
        for size in [DESK, PANEL] {
            let options = Options { route: Some(route), language: roomy(), ..world::options(Tone::Dark) };
            let world = World::with(size, world::signed_in(Role::Superuser), options);
            let buttons: Vec<_> = world
                .harness
                .query_all_by_role(Handle::Button)
                .map(|node| (node.accesskit_node().label(), node.rect()))
                .filter(|(_, rect)| rect.top() > 56.0)
                .collect();
            for (i, (name, rect)) in buttons.iter().enumerate() {
                assert!(rect.left() >= 0.0 && rect.right() <= size.0, "{route:?} {size:?}: {name:?} at {rect}");
                for (other, place) in &buttons[i + 1..] {
                    let shared = rect.intersect(*place);
                    let apart = shared.width() <= 1.0 || shared.height() <= 1.0;
                    assert!(apart, "{route:?} {size:?}: {name:?} lies over {other:?}");
                }
            }
        }
    }
}

#[test]
fn what_was_typed_into_a_form_is_not_lost_by_a_press_beside_it() {
    let mut world = at(Route::Users, world::signed_in(Role::Admin));
    press(&mut world, "New user");
    type_into(&mut world, Handle::TextInput, "User name", "ż.nowa");
    let corner = eframe::egui::pos2(4.0, 4.0);
    for pressed in [true, false] {
        let button = eframe::egui::PointerButton::Primary;
        world.harness.event(eframe::egui::Event::PointerMoved(corner));
        world.harness.event(eframe::egui::Event::PointerButton { pos: corner, button, pressed, modifiers: Modifiers::NONE });
        world.harness.run();
    }
    assert!(has_dialog(&world), "a press beside it does nothing");
    world.harness.get_by_role_and_label(Handle::TextInput, "User name").focus();
    world.harness.run();
    world.harness.key_press(Key::Escape);
    world.harness.run();
    assert!(has_dialog(&world), "the first Escape leaves the field");
    world.harness.key_press(Key::Escape);
    world.harness.run();
    assert!(!has_dialog(&world), "the second one the form");
}

#[test]
fn the_token_that_is_looked_at_stays_though_the_list_moves() {
    let mut world = at(Route::Stations, world::signed_in(Role::Admin));
    world.harness.get_by_role_and_label(Handle::Tab, "Tokens 2").click();
    world.harness.run();
    let rows = |world: &World| {
        world.harness.query_all_by_role(Handle::ListItem).map(|row| row.accesskit_node().label().unwrap()).collect::<Vec<_>>()
    };
    let rows = rows(&world);
    choose(&mut world, &rows[0]);
    world.publish(|model| {
        let slice = Arc::make_mut(&mut model.stations);
        let mut list = (**slice.list.value().unwrap()).clone();
        list.tokens.rotate_right(1);
        slice.list = Remote::Ready(Arc::new(list));
    });
    let mask = rows[0].split(", ").nth(1).unwrap();
    assert!(says(&world, mask), "the details are still those of {}", rows[0]);
}
