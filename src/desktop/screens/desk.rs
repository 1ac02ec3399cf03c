//! What the screens about persons share: when to ask anew, how old a list is, why nothing can be changed, how a form ends.

use chrono::{DateTime, Utc};
use eframe::egui::{Align, Label, Layout, Ui, vec2};

use crate::client::{Acts, Command, Explanation, Remote};
use crate::desktop::Scene;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{button, card, dialog, empty};
use crate::domain::connection::Connection;

/// A list that is looked at is asked for again after this, and sooner where the last answer was none.
const FOLLOW_SECS: f64 = 30.0;
const AGAIN_SECS: f64 = 5.0;

/// When a list was asked for.
#[derive(Default)]
pub(super) struct Asking {
    at: Option<f64>,
    /// Nothing was known when it was looked at last: a list that is forgotten is asked for at once.
    idle: bool,
}

impl Asking {
    /// Asks at first, and then from time to time, while the server is there.
    pub(super) fn ask<T>(&mut self, ui: &Ui, scene: &Scene<'_>, list: &Remote<T>, command: impl FnOnce() -> Command) {
        if !is_online(scene) {
            return;
        }
        let now = ui.input(|input| input.time);
        let wait = match list {
            Remote::Loading(_) => f64::INFINITY,
            Remote::Ready(_) => FOLLOW_SECS,
            Remote::Idle | Remote::Failed(..) => AGAIN_SECS,
        };
        let idle = matches!(list, Remote::Idle);
        let forgotten = idle && !std::mem::replace(&mut self.idle, idle);
        if forgotten || now - *self.at.get_or_insert(now) >= wait {
            self.at = Some(now);
            scene.run(command());
        }
    }
}

pub(super) fn is_online(scene: &Scene<'_>) -> bool {
    scene.model.connection.state == Connection::Connected
}

/// Why nothing can be changed just now, whatever it is.
pub(super) fn obstacle<'a>(scene: &Scene<'a>, acts: &Acts) -> Option<&'a str> {
    match () {
        () if !is_online(scene) => Some(scene.text("desk.offline")),
        () if acts.running => Some(scene.text("desk.busy")),
        () => None,
    }
}

/// Says what a list on the screen is worth, where it is not fresh. Answers whether it is to be drawn pale.
pub(super) fn freshness<T>(ui: &mut Ui, scene: &Scene<'_>, list: &Remote<T>, as_of: DateTime<Utc>) -> bool {
    let online = is_online(scene);
    ui.scope(|ui| freshness_ui(ui, scene, (list, online), as_of));
    !online
}

fn freshness_ui<T>(ui: &mut Ui, scene: &Scene<'_>, (list, online): (&Remote<T>, bool), as_of: DateTime<Utc>) {
    if !online {
        let words = scene.fill("desk.as_of_offline", &[("ago", &scene.ago(Some(as_of)))]);
        mark(ui, scene, Sign::Offline, &words);
    } else if let Some(error) = list.error() {
        let words = scene.fill("desk.as_of_failed", &[("what", &scene.what(error)), ("ago", &scene.ago(Some(as_of)))]);
        mark(ui, scene, Sign::Fault, &words);
    }
}

fn mark(ui: &mut Ui, scene: &Scene<'_>, shape: Sign, words: &str) {
    let theme = scene.theme;
    card::row(ui, theme, Text::Body, |ui| {
        sign::show(ui, theme, shape, theme.sizes.body * 1.1);
        ui.add(Label::new(theme.words(words, Text::Body, Weight::Medium, shape.ink(theme))).truncate());
    });
}

/// What stands in place of a list that was never read.
pub(super) fn unread<T>(ui: &mut Ui, scene: &Scene<'_>, list: &Remote<T>) {
    let theme = scene.theme;
    match list.error() {
        _ if !is_online(scene) => empty::empty(ui, theme, scene.text("desk.never.what"), scene.text("desk.never.next")),
        Some(error) => empty::empty(ui, theme, &scene.what(error), &scene.remedy(error)),
        None => {
            ui.horizontal(|ui| {
                sign::show(ui, theme, Sign::busy(ui.input(|input| input.time)), theme.sizes.body);
                ui.label(theme.label(scene.text("desk.loading")));
            });
            ui.request_repaint_after(sign::BUSY_STEP);
        }
    }
}

