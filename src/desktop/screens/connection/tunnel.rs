//! The SSH tunnel on the connection screen: how it is, what is wrong and the way out, and the form that sets it up.

use eframe::egui::{Label, Ui};

use super::tunnel_form::{self, Form};
use super::{or, settings_need, warning};
use crate::client::{Command, TunnelCommand, TunnelSlice};
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::dialog::{self, Question};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{button, card};
use crate::desktop::{Scene, format, words};
use crate::domain::access::Permission;
use crate::domain::tunnel::{Fault, Tunnel as State};

#[derive(Default)]
pub struct Tunnel {
    form: Option<Form>,
    /// The two fingerprints that a person is asked about.
    trusting: Option<(String, String)>,
}

impl Tunnel {
    /// Whether it is why there is no server, and has to be seen first.
    pub fn is_to_blame(scene: &Scene<'_>) -> bool {
        scene.model.tunnel.trouble.is_some()
    }

    /// Draws the card; nothing where there is no tunnel and nobody who might want one.
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let tunnel = &scene.model.tunnel;
        let may = scene.may_act(Permission::ManageInstances);
        if tunnel.state == State::Off && !may {
            return;
        }
        let theme = scene.theme;
        card::card(ui, theme, scene.text("tunnel.title"), |ui| {
            state(ui, scene);
            self.facts(ui, scene, may);
        });
        tunnel_form::dialog(&mut self.form, ui, scene);
        self.question(ui, scene);
    }

    fn facts(&mut self, ui: &mut Ui, scene: &Scene<'_>, may: bool) {
        let theme = scene.theme;
        let tunnel = &scene.model.tunnel;
        let set = &tunnel.settings;
        if set.enabled {
            card::fact(ui, theme, scene.text("tunnel.server"), &format!("{}@{}", set.user, set.server()));
            card::fact_ui(ui, theme, scene.text("tunnel.fingerprint"), |ui| {
                let print = or(&tunnel.fingerprint, format::NOTHING);
                ui.add(Label::new(theme.words(print, Text::Small, Weight::Medium, theme.color.text1)).wrap());
            });
            card::fact(ui, theme, scene.text("tunnel.local_end"), or(&tunnel.local_end, format::NOTHING));
            card::fact(ui, theme, scene.text("tunnel.leads_to"), &format!("{}:{}", set.remote_host, set.remote_port));
        } else {
            ui.add(Label::new(theme.label(scene.text("tunnel.off_note"))).wrap());
        }
        ui.add_space(space::S);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            let key = if set.host.is_empty() { "tunnel.set_up" } else { "tunnel.change" };
            if button::secondary(ui, theme, scene.text(key), may).clicked() {
                self.form = Some(Form::of(set));
            }
            let waits = matches!(tunnel.state, State::Retrying { .. } | State::Refused { .. });
            if waits && button::secondary(ui, theme, scene.text("tunnel.retry"), true).clicked() {
                scene.run(Command::Tunnel(TunnelCommand::Retry));
            }
            if let Some(Fault::HostKeyChanged { known, found }) = tunnel.state.why()
                && button::secondary(ui, theme, scene.text("tunnel.trust"), may).clicked()
            {
                self.trusting = Some((known.clone(), found.clone()));
            }
        });
        if !may {
            ui.add(Label::new(theme.hint(scene.text(settings_need(scene)))).wrap());
        }
    }

    fn question(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let Some((known, found)) = &self.trusting else { return };
        let body = scene.fill("tunnel.trust_body", &[("host", &scene.model.tunnel.settings.server()), ("known", known), ("found", found)]);
        let question = Question {
            title: scene.text("tunnel.trust_title"),
            body: &body,
            yes: scene.text("tunnel.trust"),
            no: scene.text("shell.cancel"),
            destroys: true,
        };
        if let Some(answer) = dialog::ask(ui.ctx(), scene.theme, "trust host key", &question) {
            if answer {
                scene.run(Command::Tunnel(TunnelCommand::TrustHostKey { fingerprint: found.clone() }));
            }
            self.trusting = None;
        }
    }
}

fn state(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    let tunnel: &TunnelSlice = &scene.model.tunnel;
    let (sign, key) = match &tunnel.state {
        State::Off => (Sign::Nothing, "tunnel.state.off"),
        State::Connecting => (words::busy(scene), "tunnel.state.connecting"),
        State::Up { .. } => (Sign::Connected, "tunnel.state.up"),
        State::Retrying { .. } => (Sign::Offline, "tunnel.state.retrying"),
        State::Refused { .. } => (Sign::Fault, "tunnel.state.refused"),
    };
    ui.horizontal(|ui| {
        sign::show(ui, theme, sign, theme.sizes.body * 1.2);
        ui.label(theme.words(scene.text(key), Text::Body, Weight::SemiBold, theme.color.text1));
        if let State::Up { since } = &tunnel.state {
            ui.label(theme.label(scene.fill("shell.since", &[("time", &scene.zone.moment(*since, scene.now))])));
        }
    });
    if let Some(trouble) = &tunnel.trouble {
        warning(ui, scene, &scene.what(trouble), &scene.remedy(trouble));
        if !trouble.detail.is_empty() {
            ui.add(Label::new(theme.hint(trouble.detail.as_str())).wrap());
        }
    }
    if let State::Retrying { after, .. } = &tunnel.state {
        let (n, time) = (format::count(u64::from(tunnel.attempt)), format::countdown(*after - scene.now));
        ui.add(Label::new(theme.label(scene.fill("connection.next_try", &[("n", &n), ("time", &time)]))).wrap());
    }
}
