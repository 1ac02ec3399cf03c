//! Ten digits on the screen, as telephones have them, for fingers and gloves.

use eframe::egui::{Ui, Vec2, vec2};

use super::icon::Icon;
use super::keyboard::{Touched, press};
use crate::desktop::theme::Theme;

const GAP: f32 = 8.0;

/// How large keys are where there is room: 15 mm on a panel, as wide as two fingers; a pointer's on a desk.
pub fn key_size(theme: &Theme) -> Vec2 {
    let side = theme.sizes.touch.max(56.0);
    vec2(side * 1.5, side * 1.125)
}

/// How much room all the keys take.
pub fn size(theme: &Theme) -> Vec2 {
    key_size(theme) * vec2(3.0, 4.0) + vec2(GAP * 2.0, GAP * 3.0)
}

/// Draws the keys, and says which one was touched.
pub fn keypad(ui: &mut Ui, theme: &Theme, backspace: &str) -> Option<Touched> {
    let key = key_size(theme);
    let mut touched = None;
    ui.spacing_mut().item_spacing = Vec2::splat(GAP);
    for row in ["123", "456", "789", " 0<"] {
        ui.horizontal(|ui| {
            for c in row.chars() {
                let (pressed, means) = match c {
                    ' ' => {
                        ui.allocate_space(key);
                        continue;
                    }
                    '<' => (press(ui, theme, backspace, Some(Icon::Backspace), key), Touched::Backspace),
                    digit => (press(ui, theme, &digit.to_string(), None, key), Touched::Letter(digit)),
                };
                if pressed {
                    touched = Some(means);
                }
            }
        });
    }
    touched
}
