//! What asks before it acts, and what each act becomes.

use std::sync::Arc;

use andon::client::*;
use andon::desktop::theme::Tone;
use andon::desktop::{Options, Route};
use andon::domain::access::Role;
use andon::domain::instance::{Application, InstanceId};
use andon::domain::tunnel::TunnelSettings;
use eframe::egui::Key;
use eframe::egui::accesskit::Role as Handle;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use uuid::Uuid;

use super::world::{self, DESK, World};

fn world_at(route: Route, model: Model) -> World {
    World::with(DESK, model, Options { route: Some(route), ..world::options(Tone::Dark) })
}

fn press(world: &mut World, label: &str) {
    world.harness.get_by_role_and_label(Handle::Button, label).click();
    world.harness.run();
}

/// Of two buttons of one name, the one in the dialog: it comes later.
fn press_last(world: &mut World, label: &str) {
    let button = world.harness.get_all_by_role_and_label(Handle::Button, label).last().unwrap();
    button.click();
    world.harness.run();
}

fn choose(world: &mut World, row: &str) -> Uuid {
    world.harness.get_by_role_and_label(Handle::ListBoxOption, row).click();
    world.harness.run();
    let commands = world.commands();
    let [Command::Queue(QueueCommand::History(id))] = commands[..] else { panic!("{commands:?}") };
    id
}

fn queue(commands: Vec<Command>) -> Vec<QueueCommand> {
    commands.into_iter().filter_map(|command| if let Command::Queue(command) = command { Some(command) } else { None }).collect()
}

#[test]
fn enter_without_reading_deletes_nothing() {
    let mut world = world_at(Route::Queue, world::signed_in(Role::Admin));
    choose(&mut world, "SN260319398, Waiting");
    press(&mut world, "Delete");
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert!(world.harness.query_by_role(Handle::Dialog).is_none(), "answered");
    assert_eq!(queue(world.commands()), [], "with no");
}

#[test]
fn a_report_is_deleted_only_after_a_yes() {
    let mut world = world_at(Route::Queue, world::signed_in(Role::Admin));
    let id = choose(&mut world, "SN260319398, Waiting");
    press(&mut world, "Delete");
    let sentence = "1 report will be deleted from this PC and not sent. This cannot be undone.";
    assert!(world.harness.query_by_label(sentence).is_some());
    world.harness.key_press(Key::Escape);
    world.harness.run();
    assert!(world.harness.query_by_label(sentence).is_none());
    assert_eq!(queue(world.commands()), []);
    press(&mut world, "Delete");
    press_last(&mut world, "Delete");
    assert_eq!(queue(world.commands()), [QueueCommand::Delete(vec![id])]);
}

#[test]
fn sending_to_another_server_names_both() {
    let mut world = world_at(Route::Queue, world::signed_in(Role::Admin));
    let id = choose(&mut world, "SN260319395, Other server");
    press(&mut world, "Send to this server");
    assert!(world.harness.query_by_label("1 report was accepted for line-b. It will be sent to line-a instead.").is_some());
    press(&mut world, "Send");
    assert_eq!(queue(world.commands()), [QueueCommand::Release(vec![id])]);
}

#[test]
fn an_export_asks_for_a_folder() {
    let mut world = world_at(Route::Queue, world::signed_in(Role::Operator));
    let id = choose(&mut world, "SN260319399, Waiting");
    press(&mut world, "Export");
    let button = world.harness.get_all_by_role_and_label(Handle::Button, "Export").last().unwrap();
    assert!(button.accesskit_node().is_disabled(), "no folder yet");
    world.harness.get_by_role_and_label(Handle::TextInput, "Folder").focus();
    world.harness.run();
    world.harness.get_by_role_and_label(Handle::TextInput, "Folder").type_text("/media/stick");
    world.harness.run();
    press_last(&mut world, "Export");
    assert_eq!(queue(world.commands()), [QueueCommand::Export { ids: vec![id], folder: "/media/stick".into() }]);
}

