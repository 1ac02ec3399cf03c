//! The stations kept on this PC: made, named, copied, opened and, after a question, deleted.

use eframe::egui::accesskit::Role;
use eframe::egui::{Checkbox, ComboBox, Label, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo};

use super::application_key;
use crate::client::{Command, InstancesCommand};
use crate::desktop::Scene;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::{button, card, dialog, empty, field, progress};
use crate::domain::instance::{Application, Instance, InstanceId};

/// Longest name of a station, in characters.
const NAME_CHARS: usize = 60;

#[derive(Default)]
pub struct Instances {
    selected: Option<InstanceId>,
    form: Option<Form>,
    /// The one that is asked about, whichever is chosen meanwhile.
    deleting: Option<InstanceId>,
    with_reports: bool,
}

/// A name is being asked for.
struct Form {
    what: Naming,
    /// The one that is renamed or copied.
    of: Option<InstanceId>,
    name: String,
    application: Application,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    New,
    Rename,
    Copy,
}

impl Instances {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let instances = &scene.model.instances;
        if !instances.list.iter().any(|instance| self.selected.as_ref() == Some(&instance.id)) {
            self.selected.clone_from(&instances.current);
        }
        self.toolbar(ui, scene);
        if let Some(busy) = &instances.busy {
            let cancel = busy.can_cancel.then(|| scene.text("shell.cancel"));
            if progress::progress(ui, scene.theme, scene.text(&busy.what), busy.done, cancel) {
                scene.run(Command::Instances(InstancesCommand::Cancel));
            }
        }
        if instances.list.is_empty() {
            empty::empty(ui, scene.theme, scene.text("instances.empty"), scene.text("instances.empty_next"));
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for instance in &instances.list {
                self.row(ui, scene, instance);
            }
        });
        self.naming(ui, scene);
        self.delete_question(ui, scene);
    }

    fn chosen<'a>(&self, scene: &'a Scene<'_>) -> Option<&'a Instance> {
        scene.model.instances.list.iter().find(|instance| self.selected.as_ref() == Some(&instance.id))
    }

    fn toolbar(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let busy = scene.model.instances.busy.is_some();
        let chosen = self.chosen(scene).cloned();
        let current = scene.model.instances.current.clone();
        let free = chosen.as_ref().is_some_and(|one| !busy && (!one.in_use || current.as_ref() == Some(&one.id)));
        let elsewhere = free && chosen.as_ref().map(|one| &one.id) != current.as_ref();
        ui.horizontal_wrapped(|ui| {
            if button::primary(ui, theme, scene.text("instances.create"), !busy).clicked() {
                self.form = Some(Form { what: Naming::New, of: None, name: String::new(), application: Application::default() });
            }
            let Some(one) = chosen else { return };
            if button::secondary(ui, theme, scene.text("instances.open"), elsewhere).clicked() {
                scene.run(Command::Instances(InstancesCommand::Open(one.id.clone())));
            }
            if button::secondary(ui, theme, scene.text("instances.rename"), !busy).clicked() {
                self.form =
                    Some(Form { what: Naming::Rename, of: Some(one.id.clone()), name: one.name.clone(), application: one.application });
            }
            if button::secondary(ui, theme, scene.text("instances.duplicate"), !busy).clicked() {
                let name = scene.fill("instances.copy_name", &[("name", &one.name)]);
                self.form = Some(Form { what: Naming::Copy, of: Some(one.id.clone()), name, application: one.application });
            }
            if button::secondary(ui, theme, scene.text("instances.make_default"), !busy && !one.is_default).clicked() {
                scene.run(Command::Instances(InstancesCommand::MakeDefault(one.id.clone())));
            }
            if button::secondary(ui, theme, scene.text("instances.delete"), elsewhere).clicked() {
                self.deleting = Some(one.id.clone());
                self.with_reports = false;
            }
        });
        ui.add_space(space::S);
    }

    fn row(&mut self, ui: &mut Ui, scene: &Scene<'_>, instance: &Instance) {
        let theme = scene.theme;
        let c = theme.color;
        let chosen = self.selected.as_ref() == Some(&instance.id);
        let response = ui
            .scope_builder(UiBuilder::new().id_salt(instance.id.as_str()).sense(Sense::click()), |ui| {
                let fill = if chosen || ui.response().hovered() { c.bg2 } else { c.bg1 };
                let border = if chosen { Stroke::new(2.0, c.accent) } else { Stroke::new(2.0, fill) };
                card::frame(theme).fill(fill).stroke(border).show(ui, |ui| {
                    ui.set_min_width(ui.available_width());
                    card::row(ui, theme, Text::Table, |ui| {
                        ui.scope(|ui| {
                            // A long name leaves the marks their place.
                            ui.set_max_width(ui.available_width() * 0.66);
                            ui.add(Label::new(theme.words(instance.name.as_str(), Text::Table, Weight::SemiBold, c.text1)).truncate());
                        });
                        let marks: Vec<&str> = self.marks(scene, instance).into_iter().map(|key| scene.text(key)).collect();
                        ui.label(theme.words(marks.join(" · "), Text::Small, Weight::Medium, c.text2));
                    });
                    let used = instance.last_used.map_or_else(|| scene.text("instances.never").to_owned(), |at| scene.ago(Some(at)));
                    let kind = scene.text(application_key(instance.application));
                    let line = scene.fill("instances.line", &[("kind", kind), ("id", instance.id.as_str()), ("used", &used)]);
                    ui.add(Label::new(theme.label(line)).truncate());
                    if !scene.is_panel() {
                        ui.add(Label::new(theme.hint(instance.path.as_str())).truncate());
                    }
                });
            })
            .response;
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, chosen, &instance.name));
        button::focus_ring(ui, theme, &response);
        if response.clicked() {
            self.selected = Some(instance.id.clone());
        }
    }

    fn marks(&self, scene: &Scene<'_>, instance: &Instance) -> Vec<&'static str> {
        let current = scene.model.instances.current.as_ref() == Some(&instance.id);
        [
            (current, "instances.mark_open"),
            (instance.is_default, "instances.mark_default"),
            (instance.in_use && !current, "instances.mark_in_use"),
            (instance.signed_in, "instances.mark_signed_in"),
        ]
        .into_iter()
        .filter_map(|(holds, key)| holds.then_some(key))
        .collect()
    }

    fn naming(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let Some(form) = &mut self.form else { return };
        let title = scene.text(match form.what {
            Naming::New => "instances.create_title",
            Naming::Rename => "instances.rename_title",
            Naming::Copy => "instances.duplicate_title",
        });
        let mut answer = None;
        let closed = dialog::form(ui.ctx(), scene.theme, "name", title, |ui| answer = form.ui(ui, scene));
        match answer.or(closed.then_some(false)) {
            None => {}
            Some(false) => self.form = None,
            Some(true) => {
                if let Some(command) = self.form.take().and_then(Form::command) {
                    scene.run(Command::Instances(command));
                }
            }
        }
    }

    fn delete_question(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let asked = scene.model.instances.list.iter().find(|instance| self.deleting.as_ref() == Some(&instance.id));
        let Some(one) = asked.cloned() else {
            self.deleting = None;
            return;
        };
        let theme = scene.theme;
        let body = scene.fill("instances.delete_body", &[("name", &one.name), ("path", &one.path)]);
        let mut answer = None;
        let closed = dialog::form(ui.ctx(), theme, "delete instance", scene.text("instances.delete_title"), |ui| {
            ui.add(Label::new(theme.label(body)).wrap());
            ui.add_space(space::S);
            ui.add(Checkbox::new(&mut self.with_reports, theme.body(scene.text("instances.delete_reports"))));
            ui.add_space(space::M);
            answer = dialog::buttons(ui, theme, scene.text("instances.delete_yes"), scene.text("shell.cancel"), (true, true));
        });
        if let Some(answer) = answer.or(closed.then_some(false)) {
            self.deleting = None;
            if answer {
                scene.run(Command::Instances(InstancesCommand::Delete { id: one.id.clone(), with_reports: self.with_reports }));
            }
        }
    }
}

