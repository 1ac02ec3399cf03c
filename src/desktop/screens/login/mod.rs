//! The login: one step signs in the station and the person. It also makes this PC a line server of its own.
//! Over a station that is signed in, the same form is the card by which a person comes, and nothing of the station changes.

mod choices;
mod desk;
mod form;
mod frames;
mod panel;
mod words;

use eframe::egui::accesskit::Role;
use eframe::egui::{Color32, Context, Frame, Id, Key, Modal, Modifiers, Rect, Sense, Ui, UiBuilder, vec2};

use super::account::{Account, Next, Step};
use super::connection::tunnel_form;
use crate::client::{AccountCommand, Command, Explanation, LineCommand, Model, SessionCommand};
use crate::desktop::widgets::keyboard::Keyboard;
use crate::desktop::widgets::{button, field};
use crate::desktop::{Action, Scene};

use form::Form;
pub(super) use frames::{card_in_the_middle, panel_halves};
pub(super) use words::say;

/// The login's state between frames.
#[derive(Default)]
pub struct Login {
    form: Form,
    keyboard: Keyboard,
    /// On a panel: the failed try, by its number, of which was read what to do.
    read: Option<(u64, Explanation)>,
    /// Somebody is making an account, or has forgotten his password.
    account: Option<Account>,
    /// A new password was set: said until the next try.
    password_is_new: bool,
    /// A server may lie behind a tunnel before anybody has signed in.
    tunnel: Option<tunnel_form::Form>,
}