#[test]
fn an_export_whose_reports_were_delivered_meanwhile_writes_nothing_and_says_so() {
    let mut world = world_at(Route::Queue, world::signed_in(Role::Operator));
    let id = choose(&mut world, "SN260319399, Waiting");
    press(&mut world, "Export");
    world.harness.get_by_role_and_label(Handle::TextInput, "Folder").focus();
    world.harness.run();
    world.harness.get_by_role_and_label(Handle::TextInput, "Folder").type_text("/media/stick");
    world.harness.run();
    world.publish(|model| {
        let queue = Arc::make_mut(&mut model.queue);
        queue.rows = Arc::new(queue.rows.iter().filter(|row| row.id != id).cloned().collect());
    });
    let sentence = "The reports that were chosen are not in this list any more. There is nothing to write.";
    assert!(world.harness.query_by_label(sentence).is_some());
    assert!(world.harness.get_all_by_role_and_label(Handle::Button, "Export").last().unwrap().accesskit_node().is_disabled());
    press_last(&mut world, "Export");
    assert_eq!(queue(world.commands()), []);
}

#[test]
fn tabs_and_plain_acts_of_the_queue_are_asked_for_at_once() {
    let mut world = world_at(Route::Queue, world::signed_in(Role::Operator));
    press(&mut world, "Send now");
    let id = choose_after(&mut world, QueueCommand::SendNow, "SN260319397, Tries again");
    press(&mut world, "Retry");
    assert_eq!(queue(world.commands()), [QueueCommand::Retry(vec![id])]);
    world.harness.get_by_role_and_label(Handle::Tab, "Refused 2").click();
    world.harness.run();
    assert_eq!(queue(world.commands()), [QueueCommand::Show(QueueFilter::Quarantined)]);
    world.publish(|model| model.queue = Arc::new(world::queue(QueueFilter::Quarantined)));
    press(&mut world, "Retry all");
    assert_eq!(queue(world.commands()), [QueueCommand::RetryAllQuarantined]);
}

fn choose_after(world: &mut World, before: QueueCommand, row: &str) -> Uuid {
    assert_eq!(queue(world.commands()), [before]);
    choose(world, row)
}

#[test]
fn trouble_of_the_queue_comes_with_what_to_do_on_every_display() {
    for size in [super::world::DESK, super::world::PANEL] {
        let world = World::with(size, world::broken(world::signed_in(Role::Operator)), world::at(Route::Queue));
        let told = "The queue is 91 % full. Check why reports are not delivered. A full queue takes no more reports.";
        assert!(world.harness.query_by_label(told).is_some(), "{size:?}: {}", super::goldens::tree(&world.harness));
    }
}

#[test]
fn a_station_alone_looks_at_the_queue_and_changes_nothing() {
    let mut world = world_at(Route::Queue, world::signed_in(Role::Station));
    choose(&mut world, "SN260319399, Waiting");
    for label in ["Send now", "Retry", "Export", "Delete"] {
        assert!(world.harness.get_by_role_and_label(Handle::Button, label).accesskit_node().is_disabled(), "{label}");
    }
}

#[test]
fn an_operator_may_not_delete_reports() {
    let mut world = world_at(Route::Queue, world::signed_in(Role::Operator));
    choose(&mut world, "SN260319399, Waiting");
    assert!(world.harness.get_by_role_and_label(Handle::Button, "Delete").accesskit_node().is_disabled());
}

#[test]
fn five_hundred_rows_draw_only_those_in_sight() {
    let mut model = world::signed_in(Role::Operator);
    model.queue = Arc::new(world::queue(QueueFilter::Delivered));
    let world = world_at(Route::Queue, model);
    let rows = world.harness.query_all_by_role(Handle::ListBoxOption).count();
    assert!((5..40).contains(&rows), "{rows}");
}

#[test]
fn signing_the_station_out_says_what_becomes_of_the_queue() {
    let mut world = world_at(Route::Connection, world::signed_in(Role::Operator));
    press(&mut world, "Sign this station out");
    let sentence = "Somebody has to sign in again before reports can be sent. 12 reports stay waiting on this PC.";
    assert!(world.harness.query_by_label(sentence).is_some());
    press(&mut world, "Cancel");
    assert!(!world.commands().contains(&Command::Session(SessionCommand::SignOut)));
    press(&mut world, "Sign this station out");
    press_last(&mut world, "Sign this station out");
    assert!(world.commands().contains(&Command::Session(SessionCommand::SignOut)));
}

