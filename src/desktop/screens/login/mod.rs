//! The login: one step signs in the station and the person. It also makes this PC a line server of its own.
//! Over a station that is signed in, the same form is the card by which a person comes, and nothing of the station changes.

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Checkbox, Color32, ComboBox, Context, Frame, Id, Key, Label, Layout, Margin, Modal, Modifiers, Rect, ScrollArea, Sense, Stroke,
    Ui, UiBuilder, Vec2, pos2, vec2,
};

use super::account::{Account, Next, Step};
use super::application_key;
use super::connection::tunnel_form;
use super::login_form::{Field, Form, Place};
use crate::client::{AccountCommand, BadServerUrl, Command, InstancesCommand, LineCommand, LineState, Model, SessionCommand};
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::keyboard::{Keyboard, Names, Touched};
use crate::desktop::widgets::password::{password_field, password_hinted};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{button, card, field};
use crate::desktop::{Action, Scene, format, words};
use crate::domain::instance::Application;

/// The login's state between frames.
#[derive(Default)]
pub struct Login {
    form: Form,
    keyboard: Keyboard,
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
        if ui.input(|input| input.key_pressed(Key::Enter)) && self.form.focused.is_some() {
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

    fn desk(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        card_in_the_middle(ui, scene, |ui| self.card(ui, scene));
    }

    fn card(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        ui.label(theme.title(self.title(scene)));
        ui.add_space(space::S);
        let first_use = self.form.is_first_use(scene.model);
        self.place(ui, scene);
        if first_use {
            ui.add(Label::new(theme.label(scene.text("login.first_use"))).wrap());
            ui.add_space(space::XS);
        }
        let alone = scene.model.session.station.is_some();
        field::columns(ui, theme, if alone || first_use { 1 } else { 2 }, |i, ui| match i {
            0 => self.user(ui, scene, first_use),
            _ => self.instance(ui, scene),
        });
        field::note(ui, theme, None);
        self.passwords(ui, scene, first_use);
        if !alone && !first_use {
            self.choices(ui, scene);
        }
        self.plain_http(ui, scene);
        self.tunnel_link(ui, scene);
        ui.add_space(space::S);
        self.buttons(ui, scene);
        ui.add_space(space::XS);
        self.status(ui, scene, 2.9);
        if !first_use {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = space::L;
                self.ways(ui, scene);
            });
        }
    }

    fn title<'a>(&self, scene: &Scene<'a>) -> &'a str {
        let key = if scene.model.session.station.is_some() { "login.person_title" } else { "login.title" };
        scene.text(key)
    }

    /// Which server: an address, or the one built into this program.
    fn place(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        if scene.model.session.station.is_some() {
            card::fact(ui, theme, scene.text("login.server"), &scene.model.session.server_url);
            ui.add_space(space::S);
            return;
        }
        let top = ui.cursor().min;
        match self.form.place {
            Place::Address => self.address(ui, scene),
            Place::ThisPc => self.this_pc(ui, scene),
        }
        if scene.model.line.state != LineState::Absent {
            let (key, other) = match self.form.place {
                Place::Address => ("login.use_this_pc", Place::ThisPc),
                Place::ThisPc => ("login.use_address", Place::Address),
            };
            let words = theme.words(scene.text(key), Text::Body, Weight::Medium, theme.color.accent);
            let galley =
                ui.painter().layout_no_wrap(scene.text(key).to_owned(), theme.font(Text::Body, Weight::Medium), theme.color.accent);
            let rect = Rect::from_min_size(pos2(ui.max_rect().right() - galley.size().x, top.y), galley.size());
            let mut corner = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
            corner.spacing_mut().button_padding = Vec2::ZERO;
            corner.spacing_mut().interact_size.y = rect.height();
            let response = corner.add(eframe::egui::Button::new(words).frame(false));
            button::focus_ring(ui, theme, &response);
            if response.clicked() {
                self.form.choose(other, scene);
            }
        }
    }

    fn address(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let response =
            field::text_field(ui, scene.theme, scene.text("login.server"), &mut self.form.server, scene.text("login.server_hint"));
        self.form.watch_server(&response);
        let error = self.form.url_error().map(|error| scene.text(url_key(error)));
        field::note(ui, scene.theme, error);
    }

    fn this_pc(&self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        ui.label(theme.label(scene.text("login.server")));
        let words = match &scene.model.line.state {
            LineState::Running(address) => scene.fill("login.this_pc_running", &[("address", address)]),
            LineState::Starting | LineState::Stopped => scene.text("login.this_pc_starting").to_owned(),
            LineState::Failed(error) => scene.what(error),
            LineState::Absent => scene.text("login.this_pc_absent").to_owned(),
        };
        let size = vec2(ui.available_width(), field::height(theme));
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_size(size);
            ui.add(Label::new(theme.body(words)).truncate());
        });
        field::note(ui, theme, None);
    }

    fn user(&mut self, ui: &mut Ui, scene: &Scene<'_>, first_use: bool) {
        let key = if first_use { "login.administrator" } else { "login.user" };
        let hint = if first_use || scene.model.session.station.is_some() { "" } else { scene.text("login.user_hint") };
        let response = field::text_field(ui, scene.theme, scene.text(key), &mut self.form.user, hint);
        self.form.watch(Field::User, &response);
    }

    fn instance(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let label = ui.label(scene.theme.label(scene.text("login.instance")));
        self.instance_box(ui, scene, ui.available_width()).labelled_by(label.id);
    }

    fn instance_box(&mut self, ui: &mut Ui, scene: &Scene<'_>, width: f32) -> eframe::egui::Response {
        let instances = &scene.model.instances;
        let name = crate::desktop::shell::station_name(scene).unwrap_or(scene.text("login.no_instance"));
        let response = tall_combo(ui, scene, "instance", name, width, |ui| {
            for instance in &instances.list {
                let current = instances.current.as_ref() == Some(&instance.id);
                let words = if instance.in_use && !current {
                    scene.fill("login.in_use", &[("name", &instance.name)])
                } else {
                    instance.name.clone()
                };
                let item = eframe::egui::Button::selectable(current, scene.theme.body(words)).min_size(vec2(0.0, scene.theme.sizes.touch));
                if ui.add_enabled(current || !instance.in_use, item).clicked() && !current {
                    scene.run(Command::Instances(InstancesCommand::Open(instance.id.clone())));
                }
            }
        });
        self.form.watch(Field::Other, &response);
        response
    }

    fn passwords(&mut self, ui: &mut Ui, scene: &Scene<'_>, first_use: bool) {
        let (theme, show) = (scene.theme, scene.text("login.show"));
        let name = scene.text("login.password");
        if first_use {
            field::columns(ui, theme, 2, |i, ui| {
                let (name, show) = if i == 0 { (name, show) } else { (scene.text("login.password_again"), scene.text("login.show_again")) };
                let buffer = if i == 0 { &mut self.form.password } else { &mut self.form.again };
                let response = password_field(ui, theme, name, show, buffer);
                self.form.watch(if i == 0 { Field::Password } else { Field::Again }, &response);
            });
        } else {
            let response = password_field(ui, theme, name, show, &mut self.form.password);
            self.form.watch(Field::Password, &response);
        }
        let caps = self.form.password.caps_lock() || self.form.again.caps_lock();
        let words =
            if caps { Some(scene.text("login.caps_lock")) } else { self.form.password_trouble(first_use).map(|key| scene.text(key)) };
        field::note(ui, theme, words);
    }

    fn choices(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = field::height(theme);
            let response = ui.add(Checkbox::new(&mut self.form.remember, theme.body(scene.text("login.remember"))));
            self.form.watch(Field::Other, &response);
            let width = ui.available_width();
            self.application_box(ui, scene, width);
        });
    }

    fn application_box(&mut self, ui: &mut Ui, scene: &Scene<'_>, width: f32) {
        let chosen = self.form.application.unwrap_or_else(|| self.form.own_application(scene.model));
        let response = tall_combo(ui, scene, "application", scene.text(application_key(chosen)), width, |ui| {
            for application in Application::ALL {
                let words = scene.theme.body(scene.text(application_key(application)));
                let item = eframe::egui::Button::selectable(application == chosen, words).min_size(vec2(0.0, scene.theme.sizes.touch));
                if ui.add(item).clicked() {
                    self.form.application = Some(application);
                }
            }
        });
        let response = response.accessible_name(scene.text("login.application"));
        self.form.watch(Field::Other, &response);
    }

    fn plain_http(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        if self.form.needs_plain_http() {
            let words = scene.theme.body(scene.text("login.allow_plain_http"));
            let response = ui.add(Checkbox::new(&mut self.form.allow_plain_http, words));
            self.form.watch(Field::Other, &response);
        }
    }

    /// Leads to the tunnel's settings, and says which one is in use.
    fn tunnel_link(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let model = scene.model;
        if self.form.place == Place::ThisPc || model.session.station.is_some() || model.instances.current.is_none() {
            return;
        }
        let theme = scene.theme;
        let settings = &model.tunnel.settings;
        let words = match settings.enabled {
            true => scene.fill("login.through_tunnel", &[("host", &settings.server())]),
            false => scene.text("login.tunnel").to_owned(),
        };
        let words = theme.words(words, Text::Body, Weight::Medium, theme.color.accent);
        let response = ui.add(eframe::egui::Button::new(words).frame(false).truncate());
        button::focus_ring(ui, theme, &response);
        if response.clicked() {
            self.tunnel = Some(tunnel_form::Form::of(settings));
        }
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

    /// One place for what goes on: busy, locked, failed. Always there, so that nothing moves.
    fn status(&self, ui: &mut Ui, scene: &Scene<'_>, lines: f32) {
        let theme = scene.theme;
        let size = vec2(ui.available_width(), theme.sizes.body * 1.3 * lines);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_size(size);
            let session = &scene.model.session;
            let locked = self.form.locked_for(scene);
            let line_error = match &scene.model.line.state {
                LineState::Failed(error) if self.form.place == Place::ThisPc => Some(error),
                _ => None,
            };
            if session.signing_in {
                ui.ctx().request_repaint_after(sign::BUSY_STEP);
                say(ui, scene, words::busy(scene), scene.text("login.signing_in"), "");
            } else if let Some(left) = locked {
                let words = scene.fill("login.locked", &[("time", &format::countdown(left))]);
                say(ui, scene, Sign::Warning, &words, "");
            } else if let Some(error) = scene.model.sign_in_error().or(line_error).filter(|_| !self.form.is_judged()) {
                say(ui, scene, Sign::Critical, &scene.what(error), &scene.remedy(error));
            } else if scene.is_panel()
                && let Some(error) = self.form.url_error()
            {
                say(ui, scene, Sign::Critical, scene.text(url_key(error)), "");
            } else if let Some(key) = self.form.missing(scene.model).filter(|_| self.form.is_judged() && self.form.url_error().is_none()) {
                say(ui, scene, Sign::Normal, scene.text(key), "");
            } else if self.password_is_new {
                say(ui, scene, Sign::Normal, scene.text("account.password_is_new"), "");
            } else if let Some(problem) = scene.model.instances.problems.last() {
                say(ui, scene, Sign::Warning, &scene.what(problem), &scene.remedy(problem));
            }
        });
    }

    fn panel(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let mut keyboard = std::mem::take(&mut self.keyboard);
        let touched = panel_halves(ui, scene, &mut keyboard, |ui| self.panel_fields(ui, scene));
        self.keyboard = keyboard;
        match touched {
            Some(Touched::Enter) => self.submit(scene),
            Some(touched) => self.form.touch(ui.ctx(), touched),
            None => {}
        }
    }

    fn panel_fields(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let first_use = self.form.is_first_use(scene.model);
        let alone = scene.model.session.station.is_some();
        let theme = scene.theme;
        let row = |ui: &mut Ui, name: &str, add: &mut dyn FnMut(&mut Ui)| {
            ui.horizontal(|ui| {
                let size = vec2(132.0, field::height(theme));
                ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
                    ui.set_min_size(size);
                    ui.add(Label::new(theme.label(name)).truncate());
                });
                add(ui);
            });
        };
        row(ui, scene.text("login.server"), &mut |ui| self.panel_server(ui, scene, alone));
        if first_use {
            let name = scene.text("login.administrator_short");
            row(ui, name, &mut |ui| {
                let response = field::bare_field(ui, theme, name, &mut self.form.user, "");
                self.form.watch(Field::User, &response);
            });
        }
        field::columns(ui, theme, 2, |i, ui| match (first_use, i) {
            (true, i) => self.panel_password(ui, scene, i == 1),
            (false, 0) => {
                let name = scene.text("login.user");
                let response = field::bare_field(ui, theme, name, &mut self.form.user, name);
                self.form.watch(Field::User, &response);
            }
            (false, _) => self.panel_password(ui, scene, false),
        });
        if !alone && !first_use {
            ui.horizontal(|ui| {
                let width = (ui.available_width() - 8.0) / 2.0 - 1.0;
                self.instance_box(ui, scene, width).accessible_name(scene.text("login.instance"));
                self.application_box(ui, scene, width);
            });
        }
        self.panel_bottom(ui, scene, alone || first_use);
    }

    fn panel_password(&mut self, ui: &mut Ui, scene: &Scene<'_>, again: bool) {
        let (field, name, show, buffer) = if again {
            (Field::Again, "login.password_again_short", "login.show_again", &mut self.form.again)
        } else {
            (Field::Password, "login.password", "login.show", &mut self.form.password)
        };
        let response = password_hinted(ui, scene.theme, scene.text(name), scene.text(show), buffer);
        self.form.watch(field, &response);
    }

    fn panel_server(&mut self, ui: &mut Ui, scene: &Scene<'_>, alone: bool) {
        let theme = scene.theme;
        if alone {
            ui.add(Label::new(theme.body(scene.model.session.server_url.as_str())).truncate());
            return;
        }
        let other = match self.form.place {
            Place::Address => ("login.this_pc_short", Place::ThisPc),
            Place::ThisPc => ("login.address_short", Place::Address),
        };
        let has_line = scene.model.line.state != LineState::Absent;
        let width = ui.available_width() - if has_line { 138.0 } else { 0.0 };
        ui.allocate_ui_with_layout(vec2(width, field::height(theme)), Layout::left_to_right(Align::Center), |ui| match self.form.place {
            Place::Address => {
                let response = field::bare_field(ui, theme, scene.text("login.server"), &mut self.form.server, "");
                self.form.watch_server(&response);
            }
            Place::ThisPc => {
                ui.set_min_size(vec2(width, field::height(theme)));
                ui.add(Label::new(theme.body(scene.text("login.this_pc_name"))).truncate());
            }
        });
        if has_line && button::secondary_sized(ui, theme, scene.text(other.0), true, vec2(130.0, field::height(theme))).clicked() {
            self.form.choose(other.1, scene);
        }
    }

    fn panel_bottom(&mut self, ui: &mut Ui, scene: &Scene<'_>, short: bool) {
        if self.form.needs_plain_http() {
            self.plain_http(ui, scene);
        } else {
            ui.horizontal(|ui| {
                if !short {
                    let words = scene.theme.body(scene.text("login.remember_short"));
                    let response = ui.add(Checkbox::new(&mut self.form.remember, words));
                    self.form.watch(Field::Other, &response);
                }
                if !self.form.is_first_use(scene.model) {
                    self.ways(ui, scene);
                }
            });
        }
        self.buttons(ui, scene);
        self.status(ui, scene, if self.form.needs_plain_http() { 1.0 } else { 1.9 });
    }
}

