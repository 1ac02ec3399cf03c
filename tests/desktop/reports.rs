//! The reports screen: search, open, find what failed, with keys or fingers.

use std::sync::Arc;

use andon::client::*;
use andon::desktop::Route;
use andon::desktop::theme::Tone;
use andon::domain::connection::{Connection, Trouble};
use andon::domain::instance::Application;
use eframe::egui::{Key, OutputCommand, accesskit};
use egui_kittest::kittest::{NodeT, Queryable};
use uuid::Uuid;

use super::stage::{DESK, PANEL, Stage, options};
use super::{golden, line};

fn model(list: Remote<ReportPage>) -> Model {
    let mut model = line::model(Application::Configurator, line::picture());
    Arc::make_mut(&mut model.reports).list = list;
    model
}

fn full() -> Model {
    model(Remote::Ready(Arc::new(line::page())))
}

fn opened(report: OpenReport) -> Model {
    let mut model = full();
    Arc::make_mut(&mut model.reports).open = Some((Uuid::from_u128(3), Remote::Ready(Arc::new(report))));
    model
}

fn shown(model: Model) -> Stage {
    Stage::new(DESK, Route::Reports, model)
}

fn shows(stage: &Stage, words: &str) -> bool {
    stage.harness.query_all_by_label_contains(words).next().is_some()
}

fn press(stage: &mut Stage, key: Key) {
    stage.harness.key_press(key);
    stage.harness.run_steps(2);
}

#[test]
fn the_first_page_is_asked_for_once() {
    let mut stage = shown(model(Remote::Idle));
    assert_eq!(stage.commands(), [Command::Reports(ReportsCommand::List(ReportQuery::default()))]);
    assert!(shows(&stage, "Reading the list"));
}

#[test]
fn the_newest_page_follows_the_line_at_a_bounded_rate() {
    let mut stage = shown(full());
    stage.harness.run_steps(2);
    stage.commands();
    let asks_in_five_seconds = |stage: &mut Stage| {
        stage.harness.run_steps(20);
        stage.commands()
    };
    assert_eq!(asks_in_five_seconds(&mut stage), [], "nothing new");
    let one_more = |model: &mut Model| Arc::make_mut(&mut model.queue).delivered += 1;
    stage.publish(one_more);
    assert_eq!(asks_in_five_seconds(&mut stage), [Command::Reports(ReportsCommand::List(ReportQuery::default()))]);
    stage.publish(|model| Arc::make_mut(&mut model.reports).query.page = 1);
    stage.publish(one_more);
    assert_eq!(asks_in_five_seconds(&mut stage), [], "an older page stays as it is");
    stage.publish(|model| {
        Arc::make_mut(&mut model.reports).query.page = 0;
        Arc::make_mut(&mut model.connection).state = Connection::Offline(Trouble::Unreachable);
    });
    assert_eq!(asks_in_five_seconds(&mut stage), [], "nobody asks while the server is away");
    stage.publish(|model| Arc::make_mut(&mut model.connection).state = Connection::Connected);
    assert_eq!(asks_in_five_seconds(&mut stage).len(), 1, "the server is back");
}

#[test]
fn a_search_is_sent_once_after_the_last_key() {
    let mut stage = shown(full());
    stage.commands();
    let field = stage.harness.get_by_role_and_label(accesskit::Role::SearchInput, "Serial number, part or station");
    field.focus();
    field.type_text("SN2603");
    stage.harness.run_steps(6);
    let query = ReportQuery { text: "SN2603".to_owned(), ..ReportQuery::default() };
    assert_eq!(stage.commands(), [Command::Reports(ReportsCommand::List(query))]);
}

#[test]
fn only_failed_and_older_ask_for_their_page() {
    let mut stage = shown(full());
    stage.commands();
    stage.harness.get_by_label("Only failed").click();
    stage.harness.run_steps(2);
    let query = ReportQuery { only_failed: true, ..ReportQuery::default() };
    assert_eq!(stage.commands(), [Command::Reports(ReportsCommand::List(query))]);
    stage.harness.get_by_label("Older").click();
    stage.harness.run_steps(2);
    let query = ReportQuery { page: 1, ..ReportQuery::default() };
    assert_eq!(stage.commands(), [Command::Reports(ReportsCommand::List(query))]);
    assert!(stage.harness.get_by_label("Newer").accesskit_node().is_disabled());
}

#[test]
fn arrows_choose_a_report_and_enter_opens_it() {
    let mut stage = shown(full());
    stage.commands();
    press(&mut stage, Key::ArrowDown);
    press(&mut stage, Key::ArrowDown);
    press(&mut stage, Key::ArrowUp);
    press(&mut stage, Key::Enter);
    assert_eq!(stage.commands(), [Command::Reports(ReportsCommand::Open(line::page().rows[1].id))]);
}

