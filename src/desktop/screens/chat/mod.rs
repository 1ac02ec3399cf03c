//! The conversation: rooms and who is present on the left, what was said on the right, the last shift's note above it, and a field to
//! say something. On a panel the field brings a keyboard, and the rooms make way for it.

mod compose;
mod find;
mod handover;
mod log;
mod note;
mod panel;
mod people;
mod rooms;
mod said;
mod status;

use eframe::egui::{Align, Frame, Label, Layout, Margin, Panel, Ui, Vec2, vec2};

use super::desk;
use crate::client::{ChatCommand, ChatPage, ChatState, Command};
use crate::desktop::Scene;
use crate::desktop::theme::space;
use crate::desktop::widgets::keyboard::Keyboard;
use crate::desktop::widgets::{button, empty};

#[derive(Default)]
pub struct Chat {
    compose: compose::Compose,
    log: log::LogView,
    note: note::Pinned,
    handover: Option<handover::Form>,
    keyboard: Keyboard,
    /// On a panel: the keyboard is up.
    typing: bool,
    find: find::Find,
    asking: desk::Asking,
    /// On a panel: who is present stands in the place of the messages.
    shows_people: bool,
}

impl Chat {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        if scene.model.session.is_offline() {
            return empty::empty(ui, scene.theme, scene.text("chat.without_server.what"), scene.text("chat.without_server.next"));
        }
        self.look_around(ui, scene);
        if scene.is_panel() && self.handover.is_some() {
            return self.handover_panel(ui, scene);
        }
        if scene.is_panel() && self.typing && can_say(scene) {
            return self.typing_panel(ui, scene);
        }
        if scene.is_panel() && self.find.typing {
            return self.find_panel(ui, scene);
        }
        let room = ui.available_size();
        let gap = scene.theme.sizes.gap;
        let side = if scene.is_panel() { 340.0 } else { (room.x * 0.22).clamp(220.0, 320.0) };
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            ui.allocate_ui_with_layout(vec2(side, room.y), Layout::top_down(Align::Min), |ui| {
                ui.set_width(side);
                self.side(ui, scene);
            });
            ui.allocate_ui_with_layout(vec2(room.x - side - gap, room.y), Layout::top_down(Align::Min), |ui| {
                ui.set_width(room.x - side - gap);
                self.conversation(ui, scene);
            });
        });
        self.handover_dialog(ui, scene);
    }

    /// Asks who is present, as long as somebody looks.
    fn look_around(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let chat = &scene.model.chat;
        if chat.state == ChatState::Live && ui.input(|input| input.focused) {
            self.asking.ask(ui, scene, &chat.present, || Command::Chat(ChatCommand::Present));
        }
    }

    /// Rooms and, below them, who is present and what is done with handover notes.
    fn side(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let keys = Panel::bottom("chat notes").resizable(false).show_separator_line(false).frame(Frame::new());
        keys.show(ui, |ui| match scene.is_panel() {
            true => self.panel_keys(ui, scene),
            false => self.desk_keys(ui, scene),
        });
        if let Some(room) = rooms::rooms(ui, scene) {
            (self.typing, self.shows_people) = (false, false);
            scene.run(Command::Chat(ChatCommand::Enter(room)));
        }
    }

    fn desk_keys(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        people::block(ui, scene);
        let width = vec2(ui.available_width(), scene.theme.sizes.touch);
        ui.spacing_mut().item_spacing.y = space::XS;
        ui.vertical_centered(|ui| {
            self.notes_key(ui, scene, ("chat.show_all", "chat.notes_only"), width);
            self.new_note_key(ui, scene, "chat.handover.new", width);
        });
    }

    fn notes_key(&self, ui: &mut Ui, scene: &Scene<'_>, (all, notes): (&'static str, &'static str), size: Vec2) {
        let notes_only = scene.model.chat.notes_only;
        if button::secondary_sized(ui, scene.theme, scene.text(if notes_only { all } else { notes }), true, size).clicked() {
            scene.run(Command::Chat(ChatCommand::NotesOnly(!notes_only)));
        }
    }

    fn new_note_key(&mut self, ui: &mut Ui, scene: &Scene<'_>, key: &'static str, size: Vec2) {
        if button::secondary_sized(ui, scene.theme, scene.text(key), can_say(scene), size).clicked() {
            self.handover = Some(handover::Form::default());
        }
    }

    fn conversation(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let frame = Frame::new().inner_margin(Margin { top: space::S as i8, ..Margin::ZERO });
        Panel::bottom("chat compose").resizable(false).show_separator_line(false).frame(frame).show(ui, |ui| self.say_ui(ui, scene));
        let slice = &scene.model.chat;
        match scene.is_panel() {
            false => self.title(ui, scene),
            true if self.shows_people => return people::page(ui, scene),
            true if !slice.search.is_empty() && !self.find.typing => self.find.row(ui, scene),
            true => {}
        }
        status::status(ui, scene);
        match slice.page.value() {
            Some(page) => self.known(ui, scene, page),
            None => status::unknown(ui, scene),
        }
    }

    /// The room's name, and the field to search in it.
    fn title(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let field = (ui.available_width() * 0.45).min(320.0);
        ui.horizontal(|ui| {
            let place = vec2(ui.available_width() - field - theme.sizes.body * 3.0, theme.sizes.touch);
            ui.allocate_ui_with_layout(place, Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_size(place);
                ui.add(Label::new(theme.title(rooms::title(scene))).truncate());
            });
            self.find.desk(ui, scene, field);
        });
    }

    fn known(&mut self, ui: &mut Ui, scene: &Scene<'_>, page: &ChatPage) {
        let slice = &scene.model.chat;
        if page.messages.is_empty() && !slice.search.is_empty() {
            return find::nothing(ui, scene, page);
        }
        if let Some(note) = page.note.as_ref().filter(|_| !(slice.notes_only || (scene.is_panel() && self.typing))) {
            self.note.ui(ui, scene, note);
        }
        if page.messages.is_empty() && slice.unsent.is_empty() {
            let (what, next) = match slice.notes_only {
                true => ("chat.no_notes.what", "chat.no_notes.next"),
                false => ("chat.none.what", "chat.none.next"),
            };
            return empty::empty(ui, scene.theme, scene.text(what), scene.text(next));
        }
        self.log.ui(ui, scene);
        if let Some(words) = self.log.take_withdrawn() {
            self.compose.put_back(scene, &words);
        }
    }

    /// What could not be sent, and the field.
    fn say_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        compose::refused(ui, scene);
        let done = self.compose.ui(ui, scene, (can_say(scene), self.typing));
        self.typing |= done.focused && scene.is_panel();
        if done.send {
            self.send(scene);
        }
    }

    fn send(&mut self, scene: &Scene<'_>) {
        // What nobody takes stays in the field.
        if let Some(content) = can_say(scene).then(|| self.compose.take(scene)).flatten() {
            self.log.go_to_end();
            say(scene, content, false);
        }
    }

    fn handover_dialog(&mut self, ui: &Ui, scene: &Scene<'_>) {
        // A panel has a page of its own for it, from the next frame on.
        let Some(form) = self.handover.as_mut().filter(|_| !scene.is_panel()) else { return };
        let answer = form.dialog(ui, scene);
        self.hand_over(scene, answer);
    }

    fn hand_over(&mut self, scene: &Scene<'_>, answer: handover::Answer) {
        let Some(answer) = answer else { return };
        if let Some(content) = answer {
            self.log.go_to_end();
            say(scene, content, true);
        }
        self.handover = None;
    }
}

/// Whether somebody takes what is said now.
fn can_say(scene: &Scene<'_>) -> bool {
    let chat = &scene.model.chat;
    !chat.full && !chat.room.is_empty() && matches!(chat.state, ChatState::Live | ChatState::Away | ChatState::Opening)
}

fn say(scene: &Scene<'_>, content: String, note: bool) {
    let room = scene.model.chat.room.clone();
    scene.run(Command::Chat(ChatCommand::Say { room, content, note }));
}