/// A card in the middle of a desk's window.
pub(super) fn card_in_the_middle(ui: &mut Ui, scene: &Scene<'_>, add: impl FnOnce(&mut Ui)) {
    let room = ui.max_rect();
    let width = 480.0;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let height = ui.data(|data| data.get_temp(Id::unique("login height"))).unwrap_or(600.0_f32);
        let top = ((room.height() - height) / 2.0).max(space::S);
        let rect = Rect::from_min_size(pos2(room.center().x - width / 2.0, ui.max_rect().top() + top), vec2(width, height));
        let shown = ui.scope_builder(UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min)), |ui| {
            let frame = card::frame(scene.theme).inner_margin(Margin::same(32)).stroke(Stroke::new(1.0, scene.theme.color.line));
            frame.show(ui, |ui| {
                ui.set_width(width - 64.0);
                add(ui);
            });
        });
        ui.data_mut(|data| data.insert_temp(Id::unique("login height"), shown.response.rect.height()));
    });
}

/// On a panel: fields on the left, a keyboard on the right.
pub(super) fn panel_halves(ui: &mut Ui, scene: &Scene<'_>, keyboard: &mut Keyboard, add: impl FnOnce(&mut Ui)) -> Option<Touched> {
    let room = ui.max_rect().shrink(space::S);
    let (left, right) = room.split_left_right_at_fraction(0.465);
    let mut fields = ui.new_child(UiBuilder::new().max_rect(left).layout(Layout::top_down(Align::Min)));
    fields.spacing_mut().item_spacing = vec2(8.0, 5.0);
    add(&mut fields);
    let right = Rect::from_min_max(pos2(right.left() + space::M, right.top()), right.max);
    let mut keys = ui.new_child(UiBuilder::new().max_rect(right).layout(Layout::top_down(Align::Min)));
    let names = Names {
        shift: scene.text("login.key.shift"),
        backspace: scene.text("login.key.backspace"),
        enter: scene.text("login.key.enter"),
        space: scene.text("login.key.space"),
        symbols: scene.text("login.key.symbols"),
        letters: scene.text("login.key.letters"),
    };
    keyboard.ui(&mut keys, scene.theme, &names)
}

