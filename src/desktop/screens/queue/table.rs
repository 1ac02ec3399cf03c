//! The table of queued reports: only the rows in sight are drawn.

use eframe::egui::accesskit::Role;
use eframe::egui::{Align, Label, Layout, Modifiers, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};

use super::Queue;
use crate::client::{Command, QueueCommand, QueueFilter, QueueRow, QueueState};
use crate::desktop::theme::{Text, Weight};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::{Scene, format};

impl Queue {
    pub(super) fn table(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let filter = scene.model.queue.filter;
        let rows = &scene.model.queue.rows;
        let roomy = ui.available_width() > 900.0 && !scene.is_panel();
        let em = theme.sizes.body;
        let mut table =
            TableBuilder::new(ui).striped(true).sense(Sense::click()).auto_shrink(false).cell_layout(Layout::left_to_right(Align::Center));
        table = table.column(Column::exact(em * 8.0)).column(Column::exact(em * 10.0));
        if roomy {
            table = table.column(Column::exact(em * 9.0)).column(Column::exact(em * 9.5)).column(Column::exact(em * 3.5));
        }
        table = table.column(Column::remainder().clip(true));
        let header = |ui: &mut Ui, key: &'static str| {
            ui.add(Label::new(theme.label(scene.text(key))).truncate());
        };
        let mut pressed = None;
        table
            .header(theme.sizes.row * 0.8, |mut row| {
                row.col(|ui| header(ui, "queue.col_state"));
                row.col(|ui| header(ui, "queue.col_serial"));
                if roomy {
                    row.col(|ui| header(ui, "queue.col_part"));
                    row.col(|ui| header(ui, if filter == QueueFilter::Delivered { "queue.col_delivered" } else { "queue.col_accepted" }));
                    row.col(|ui| header(ui, "queue.col_tries"));
                }
                row.col(|ui| header(ui, if filter == QueueFilter::Delivered { "queue.col_source" } else { "queue.col_error" }));
            })
            .body(|body| {
                body.rows(theme.sizes.row, rows.len(), |mut row| {
                    let index = row.index();
                    let Some(item) = rows.get(index) else { return };
                    row.set_selected(self.selected.contains(&item.id));
                    cells(&mut row, scene, item, roomy);
                    let response = row.response();
                    let name = scene.fill("queue.row", &[("serial", &item.serial_number), ("state", scene.text(state(item).1))]);
                    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, self.selected.contains(&item.id), &name));
                    if response.clicked() {
                        pressed = Some((index, response.ctx.input(|input| input.modifiers)));
                    }
                });
            });
        if let Some((index, modifiers)) = pressed {
            self.press(scene, index, modifiers);
        }
    }

    /// A plain press chooses one and shows its history; with Ctrl it adds, with Shift all up to here.
    fn press(&mut self, scene: &Scene<'_>, index: usize, modifiers: Modifiers) {
        let rows = &scene.model.queue.rows;
        let Some(row) = rows.get(index) else { return };
        let adds = modifiers.command || scene.is_panel();
        if modifiers.shift {
            let first = rows.iter().position(|row| self.selected.contains(&row.id)).unwrap_or(index);
            self.selected.extend(rows[first.min(index)..=first.max(index)].iter().map(|row| row.id));
        } else if adds {
            if !self.selected.remove(&row.id) {
                self.selected.insert(row.id);
            }
        } else {
            self.selected.clear();
            self.selected.insert(row.id);
        }
        if !modifiers.any() && !scene.is_panel() {
            scene.run(Command::Queue(QueueCommand::History(row.id)));
        }
    }
}

fn state(row: &QueueRow) -> (Sign, &'static str) {
    match row.state {
        QueueState::Waiting if row.foreign => (Sign::Warning, "queue.state_foreign"),
        QueueState::Waiting if row.tries > 0 => (Sign::Normal, "queue.state_again"),
        QueueState::Waiting => (Sign::Normal, "queue.state_waiting"),
        QueueState::Sending => (Sign::Busy(0.0), "queue.state_sending"),
        QueueState::Delivered => (Sign::Passed, "queue.state_delivered"),
        QueueState::Quarantined => (Sign::Warning, "queue.state_refused"),
    }
}

fn cells(row: &mut TableRow<'_, '_>, scene: &Scene<'_>, item: &QueueRow, roomy: bool) {
    let theme = scene.theme;
    let plain = |ui: &mut Ui, text: &str| {
        ui.add(Label::new(theme.words(text, Text::Body, Weight::Regular, theme.color.text1)).truncate());
    };
    row.col(|ui| {
        let (shape, key) = state(item);
        sign::show(ui, theme, shape, theme.sizes.body);
        plain(ui, scene.text(key));
    });
    row.col(|ui| {
        ui.add(Label::new(theme.words(item.serial_number.as_str(), Text::Body, Weight::Medium, theme.color.text1)).truncate());
    });
    if roomy {
        row.col(|ui| plain(ui, &item.part_number));
        row.col(|ui| plain(ui, &scene.moment(Some(item.delivered_at.unwrap_or(item.accepted_at)))));
        row.col(|ui| plain(ui, &format::count(u64::from(item.tries))));
    }
    row.col(|ui| {
        if item.last_error.is_empty() || item.state == QueueState::Delivered {
            let source = format!("{} · {}", item.source, format::bytes(item.bytes));
            ui.add(Label::new(theme.words(source, Text::Body, Weight::Regular, theme.color.text2)).truncate());
        } else {
            plain(ui, &item.last_error);
        }
    });
}
