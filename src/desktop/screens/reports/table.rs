//! The list of reports: search, only the failed, page by page.

use eframe::egui::{Align, Align2, Layout, Rect, Ui, pos2, vec2};
use uuid::Uuid;

use super::busy;
use crate::client::{Command, Model, Remote, ReportPage, ReportQuery, ReportsCommand};
use crate::desktop::format;
use crate::desktop::scene::Scene;
use crate::desktop::theme::{Display, Text, Weight};
use crate::desktop::widgets::lettering::words;
use crate::desktop::widgets::list::{List, Row};
use crate::desktop::widgets::search::Search;
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{button, empty, table};
use crate::domain::connection::Connection;
use crate::domain::report::Header;

#[derive(Default)]
pub(super) struct Table {
    search: Search,
    /// The first page was asked for.
    asked: bool,
    list: List,
    /// What told of new reports when the list was last asked for, and when that was.
    seen: Option<News>,
    asked_at: f64,
}

/// What tells that the newest page may be another one: the newest report known, this station's deliveries, the server's return.
#[derive(Clone, Copy, PartialEq)]
struct News {
    newest: Option<Uuid>,
    delivered: u64,
    connected: bool,
}

impl News {
    fn of(model: &Model) -> News {
        let newest = model.yields.picture.value().and_then(|picture| picture.recent.first()).map(|header| header.id);
        News { newest, delivered: model.queue.delivered, connected: model.connection.state == Connection::Connected }
    }
}

/// The newest page follows the line this often at most, and this often even if nothing tells of news.
const FOLLOW_SECS: f64 = 3.0;
const AT_LEAST_SECS: f64 = 30.0;

impl Table {
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let slice = &scene.model.reports;
        let idle = slice.list == Remote::Idle;
        if idle && !self.asked {
            ask(scene, slice.query.clone());
        }
        self.asked = idle;
        self.follow(ui.input(|input| input.time), scene);
        ui.horizontal(|ui| self.bar(ui, scene));
        if let Some(error) = slice.list.error().filter(|_| slice.list.value().is_some()) {
            let sentence = format!("{} {}", scene.what(error), scene.remedy(error));
            ui.label(scene.theme.words(sentence, Text::Body, Weight::Medium, scene.theme.color.fault));
        }
        ui.add_space(4.0);
        match (slice.list.value(), slice.list.error()) {
            (Some(page), _) if page.rows.is_empty() => self.nothing(ui, scene),
            (Some(page), _) => self.rows(ui, scene, page),
            (None, Some(error)) => empty::empty(ui, scene.theme, &scene.what(error), &scene.remedy(error)),
            (None, None) => busy(ui, scene, scene.text("reports.loading")),
        }
    }

    /// Asks for the newest page again when there is news. Who types, or reads further down, is left in peace.
    fn follow(&mut self, now: f64, scene: &Scene<'_>) {
        let slice = &scene.model.reports;
        let news = News::of(scene.model);
        let Some(seen) = self.seen.filter(|_| slice.list != Remote::Idle) else {
            (self.seen, self.asked_at) = (Some(news), now);
            return;
        };
        let due = self.asked_at + if news == seen { AT_LEAST_SECS } else { FOLLOW_SECS };
        let at_the_top = slice.query.page == 0 && self.list.is_at_the_top();
        if news.connected && now >= due && at_the_top && !self.search.is_typing() && !slice.list.is_loading() {
            (self.seen, self.asked_at) = (Some(news), now);
            ask(scene, slice.query.clone());
        }
    }

    fn bar(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let query = &scene.model.reports.query;
        let width = if scene.is_panel() { 260.0 } else { 360.0 };
        if let Some(text) = self.search.ui(ui, theme, (scene.text("reports.search"), &query.text), width) {
            self.list = List::default();
            ask(scene, ReportQuery { text, page: 0, ..query.clone() });
        }
        let mut only_failed = query.only_failed;
        if ui.checkbox(&mut only_failed, theme.body(scene.text("reports.only_failed"))).changed() {
            self.list = List::default();
            ask(scene, ReportQuery { only_failed, page: 0, ..query.clone() });
        }
        if button::secondary(ui, theme, scene.text("reports.refresh"), true).clicked() {
            ask(scene, query.clone());
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.pages(ui, scene));
    }

    fn pages(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let query = &scene.model.reports.query;
        let more = scene.model.reports.list.value().is_some_and(|page| page.has_more);
        let mut turned = None;
        if button::secondary(ui, scene.theme, scene.text("reports.older"), more).clicked() {
            turned = Some(query.page + 1);
        }
        ui.label(scene.theme.label(scene.fill("reports.page", &[("n", &(query.page + 1).to_string())])));
        if button::secondary(ui, scene.theme, scene.text("reports.newer"), query.page > 0).clicked() {
            turned = query.page.checked_sub(1);
        }
        if let Some(page) = turned {
            self.list = List::default();
            ask(scene, ReportQuery { page, ..query.clone() });
        }
    }

    fn nothing(&self, ui: &mut Ui, scene: &Scene<'_>) {
        let query = &scene.model.reports.query;
        let searched = !query.text.is_empty() || query.only_failed || query.page > 0;
        let (what, next) =
            if searched { ("reports.none_found.what", "reports.none_found.next") } else { ("reports.none.what", "reports.none.next") };
        empty::empty(ui, scene.theme, scene.text(what), scene.text(next));
    }

    fn rows(&mut self, ui: &mut Ui, scene: &Scene<'_>, page: &ReportPage) {
        let columns = Columns::of(scene.theme.display, ui.available_width(), scene.theme.sizes.body);
        head(ui, scene, &columns);
        let name = scene.text("reports.title");
        let done = self.list.ui(ui, scene.theme, (name, page.rows.len()), scene.theme.sizes.row, |ui, row| {
            let header = &page.rows[row.index];
            row_ui(ui, scene, &columns, row, header)
        });
        let opened = done.pressed.or(done.entered.then_some(self.list.selected));
        if let Some(header) = opened.and_then(|index| page.rows.get(index)) {
            scene.run(Command::Reports(ReportsCommand::Open(header.id)));
        }
    }
}

