//! Asks before something cannot be taken back, and holds forms. To a question, Escape and the place beside it mean no. A form holds what
//! somebody has typed: a press beside it does nothing, and Escape in a field leaves the field before it leaves the form.

use eframe::egui::accesskit::Role;
use eframe::egui::{Align, Context, Id, Key, Label, Layout, Margin, Modal, ModalResponse, Modifiers, Response, Ui};

use super::{button, card};
use crate::desktop::theme::{Display, Text, Theme, Weight, space};

/// The words of a question.
pub struct Question<'a> {
    pub title: &'a str,
    pub body: &'a str,
    pub yes: &'a str,
    pub no: &'a str,
    /// Saying yes destroys something.
    pub destroys: bool,
}

/// Draws the question. `None` while nobody has answered.
pub fn ask(ctx: &Context, theme: &Theme, id: &str, question: &Question<'_>) -> Option<bool> {
    let mut answer = None;
    let opened = has_just_opened(ctx, id);
    let modal = window(ctx, theme, id, question.title, |ui| {
        ui.add(Label::new(theme.words(question.body, Text::Body, Weight::Regular, theme.color.text2)).wrap());
        ui.add_space(space::M);
        let (given, no) = answers(ui, theme, question.yes, question.no, (true, question.destroys));
        answer = given;
        if opened {
            // Whoever presses Enter without reading says no.
            no.request_focus();
        }
    });
    answer.or(modal.should_close().then_some(false))
}

/// Whether this dialog was not there in the frame before.
fn has_just_opened(ctx: &Context, id: &str) -> bool {
    let (frame, key) = (ctx.cumulative_frame_nr(), Id::unique(id).with("last shown"));
    ctx.data_mut(|data| {
        let last: Option<u64> = data.get_temp(key);
        data.insert_temp(key, frame);
        last.is_none_or(|last| last + 1 < frame)
    })
}

/// Draws a form. Says whether it was left by Escape.
pub fn form(ctx: &Context, theme: &Theme, id: &str, title: &str, contents: impl FnOnce(&mut Ui)) -> bool {
    // Escape has taken the focus already by the time a frame is drawn: what counts is the frame before.
    let key = Id::unique(id).with("typing");
    let modal = window(ctx, theme, id, title, contents);
    let focused = ctx.text_edit_focused();
    let typed = ctx.data_mut(|data| std::mem::replace(data.get_temp_mut_or_default(key), focused));
    let listens = modal.is_top_modal && !modal.any_popup_open && !typed;
    listens && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
}

/// A window above all others, with a title.
fn window(ctx: &Context, theme: &Theme, id: &str, title: &str, contents: impl FnOnce(&mut Ui)) -> ModalResponse<()> {
    let margin = if theme.display == Display::Panel { theme.sizes.pad } else { space::L };
    let frame = card::frame(theme).inner_margin(Margin::same(margin as i8)).stroke(eframe::egui::Stroke::new(1.0, theme.color.control));
    let shade = theme.color.bg0.gamma_multiply(0.75);
    let modal = Modal::new(Id::unique(id)).frame(frame).backdrop_color(shade).show(ctx, |ui| {
        ui.set_width((theme.sizes.body * 30.0).min(ctx.content_rect().width() - 64.0));
        ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
            node.set_role(Role::Dialog);
            node.set_label(title);
        });
        ui.label(theme.title(title));
        ui.add_space(space::S);
        contents(ui);
    });
    // It is put into the middle by the size it had before. A button shall not move under the finger once it has another.
    let (key, size) = (Id::unique(id).with("size"), modal.response.rect.size());
    let before = ctx.data_mut(|data| std::mem::replace(data.get_temp_mut_or_default(key), size));
    if before != size {
        ctx.request_discard("a dialog has another size");
    }
    modal
}

/// The two answers, the safe one on the left. `(enabled, destroys)` is about yes.
pub fn buttons(ui: &mut Ui, theme: &Theme, yes: &str, no: &str, state: (bool, bool)) -> Option<bool> {
    answers(ui, theme, yes, no, state).0
}

/// The two answers, and the button that says no.
fn answers(ui: &mut Ui, theme: &Theme, yes: &str, no: &str, (enabled, destroys): (bool, bool)) -> (Option<bool>, Response) {
    let mut answer = None;
    let row = ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let accepted = if destroys { button::danger(ui, theme, yes) } else { button::primary(ui, theme, yes, enabled) };
        if accepted.clicked() {
            answer = Some(true);
        }
        ui.add_space(space::S);
        let no = button::secondary(ui, theme, no, true);
        if no.clicked() {
            answer = Some(false);
        }
        no
    });
    (answer, row.inner)
}