impl Form {
    fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> Option<bool> {
        let theme = scene.theme;
        let asks = self.what == Naming::New;
        // A panel is too low for one below the other.
        let beside = asks && scene.is_panel();
        field::columns(ui, theme, if beside { 2 } else { 1 }, |i, ui| match i {
            0 => {
                field::text_field(ui, theme, scene.text("instances.name"), &mut self.name, scene.text("instances.name_hint"));
            }
            _ => self.opens(ui, scene),
        });
        let too_long = self.name.trim().chars().count() > NAME_CHARS;
        field::note(ui, theme, too_long.then(|| scene.text("instances.name_long")));
        if asks && !beside {
            self.opens(ui, scene);
            ui.add(Label::new(theme.hint(scene.text("instances.template_note"))).wrap());
        }
        ui.add_space(space::M);
        let yes = scene.text(if self.what == Naming::New { "instances.create_yes" } else { "instances.save" });
        let ready = !self.name.trim().is_empty() && !too_long;
        dialog::buttons(ui, theme, yes, scene.text("shell.cancel"), (ready, false))
    }

    fn opens(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let label = ui.label(theme.label(scene.text("instances.application")));
        ui.spacing_mut().interact_size.y = field::height(theme);
        let combo = ComboBox::from_id_salt("application")
            .width(ui.available_width())
            .selected_text(theme.body(scene.text(application_key(self.application))));
        let response = combo.show_ui(ui, |ui| {
            for application in Application::ALL {
                ui.selectable_value(&mut self.application, application, theme.body(scene.text(application_key(application))));
            }
        });
        response.response.labelled_by(label.id);
    }

    fn command(self) -> Option<InstancesCommand> {
        let name = self.name.trim().to_owned();
        Some(match self.what {
            Naming::New => {
                InstancesCommand::Create { name, application: self.application, template: template(self.application).to_owned() }
            }
            Naming::Rename => InstancesCommand::Rename { id: self.of?, name },
            Naming::Copy => InstancesCommand::Duplicate { id: self.of?, name },
        })
    }
}

/// The template that fits an application; shipped in `instances/`.
fn template(application: Application) -> &'static str {
    match application {
        Application::Configurator => "station",
        Application::YieldMonitor => "yield-monitor",
        Application::PressurePanel => "pressure-panel",
    }
}
