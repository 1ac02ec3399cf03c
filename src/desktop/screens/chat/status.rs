//! How the conversation stands, where it is not simply open.

use eframe::egui::{Label, Ui};

use crate::client::ChatState;
use crate::desktop::Scene;
use crate::desktop::screens::desk;
use crate::desktop::theme::{Text, Weight};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{card, empty};

/// What is wrong, while something is.
pub(super) fn words(scene: &Scene<'_>) -> Option<(Sign, String)> {
    let chat = &scene.model.chat;
    let left = chat.too_fast_until.map_or(0, |until| (until - scene.now).num_seconds());
    Some(match &chat.state {
        _ if chat.full => (Sign::Warning, scene.text("chat.full").to_owned()),
        ChatState::Live | ChatState::Opening | ChatState::Away if !desk::is_online(scene) => {
            (Sign::Offline, scene.text("chat.offline").to_owned())
        }
        ChatState::Ended(told) => (Sign::Critical, format!("{} {}", scene.what(told), scene.remedy(told))),
        _ if left > 0 => (Sign::Warning, scene.fill("chat.too_fast", &[("n", &left.to_string())])),
        ChatState::Away => (Sign::Offline, scene.text("chat.away").to_owned()),
        _ => match chat.page.error().filter(|_| chat.page.value().is_some()) {
            Some(told) => (Sign::Fault, scene.what(told)),
            None => return None,
        },
    })
}

pub(super) fn status(ui: &mut Ui, scene: &Scene<'_>) {
    let Some((shape, words)) = words(scene) else { return };
    let theme = scene.theme;
    ui.scope(|ui| {
        card::row(ui, theme, Text::Body, |ui| {
            sign::show(ui, theme, shape, theme.sizes.body * 1.1);
            ui.add(Label::new(theme.words(words, Text::Body, Weight::Medium, shape.ink(theme))).truncate());
        });
    });
}

/// Nothing of the room is known: it is being read, or cannot be.
pub(super) fn unknown(ui: &mut Ui, scene: &Scene<'_>) {
    match &scene.model.chat.state {
        ChatState::Ended(told) => empty::empty(ui, scene.theme, &scene.what(told), &scene.remedy(told)),
        _ if !desk::is_online(scene) => {
            empty::empty(ui, scene.theme, scene.text("desk.never.what"), scene.text("chat.never"));
        }
        _ => desk::unread(ui, scene, &scene.model.chat.page),
    }
}
