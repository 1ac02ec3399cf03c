//! Searching in the open room: on a desk a field beside the room's name, on a panel a field with the keyboard beside it.

use eframe::egui::{Context, Id, Key, Ui, vec2};

use crate::client::{ChatCommand, ChatPage, Command};
use crate::desktop::Scene;
use crate::desktop::theme::space;
use crate::desktop::widgets::keyboard::Touched;
use crate::desktop::widgets::search::Search;
use crate::desktop::widgets::{button, empty, field};

#[derive(Default)]
pub(super) struct Find {
    desk: Search,
    /// On a panel: what is being typed, and where.
    text: String,
    field: Option<Id>,
    /// On a panel: the keyboard is up for it.
    pub(super) typing: bool,
}

impl Find {
    pub(super) fn desk(&mut self, ui: &mut Ui, scene: &Scene<'_>, width: f32) {
        let known = scene.model.chat.search.as_str();
        let asked = self.desk.ui(ui, scene.theme, (scene.text("chat.search_hint"), known), width);
        if let Some(words) = asked.filter(|words| words != known) {
            ask(scene, &words);
        }
    }

    /// On a panel: brings the keyboard for what is searched for.
    pub(super) fn begin(&mut self, scene: &Scene<'_>) {
        self.text.clone_from(&scene.model.chat.search);
        (self.typing, self.field) = (true, None);
    }

    /// On a panel, beside its keyboard.
    pub(super) fn panel(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let side = vec2(182.0, field::height(scene.theme));
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            let width = ui.available_width() - side.x - space::S;
            let name = scene.text("chat.search");
            let shown = ui.allocate_ui(vec2(width, side.y), |ui| field::bare_field(ui, scene.theme, name, &mut self.text, name));
            if self.field.is_none() {
                shown.inner.request_focus();
            }
            self.field = Some(shown.inner.id);
            let entered = shown.inner.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if entered {
                self.go(scene);
            }
            if button::secondary_sized(ui, scene.theme, scene.text("chat.search_end"), true, side).clicked() {
                self.end(scene);
            }
        });
    }

    pub(super) fn touch(&mut self, ctx: &Context, scene: &Scene<'_>, touched: Touched) {
        match touched {
            Touched::Letter(c) => self.text.push(c),
            Touched::Backspace => drop(self.text.pop()),
            Touched::Enter => return self.go(scene),
        }
        if let Some(id) = self.field {
            ctx.memory_mut(|memory| memory.request_focus(id));
        }
    }

    fn go(&mut self, scene: &Scene<'_>) {
        self.typing = false;
        ask(scene, self.text.trim());
    }

    fn end(&mut self, scene: &Scene<'_>) {
        self.typing = false;
        self.text.clear();
        ask(scene, "");
    }

    /// On a panel, above what was found: the words, to change them, and the way back.
    pub(super) fn row(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let height = field::height(scene.theme);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            let words = scene.model.chat.search.as_str();
            if button::secondary_sized(ui, scene.theme, words, true, vec2(ui.available_width() - 190.0, height)).clicked() {
                self.begin(scene);
            }
            if button::secondary_sized(ui, scene.theme, scene.text("chat.search_end"), true, vec2(182.0, height)).clicked() {
                self.end(scene);
            }
        });
    }
}

fn ask(scene: &Scene<'_>, words: &str) {
    if words != scene.model.chat.search {
        scene.run(Command::Chat(ChatCommand::Search(words.to_owned())));
    }
}

/// Nothing was found, so far or at all.
pub(super) fn nothing(ui: &mut Ui, scene: &Scene<'_>, page: &ChatPage) {
    let trouble = scene.model.chat.page.error();
    let next = match (page.reading_earlier, trouble, page.more) {
        (true, _, _) => scene.text("chat.searching").to_owned(),
        (false, Some(told), _) => told.what(scene.language),
        (false, None, true) => scene.text("chat.search_none_yet").to_owned(),
        (false, None, false) => scene.text("chat.search_none_next").to_owned(),
    };
    empty::empty(ui, scene.theme, scene.text("chat.search_none"), &next);
    if page.more && !page.reading_earlier {
        ui.vertical_centered(|ui| {
            ui.add_space(space::S);
            let key = if trouble.is_some() { "chat.search_again" } else { "chat.search_further" };
            if button::secondary(ui, scene.theme, scene.text(key), super::desk::is_online(scene)).clicked() {
                scene.run(Command::Chat(ChatCommand::Earlier));
            }
        });
    }
}
