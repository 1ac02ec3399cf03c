//! Tokens: issued, shown once, revoked after a question.

use eframe::egui::{Checkbox, Label, ScrollArea, Ui};

use super::{Stations, desk};
use crate::client::{Command, StationList, StationToken, StationsCommand};
use crate::desktop::screens::desk::{Outcome, Sending};
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::dialog::{self, Question};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::table::{self, Cell, Table};
use crate::desktop::widgets::{button, card, empty, field};
use crate::desktop::{Action, Scene};
use crate::domain::access::Permission;

/// Longest name of a station, in characters.
const NAME_CHARS: usize = 100;

#[derive(Default)]
pub(super) struct Form {
    station: String,
    reset: bool,
    sending: Sending,
}

/// The token that is asked about.
pub(super) struct Revoking {
    id: String,
    station: String,
    mask: String,
}

impl Stations {
    pub(super) fn tokens_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, (list, pale): (&StationList, bool)) {
        if list.tokens.is_empty() {
            return empty::empty(ui, scene.theme, scene.text("stations.no_tokens.what"), scene.text("stations.no_tokens.next"));
        }
        self.chosen_token.find(&mut self.tokens, list.tokens.iter().map(|token| token.id.as_str()));
        desk::halves(
            ui,
            scene,
            self,
            |screen, ui| screen.token_rows(ui, scene, (list, pale)),
            |screen, ui| {
                let token = &list.tokens[screen.tokens.selected.min(list.tokens.len() - 1)];
                card::frame(scene.theme).show(ui, |ui| {
                    ui.set_min_size(ui.available_size());
                    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| screen.token(ui, scene, token));
                });
            },
        );
    }

    fn token_rows(&mut self, ui: &mut Ui, scene: &Scene<'_>, (list, pale): (&StationList, bool)) {
        let narrow = scene.is_panel();
        let titles = ["stations.column.station", "stations.column.token", "stations.column.state", "stations.column.used"]
            .map(|key| scene.text(key));
        let wide = [(titles[0], 8.0, 1.4), (titles[1], 5.0, 0.2), (titles[2], 6.5, 0.4), (titles[3], 10.0, 0.0)];
        let columns = &wide[..if narrow { 2 } else { 4 }];
        let table = Table { name: scene.text("stations.page.tokens"), columns, rows: list.tokens.len(), pale };
        let done = table::table(ui, scene.theme, &mut self.tokens, &table, |index| {
            let token = &list.tokens[index];
            let mut cells = vec![Cell::strong(token.identifier.as_str()), Cell::new(token.mask.as_str())];
            if !narrow {
                let (sign, key) = state(token);
                cells.extend([Cell::sign(sign, scene.text(key)), Cell::new(scene.moment(token.last_used))]);
            }
            cells
        });
        self.chosen_token.note(&self.tokens, &done, |index| list.tokens.get(index).map(|token| token.id.clone()));
    }

    fn token(&mut self, ui: &mut Ui, scene: &Scene<'_>, token: &StationToken) {
        let theme = scene.theme;
        ui.spacing_mut().item_spacing.y = space::S;
        ui.add(Label::new(theme.title(token.identifier.as_str())).truncate());
        let (shape, key) = state(token);
        card::row(ui, theme, Text::Body, |ui| {
            sign::show(ui, theme, shape, theme.sizes.body * 1.1);
            ui.label(theme.words(scene.text(key), Text::Body, Weight::SemiBold, shape.ink(theme)));
        });
        if token.revoked_at.is_none() {
            let may = scene.may_act(Permission::ManageTokens);
            let obstacle = desk::obstacle(scene, &scene.model.stations.acts).or((!may).then(|| scene.text("stations.may_not")));
            if desk::act(ui, scene, "stations.revoke", obstacle) {
                self.revoking = Some(Revoking { id: token.id.clone(), station: token.identifier.clone(), mask: token.mask.clone() });
            }
            desk::reasons(ui, scene, &[obstacle]);
        }
        ui.add_space(space::XS);
        card::fact(ui, theme, scene.text("stations.column.token"), &token.mask);
        card::fact(ui, theme, scene.text("stations.fact.issued_by"), &token.issued_by);
        card::fact(ui, theme, scene.text("stations.fact.created"), &scene.moment(Some(token.created_at)));
        card::fact(ui, theme, scene.text("stations.column.used"), &scene.moment(token.last_used));
        if token.revoked_at.is_some() {
            card::fact(ui, theme, scene.text("stations.fact.revoked"), &scene.moment(token.revoked_at));
        }
    }

    pub(super) fn form_ui(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let Some(form) = &mut self.form else { return };
        let acts = &scene.model.stations.acts;
        if let Outcome::Done = form.sending.outcome(acts) {
            self.form = None;
            return;
        }
        let mut answer = None;
        let closed = dialog::form(ui.ctx(), scene.theme, "token form", scene.text("stations.issue_title"), |ui| {
            answer = form.ui(ui, scene);
        });
        match answer.or(closed.then_some(false)) {
            Some(true) => {
                form.sending.sent(acts);
                let station = form.station.trim().to_owned();
                scene.run(Command::Stations(StationsCommand::Issue { station, reset: form.reset }));
            }
            Some(false) => self.form = None,
            None => {}
        }
    }

    pub(super) fn revoking_ui(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let Some(Revoking { id, station, mask }) = &self.revoking else { return };
        let values = [("station", station.as_str()), ("mask", mask.as_str())];
        let (title, body) = (scene.fill("stations.revoke_title", &values), scene.fill("stations.revoke_body", &values));
        let yes = scene.text("stations.revoke");
        let question = Question { title: &title, body: &body, yes, no: scene.text("shell.cancel"), destroys: true };
        let Some(answer) = dialog::ask(ui.ctx(), scene.theme, "revoke", &question) else { return };
        if answer {
            scene.run(Command::Stations(StationsCommand::Revoke { id: id.clone(), station: station.clone() }));
        }
        self.revoking = None;
    }
}

