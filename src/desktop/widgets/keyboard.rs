//! A keyboard on the screen, for panels that have none. It says which key was touched; who asked decides where it goes.

use eframe::egui::accesskit::Role;
use eframe::egui::{CornerRadius, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2};

use super::icon::{self, Icon};
use crate::desktop::theme::{RADIUS, Theme, Weight, font};

/// What a touch means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    Letter(char),
    Backspace,
    Enter,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Page {
    #[default]
    Small,
    Large,
    Symbols,
}

/// Which page is up.
#[derive(Default)]
pub struct Keyboard(Page);

/// The words on the keys that are no letters.
pub struct Names<'a> {
    pub shift: &'a str,
    pub backspace: &'a str,
    pub enter: &'a str,
    pub space: &'a str,
    pub symbols: &'a str,
    pub letters: &'a str,
}

const GAP: f32 = 6.0;
const LETTERS: [&str; 4] = ["1234567890", "qwertyuiop", "asdfghjkl-", "zxcvbnm.:/"];
const SYMBOLS: [&str; 4] = ["1234567890", "!\"#$%&'()*", "+,;<=>?@[]", "\\^_`{|}~€§"];

impl Keyboard {
    /// Draws it as large as there is room, and says what was touched.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, names: &Names<'_>) -> Option<Touched> {
        let room = ui.available_size();
        let key = vec2((room.x - GAP * 9.0) / 10.0, (room.y - GAP * 4.0) / 5.0);
        ui.spacing_mut().item_spacing = Vec2::splat(GAP);
        let mut touched = None;
        for row in if self.0 == Page::Symbols { SYMBOLS } else { LETTERS } {
            ui.horizontal(|ui| {
                for c in row.chars() {
                    let c = if self.0 == Page::Large { c.to_ascii_uppercase() } else { c };
                    if press(ui, theme, &c.to_string(), None, key) {
                        touched = Some(Touched::Letter(c));
                    }
                }
            });
        }
        ui.horizontal(|ui| touched = touched.or(self.last_row(ui, theme, names, key)));
        if self.0 == Page::Large && matches!(touched, Some(Touched::Letter(c)) if c.is_alphabetic()) {
            self.0 = Page::Small;
        }
        touched
    }

    fn last_row(&mut self, ui: &mut Ui, theme: &Theme, names: &Names<'_>, key: Vec2) -> Option<Touched> {
        let wide = |n: f32| vec2(key.x * n + GAP * (n - 1.0), key.y);
        if press(ui, theme, names.shift, Some(Icon::Shift), wide(1.5)) {
            self.0 = if self.0 == Page::Large { Page::Small } else { Page::Large };
        }
        let other = if self.0 == Page::Symbols { names.letters } else { names.symbols };
        if press(ui, theme, other, None, wide(1.5)) {
            self.0 = if self.0 == Page::Symbols { Page::Small } else { Page::Symbols };
        }
        let space = press(ui, theme, names.space, None, wide(3.0));
        let backspace = press(ui, theme, names.backspace, Some(Icon::Backspace), wide(2.0));
        let enter = press(ui, theme, names.enter, None, wide(2.0));
        [(space, Touched::Letter(' ')), (backspace, Touched::Backspace), (enter, Touched::Enter)]
            .into_iter()
            .find_map(|(pressed, touched)| pressed.then_some(touched))
    }
}

/// Keys take no focus: it belongs to the field they write into.
pub(super) fn press(ui: &mut Ui, theme: &Theme, name: &str, icon: Option<Icon>, size: Vec2) -> bool {
    let (rect, response) = ui.allocate_exact_size(size, Sense::CLICK);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let c = theme.color;
    let fill = if response.is_pointer_button_down_on() { c.control } else { c.bg2 };
    ui.painter().rect(rect, CornerRadius::same(RADIUS), fill, Stroke::new(1.0, c.line), StrokeKind::Inside);
    match icon {
        Some(icon) => icon::paint(ui.painter(), Rect::from_center_size(rect.center(), Vec2::splat(size.y * 0.42)), icon, c.text1),
        None => {
            let letter = (size.y * 0.35).max(theme.sizes.body);
            let galley = ui.painter().layout_no_wrap(name.to_owned(), font(letter, Weight::Medium), c.text1);
            ui.painter().galley(rect.center() - galley.size() / 2.0, galley, c.text1);
        }
    }
    response.clicked()
}
