//! A row of tabs with counts. One is chosen.

use eframe::egui::accesskit::Role;
use eframe::egui::{CornerRadius, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::desktop::theme::{Text, Theme, Weight, space};

/// Draws them; says which was pressed.
pub fn tabs(ui: &mut Ui, theme: &Theme, labels: &[String], chosen: usize) -> Option<usize> {
    let mut pressed = None;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::XS;
        for (i, label) in labels.iter().enumerate() {
            if tab(ui, theme, label, i == chosen) {
                pressed = Some(i);
            }
        }
    });
    pressed
}

fn tab(ui: &mut Ui, theme: &Theme, label: &str, chosen: bool) -> bool {
    let c = theme.color;
    let (ink, weight) = if chosen { (c.text1, Weight::SemiBold) } else { (c.text2, Weight::Medium) };
    let galley = ui.painter().layout_no_wrap(label.to_owned(), theme.font(Text::Body, weight), ink);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 32.0, theme.sizes.touch), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, chosen, label));
    if response.hovered() && !chosen {
        ui.painter().rect_filled(rect, CornerRadius::same(4), c.bg1);
    }
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, ink);
    if chosen {
        let line = Rect::from_min_max(pos2(rect.left() + 8.0, rect.bottom() - 3.0), pos2(rect.right() - 8.0, rect.bottom()));
        ui.painter().rect_filled(line, 0.0, c.accent);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect.shrink(1.0), CornerRadius::same(4), Stroke::new(2.0, c.text1), StrokeKind::Inside);
    }
    response.clicked()
}
