//! How a login says what goes on, and what is wrong.

use eframe::egui::{Align, Label, Layout, Ui, vec2};

use super::Login;
use super::form::Place;
use crate::client::{BadServerUrl, Explanation, LineState};
use crate::desktop::theme::{Text, Weight};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::{Scene, format, words};

impl Login {
    /// Why the last try failed, until something else is to be said.
    pub(super) fn trouble<'a>(&self, scene: &Scene<'a>) -> Option<&'a Explanation> {
        let line_error = match &scene.model.line.state {
            LineState::Failed(error) if self.form.place == Place::ThisPc => Some(error),
            _ => None,
        };
        let otherwise = scene.model.session.signing_in || self.form.locked_for(scene).is_some() || self.form.is_judged();
        scene.model.sign_in_error().or(line_error).filter(|_| !otherwise)
    }

    /// One place for what goes on: busy, locked, failed. Always there, so that nothing moves.
    pub(super) fn status(&self, ui: &mut Ui, scene: &Scene<'_>, lines: f32) {
        let theme = scene.theme;
        let size = vec2(ui.available_width(), theme.sizes.body * 1.3 * lines);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_size(size);
            let session = &scene.model.session;
            let locked = self.form.locked_for(scene);
            if session.signing_in {
                ui.ctx().request_repaint_after(sign::BUSY_STEP);
                say(ui, scene, words::busy(scene), scene.text("login.signing_in"), "");
            } else if let Some(left) = locked {
                let words = scene.fill("login.locked", &[("time", &format::countdown(left))]);
                say(ui, scene, Sign::Warning, &words, "");
            } else if let Some(error) = self.trouble(scene) {
                // On a panel it stands in the keyboard's place until it was read.
                if self.unread(scene).is_some() {
                    return;
                }
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
}

/// A sign, what happened, and what to do about it.
pub(in crate::desktop::screens) fn say(ui: &mut Ui, scene: &Scene<'_>, sign: Sign, what: &str, remedy: &str) {
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

pub(super) fn url_key(error: BadServerUrl) -> &'static str {
    match error {
        BadServerUrl::Empty => "login.url.empty",
        BadServerUrl::Malformed => "login.url.malformed",
        BadServerUrl::Scheme => "login.url.scheme",
        BadServerUrl::HoldsCredentials => "login.url.credentials",
        BadServerUrl::HoldsQuery => "login.url.query",
        BadServerUrl::PlainHttp => "login.url.plain_http",
    }
}
