//! A password field of our own: its text lives in one buffer that wipes itself, and never in the toolkit's undo history.

use eframe::egui::accesskit::{Action, Role};
use eframe::egui::output::IMEOutput;
use eframe::egui::{
    Align, Align2, CornerRadius, Event, EventFilter, IMEPurpose, ImeEvent, Key, Layout, Rect, Response, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};
use zeroize::{Zeroize, Zeroizing};

use super::field;
use super::icon::{self, Icon};
use crate::desktop::theme::{RADIUS, Text, Theme, Weight};
use crate::support::secret::Secret;

/// Longest secret that can be typed or pasted, in bytes. Reserved at once, so that the text is never moved.
const LIMIT: usize = 4096;

/// What was typed so far.
pub struct PasswordBuffer {
    text: Zeroizing<String>,
    all_selected: bool,
    /// The last letter came out as caps lock would make it.
    caps_lock: bool,
}

impl Default for PasswordBuffer {
    fn default() -> Self {
        PasswordBuffer { text: Zeroizing::new(String::with_capacity(LIMIT)), all_selected: false, caps_lock: false }
    }
}

impl PasswordBuffer {
    /// Adds at the end; replaces all that is selected. What no keyboard can type is left out.
    pub fn push(&mut self, text: &str) {
        if self.all_selected {
            self.clear();
        }
        for c in text.chars().filter(|c| !c.is_control()) {
            if self.text.len() + c.len_utf8() <= LIMIT {
                self.text.push(c);
            }
        }
    }

    pub fn backspace(&mut self) {
        if self.all_selected {
            self.clear();
        } else if let Some((at, _)) = self.text.char_indices().next_back() {
            self.text.truncate(at);
        }
    }

    /// Leaves out what is not wanted.
    pub fn retain(&mut self, wanted: impl Fn(char) -> bool) {
        self.text.retain(wanted);
    }

