//! What this is, where it keeps things, what it draws with, and whose work it stands on.

use eframe::egui::{Label, ScrollArea, Ui};

use crate::desktop::theme::{Tone, space};
use crate::desktop::widgets::{button, card, field, tabs};
use crate::desktop::{Action, Scene};
use crate::support::build_info::BUILD;

const OPEN_FONT_LICENCE: &str = include_str!("../../../assets/fonts/OFL.txt");

#[derive(Default)]
pub struct About {
    licence: bool,
}

impl About {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme.sizes.gap;
            let n = if ui.available_width() > 900.0 { 2 } else { 1 };
            field::columns(ui, theme, n, |i, ui| {
                ui.spacing_mut().item_spacing.y = theme.sizes.gap;
                if i == 0 {
                    // The way out of a kiosk is in sight.
                    let parts: [fn(&mut Ui, &Scene<'_>); 2] = if scene.kiosk { [look, program] } else { [program, look] };
                    parts.into_iter().for_each(|part| part(ui, scene));
                }
                if i == 1 || n == 1 {
                    self.licences(ui, scene);
                }
            });
        });
    }

    fn licences(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        card::card(ui, theme, scene.text("about.licences"), |ui| {
            ui.add(Label::new(theme.body(scene.text("about.own_licence"))).wrap());
            ui.add(Label::new(theme.body(scene.text("about.font_licence"))).wrap());
            ui.add(Label::new(theme.body(scene.text("about.crates"))).wrap());
            ui.add_space(space::S);
            let key = if self.licence { "about.hide_font_licence" } else { "about.show_font_licence" };
            if button::secondary(ui, theme, scene.text(key), true).clicked() {
                self.licence = !self.licence;
            }
            if self.licence {
                ui.add(Label::new(theme.label(OPEN_FONT_LICENCE)).wrap());
            }
        });
    }
}

fn program(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    card::card(ui, theme, scene.text("app.name"), |ui| {
        ui.add(Label::new(theme.label(scene.text("about.what"))).wrap());
        ui.add_space(space::S);
        card::fact(ui, theme, scene.text("about.version"), BUILD.version);
        card::fact(ui, theme, scene.text("about.commit"), &format!("{} ({})", BUILD.commit, BUILD.date));
        let renderer = if scene.renderer.is_empty() { scene.text("shell.unknown") } else { scene.renderer };
        card::fact(ui, theme, scene.text("about.renderer"), renderer);
        card::fact(ui, theme, scene.text("about.folder"), &scene.model.instances.data_folder);
        ui.add_space(space::S);
        if button::secondary(ui, theme, scene.text("about.copy"), true).clicked() {
            let text = format!("Andon {BUILD}\n{renderer}\n{}", scene.model.instances.data_folder);
            scene.ask(Action::Copy(text));
        }
    });
}

fn look(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    let tones = [Some(Tone::Dark), Some(Tone::Light), None];
    let labels = ["shell.dark", "shell.light", "shell.system_tone"].map(|key| scene.text(key).to_owned());
    card::card(ui, theme, scene.text("about.look"), |ui| {
        let chosen = tones.iter().position(|tone| *tone == scene.tone).unwrap_or(2);
        if let Some(pressed) = tabs::tabs(ui, theme, &labels, chosen) {
            scene.ask(Action::SetTone(tones[pressed]));
        }
        ui.add_space(space::XS);
        let key = if scene.kiosk { "about.leave_kiosk" } else { "about.fullscreen" };
        if button::secondary(ui, theme, scene.text(key), true).clicked() {
            scene.ask(Action::ToggleFullscreen);
        }
    });
}