/// A sign, what happened, and what to do about it.
pub(super) fn say(ui: &mut Ui, scene: &Scene<'_>, sign: Sign, what: &str, remedy: &str) {
    let theme = scene.theme;
    sign::show(ui, theme, sign, theme.sizes.body * 1.2);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let ink = if sign == Sign::Critical { theme.color.crit } else { theme.color.text1 };
        let what = Label::new(theme.words(what, Text::Body, Weight::Medium, ink));
        ui.add(what.wrap());
        if !remedy.is_empty() && !scene.is_panel() {
            ui.add(Label::new(theme.label(remedy)).wrap());
        }
    });
}

/// A choice as high as a field.
fn tall_combo(ui: &mut Ui, scene: &Scene<'_>, id: &str, chosen: &str, width: f32, items: impl FnOnce(&mut Ui)) -> eframe::egui::Response {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = field::height(scene.theme);
        ui.spacing_mut().button_padding.x = 12.0;
        let combo = ComboBox::from_id_salt(id).selected_text(scene.theme.body(chosen)).width(width).truncate();
        combo.show_ui(ui, items).response
    })
    .inner
}

fn url_key(error: BadServerUrl) -> &'static str {
    match error {
        BadServerUrl::Empty => "login.url.empty",
        BadServerUrl::Malformed => "login.url.malformed",
        BadServerUrl::Scheme => "login.url.scheme",
        BadServerUrl::HoldsCredentials => "login.url.credentials",
        BadServerUrl::HoldsQuery => "login.url.query",
        BadServerUrl::PlainHttp => "login.url.plain_http",
    }
}
