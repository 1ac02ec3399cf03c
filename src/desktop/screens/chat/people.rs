//! Who is present: how many in a word, and by name with their roles.

use eframe::egui::{Label, ScrollArea, Ui};

use crate::client::ChatPerson;
use crate::desktop::Scene;
use crate::desktop::shell::role_key;
use crate::desktop::theme::{Text, Weight, space};

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
        names(ui, scene, (ui.available_height() * 0.4).max(theme.sizes.body * 4.0));
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
            let words = scene.fill("chat.present_row", &[("name", &name), ("role", scene.text(role_key(one.role)))]);
            ui.add(Label::new(theme.words(words, Text::Body, Weight::Regular, theme.color.text2)).truncate());
        }
    });
}
