//! A field to search by. What is typed is handed over after a short pause, or at once with Enter.

use eframe::egui::{Align2, Key, Role, TextEdit, Ui, WidgetInfo, vec2};

use super::icon::{self, Icon};
use crate::desktop::theme::Theme;

/// How long after the last key the search is sent.
const PAUSE_SECS: f64 = 0.3;
const LONGEST: usize = 200;

/// What is being typed, and since when it has not been asked for.
#[derive(Default)]
pub struct Search {
    text: Option<String>,
    typed_at: Option<f64>,
}

impl Search {
    /// Whether something was typed that was not asked for yet.
    pub fn is_typing(&self) -> bool {
        self.typed_at.is_some()
    }

    /// Draws the field over `known`, the search that is shown. Answers the next one.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, (hint, known): (&str, &str), width: f32) -> Option<String> {
        let mut text = self.text.take().unwrap_or_else(|| known.to_owned());
        icon::show(ui, Icon::Search, theme.sizes.body * 1.3, theme.color.text2);
        let edit = TextEdit::singleline(&mut text)
            .hint_text(theme.hint(hint))
            .char_limit(LONGEST)
            .desired_width(width)
            .min_size(vec2(0.0, theme.sizes.touch))
            .align(Align2::LEFT_CENTER);
        let typed = ui.add(edit);
        typed.widget_info(|| WidgetInfo::labeled(Role::SearchInput, true, hint));
        let now = ui.input(|input| input.time);
        if typed.changed() {
            self.typed_at = Some(now);
        }
        let entered = typed.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let mut asked = None;
        if self.typed_at.is_some_and(|at| entered || now - at >= PAUSE_SECS) {
            self.typed_at = None;
            asked = Some(text.trim().to_owned());
        } else if self.typed_at.is_some() {
            ui.request_repaint_after_secs(PAUSE_SECS as f32);
        }
        // While the answer is on its way the field keeps what was typed.
        self.text = (self.typed_at.is_some() || typed.has_focus()).then_some(text);
        asked
    }
}
