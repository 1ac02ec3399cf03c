//! A number with its name, as one of a row of equals.

use eframe::egui::{Align2, CornerRadius, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::lettering::{CAPITAL, Line, hatch, words};
use crate::desktop::theme::{Display, RADIUS, Theme, Weight};

/// What a tile says.
pub struct Tile<'a> {
    pub label: &'a str,
    pub value: &'a str,
    /// Empty where a number is just a count.
    pub unit: &'a str,
    /// The value is no longer true: grey and hatched.
    pub stale: bool,
}

/// Draws `tile` in `rect`.
pub fn tile(ui: &mut Ui, rect: Rect, theme: &Theme, tile: &Tile<'_>) -> Response {
    let c = theme.color;
    ui.painter().rect_filled(rect, CornerRadius::same(RADIUS), c.bg1);
    let inner = rect.shrink2(vec2(theme.sizes.pad.min(28.0), theme.sizes.pad.min(rect.height() * 0.14)));
    let size = match theme.display {
        Display::Wall => 48.0,
        Display::Panel => theme.sizes.body,
        Display::Desktop => theme.sizes.body,
    };
    let top = inner.top() + size * CAPITAL * 0.5;
    words(ui, tile.label, (size, Weight::Medium, c.text2), (pos2(inner.left(), top), Align2::LEFT_CENTER), inner.width());

    let room = inner.bottom() - top - size * 0.75;
    let figure = theme.sizes.kpi.min(room / CAPITAL);
    let unit = Line::cut(ui, tile.unit, (figure * 0.64, Weight::Regular), c.text2, inner.width());
    let beside = if tile.unit.is_empty() { 0.0 } else { unit.width() + figure * 0.2 };
    let ink = if tile.stale { c.text2 } else { c.text1 };
    let value = Line::fit(ui, tile.value, (figure, Weight::Bold), ink, inner.width() - beside);
    let base = inner.bottom();
    if tile.stale {
        let behind = Rect::from_min_max(
            pos2(inner.left() - 2.0, base - value.capital() - 4.0),
            pos2(inner.left() + value.width() + beside, base + 4.0),
        );
        hatch(ui.painter(), behind, theme);
    }
    value.on_base(ui.painter(), pos2(inner.left(), base));
    unit.on_base(ui.painter(), pos2(inner.left() + value.width() + figure * 0.2, base));

    let response = ui.interact(rect, ui.scope_id().with(("tile", tile.label)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{} {} {}", tile.label, tile.value, tile.unit).trim_end()));
    response
}
