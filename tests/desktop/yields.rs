//! The yield screen: what it says of good days, bad days and no days.

use std::sync::Arc;

use andon::client::*;
use andon::desktop::Route;
use andon::desktop::theme::Tone;
use andon::domain::access::Role;
use andon::domain::connection::{Connection, Trouble};
use andon::domain::instance::Application;
use andon::domain::report::Status;
use chrono::TimeDelta;
use eframe::egui::{Key, accesskit};
use egui_kittest::kittest::Queryable;

use super::stage::{DESK, PANEL, Stage, WALL, options};
use super::{golden, line};

fn desk(picture: YieldPicture) -> Stage {
    at(DESK, line::model(Application::Configurator, picture))
}

fn at(size: (f32, f32), model: Model) -> Stage {
    let mut stage = Stage::new(size, Route::Yield, model);
    stage.commands();
    stage
}

fn says(stage: &Stage, words: &str) {
    assert!(stage.harness.query_all_by_label_contains(words).next().is_some(), "nothing says {words:?}");
}

#[test]
fn a_line_below_its_target_says_so() {
    let stage = desk(line::picture());
    says(&stage, "First pass yield 96.6 %, Below target 98.0");
    says(&stage, "Units 1\u{202f}244");
    says(&stage, "Last pass 99.7 %");
    says(&stage, "Leak test: 18");
    golden::text("yield-desk", &stage.harness);
}

#[test]
fn every_state_of_a_line_has_its_own_words() {
    let mut stage = desk(line::picture());
    let mut show = |picture: YieldPicture, words: &str| {
        stage.publish(|model| Arc::make_mut(&mut model.yields).picture = Remote::Ready(Arc::new(picture)));
        says(&stage, words);
    };
    let picture = line::picture;
    show(YieldPicture { total: line::kpis(1240, 1244), ..picture() }, "99.7 %, On target 98.0");
    show(YieldPicture { total: line::kpis(27, 29), ..picture() }, "93.1 %, Too few units: 29 of 30");
    show(YieldPicture { target: None, ..picture() }, "96.6 %, No target set");
    show(YieldPicture { last_report: Some(line::now() - TimeDelta::minutes(131)), ..picture() }, "No data since 11:51");
    show(YieldPicture { last_report: Some(line::now() - TimeDelta::hours(30)), ..picture() }, "No data since 2026-03-09 08:02");
    show(line::nothing(), "First pass yield – , No reports yet");
}

#[test]
fn forty_five_of_fifty_is_not_called_below_95_percent() {
    let stage = desk(YieldPicture { total: line::kpis(45, 50), target: Some(0.95), ..line::picture() });
    says(&stage, "90.0 %, On target 95.0");
}

#[test]
fn a_line_without_its_server_keeps_its_last_picture_and_its_age() {
    let mut stage = desk(line::picture());
    stage.publish(|model| {
        Arc::make_mut(&mut model.connection).state = Connection::Offline(Trouble::Unreachable);
        let yields = Arc::make_mut(&mut model.yields);
        let old = YieldPicture { as_of: line::now() - TimeDelta::minutes(11), ..line::picture() };
        yields.picture = Remote::Failed(Explanation::new("busy"), Some(Arc::new(old)));
    });
    says(&stage, "Below target 98.0, as of 13:51, offline");
}

#[test]
fn a_picture_that_nobody_renews_is_not_called_fresh() {
    let mut stage = desk(line::picture());
    stage.publish(|model| {
        let old = YieldPicture { as_of: line::now() - TimeDelta::minutes(11), ..line::picture() };
        Arc::make_mut(&mut model.yields).picture = Remote::Ready(Arc::new(old));
    });
    says(&stage, "as of 13:51");
}

#[test]
fn without_any_picture_the_screen_says_what_happens_next() {
    let mut model = line::model(Application::Configurator, line::picture());
    model.yields = Arc::default();
    let mut stage = at(DESK, model);
    says(&stage, "No yield yet");
    stage.publish(|model| Arc::make_mut(&mut model.yields).picture = Remote::Failed(Explanation::new("busy"), None));
    assert!(stage.harness.query_all_by_label_contains("No yield yet").next().is_none());
}

