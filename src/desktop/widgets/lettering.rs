//! Words put at exact places: on a base line, cut to a width, or made smaller until they fit.

use std::sync::Arc;

use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{Align2, Color32, FontId, Galley, Painter, Pos2, Rect, Stroke, Ui, pos2, vec2};

use crate::desktop::theme::{Theme, Weight, font};

/// Where Inter's base line lies, in heights of the font from a row's top, and how high its capitals and digits are.
const BASE: f32 = 0.968_75;
pub const CAPITAL: f32 = 0.727;

/// One line of words, ready to be painted.
pub struct Line {
    galley: Arc<Galley>,
    size: f32,
}

impl Line {
    /// Cut with an ellipsis where it is wider than `width`.
    pub fn cut(ui: &Ui, words: &str, (size, weight): (f32, Weight), color: Color32, width: f32) -> Line {
        let format = TextFormat { extra_letter_spacing: spacing(size), ..TextFormat::simple(font(size, weight), color) };
        let mut job = LayoutJob::single_section(words.replace('\n', " "), format);
        job.wrap = TextWrapping { max_rows: 1, break_anywhere: true, ..TextWrapping::wrap_at_width(width.max(1.0)) };
        Line { galley: ui.fonts_mut(|fonts| fonts.layout_job(job)), size }
    }

    /// In a smaller size where it is wider than `width`, and cut only below half of it.
    pub fn fit(ui: &Ui, words: &str, (size, weight): (f32, Weight), color: Color32, width: f32) -> Line {
        let natural = Line::cut(ui, words, (size, weight), color, f32::INFINITY);
        if natural.width() <= width {
            return natural;
        }
        let smaller = (size * width / natural.width()).floor().max((size / 2.0).ceil());
        Line::cut(ui, words, (smaller, weight), color, width)
    }

    /// For a place that is found out by the size of the whole line.
    pub fn galley(&self) -> Arc<Galley> {
        self.galley.clone()
    }

    pub fn width(&self) -> f32 {
        self.galley.size().x
    }

    /// Height of the capitals and digits.
    pub fn capital(&self) -> f32 {
        self.size * CAPITAL
    }

    /// Paints it with its base line's left end at `at`.
    pub fn on_base(&self, painter: &Painter, at: Pos2) {
        painter.galley(pos2(at.x, at.y - self.size * BASE), self.galley.clone(), Color32::PLACEHOLDER);
    }

    /// Paints it beside, above or below `at`, centred by the height of its capitals.
    pub fn beside(&self, painter: &Painter, at: Pos2, anchor: Align2) {
        let rect = anchor.anchor_size(at, vec2(self.width(), self.capital()));
        self.on_base(painter, rect.left_bottom());
    }
}

/// Big letters stand closer.
fn spacing(size: f32) -> f32 {
    if size >= 40.0 { size * -0.02 } else { 0.0 }
}

/// Paints one line of words beside `at`, cut to `width`, and returns how wide it became.
pub fn words(ui: &Ui, words: &str, look: (f32, Weight, Color32), (at, anchor): (Pos2, Align2), width: f32) -> f32 {
    let line = Line::cut(ui, words, (look.0, look.1), look.2, width);
    line.beside(ui.painter(), at, anchor);
    line.width()
}

/// The font of a size and weight.
pub fn face(size: f32, weight: Weight) -> FontId {
    font(size, weight)
}

/// Stripes behind a value that is no longer true.
pub fn hatch(painter: &Painter, rect: Rect, theme: &Theme) {
    let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    painter.rect_filled(rect, 4.0, theme.color.bg2);
    let step = 10.0;
    let stroke = Stroke::new(3.0, theme.color.fault.gamma_multiply(0.13));
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        painter.line_segment([pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())], stroke);
        x += step * std::f32::consts::SQRT_2;
    }
}