#[test]
fn a_health_interval_out_of_range_is_refused_at_the_field() {
    let mut world = world_at(Route::Connection, world::signed_in(Role::Admin));
    let mut set = |text: &str| {
        world.harness.get_by_role_and_label(Handle::TextInput, "Seconds between checks").focus();
        world.harness.run();
        world.harness.key_press_modifiers(eframe::egui::Modifiers::COMMAND, Key::A);
        world.harness.run();
        world.harness.get_by_role_and_label(Handle::TextInput, "Seconds between checks").type_text(text);
        world.harness.run();
        world.harness.key_press(Key::Tab);
        world.harness.run();
        let refused = world.harness.query_by_label("Choose 5 to 3600 seconds.").is_some();
        (refused, world.commands().into_iter().filter(|command| matches!(command, Command::Connection(_))).collect::<Vec<_>>())
    };
    assert_eq!(set("4"), (true, vec![]));
    assert_eq!(set("3601"), (true, vec![]));
    assert_eq!(set("60"), (false, vec![Command::Connection(ConnectionCommand::SetHealthInterval { secs: 60 })]));
}

#[test]
fn reconnecting_is_one_press() {
    let mut world = world_at(Route::Connection, world::offline(world::signed_in(Role::Operator)));
    press(&mut world, "Reconnect");
    assert!(world.commands().contains(&Command::Connection(ConnectionCommand::CheckNow)));
}

#[test]
fn a_station_that_vanishes_takes_the_question_about_it_along() {
    let mut world = world_at(Route::Instances, world::signed_in(Role::Admin));
    let instances = |commands: Vec<Command>| commands.into_iter().any(|command| matches!(command, Command::Instances(_)));
    for act in ["Delete", "Rename"] {
        world.publish(|model| model.instances = Arc::new(world::instances()));
        world.harness.run();
        world.harness.get_by_role_and_label(Handle::ListBoxOption, "Leak tester").click();
        world.harness.run();
        press(&mut world, act);
        world.publish(|model| Arc::make_mut(&mut model.instances).list.retain(|instance| instance.name != "Leak tester"));
        world.harness.run();
        if act == "Delete" {
            assert!(world.harness.query_by_role(Handle::Dialog).is_none(), "it asks about another one");
            assert!(!instances(world.commands()));
        } else {
            press_last(&mut world, "Save");
            let leak_tester = InstanceId::parse("leak-tester").unwrap();
            let renamed = world.commands();
            let meant =
                |command: &Command| matches!(command, Command::Instances(InstancesCommand::Rename { id, .. }) if *id == leak_tester);
            assert!(renamed.iter().any(meant), "{renamed:?}");
        }
    }
}

#[test]
fn stations_are_made_named_copied_opened_and_deleted() {
    let mut world = world_at(Route::Instances, world::signed_in(Role::Admin));
    let instances = |world: &mut World| -> Vec<InstancesCommand> {
        world
            .commands()
            .into_iter()
            .filter_map(|command| if let Command::Instances(command) = command { Some(command) } else { None })
            .collect()
    };
    let id = InstanceId::parse("leak-tester").unwrap();
    press(&mut world, "New station");
    world.harness.get_by_role_and_label(Handle::TextInput, "Name").focus();
    world.harness.run();
    world.harness.get_by_role_and_label(Handle::TextInput, "Name").type_text("Line B");
    world.harness.run();
    press(&mut world, "Create");
    let created =
        InstancesCommand::Create { name: "Line B".to_owned(), application: Application::Configurator, template: "station".to_owned() };
    assert_eq!(instances(&mut world), [created]);
    world.harness.get_by_role_and_label(Handle::ListBoxOption, "Leak tester").click();
    world.harness.run();
    press(&mut world, "Duplicate");
    press(&mut world, "Save");
    assert_eq!(instances(&mut world), [InstancesCommand::Duplicate { id: id.clone(), name: "Leak tester copy".to_owned() }]);
    press(&mut world, "Make default");
    press(&mut world, "Open");
    assert_eq!(instances(&mut world), [InstancesCommand::MakeDefault(id.clone()), InstancesCommand::Open(id.clone())]);
    press(&mut world, "Delete");
    press_last(&mut world, "Delete");
    assert_eq!(instances(&mut world), [InstancesCommand::Delete { id: id.clone(), with_reports: false }]);
    press(&mut world, "Delete");
    world.harness.get_by_label("Also delete reports, audit entries and chat messages that were not sent yet").click();
    world.harness.run();
    press_last(&mut world, "Delete");
    assert_eq!(instances(&mut world), [InstancesCommand::Delete { id, with_reports: true }]);
}

