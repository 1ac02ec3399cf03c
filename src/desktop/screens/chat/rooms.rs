//! The rooms, and how much there is unread in each.

use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::client::ChatRoom;
use crate::desktop::theme::{Weight, space};
use crate::desktop::widgets::{count, lettering};
use crate::desktop::{Scene, format};

/// Draws them over what is left of `ui`. Answers which one was chosen anew.
pub(super) fn rooms(ui: &mut Ui, scene: &Scene<'_>) -> Option<String> {
    let slice = &scene.model.chat;
    let mut chosen = None;
    ScrollArea::vertical().id_salt("rooms").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for room in &slice.rooms {
            let selected = room.name == slice.room;
            if row(ui, scene, room, selected) && !selected {
                chosen = Some(room.name.clone());
            }
        }
    });
    chosen
}

fn row(ui: &mut Ui, scene: &Scene<'_>, room: &ChatRoom, selected: bool) -> bool {
    let theme = scene.theme;
    let c = theme.color;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme.sizes.touch.max(48.0)), Sense::click());
    let name = name_of(scene, room);
    let label = match room.unread {
        0 => name.clone(),
        n => scene.fill("shell.unread", &[("place", &name), ("n", &format::count(n))]),
    };
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, selected, &label));
    if selected || response.hovered() {
        ui.painter().rect_filled(rect, 4.0, c.bg2);
    }
    if selected {
        ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(4.0, rect.height())), 0.0, c.accent);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect.shrink(1.0), 4.0, Stroke::new(2.0, c.text1), StrokeKind::Inside);
    }
    let mut width = rect.width() - space::M - space::S;
    if room.unread > 0 {
        width -= count::paint(ui, theme, pos2(rect.right() - space::S, rect.center().y), room.unread) + space::S;
    }
    let strong = selected || room.unread > 0;
    let look = if strong { (theme.sizes.body, Weight::SemiBold, c.text1) } else { (theme.sizes.body, Weight::Medium, c.text2) };
    lettering::words(ui, &name, look, (pos2(rect.left() + space::M, rect.center().y), Align2::LEFT_CENTER), width);
    response.clicked()
}

/// What people call the open room.
pub(super) fn title(scene: &Scene<'_>) -> String {
    let slice = &scene.model.chat;
    match slice.rooms.iter().find(|room| room.name == slice.room) {
        Some(room) => name_of(scene, room),
        None => scene.text("chat.line").to_owned(),
    }
}

fn name_of(scene: &Scene<'_>, room: &ChatRoom) -> String {
    match room.name.strip_prefix("station:") {
        Some(_) if room.own => scene.text("chat.own_station").to_owned(),
        Some(name) => name.to_owned(),
        None => scene.text("chat.line").to_owned(),
    }
}
