//! The offline queue: what waits, what was refused and why, what arrived; and what a person can do about each.

mod acts;
mod history;
mod table;

use std::collections::BTreeSet;

use eframe::egui::{Align, Label, Layout, Ui, vec2};
use uuid::Uuid;

use crate::client::{Command, QueueCommand, QueueFilter};
use crate::desktop::theme::{Text, space};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{card, empty, progress, tabs};
use crate::desktop::{Scene, format, words};

/// Above this part of its bound the queue says so.
const NEARLY_FULL: f32 = 0.8;

#[derive(Default)]
pub struct Queue {
    selected: BTreeSet<Uuid>,
    asking: Option<acts::Asking>,
    export_folder: String,
}

const FILTERS: [QueueFilter; 3] = [QueueFilter::Pending, QueueFilter::Quarantined, QueueFilter::Delivered];

impl Queue {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let queue = &scene.model.queue;
        self.selected.retain(|id| queue.rows.iter().any(|row| row.id == *id));
        self.head(ui, scene);
        bound(ui, scene);
        if let Some(busy) = &queue.busy {
            let cancel = busy.can_cancel.then(|| scene.text("shell.cancel"));
            if progress::progress(ui, scene.theme, scene.text(&busy.what), busy.done, cancel) {
                scene.run(Command::Queue(QueueCommand::Cancel));
            }
        }
        if queue.rows.is_empty() {
            let (what, next) = nothing(queue.filter);
            empty::empty(ui, scene.theme, scene.text(what), scene.text(next));
        } else {
            self.body(ui, scene);
        }
        self.questions(ui, scene);
    }

    fn head(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let queue = &scene.model.queue;
        let counts = [queue.pending(), queue.quarantined, queue.delivered];
        let keys = ["queue.waiting", "queue.refused", "queue.delivered"];
        let labels: Vec<String> = keys.iter().zip(counts).map(|(key, n)| format!("{} {}", scene.text(key), format::count(n))).collect();
        ui.horizontal(|ui| {
            let chosen = FILTERS.iter().position(|filter| *filter == queue.filter).unwrap_or(0);
            if let Some(pressed) = tabs::tabs(ui, scene.theme, &labels, chosen) {
                self.selected.clear();
                scene.run(Command::Queue(QueueCommand::Show(FILTERS[pressed])));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.general(ui, scene));
        });
    }

    fn body(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let history = scene.model.queue.history.as_ref();
        let stacked = history.is_some() && (scene.is_panel() || ui.available_width() <= 900.0);
        if !stacked {
            self.toolbar(ui, scene);
        }
        let room = ui.available_size();
        let side = if history.is_some() && !stacked { (room.x * 0.34).min(460.0) } else { 0.0 };
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = theme.sizes.gap;
            if !stacked {
                let width = if side > 0.0 { room.x - side - theme.sizes.gap } else { room.x };
                ui.allocate_ui_with_layout(vec2(width, room.y), Layout::top_down(Align::Min), |ui| self.table(ui, scene));
            }
            if let Some((id, events)) = history {
                let width = if stacked { room.x } else { side };
                ui.allocate_ui_with_layout(vec2(width, room.y), Layout::top_down(Align::Min), |ui| {
                    history::history(ui, scene, *id, events)
                });
            }
        });
    }
}

fn nothing(filter: QueueFilter) -> (&'static str, &'static str) {
    match filter {
        QueueFilter::Pending => ("queue.empty_waiting", "queue.empty_waiting_next"),
        QueueFilter::Quarantined => ("queue.empty_refused", "queue.empty_refused_next"),
        QueueFilter::Delivered => ("queue.empty_delivered", "queue.empty_delivered_next"),
    }
}

/// How full the queue is; loud from four fifths on, and loudest when it cannot keep anything more.
fn bound(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    let queue = &scene.model.queue;
    let full = queue.fullness();
    let warns = full >= NEARLY_FULL;
    if scene.is_panel() && !warns && queue.trouble.is_none() {
        return;
    }
    if !scene.is_panel() || queue.trouble.is_none() {
        room(ui, scene, full, warns);
    }
    if let Some(trouble) = &queue.trouble {
        card::row(ui, theme, Text::Table, |ui| {
            sign::show(ui, theme, words::queue_sign(trouble), theme.sizes.body * 1.2);
            let said = format!("{} {}", scene.what(trouble), scene.remedy(trouble));
            ui.add(Label::new(theme.body(said)).wrap());
        });
    }
    ui.add_space(space::XS);
}

fn room(ui: &mut Ui, scene: &Scene<'_>, full: f32, warns: bool) {
    let theme = scene.theme;
    let queue = &scene.model.queue;
    card::row(ui, theme, Text::Table, |ui| {
        let kept = queue.pending() + queue.quarantined;
        let values =
            [format::count(kept), format::count(queue.limit_reports), format::bytes(queue.bytes), format::bytes(queue.limit_bytes)];
        let words =
            scene.fill("queue.room", &[("n", &values[0]), ("limit", &values[1]), ("bytes", &values[2]), ("limit_bytes", &values[3])]);
        let color = if warns { theme.color.warn } else { theme.color.data };
        progress::bar(ui, theme, scene.text("queue.fullness"), (full, color), 160.0);
        ui.label(theme.label(words));
        if warns && queue.trouble.is_none() {
            sign::show(ui, theme, Sign::Warning, theme.sizes.body * 1.2);
            ui.label(theme.body(scene.text("queue.nearly_full")));
        }
    });
}
