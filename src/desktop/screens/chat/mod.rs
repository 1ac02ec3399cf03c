//! The conversation: rooms and who is present on the left, what was said on the right, the last shift's note above it, and a field to
//! say something. On a panel the field brings a keyboard, and the rooms make way for it.

mod compose;
mod find;
mod handover;
mod log;
mod note;
mod people;
mod rooms;
mod said;

use eframe::egui::{Align, Frame, Label, Layout, Margin, Panel, Ui, Vec2, vec2};

use super::desk;
use super::login::panel_halves;
use crate::client::{ChatCommand, ChatPage, ChatRoom, ChatState, Command};
use crate::desktop::Scene;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::keyboard::Keyboard;
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{button, card, empty};

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
        if scene.is_panel() && self.typing && self.can_say(scene) {
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
        self.notes_key(ui, scene, ("chat.show_all", "chat.notes_only"), width);
        self.new_note_key(ui, scene, "chat.handover.new", width);
    }

    fn panel_keys(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
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

    fn notes_key(&self, ui: &mut Ui, scene: &Scene<'_>, (all, notes): (&'static str, &'static str), size: Vec2) {
        let notes_only = scene.model.chat.notes_only;
        if button::secondary_sized(ui, scene.theme, scene.text(if notes_only { all } else { notes }), true, size).clicked() {
            scene.run(Command::Chat(ChatCommand::NotesOnly(!notes_only)));
        }
    }

    fn new_note_key(&mut self, ui: &mut Ui, scene: &Scene<'_>, key: &'static str, size: Vec2) {
        if button::secondary_sized(ui, scene.theme, scene.text(key), self.can_say(scene), size).clicked() {
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
        status(ui, scene);
        match slice.page.value() {
            Some(page) => self.known(ui, scene, page),
            None => unknown(ui, scene),
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
                ui.add(Label::new(theme.title(room_title(scene))).truncate());
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
        let done = self.compose.ui(ui, scene, (self.can_say(scene), self.typing));
        self.typing |= done.focused && scene.is_panel();
        if done.send {
            self.send(scene);
        }
    }

    fn send(&mut self, scene: &Scene<'_>) {
        if let Some(content) = self.compose.take(scene).filter(|_| self.can_say(scene)) {
            self.log.go_to_end();
            say(scene, content, false);
        }
    }

    fn can_say(&self, scene: &Scene<'_>) -> bool {
        let chat = &scene.model.chat;
        !chat.full && !chat.room.is_empty() && matches!(chat.state, ChatState::Live | ChatState::Away | ChatState::Opening)
    }

    fn typing_panel(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
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

    fn find_panel(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
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

    fn handover_dialog(&mut self, ui: &Ui, scene: &Scene<'_>) {
        // A panel has a page of its own for it, from the next frame on.
        let Some(form) = self.handover.as_mut().filter(|_| !scene.is_panel()) else { return };
        match form.dialog(ui, scene) {
            Some(Some(content)) => {
                self.log.go_to_end();
                say(scene, content, true);
                self.handover = None;
            }
            Some(None) => self.handover = None,
            None => {}
        }
    }

    fn handover_panel(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let Some(form) = &mut self.handover else { return };
        let mut answer = None;
        let touched = panel_halves(ui, scene, &mut self.keyboard, |ui| answer = form.panel(ui, scene));
        if let Some(touched) = touched {
            form.touch(ui.ctx(), touched);
        }
        match answer {
            Some(Some(content)) => {
                say(scene, content, true);
                self.handover = None;
            }
            Some(None) => self.handover = None,
            None => {}
        }
    }
}

fn say(scene: &Scene<'_>, content: String, note: bool) {
    let room = scene.model.chat.room.clone();
    scene.run(Command::Chat(ChatCommand::Say { room, content, note }));
}

/// What people call the open room.
fn room_title(scene: &Scene<'_>) -> String {
    let slice = &scene.model.chat;
    match slice.rooms.iter().find(|room| room.name == slice.room) {
        Some(room) => room_name(scene, room),
        None => scene.text("chat.line").to_owned(),
    }
}

fn room_name(scene: &Scene<'_>, room: &ChatRoom) -> String {
    match room.name.strip_prefix("station:") {
        Some(_) if room.own => scene.text("chat.own_station").to_owned(),
        Some(name) => name.to_owned(),
        None => scene.text("chat.line").to_owned(),
    }
}

/// What is wrong, while something is.
fn status(ui: &mut Ui, scene: &Scene<'_>) {
    let chat = &scene.model.chat;
    let left = chat.too_fast_until.map_or(0, |until| (until - scene.now).num_seconds());
    let (shape, words) = match &chat.state {
        _ if chat.full => (Sign::Warning, scene.text("chat.full").to_owned()),
        ChatState::Live | ChatState::Opening | ChatState::Away if !desk::is_online(scene) => {
            (Sign::Offline, scene.text("chat.offline").to_owned())
        }
        ChatState::Ended(told) => (Sign::Critical, format!("{} {}", scene.what(told), scene.remedy(told))),
        _ if left > 0 => (Sign::Warning, scene.fill("chat.too_fast", &[("n", &left.to_string())])),
        ChatState::Away => (Sign::Offline, scene.text("chat.away").to_owned()),
        _ => match chat.page.error().filter(|_| chat.page.value().is_some()) {
            Some(told) => (Sign::Fault, scene.what(told)),
            None => return,
        },
    };
    let theme = scene.theme;
    ui.scope(|ui| {
        card::row(ui, theme, Text::Body, |ui| {
            sign::show(ui, theme, shape, theme.sizes.body * 1.1);
            ui.add(Label::new(theme.words(words, Text::Body, Weight::Medium, shape.ink(theme))).truncate());
        });
    });
}

/// Nothing of the room is known: it is being read, or cannot be.
fn unknown(ui: &mut Ui, scene: &Scene<'_>) {
    match &scene.model.chat.state {
        ChatState::Ended(told) => empty::empty(ui, scene.theme, &scene.what(told), &scene.remedy(told)),
        _ if !desk::is_online(scene) => {
            empty::empty(ui, scene.theme, scene.text("desk.never.what"), scene.text("chat.never"));
        }
        _ => desk::unread(ui, scene, &scene.model.chat.page),
    }
}