#[test]
fn the_open_station_and_one_in_use_elsewhere_cannot_be_deleted() {
    for name in ["Line A - End of line", "Line A - Television"] {
        let mut world = world_at(Route::Instances, world::signed_in(Role::Admin));
        world.harness.get_by_role_and_label(Handle::ListBoxOption, name).click();
        world.harness.run();
        assert!(world.harness.get_by_role_and_label(Handle::Button, "Delete").accesskit_node().is_disabled(), "{name}");
    }
}

#[test]
fn long_work_shows_how_far_it_is_and_can_be_cancelled() {
    let mut model = world::signed_in(Role::Operator);
    Arc::make_mut(&mut model.queue).busy = Some(Progress { what: "Exporting 500 reports".to_owned(), done: 0.4, can_cancel: true });
    let mut world = world_at(Route::Queue, model);
    assert!(world.harness.query_by_role_and_label(Handle::Meter, "Exporting 500 reports").is_some());
    press(&mut world, "Cancel");
    assert_eq!(queue(world.commands()), [QueueCommand::Cancel]);
}

#[test]
fn a_panel_shows_the_history_of_the_one_report_chosen() {
    let options = Options { route: Some(Route::Queue), ..world::options(Tone::Dark) };
    let mut world = World::with(super::world::PANEL, world::signed_in(Role::Operator), options);
    let off = |world: &World| world.harness.get_by_label("History").accesskit_node().is_disabled();
    assert!(off(&world), "none is chosen");
    world.harness.get_by_label("SN260319400, Sending").click();
    world.harness.run();
    world.commands();
    world.harness.get_by_label("History").click();
    world.harness.run();
    assert_eq!(world.commands(), [Command::Queue(QueueCommand::History(world::row(0, QueueFilter::Pending).id))]);
    world.harness.get_by_label("SN260319399, Waiting").click();
    world.harness.run();
    assert!(off(&world), "two are chosen");
}

#[test]
fn a_long_act_is_named_in_words() {
    for (route, words) in [(Route::Queue, "Exporting reports"), (Route::Instances, "Copying the station")] {
        let mut model = world::signed_in(Role::Superuser);
        let busy = |what: &str| Some(Progress { what: what.to_owned(), done: 0.4, can_cancel: true });
        Arc::make_mut(&mut model.queue).busy = busy("queue.exporting");
        Arc::make_mut(&mut model.instances).busy = busy("instances.copying");
        let options = Options { route: Some(route), ..world::options(Tone::Dark) };
        let world = World::with(DESK, model, options);
        assert!(world.harness.query_by_role_and_label(Handle::Label, words).is_some(), "{route:?}");
    }
}

#[test]
fn every_dialog_fits_a_panel() {
    let user = "j.kowalska, ";
    let cases: [(Route, &[&str], &str); 13] = [
        (Route::Instances, &["New station"], "Create"),
        (Route::Instances, &["Rename"], "Save"),
        (Route::Queue, &["SN260319400, Sending", "Export"], "Export"),
        (Route::Users, &["New user"], "Make the account"),
        (Route::Users, &[user, "Change role"], "Change role"),
        (Route::Users, &[user, "Set password"], "Set password"),
        (Route::Users, &[user, "Disable"], "Disable"),
        (Route::Stations, &["Tokens 2", "New token"], "Make the token"),
        (Route::Audit, &["Export"], "Export"),
        (Route::Me, &["Change password"], "Change password"),
        (Route::Me, &["Sign out everywhere"], "Sign out everywhere"),
        (Route::Connection, &["Sign this station out"], "Sign this station out"),
        (Route::Connection, &["Set up"], "Save"),
    ];
    for (route, presses, yes) in cases {
        let options = Options { route: Some(route), ..world::options(Tone::Dark) };
        let mut world = World::with(super::world::PANEL, world::signed_in(Role::Superuser), options);
        for name in presses {
            let button = |world: &World| world.harness.query_all_by_role_and_label(Handle::Button, name).count() > 0;
            let find = |world: &World, act: fn(egui_kittest::Node<'_>)| match button(world) {
                true => act(world.harness.query_all_by_role_and_label(Handle::Button, name).last().unwrap()),
                false => act(world.harness.query_all_by_label_contains(name).next().unwrap_or_else(|| panic!("{route:?}: {name}"))),
            };
            find(&world, |node| node.scroll_to_me());
            world.harness.run();
            find(&world, |node| node.click());
            world.harness.run();
        }
        let yes = world.harness.get_all_by_role_and_label(Handle::Button, yes).last().unwrap().rect();
        assert!(yes.bottom() <= 400.0 && yes.top() >= 0.0, "{presses:?}: {yes:?}");
    }
}

