//! The person's own account: who he is here, his password, and where else he is signed in.

use eframe::egui::{Align, Label, Layout, ScrollArea, Ui};

use super::desk::{self, Asking, Outcome, Sending};
use super::users::password_trouble;
use crate::client::{Command, MeCommand, OpenSession, Person, SessionCommand};
use crate::desktop::shell::role_key;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::dialog::{self, Question};
use crate::desktop::widgets::password::{PasswordBuffer, password_field};
use crate::desktop::widgets::{card, field};
use crate::desktop::{Scene, format};
use crate::support::secret::Secret;

#[derive(Default)]
pub struct Me {
    asking: Asking,
    form: Option<Form>,
    leaving: bool,
}

#[derive(Default)]
struct Form {
    current: PasswordBuffer,
    new: PasswordBuffer,
    again: PasswordBuffer,
    sending: Sending,
}

impl Me {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let Some(person) = &scene.model.session.person else { return };
        let slice = &scene.model.me;
        self.asking.ask(ui, scene, &slice.list, || Command::Me(MeCommand::List));
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = scene.theme.sizes.gap;
            let n = if ui.available_width() > 900.0 { 2 } else { 1 };
            field::columns(ui, scene.theme, n, |i, ui| {
                if i == 0 {
                    self.account(ui, scene, person);
                }
                if i == 1 || n == 1 {
                    self.sessions(ui, scene);
                }
            });
        });
        self.form_ui(ui, scene);
        self.question_ui(ui, scene);
    }

    fn account(&mut self, ui: &mut Ui, scene: &Scene<'_>, person: &Person) {
        let theme = scene.theme;
        card::card(ui, theme, &person.name, |ui| {
            card::fact(ui, theme, scene.text("users.column.role"), scene.text(role_key(person.role)));
            card::fact(ui, theme, scene.text("me.since"), &scene.moment(Some(person.since)));
            if let Some(secs) = person.role.idle_limit_secs() {
                let minutes = format::count(u64::from(secs / 60));
                card::fact(ui, theme, scene.text("me.idle"), &scene.fill("me.idle_minutes", &[("n", &minutes)]));
            }
            ui.add_space(space::S);
            let obstacle = desk::obstacle(scene, &scene.model.me.acts);
            ui.horizontal_wrapped(|ui| {
                if desk::act(ui, scene, "me.change_password", obstacle) {
                    self.form = Some(Form::default());
                }
                if desk::act(ui, scene, "shell.sign_out", None) {
                    scene.run(Command::Session(SessionCommand::PersonSignOut));
                }
                if desk::act(ui, scene, "me.sign_out_everywhere", obstacle) {
                    self.leaving = true;
                }
            });
            desk::reasons(ui, scene, &[obstacle]);
        });
    }

    fn sessions(&self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let slice = &scene.model.me;
        card::card(ui, theme, scene.text("me.sessions"), |ui| {
            let Some(list) = slice.list.value() else { return desk::unread(ui, scene, &slice.list) };
            desk::freshness(ui, scene, &slice.list, list.as_of);
            for session in &list.rows {
                row(ui, scene, session);
            }
            ui.add(Label::new(theme.hint(scene.text("me.sessions_note"))).wrap());
        });
    }

    fn form_ui(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let Some(form) = &mut self.form else { return };
        let acts = &scene.model.me.acts;
        if let Outcome::Done = form.sending.outcome(acts) {
            self.form = None;
            return;
        }
        let mut answer = None;
        let closed = dialog::form(ui.ctx(), scene.theme, "own password", scene.text("me.change_password"), |ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            answer = form.ui(ui, scene);
        });
        match answer.or(closed.then_some(false)) {
            Some(true) => {
                form.sending.sent(acts);
                let (current, new) = (Secret::new(form.current.expose()), Secret::new(form.new.expose()));
                scene.run(Command::Me(MeCommand::ChangePassword { current, new }));
            }
            Some(false) => self.form = None,
            None => {}
        }
    }

    fn question_ui(&mut self, ui: &Ui, scene: &Scene<'_>) {
        if !self.leaving {
            return;
        }
        let question = Question {
            title: scene.text("me.everywhere_title"),
            body: scene.text("me.everywhere_body"),
            yes: scene.text("me.sign_out_everywhere"),
            no: scene.text("shell.cancel"),
            destroys: true,
        };
        if let Some(answer) = dialog::ask(ui.ctx(), scene.theme, "everywhere", &question) {
            self.leaving = false;
            if answer {
                scene.run(Command::Me(MeCommand::EndAllSessions));
            }
        }
    }
}

impl Form {
    fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> Option<bool> {
        let theme = scene.theme;
        // A panel is too low for three, one below the other.
        let panel = scene.is_panel();
        field::columns(ui, theme, if panel { 3 } else { 1 }, |i, ui| {
            if i == 0 {
                password_field(ui, theme, scene.text("me.current"), scene.text("me.show_current"), &mut self.current);
            }
            if i == 1 || !panel {
                password_field(ui, theme, scene.text("me.new"), scene.text("me.show_new"), &mut self.new);
            }
            if i == 2 || !panel {
                password_field(ui, theme, scene.text("login.password_again"), scene.text("login.show_again"), &mut self.again);
            }
        });
        let trouble = match () {
            () if self.new.is_empty() => None,
            () if self.again.is_empty() || self.new.same_as(&self.again) => password_trouble(&self.new),
            () => Some("login.password_differs"),
        };
        field::note(ui, theme, trouble.map(|key| scene.text(key)));
        ui.add(Label::new(theme.hint(scene.text("me.password_note"))).wrap());
        let ready = !self.current.is_empty() && self.new.same_as(&self.again) && password_trouble(&self.new).is_none();
        desk::form_end(ui, scene, (&self.sending, &scene.model.me.acts), scene.text("me.password_yes"), ready)
    }
}

fn row(ui: &mut Ui, scene: &Scene<'_>, session: &OpenSession) {
    let theme = scene.theme;
    let known = |text: &str, other: &'static str| if text.is_empty() { scene.text(other).to_owned() } else { text.to_owned() };
    let client = known(&session.client, "me.unknown_program");
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if session.current {
                ui.label(theme.words(scene.text("me.this_one"), Text::Body, Weight::Medium, theme.color.text2));
            } else {
                let obstacle = desk::obstacle(scene, &scene.model.me.acts);
                if desk::act(ui, scene, "me.end", obstacle) {
                    scene.run(Command::Me(MeCommand::EndSession { id: session.id.clone() }));
                }
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.add(Label::new(theme.words(client, Text::Body, Weight::Medium, theme.color.text1)).truncate());
                let values = [known(&session.address, "me.unknown_address"), scene.moment(Some(session.last_used))];
                let line = scene.fill("me.line", &[("address", &values[0]), ("used", &values[1])]);
                ui.add(Label::new(theme.label(line)).truncate());
            });
        });
    });
    ui.separator();
}
