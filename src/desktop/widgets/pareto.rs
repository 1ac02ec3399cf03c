//! What fails most: a bar a step, the longest first and in the colour of data, the others grey.

use eframe::egui::{Align2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::lettering::{Line, words};
use crate::desktop::format;
use crate::desktop::theme::{Display, Theme, Weight};

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    pub name: String,
    pub units: u64,
    /// Part of all up to here, 0 to 1.
    pub cumulative: f64,
}

/// How a Pareto is shown.
pub struct Bars {
    /// Height of a row, in points.
    pub row: f32,
    /// Size of the words, in points.
    pub text: f32,
    pub stale: bool,
}

/// Draws as many of `rows` as `rect` has room for.
pub fn pareto(ui: &mut Ui, rect: Rect, theme: &Theme, rows: &[Bar], bars: &Bars) {
    let room = (rect.height() / bars.row + 0.01).floor() as usize;
    let shown = &rows[..rows.len().min(room)];
    let Some(most) = shown.iter().map(|row| row.units).max() else { return };
    let c = theme.color;
    let natural = |text: &str| Line::cut(ui, text, (bars.text, Weight::Medium), c.text1, f32::INFINITY).width();
    let names = shown.iter().map(|row| natural(&row.name)).fold(0.0, f32::max).min(rect.width() * 0.4);
    let counts = shown.iter().map(|row| natural(&format::count(row.units))).fold(0.0, f32::max) * 1.06;
    let has_shares = theme.display == Display::Desktop && rect.width() > 360.0;
    let shares = if has_shares { bars.text * 4.0 } else { 0.0 };
    let from = rect.left() + names + bars.text * 0.9;
    let longest = (rect.right() - from - counts - bars.text * 0.5 - shares).max(8.0);

    for (i, row) in shown.iter().enumerate() {
        let line = Rect::from_min_size(rect.min + vec2(0.0, bars.row * i as f32), vec2(rect.width(), bars.row));
        let middle = line.center().y;
        let place = (pos2(line.left(), middle), Align2::LEFT_CENTER);
        words(ui, &row.name, (bars.text, Weight::Medium, c.text1), place, names + 1.0);
        let length = (longest * row.units as f32 / most.max(1) as f32).max(2.0);
        let bar = Rect::from_min_size(pos2(from, middle - bars.text * 0.36), vec2(length, bars.text * 0.72));
        let fill = if i == 0 && !bars.stale { c.data } else { c.control };
        ui.painter().rect_filled(bar, 3.0, fill);
        let count = (pos2(bar.right() + bars.text * 0.35, middle), Align2::LEFT_CENTER);
        words(ui, &format::count(row.units), (bars.text, Weight::SemiBold, c.text1), count, counts + 1.0);
        let share = format!("{} %", format::percent(Some(row.cumulative)));
        if has_shares {
            let small = (theme.sizes.small, Weight::Regular, c.text3);
            words(ui, &share, small, (pos2(line.right(), middle), Align2::RIGHT_CENTER), shares);
        }
        let response = ui.interact(line, ui.scope_id().with(("pareto", i)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{}: {}", row.name, format::count(row.units))));
    }
}
