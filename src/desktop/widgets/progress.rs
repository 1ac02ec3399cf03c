//! A long act under way: what, how far, and a way to stop it. Also a plain bar for how full something is.

use eframe::egui::accesskit::Role;
use eframe::egui::{Color32, Rect, Sense, Ui, WidgetInfo, vec2};

use super::button;
use crate::desktop::theme::{Text, Theme, Weight};

/// A bar with the words before it. Says whether somebody pressed `cancel`.
pub fn progress(ui: &mut Ui, theme: &Theme, what: &str, done: f32, cancel: Option<&str>) -> bool {
    let mut stop = false;
    ui.horizontal(|ui| {
        ui.label(theme.words(what, Text::Body, Weight::Medium, theme.color.text1));
        bar(ui, theme, what, (done, theme.color.data), 220.0);
        if let Some(cancel) = cancel {
            stop = button::secondary(ui, theme, cancel, true).clicked();
        }
    });
    stop
}

/// How full something is, 0 to 1.
pub fn bar(ui: &mut Ui, theme: &Theme, name: &str, (part, color): (f32, Color32), width: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(width.min(ui.available_width()), 10.0), Sense::empty());
    let part = part.clamp(0.0, 1.0);
    response.widget_info(|| WidgetInfo { value: Some(f64::from((part * 100.0).round())), ..WidgetInfo::labeled(Role::Meter, true, name) });
    ui.painter().rect_filled(rect, 3.0, theme.color.bg2);
    ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(rect.width() * part, rect.height())), 3.0, color);
}
