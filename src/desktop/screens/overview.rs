//! Everything at a glance, each thing a door to its own screen: what is well stays grey, what needs somebody stands first.

use eframe::egui::{Label, Margin, ScrollArea, Stroke, Ui};

use super::status_key;
use crate::client::{WatchedFolder, YieldPicture};
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{card, field};
use crate::desktop::{Action, Route, Scene, format, words};
use crate::domain::yields::{Verdict, judge};

#[derive(Default)]
pub struct Overview;

impl Overview {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = scene.theme.sizes.gap;
            problems(ui, scene);
            let height = if scene.is_panel() { 156.0 } else { 216.0 };
            field::columns(ui, scene.theme, 3, |i, ui| match i {
                0 => yield_now(ui, scene, height),
                1 => connection(ui, scene, height),
                _ => queue(ui, scene, height),
            });
            let wide = ui.available_width() > 900.0;
            field::columns(ui, scene.theme, if wide { 2 } else { 1 }, |i, ui| match i {
                0 => {
                    last_reports(ui, scene);
                    if !wide {
                        ui.add_space(scene.theme.sizes.gap - 8.0);
                        folders(ui, scene);
                    }
                }
                _ => folders(ui, scene),
            });
        });
    }
}

/// What was found wrong at start, and what keeps the queue from working.
fn problems(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    let model = scene.model;
    let found = model.instances.problems.iter().map(|problem| (Sign::Warning, problem));
    for (shape, problem) in found.chain(model.queue.trouble.iter().map(|trouble| (words::queue_sign(trouble), trouble))) {
        let frame = card::frame(theme).stroke(Stroke::new(2.0, shape.ink(theme))).inner_margin(Margin::same(12));
        frame.show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.horizontal_top(|ui| {
                sign::show(ui, theme, shape, theme.sizes.body * 1.4);
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    ui.add(Label::new(theme.words(scene.what(problem), Text::Body, Weight::SemiBold, theme.color.text1)).wrap());
                    ui.add(Label::new(theme.label(scene.remedy(problem))).wrap());
                });
            });
        });
    }
}

fn door(ui: &mut Ui, scene: &Scene<'_>, route: Route, height: f32, contents: impl FnOnce(&mut Ui)) {
    let title = scene.text(match route {
        Route::Yield => "overview.yield",
        Route::Queue => "overview.queue",
        Route::Reports => "overview.reports",
        _ => "overview.connection",
    });
    if Route::visible(scene.application, &scene.model.session).contains(&route) {
        if card::door(ui, scene.theme, title, height, contents).clicked() {
            scene.ask(Action::Go(route));
        }
    } else {
        card::card(ui, scene.theme, title, |ui| {
            ui.set_min_height(height);
            contents(ui);
        });
    }
}

fn yield_now(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
    door(ui, scene, Route::Yield, height, |ui| match scene.model.yields.picture.value().filter(|picture| picture.total.units > 0) {
        Some(picture) => verdict(ui, scene, picture),
        None => {
            let key = if scene.model.yields.picture.error().is_some() { "overview.yield_unknown" } else { "overview.yield_none" };
            ui.add(Label::new(scene.theme.label(scene.text(key))).wrap());
        }
    });
}

fn verdict(ui: &mut Ui, scene: &Scene<'_>, picture: &YieldPicture) {
    let theme = scene.theme;
    let c = theme.color;
    let size = if scene.is_panel() { theme.sizes.kpi } else { theme.sizes.hero };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let number = format::percent(picture.total.fpy());
        ui.label(theme.words(number, Text::Hero, Weight::Bold, c.text1).size(size));
        ui.label(theme.words("%", Text::Kpi, Weight::Medium, c.text2).size(size * 0.5));
    });
    let target = format::percent(picture.target);
    let (sign, key) = match judge(&picture.total, picture.target) {
        Verdict::OnTarget => (Sign::Normal, "overview.on_target"),
        Verdict::BelowTarget => (Sign::Warning, "overview.below_target"),
        Verdict::TooFewUnits => (Sign::Nothing, "overview.too_few"),
        Verdict::NoTarget => (Sign::Nothing, "overview.no_target"),
    };
    state(ui, scene, sign, &scene.fill(key, &[("target", &target)]));
    if !scene.is_panel() {
        ui.label(theme.label(scene.count("overview.units", picture.total.units)));
    }
}

/// A sign and its word.
fn state(ui: &mut Ui, scene: &Scene<'_>, sign: Sign, words: &str) {
    card::row(ui, scene.theme, Text::Body, |ui| {
        sign::show(ui, scene.theme, sign, scene.theme.sizes.body * 1.1);
        let ink = if matches!(sign, Sign::Normal | Sign::Connected | Sign::Nothing | Sign::Busy(_)) {
            scene.theme.color.text1
        } else {
            sign.ink(scene.theme)
        };
        ui.add(Label::new(scene.theme.words(words, Text::Body, Weight::SemiBold, ink)).truncate());
    });
}

