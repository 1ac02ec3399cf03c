//! Yield per hour or day: a point with how sure one can be of it, the target dashed, the open bucket hollow.

use eframe::egui::{Align2, Rect, Response, Role, Stroke, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2};
use egui_plot::{HLine, Line, LineStyle, Plot, PlotBounds, PlotPoint, PlotPoints, PlotTransform};

use super::lettering::{self, words};
use crate::desktop::format;
use crate::desktop::theme::{Display, Theme, Weight};
use crate::domain::yields::Interval;

/// One bucket of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Under the axis: `06`.
    pub label: String,
    /// First pass yield, 0 to 1; `None` where nothing was made.
    pub ratio: Option<f64>,
    pub interval: Option<Interval>,
    pub units: u64,
    /// Its time is not over yet.
    pub open: bool,
}

/// What the chart shows.
pub struct YieldChart<'a> {
    pub name: &'a str,
    pub marks: &'a [Mark],
    /// 0 to 1.
    pub target: Option<f64>,
    /// Stands at the right end of the target's line.
    pub target_word: &'a str,
    /// Stands in the middle while there is no point at all.
    pub nothing: &'a str,
    pub stale: bool,
}

/// Draws the chart over `rect` and answers which bucket the pointer is at.
pub fn yield_chart(ui: &mut Ui, rect: Rect, theme: &Theme, chart: &YieldChart<'_>) -> (Response, Option<usize>) {
    let axis = Axis::of(chart);
    let text = theme.sizes.small;
    let gutter = text * 2.5;
    let word = lettering::Line::cut(ui, chart.target_word, (text, Weight::Regular), theme.color.text2, rect.width() * 0.2);
    let right = if chart.target.is_some() { word.width() + text * 0.6 } else { text * 0.5 };
    let plot =
        Rect::from_min_max(pos2(rect.left() + gutter, rect.top() + text * 0.5), pos2(rect.right() - right, rect.bottom() - text * 1.5));
    let plot = plot.intersect(rect);
    let edge = |ratio: f64| plot.bottom() - ((ratio - axis.low) / (1.0 - axis.low)) as f32 * plot.height();
    for ratio in axis.steps() {
        let y = edge(ratio).round();
        ui.painter().hline(plot.x_range(), y, Stroke::new(1.0, theme.color.grid));
        let label = axis.label(ratio);
        words(ui, &label, (text, Weight::Regular, theme.color.text3), (pos2(plot.left() - text * 0.4, y), Align2::RIGHT_CENTER), gutter);
    }
    let (response, transform) = lines(ui, plot, theme, chart, &axis);
    if let Some(target) = chart.target {
        word.beside(ui.painter(), pos2(plot.right() + text * 0.3, edge(target)), Align2::LEFT_CENTER);
    }
    points(ui, theme, chart, &axis, &transform);
    labels(ui, plot, theme, chart, &transform);
    if chart.marks.iter().all(|mark| mark.ratio.is_none()) {
        words(ui, chart.nothing, (text, Weight::Regular, theme.color.text3), (plot.center(), Align2::CENTER_CENTER), plot.width());
    }
    let latest = chart.marks.iter().rev().find(|mark| mark.ratio.is_some());
    let summary = latest.map_or(chart.nothing.to_owned(), |mark| format!("{} {} %", mark.label, format::percent(mark.ratio)));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{}: {summary}", chart.name)));
    let at = response.hover_pos().map(|pos| transform.value_from_position(pos).x.round());
    let at = at.filter(|x| *x >= 0.0).map(|x| x as usize).filter(|i| chart.marks.get(*i).is_some_and(|mark| mark.ratio.is_some()));
    (response, at)
}