#[test]
fn a_panel_says_why_a_sign_in_failed_where_it_can_be_seen() {
    let mut model = world::signed_out();
    Arc::make_mut(&mut model.session).sign_in_error = Some(Explanation::new("server_unreachable"));
    Arc::make_mut(&mut model.session).server_url = "http://10.0.0.9:8440".to_owned();
    let world = World::new(super::world::PANEL, model);
    let said = world.harness.get_by_label("The server does not answer.").rect();
    assert!(said.bottom() <= 400.0, "{said:?}");
}

fn tunnel(world: &mut World) -> Vec<TunnelCommand> {
    let commands = world.commands().into_iter();
    commands.filter_map(|command| if let Command::Tunnel(command) = command { Some(command) } else { None }).collect()
}

fn type_into(world: &mut World, field: &str, text: &str) {
    world.harness.get_by_role_and_label(Handle::TextInput, field).focus();
    world.harness.run();
    world.harness.key_press_modifiers(eframe::egui::Modifiers::COMMAND, Key::A);
    world.harness.run();
    world.harness.get_by_role_and_label(Handle::TextInput, field).type_text(text);
    world.harness.run();
}

#[test]
fn a_tunnel_is_set_up_by_keyboard_once_every_field_can_be_used() {
    let mut world = world_at(Route::Connection, world::signed_in(Role::Admin));
    press(&mut world, "Set up");
    press(&mut world, "Save");
    assert_eq!(tunnel(&mut world), []);
    assert!(world.harness.query_by_label("Type a name or an address.").is_some());
    type_into(&mut world, "SSH server", "gate.plant");
    type_into(&mut world, "User there", "line-a");
    type_into(&mut world, "Key file", "/keys/line-a");
    type_into(&mut world, "Its port", "99999");
    press(&mut world, "Test");
    assert_eq!(tunnel(&mut world), []);
    assert!(world.harness.query_by_label("Choose 1 to 65535.").is_some());
    type_into(&mut world, "Its port", "2222");
    press(&mut world, "Test");
    let settings = TunnelSettings {
        enabled: true,
        host: "gate.plant".to_owned(),
        port: 2222,
        user: "line-a".to_owned(),
        key_file: "/keys/line-a".into(),
        ..TunnelSettings::default()
    };
    assert_eq!(tunnel(&mut world), [TunnelCommand::Test { settings: settings.clone(), passphrase: None }]);
    type_into(&mut world, "The server's port", "8441");
    world.harness.key_press(Key::Enter);
    world.harness.run();
    let settings = TunnelSettings { remote_port: 8441, ..settings };
    assert_eq!(tunnel(&mut world), [TunnelCommand::Save { settings, passphrase: None }]);
}

#[test]
fn another_host_key_is_trusted_only_after_a_yes_to_both_fingerprints() {
    let (_, changed) = world::tunnel_states().pop().unwrap();
    let (known, found) = world::prints();
    let mut world = world_at(Route::Connection, world::tunnelled(world::signed_in(Role::Admin), changed));
    press(&mut world, "Trust the new key");
    let asked = super::goldens::tree(&world.harness);
    assert!(asked.contains(&known) && asked.contains(&found), "{asked}");
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!(tunnel(&mut world), [], "Enter without reading trusts nobody");
    press(&mut world, "Trust the new key");
    press_last(&mut world, "Trust the new key");
    assert_eq!(tunnel(&mut world), [TunnelCommand::TrustHostKey { fingerprint: found }]);
    press(&mut world, "Try again");
    assert_eq!(tunnel(&mut world), [TunnelCommand::Retry]);
}

#[test]
fn who_may_not_change_a_tunnel_sees_it_only_where_there_is_one() {
    let mut world = world_at(Route::Connection, world::signed_in(Role::Operator));
    assert!(world.harness.query_by_label("SSH tunnel").is_none());
    let (_, up) = world::tunnel_states().remove(0);
    world.publish(|model| *model = world::tunnelled(world::signed_in(Role::Operator), up));
    assert!(world.harness.get_by_role_and_label(Handle::Button, "Change").accesskit_node().is_disabled());
}
