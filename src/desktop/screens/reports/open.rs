//! One report: what it is about on top, then its steps, its facts, or its source.

use std::sync::Arc;

use eframe::egui::{Button, Key, Label, Rect, Ui, UiBuilder, pos2, vec2};
use uuid::Uuid;

use super::facts;
use super::source::Source;
use super::steps::Steps;
use crate::client::OpenReport;
use crate::desktop::action::Action;
use crate::desktop::scene::Scene;
use crate::desktop::theme::{Text, Weight};
use crate::desktop::widgets::button;
use crate::desktop::widgets::sign::{self, Sign};
use crate::domain::report::Header;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Steps,
    Facts,
    Source,
}

/// The open report and what is kept of it between frames.
#[derive(Default)]
pub(super) struct Open {
    report: Option<(Uuid, Arc<OpenReport>)>,
    tab: Tab,
    steps: Steps,
    source: Source,
}

/// Wide enough for the facts to stand beside the steps.
const WIDE: f32 = 1000.0;
const FACTS_WIDTH: f32 = 320.0;

impl Open {
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, id: Uuid, report: &Arc<OpenReport>) {
        self.take(id, report);
        let wide = ui.available_width() >= WIDE && !scene.is_panel();
        if wide && self.tab == Tab::Facts {
            self.tab = Tab::Steps;
        }
        ui.horizontal(|ui| {
            if button::secondary(ui, scene.theme, scene.text("reports.back"), true).clicked() {
                super::close(scene);
            }
            headline(ui, scene, &report.report.header);
            if scene.is_panel() {
                self.tabs(ui, scene, wide);
            }
        });
        if !scene.is_panel() {
            ui.horizontal(|ui| self.tabs(ui, scene, wide));
        }
        ui.add_space(4.0);
        let area = ui.available_rect_before_wrap();
        let side = if wide { FACTS_WIDTH + scene.theme.sizes.gap } else { 0.0 };
        let main = Rect::from_min_max(area.min, pos2(area.right() - side, area.bottom()));
        ui.scope_builder(UiBuilder::new().max_rect(main), |ui| match self.tab {
            Tab::Steps => self.steps.ui(ui, scene, &report.report),
            Tab::Facts => facts::facts(ui, scene, &report.report),
            Tab::Source => self.source.ui(ui, scene),
        });
        if wide {
            let beside = Rect::from_min_max(pos2(area.right() - FACTS_WIDTH, area.top()), area.max);
            ui.scope_builder(UiBuilder::new().max_rect(beside), |ui| facts::facts(ui, scene, &report.report));
        }
    }

    /// Prepares what a newly opened report needs, once.
    fn take(&mut self, id: Uuid, report: &Arc<OpenReport>) {
        if self.report.as_ref().is_some_and(|(known, held)| *known == id && Arc::ptr_eq(held, report)) {
            return;
        }
        if self.report.as_ref().is_none_or(|(known, _)| *known != id) {
            self.tab = Tab::Steps;
        }
        self.steps = Steps::new(&report.report);
        self.source = Source::new(report.source.clone());
        self.report = Some((id, report.clone()));
    }

    fn tabs(&mut self, ui: &mut Ui, scene: &Scene<'_>, wide: bool) {
        let theme = scene.theme;
        let findings = self.report.as_ref().map_or(0, |(_, report)| report.report.findings.len() as u64);
        let facts = match findings {
            n if n == 0 || scene.is_panel() => scene.text("reports.tab.facts").to_owned(),
            n => format!("{} · {}", scene.text("reports.tab.facts"), scene.count("reports.findings", n)),
        };
        let all = [
            (Tab::Steps, scene.text("reports.tab.steps").to_owned()),
            (Tab::Facts, facts),
            (Tab::Source, scene.text("reports.tab.source").to_owned()),
        ];
        for (tab, words) in all.into_iter().filter(|(tab, _)| !wide || *tab != Tab::Facts) {
            let choice = Button::selectable(self.tab == tab, theme.body(words)).min_size(vec2(0.0, theme.sizes.touch));
            if ui.add(choice).clicked() {
                self.tab = tab;
            }
        }
        ui.add_space(theme.sizes.gap);
        match self.tab {
            Tab::Steps => self.failures(ui, scene),
            Tab::Source => {
                if button::secondary(ui, theme, scene.text("reports.copy_source"), true).clicked() {
                    scene.ask(Action::Copy(self.source.original().to_owned()));
                }
            }
            Tab::Facts => {}
        }
    }

    fn failures(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let failures = self.steps.failures() as u64;
        if failures == 0 {
            return;
        }
        let pressed = button::secondary(ui, scene.theme, scene.text("reports.next_failure"), true).clicked();
        let key = !ui.text_edit_focused() && ui.input(|input| input.key_pressed(Key::N));
        if pressed || key {
            self.steps.next_failure();
        }
        if scene.is_panel() {
            return;
        }
        ui.label(scene.theme.words(scene.count("reports.failures", failures), Text::Body, Weight::Medium, scene.theme.color.crit));
    }
}

/// Result, serial number and part, in one line.
fn headline(ui: &mut Ui, scene: &Scene<'_>, header: &Header) {
    let theme = scene.theme;
    let sign = Sign::of(header.result);
    ui.add_space(8.0);
    sign::show(ui, theme, sign, theme.sizes.title * 0.8);
    let result = scene.text(crate::desktop::screens::status_key(header.result));
    if scene.is_panel() {
        ui.add_sized(vec2(300.0, theme.sizes.title), Label::new(theme.title(&header.serial_number)).truncate());
        return;
    }
    ui.label(theme.words(result, Text::Title, Weight::SemiBold, sign.ink(theme)));
    ui.add_space(8.0);
    ui.label(theme.title(&header.serial_number));
    ui.add(Label::new(theme.words(&header.part_number, Text::Title, Weight::Regular, theme.color.text2)).truncate());
}
