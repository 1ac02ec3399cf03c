//! The newest reports as short rows. Pressing one opens it.

use eframe::egui::{Align2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::client::{Command, ReportsCommand};
use crate::desktop::action::Action;
use crate::desktop::format;
use crate::desktop::route::Route;
use crate::desktop::scene::Scene;
use crate::desktop::theme::Weight;
use crate::desktop::widgets::lettering::words;
use crate::desktop::widgets::sign::{self, Sign};
use crate::domain::report::Header;

/// Draws as many of `headers` as `rect` has room for.
pub(super) fn recent(ui: &mut Ui, rect: Rect, scene: &Scene<'_>, headers: &[Header]) {
    let theme = scene.theme;
    let c = theme.color;
    if headers.is_empty() {
        let look = (theme.sizes.body, Weight::Regular, c.text3);
        words(ui, scene.text("yield.recent.nothing"), look, (rect.center(), Align2::CENTER_CENTER), rect.width());
        return;
    }
    let row = theme.sizes.body * 1.9;
    let shown = (rect.height() / row + 0.01).floor() as usize;
    for (i, header) in headers.iter().take(shown).enumerate() {
        let line = Rect::from_min_size(rect.min + vec2(0.0, row * i as f32), vec2(rect.width(), row));
        let response = ui.interact(line, ui.scope_id().with(("recent", header.id)), Sense::click());
        if response.hovered() || response.has_focus() {
            ui.painter().rect_filled(line.expand2(vec2(8.0, 0.0)), 4.0, c.bg2);
        }
        let result = scene.text(super::super::status_key(header.result));
        row_ui(ui, line, scene, header, result);
        let time = scene.zone.minute(header.start_utc());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{time} {} {result}", header.serial_number)));
        if response.clicked() {
            scene.run(Command::Reports(ReportsCommand::Open(header.id)));
            scene.ask(Action::Go(Route::Reports));
        }
    }
}

fn row_ui(ui: &Ui, line: Rect, scene: &Scene<'_>, header: &Header, result: &str) {
    let theme = scene.theme;
    let c = theme.color;
    let size = theme.sizes.body;
    let middle = line.center().y;
    let text = |x: f32, text: &str, weight, color, width| {
        words(ui, text, (size, weight, color), (pos2(x, middle), Align2::LEFT_CENTER), width);
    };
    let sign = Sign::of(header.result);
    let mark = Rect::from_center_size(pos2(line.left() + size * 0.5, middle), vec2(size, size) * 0.9);
    sign::paint(ui.painter(), mark, sign, theme);
    let columns = [size * 1.5, size * 7.0, size * 10.8];
    let rest = line.width() - columns[2];
    text(line.left() + columns[0], result, Weight::Medium, sign.ink(theme), size * 5.3);
    text(line.left() + columns[1], &scene.zone.minute(header.start_utc()), Weight::Regular, c.text2, size * 3.3);
    text(line.left() + columns[2], &header.serial_number, Weight::Medium, c.text1, rest * 0.5);
    let part = if header.part_number.is_empty() { format::NOTHING } else { &header.part_number };
    text(line.left() + columns[2] + rest * 0.54, part, Weight::Regular, c.text2, rest * 0.46);
}
