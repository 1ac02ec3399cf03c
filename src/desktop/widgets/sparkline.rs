//! A trend without axes: its shape is what counts. Missing values break the line.

use eframe::egui::{Pos2, Rect, Shape, Stroke, Ui, pos2};

use crate::desktop::theme::Theme;

/// Draws `values` over the whole width of `rect`, scaled to their own range, with a dot on the newest.
pub fn sparkline(ui: &Ui, rect: Rect, theme: &Theme, values: &[Option<f64>]) {
    let known = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return;
    }
    let color = theme.color.data;
    let rect = rect.shrink(3.0);
    let height = |value: f64| if high > low { ((value - low) / (high - low)) as f32 } else { 0.5 };
    let column = |i: usize| if values.len() > 1 { i as f32 / (values.len() - 1) as f32 } else { 1.0 };
    let place = |i: usize, value: f64| pos2(rect.left() + rect.width() * column(i), rect.bottom() - rect.height() * height(value));
    let mut run: Vec<Pos2> = Vec::new();
    let mut last = None;
    for (i, value) in values.iter().enumerate() {
        match value.filter(|value| value.is_finite()) {
            Some(value) => {
                run.push(place(i, value));
                last = run.last().copied();
            }
            None => stroke(ui, &mut run, color),
        }
    }
    stroke(ui, &mut run, color);
    if let Some(last) = last {
        ui.painter().circle_filled(last, 3.0, color);
    }
}

fn stroke(ui: &Ui, run: &mut Vec<Pos2>, color: eframe::egui::Color32) {
    let points = std::mem::take(run);
    match points[..] {
        [] => {}
        [only] => {
            ui.painter().circle_filled(only, 1.5, color);
        }
        _ => {
            ui.painter().add(Shape::line(points, Stroke::new(2.0, color)));
        }
    }
}
