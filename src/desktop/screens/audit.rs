//! Who did what, when, from where, and how it went: searched, read back, and taken along as a table.

use eframe::egui::{Align, ComboBox, Label, Layout, ScrollArea, Ui};

use super::desk::{self, Asking, Outcome, Sending};
use crate::client::{AuditCommand, AuditEntry, AuditFilter, AuditList, AuditPeriod, Command};
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::list::{Chosen, List};
use crate::desktop::widgets::search::Search;
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::table::{self, Cell, Table};
use crate::desktop::widgets::{button, card, dialog, empty, field};
use crate::desktop::{Scene, format};

/// Groups of actions that can be chosen: the first word of each, and its name.
const GROUPS: [(&str, &str); 8] = [
    ("", "audit.group.all"),
    ("login", "audit.group.login"),
    ("user", "audit.group.user"),
    ("session", "audit.group.session"),
    ("password", "audit.group.password"),
    ("token", "audit.group.token"),
    ("key", "audit.group.key"),
    ("offline", "audit.group.offline"),
];

#[derive(Default)]
pub struct Audit {
    search: Search,
    asking: Asking,
    list: List,
    chosen: Chosen,
    form: Option<Form>,
}

#[derive(Default)]
struct Form {
    folder: String,
    sending: Sending,
}

impl Audit {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let slice = &scene.model.audit;
        // Who reads further back, or has asked for more, is left in peace.
        let follows = self.list.is_at_the_top() && slice.list.value().is_none_or(|list| list.rows.len() <= 500);
        if follows && !self.search.is_typing() {
            self.asking.ask(ui, scene, &slice.list, || Command::Audit(AuditCommand::List(slice.filter.clone())));
        }
        ui.horizontal(|ui| self.bar(ui, scene));
        ui.add_space(space::XS);
        match slice.list.value() {
            None => desk::unread(ui, scene, &slice.list),
            Some(list) => {
                let pale = desk::freshness(ui, scene, &slice.list, list.as_of);
                self.known(ui, scene, (list, pale));
            }
        }
        self.form_ui(ui, scene);
    }

    fn bar(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let slice = &scene.model.audit;
        let filter = &slice.filter;
        let width = if scene.is_panel() { 200.0 } else { 260.0 };
        let mut next = self
            .search
            .ui(ui, theme, (scene.text("audit.search"), &filter.search), width)
            .map(|search| AuditFilter { search, ..filter.clone() });
        let periods = AuditPeriod::ALL.map(|period| (period, scene.text(period_key(period))));
        if let Some(period) = choice(ui, scene, ("audit.period", period_key(filter.period)), &periods) {
            next = Some(AuditFilter { period, ..filter.clone() });
        }
        let groups = GROUPS.map(|(action, key)| (action, scene.text(key)));
        let chosen = GROUPS.iter().find(|(action, _)| *action == filter.action).map_or("audit.group.all", |(_, key)| key);
        if let Some(action) = choice(ui, scene, ("audit.what", chosen), &groups) {
            next = Some(AuditFilter { action: action.to_owned(), ..filter.clone() });
        }
        if let Some(filter) = next.filter(|next| next != filter) {
            (self.list, self.chosen) = Default::default();
            scene.run(Command::Audit(AuditCommand::List(filter)));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let may = desk::obstacle(scene, &slice.acts).is_none() && slice.list.value().is_some();
            if button::secondary(ui, theme, scene.text("audit.export"), may).clicked() {
                self.form = Some(Form::default());
            }
            let more = desk::is_online(scene) && slice.list.value().is_some_and(|list| !list.complete) && !slice.list.is_loading();
            if (more || !scene.is_panel()) && button::secondary(ui, theme, scene.text("audit.older"), more).clicked() {
                scene.run(Command::Audit(AuditCommand::Older));
            }
        });
    }

    fn known(&mut self, ui: &mut Ui, scene: &Scene<'_>, (list, pale): (&AuditList, bool)) {
        if list.rows.is_empty() {
            return empty::empty(ui, scene.theme, scene.text("audit.none.what"), scene.text("audit.none.next"));
        }
        self.chosen.find(&mut self.list, list.rows.iter().map(|entry| entry.id.as_str()));
        desk::halves(
            ui,
            scene,
            self,
            |screen, ui| screen.rows(ui, scene, (list, pale)),
            |screen, ui| {
                let entry = &list.rows[screen.list.selected.min(list.rows.len() - 1)];
                card::frame(scene.theme).show(ui, |ui| {
                    ui.set_min_size(ui.available_size());
                    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| facts(ui, scene, entry));
                });
            },
        );
    }

    fn rows(&mut self, ui: &mut Ui, scene: &Scene<'_>, (list, pale): (&AuditList, bool)) {
        let narrow = scene.is_panel();
        let titles = ["audit.column.time", "audit.column.act", "audit.column.who", "audit.column.target"].map(|key| scene.text(key));
        let time = if narrow { 5.5 } else { 10.0 };
        let wide = [(titles[0], time, 0.0), (titles[1], 9.0, 1.0), (titles[2], 6.0, 0.8), (titles[3], 6.0, 0.8)];
        let columns = &wide[..if narrow { 2 } else { 4 }];
        let table = Table { name: scene.text("audit.title"), columns, rows: list.rows.len(), pale };
        let done = table::table(ui, scene.theme, &mut self.list, &table, |index| {
            let entry = &list.rows[index];
            let at = entry.happened_at.unwrap_or(entry.timestamp);
            let mut cells = vec![Cell::new(scene.moment(Some(at))), Cell::sign(outcome(entry), action(scene, &entry.action))];
            if !narrow {
                cells.extend([Cell::strong(entry.user.as_str()), Cell::new(entry.target.as_str())]);
            }
            cells
        });
        self.chosen.note(&self.list, &done, |index| list.rows.get(index).map(|entry| entry.id.clone()));
    }

    fn form_ui(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let Some(form) = &mut self.form else { return };
        let theme = scene.theme;
        let acts = &scene.model.audit.acts;
        if let Outcome::Done = form.sending.outcome(acts) {
            self.form = None;
            return;
        }
        let mut answer = None;
        let closed = dialog::form(ui.ctx(), theme, "audit export", scene.text("audit.export_title"), |ui| {
            ui.add(Label::new(theme.label(scene.text("audit.export_body"))).wrap());
            field::text_field(ui, theme, scene.text("queue.folder"), &mut form.folder, scene.text("queue.folder_hint"));
            let ready = !form.folder.trim().is_empty();
            answer = desk::form_end(ui, scene, (&form.sending, acts), scene.text("audit.export"), ready);
        });
        match answer.or(closed.then_some(false)) {
            Some(true) => {
                form.sending.sent(acts);
                scene.run(Command::Audit(AuditCommand::Export { folder: form.folder.trim().into() }));
            }
            Some(false) => self.form = None,
            None => {}
        }
    }
}