/// A whole sentence is never cut.
fn warning(ui: &mut Ui, scene: &Scene<'_>, words: &str) {
    let theme = scene.theme;
    ui.horizontal_top(|ui| {
        sign::show(ui, theme, Sign::Warning, theme.sizes.body * 1.1);
        ui.add(Label::new(theme.words(words, Text::Body, Weight::SemiBold, Sign::Warning.ink(theme))).wrap());
    });
}

fn connection(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
    let connection = &scene.model.connection;
    door(ui, scene, Route::Connection, height, |ui| {
        let look = words::connection_look(scene);
        state(ui, scene, look.sign, &look.words);
        let theme = scene.theme;
        if scene.is_panel() {
            ui.add(Label::new(theme.label(scene.model.session.server_url.as_str())).truncate());
            return;
        }
        card::fact(ui, theme, scene.text("overview.server"), &scene.model.session.server_url);
        card::fact(ui, theme, scene.text("overview.since"), &scene.moment(connection.since));
        card::fact(ui, theme, scene.text("overview.last_contact"), &scene.ago(connection.last_contact));
        if let Some(words) = words::clock_warning(scene) {
            warning(ui, scene, &words);
        }
    });
}

fn queue(ui: &mut Ui, scene: &Scene<'_>, height: f32) {
    let queue = &scene.model.queue;
    let theme = scene.theme;
    door(ui, scene, Route::Queue, height, |ui| {
        ui.horizontal(|ui| {
            ui.label(theme.words(format::count(queue.pending()), Text::Kpi, Weight::Bold, theme.color.text1));
            ui.label(theme.label(scene.text("overview.waiting")));
        });
        if queue.quarantined > 0 {
            state(ui, scene, Sign::Warning, &scene.count("shell.quarantined", queue.quarantined));
        } else {
            state(ui, scene, Sign::Normal, scene.text("overview.none_refused"));
        }
        if !scene.is_panel() {
            let oldest = if queue.pending() == 0 { format::NOTHING.to_owned() } else { scene.ago(queue.oldest_waiting) };
            card::fact(ui, theme, scene.text("overview.oldest"), &oldest);
            card::fact(ui, theme, scene.text("overview.last_delivery"), &scene.ago(queue.last_delivery));
        }
        if queue.for_other_server > 0 {
            state(ui, scene, Sign::Warning, &scene.count("overview.foreign", queue.for_other_server));
        }
    });
}

fn last_reports(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    door(ui, scene, Route::Reports, 236.0, |ui| {
        let recent = scene.model.yields.picture.value().map_or(&[][..], |picture| &picture.recent);
        if recent.is_empty() {
            ui.add(Label::new(theme.label(scene.text("overview.no_reports"))).wrap());
        }
        for header in recent.iter().take(6) {
            card::row(ui, theme, Text::Table, |ui| {
                sign::show(ui, theme, Sign::of(header.result), theme.sizes.body);
                let when = scene.zone.clock(header.start_utc());
                ui.label(theme.words(when, Text::Body, Weight::Regular, theme.color.text2));
                ui.label(theme.words(header.serial_number.as_str(), Text::Body, Weight::Medium, theme.color.text1));
                let rest = format!("{} · {}", scene.text(status_key(header.result)), header.part_number);
                ui.add(Label::new(theme.label(rest)).truncate());
            });
        }
    });
}

fn folders(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    card::card(ui, theme, scene.text("overview.folders"), |ui| {
        ui.set_min_height(201.0);
        if scene.model.converters.folders.is_empty() {
            ui.add(Label::new(theme.label(scene.text("overview.no_folders"))).wrap());
        }
        for folder in &scene.model.converters.folders {
            watched(ui, scene, folder);
        }
    });
}

fn watched(ui: &mut Ui, scene: &Scene<'_>, folder: &WatchedFolder) {
    let theme = scene.theme;
    ui.add(Label::new(theme.words(folder.path.as_str(), Text::Body, Weight::Medium, theme.color.text1)).truncate());
    if let Some(trouble) = &folder.trouble {
        warning(ui, scene, &scene.what(trouble));
        ui.add(Label::new(theme.label(scene.remedy(trouble))).wrap());
    } else if !folder.enabled {
        state(ui, scene, Sign::Nothing, scene.text("overview.folder_off"));
    }
    let numbers =
        [("n", format::count(folder.converted)), ("bad", format::count(folder.rejected)), ("waiting", format::count(folder.waiting_files))];
    let numbers: Vec<(&str, &str)> = numbers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    ui.label(theme.label(scene.fill("overview.folder_counts", &numbers)));
    if !folder.last_file.is_empty() {
        let last = scene.fill("overview.last_file", &[("file", &folder.last_file), ("ago", &scene.ago(folder.last_at))]);
        ui.add(Label::new(theme.label(last)).truncate());
    }
    ui.add_space(space::S);
}
