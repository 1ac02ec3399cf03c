//! What a login chooses besides names: station, application, plain http, the tunnel.

use eframe::egui::{Button, Checkbox, ComboBox, Response, Ui, vec2};

use super::Login;
use super::form::{Field, Place};
use crate::client::{Command, InstancesCommand};
use crate::desktop::Scene;
use crate::desktop::screens::application_key;
use crate::desktop::screens::connection::tunnel_form;
use crate::desktop::shell::station_name;
use crate::desktop::theme::{Text, Weight};
use crate::desktop::widgets::{button, field};
use crate::domain::instance::Application;

impl Login {
    pub(super) fn instance(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let label = ui.label(scene.theme.label(scene.text("login.instance")));
        self.instance_box(ui, scene, ui.available_width()).labelled_by(label.id);
    }

    pub(super) fn instance_box(&mut self, ui: &mut Ui, scene: &Scene<'_>, width: f32) -> Response {
        let instances = &scene.model.instances;
        let name = station_name(scene).unwrap_or(scene.text("login.no_instance"));
        let response = tall_combo(ui, scene, "instance", name, width, |ui| {
            for instance in &instances.list {
                let current = instances.current.as_ref() == Some(&instance.id);
                let words = if instance.in_use && !current {
                    scene.fill("login.in_use", &[("name", &instance.name)])
                } else {
                    instance.name.clone()
                };
                let item = Button::selectable(current, scene.theme.body(words)).min_size(vec2(0.0, scene.theme.sizes.touch));
                if ui.add_enabled(current || !instance.in_use, item).clicked() && !current {
                    scene.run(Command::Instances(InstancesCommand::Open(instance.id.clone())));
                }
            }
        });
        self.form.watch(Field::Other, &response);
        response
    }

    pub(super) fn application_box(&mut self, ui: &mut Ui, scene: &Scene<'_>, width: f32) {
        let chosen = self.form.application.unwrap_or_else(|| self.form.own_application(scene.model));
        let response = tall_combo(ui, scene, "application", scene.text(application_key(chosen)), width, |ui| {
            for application in Application::ALL {
                let words = scene.theme.body(scene.text(application_key(application)));
                let item = Button::selectable(application == chosen, words).min_size(vec2(0.0, scene.theme.sizes.touch));
                if ui.add(item).clicked() {
                    self.form.application = Some(application);
                }
            }
        });
        let response = response.accessible_name(scene.text("login.application"));
        self.form.watch(Field::Other, &response);
    }

    pub(super) fn plain_http(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        if self.form.needs_plain_http() {
            let words = scene.theme.body(scene.text("login.allow_plain_http"));
            let response = ui.add(Checkbox::new(&mut self.form.allow_plain_http, words));
            self.form.watch(Field::Other, &response);
        }
    }

    /// Leads to the tunnel's settings, and says which one is in use.
    pub(super) fn tunnel_link(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
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
        let response = ui.add(Button::new(words).frame(false).truncate());
        button::focus_ring(ui, theme, &response);
        if response.clicked() {
            self.tunnel = Some(tunnel_form::Form::of(settings));
        }
    }
}

/// A choice as high as a field.
fn tall_combo(ui: &mut Ui, scene: &Scene<'_>, id: &str, chosen: &str, width: f32, items: impl FnOnce(&mut Ui)) -> Response {
    ui.scope(|ui| {
        // A long name is cut: it would push what stands beside it.
        ui.set_max_width(width);
        ui.spacing_mut().interact_size.y = field::height(scene.theme);
        ui.spacing_mut().button_padding.x = 12.0;
        let combo = ComboBox::from_id_salt(id).selected_text(scene.theme.body(chosen)).width(width).truncate();
        combo.show_ui(ui, items).response
    })
    .inner
}
