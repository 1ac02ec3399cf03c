//! The step tree as rows and columns: name, value, limits with a bar, outcome, time.

use eframe::egui::{Align2, Painter, Rect, Role, Sense, Shape, Ui, WidgetInfo, pos2, vec2};

use super::facts::duration;
use super::limits;
use super::tree::{Shown, Tree};
use crate::desktop::scene::Scene;
use crate::desktop::theme::{Display, Theme, Weight};
use crate::desktop::widgets::empty;
use crate::desktop::widgets::lettering::words;
use crate::desktop::widgets::limit_bar::{Band, limit_bar};
use crate::desktop::widgets::list::{List, Row};
use crate::desktop::widgets::sign::{self, Sign};
use crate::domain::report::{Report, Status};

/// The tree and where the reader is in it.
#[derive(Default)]
pub(super) struct Steps {
    tree: Tree,
    list: List,
}

impl Steps {
    pub(super) fn new(report: &Report) -> Steps {
        let tree = report.root.as_ref().map(Tree::new).unwrap_or_default();
        let mut list = List::default();
        if let Some(row) = tree.first_failure() {
            list.go(row);
        }
        Steps { tree, list }
    }

    pub(super) fn failures(&self) -> usize {
        self.tree.failures()
    }

    pub(super) fn next_failure(&mut self) {
        if let Some(row) = self.tree.next_failure(self.list.selected) {
            self.list.go(row);
        }
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, report: &Report) {
        let Some(root) = &report.root else {
            return empty::empty(ui, scene.theme, scene.text("reports.no_steps.what"), scene.text("reports.no_steps.next"));
        };
        let theme = scene.theme;
        let columns = Columns::of(theme, ui.available_width());
        head(ui, scene, &columns);
        let height = if theme.display == Display::Desktop { 30.0 } else { theme.sizes.row };
        let mut turned = None;
        let tree = &self.tree;
        let done = self.list.ui(ui, theme, (scene.text("reports.tab.steps"), tree.len()), height, |ui, row| {
            let Some(shown) = tree.shown(root, row.index) else { return String::new() };
            if chevron(ui, theme, row, &shown) {
                turned = Some(row.index);
            }
            row_ui(ui, scene, &columns, row, &shown)
        });
        self.act(done, turned);
    }

    fn act(&mut self, done: crate::desktop::widgets::list::Done, turned: Option<usize>) {
        let here = self.list.selected;
        if let Some(row) = turned.or(done.entered.then_some(here)) {
            self.tree.fold(row, None);
        } else if done.right {
            if !self.tree.fold(here, Some(true)) {
                self.list.go((here + 1).min(self.tree.len().saturating_sub(1)));
            }
        } else if done.left && !self.tree.fold(here, Some(false)) {
            self.list.go(self.tree.parent(here).unwrap_or(here));
        }
    }
}

/// Where the columns start, from the left; a width of nought is a column left out.
struct Columns {
    name: f32,
    value: (f32, f32),
    limits: (f32, f32),
    bar: (f32, f32),
    status: (f32, f32),
    time: (f32, f32),
}

impl Columns {
    fn of(theme: &Theme, width: f32) -> Columns {
        let em = theme.sizes.body;
        let wide = theme.display == Display::Desktop;
        let time = if wide { em * 5.0 } else { 0.0 };
        let bar = if wide && width > 820.0 { em * 7.5 } else { 0.0 };
        let limits = if wide { (width * 0.22).max(em * 7.0) } else { 0.0 };
        let status = em * 6.0;
        let value = if wide { em * 8.0 } else { em * 9.0 };
        let name = (width - time - status - bar - limits - value).max(em * 8.0);
        let after = |left: f32, width: f32| (left, (width - em * 0.6).max(0.0));
        Columns {
            name: name - em * 0.5,
            value: after(name, value),
            limits: after(name + value, limits),
            bar: after(name + value + limits, bar),
            status: after(name + value + limits + bar, status),
            time: after(name + value + limits + bar + status, time),
        }
    }
}

fn head(ui: &mut Ui, scene: &Scene<'_>, columns: &Columns) {
    let theme = scene.theme;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme.sizes.small * 1.6), Sense::empty());
    let write = |key, (left, width): (f32, f32)| {
        if width > 0.0 {
            let place = (pos2(rect.left() + left, rect.center().y), Align2::LEFT_CENTER);
            words(ui, scene.text(key), (theme.sizes.small, Weight::Regular, theme.color.text3), place, width);
        }
    };
    write("reports.column.step", (theme.sizes.body * 0.5, columns.name));
    write("reports.column.value", columns.value);
    write("reports.column.limits", columns.limits);
    write("reports.column.status", columns.status);
    write("reports.column.secs", columns.time);
}

