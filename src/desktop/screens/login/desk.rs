//! The login on a desk: one card in the middle of the window.

use eframe::egui::{Align, Button, Checkbox, Label, Layout, Rect, Ui, UiBuilder, Vec2, pos2, vec2};

use super::Login;
use super::form::{Field, Place};
use super::frames::card_in_the_middle;
use super::words::url_key;
use crate::client::LineState;
use crate::desktop::Scene;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::password::password_field;
use crate::desktop::widgets::{button, card, field};

impl Login {
    pub(super) fn desk(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
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
            let response = corner.add(Button::new(words).frame(false));
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
}
