//! The station's PIN: what it guards, and the acts to set, change and remove it.

use eframe::egui::{Label, Ui};

use crate::client::{Command, PinCommand};
use crate::desktop::screens::pin::{Task, within};
use crate::desktop::theme::space;
use crate::desktop::widgets::{button, card};
use crate::desktop::{Action, Scene};

/// Whether there is anything to say of a PIN: the server knows no persons, or one was set before.
pub fn concerns(scene: &Scene<'_>) -> bool {
    scene.model.pin.is_set || scene.model.session.station.is_some() && !by_roles(scene)
}

/// Whether the server knows persons: then nothing asks for a PIN.
fn by_roles(scene: &Scene<'_>) -> bool {
    scene.model.session.station.as_ref().is_some_and(|station| station.has_roles)
}

pub fn pin_card(ui: &mut Ui, scene: &Scene<'_>) {
    if !concerns(scene) {
        return;
    }
    let (theme, pin) = (scene.theme, &scene.model.pin);
    card::card(ui, theme, scene.text("pin.title"), |ui| {
        let about = match (pin.is_set, pin.is_open) {
            (false, _) => "pin.none",
            (true, _) if by_roles(scene) => "pin.not_asked",
            (true, false) => "pin.guards",
            (true, true) => "pin.is_open",
        };
        ui.add(Label::new(theme.label(within(scene, about))).wrap());
        ui.add_space(space::XS);
        ui.horizontal_wrapped(|ui| {
            if scene.model.is_guarded() && button::primary(ui, theme, scene.text("pin.enter"), true).clicked() {
                scene.ask(Action::AskPin(Task::Enter));
            }
            if pin.is_set && pin.is_open && button::secondary(ui, theme, scene.text("pin.lock"), true).clicked() {
                scene.run(Command::Pin(PinCommand::Lock));
            }
            let tasks: &[(&str, Task)] = match pin.is_set {
                false => &[("pin.set", Task::Set)],
                true => &[("pin.change", Task::Change), ("pin.remove", Task::Remove)],
            };
            for (key, task) in tasks {
                if button::secondary(ui, theme, scene.text(key), true).clicked() {
                    scene.ask(Action::AskPin(*task));
                }
            }
        });
    });
}
