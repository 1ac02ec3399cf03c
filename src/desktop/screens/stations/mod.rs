//! Stations of the line as the server knows them, and the tokens they act with.

mod tokens;

use eframe::egui::{Align, Label, Layout, ScrollArea, Ui};

use super::desk::{self, Asking};
use crate::client::{Command, LineStation, StationList, StationsCommand};
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::list::{Chosen, List};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::table::{self, Cell, Table};
use crate::desktop::widgets::{button, card, empty, tabs};
use crate::desktop::{Scene, format};
use crate::domain::access::Permission;

/// A station that was not heard for so long is away, in seconds. It tells of itself every five minutes at least.
const AWAY_SECS: i64 = 600;
/// A clock that is off by more than this is said, in milliseconds.
const CLOCK_WARNING_MS: i64 = 30_000;

#[derive(Default)]
pub struct Stations {
    asking: Asking,
    page: Page,
    stations: List,
    tokens: List,
    chosen_token: Chosen,
    form: Option<tokens::Form>,
    revoking: Option<tokens::Revoking>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Page {
    #[default]
    Stations,
    Tokens,
}

impl Stations {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let slice = &scene.model.stations;
        self.asking.ask(ui, scene, &slice.list, || Command::Stations(StationsCommand::List));
        ui.horizontal(|ui| self.bar(ui, scene));
        ui.add_space(space::XS);
        match slice.list.value() {
            None => desk::unread(ui, scene, &slice.list),
            Some(list) => {
                let pale = desk::freshness(ui, scene, &slice.list, list.as_of);
                match self.page {
                    Page::Stations => self.stations_ui(ui, scene, (list, pale)),
                    Page::Tokens => self.tokens_ui(ui, scene, (list, pale)),
                }
            }
        }
        self.form_ui(ui, scene);
        self.revoking_ui(ui, scene);
        tokens::issued_ui(ui, scene);
    }

    fn bar(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let slice = &scene.model.stations;
        let counts = slice
            .list
            .value()
            .map_or([0, 0], |list| [list.stations.len(), list.tokens.iter().filter(|token| token.revoked_at.is_none()).count()]);
        let keys = ["stations.page.stations", "stations.page.tokens"];
        let labels: Vec<String> =
            keys.iter().zip(counts).map(|(key, n)| format!("{} {}", scene.text(key), format::count(n as u64))).collect();
        match tabs::tabs(ui, theme, &labels, usize::from(self.page == Page::Tokens)) {
            Some(0) => self.page = Page::Stations,
            Some(_) => self.page = Page::Tokens,
            None => {}
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let may = scene.may_act(Permission::ManageTokens) && desk::obstacle(scene, &slice.acts).is_none();
            if button::primary(ui, theme, scene.text("stations.issue"), may).clicked() {
                self.form = Some(tokens::Form::default());
            }
        });
    }

    fn stations_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, (list, pale): (&StationList, bool)) {
        if list.stations.is_empty() {
            return empty::empty(ui, scene.theme, scene.text("stations.none.what"), scene.text("stations.none.next"));
        }
        desk::halves(
            ui,
            scene,
            self,
            |screen, ui| screen.station_rows(ui, scene, (list, pale)),
            |screen, ui| {
                let station = &list.stations[screen.stations.selected.min(list.stations.len() - 1)];
                card::frame(scene.theme).show(ui, |ui| {
                    ui.set_min_size(ui.available_size());
                    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| facts(ui, scene, station));
                });
            },
        );
    }

    fn station_rows(&mut self, ui: &mut Ui, scene: &Scene<'_>, (list, pale): (&StationList, bool)) {
        let narrow = scene.is_panel();
        let titles = ["stations.column.station", "stations.column.state", "stations.column.waiting", "stations.column.version"]
            .map(|key| scene.text(key));
        let wide = [(titles[0], 8.0, 1.4), (titles[1], 9.5, 0.8), (titles[2], 5.0, 0.2), (titles[3], 5.0, 0.2)];
        let columns = &wide[..if narrow { 2 } else { 4 }];
        let table = Table { name: scene.text("stations.page.stations"), columns, rows: list.stations.len(), pale };
        table::table(ui, scene.theme, &mut self.stations, &table, |index| {
            let station = &list.stations[index];
            let (sign, words) = state(scene, station);
            let mut cells = vec![Cell::strong(station.id.as_str()), Cell::sign(sign, words)];
            if !narrow {
                let waiting = station.queue_depth.map(format::count).unwrap_or_default();
                cells.extend([Cell::new(waiting), Cell::new(station.version.clone().unwrap_or_default())]);
            }
            cells
        });
    }
}

/// What needs somebody comes before what is only away.
fn state(scene: &Scene<'_>, station: &LineStation) -> (Sign, String) {
    let seen = station.last_seen;
    let (failed, errors) = (station.failed.unwrap_or(0), station.converter_errors.unwrap_or(0));
    match seen {
        None => (Sign::Nothing, scene.text("stations.state.never").to_owned()),
        Some(seen) if (scene.now - seen).num_seconds() > AWAY_SECS => {
            (Sign::Offline, scene.fill("stations.state.away", &[("age", &format::age(seen, scene.now, scene.language))]))
        }
        Some(_) if failed > 0 => (Sign::Warning, scene.count("shell.quarantined", failed)),
        Some(_) if errors > 0 => (Sign::Warning, scene.count("stations.state.errors", errors)),
        Some(_) if is_off(station) => (Sign::Warning, scene.text("stations.state.clock").to_owned()),
        Some(_) => (Sign::Normal, scene.text("stations.state.well").to_owned()),
    }
}

fn is_off(station: &LineStation) -> bool {
    station.clock_offset_ms.is_some_and(|offset| offset.abs() > CLOCK_WARNING_MS)
}

fn facts(ui: &mut Ui, scene: &Scene<'_>, station: &LineStation) {
    let theme = scene.theme;
    ui.spacing_mut().item_spacing.y = space::S;
    ui.add(Label::new(theme.title(station.id.as_str())).truncate());
    let (shape, words) = state(scene, station);
    card::row(ui, theme, Text::Body, |ui| {
        sign::show(ui, theme, shape, theme.sizes.body * 1.1);
        ui.add(Label::new(theme.words(words, Text::Body, Weight::SemiBold, shape.ink(theme))).truncate());
    });
    ui.add_space(space::XS);
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| format::NOTHING.to_owned());
    card::fact(ui, theme, scene.text("stations.fact.seen"), &scene.ago(station.last_seen));
    card::fact(ui, theme, scene.text("stations.fact.address"), &or_nothing(station.address.clone().filter(|text| !text.is_empty())));
    card::fact(ui, theme, scene.text("stations.column.version"), &or_nothing(station.version.clone()));
    card::fact(ui, theme, scene.text("stations.fact.waiting"), &or_nothing(station.queue_depth.map(format::count)));
    card::fact(ui, theme, scene.text("stations.fact.failed"), &or_nothing(station.failed.map(format::count)));
    card::fact(ui, theme, scene.text("stations.fact.errors"), &or_nothing(station.converter_errors.map(format::count)));
    let clock =
        station.clock_offset_ms.map(|ms| scene.fill("stations.fact.clock_offset", &[("n", &format::signed((-ms) as f64 / 1000.0))]));
    card::fact(ui, theme, scene.text("stations.fact.clock"), &or_nothing(clock));
    card::fact(ui, theme, scene.text("stations.fact.tokens"), &station.tokens.to_string());
}
