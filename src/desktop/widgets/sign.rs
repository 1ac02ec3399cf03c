//! The signs of states: one shape for each, so that colour never has to tell them apart alone. A word always stands beside one.

use eframe::egui::{Color32, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, Vec2, pos2, vec2};

use super::icon::arc;
use crate::desktop::theme::Theme;
use crate::domain::report::Status;

/// A state, as a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sign {
    /// Octagon with an exclamation mark.
    Critical,
    /// Triangle with an exclamation mark.
    Warning,
    /// Square with a cross: stale, invalid, offline; the equipment, not the product.
    Fault,
    /// Hollow ring: nothing is wrong.
    Normal,
    /// Dot: connected.
    Connected,
    /// Half dot: connected before, and will be again.
    Offline,
    /// Part of a ring, turned by a part of a turn: busy.
    Busy(f32),
    /// Dash: nothing to say.
    Nothing,
    /// Check mark, of a test.
    Passed,
    /// Cross, of a test.
    Failed,
    /// Square, of a test that was stopped.
    Stopped,
}

impl Sign {
    /// The sign of a test's or step's outcome.
    pub fn of(status: Status) -> Sign {
        match status {
            Status::Passed => Sign::Passed,
            Status::Failed => Sign::Failed,
            Status::Done => Sign::Normal,
            Status::Error => Sign::Fault,
            Status::Terminated => Sign::Stopped,
            Status::Skipped => Sign::Nothing,
        }
    }

    /// Turned on by one eighth a quarter of a second: busy without an animation. Ask for a frame in [`BUSY_STEP`].
    pub fn busy(secs: f64) -> Sign {
        Sign::Busy(((secs * 4.0).floor() / 8.0).fract() as f32)
    }

    /// Colour of the shape and of what is drawn on it.
    pub fn colors(self, theme: &Theme) -> (Color32, Color32) {
        let c = theme.color;
        match self {
            Sign::Critical => (c.crit, c.on_crit),
            Sign::Warning => (c.warn, c.on_warn),
            Sign::Fault => (c.fault, c.on_fault),
            Sign::Offline => (c.fault, c.bg1),
            Sign::Failed => (c.crit, c.crit),
            Sign::Stopped => (c.warn_ink, c.warn_ink),
            Sign::Normal | Sign::Nothing => (c.text3, c.text3),
            Sign::Connected | Sign::Busy(_) | Sign::Passed => (c.text2, c.text2),
        }
    }

    /// Colour of the word beside the sign.
    pub fn ink(self, theme: &Theme) -> Color32 {
        let c = theme.color;
        match self {
            Sign::Critical | Sign::Failed => c.crit,
            Sign::Warning | Sign::Stopped => c.warn_ink,
            Sign::Fault | Sign::Offline => c.fault,
            _ => c.text2,
        }
    }
}

/// How long a busy sign stands still.
pub const BUSY_STEP: std::time::Duration = std::time::Duration::from_millis(250);

/// Draws `sign` into the largest square in the middle of `rect`, in its own colours.
pub fn paint(painter: &Painter, rect: Rect, sign: Sign, theme: &Theme) {
    let (fill, ink) = sign.colors(theme);
    let side = rect.width().min(rect.height());
    let square = Rect::from_center_size(rect.center(), Vec2::splat(side));
    let rim = (sign == Sign::Warning && theme.color.warn_ink != theme.color.warn).then_some(theme.color.warn_ink);
    for shape in shapes(sign, square, (fill, ink), rim) {
        painter.add(shape);
    }
}

/// Draws `sign` as a square of `size` points in the flow of `ui`. It has no name of its own: the word beside it has.
pub fn show(ui: &mut Ui, theme: &Theme, sign: Sign, size: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::empty());
    paint(ui.painter(), rect, sign, theme);
    response
}

