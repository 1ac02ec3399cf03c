//! What can be done with one account, and why not where it cannot.

use eframe::egui::Ui;

use super::forms::Form;
use super::{Users, desk};
use crate::client::{Account, AccountChange, Command, UsersCommand};
use crate::desktop::Scene;
use crate::desktop::theme::space;
use crate::desktop::widgets::dialog::{self, Question};
use crate::domain::access::Role;

/// A question that stands, about the account as it was looked at.
pub(super) struct Asked {
    what: What,
    user: Account,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Disable,
    SendCode,
}

/// Why an account's role or state cannot be changed.
struct Obstacles<'a> {
    /// Whatever it is.
    any: Option<&'a str>,
    /// What would take somebody's access away.
    access: Option<&'a str>,
}

impl<'a> Obstacles<'a> {
    fn of(scene: &Scene<'a>, user: &Account) -> Obstacles<'a> {
        let me = scene.model.session.person.as_ref();
        let too_high = !me.is_some_and(|me| me.role.may_manage(user.role));
        let any = desk::obstacle(scene, &scene.model.users.acts).or_else(|| too_high.then(|| scene.text("users.why.too_high")));
        let own = me.is_some_and(|me| me.name.to_lowercase() == user.username.to_lowercase());
        let access = match () {
            () if any.is_some() => any,
            () if own => Some(scene.text("users.why.own")),
            () if is_last_superuser(scene, user) => Some(scene.text("users.why.last")),
            () => None,
        };
        Obstacles { any, access }
    }
}

/// As far as can be seen here: a list that is cut short or searched does not show all. The server knows in any case.
fn is_last_superuser(scene: &Scene<'_>, user: &Account) -> bool {
    let slice = &scene.model.users;
    let Some(list) = slice.list.value().filter(|list| list.complete && slice.search.is_empty()) else { return false };
    let counts = |user: &Account| user.role == Role::Superuser && user.is_active;
    counts(user) && list.rows.iter().filter(|user| counts(user)).count() == 1
}

impl Users {
    pub(super) fn acts(&mut self, ui: &mut Ui, scene: &Scene<'_>, user: &Account) {
        let why = Obstacles::of(scene, user);
        let locked = user.locked_until.is_some_and(|until| until > scene.now);
        ui.horizontal_wrapped(|ui| {
            if locked && desk::act(ui, scene, "users.unlock", why.any) {
                scene.run(Command::Users(UsersCommand::Unlock { id: user.id.clone(), name: user.username.clone() }));
            }
            if desk::act(ui, scene, "users.change_role", why.access) {
                self.form = Some(Form::role(user));
            }
            if desk::act(ui, scene, "users.set_password", why.any) {
                self.form = Some(Form::password(user));
            }
            if user.email.is_some() && desk::act(ui, scene, "users.send_code", why.any) {
                self.question = Some(Asked { what: What::SendCode, user: user.clone() });
            }
            if !user.is_active {
                if desk::act(ui, scene, "users.enable", why.any) {
                    change(scene, user, AccountChange::Active(true));
                }
            } else if desk::act(ui, scene, "users.disable", why.access) {
                self.question = Some(Asked { what: What::Disable, user: user.clone() });
            }
        });
        desk::reasons(ui, scene, &[why.any, why.access]);
        ui.add_space(space::XS);
    }

    pub(super) fn question_ui(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let Some(Asked { what, user }) = &self.question else { return };
        let email = user.email.clone().unwrap_or_default();
        let values = [("name", user.username.as_str()), ("email", email.as_str())];
        let (title, body, yes) = match what {
            What::Disable => ("users.disable_title", "users.disable_body", "users.disable"),
            What::SendCode => ("users.send_code_title", "users.send_code_body", "users.send_code_yes"),
        };
        let (title, body) = (scene.fill(title, &values), scene.fill(body, &values));
        let destroys = *what == What::Disable;
        let question = Question { title: &title, body: &body, yes: scene.text(yes), no: scene.text("shell.cancel"), destroys };
        let Some(answer) = dialog::ask(ui.ctx(), scene.theme, "account", &question) else { return };
        match what {
            _ if !answer => {}
            What::Disable => change(scene, user, AccountChange::Active(false)),
            What::SendCode => scene.run(Command::Users(UsersCommand::SendResetCode { name: user.username.clone(), email })),
        }
        self.question = None;
    }
}

pub(super) fn change(scene: &Scene<'_>, user: &Account, change: AccountChange) {
    let (id, name) = (user.id.clone(), user.username.clone());
    scene.run(Command::Users(UsersCommand::Change { id, name, version: user.version, change }));
}
