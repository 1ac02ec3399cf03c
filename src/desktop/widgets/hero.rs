//! The one number of a screen, with its frame in the colour of its state and a line that says it in words.

use eframe::egui::{Align2, CornerRadius, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::lettering::{CAPITAL, Line, hatch, words};
use super::sign::{self, Sign};
use crate::desktop::format::NOTHING;
use crate::desktop::theme::{Display, RADIUS, Theme, Weight};

/// What the number is and what to think of it.
pub struct Hero<'a> {
    pub label: &'a str,
    pub value: &'a str,
    pub unit: &'a str,
    pub verdict: &'a str,
    pub sign: Sign,
    /// What is said about its age where it is not fresh; the value is then grey and hatched.
    pub stale: Option<&'a str>,
}

/// Draws the number as large as `rect` allows.
pub fn hero(ui: &mut Ui, rect: Rect, theme: &Theme, hero: &Hero<'_>) -> Response {
    frame(ui, rect, theme, hero.sign);
    let c = theme.color;
    let pad = theme.sizes.pad.min(rect.width() * 0.04 + 4.0);
    let inner = rect.shrink2(vec2(pad, pad * 0.9));
    let small = (theme.sizes.title).min(rect.height() * 0.15);
    let top = inner.top() + small * CAPITAL * 0.5;
    let note = hero.stale.map_or(0.0, |note| {
        let look = ((small * 0.55).max(theme.sizes.small), Weight::Medium, c.fault);
        words(ui, note, look, (pos2(inner.right(), top), Align2::RIGHT_CENTER), inner.width() * 0.6) + 12.0
    });
    let label = Line::fit(ui, hero.label, (small, Weight::Medium), c.text2, inner.width() - note);
    label.beside(ui.painter(), pos2(inner.left(), top), Align2::LEFT_CENTER);

    let low = inner.bottom() - small * CAPITAL * 0.5;
    let mark = small * 1.05;
    let place = Rect::from_center_size(pos2(inner.left() + mark / 2.0, low), vec2(mark, mark));
    sign::paint(ui.painter(), place, hero.sign, theme);
    let left = place.right() + small * 0.4;
    let verdict = Line::fit(ui, hero.verdict, (small, Weight::SemiBold), hero.sign.ink(theme), inner.right() - left);
    verdict.beside(ui.painter(), pos2(left, low), Align2::LEFT_CENTER);

    let middle = Rect::from_min_max(pos2(inner.left(), top + small * 0.9), pos2(inner.right(), low - small * 0.9));
    number(ui, middle, theme, hero);
    let response = ui.interact(rect, ui.scope_id().with("hero"), Sense::hover());
    let age = hero.stale.map(|note| format!(", {note}")).unwrap_or_default();
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Label, true, format!("{} {} {}, {}{age}", hero.label, hero.value, hero.unit, hero.verdict))
    });
    response
}

fn frame(ui: &Ui, rect: Rect, theme: &Theme, sign: Sign) {
    let radius = CornerRadius::same(RADIUS);
    ui.painter().rect_filled(rect, radius, theme.color.bg1);
    if matches!(sign, Sign::Critical | Sign::Warning | Sign::Fault) {
        let width = if theme.display == Display::Wall { 4.0 } else { 3.0 };
        ui.painter().rect_stroke(rect, radius, Stroke::new(width, sign.ink(theme)), StrokeKind::Inside);
    }
}

fn number(ui: &Ui, rect: Rect, theme: &Theme, hero: &Hero<'_>) {
    let c = theme.color;
    let tallest = rect.height() / CAPITAL * 0.94;
    let known = hero.value != NOTHING;
    // A dash as large as a number would be a heavy bar.
    let large = tallest.min(theme.sizes.hero * 2.4).min(rect.width() / 2.75);
    let (size, weight) = if known { (large, Weight::Bold) } else { (large * 0.4, Weight::Regular) };
    let ink = match (known, hero.stale) {
        (false, _) => c.text3,
        (true, Some(_)) => c.text2,
        (true, None) => c.text1,
    };
    let value = Line::fit(ui, hero.value, (size, weight), ink, rect.width() * 0.8);
    let unit = Line::cut(ui, if known { hero.unit } else { "" }, (size * 0.49, Weight::Medium), c.text2, rect.width());
    let base = rect.center().y + value.capital() / 2.0;
    let left = rect.left() - size * 0.03;
    if hero.stale.is_some() {
        let width = value.width() + unit.width() + size * 0.12;
        hatch(
            ui.painter(),
            Rect::from_min_max(pos2(rect.left(), base - value.capital() * 1.08), pos2(rect.left() + width, base + size * 0.06)),
            theme,
        );
    }
    value.on_base(ui.painter(), pos2(left, base));
    unit.on_base(ui.painter(), pos2(left + value.width() + size * 0.07, base));
}