/// A list on the left and what was chosen in it on the right.
pub(super) fn halves<L>(
    ui: &mut Ui,
    scene: &Scene<'_>,
    state: &mut L,
    left: impl FnOnce(&mut L, &mut Ui),
    right: impl FnOnce(&mut L, &mut Ui),
) {
    let room = ui.available_size();
    let gap = scene.theme.sizes.gap;
    let side = (room.x * if scene.is_panel() { 0.5 } else { 0.36 }).clamp(300.0, 640.0);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        let width = room.x - side - gap;
        ui.allocate_ui_with_layout(vec2(width, room.y), Layout::top_down(Align::Min), |ui| {
            ui.set_width(width);
            left(state, ui);
        });
        ui.allocate_ui_with_layout(vec2(side, room.y), Layout::top_down(Align::Min), |ui| {
            ui.set_width(side);
            right(state, ui);
        });
    });
}

/// A button, and why it cannot be pressed where it cannot.
pub(super) fn act(ui: &mut Ui, scene: &Scene<'_>, key: &'static str, obstacle: Option<&str>) -> bool {
    let response = button::secondary(ui, scene.theme, scene.text(key), obstacle.is_none());
    match obstacle {
        Some(reason) => response.on_disabled_hover_text(scene.theme.body(reason)).clicked(),
        None => response.clicked(),
    }
}

/// The reasons why some of the buttons above cannot be pressed, each once: nobody hovers on a touched display.
pub(super) fn reasons(ui: &mut Ui, scene: &Scene<'_>, reasons: &[Option<&str>]) {
    let mut said: Vec<&str> = Vec::new();
    ui.scope(|ui| {
        for reason in reasons.iter().flatten() {
            if !said.contains(reason) {
                said.push(reason);
                ui.add(Label::new(scene.theme.hint(*reason)).wrap());
            }
        }
    });
}

/// A form whose act is on its way.
#[derive(Default)]
pub(super) struct Sending(Option<u64>);

pub(super) enum Outcome<'a> {
    Open,
    Busy,
    Refused(&'a Explanation),
    Done,
}

impl Sending {
    pub(super) fn sent(&mut self, acts: &Acts) {
        self.0 = Some(acts.settled);
    }

    pub(super) fn outcome<'a>(&self, acts: &'a Acts) -> Outcome<'a> {
        match (self.0, &acts.refused) {
            (None, _) => Outcome::Open,
            (Some(before), _) if acts.settled <= before => Outcome::Busy,
            (Some(_), Some(refused)) => Outcome::Refused(refused),
            (Some(_), None) => Outcome::Done,
        }
    }
}

/// What a form ends with: why the last try was refused, and its two answers. It is not sent twice, and can always be left: how an act that
/// is on its way ended, a notice tells.
pub(super) fn form_end(ui: &mut Ui, scene: &Scene<'_>, (sending, acts): (&Sending, &Acts), yes: &str, ready: bool) -> Option<bool> {
    let theme = scene.theme;
    let outcome = sending.outcome(acts);
    let online = is_online(scene);
    // A place of its own, so that what comes and goes in it changes nothing about the buttons below.
    ui.scope(|ui| {
        if let Outcome::Refused(refused) = &outcome {
            ui.horizontal_top(|ui| {
                sign::show(ui, theme, Sign::Critical, theme.sizes.body * 1.2);
                let words = format!("{} {}", scene.what(refused), scene.remedy(refused));
                ui.add(Label::new(theme.words(words, Text::Body, Weight::Medium, theme.color.crit)).wrap());
            });
        }
        if !online {
            ui.add(Label::new(theme.hint(scene.text("desk.offline"))).wrap());
        }
    });
    ui.add_space(space::S);
    let busy = matches!(outcome, Outcome::Busy);
    let answer = dialog::buttons(ui, theme, yes, scene.text("shell.cancel"), (ready && online && !busy, false));
    answer.filter(|yes| !(busy && *yes))
}
