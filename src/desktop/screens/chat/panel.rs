//! The conversation on a panel: keys below the rooms, and the keyboard in their place.

use eframe::egui::{Ui, vec2};

use super::{Chat, people};
use crate::desktop::Scene;
use crate::desktop::screens::login::panel_halves;
use crate::desktop::theme::space;
use crate::desktop::widgets::button;

impl Chat {
    pub(super) fn panel_keys(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        ui.spacing_mut().item_spacing = vec2(space::XS, space::XS);
        let size = vec2((ui.available_width() - space::XS) / 2.0, theme.sizes.touch);
        ui.horizontal(|ui| {
            self.notes_key(ui, scene, ("chat.show_all_short", "chat.notes_only_short"), size);
            if button::secondary_sized(ui, theme, scene.text("chat.search"), true, size).clicked() {
                self.shows_people = false;
                self.find.begin(scene);
            }
        });
        ui.horizontal(|ui| {
            self.new_note_key(ui, scene, "chat.handover.new_short", size);
            let present = people::how_many(scene, "chat.present_short");
            let words = match (self.shows_people, &present) {
                (true, _) => scene.text("chat.messages"),
                (false, Some(present)) => present,
                (false, None) => "–",
            };
            if button::secondary_sized(ui, theme, words, self.shows_people || present.is_some(), size).clicked() {
                self.shows_people = !self.shows_people;
            }
        });
    }

    pub(super) fn typing_panel(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let mut keyboard = std::mem::take(&mut self.keyboard);
        let touched = panel_halves(ui, scene, &mut keyboard, |ui| self.conversation(ui, scene));
        self.keyboard = keyboard;
        if let Some(touched) = touched
            && self.compose.touch(ui.ctx(), scene, touched)
        {
            self.send(scene);
        }
        if self.compose.puts_keys_away(ui.ctx()) {
            self.typing = false;
        }
    }

    pub(super) fn find_panel(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let mut keyboard = std::mem::take(&mut self.keyboard);
        let touched = panel_halves(ui, scene, &mut keyboard, |ui| {
            self.find.panel(ui, scene);
            if let Some(page) = scene.model.chat.page.value().filter(|_| !scene.model.chat.search.is_empty()) {
                self.known(ui, scene, page);
            }
        });
        self.keyboard = keyboard;
        if let Some(touched) = touched {
            self.find.touch(ui.ctx(), scene, touched);
        }
    }

    pub(super) fn handover_panel(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let Some(form) = &mut self.handover else { return };
        let mut answer = None;
        let touched = panel_halves(ui, scene, &mut self.keyboard, |ui| answer = form.panel(ui, scene));
        if let Some(touched) = touched {
            form.touch(ui.ctx(), touched);
        }
        self.hand_over(scene, answer);
    }
}