    /// Wipes it.
    pub fn clear(&mut self) {
        self.text.zeroize();
        self.all_selected = false;
        self.caps_lock = false;
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub fn caps_lock(&self) -> bool {
        self.caps_lock
    }

    pub fn same_as(&self, other: &PasswordBuffer) -> bool {
        *self.text == *other.text
    }

    /// The words, for looking at their shape only.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Hands the secret over and wipes the buffer.
    pub fn take(&mut self) -> Secret {
        let secret = Secret::new(self.text.as_str());
        self.clear();
        secret
    }

    fn take_event(&mut self, event: &mut Event, shift: bool) -> bool {
        match event {
            Event::Text(text) => {
                self.notice_caps_lock(text, shift);
                self.push(text);
                text.zeroize();
            }
            Event::Paste(text) | Event::Ime(ImeEvent::Commit(text)) => {
                self.push(text.trim_end_matches(['\r', '\n']));
                text.zeroize();
            }
            Event::Key { key: Key::Backspace, pressed: true, modifiers, .. } if modifiers.command => self.clear(),
            Event::Key { key: Key::Backspace | Key::Delete, pressed: true, .. } => self.backspace(),
            Event::Key { key: Key::A, pressed: true, modifiers, .. } if modifiers.command => self.all_selected = !self.is_empty(),
            Event::Key { key: Key::ArrowLeft | Key::ArrowRight | Key::Home | Key::End, pressed: true, .. } => self.all_selected = false,
            // A password does not leave this field.
            Event::Copy | Event::Cut => {}
            _ => return false,
        }
        true
    }

    fn notice_caps_lock(&mut self, text: &str, shift: bool) {
        if let Some(letter) = text.chars().next().filter(|c| c.is_uppercase() != c.is_lowercase()) {
            self.caps_lock = letter.is_uppercase() != shift;
        }
    }
}

/// Draws the field with its name above. The value is never told to anybody, its length neither.
pub fn password_field(ui: &mut Ui, theme: &Theme, name: &str, show: &str, buffer: &mut PasswordBuffer) -> Response {
    ui.label(theme.label(name));
    password_line(ui, theme, name, show, buffer)
}

/// As [`password_field`], without the name above.
pub fn password_line(ui: &mut Ui, theme: &Theme, name: &str, show: &str, buffer: &mut PasswordBuffer) -> Response {
    let size = vec2(ui.available_width(), field::height(theme));
    let (rect, mut response) = ui.allocate_exact_size(size, Sense::click());
    let (line, eye) = rect.split_left_right_at_x(rect.right() - size.y);
    if response.clicked() {
        response.request_focus();
        buffer.all_selected = response.double_clicked() && !buffer.is_empty();
    }
    if response.has_focus() {
        listen(ui, &response, buffer).then(|| response.mark_changed());
        let ime = IMEOutput { purpose: IMEPurpose::Password, rect, cursor_rect: rect, should_interrupt_composition: false };
        ui.output_mut(|output| output.ime = Some(ime));
    }
    response.widget_info(|| WidgetInfo::labeled(Role::PasswordInput, ui.is_enabled(), name));
    ui.ctx().accesskit_node_builder(response.id, |node| node.add_action(Action::Focus));
    frame(ui, theme, rect, response.has_focus());
    let visible = eye_button(ui, theme, eye, show);
    content(ui, theme, line, (buffer, visible, response.has_focus()));
    response
}

/// As [`password_line`], with its name inside while it is empty.
pub fn password_hinted(ui: &mut Ui, theme: &Theme, name: &str, show: &str, buffer: &mut PasswordBuffer) -> Response {
    let response = password_line(ui, theme, name, show, buffer);
    if buffer.is_empty() {
        let room = response.rect.with_max_x(response.rect.right() - response.rect.height());
        let at = room.left_center() + vec2(12.0, 0.0);
        let font = theme.font(Text::Body, Weight::Regular);
        ui.painter().with_clip_rect(room).text(at, Align2::LEFT_CENTER, name, font, theme.color.text3);
    }
    response
}

fn listen(ui: &Ui, response: &Response, buffer: &mut PasswordBuffer) -> bool {
    let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    ui.input_mut(|input| {
        let shift = input.modifiers.shift;
        let before = input.events.len();
        input.events.retain_mut(|event| !buffer.take_event(event, shift));
        // The toolkit keeps a copy of what the keyboard said until the next frame.
        for event in &mut input.raw.events {
            if let Event::Text(text) | Event::Paste(text) | Event::Ime(ImeEvent::Commit(text)) = event {
                text.zeroize();
            }
        }
        before != input.events.len()
    })
}

fn frame(ui: &Ui, theme: &Theme, rect: Rect, focused: bool) {
    let border = if focused { Stroke::new(2.0, theme.color.accent) } else { Stroke::new(1.0, theme.color.control) };
    ui.painter().rect(rect, CornerRadius::same(RADIUS), theme.color.bg2, border, StrokeKind::Inside);
}

/// Shows the password while it is pressed, by pointer or by space bar.
fn eye_button(ui: &mut Ui, theme: &Theme, rect: Rect, name: &str) -> bool {
    let response = ui.interact(rect, ui.scope_id().with(("eye", name)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let pressed = response.is_pointer_button_down_on() || (response.has_focus() && ui.input(|input| input.key_down(Key::Space)));
    let ink = if pressed || response.hovered() { theme.color.text1 } else { theme.color.text3 };
    icon::paint(ui.painter(), Rect::from_center_size(rect.center(), Vec2::splat(rect.height() * 0.42)), Icon::Eye, ink);
    super::button::focus_ring(ui, theme, &response);
    pressed
}

/// Dots, or the letters one by one, so that no laid-out text holds the whole. The end stays in sight.
fn content(ui: &mut Ui, theme: &Theme, rect: Rect, (buffer, visible, focused): (&PasswordBuffer, bool, bool)) {
    let inner = rect.shrink2(vec2(12.0, 4.0));
    let ui = ui.new_child(UiBuilder::new().max_rect(inner).layout(Layout::left_to_right(Align::Center)));
    let painter = ui.painter().with_clip_rect(inner.expand(2.0));
    let font = theme.font(Text::Body, Weight::Medium);
    let step = font.size * 0.62;
    let ink = theme.color.text1;
    let letters: Vec<_> =
        if visible { buffer.text.chars().map(|c| painter.layout_no_wrap(c.to_string(), font.clone(), ink)).collect() } else { Vec::new() };
    let width = if visible { letters.iter().map(|letter| letter.size().x).sum() } else { step * buffer.text.chars().count() as f32 };
    let mut x = inner.left() - (width - inner.width() + 4.0).max(0.0);
    if buffer.all_selected {
        painter.rect_filled(
            Rect::from_x_y_ranges(x..=x + width, inner.shrink(4.0).y_range()),
            2.0,
            theme.color.accent.gamma_multiply(0.35),
        );
    }
    if visible {
        for letter in letters {
            let width = letter.size().x;
            painter.galley(pos2(x, inner.center().y - letter.size().y / 2.0), letter, ink);
            x += width;
        }
    } else {
        for i in 0..buffer.text.chars().count() {
            painter.circle_filled(pos2(x + step * (i as f32 + 0.5), inner.center().y), font.size * 0.21, ink);
        }
        x += width;
    }
    if focused {
        let caret = Stroke::new(2.0, theme.color.accent);
        painter.vline(x + 1.0, (inner.center().y - font.size * 0.65)..=(inner.center().y + font.size * 0.65), caret);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::Modifiers;

    fn typed(texts: &[&str]) -> PasswordBuffer {
        let mut buffer = PasswordBuffer::default();
        for text in texts {
            buffer.take_event(&mut Event::Text((*text).to_owned()), false);
        }
        buffer
    }

    fn key(key: Key, modifiers: Modifiers) -> Event {
        Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }
    }

    #[test]
    fn letters_of_every_script_are_typed_and_taken_back_whole() {
        let mut buffer = typed(&["z", "a", "ż", "ó", "ł", "ć"]);
        buffer.take_event(&mut key(Key::Backspace, Modifiers::NONE), false);
        assert_eq!(buffer.expose(), "zażół");
        assert_eq!(buffer.take(), Secret::new("zażół"));
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_paste_replaces_what_is_selected_and_is_wiped_from_the_event() {
        let mut buffer = typed(&["old"]);
        buffer.take_event(&mut key(Key::A, Modifiers::COMMAND), false);
        let mut paste = Event::Paste("new secret\n".to_owned());
        assert!(buffer.take_event(&mut paste, false));
        assert_eq!(buffer.expose(), "new secret");
        assert_eq!(paste, Event::Paste(String::new()));
    }

    #[test]
    fn the_buffer_is_never_moved_whatever_is_pasted() {
        let mut buffer = PasswordBuffer::default();
        let before = buffer.text.as_ptr();
        buffer.push(&"ł".repeat(5000));
        assert_eq!(buffer.text.as_ptr(), before);
        assert!(buffer.text.len() <= LIMIT);
    }

    #[test]
    fn caps_lock_is_guessed_from_letters_alone() {
        assert!(typed(&["A"]).caps_lock());
        assert!(!typed(&["a"]).caps_lock());
        assert!(!typed(&["1", "!"]).caps_lock());
    }
}
