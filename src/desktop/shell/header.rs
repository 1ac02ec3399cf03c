//! The line at the top: which station, what needs somebody, how the server is, who is here, and the time.

use std::sync::Arc;

use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{Align, Galley, Label, Layout, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use super::RADIUS_SMALL;
use super::person::person;
use crate::desktop::action::Action;
use crate::desktop::route::Route;
use crate::desktop::scene::Scene;
use crate::desktop::theme::{Display, Text, Weight, space};
use crate::desktop::widgets::icon::{self, Icon};
use crate::desktop::widgets::sign::Sign;
use crate::desktop::widgets::{badge, button};
use crate::desktop::words;
use crate::domain::instance::Application;

pub(super) fn header(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            clock(ui, scene);
            person(ui, scene);
            connection(ui, scene);
            quarantine(ui, scene);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                if scene.application == Application::YieldMonitor && burger(ui, scene).clicked() {
                    scene.ask(Action::ToggleRail);
                }
                let name = station_name(scene).unwrap_or(scene.text("app.name"));
                let text = if theme.display == Display::Wall { Text::Title } else { Text::Table };
                let mark = scene.model.line.simulated.then(|| {
                    let font = theme.font(Text::Small, Weight::Medium);
                    ui.painter().layout_no_wrap(scene.text("app.simulated").to_owned(), font, theme.color.text2)
                });
                ui.scope(|ui| {
                    let taken = mark.as_ref().map_or(0.0, |mark| mark.size().x + 16.0 + space::M);
                    ui.set_max_width((ui.available_width() - taken).max(0.0));
                    ui.add(Label::new(theme.words(name, text, Weight::SemiBold, theme.color.text1)).truncate());
                });
                if let Some(mark) = mark {
                    simulated(ui, scene, mark);
                }
            });
        });
    });
}

/// What people call the station that is open.
pub fn station_name<'a>(scene: &Scene<'a>) -> Option<&'a str> {
    let instances = &scene.model.instances;
    let current = instances.current.as_ref()?;
    instances.list.iter().find(|instance| instance.id == *current).map(|instance| instance.name.as_str())
}

/// Framed, so that nobody takes the numbers for a real line's.
fn simulated(ui: &mut Ui, scene: &Scene<'_>, words: Arc<Galley>) {
    let c = scene.theme.color;
    let (rect, response) = ui.allocate_exact_size(words.size() + vec2(16.0, 4.0), Sense::empty());
    response.widget_info(|| WidgetInfo::labeled(Handle::Label, true, scene.text("app.simulated")));
    ui.painter().rect_stroke(rect, RADIUS_SMALL, Stroke::new(1.0, c.control), StrokeKind::Inside);
    ui.painter().galley(rect.min + vec2(8.0, 2.0), words, c.text2);
}

fn burger(ui: &mut Ui, scene: &Scene<'_>) -> Response {
    let (rect, response) =
        ui.allocate_exact_size(vec2(scene.theme.sizes.touch, scene.theme.sizes.touch.min(ui.available_height())), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Handle::Button, true, scene.text("shell.screens")));
    icon::paint(ui.painter(), Rect::from_center_size(rect.center(), rect.size() * 0.5), Icon::Menu, scene.theme.color.text2);
    button::focus_ring(ui, scene.theme, &response);
    response
}

/// Ticks each second: a screen that stands still is seen to stand still.
fn clock(ui: &mut Ui, scene: &Scene<'_>) {
    let words = scene.zone.clock(scene.now);
    let text = if scene.theme.display == Display::Wall { Text::Title } else { Text::Table };
    ui.label(scene.theme.words(words, text, Weight::SemiBold, scene.theme.color.text1));
}

fn connection(ui: &mut Ui, scene: &Scene<'_>) {
    let look = words::connection_look(scene);
    if badge::badge(ui, scene.theme, &look).clicked() {
        scene.ask(Action::Go(Route::Connection));
    }
}

/// Reports that need a person are said on every screen.
fn quarantine(ui: &mut Ui, scene: &Scene<'_>) {
    let queue = &scene.model.queue;
    let words = match (queue.quarantined, &queue.trouble) {
        (0, None) => return,
        (0, Some(_)) => scene.text("shell.queue_trouble").to_owned(),
        (n, _) => scene.count("shell.quarantined", n),
    };
    if badge::mark(ui, scene.theme, Sign::Warning, &words).clicked() {
        scene.ask(Action::Go(Route::Queue));
    }
}
