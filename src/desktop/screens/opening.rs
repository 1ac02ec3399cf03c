//! Stands until it is known whether this station is signed in. Nobody is asked for a password that may not be needed.

use eframe::egui::{Label, Ui};

use crate::client::{LineState, Model};
use crate::desktop::Scene;
use crate::desktop::theme::space;
use crate::domain::connection::Connection;

/// Nothing is open yet, or the stored token is still being unsealed.
pub fn is_opening(model: &Model) -> bool {
    let session = &model.session;
    let nothing_known = model.connection.since.is_none() && model.instances.problems.is_empty();
    let restoring = model.connection.state == Connection::Authenticating && !session.signing_in;
    // A demo signs in by itself, once its line has started.
    let line = &model.line;
    let begins = line.simulated && (session.signing_in || matches!(line.state, LineState::Stopped | LineState::Starting));
    session.station.is_none() && session.sign_in_error.is_none() && (nothing_known || restoring || begins)
}

pub fn opening(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() - theme.sizes.title * 3.0).max(0.0) / 2.0);
        ui.add(Label::new(theme.title(scene.text("app.name"))));
        ui.add_space(space::XS);
        ui.add(Label::new(theme.label(scene.text("login.opening"))).wrap());
    });
}
