//! Accounts on the server: found, made, given a role, disabled, unlocked. What ends somebody's access asks first.

mod acts;
mod forms;

use eframe::egui::{Align, Label, Layout, ScrollArea, Ui};

use super::desk::{self, Asking};
use crate::client::{Account, Command, USER_ROWS, UserList, UsersCommand};
use crate::desktop::shell::role_key;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::list::{Chosen, List};
use crate::desktop::widgets::search::Search;
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::table::{self, Cell, Table};
use crate::desktop::widgets::{button, card, empty};
use crate::desktop::{Scene, format};
use forms::Form;
pub(super) use forms::password_trouble;

#[derive(Default)]
pub struct Users {
    search: Search,
    asking: Asking,
    list: List,
    chosen: Chosen,
    form: Option<Form>,
    question: Option<acts::Asked>,
}

impl Users {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let slice = &scene.model.users;
        self.asking.ask(ui, scene, &slice.list, || Command::Users(UsersCommand::List { search: slice.search.clone() }));
        ui.horizontal(|ui| self.bar(ui, scene));
        ui.add_space(space::XS);
        match slice.list.value() {
            None => desk::unread(ui, scene, &slice.list),
            Some(list) => self.known(ui, scene, list),
        }
        self.form_ui(ui, scene);
        self.question_ui(ui, scene);
    }

    fn bar(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let slice = &scene.model.users;
        let width = if scene.is_panel() { 260.0 } else { 320.0 };
        if let Some(search) = self.search.ui(ui, theme, (scene.text("users.search"), &slice.search), width) {
            self.list = List::default();
            scene.run(Command::Users(UsersCommand::List { search }));
        }
        let obstacle = desk::obstacle(scene, &slice.acts);
        if button::primary(ui, theme, scene.text("users.create"), obstacle.is_none()).clicked() {
            self.form = Some(Form::new_account());
        }
        if let Some(list) = slice.list.value().filter(|_| !scene.is_panel()) {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let n = list.rows.len() as u64;
                let words = match list.complete {
                    true => scene.count("users.count", n),
                    false => scene.fill("users.too_many", &[("n", &format::count(USER_ROWS as u64))]),
                };
                ui.add(Label::new(theme.hint(words)).truncate());
            });
        }
    }

    fn known(&mut self, ui: &mut Ui, scene: &Scene<'_>, list: &UserList) {
        let pale = desk::freshness(ui, scene, &scene.model.users.list, list.as_of);
        if list.rows.is_empty() {
            return empty::empty(ui, scene.theme, scene.text("users.none.what"), scene.text("users.none.next"));
        }
        self.chosen.find(&mut self.list, list.rows.iter().map(|user| user.id.as_str()));
        desk::halves(
            ui,
            scene,
            self,
            |screen, ui| screen.rows(ui, scene, (list, pale)),
            |screen, ui| {
                let user = &list.rows[screen.list.selected.min(list.rows.len() - 1)];
                card::frame(scene.theme).show(ui, |ui| {
                    ui.set_min_size(ui.available_size());
                    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| screen.account(ui, scene, user));
                });
            },
        );
    }

    fn rows(&mut self, ui: &mut Ui, scene: &Scene<'_>, (list, pale): (&UserList, bool)) {
        let narrow = scene.is_panel();
        let titles = ["users.column.name", "users.column.state", "users.column.role", "users.column.last_login"].map(|key| scene.text(key));
        let wide = [(titles[0], 7.0, 1.4), (titles[1], 9.5, 0.8), (titles[2], 7.0, 0.4), (titles[3], 10.0, 0.0)];
        let table = Table { name: scene.text("users.title"), columns: &wide[..if narrow { 2 } else { 4 }], rows: list.rows.len(), pale };
        let done = table::table(ui, scene.theme, &mut self.list, &table, |index| {
            let user = &list.rows[index];
            let (sign, words) = state(scene, user);
            let mut cells = vec![Cell::strong(user.username.as_str()), Cell::sign(sign, words)];
            if !narrow {
                cells.extend([Cell::new(scene.text(role_key(user.role))), Cell::new(scene.moment(user.last_login))]);
            }
            cells
        });
        self.chosen.note(&self.list, &done, |index| list.rows.get(index).map(|user| user.id.clone()));
    }

    fn account(&mut self, ui: &mut Ui, scene: &Scene<'_>, user: &Account) {
        let theme = scene.theme;
        ui.spacing_mut().item_spacing.y = space::S;
        ui.add(Label::new(theme.title(user.username.as_str())).truncate());
        let (shape, words) = state(scene, user);
        card::row(ui, theme, Text::Body, |ui| {
            sign::show(ui, theme, shape, theme.sizes.body * 1.1);
            ui.add(Label::new(theme.words(words, Text::Body, Weight::SemiBold, shape.ink(theme))).truncate());
        });
        self.acts(ui, scene, user);
        ui.add_space(space::S);
        let none = format::NOTHING;
        card::fact(ui, theme, scene.text("users.column.role"), scene.text(role_key(user.role)));
        card::fact(ui, theme, scene.text("users.email"), user.email.as_deref().unwrap_or(none));
        card::fact(ui, theme, scene.text("users.column.last_login"), &scene.moment(user.last_login));
        card::fact(ui, theme, scene.text("users.failed"), &user.failed_login_attempts.to_string());
        card::fact(ui, theme, scene.text("users.created"), &scene.moment(Some(user.created_at)));
    }
}

/// How an account is doing, in a sign and a word.
fn state(scene: &Scene<'_>, user: &Account) -> (Sign, String) {
    match user.locked_until.filter(|until| *until > scene.now) {
        _ if !user.is_active => (Sign::Nothing, scene.text("users.state.disabled").to_owned()),
        Some(until) => (Sign::Warning, scene.fill("users.state.locked", &[("time", &scene.zone.clock(until))])),
        None if !user.is_verified => (Sign::Nothing, scene.text("users.state.unverified").to_owned()),
        None => (Sign::Normal, scene.text("users.state.active").to_owned()),
    }
}