/// The width of one level.
fn indent(theme: &Theme, depth: u16) -> f32 {
    theme.sizes.body * (0.4 + 1.1 * f32::from(depth.min(12)))
}

/// The fold of a row that has rows below it. Says whether it was pressed.
fn chevron(ui: &mut Ui, theme: &Theme, row: &Row, shown: &Shown<'_>) -> bool {
    let Some(open) = shown.open else { return false };
    let side = theme.sizes.body;
    let center = pos2(row.rect.left() + indent(theme, shown.depth) + side * 0.4, row.rect.center().y);
    let area = Rect::from_center_size(center, vec2(side * 1.6, row.rect.height()));
    let response = ui.interact(area, row.id.with("fold"), Sense::CLICK);
    response.widget_info(|| WidgetInfo::selected(Role::DisclosureTriangle, true, open, shown.name()));
    arrow(ui.painter(), center, side * 0.32, open, theme);
    response.clicked()
}

fn arrow(painter: &Painter, center: eframe::egui::Pos2, r: f32, open: bool, theme: &Theme) {
    let corners = if open { [(-1.0, -0.6), (1.0, -0.6), (0.0, 0.8)] } else { [(-0.6, -1.0), (0.8, 0.0), (-0.6, 1.0)] };
    let points = corners.map(|(x, y)| center + vec2(x, y) * r).to_vec();
    painter.add(Shape::convex_polygon(points, theme.color.text2, eframe::egui::Stroke::NONE));
}

/// The name, with the pass where the step is one of a loop.
fn name(scene: &Scene<'_>, shown: &Shown<'_>) -> String {
    match shown.step.iteration.filter(|_| !shown.is_part) {
        None => shown.name().to_owned(),
        Some(pass) => {
            let index = pass.index.to_string();
            let count = pass.count.map(|count| count.to_string());
            let key = if count.is_some() { "reports.pass" } else { "reports.pass_alone" };
            scene.fill(key, &[("name", shown.name()), ("index", &index), ("count", count.as_deref().unwrap_or_default())])
        }
    }
}

fn row_ui(ui: &mut Ui, scene: &Scene<'_>, columns: &Columns, row: &Row, shown: &Shown<'_>) -> String {
    let theme = scene.theme;
    let c = theme.color;
    let size = theme.sizes.body;
    let middle = row.rect.center().y;
    let write = |text: &str, (left, width): (f32, f32), weight, color| {
        if width > 0.0 && !text.is_empty() {
            let place = (pos2(row.rect.left() + left, middle), Align2::LEFT_CENTER);
            words(ui, text, (size, weight, color), place, width);
        }
    };
    let status = shown.status();
    let failed = matches!(status, Some(Status::Failed | Status::Error | Status::Terminated));
    let left = indent(theme, shown.depth) + size * 1.1;
    let weight = if shown.open.is_some() { Weight::SemiBold } else { Weight::Regular };
    if let Some(said) = shown.words {
        let ink = if shown.step.has_failed() { c.crit } else { c.text2 };
        write(said, (left, row.rect.width() - left), Weight::Regular, ink);
        return said.to_owned();
    }
    write(&name(scene, shown), (left, columns.name - left), weight, c.text1);

    let (value, said) = match shown.measurement {
        Some(measurement) => {
            let value = limits::value(measurement);
            let value = if measurement.unit.is_empty() { value.to_owned() } else { format!("{value} {}", measurement.unit) };
            (value, limits::limits(measurement, scene.text("reports.or"), scene.text("reports.any_case")))
        }
        None => (String::new(), String::new()),
    };
    write(&value, columns.value, Weight::SemiBold, if failed { c.crit } else { c.text1 });
    write(&said, columns.limits, Weight::Regular, c.text2);
    if let (Some((value, low, high)), true) = (shown.measurement.and_then(limits::band), columns.bar.1 > 0.0) {
        let left = row.rect.left() + columns.bar.0;
        let place = Rect::from_min_max(pos2(left, row.rect.top()), pos2(left + columns.bar.1, row.rect.bottom()));
        limit_bar(ui, place, theme, Band { value, low, high, failed });
    }
    let word = status.map_or("", |status| scene.text(crate::desktop::screens::status_key(status)));
    if let Some(status) = status {
        let sign = Sign::of(status);
        let mark = Rect::from_center_size(pos2(row.rect.left() + columns.status.0 + size * 0.45, middle), vec2(size, size) * 0.85);
        sign::paint(ui.painter(), mark, sign, theme);
        write(word, (columns.status.0 + size * 1.3, columns.status.1 - size * 1.3), Weight::Regular, sign.ink(theme));
    }
    if !shown.is_part {
        write(&shown.step.total_secs.map_or_else(String::new, duration), columns.time, Weight::Regular, c.text3);
    }
    [shown.name(), &value, &said, word].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}
