//! The forms of the accounts: a new one, another role, a temporary password. A refusal is said in the form, and nothing typed is lost.

use eframe::egui::{ComboBox, Label, Ui};

use super::{Users, acts};
use crate::client::{Account, AccountChange, Command, Explanation, UsersCommand};
use crate::desktop::Scene;
use crate::desktop::screens::desk::{self, Outcome, Sending};
use crate::desktop::shell::role_key;
use crate::desktop::theme::space;
use crate::desktop::widgets::password::{PasswordBuffer, password_field};
use crate::desktop::widgets::{dialog, field};
use crate::domain::access::Role;
use crate::domain::credentials::{self, CredentialError};

pub(super) struct Form {
    /// Whose role or password it is; nobody's for a new account.
    user: Option<Account>,
    what: What,
    name: String,
    email: String,
    role: Role,
    password: PasswordBuffer,
    sending: Sending,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    New,
    Role,
    Password,
}

impl Form {
    fn of(what: What, user: Option<&Account>) -> Form {
        Form {
            role: user.map_or(Role::Operator, |user| user.role),
            user: user.cloned(),
            what,
            name: String::new(),
            email: String::new(),
            password: PasswordBuffer::default(),
            sending: Sending::default(),
        }
    }

    pub(super) fn new_account() -> Form {
        Form::of(What::New, None)
    }

    pub(super) fn role(user: &Account) -> Form {
        Form::of(What::Role, Some(user))
    }

    pub(super) fn password(user: &Account) -> Form {
        Form::of(What::Password, Some(user))
    }

    fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> Option<bool> {
        match self.what {
            What::New => self.new_ui(ui, scene),
            What::Role => {
                self.roles(ui, scene);
                ui.add(Label::new(scene.theme.hint(scene.text("users.role_note"))).wrap());
            }
            What::Password => {
                self.secret(ui, scene);
                ui.add(Label::new(scene.theme.hint(scene.text("users.password_note"))).wrap());
            }
        }
        let yes = match self.what {
            What::New => "users.create_yes",
            What::Role => "users.role_yes",
            What::Password => "users.password_yes",
        };
        let ready = self.is_ready();
        desk::form_end(ui, scene, (&self.sending, &scene.model.users.acts), scene.text(yes), ready)
    }

    fn new_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        // A panel is too low for one below the other.
        let (columns, panel) = if scene.is_panel() { (2, true) } else { (1, false) };
        field::columns(ui, theme, columns, |i, ui| {
            if i == 0 {
                field::text_field(ui, theme, scene.text("users.name"), &mut self.name, scene.text("users.name_hint"));
                if !panel {
                    field::note(ui, theme, name_trouble(&self.name).map(|key| scene.text(key)));
                }
            }
            if i == 1 || !panel {
                field::text_field(ui, theme, scene.text("users.email"), &mut self.email, scene.text("users.email_hint"));
                if !panel {
                    field::note(ui, theme, self.email_trouble().map(|key| scene.text(key)));
                }
            }
        });
        field::columns(ui, theme, columns, |i, ui| {
            if i == 0 {
                self.roles(ui, scene);
            }
            if i == 1 || !panel {
                self.secret(ui, scene);
            }
        });
    }

    fn roles(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let label = ui.label(theme.label(scene.text("users.column.role")));
        ui.spacing_mut().interact_size.y = field::height(theme);
        let mine = scene.role();
        let combo = ComboBox::from_id_salt("role").width(ui.available_width()).selected_text(theme.body(scene.text(role_key(self.role))));
        let response = combo.show_ui(ui, |ui| {
            for role in Role::ALL.into_iter().filter(|role| mine.is_some_and(|mine| mine.may_manage(*role))) {
                ui.selectable_value(&mut self.role, role, theme.body(scene.text(role_key(role))));
            }
        });
        response.response.labelled_by(label.id);
    }

    fn secret(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        password_field(ui, theme, scene.text("users.password"), scene.text("login.show"), &mut self.password);
        if !(scene.is_panel() && self.what == What::New) {
            let trouble = (!self.password.is_empty()).then(|| password_trouble(&self.password)).flatten();
            field::note(ui, theme, trouble.map(|key| scene.text(key)));
        }
    }

    fn email_trouble(&self) -> Option<&'static str> {
        let email = self.email.trim();
        (!email.is_empty() && credentials::check_email(email).is_err()).then_some("users.email_wrong")
    }

    fn is_ready(&self) -> bool {
        let password = password_trouble(&self.password).is_none();
        match self.what {
            What::New => password && credentials::check_user_name(self.name.trim()).is_ok() && self.email_trouble().is_none(),
            What::Role => self.user.as_ref().is_some_and(|user| user.role != self.role),
            What::Password => password,
        }
    }

    fn send(&mut self, scene: &Scene<'_>) {
        let slice = &scene.model.users;
        if let Outcome::Refused(Explanation { key: "changed_meanwhile", .. }) = self.sending.outcome(&slice.acts) {
            // He was told, sees the account as it is now behind the form, and still wants it.
            let now =
                slice.list.value().and_then(|list| list.rows.iter().find(|row| self.user.as_ref().is_some_and(|user| user.id == row.id)));
            self.user = now.cloned().or(self.user.take());
        }
        self.sending.sent(&slice.acts);
        let password = crate::support::secret::Secret::new(self.password.expose());
        match (self.what, &self.user) {
            (What::Role, Some(user)) => acts::change(scene, user, AccountChange::Role(self.role)),
            (What::Password, Some(user)) => acts::change(scene, user, AccountChange::Password(password)),
            _ => {
                let (username, email) = (self.name.trim().to_owned(), self.email.trim().to_owned());
                scene.run(Command::Users(UsersCommand::Create { username, email, role: self.role, password }));
            }
        }
    }
}

fn name_trouble(name: &str) -> Option<&'static str> {
    (!name.is_empty() && credentials::check_user_name(name.trim()).is_err()).then_some("login.missing.administrator")
}

/// What is wrong with a new password, as a key.
pub(in crate::desktop::screens) fn password_trouble(password: &PasswordBuffer) -> Option<&'static str> {
    match credentials::check_password(password.expose()) {
        Ok(()) => None,
        Err(CredentialError::PasswordTooLong) => Some("users.password_long"),
        Err(_) => Some("login.password_rule"),
    }
}

impl Users {
    pub(super) fn form_ui(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let Some(form) = &mut self.form else { return };
        let acts = &scene.model.users.acts;
        if let Outcome::Done = form.sending.outcome(acts) {
            self.form = None;
            return;
        }
        let name = form.user.as_ref().map_or("", |user| user.username.as_str());
        let title = match form.what {
            What::New => scene.text("users.create_title").to_owned(),
            What::Role => scene.fill("users.role_title", &[("name", name)]),
            What::Password => scene.fill("users.password_title", &[("name", name)]),
        };
        let mut answer = None;
        let closed = dialog::form(ui.ctx(), scene.theme, "account form", &title, |ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            answer = form.ui(ui, scene);
        });
        match answer.or(closed.then_some(false)) {
            Some(true) => form.send(scene),
            Some(false) => self.form = None,
            None => {}
        }
    }
}
