//! What one shift leaves to the next: what runs, what is open, what to watch. It becomes one message that reads well everywhere.

use eframe::egui::{Context, Id, Label, Margin, TextEdit, Ui, vec2};

use super::{can_say, status};
use crate::desktop::Scene;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::keyboard::Touched;
use crate::desktop::widgets::{button, dialog, field};
use crate::domain::chat::{CONTENT_MAX_CHARS, check_content};

/// The parts, by their keys in the language file.
const PARTS: [&str; 3] = ["chat.handover.runs", "chat.handover.open", "chat.handover.watch"];
const HINTS: [&str; 3] = ["chat.handover.runs_hint", "chat.handover.open_hint", "chat.handover.watch_hint"];

#[derive(Default)]
pub(super) struct Form {
    parts: [String; 3],
    /// The part that has the keyboard.
    focused: Option<(usize, Id)>,
    begun: bool,
}

/// The message, or nothing where the person thought better of it.
pub(super) type Answer = Option<Option<String>>;

impl Form {
    /// Every part that says something, under its name.
    fn content(&self, scene: &Scene<'_>) -> String {
        let parts = PARTS.iter().zip(&self.parts).filter(|(_, part)| !part.trim().is_empty());
        parts.map(|(key, part)| format!("{}: {}", scene.text(key), part.trim())).collect::<Vec<_>>().join("\n")
    }

    /// Why it cannot be left now, where a person can do something about it.
    fn obstacle(&self, scene: &Scene<'_>, content: &str) -> Option<String> {
        let too_long = content.chars().count() > CONTENT_MAX_CHARS;
        match too_long {
            true => Some(scene.text("chat.handover.too_long").to_owned()),
            false => status::words(scene).filter(|_| !can_say(scene)).map(|(_, words)| words),
        }
    }

    pub(super) fn dialog(&mut self, ui: &Ui, scene: &Scene<'_>) -> Answer {
        let theme = scene.theme;
        let mut answer = None;
        let closed = dialog::form(ui.ctx(), theme, "handover", scene.text("chat.handover.title"), |ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            ui.add(Label::new(theme.hint(scene.text("chat.handover.note"))).wrap());
            for i in 0..PARTS.len() {
                let label = ui.label(theme.label(scene.text(PARTS[i])));
                let edit = TextEdit::multiline(&mut self.parts[i])
                    .id_salt(PARTS[i])
                    .hint_text(theme.hint(scene.text(HINTS[i])))
                    .font(theme.font(Text::Body, Weight::Regular))
                    .margin(Margin::symmetric(12, 8))
                    .char_limit(CONTENT_MAX_CHARS)
                    .desired_rows(2)
                    .desired_width(f32::INFINITY);
                let response = ui.add(edit).labelled_by(label.id);
                if i == 0 && !std::mem::replace(&mut self.begun, true) {
                    response.request_focus();
                }
            }
            let content = self.content(scene);
            field::note(ui, theme, self.obstacle(scene, &content).as_deref());
            let ready = can_say(scene) && check_content(&content).is_ok();
            answer = dialog::buttons(ui, theme, scene.text("chat.handover.yes"), scene.text("shell.cancel"), (ready, false))
                .map(|yes| yes.then_some(content));
        });
        answer.or(closed.then_some(None))
    }

    /// On a panel, beside its keyboard.
    pub(super) fn panel(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> Answer {
        let theme = scene.theme;
        for (i, (name, part)) in PARTS.into_iter().zip(&mut self.parts).enumerate() {
            let response = field::bare_field(ui, theme, scene.text(name), part, scene.text(name));
            let begins = i == 0 && !std::mem::replace(&mut self.begun, true);
            if begins {
                response.request_focus();
            }
            if begins || response.has_focus() {
                self.focused = Some((i, response.id));
            }
        }
        let content = self.content(scene);
        let ready = can_say(scene) && check_content(&content).is_ok();
        let mut answer = None;
        ui.horizontal(|ui| {
            let size = vec2((ui.available_width() - space::S) / 2.0, field::height(theme));
            if button::secondary_sized(ui, theme, scene.text("shell.cancel"), true, size).clicked() {
                answer = Some(None);
            }
            if button::primary_sized(ui, theme, scene.text("chat.handover.yes"), ready, size).clicked() {
                answer = Some(Some(content.clone()));
            }
        });
        field::note(ui, theme, self.obstacle(scene, &content).as_deref());
        answer
    }

    /// Hands a touched key to the part that has the keyboard; Enter goes on to the next part.
    pub(super) fn touch(&mut self, ctx: &Context, touched: Touched) {
        let Some((i, id)) = self.focused else { return };
        ctx.memory_mut(|memory| memory.request_focus(id));
        match touched {
            Touched::Letter(c) => self.parts[i].push(c),
            Touched::Backspace => {
                self.parts[i].pop();
            }
            Touched::Enter => ctx.memory_mut(|memory| memory.move_focus(eframe::egui::FocusDirection::Next)),
        }
    }
}
