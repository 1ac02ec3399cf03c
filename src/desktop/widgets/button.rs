//! Buttons of three weights: the one act a form is for, any other, and the one that destroys.

use eframe::egui::{Button, Color32, CornerRadius, Response, Stroke, StrokeKind, Ui, Vec2, vec2};

use crate::desktop::theme::{RADIUS, Text, Theme, Weight};

/// The act a form is there for. At most one in sight.
pub fn primary(ui: &mut Ui, theme: &Theme, label: &str, enabled: bool) -> Response {
    filled(ui, theme, label, (theme.color.accent, theme.color.on_accent), enabled, vec2(0.0, theme.sizes.touch))
}

/// As [`primary`], of a given size.
pub fn primary_sized(ui: &mut Ui, theme: &Theme, label: &str, enabled: bool, size: Vec2) -> Response {
    filled(ui, theme, label, (theme.color.accent, theme.color.on_accent), enabled, size)
}

/// Destroys something. Only ever inside a question.
pub fn danger(ui: &mut Ui, theme: &Theme, label: &str) -> Response {
    filled(ui, theme, label, (theme.color.crit, theme.color.on_crit), true, vec2(0.0, theme.sizes.touch))
}

/// Any other act.
pub fn secondary(ui: &mut Ui, theme: &Theme, label: &str, enabled: bool) -> Response {
    secondary_sized(ui, theme, label, enabled, vec2(0.0, theme.sizes.touch))
}

/// As [`secondary`], of a given size.
pub fn secondary_sized(ui: &mut Ui, theme: &Theme, label: &str, enabled: bool, size: Vec2) -> Response {
    let text = theme.words(label, Text::Body, Weight::Medium, theme.color.text1).size(button_size(theme));
    let button = Button::new(text).fill(Color32::TRANSPARENT).stroke(Stroke::new(1.0, theme.color.control)).min_size(size);
    let response = ui.add_enabled(enabled, button);
    focus_ring(ui, theme, &response);
    response
}

/// An act that leads elsewhere, as words alone.
pub fn link(ui: &mut Ui, theme: &Theme, label: &str, enabled: bool) -> Response {
    let text = theme.words(label, Text::Body, Weight::Medium, theme.color.accent);
    let response = ui.add_enabled(enabled, Button::new(text).frame(false).min_size(vec2(0.0, theme.sizes.touch)));
    focus_ring(ui, theme, &response);
    response
}

fn filled(ui: &mut Ui, theme: &Theme, label: &str, (fill, ink): (Color32, Color32), enabled: bool, size: Vec2) -> Response {
    let text = theme.words(label, Text::Body, Weight::SemiBold, ink).size(button_size(theme));
    let response = ui.add_enabled(enabled, Button::new(text).fill(fill).stroke(Stroke::NONE).min_size(size));
    focus_ring(ui, theme, &response);
    response
}

/// A panel's buttons have a size of their own only where there is room for it; forms use the body's.
fn button_size(theme: &Theme) -> f32 {
    theme.sizes.body
}

/// Shows where the keyboard is, on every fill.
pub fn focus_ring(ui: &Ui, theme: &Theme, response: &Response) {
    if response.has_focus() {
        let ring = Stroke::new(2.0, theme.color.text1);
        ui.painter().rect_stroke(response.rect.expand(2.0), CornerRadius::same(RADIUS + 2), ring, StrokeKind::Outside);
    }
}
