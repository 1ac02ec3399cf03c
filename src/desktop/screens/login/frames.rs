//! Where a login stands: a card on a desk, the two halves of a panel. An account of one's own is made in the same places.

use eframe::egui::{Align, Id, Layout, Margin, Rect, ScrollArea, Stroke, Ui, UiBuilder, pos2, vec2};

use crate::desktop::Scene;
use crate::desktop::theme::space;
use crate::desktop::widgets::card;
use crate::desktop::widgets::keyboard::{Keyboard, Names, Touched};

/// A card in the middle of a desk's window.
pub(in crate::desktop::screens) fn card_in_the_middle(ui: &mut Ui, scene: &Scene<'_>, add: impl FnOnce(&mut Ui)) {
    let room = ui.max_rect();
    let width = 480.0;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let height = ui.data(|data| data.get_temp(Id::unique("login height"))).unwrap_or(600.0_f32);
        let top = ((room.height() - height) / 2.0).max(space::S);
        let rect = Rect::from_min_size(pos2(room.center().x - width / 2.0, ui.max_rect().top() + top), vec2(width, height));
        let shown = ui.scope_builder(UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min)), |ui| {
            let frame = card::frame(scene.theme).inner_margin(Margin::same(32)).stroke(Stroke::new(1.0, scene.theme.color.line));
            frame.show(ui, |ui| {
                ui.set_width(width - 64.0);
                add(ui);
            });
        });
        ui.data_mut(|data| data.insert_temp(Id::unique("login height"), shown.response.rect.height()));
    });
}

/// On a panel: fields on the left, a keyboard on the right.
pub(in crate::desktop::screens) fn panel_halves(
    ui: &mut Ui,
    scene: &Scene<'_>,
    keyboard: &mut Keyboard,
    add: impl FnOnce(&mut Ui),
) -> Option<Touched> {
    panel_beside(ui, add, |ui| {
        let names = Names {
            shift: scene.text("login.key.shift"),
            backspace: scene.text("login.key.backspace"),
            enter: scene.text("login.key.enter"),
            space: scene.text("login.key.space"),
            symbols: scene.text("login.key.symbols"),
            letters: scene.text("login.key.letters"),
        };
        keyboard.ui(ui, scene.theme, &names)
    })
}

/// On a panel: fields on the left, and something in the keyboard's place.
pub(super) fn panel_beside<R>(ui: &mut Ui, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui) -> R) -> R {
    let room = ui.max_rect().shrink(space::S);
    let (fields, keys) = room.split_left_right_at_fraction(0.465);
    let mut fields = ui.new_child(UiBuilder::new().max_rect(fields).layout(Layout::top_down(Align::Min)));
    fields.spacing_mut().item_spacing = vec2(8.0, 5.0);
    left(&mut fields);
    let keys = Rect::from_min_max(pos2(keys.left() + space::M, keys.top()), keys.max);
    right(&mut ui.new_child(UiBuilder::new().max_rect(keys).layout(Layout::top_down(Align::Min))))
}
