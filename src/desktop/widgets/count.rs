//! How many there are, in a filled pill: a number, so that the colour tells nothing alone.

use eframe::egui::{Rect, Ui, pos2, vec2};

use crate::desktop::theme::{Theme, Weight, font};

/// More than this is not told exactly.
const MOST: u64 = 99;

/// Paints it so that it ends at `right`. How wide it is.
pub fn paint(ui: &Ui, theme: &Theme, right: eframe::egui::Pos2, n: u64) -> f32 {
    let words = if n > MOST { format!("{MOST}+") } else { n.to_string() };
    let size = (theme.sizes.small * 0.92).min(22.0);
    let galley = ui.painter().layout_no_wrap(words, font(size, Weight::SemiBold), theme.color.on_accent);
    let height = galley.size().y + 2.0;
    let pill = vec2((galley.size().x + 10.0).max(height), height);
    let rect = Rect::from_min_size(pos2(right.x - pill.x, right.y - pill.y / 2.0), pill);
    ui.painter().rect_filled(rect, height / 2.0, theme.color.accent);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, theme.color.on_accent);
    pill.x
}
