//! The yield of a line: one number to be seen from afar, and below it what to do about it.
//! Three displays, one set of widgets: a television, a panel at arm's length, a desk with filters and lists.

mod filter;
mod judge;
mod recent;

use eframe::egui::{Align2, CornerRadius, Rect, Ui, pos2, vec2};

use crate::client::{Period, YieldPicture};
use crate::desktop::format;
use crate::desktop::scene::Scene;
use crate::desktop::theme::{Display, RADIUS, Theme, Weight};
use crate::desktop::widgets::hero::{Hero, hero};
use crate::desktop::widgets::lettering::words;
use crate::desktop::widgets::pareto::{Bars, pareto};
use crate::desktop::widgets::tile::{Tile, tile};
use crate::desktop::widgets::yield_chart::{Mark, YieldChart, yield_chart};
use crate::desktop::widgets::{empty, sign};
use crate::domain::instance::Application;
use filter::Filter;

#[derive(Default)]
pub struct Yields {
    filter: Filter,
}

impl Yields {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        if scene.theme.display == Display::Desktop && scene.application == Application::Configurator {
            self.filter.ui(ui, scene);
        }
        let picture = &scene.model.yields.picture;
        match picture.value() {
            Some(picture) => View::new(scene, picture).ui(ui),
            None => waiting(ui, scene),
        }
    }
}

/// Before the first picture: still on its way, or why there is none.
fn waiting(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    match scene.model.yields.picture.error() {
        Some(error) => empty::empty(ui, theme, &scene.what(error), &scene.remedy(error)),
        None if scene.model.yields.picture.is_loading() => {
            ui.horizontal(|ui| {
                sign::show(ui, theme, sign::Sign::busy(ui.input(|input| input.time)), theme.sizes.body);
                ui.label(theme.label(scene.text("yield.loading")));
            });
            ui.request_repaint_after(sign::BUSY_STEP);
        }
        None => empty::empty(ui, theme, scene.text("yield.idle.what"), scene.text("yield.idle.next")),
    }
}

/// One picture, judged once, drawn on any display.
struct View<'a> {
    scene: &'a Scene<'a>,
    picture: &'a YieldPicture,
    verdict: judge::Judged,
    stale: Option<String>,
}

impl<'a> View<'a> {
    fn new(scene: &'a Scene<'a>, picture: &'a YieldPicture) -> View<'a> {
        View { scene, picture, verdict: judge::verdict(scene, picture), stale: judge::staleness(scene, picture) }
    }

    fn theme(&self) -> &'a Theme {
        self.scene.theme
    }

    fn ui(&self, ui: &mut Ui) {
        let page = ui.available_rect_before_wrap();
        match self.theme().display {
            Display::Wall => self.wall(ui, page),
            Display::Panel => self.panel(ui, page),
            Display::Desktop => self.desk(ui, page),
        }
        ui.allocate_rect(page, eframe::egui::Sense::hover());
    }

    fn wall(&self, ui: &mut Ui, page: Rect) {
        let gap = self.theme().sizes.gap;
        let [upper, middle, lower] = rows(page, gap, [0.543, 0.2, 0.257]);
        let [left, right] = columns(upper, gap, [0.47, 0.53]);
        self.hero(ui, left);
        self.chart(ui, right);
        self.tiles(ui, middle, 4);
        let theme = self.theme();
        let inner = card(ui, theme, lower).shrink2(vec2(theme.sizes.pad, theme.sizes.pad * 0.4));
        self.pareto(ui, inner, theme.sizes.title, inner.height() / 3.0);
    }

    fn panel(&self, ui: &mut Ui, page: Rect) {
        let theme = self.theme();
        let gap = theme.sizes.gap;
        let [left, right] = columns(page, gap, [0.42, 0.58]);
        self.hero(ui, left);
        let [upper, lower] = rows(right, gap, [0.36, 0.64]);
        self.tiles(ui, upper, 3);
        let inner = card(ui, theme, lower).shrink2(vec2(theme.sizes.pad, 8.0));
        self.pareto(ui, inner, theme.sizes.title, (inner.height() / 4.0).max(44.0));
    }

    fn desk(&self, ui: &mut Ui, page: Rect) {
        let theme = self.theme();
        let gap = theme.sizes.gap;
        let tiles = 104.0_f32.min(page.height() * 0.2);
        let upper = ((page.height() - tiles - 2.0 * gap) * 0.52).max(120.0);
        let [first, second, third] = rows(page, gap, [upper, tiles, (page.height() - tiles - upper - 2.0 * gap).max(0.0)]);
        let [left, right] = columns(first, gap, [0.36, 0.64]);
        self.hero(ui, left);
        self.chart(ui, right);
        self.tiles(ui, second, 4);
        let [left, right] = columns(third, gap, [0.5, 0.5]);
        let inner = titled(ui, theme, left, self.scene.text("yield.pareto.title"));
        self.pareto(ui, inner, theme.sizes.body, theme.sizes.body * 1.9);
        let inner = titled(ui, theme, right, self.scene.text("yield.recent.title"));
        recent::recent(ui, inner, self.scene, &self.picture.recent);
    }

    fn hero(&self, ui: &mut Ui, rect: Rect) {
        let value = format::percent(self.picture.total.fpy());
        let shown = Hero {
            label: self.scene.text("yield.fpy"),
            value: &value,
            unit: if self.picture.total.units > 0 { "%" } else { "" },
            verdict: &self.verdict.words,
            sign: self.verdict.sign,
            stale: self.stale.as_deref(),
        };
        hero(ui, rect, self.theme(), &shown).on_hover_ui(|ui| {
            ui.label(self.theme().body(judge::sureness(self.scene, &self.picture.total)));
        });
    }