#[test]
fn a_pressed_row_opens() {
    let mut stage = shown(full());
    stage.commands();
    stage.harness.get_by_label_contains("SN260319397").click();
    stage.harness.run_steps(2);
    assert_eq!(stage.commands(), [Command::Reports(ReportsCommand::Open(line::page().rows[3].id))]);
}

#[test]
fn an_open_report_stands_on_its_first_failure() {
    let stage = shown(opened(line::report(40, 30)));
    assert!(shows(&stage, "Supply voltage rail 2 48.91 V 47.50 ≤ x ≤ 48.50 Failed"));
    assert!(shows(&stage, "1 failure"));
    assert!(shows(&stage, "The status says otherwise than the limits"));
}

#[test]
fn the_tree_folds_with_the_keys() {
    let mut stage = shown(opened(line::report(2, 3)));
    assert!(shows(&stage, "47.50 ≤ x"));
    press(&mut stage, Key::Home);
    press(&mut stage, Key::ArrowLeft);
    assert!(!shows(&stage, "47.50 ≤ x"), "folded at the root");
    press(&mut stage, Key::ArrowRight);
    assert!(shows(&stage, "47.50 ≤ x"));
    press(&mut stage, Key::ArrowLeft);
    press(&mut stage, Key::N);
    assert!(shows(&stage, "48.91 V"), "the way to the failure unfolds");
}

#[test]
fn keys_work_on_after_a_row_was_pressed() {
    let mut stage = shown(opened(line::report(40, 30)));
    press(&mut stage, Key::Home);
    stage.harness.get_by_role_and_label(accesskit::Role::ListItem, "MainSequence Failed").click();
    stage.harness.run_steps(2);
    press(&mut stage, Key::ArrowDown);
    press(&mut stage, Key::N);
    assert!(shows(&stage, "48.91 V"));
    stage.commands();
    press(&mut stage, Key::Escape);
    assert_eq!(stage.commands(), [Command::Reports(ReportsCommand::Close)]);
}

#[test]
fn escape_leads_back_to_the_list() {
    let mut stage = shown(opened(line::report(2, 3)));
    stage.commands();
    press(&mut stage, Key::Escape);
    assert_eq!(stage.commands(), [Command::Reports(ReportsCommand::Close)]);
}

#[test]
fn the_source_is_copied_as_it_came() {
    let report = line::report(2, 3);
    let source = report.source.to_string();
    let mut stage = shown(opened(report));
    stage.harness.get_by_label("Source").click();
    stage.harness.run_steps(2);
    assert!(shows(&stage, "\"stepType\": \"ET_NLT\","), "broken into lines for reading");
    stage.harness.get_by_label("Copy source").click();
    stage.harness.step();
    let copied = stage.harness.output().platform_output.commands.iter().any(|command| *command == OutputCommand::CopyText(source.clone()));
    assert!(copied, "{:?}", stage.harness.output().platform_output.commands);
}

#[test]
fn fifty_thousand_steps_are_drawn_only_where_they_are_seen() {
    let mut stage = shown(opened(line::report(500, 99)));
    let rows = |stage: &Stage| stage.harness.query_all_by_role(accesskit::Role::ListItem).count();
    assert!((10..60).contains(&rows(&stage)), "{} rows", rows(&stage));
    press(&mut stage, Key::End);
    assert!(shows(&stage, "Versions"));
    assert!((10..60).contains(&rows(&stage)), "{} rows", rows(&stage));
}

#[test]
fn an_empty_list_says_what_to_do() {
    let nothing = || Remote::Ready(Arc::new(ReportPage { rows: Vec::new(), page: 0, has_more: false }));
    assert!(shows(&shown(model(nothing())), "No reports yet"));
    let mut searched = model(nothing());
    Arc::make_mut(&mut searched.reports).query.text = "xyz".to_owned();
    assert!(shows(&shown(searched), "No report matches"));
    let failed = model(Remote::Failed(Explanation::new("busy"), None));
    assert!(!shows(&shown(failed), "No reports yet"));
}

#[test]
fn a_failed_refresh_keeps_the_rows_and_says_why() {
    let error = Explanation::new("busy");
    let stage = shown(model(Remote::Failed(error.clone(), Some(Arc::new(line::page())))));
    assert!(shows(&stage, "SN260319397"));
    assert!(shows(&stage, &error.what(&andon::support::language::Language::english())));
}

#[test]
fn the_reports_say_and_look_as_they_did() {
    golden::text("reports", &shown(full()).harness);
    golden::text("report", &shown(opened(line::report(3, 4))).harness);
    golden::picture("reports-panel", PANEL, full(), options(Route::Reports, Tone::Dark));
    golden::picture("report-desk", DESK, opened(line::report(5, 6)), options(Route::Reports, Tone::Dark));
}
