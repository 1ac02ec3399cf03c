//! An account of one's own: signing up, the code that comes by mail, and a forgotten password. It stands where the login stands.

mod form;

use eframe::egui::{Align, Key, Label, Layout, Modifiers, Response, Ui, vec2};

use super::login::{card_in_the_middle, panel_halves, say};
use crate::client::{AccountAsk, AccountCommand, AccountStep, Command};
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::keyboard::{Keyboard, Touched};
use crate::desktop::widgets::password::{password_field, password_hinted};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{button, field};
use crate::desktop::{Scene, words};
use crate::support::secret::Secret;

pub use form::Step;
use form::{Form, Slot};

/// What comes after this frame.
pub enum Next {
    Stay,
    Back,
    /// The address is confirmed: sign in with these.
    SignIn {
        user: String,
        password: Secret,
    },
    /// The new password is set: sign in with it.
    Again,
}

/// The form's state between frames.
pub struct Account {
    form: Form,
    keyboard: Keyboard,
}

impl Account {
    pub fn new(step: Step) -> Account {
        Account { form: Form::new(step), keyboard: Keyboard::default() }
    }

    /// `server` is the address that is asked, and whether plain http is allowed on the way there.
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, server: &(String, bool)) -> Next {
        if let Some(next) = self.follow(scene) {
            return next;
        }
        let mut next = Next::Stay;
        if scene.is_panel() {
            let mut keyboard = std::mem::take(&mut self.keyboard);
            let touched = panel_halves(ui, scene, &mut keyboard, |ui| next = self.fields(ui, scene, server));
            self.keyboard = keyboard;
            match touched {
                Some(Touched::Enter) => self.submit(scene, server),
                Some(touched) => self.form.touch(ui.ctx(), touched),
                None => {}
            }
        } else {
            card_in_the_middle(ui, scene, |ui| next = self.fields(ui, scene, server));
        }
        if std::mem::take(&mut self.form.entered) {
            self.submit(scene, server);
        }
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            next = Next::Back;
        }
        next
    }

    /// Goes on where the server has said yes.
    fn follow(&mut self, scene: &Scene<'_>) -> Option<Next> {
        match (self.form.step, scene.model.account.done?) {
            (Step::SignUp, AccountStep::SignedUp) => self.form.go_to(Step::Confirm),
            (Step::Forgot, AccountStep::CodeSent) => self.form.go_to(Step::NewPassword),
            (Step::Confirm, AccountStep::Verified) => {
                let password = self.form.take_kept();
                return Some(Next::SignIn { user: self.form.user.trim().to_owned(), password });
            }
            (Step::NewPassword, AccountStep::PasswordSet) => return Some(Next::Again),
            _ => {}
        }
        None
    }

    fn fields(&mut self, ui: &mut Ui, scene: &Scene<'_>, server: &(String, bool)) -> Next {
        let theme = scene.theme;
        let title = match self.form.step {
            Step::SignUp => "account.sign_up_title",
            Step::Confirm => "account.confirm_title",
            Step::Forgot => "account.forgot_title",
            Step::NewPassword => "account.new_password_title",
        };
        if scene.is_panel() {
            self.panel_head(ui, scene, server, title);
        } else {
            ui.label(theme.title(scene.text(title)));
            ui.add_space(space::S);
            ui.add(Label::new(theme.label(self.about(scene, server))).wrap());
            ui.add_space(space::XS);
        }
        self.inputs(ui, scene);
        ui.add_space(space::XS);
        let next = self.buttons(ui, scene, server);
        if !scene.is_panel() {
            if self.form.has_code() {
                self.resend_link(ui, scene, server);
            }
            ui.add_space(space::XS);
            let size = vec2(ui.available_width(), theme.sizes.body * 1.3 * 2.9);
            place(ui, size, |ui| {
                self.status(ui, scene);
            });
        }
        next
    }

    /// A panel has one place for what this is about, and for what goes on.
    fn panel_head(&mut self, ui: &mut Ui, scene: &Scene<'_>, server: &(String, bool), title: &'static str) {
        let theme = scene.theme;
        ui.horizontal(|ui| {
            ui.set_min_height(theme.sizes.touch);
            ui.label(theme.words(scene.text(title), Text::Body, Weight::Medium, theme.color.text1));
            if self.form.has_code() {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.resend_link(ui, scene, server));
            }
        });
        let size = vec2(ui.available_width(), theme.sizes.body * 1.3 * 2.0);
        place(ui, size, |ui| {
            if !self.status(ui, scene) {
                ui.add(Label::new(theme.label(self.about(scene, server))).wrap());
            }
        });
    }

    fn about(&self, scene: &Scene<'_>, server: &(String, bool)) -> String {
        let server = [("server", server.0.as_str())];
        match (self.form.step, scene.is_panel()) {
            (Step::SignUp, false) => scene.fill("account.sign_up_about", &server),
            (Step::SignUp, true) => scene.text("account.sign_up_about_short").to_owned(),
            (Step::Forgot, false) => scene.fill("account.forgot_about", &server),
            (Step::Forgot, true) => scene.text("account.forgot_about_short").to_owned(),
            (Step::Confirm | Step::NewPassword, _) => scene.fill("account.code_about", &[("email", self.form.email.trim())]),
        }
    }

    fn resend_link(&mut self, ui: &mut Ui, scene: &Scene<'_>, server: &(String, bool)) {
        if button::link(ui, scene.theme, scene.text("account.resend"), !scene.model.account.asking).clicked() {
            self.form.resent = true;
            self.ask(scene, server, self.form.resend());
        }
    }

    fn inputs(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let rows: &[&[Slot]] = match (self.form.step, scene.is_panel()) {
            (Step::SignUp, true) => &[&[Slot::User, Slot::Email], &[Slot::Password, Slot::Again]],
            (Step::SignUp, false) => &[&[Slot::User], &[Slot::Email], &[Slot::Password, Slot::Again]],
            (Step::Confirm, _) => &[&[Slot::Code]],
            (Step::Forgot, _) => &[&[Slot::Email]],
            (Step::NewPassword, _) => &[&[Slot::Code], &[Slot::Password, Slot::Again]],
        };
        for row in rows {
            field::columns(ui, scene.theme, row.len(), |i, ui| {
                let slot = row[i];
                let response = self.input(ui, scene, slot);
                if response.has_focus() {
                    self.form.focused = Some((slot, response.id));
                }
                self.form.entered |= field::enters(&response);
            });
        }
    }

    fn input(&mut self, ui: &mut Ui, scene: &Scene<'_>, slot: Slot) -> Response {
        let theme = scene.theme;
        let (name, text) = match slot {
            Slot::User => (scene.text("login.user"), &mut self.form.user),
            Slot::Email => (scene.text("account.email"), &mut self.form.email),
            Slot::Code => (scene.text("account.code"), &mut self.form.code),
            Slot::Password | Slot::Again => {
                let (name, show, buffer) = if slot == Slot::Password {
                    ("login.password", "login.show", &mut self.form.password)
                } else {
                    ("login.password_again", "login.show_again", &mut self.form.again)
                };
                let draw = if scene.is_panel() { password_hinted } else { password_field };
                return draw(ui, theme, scene.text(name), scene.text(show), buffer);
            }
        };
        if scene.is_panel() { field::bare_field(ui, theme, name, text, name) } else { field::text_field(ui, theme, name, text, "") }
    }

    fn buttons(&mut self, ui: &mut Ui, scene: &Scene<'_>, server: &(String, bool)) -> Next {
        let theme = scene.theme;
        let height = field::height(theme);
        let label = match self.form.step {
            Step::SignUp => "account.sign_up",
            Step::Confirm => "account.confirm",
            Step::Forgot => "account.send_code",
            Step::NewPassword => "account.set_password",
        };
        let free = !scene.model.account.asking;
        let mut next = Next::Stay;
        ui.horizontal(|ui| {
            let width = ui.available_width() - theme.sizes.gap;
            ui.spacing_mut().item_spacing.x = theme.sizes.gap;
            if button::secondary_sized(ui, theme, scene.text("account.back"), true, vec2(width * 0.35, height)).clicked() {
                next = Next::Back;
            }
            if button::primary_sized(ui, theme, scene.text(label), free, vec2(width * 0.65, height)).clicked() {
                self.submit(scene, server);
            }
        });
        next
    }

    fn submit(&mut self, scene: &Scene<'_>, server: &(String, bool)) {
        if !scene.model.account.asking
            && let Some(ask) = self.form.submit()
        {
            self.ask(scene, server, ask);
        }
    }

    fn ask(&self, scene: &Scene<'_>, server: &(String, bool), ask: AccountAsk) {
        let (server_url, allow_plain_http) = server.clone();
        scene.run(Command::Account(AccountCommand::Ask { server_url, allow_plain_http, ask }));
    }

    /// What goes on. False when there is nothing to say.
    fn status(&self, ui: &mut Ui, scene: &Scene<'_>) -> bool {
        let account = &scene.model.account;
        if account.asking {
            ui.ctx().request_repaint_after(sign::BUSY_STEP);
            say(ui, scene, words::busy(scene), scene.text("account.asking"), "");
        } else if let Some(key) = self.form.missing().filter(|_| self.form.tried) {
            say(ui, scene, Sign::Normal, scene.text(key), "");
        } else if let Some(error) = &account.error {
            // The server says best what is wrong with a name or an address.
            let what = if error.key == "account_unacceptable" { error.detail.clone() } else { scene.what(error) };
            say(ui, scene, Sign::Critical, &what, &scene.remedy(error));
        } else if account.done == Some(AccountStep::CodeSent) && self.form.resent {
            say(ui, scene, Sign::Normal, scene.text("account.code_sent"), "");
        } else {
            return false;
        }
        true
    }
}

/// A place that is always there, so that nothing moves.
fn place(ui: &mut Ui, size: eframe::egui::Vec2, add: impl FnOnce(&mut Ui)) {
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Min), |ui| {
        ui.set_min_size(size);
        add(ui);
    });
}