/// The part of the plot that egui_plot draws: target, whiskers, and the line through the closed buckets.
fn lines(ui: &mut Ui, rect: Rect, theme: &Theme, chart: &YieldChart<'_>, axis: &Axis) -> (Response, PlotTransform) {
    let c = theme.color;
    let scale = theme.sizes.small / 14.0;
    let whisker = Stroke::new((1.2 * scale).max(1.5), c.control);
    let line = Stroke::new((2.2 * scale).max(2.0), if chart.stale { c.text3 } else { c.data });
    let bounds = PlotBounds::from_min_max([-0.5, axis.low], [chart.marks.len().max(1) as f64 - 0.5, 1.0]);
    let shown = ui
        .scope_builder(UiBuilder::new().max_rect(rect), |ui| {
            let plot = Plot::new(("yield chart", chart.name))
                .show_axes(false)
                .show_grid(false)
                .show_background(false)
                .show_x(false)
                .show_y(false)
                .allow_drag(false)
                .allow_zoom(false)
                .allow_scroll(false)
                .allow_boxed_zoom(false)
                .allow_axis_zoom_drag(false)
                .allow_double_click_reset(false)
                .auto_bounds(false)
                .set_margin_fraction(Vec2::ZERO);
            plot.show(ui, |plot| {
                plot.set_plot_bounds(bounds);
                if let Some(target) = chart.target {
                    let style = LineStyle::Dashed { length: 7.0 * scale };
                    plot.hline(HLine::new("target", target).color(c.text2).width((1.5 * scale).max(1.5)).style(style).allow_hover(false));
                }
                for (i, mark) in chart.marks.iter().enumerate() {
                    if let (Some(Interval { low, high }), x) = (mark.interval, i as f64) {
                        let ends = PlotPoints::Owned(vec![PlotPoint::new(x, low.max(axis.low)), PlotPoint::new(x, high.max(axis.low))]);
                        plot.line(Line::new(format!("whisker {i}"), ends).stroke(whisker).allow_hover(false));
                    }
                }
                let place = |(i, mark): (usize, &Mark)| PlotPoint::new(i as f64, mark.ratio.map_or(f64::NAN, |ratio| ratio.max(axis.low)));
                let run = PlotPoints::Owned(chart.marks.iter().enumerate().map(place).collect());
                plot.line(Line::new("yield", run).stroke(line).allow_hover(false));
            })
        })
        .inner;
    (shown.response, shown.transform)
}

/// The points themselves: whole for closed buckets, hollow for the open one, an arrow where one lies below the axis.
fn points(ui: &Ui, theme: &Theme, chart: &YieldChart<'_>, axis: &Axis, transform: &PlotTransform) {
    let c = theme.color;
    let radius = match theme.display {
        Display::Desktop => 5.0,
        Display::Panel => 7.0,
        Display::Wall => 12.0,
    };
    let ink = if chart.stale { c.text3 } else { c.data };
    for (i, mark) in chart.marks.iter().enumerate() {
        let Some(ratio) = mark.ratio else { continue };
        let at = transform.position_from_point(&PlotPoint::new(i as f64, ratio.max(axis.low)));
        if ratio < axis.low {
            let arrow = vec![at + vec2(-radius, -radius * 1.4), at + vec2(radius, -radius * 1.4), at];
            ui.painter().add(eframe::egui::Shape::convex_polygon(arrow, ink, Stroke::NONE));
        } else if mark.open {
            ui.painter().circle(at, radius - 1.0, c.bg1, Stroke::new((radius * 0.42).max(2.0), ink));
        } else {
            ui.painter().circle_filled(at, radius, ink);
        }
    }
}

/// Labels under the buckets, as many as have room.
fn labels(ui: &Ui, plot: Rect, theme: &Theme, chart: &YieldChart<'_>, transform: &PlotTransform) {
    let text = theme.sizes.small;
    let widest = chart.marks.iter().map(|mark| mark.label.chars().count()).max().unwrap_or(1) as f32 * text * 0.65 + text * 0.6;
    let every = (widest * chart.marks.len() as f32 / plot.width().max(1.0)).ceil().max(1.0) as usize;
    for (i, mark) in chart.marks.iter().enumerate().filter(|(i, _)| i % every == 0) {
        let x = transform.position_from_point(&PlotPoint::new(i as f64, 1.0)).x;
        let place = (pos2(x, plot.bottom() + text * 0.95), Align2::CENTER_CENTER);
        words(ui, &mark.label, (text, Weight::Regular, theme.color.text3), place, widest * 2.0);
    }
}

