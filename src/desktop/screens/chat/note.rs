//! The last shift's note, above what is said: a few lines of it, or all.

use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{Align, Align2, Label, Layout, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use super::said::{moment, who};
use crate::client::ChatMessage;
use crate::desktop::Scene;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::button::focus_ring;
use crate::desktop::widgets::{card, lettering};

/// Lines that are shown before somebody asks for more.
const LINES: usize = 4;
const LINES_ON_A_PANEL: usize = 1;

#[derive(Default)]
pub(super) struct Pinned {
    /// The note that was opened whole.
    open: Option<String>,
}

impl Pinned {
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, note: &Arc<ChatMessage>) {
        let theme = scene.theme;
        let pad = if scene.is_panel() { space::S } else { theme.sizes.pad };
        let open = self.open.as_deref() == Some(note.id.as_str());
        let lines = if scene.is_panel() { LINES_ON_A_PANEL } else { LINES };
        let width = ui.available_width() - pad * 2.0;
        let cut = ui.painter().layout_job(job(scene, note, Some(lines), width)).elided;
        let key = if open { "chat.handover.less" } else { "chat.handover.more" };
        let highest = ui.available_height() * 0.6;
        let frame = card::frame(theme).fill(theme.color.bg2).inner_margin(pad);
        let shown = frame.show(ui, |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = space::XS;
            let title = scene.fill("chat.handover.by", &[("name", &who(scene, note)), ("time", &moment(scene, note))]);
            title_ui(ui, scene, &title, (cut || open).then_some(scene.text(key)));
            ScrollArea::vertical().id_salt("note").max_height(highest).auto_shrink([false, true]).show(ui, |ui| {
                ui.add(Label::new(job(scene, note, (!open).then_some(lines), width)));
            });
        });
        if cut || open {
            let response = ui.interact(shown.response.rect, ui.scope_id().with("note"), Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, scene.text(key)));
            focus_ring(ui, theme, &response);
            if response.clicked() {
                self.open = (!open).then(|| note.id.clone());
            }
        }
        ui.add_space(space::XS);
    }
}

/// Whose note it is, and what pressing it does.
fn title_ui(ui: &mut Ui, scene: &Scene<'_>, title: &str, act: Option<&str>) {
    let theme = scene.theme;
    let height = theme.sizes.body * 1.4;
    ui.allocate_ui_with_layout(vec2(ui.available_width(), height), Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().interact_size.y = height;
        if let Some(act) = act {
            let (rect, _) = ui.allocate_exact_size(vec2(theme.sizes.body * 7.0, height), Sense::empty());
            let look = (theme.sizes.body, Weight::Medium, theme.color.accent);
            lettering::words(ui, act, look, (rect.right_center(), Align2::RIGHT_CENTER), rect.width());
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(theme.words(title, Text::Body, Weight::SemiBold, theme.color.text1)).truncate());
        });
    });
}

fn job(scene: &Scene<'_>, note: &ChatMessage, lines: Option<usize>, width: f32) -> LayoutJob {
    let theme = scene.theme;
    let format = TextFormat::simple(theme.font(Text::Body, Weight::Regular), theme.color.text1);
    let text = if lines == Some(1) { note.content.replace('\n', "  ·  ") } else { note.content.clone() };
    let mut job = LayoutJob::single_section(text, format);
    job.wrap = TextWrapping { max_rows: lines.unwrap_or(usize::MAX), ..TextWrapping::wrap_at_width(width) };
    job
}