impl Form {
    fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> Option<bool> {
        let theme = scene.theme;
        field::text_field(ui, theme, scene.text("stations.name"), &mut self.station, scene.text("stations.name_hint"));
        let name = self.station.trim();
        let good = !name.is_empty() && name.chars().count() <= NAME_CHARS && !name.chars().any(char::is_control);
        field::note(ui, theme, (!good && !name.is_empty()).then(|| scene.text("stations.name_wrong")));
        ui.add(Checkbox::new(&mut self.reset, theme.body(scene.text("stations.reset"))));
        desk::form_end(ui, scene, (&self.sending, &scene.model.stations.acts), scene.text("stations.issue_yes"), good)
    }
}

fn state(token: &StationToken) -> (Sign, &'static str) {
    if token.revoked_at.is_some() { (Sign::Nothing, "stations.token.revoked") } else { (Sign::Normal, "stations.token.good") }
}

/// The one time that a token is seen. It is left only by its button, so that nobody loses it by a press beside it.
pub(super) fn issued_ui(ui: &Ui, scene: &Scene<'_>) {
    let Some(issued) = &scene.model.stations.issued else { return };
    let theme = scene.theme;
    let title = scene.fill("stations.issued_title", &[("station", &issued.station)]);
    dialog::form(ui.ctx(), theme, "issued token", &title, |ui| {
        ui.horizontal_top(|ui| {
            sign::show(ui, theme, Sign::Warning, theme.sizes.body * 1.2);
            ui.add(Label::new(theme.words(scene.text("stations.issued_body"), Text::Body, Weight::Medium, theme.color.text1)).wrap());
        });
        card::frame(theme).fill(theme.color.bg2).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.add(Label::new(theme.words(issued.token.expose(), Text::Body, Weight::Medium, theme.color.text1)).wrap().selectable(true));
        });
        ui.add_space(space::M);
        ui.horizontal(|ui| {
            if button::primary(ui, theme, scene.text("stations.copy"), true).clicked() {
                scene.ask(Action::Copy(issued.token.expose().to_owned()));
            }
            if button::secondary(ui, theme, scene.text("stations.put_away"), true).clicked() {
                scene.run(Command::Stations(StationsCommand::PutAway));
            }
        });
    });
}