/// A choice of a few, with its name told to those who do not see where it stands.
fn choice<T: Copy>(ui: &mut Ui, scene: &Scene<'_>, (name, chosen): (&'static str, &str), options: &[(T, &str)]) -> Option<T> {
    let theme = scene.theme;
    let shown = scene.language.text(chosen);
    ui.spacing_mut().interact_size.y = theme.sizes.touch;
    let width = theme.sizes.body * if scene.is_panel() { 7.0 } else { 8.5 };
    let combo = ComboBox::from_id_salt(name).width(width).selected_text(theme.body(shown));
    let mut pressed = None;
    let response = combo.show_ui(ui, |ui| {
        for (option, words) in options {
            if ui.selectable_label(*words == shown, theme.body(*words)).clicked() {
                pressed = Some(*option);
            }
        }
    });
    let name = scene.text(name);
    response.response.widget_info(|| eframe::egui::WidgetInfo {
        current_text_value: Some(shown.to_owned()),
        ..eframe::egui::WidgetInfo::labeled(eframe::egui::Role::ComboBox, true, name)
    });
    pressed
}

fn period_key(period: AuditPeriod) -> &'static str {
    match period {
        AuditPeriod::Day => "audit.last.day",
        AuditPeriod::Week => "audit.last.week",
        AuditPeriod::Month => "audit.last.month",
        AuditPeriod::All => "audit.last.all",
    }
}

/// What was done, in words; the server's own word for what this version does not know.
fn action(scene: &Scene<'_>, action: &str) -> String {
    let key = format!("audit.action.{}", action.replace('.', "_"));
    if scene.language.has(&key) { scene.language.text(&key).to_owned() } else { action.to_owned() }
}

fn outcome(entry: &AuditEntry) -> Sign {
    if entry.result == "ok" { Sign::Normal } else { Sign::Failed }
}

fn facts(ui: &mut Ui, scene: &Scene<'_>, entry: &AuditEntry) {
    let theme = scene.theme;
    ui.spacing_mut().item_spacing.y = space::S;
    ui.add(Label::new(theme.title(action(scene, &entry.action))).wrap());
    let shape = outcome(entry);
    let words = match entry.result.as_str() {
        "ok" => scene.text("audit.went_well").to_owned(),
        code => scene.fill("audit.refused", &[("code", code)]),
    };
    card::row(ui, theme, Text::Body, |ui| {
        sign::show(ui, theme, shape, theme.sizes.body * 1.1);
        ui.add(Label::new(theme.words(words, Text::Body, Weight::SemiBold, shape.ink(theme))).truncate());
    });
    ui.add_space(space::XS);
    let or = |text: &str| if text.is_empty() { format::NOTHING.to_owned() } else { text.to_owned() };
    // What a station told of later happened before it was noted, and by that station's clock.
    let written = scene.zone.full(entry.timestamp);
    match entry.happened_at {
        None => card::fact(ui, theme, scene.text("audit.column.time"), &written),
        Some(at) => {
            card::fact(ui, theme, scene.text("audit.column.time"), &scene.zone.full(at));
            card::fact(ui, theme, scene.text("audit.told_by"), &or(entry.station.as_deref().unwrap_or_default()));
            card::fact(ui, theme, scene.text("audit.told_at"), &written);
        }
    }
    card::fact(ui, theme, scene.text("audit.column.who"), &or(&entry.user));
    card::fact(ui, theme, scene.text("audit.column.target"), &or(&entry.target));
    card::fact(ui, theme, scene.text("audit.column.address"), &or(&entry.address));
    card::fact(ui, theme, scene.text("audit.column.detail"), &or(&entry.detail));
}