    fn tiles(&self, ui: &mut Ui, rect: Rect, count: usize) {
        let scene = self.scene;
        let picture = self.picture;
        let last = picture.last_report.map_or_else(|| format::NOTHING.to_owned(), |at| scene.zone.minute(at));
        let percent = if picture.total.units > 0 { "%" } else { "" };
        let all = [
            ("yield.units", format::count(picture.total.units), ""),
            ("yield.last_pass", format::percent(picture.total.lpy()), percent),
            ("yield.failing_now", format::count(picture.failing_now), ""),
            ("yield.last_report", last, ""),
        ];
        let gap = self.theme().sizes.gap;
        let width = (rect.width() - gap * (count as f32 - 1.0)) / count as f32;
        for (i, (key, value, unit)) in all.iter().take(count).enumerate() {
            let place = Rect::from_min_size(rect.min + vec2((width + gap) * i as f32, 0.0), vec2(width, rect.height()));
            tile(ui, place, self.theme(), &Tile { label: scene.text(key), value, unit, stale: self.stale.is_some() });
        }
    }

    fn chart(&self, ui: &mut Ui, rect: Rect) {
        let theme = self.theme();
        let scene = self.scene;
        let title = match scene.model.yields.query.period {
            Period::LastEightHours => "yield.chart.eight_hours",
            Period::Today => "yield.chart.today",
            Period::LastSevenDays => "yield.chart.seven_days",
        };
        let inner = titled(ui, theme, rect, scene.text(title));
        let marks = self.marks();
        let chart = YieldChart {
            name: scene.text(title),
            marks: &marks,
            target: self.picture.target,
            target_word: scene.text("yield.target"),
            nothing: scene.text("yield.chart.nothing"),
            stale: self.stale.is_some(),
        };
        let (response, at) = yield_chart(ui, inner, theme, &chart);
        if let Some(bucket) = at.and_then(|i| self.picture.buckets.get(i)) {
            response.on_hover_ui_at_pointer(|ui| {
                let span = format!("{} – {}", scene.zone.minute(bucket.start), scene.zone.minute(bucket.end));
                ui.label(theme.label(span));
                ui.label(theme.body(judge::sureness(scene, &bucket.kpis)));
            });
        }
    }

    fn marks(&self) -> Vec<Mark> {
        let days = self.scene.model.yields.query.period == Period::LastSevenDays;
        let zone = self.scene.zone;
        let label = |at| if days { zone.day(at).split_off(5) } else { zone.minute(at).chars().take(2).collect() };
        let mark = |bucket: &crate::domain::yields::Bucket| Mark {
            label: label(bucket.start),
            ratio: bucket.kpis.fpy(),
            interval: bucket.kpis.fpy_interval(),
            units: bucket.kpis.units,
            open: bucket.end > self.picture.as_of,
        };
        self.picture.buckets.iter().map(mark).collect()
    }

    fn pareto(&self, ui: &mut Ui, rect: Rect, text: f32, row: f32) {
        let theme = self.theme();
        if self.picture.pareto.is_empty() {
            let key = if self.picture.total.units > 0 { "yield.pareto.none" } else { "yield.pareto.nothing" };
            let look = (text.min(theme.sizes.table), Weight::Regular, theme.color.text3);
            words(ui, self.scene.text(key), look, (rect.center(), Align2::CENTER_CENTER), rect.width());
            return;
        }
        let rows = judge::bars(self.scene, &self.picture.pareto);
        pareto(ui, rect, theme, &rows, &Bars { row, text, stale: self.stale.is_some() });
    }
}

/// A panel's ground.
fn card(ui: &Ui, theme: &Theme, rect: Rect) -> Rect {
    ui.painter().rect_filled(rect, CornerRadius::same(RADIUS), theme.color.bg1);
    rect
}

/// A panel with a title; answers what is left for its contents.
fn titled(ui: &Ui, theme: &Theme, rect: Rect, title: &str) -> Rect {
    let inner = card(ui, theme, rect).shrink(theme.sizes.pad);
    let size = theme.sizes.table;
    let at = pos2(inner.left(), inner.top() + size * 0.4);
    words(ui, title, (size, Weight::Medium, theme.color.text2), (at, Align2::LEFT_CENTER), inner.width());
    inner.with_min_y(inner.top() + size * 1.35)
}

/// Cuts `rect` into rows whose heights are in the proportion of `parts`.
fn rows<const N: usize>(rect: Rect, gap: f32, parts: [f32; N]) -> [Rect; N] {
    let unit = (rect.height() - gap * (N as f32 - 1.0)) / parts.iter().sum::<f32>().max(f32::EPSILON);
    let mut top = rect.top();
    parts.map(|part| {
        let row = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), (part * unit).max(0.0)));
        top = row.bottom() + gap;
        row
    })
}

fn columns<const N: usize>(rect: Rect, gap: f32, parts: [f32; N]) -> [Rect; N] {
    let unit = (rect.width() - gap * (N as f32 - 1.0)) / parts.iter().sum::<f32>().max(f32::EPSILON);
    let mut left = rect.left();
    parts.map(|part| {
        let column = Rect::from_min_size(pos2(left, rect.top()), vec2((part * unit).max(0.0), rect.height()));
        left = column.right() + gap;
        column
    })
}
