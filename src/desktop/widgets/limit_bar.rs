//! A measured value between its limits: the band in which it passes, and a pointer where it lies.

use eframe::egui::{Rect, Shape, Stroke, Ui, pos2, vec2};

use crate::desktop::theme::Theme;

/// A value and the limits that exist.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    pub value: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// The value failed; its pointer says so.
    pub failed: bool,
}

/// Draws `band` over the width of `rect`. Nothing where there is no limit or no finite number.
pub fn limit_bar(ui: &Ui, rect: Rect, theme: &Theme, band: Band) {
    let Some(scale) = Scale::of(band) else { return };
    let c = theme.color;
    // The pointer stands out at the ends.
    let rect = rect.shrink2(vec2(6.0, 0.0));
    let x = |part: f64| rect.left() + rect.width() * part as f32;
    let bar = Rect::from_center_size(rect.center(), vec2(rect.width(), 6.0));
    ui.painter().rect_filled(bar, 3.0, c.line);
    let passes = Rect::from_x_y_ranges(x(scale.low.unwrap_or(0.0))..=x(scale.high.unwrap_or(1.0)), bar.y_range());
    ui.painter().rect_filled(passes, if scale.low.is_some() && scale.high.is_some() { 0.0 } else { 3.0 }, c.control);
    for limit in [scale.low, scale.high].into_iter().flatten() {
        ui.painter().vline(x(limit).round(), rect.center().y - 7.0..=rect.center().y + 7.0, Stroke::new(2.0, c.text2));
    }
    let ink = if band.failed { c.crit } else { c.text1 };
    let tip = pos2(x(scale.value), rect.center().y);
    let pointer = vec![tip + vec2(0.0, 2.0), tip + vec2(-5.5, -8.5), tip + vec2(5.5, -8.5)];
    ui.painter().add(Shape::convex_polygon(pointer, ink, Stroke::new(1.0, c.bg1)));
    ui.painter().vline(tip.x, tip.y - 4.0..=tip.y + 5.0, Stroke::new(2.0, ink));
}

/// Where value and limits lie on the bar, 0 to 1. A value far outside stands at the end.
#[derive(Debug, PartialEq)]
struct Scale {
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
}

/// How much of the bar lies outside each limit.
const MARGIN: f64 = 0.2;

impl Scale {
    fn of(band: Band) -> Option<Scale> {
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        let value = finite(Some(band.value))?;
        let place = |from: f64, width: f64, at: f64| if width > 0.0 { ((at - from) / width).clamp(0.0, 1.0) } else { 0.5 };
        match (finite(band.low), finite(band.high)) {
            (Some(low), Some(high)) => {
                let (low, high) = (low.min(high), low.max(high));
                let width = (high - low) / (1.0 - 2.0 * MARGIN);
                let from = low - width * MARGIN;
                let even = high <= low;
                let side = if value < low {
                    0.0
                } else if value > low {
                    1.0
                } else {
                    0.5
                };
                let at = if even { side } else { place(from, width, value) };
                Some(Scale { value: at, low: Some(if even { 0.5 } else { MARGIN }), high: Some(if even { 0.5 } else { 1.0 - MARGIN }) })
            }
            (Some(low), None) => Some(Scale { value: one_sided(value, low), low: Some(0.5), high: None }),
            (None, Some(high)) => Some(Scale { value: one_sided(value, high), low: None, high: Some(0.5) }),
            (None, None) => None,
        }
    }
}

/// With one limit there is no natural width: the bar reaches as far from it as the limit is from nought.
fn one_sided(value: f64, limit: f64) -> f64 {
    let reach = limit.abs().max(f64::MIN_POSITIVE);
    (0.5 + (value - limit) / reach * 0.5).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: f64, low: Option<f64>, high: Option<f64>) -> Option<f64> {
        Scale::of(Band { value, low, high, failed: false }).map(|scale| scale.value)
    }

    #[test]
    fn a_value_lies_between_its_limits_and_never_off_the_bar() {
        let near = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-9;
        assert!(near(at(48.0, Some(47.5), Some(48.5)), 0.5));
        assert!(near(at(47.5, Some(47.5), Some(48.5)), 0.2));
        assert!(near(at(1e12, Some(47.5), Some(48.5)), 1.0));
        assert!(near(at(-1e12, Some(47.5), Some(48.5)), 0.0));
        assert!(near(at(48.0, Some(48.5), Some(47.5)), 0.5), "limits the wrong way round");
        assert!(near(at(5.0, Some(5.0), Some(5.0)), 0.5));
        assert!(near(at(4.9, Some(5.0), Some(5.0)), 0.0));
        assert!(near(at(0.0, None, Some(0.0)), 0.5));
        assert!(near(at(2.0, None, Some(1.0)), 1.0));
    }

    #[test]
    fn there_is_no_bar_without_a_number_or_a_limit() {
        assert_eq!(at(f64::NAN, Some(1.0), Some(2.0)), None);
        assert_eq!(at(f64::INFINITY, Some(1.0), Some(2.0)), None);
        assert_eq!(at(1.0, None, None), None);
        assert_eq!(at(1.0, Some(f64::NAN), None), None);
    }
}