/// The upright axis, up to 100 %.
#[derive(Debug, PartialEq)]
struct Axis {
    /// 0 to 1.
    low: f64,
    /// Thousandths between two grid lines.
    step: u32,
}

/// Fewest units for a bucket to widen the axis: a single failure is no reason to look at all of 0 to 100 %.
const MIN_UNITS: u64 = 10;
/// How far below a point its whisker may widen the axis.
const MOST_WHISKER: f64 = 0.06;

impl Axis {
    fn of(chart: &YieldChart<'_>) -> Axis {
        let solid = chart.marks.iter().filter(|mark| mark.units >= MIN_UNITS);
        let reach = |mark: &Mark| Some(mark.interval?.low.max(mark.ratio? - MOST_WHISKER));
        let lowest = solid.filter_map(reach).chain(chart.target.map(|target| target - 0.01)).fold(0.99, f64::min);
        let span = ((1.0 - lowest) * 1000.0 - 1e-6).ceil().clamp(1.0, 1000.0) as u32;
        let step = [5, 10, 20, 40, 50, 100, 200, 250].into_iter().find(|step| span <= step * 4).unwrap_or(250);
        let steps = span.div_ceil(step);
        Axis { low: 1.0 - f64::from(steps * step) / 1000.0, step }
    }

    fn steps(&self) -> impl Iterator<Item = f64> {
        let steps = ((1.0 - self.low) * 1000.0 / f64::from(self.step)).round() as u32;
        let step = self.step;
        (0..=steps).map(move |i| 1.0 - f64::from(i * step) / 1000.0)
    }

    fn label(&self, ratio: f64) -> String {
        if self.step < 10 { format!("{:.1}", ratio * 100.0) } else { format!("{:.0}", ratio * 100.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::yields::{Z_95, wilson};

    fn mark(passed: u64, units: u64) -> Mark {
        let ratio = (units > 0).then(|| passed as f64 / units as f64);
        Mark { label: "06".to_owned(), ratio, interval: wilson(passed, units, Z_95), units, open: false }
    }

    fn axis(marks: &[Mark], target: Option<f64>) -> Vec<String> {
        let axis = Axis::of(&YieldChart { name: "", marks, target, target_word: "", nothing: "", stale: false });
        axis.steps().map(|ratio| axis.label(ratio)).collect()
    }

    #[test]
    fn the_axis_shows_what_matters_in_round_steps() {
        assert_eq!(axis(&[mark(147, 149), mark(113, 120)], Some(0.98)), ["100", "96", "92", "88"]);
        assert_eq!(axis(&[mark(4990, 5000)], Some(0.995)), ["100.0", "99.5", "99.0", "98.5"]);
        assert_eq!(axis(&[mark(0, 100)], None), ["100", "75", "50", "25", "0"]);
        assert_eq!(axis(&[], Some(0.98)), ["100", "99", "98", "97"]);
    }

    #[test]
    fn one_failed_unit_does_not_flatten_the_day() {
        assert_eq!(axis(&[mark(99, 100), mark(0, 1)], Some(0.98)), axis(&[mark(99, 100)], Some(0.98)));
    }

    #[test]
    fn an_empty_chart_has_an_axis_too() {
        assert!(axis(&[], None).len() >= 2);
        assert!(axis(&[mark(0, 0)], Some(1.0)).len() >= 2);
        assert!(axis(&[mark(0, 0)], Some(0.0)).len() >= 2);
    }
}
