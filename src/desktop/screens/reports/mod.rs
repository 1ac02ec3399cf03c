//! Reports on the server: search them, open one, see what failed in it and why.

mod facts;
mod limits;
mod open;
mod source;
mod steps;
mod table;
mod tree;

use eframe::egui::{Key, Ui};

use crate::client::{Command, Remote, ReportsCommand};
use crate::desktop::scene::Scene;
use crate::desktop::widgets::{button, empty, sign};
use open::Open;
use table::Table;

/// The list and, on top of it, the report that is open.
#[derive(Default)]
pub struct Reports {
    table: Table,
    open: Open,
}

impl Reports {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        match &scene.model.reports.open {
            None => self.table.ui(ui, scene),
            Some((id, report)) => {
                if !ui.text_edit_focused() && ui.input(|input| input.key_pressed(Key::Escape)) {
                    close(scene);
                }
                match report.value() {
                    Some(known) => self.open.ui(ui, scene, *id, known),
                    None => waiting(ui, scene, report),
                }
            }
        }
    }
}

fn close(scene: &Scene<'_>) {
    scene.run(Command::Reports(ReportsCommand::Close));
}

/// A report that is on its way, or that could not be read.
fn waiting<T>(ui: &mut Ui, scene: &Scene<'_>, report: &Remote<T>) {
    if button::secondary(ui, scene.theme, scene.text("reports.back"), true).clicked() {
        close(scene);
    }
    match report.error() {
        Some(error) => empty::empty(ui, scene.theme, &scene.what(error), &scene.remedy(error)),
        None => busy(ui, scene, scene.text("reports.opening")),
    }
}

/// A turning sign and what is being done.
fn busy(ui: &mut Ui, scene: &Scene<'_>, words: &str) {
    ui.horizontal(|ui| {
        sign::show(ui, scene.theme, sign::Sign::busy(ui.input(|input| input.time)), scene.theme.sizes.body);
        ui.label(scene.theme.label(words));
    });
    ui.request_repaint_after(sign::BUSY_STEP);
}
