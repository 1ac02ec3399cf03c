//! Who is present: how many in a word, and by name with their roles.

use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{Align2, Label, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use crate::client::ChatPerson;
use crate::desktop::Scene;
use crate::desktop::shell::role_key;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::lettering::Line;

/// Everybody who is known to be present.
fn present<'a>(scene: &'a Scene<'_>) -> &'a [ChatPerson] {
    scene.model.chat.present.value().map_or(&[], |present| present.as_slice())
}

/// `3 present`; nothing while it is not known.
pub(super) fn how_many(scene: &Scene<'_>, key: &str) -> Option<String> {
    let known = super::desk::is_online(scene) && scene.model.chat.present.value().is_some();
    known.then(|| scene.count(key, present(scene).len() as u64))
}

/// On a desk, under the rooms.
pub(super) fn block(ui: &mut Ui, scene: &Scene<'_>) {
    let Some(title) = how_many(scene, "chat.present") else { return };
    let theme = scene.theme;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = space::XS;
        ui.label(theme.words(title, Text::Body, Weight::SemiBold, theme.color.text1));
        // Not a part of what is left here, for that grows with what is put into it.
        names(ui, scene, (ui.ctx().content_rect().height() * 0.2).max(theme.sizes.body * 5.0));
        ui.add_space(space::S);
    });
}

/// On a panel, in the place of the messages.
pub(super) fn page(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    let Some(title) = how_many(scene, "chat.present") else {
        ui.add(Label::new(theme.hint(scene.text("chat.present_unknown"))).wrap());
        return;
    };
    ui.label(theme.words(title, Text::Body, Weight::SemiBold, theme.color.text1));
    names(ui, scene, ui.available_height());
}

fn names(ui: &mut Ui, scene: &Scene<'_>, highest: f32) {
    let theme = scene.theme;
    let me = &scene.model.chat.user_id;
    if present(scene).iter().all(|one| one.user_id == *me) {
        ui.add(Label::new(theme.hint(scene.text("chat.present_none"))).wrap());
        return;
    }
    ScrollArea::vertical().id_salt("present").max_height(highest).auto_shrink([false, true]).show(ui, |ui| {
        for one in present(scene) {
            let name = match one.user_id == *me {
                true => scene.fill("chat.present_you", &[("name", &one.username)]),
                false => one.username.clone(),
            };
            row(ui, scene, &name, scene.text(role_key(one.role)));
        }
    });
}

/// A long name is cut, and the role stays.
fn row(ui: &mut Ui, scene: &Scene<'_>, name: &str, role: &str) {
    let theme = scene.theme;
    let (size, look) = (theme.sizes.body, (theme.sizes.body, Weight::Regular));
    let words = |name: &str| scene.fill("chat.present_row", &[("name", name), ("role", role)]);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size * 1.2), Sense::empty());
    response.widget_info(|| WidgetInfo::labeled(Handle::Label, true, words(name)));
    let role = Line::cut(ui, &words(""), look, theme.color.text2, f32::INFINITY);
    let name = Line::cut(ui, name, look, theme.color.text2, rect.width() - role.width());
    name.beside(ui.painter(), rect.left_center(), Align2::LEFT_CENTER);
    role.beside(ui.painter(), rect.left_center() + vec2(name.width(), 0.0), Align2::LEFT_CENTER);
}
