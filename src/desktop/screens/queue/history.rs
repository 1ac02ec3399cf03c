//! What happened to one report, oldest first.

use eframe::egui::{Align, Label, Layout, ScrollArea, Ui};
use uuid::Uuid;

use crate::client::{Command, QueueCommand, QueueEvent, QueueHappening};
use crate::desktop::Scene;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{button, card};

pub(super) fn history(ui: &mut Ui, scene: &Scene<'_>, id: Uuid, events: &[QueueEvent]) {
    let theme = scene.theme;
    let row = scene.model.queue.rows.iter().find(|row| row.id == id);
    card::frame(theme).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        ui.horizontal(|ui| {
            let title = row.map_or(scene.text("queue.history"), |row| row.serial_number.as_str());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if button::secondary(ui, theme, scene.text("queue.close_history"), true).clicked() {
                    scene.run(Command::Queue(QueueCommand::CloseHistory));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(Label::new(theme.words(title, Text::Table, Weight::SemiBold, theme.color.text1)).truncate());
                });
            });
        });
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            if let Some(row) = row {
                card::fact(ui, theme, scene.text("queue.col_part"), &row.part_number);
                card::fact(ui, theme, scene.text("queue.col_source"), &row.source);
                card::fact(ui, theme, scene.text("queue.for_server"), &row.server_id);
                card::fact(ui, theme, scene.text("queue.report_id"), &row.id.to_string());
                ui.add_space(space::S);
            }
            for event in events {
                line(ui, scene, event);
            }
        });
    });
}

fn line(ui: &mut Ui, scene: &Scene<'_>, event: &QueueEvent) {
    let theme = scene.theme;
    let (shape, key) = match event.what {
        QueueHappening::Accepted => (Sign::Normal, "queue.event_accepted"),
        QueueHappening::Replaced => (Sign::Normal, "queue.event_replaced"),
        QueueHappening::Tried => (Sign::Nothing, "queue.event_tried"),
        QueueHappening::Delivered => (Sign::Passed, "queue.event_delivered"),
        QueueHappening::Quarantined => (Sign::Warning, "queue.event_refused"),
        QueueHappening::Retried => (Sign::Normal, "queue.event_retried"),
        QueueHappening::Released => (Sign::Normal, "queue.event_released"),
    };
    ui.horizontal_top(|ui| {
        sign::show(ui, theme, shape, theme.sizes.body * 1.1);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            card::row(ui, theme, Text::Body, |ui| {
                ui.label(theme.words(scene.text(key), Text::Body, Weight::Medium, theme.color.text1));
                ui.label(theme.label(scene.zone.full(event.at)));
            });
            if !event.detail.is_empty() {
                ui.add(Label::new(theme.label(event.detail.as_str())).wrap());
            }
        });
    });
}
