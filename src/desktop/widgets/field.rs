//! A line of text with its name above it and, where something is wrong, the reason below it. Its place never moves.

use eframe::egui::{Align, Key, Label, Layout, Margin, Response, TextEdit, Ui, Vec2, vec2};

use crate::desktop::theme::{Text, Theme, Weight};

/// The line under a field keeps this many heights of small text.
const NOTE_HEIGHT: f32 = 1.4;

/// A text field. The name above is its accessible name.
pub fn text_field(ui: &mut Ui, theme: &Theme, name: &str, text: &mut String, hint: &str) -> Response {
    let label = ui.label(theme.label(name));
    let edit = TextEdit::singleline(text)
        .hint_text(theme.hint(hint))
        .font(theme.font(Text::Body, Weight::Regular))
        .margin(Margin::symmetric(12, 4))
        .align(eframe::egui::Align2::LEFT_CENTER)
        .char_limit(2_000)
        .min_size(vec2(0.0, height(theme)))
        .desired_width(f32::INFINITY);
    ui.add(edit).labelled_by(label.id)
}

/// Whether Enter was pressed in a field. There it means the form's main button; on a button, a choice or a link it means that one.
pub fn enters(response: &Response) -> bool {
    (response.has_focus() || response.lost_focus()) && response.ctx.input(|input| input.key_pressed(Key::Enter))
}

/// How high fields are: 48 on a desk, a finger's width on a panel.
pub fn height(theme: &Theme) -> f32 {
    theme.sizes.touch.max(48.0)
}

/// The place under a field, always there: empty, or what is wrong with it.
pub fn note(ui: &mut Ui, theme: &Theme, error: Option<&str>) {
    let size = vec2(ui.available_width(), theme.sizes.small * NOTE_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_size(size);
        if let Some(error) = error {
            ui.add(Label::new(theme.words(error, Text::Small, Weight::Medium, theme.color.crit)).truncate());
        }
    });
}

/// A row of columns that share the width, with the theme's gap between them.
pub fn columns<R>(ui: &mut Ui, theme: &Theme, n: usize, mut column: impl FnMut(usize, &mut Ui) -> R) {
    let gap = theme.sizes.gap;
    let width = (ui.available_width() - gap * (n as f32 - 1.0)) / n as f32;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        for i in 0..n {
            if i > 0 {
                ui.add_space(gap);
            }
            ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
                ui.set_width(width);
                column(i, ui);
            });
        }
    });
}

/// A text field without a line above: `name` is told to those who cannot see what stands beside it.
pub fn bare_field(ui: &mut Ui, theme: &Theme, name: &str, text: &mut String, hint: &str) -> Response {
    let edit = TextEdit::singleline(text)
        .hint_text(theme.hint(hint))
        .font(theme.font(Text::Body, Weight::Regular))
        .margin(Margin::symmetric(12, 4))
        .align(eframe::egui::Align2::LEFT_CENTER)
        .char_limit(2_000)
        .min_size(vec2(0.0, height(theme)))
        .desired_width(f32::INFINITY);
    ui.add(edit).accessible_name(name)
}
