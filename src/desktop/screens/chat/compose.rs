//! What is being said: one draft a room. Enter sends it, Shift and Enter begin a new line.

use std::collections::BTreeMap;

use eframe::egui::{Align, Context, Id, Key, KeyboardShortcut, Label, Layout, Margin, Modifiers, ScrollArea, TextEdit, Ui, vec2};

use crate::client::{ChatCommand, Command};
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::keyboard::Touched;
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{button, field};
use crate::desktop::{Scene, format};
use crate::domain::chat::{CONTENT_MAX_CHARS, check_content};

/// From so many characters on the bound is told.
const NEAR_THE_BOUND: usize = CONTENT_MAX_CHARS - 400;
/// More is not even taken from the clipboard.
const LONGEST: usize = CONTENT_MAX_CHARS * 2;
const ROWS: usize = 5;

#[derive(Default)]
pub(super) struct Compose {
    drafts: BTreeMap<String, String>,
    field: Option<Id>,
    keys_away: bool,
}

pub(super) struct Done {
    pub(super) send: bool,
    /// The field has just got the keyboard.
    pub(super) focused: bool,
}

impl Compose {
    /// `keys`: a keyboard is on the screen, which can be put away.
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, (can_say, keys): (bool, bool)) -> Done {
        let theme = scene.theme;
        let panel = scene.is_panel();
        let draft = self.drafts.entry(scene.model.chat.room.clone()).or_default();
        let chars = draft.chars().count();
        bound(ui, scene, chars);
        let ready = can_say && check_content(draft).is_ok();
        let mut done = Done { send: false, focused: false };
        let side = vec2(if panel { 120.0 } else { 96.0 }, field::height(theme));
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            let buttons = if keys { 2.0 } else { 1.0 };
            let width = ui.available_width() - buttons * (side.x + space::S);
            let rows = draft.split('\n').count().clamp(1, if panel { 1 } else { ROWS });
            let edit = TextEdit::multiline(draft)
                // The same wherever the field stands: it keeps the keyboard when it moves.
                .id(Id::unique("chat field"))
                .hint_text(theme.hint(scene.text(if panel { "chat.field" } else { "chat.hint" })))
                .font(theme.font(Text::Body, Weight::Regular))
                .margin(Margin::symmetric(12, if panel { 14 } else { 12 }))
                .return_key(KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter))
                .char_limit(LONGEST)
                .desired_rows(rows)
                .min_size(vec2(0.0, side.y))
                .desired_width(f32::INFINITY);
            let highest = if panel { side.y } else { theme.sizes.body * 1.3 * ROWS as f32 + 24.0 };
            let scroll = ScrollArea::vertical().id_salt("chat field").max_height(highest).min_scrolled_height(highest);
            let shown = ui.vertical(|ui| {
                ui.set_width(width);
                scroll.auto_shrink([false, true]).show(ui, |ui| ui.add_enabled(can_say, edit)).inner
            });
            let response = shown.inner.accessible_name(scene.text("chat.field"));
            if keys {
                self.keys_away = button::secondary_sized(ui, theme, scene.text("chat.keys_away"), true, side).clicked();
            }
            let enter = response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter) && !input.modifiers.shift);
            let pressed = button::primary_sized(ui, theme, scene.text("chat.send"), ready, side).clicked();
            done.send = pressed || (enter && ready);
            done.focused = response.gained_focus();
            self.field = Some(response.id);
        });
        done
    }

    /// What is to be said in the open room, which is left empty. Nothing where it cannot be said like this.
    pub(super) fn take(&mut self, scene: &Scene<'_>) -> Option<String> {
        let draft = self.drafts.get_mut(&scene.model.chat.room)?;
        check_content(draft).ok()?;
        Some(std::mem::take(draft).trim_end().to_owned())
    }

    /// Puts words back into the open room's field, before what stands there.
    pub(super) fn put_back(&mut self, scene: &Scene<'_>, words: &str) {
        let draft = self.drafts.entry(scene.model.chat.room.clone()).or_default();
        *draft = if draft.is_empty() { words.to_owned() } else { format!("{words}\n{draft}") };
    }

    /// Hands a touched key to the field. Whether it was the one that sends.
    pub(super) fn touch(&mut self, ctx: &Context, scene: &Scene<'_>, touched: Touched) -> bool {
        let draft = self.drafts.entry(scene.model.chat.room.clone()).or_default();
        match touched {
            Touched::Letter(c) => draft.push(c),
            Touched::Backspace => {
                draft.pop();
            }
            Touched::Enter => {}
        }
        if let Some(id) = self.field {
            ctx.memory_mut(|memory| memory.request_focus(id));
        }
        touched == Touched::Enter
    }

    /// Whether the keyboard on the screen is to go.
    pub(super) fn puts_keys_away(&mut self, ctx: &Context) -> bool {
        if let Some(id) = self.field.filter(|_| self.keys_away) {
            ctx.memory_mut(|memory| memory.surrender_focus(id));
        }
        std::mem::take(&mut self.keys_away)
    }
}

/// How near the bound is, once it is near.
fn bound(ui: &mut Ui, scene: &Scene<'_>, chars: usize) {
    if chars < NEAR_THE_BOUND {
        return;
    }
    let theme = scene.theme;
    let over = chars > CONTENT_MAX_CHARS;
    let (n, most) = (format::count(chars as u64), format::count(CONTENT_MAX_CHARS as u64));
    let words = scene.fill(if over { "chat.too_long" } else { "chat.length" }, &[("n", &n), ("most", &most)]);
    let ink = if over { theme.color.crit } else { theme.color.text2 };
    ui.label(theme.words(words, Text::Small, Weight::Medium, ink));
}

/// The first message that the server refused, and what can be done with it.
pub(super) fn refused(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    let unsent = &scene.model.chat.unsent;
    let Some((unsent, told)) = unsent.iter().find_map(|unsent| Some((unsent, unsent.refused.as_ref()?))) else { return };
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button::secondary(ui, theme, scene.text("chat.discard"), true).clicked() {
                scene.run(Command::Chat(ChatCommand::Discard(unsent.id)));
            }
            if button::secondary(ui, theme, scene.text("chat.again"), true).clicked() {
                scene.run(Command::Chat(ChatCommand::Again(unsent.id)));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                sign::show(ui, theme, Sign::Critical, theme.sizes.body * 1.1);
                let words =
                    format!("{} {}", scene.what(told), if told.detail.is_empty() { scene.remedy(told) } else { told.detail.clone() });
                ui.add(Label::new(theme.words(words, Text::Body, Weight::Medium, theme.color.crit)).truncate());
            });
        });
    });
}