fn shapes(sign: Sign, square: Rect, (fill, ink): (Color32, Color32), rim: Option<Color32>) -> Vec<Shape> {
    let side = square.width();
    let center = square.center();
    let at = |x: f32, y: f32| square.min + vec2(x, y) * side;
    let stroke = Stroke::new((side * 0.11).max(1.5), fill);
    let none = Stroke::NONE;
    match sign {
        Sign::Critical => {
            let cut = 0.293;
            let corners =
                [(cut, 0.0), (1.0 - cut, 0.0), (1.0, cut), (1.0, 1.0 - cut), (1.0 - cut, 1.0), (cut, 1.0), (0.0, 1.0 - cut), (0.0, cut)];
            let octagon = Shape::convex_polygon(corners.map(|(x, y)| at(x, y)).to_vec(), fill, none);
            std::iter::once(octagon).chain(exclamation(at(0.5, 0.22), at(0.5, 0.80), side, ink)).collect()
        }
        Sign::Warning => {
            let edge = rim.map_or(none, |rim| Stroke::new((side * 0.06).max(1.0), rim));
            let triangle = Shape::convex_polygon(vec![at(0.5, 0.06), at(1.0, 0.94), at(0.0, 0.94)], fill, edge);
            std::iter::once(triangle).chain(exclamation(at(0.5, 0.36), at(0.5, 0.84), side * 0.85, ink)).collect()
        }
        Sign::Fault => {
            let mut all = vec![Shape::rect_filled(square.shrink(side * 0.06), side * 0.1, fill)];
            all.extend(cross(at(0.29, 0.29), at(0.71, 0.71), Stroke::new((side * 0.13).max(1.5), ink)));
            all
        }
        Sign::Normal => vec![Shape::circle_stroke(center, side * 0.36, stroke)],
        Sign::Connected => vec![Shape::circle_filled(center, side * 0.36, fill)],
        Sign::Offline => {
            let mut half = arc(center, side * 0.39, 0.25, 0.75);
            half.push(half[0]);
            vec![Shape::convex_polygon(half, fill, none), Shape::circle_stroke(center, side * 0.36, stroke)]
        }
        Sign::Busy(turn) => vec![Shape::line(arc(center, side * 0.36, turn, turn + 0.7), stroke)],
        Sign::Nothing => vec![Shape::line_segment([at(0.2, 0.5), at(0.8, 0.5)], stroke)],
        Sign::Passed => vec![Shape::line(vec![at(0.12, 0.54), at(0.40, 0.80), at(0.88, 0.22)], stroke)],
        Sign::Failed => cross(at(0.16, 0.16), at(0.84, 0.84), Stroke::new((side * 0.15).max(2.0), fill)).to_vec(),
        Sign::Stopped => vec![Shape::rect_filled(square.shrink(side * 0.18), side * 0.06, fill)],
    }
}

fn exclamation(top: Pos2, bottom: Pos2, side: f32, ink: Color32) -> [Shape; 2] {
    let half = side * 0.055;
    let dot = half * 2.0;
    let stem = Rect::from_min_max(pos2(top.x - half, top.y), pos2(top.x + half, bottom.y - dot * 1.7));
    let point = Rect::from_min_max(pos2(top.x - half, bottom.y - dot), pos2(top.x + half, bottom.y));
    [Shape::rect_filled(stem, 0.0, ink), Shape::rect_filled(point, 0.0, ink)]
}

fn cross(a: Pos2, b: Pos2, stroke: Stroke) -> [Shape; 2] {
    [Shape::line_segment([a, b], stroke), Shape::line_segment([pos2(a.x, b.y), pos2(b.x, a.y)], stroke)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_sign_takes_eight_places_and_starts_over() {
        let turns: Vec<f32> = (0..9)
            .map(|step| f64::from(step) * 0.25)
            .map(|secs| if let Sign::Busy(turn) = Sign::busy(secs) { turn } else { -1.0 })
            .collect();
        assert_eq!(turns, [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0.0]);
        assert_eq!(Sign::busy(0.24), Sign::busy(0.0), "nothing moves between two steps");
    }
}
