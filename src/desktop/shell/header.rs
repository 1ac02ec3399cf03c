//! The line at the top: which station, what needs somebody, how the server is, who is here, and the time.

use std::sync::Arc;

use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{Align, Galley, Label, Layout, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use super::RADIUS_SMALL;
use super::person::person;
use crate::desktop::action::Action;
use crate::desktop::route::Route;
use crate::desktop::scene::Scene;
use crate::desktop::theme::{Display, Text, Theme, Weight, space};
use crate::desktop::widgets::badge::{self, Look, Tint};
use crate::desktop::widgets::button;
use crate::desktop::widgets::icon::{self, Icon};
use crate::desktop::widgets::sign::Sign;
use crate::desktop::words;
use crate::domain::instance::Application;

/// What is left to the station's name whatever else the line has to say, in heights of its letters.
const LEAST_NAME: f32 = 6.5;

pub(super) fn header(ui: &mut Ui, scene: &Scene<'_>) {
    let marks = Marks::of(ui, scene);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            clock(ui, scene);
            let room = ui.available_width() - marks.width(ui, scene);
            person(ui, scene, room);
            if badge::badge(ui, scene.theme, &marks.connection).clicked() {
                scene.ask(Action::Go(Route::Connection));
            }
            if marks.quarantine.as_ref().is_some_and(|look| badge::mark(ui, scene.theme, look).clicked()) {
                scene.ask(Action::Go(Route::Queue));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| station(ui, scene, marks));
        });
    });
}

/// What stands between the station's name and the person.
struct Marks {
    name: Arc<Galley>,
    simulated: Option<Arc<Galley>>,
    quarantine: Option<Look>,
    connection: Look,
}

impl Marks {
    fn of(ui: &Ui, scene: &Scene<'_>) -> Marks {
        let theme = scene.theme;
        let layout = |words: &str, font, ink| ui.painter().layout_no_wrap(words.to_owned(), font, ink);
        let font = theme.font(name_size(theme), Weight::SemiBold);
        Marks {
            name: layout(station_name(scene).unwrap_or(scene.text("app.name")), font, theme.color.text1),
            simulated: (scene.model.line.simulated)
                .then(|| layout(scene.text("app.simulated"), theme.font(Text::Small, Weight::Medium), theme.color.text2)),
            quarantine: quarantine(scene),
            connection: words::connection_look(scene),
        }
    }

    fn simulated_width(&self) -> f32 {
        self.simulated.as_ref().map_or(0.0, |words| words.size().x + 16.0 + space::M)
    }

    /// Of all of them and the gaps after them, with as much of the station's name as is always shown.
    fn width(&self, ui: &Ui, scene: &Scene<'_>) -> f32 {
        let theme = scene.theme;
        let least = theme.sizes.text(name_size(theme)) * LEAST_NAME;
        let burger = if scene.application == Application::YieldMonitor { theme.sizes.touch + space::M } else { 0.0 };
        let quarantine = self.quarantine.as_ref().map_or(0.0, |look| badge::width(ui, theme, look) + space::M);
        let connection = badge::width(ui, theme, &self.connection) + space::M;
        burger + self.name.size().x.min(least) + space::M + self.simulated_width() + quarantine + connection
    }
}

fn name_size(theme: &Theme) -> Text {
    if theme.display == Display::Wall { Text::Title } else { Text::Table }
}

fn station(ui: &mut Ui, scene: &Scene<'_>, marks: Marks) {
    let theme = scene.theme;
    if scene.application == Application::YieldMonitor && burger(ui, scene).clicked() {
        scene.ask(Action::ToggleRail);
    }
    ui.scope(|ui| {
        ui.set_max_width((ui.available_width() - marks.simulated_width()).max(0.0));
        ui.add(Label::new(theme.words(marks.name.text(), name_size(theme), Weight::SemiBold, theme.color.text1)).truncate());
    });
    if let Some(words) = marks.simulated {
        simulated(ui, scene, words);
    }
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

/// Reports that need a person are said on every screen.
fn quarantine(scene: &Scene<'_>) -> Option<Look> {
    let queue = &scene.model.queue;
    let words = match (queue.quarantined, &queue.trouble) {
        (0, None) => return None,
        (0, Some(_)) => scene.text("shell.queue_trouble").to_owned(),
        (n, _) => scene.count("shell.quarantined", n),
    };
    Some(Look { sign: Sign::Warning, words, aside: String::new(), tint: Tint::Outlined })
}