fn ask(scene: &Scene<'_>, query: ReportQuery) {
    scene.run(Command::Reports(ReportsCommand::List(query)));
}

/// Where the columns start, from the left, and how wide they are. A panel has room for four of them.
struct Columns(Vec<(Column, f32, f32)>);

#[derive(Clone, Copy, PartialEq)]
enum Column {
    Result,
    Time,
    Serial,
    Part,
    Process,
    Station,
    Operator,
}

impl Columns {
    fn of(display: Display, width: f32, em: f32) -> Columns {
        use Column::{Operator, Part, Process, Result, Serial, Station, Time};
        // Heights of the font that a column needs, and its part of what is left over.
        let wanted: &[(Column, f32, f32)] = if display == Display::Panel {
            &[(Result, 6.5, 0.0), (Time, 6.0, 0.0), (Serial, 9.0, 1.0), (Part, 8.0, 1.0)]
        } else {
            &[
                (Result, 6.5, 0.0),
                (Time, 10.0, 0.0),
                (Serial, 8.5, 1.2),
                (Part, 7.0, 1.0),
                (Process, 8.0, 1.2),
                (Station, 6.0, 0.8),
                (Operator, 6.0, 0.6),
            ]
        };
        let places = table::places(&wanted.iter().map(|(_, least, share)| (*least, *share)).collect::<Vec<_>>(), width, em);
        Columns(wanted.iter().zip(places).map(|((column, ..), (left, width))| (*column, left, width)).collect())
    }
}

fn head(ui: &mut Ui, scene: &Scene<'_>, columns: &Columns) {
    let theme = scene.theme;
    let height = theme.sizes.small * 1.6;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), eframe::egui::Sense::empty());
    for (column, left, width) in &columns.0 {
        let key = match column {
            Column::Result => "reports.column.result",
            Column::Time => "reports.column.time",
            Column::Serial => "reports.column.serial",
            Column::Part => "reports.column.part",
            Column::Process => "reports.column.process",
            Column::Station => "reports.column.station",
            Column::Operator => "reports.column.operator",
        };
        let place = (pos2(rect.left() + left, rect.center().y), Align2::LEFT_CENTER);
        words(ui, scene.text(key), (theme.sizes.small, Weight::Regular, theme.color.text3), place, *width);
    }
}

fn row_ui(ui: &mut Ui, scene: &Scene<'_>, columns: &Columns, row: &Row, header: &Header) -> String {
    let theme = scene.theme;
    let c = theme.color;
    let size = theme.sizes.body;
    let middle = row.rect.center().y;
    let result = scene.text(crate::desktop::screens::status_key(header.result));
    let time = scene.zone.moment(header.start_utc(), scene.now);
    for (column, left, width) in &columns.0 {
        let left = row.rect.left() + left;
        let write = |text: &str, weight, color| {
            let text = if text.is_empty() { format::NOTHING } else { text };
            words(ui, text, (size, weight, color), (pos2(left, middle), Align2::LEFT_CENTER), *width);
        };
        match column {
            Column::Result => {
                let sign = Sign::of(header.result);
                sign::paint(ui.painter(), Rect::from_center_size(pos2(left + size * 0.5, middle), vec2(size, size) * 0.9), sign, theme);
                let place = (pos2(left + size * 1.4, middle), Align2::LEFT_CENTER);
                words(ui, result, (size, Weight::Medium, sign.ink(theme)), place, width - size * 1.4);
            }
            Column::Time => write(&time, Weight::Regular, c.text2),
            Column::Serial => write(&header.serial_number, Weight::Medium, c.text1),
            Column::Part => write(&header.part_number, Weight::Regular, c.text1),
            Column::Process if header.process_name.is_empty() => write(&header.process_code.to_string(), Weight::Regular, c.text2),
            Column::Process => write(&format!("{} {}", header.process_code, header.process_name), Weight::Regular, c.text2),
            Column::Station => write(&header.station, Weight::Regular, c.text2),
            Column::Operator => write(&header.operator, Weight::Regular, c.text2),
        }
    }
    format!("{time} {} {} {result}", header.serial_number, header.part_number)
}
