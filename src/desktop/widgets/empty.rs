//! What stands where there is nothing yet: why, and what to do about it.

use eframe::egui::{Label, Ui};

use crate::desktop::theme::{Text, Theme, Weight, space};

/// A sentence, and the next step, in the middle of an empty place.
pub fn empty(ui: &mut Ui, theme: &Theme, what: &str, next: &str) {
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.3).min(120.0));
        ui.add(Label::new(theme.words(what, Text::Table, Weight::SemiBold, theme.color.text1)).wrap());
        ui.add_space(space::XS);
        ui.set_max_width(ui.available_width().min(theme.sizes.body * 36.0));
        ui.add(Label::new(theme.label(next)).wrap());
    });
}