impl Login {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        self.form.offer(scene.model);
        if let Some(account) = &mut self.account {
            match account.ui(ui, scene, &self.form.address(scene.model)) {
                Next::Stay => return,
                Next::Back => {
                    self.leave_account(scene);
                    return ui.ctx().request_repaint();
                }
                // These come instead of the form: the login shows at once.
                Next::SignIn { user, password } => {
                    self.form.user = user;
                    self.form.password.clear();
                    self.form.password.push(password.expose());
                    self.submit(scene);
                    self.leave_account(scene);
                }
                Next::Again => {
                    self.password_is_new = true;
                    self.leave_account(scene);
                }
            }
        }
        if scene.is_panel() {
            self.panel(ui, scene)
        } else {
            self.desk(ui, scene)
        }
        if self.tunnel.is_some() {
            return tunnel_form::dialog(&mut self.tunnel, ui, scene);
        }
        if std::mem::take(&mut self.form.entered) {
            self.submit(scene);
        }
        if scene.model.session.station.is_some() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            self.put_away(scene);
        }
    }

    /// Makes the form ready for a person. Who changes over from another types his own name.
    pub fn welcome_person(&mut self, model: &Model) {
        self.account = None;
        self.form.welcome_person(model);
    }

    /// The card above a page that goes on: what lies behind stays in sight, and nothing there can be pressed.
    pub fn above(&mut self, ctx: &Context, scene: &Scene<'_>, beside_rail: bool) {
        let theme = scene.theme;
        let mut room = ctx.content_rect();
        // A panel's keyboard needs all the room below the header, which goes on telling time and connection.
        let shade = if scene.is_panel() { Color32::TRANSPARENT } else { theme.color.bg0.gamma_multiply(0.75) };
        Modal::new(Id::unique("sign in to act")).frame(Frame::NONE).backdrop_color(shade).show(ctx, |ui| {
            ui.allocate_exact_size(room.size(), Sense::empty());
            ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
                node.set_role(Role::Dialog);
                node.set_label(self.title(scene));
            });
            if scene.is_panel() {
                if beside_rail {
                    // Of its first place only a part would be left beside the header.
                    let corner = Rect::from_min_size(room.min, vec2(theme.sizes.rail, theme.sizes.header));
                    ui.painter().rect_filled(corner, 0.0, theme.color.bg1);
                }
                room.min.y += theme.sizes.header;
                ui.painter().rect_filled(room, 0.0, theme.color.bg0);
            }
            ui.scope_builder(UiBuilder::new().max_rect(room), |ui| self.ui(ui, scene));
        });
    }

    /// Leaves the card without signing in: what is on its way is given up, and what was said is forgotten.
    fn put_away(&mut self, scene: &Scene<'_>) {
        self.form.wipe();
        let session = &scene.model.session;
        if session.signing_in || session.sign_in_error.is_some() {
            scene.run(Command::Session(SessionCommand::CancelSignIn));
        }
        scene.ask(Action::HideLogin);
    }

    fn leave_account(&mut self, scene: &Scene<'_>) {
        self.account = None;
        scene.run(Command::Account(AccountCommand::Forget));
    }

    /// The ways to an account of one's own, once it is clear which server would keep it.
    fn ways(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let sign_up = if scene.is_panel() { "account.sign_up_short" } else { "account.sign_up_link" };
        for (key, step) in [(sign_up, Step::SignUp), ("account.forgot_link", Step::Forgot)] {
            if button::link(ui, scene.theme, scene.text(key), !scene.model.session.signing_in).clicked() {
                if self.form.is_reachable(scene.model) {
                    self.account = Some(Account::new(step));
                } else {
                    self.form.judge();
                }
            }
        }
    }

    fn title<'a>(&self, scene: &Scene<'a>) -> &'a str {
        let key = if scene.model.session.station.is_some() { "login.person_title" } else { "login.title" };
        scene.text(key)
    }

    fn buttons(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let height = field::height(theme);
        ui.horizontal(|ui| {
            let width = ui.available_width() - theme.sizes.gap;
            ui.spacing_mut().item_spacing.x = theme.sizes.gap;
            let can_cancel =
                scene.model.session.signing_in || scene.model.session.station.is_some() || !scene.kiosk || scene.model.pin.is_open;
            let label = if can_cancel && self.quits(scene) { "login.quit" } else { "login.cancel" };
            if button::secondary_sized(ui, theme, scene.text(label), can_cancel, vec2(width * 0.35, height)).clicked() {
                self.cancel(scene);
            }
            let first_use = self.form.is_first_use(scene.model);
            let alone = scene.model.session.station.is_some();
            let label = if first_use {
                "login.set_up"
            } else if alone {
                "login.sign_in"
            } else {
                "login.connect"
            };
            let free = !scene.model.session.signing_in && self.form.locked_for(scene).is_none();
            if button::primary_sized(ui, theme, scene.text(label), free, vec2(width * 0.65, height)).clicked() {
                self.submit(scene);
            }
        });
    }

    fn quits(&self, scene: &Scene<'_>) -> bool {
        !scene.model.session.signing_in && scene.model.session.station.is_none()
    }

    fn cancel(&mut self, scene: &Scene<'_>) {
        if scene.model.session.station.is_some() {
            return self.put_away(scene);
        }
        self.form.wipe();
        if scene.model.session.signing_in {
            scene.run(Command::Session(SessionCommand::CancelSignIn));
        } else {
            scene.ask(Action::Quit);
        }
    }

    fn submit(&mut self, scene: &Scene<'_>) {
        if scene.model.session.signing_in || self.form.locked_for(scene).is_some() {
            return;
        }
        if self.form.missing(scene.model).is_some() {
            return self.form.judge();
        }
        self.form.tried = false;
        let user = self.form.user.trim().to_owned();
        let command = if self.form.is_first_use(scene.model) {
            Command::Line(LineCommand::SetUp { administrator: user, password: self.form.password.take() })
        } else if scene.model.session.station.is_some() {
            Command::Session(SessionCommand::SignInPerson { user, password: self.form.password.take() })
        } else {
            Command::Session(SessionCommand::SignIn(self.form.sign_in(scene.model)))
        };
        self.form.again.clear();
        self.password_is_new = false;
        scene.run(command);
    }
}
