//! The login on a panel: fields on the left, a keyboard on the right.

use eframe::egui::{Align, Checkbox, Event, Label, Layout, Ui, vec2};

use super::Login;
use super::form::{Field, Place};
use super::frames::{panel_beside, panel_halves};
use crate::client::{Explanation, LineState};
use crate::desktop::Scene;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::keyboard::Touched;
use crate::desktop::widgets::password::password_hinted;
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{button, card, field};

impl Login {
    pub(super) fn panel(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        if let Some(told) = self.unread(scene) {
            return self.panel_told(ui, scene, told);
        }
        let mut keyboard = std::mem::take(&mut self.keyboard);
        let touched = panel_halves(ui, scene, &mut keyboard, |ui| self.panel_fields(ui, scene));
        self.keyboard = keyboard;
        match touched {
            Some(Touched::Enter) => self.submit(scene),
            Some(touched) => self.form.touch(ui.ctx(), touched),
            None => {}
        }
    }

    /// The failed try of which nobody has read what to do.
    pub(super) fn unread(&self, scene: &Scene<'_>) -> Option<(u64, Explanation)> {
        let told = self.trouble(scene).map(|told| (scene.model.session.tries, told.clone()));
        told.filter(|told| scene.is_panel() && self.read.as_ref() != Some(told))
    }

    /// Why the last try failed and what to do, in the keyboard's place until somebody goes on.
    fn panel_told(&mut self, ui: &mut Ui, scene: &Scene<'_>, told: (u64, Explanation)) {
        let mut goes_on = ui.input(|input| input.events.iter().any(|event| matches!(event, Event::Text(_))));
        let mut fields = |ui: &mut Ui| {
            self.panel_fields(ui, scene);
            let pressed_at = ui.input(|input| input.pointer.interact_pos().filter(|_| input.pointer.any_pressed()));
            pressed_at.is_some_and(|at| ui.max_rect().contains(at))
        };
        let mut touched = false;
        goes_on |= panel_beside(ui, |ui| touched = fields(ui), |ui| told_ui(ui, scene, &told.1));
        if goes_on || touched {
            self.read = Some(told);
            ui.ctx().request_repaint();
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
                if short {
                    ui.spacing_mut().item_spacing.x = space::L;
                } else {
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

/// Whether the keyboard is asked for.
fn told_ui(ui: &mut Ui, scene: &Scene<'_>, told: &Explanation) -> bool {
    let theme = scene.theme;
    let frame = card::frame(theme);
    frame
        .show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            ui.spacing_mut().item_spacing.y = space::S;
            ui.horizontal_top(|ui| {
                sign::show(ui, theme, Sign::Critical, theme.sizes.body * 1.2);
                ui.add(Label::new(theme.words(scene.what(told), Text::Body, Weight::SemiBold, theme.color.text1)).wrap());
            });
            ui.add(Label::new(theme.body(scene.remedy(told))).wrap());
            ui.with_layout(Layout::bottom_up(Align::Center), |ui| {
                let size = vec2(ui.available_width(), field::height(theme));
                button::secondary_sized(ui, theme, scene.text("login.keyboard"), true, size).clicked()
            })
            .inner
        })
        .inner
}