#[test]
fn choosing_a_period_or_a_process_asks_for_it() {
    let mut stage = desk(line::picture());
    stage.harness.get_by_label("Today").click();
    stage.harness.run_steps(2);
    let query = YieldQuery { period: Period::Today, ..YieldQuery::default() };
    assert_eq!(stage.commands(), [Command::Yields(YieldsCommand::Watch(query))]);
    stage.harness.get_by_label("Process").click();
    stage.harness.run_steps(2);
    stage.harness.get_by_label("100 End of line test").click();
    stage.harness.run_steps(2);
    let query = YieldQuery { process: "100".to_owned(), ..YieldQuery::default() };
    assert_eq!(stage.commands(), [Command::Yields(YieldsCommand::Watch(query))]);
}

#[test]
fn a_target_is_set_by_those_who_may_and_only_to_a_percentage() {
    let person = |role| {
        let mut model = line::model(Application::Configurator, line::picture());
        let session = Arc::make_mut(&mut model.session);
        session.station.as_mut().unwrap().has_roles = true;
        session.person = Some(Person { name: "M. Nowak".to_owned(), role, since: line::now(), offline: false });
        at(DESK, model)
    };
    assert!(person(Role::Operator).harness.query_by_label("Target 98.0 %").is_none());
    let mut stage = person(Role::Admin);
    stage.harness.get_by_label("Target 98.0 %").click();
    stage.harness.run_steps(2);
    let field = || accesskit::Role::TextInput;
    stage.harness.get_by_role_and_label(field(), "Target in percent").focus();
    stage.harness.run_steps(1);
    stage.harness.key_press_modifiers(eframe::egui::Modifiers::COMMAND, Key::A);
    stage.harness.get_by_role_and_label(field(), "Target in percent").type_text("120");
    stage.harness.run_steps(2);
    says(&stage, "Give a number above 0 and up to 100.");
    stage.harness.key_press_modifiers(eframe::egui::Modifiers::COMMAND, Key::A);
    stage.harness.get_by_role_and_label(field(), "Target in percent").type_text("97,5");
    stage.harness.run_steps(2);
    stage.harness.get_by_label("Save").click();
    stage.harness.run_steps(2);
    assert_eq!(stage.commands(), [Command::Yields(YieldsCommand::SetTarget(Some(0.975)))]);
}

#[test]
fn a_recent_report_opens_when_it_is_pressed() {
    let mut stage = desk(line::picture());
    stage.harness.get_by_label_contains("SN260319397").click();
    stage.harness.run_steps(2);
    assert_eq!(stage.harness.state().route(), Some(Route::Reports));
    assert_eq!(stage.commands().first(), Some(&Command::Reports(ReportsCommand::Open(line::header(3, Status::Failed).id))));
}

#[test]
fn nothing_is_drawn_again_while_nothing_changes() {
    let mut stage = at(WALL, line::model(Application::YieldMonitor, line::picture()));
    stage.harness.run_steps(2);
    let output = stage.harness.output();
    let next = output.viewport_output.values().map(|viewport| viewport.repaint_delay).min().unwrap();
    assert!(next >= std::time::Duration::from_millis(900), "only the clock ticks, not {next:?}");
}

#[test]
fn the_monitor_shows_the_line_and_no_controls() {
    let stage = at(WALL, line::model(Application::YieldMonitor, line::picture()));
    says(&stage, "Below target 98.0");
    assert!(stage.harness.query_by_label("Today").is_none());
    golden::text("yield-wall", &stage.harness);
}

#[test]
fn the_yield_looks_as_it_was_drawn() {
    let model = |application| line::model(application, line::picture());
    golden::picture("yield-wall", WALL, model(Application::YieldMonitor), options(Route::Yield, Tone::Dark));
    golden::picture("yield-panel", PANEL, model(Application::PressurePanel), options(Route::Yield, Tone::Dark));
    golden::picture("yield-desk-light", DESK, model(Application::Configurator), options(Route::Yield, Tone::Light));
}

#[test]
fn long_words_are_cut_and_move_nothing() {
    let mut picture = line::picture();
    let names = ["Dichtheitsprüfung der Gehäuseunterseite nach dem Verschrauben", "Sprawdzenie szczelności obudowy po zakręceniu śrub"];
    for (row, name) in picture.pareto.iter_mut().zip(names) {
        row.step = name.to_owned();
    }
    picture.recent[0].serial_number = "SN-".to_owned() + &"0123456789".repeat(8);
    picture.recent[0].part_number = "Hydraulikventilbaugruppe-".repeat(4);
    picture.total = line::kpis(1_234_567, 1_334_567);
    let stage = desk(picture.clone());
    says(&stage, names[1]);
    golden::picture("yield-long-words", DESK, line::model(Application::Configurator, picture), options(Route::Yield, Tone::Dark));
}
