//! The server and how it is doing, in words: state, since when, what is wrong and what to do, and the way out.

mod pin;
mod tunnel;
pub mod tunnel_form;

use eframe::egui::{Checkbox, Label, ScrollArea, Stroke, Ui};

use crate::client::{Command, ConnectionCommand, SessionCommand};
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::dialog::{self, Question};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{button, card, field};
use crate::desktop::{Scene, format, words};
use crate::domain::access::Permission;
use crate::domain::connection::Connection as State;

/// Seconds between health checks that can be chosen.
const INTERVAL: std::ops::RangeInclusive<u32> = 5..=3600;

#[derive(Default)]
pub struct Connection {
    /// What is being typed, while it is.
    interval: Option<String>,
    leaving: bool,
    forgetting: bool,
    tunnel: tunnel::Tunnel,
}

impl Connection {
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let guarded = scene.model.is_guarded();
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = scene.theme.sizes.gap;
            let n = if ui.available_width() > 900.0 { 2 } else { 1 };
            field::columns(ui, scene.theme, n, |i, ui| {
                ui.spacing_mut().item_spacing.y = scene.theme.sizes.gap;
                let tunnel_first = tunnel::Tunnel::is_to_blame(scene);
                if i == 0 {
                    if tunnel_first {
                        self.tunnel.ui(ui, scene);
                    }
                    state_card(ui, scene);
                }
                if i == 1 || n == 1 {
                    // The key first, where all that follows is locked.
                    if guarded {
                        pin::pin_card(ui, scene);
                    }
                    self.checking(ui, scene);
                    self.station(ui, scene);
                    if !guarded {
                        pin::pin_card(ui, scene);
                    }
                    if !tunnel_first {
                        self.tunnel.ui(ui, scene);
                    }
                }
                // Where there is room; below everything else in one column.
                if i == 0 {
                    self.persons(ui, scene);
                }
            });
        });
        self.ask_to_leave(ui, scene);
        self.ask_to_forget(ui, scene);
    }

    fn checking(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let connection = &scene.model.connection;
        let may = scene.may_act(Permission::ManageInstances);
        card::card(ui, theme, scene.text("connection.checking"), |ui| {
            ui.add_enabled_ui(may, |ui| {
                let shown = connection.health_interval_secs.to_string();
                let text = self.interval.get_or_insert_with(|| shown.clone());
                ui.set_max_width(ui.available_width().min(theme.sizes.body * 26.0));
                let response = field::text_field(ui, theme, scene.text("connection.interval"), text, "");
                let parsed = text.trim().parse::<u32>().ok().filter(|secs| INTERVAL.contains(secs));
                let done = response.lost_focus();
                field::note(ui, theme, (parsed.is_none()).then(|| scene.text("connection.interval_range")));
                if !response.has_focus() && (*text == shown || (done && parsed.is_some())) {
                    if let Some(secs) = parsed.filter(|secs| done && *secs != connection.health_interval_secs) {
                        scene.run(Command::Connection(ConnectionCommand::SetHealthInterval { secs }));
                    }
                    self.interval = None;
                }
                let mut auto = connection.auto_reconnect;
                if ui.add(Checkbox::new(&mut auto, theme.body(scene.text("connection.auto_reconnect")))).changed() {
                    scene.run(Command::Connection(ConnectionCommand::SetAutoReconnect(auto)));
                }
            });
            if !may {
                ui.add(Label::new(theme.hint(scene.text(settings_need(scene)))).wrap());
            }
        });
    }

    fn station(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let session = &scene.model.session;
        card::card(ui, theme, scene.text("connection.station"), |ui| {
            if let Some(station) = &session.station {
                let kept = if station.remembered { "connection.token_kept" } else { "connection.token_memory" };
                card::fact(ui, theme, scene.text("connection.token"), &format!("{} · {}", station.token_mask, scene.text(kept)));
                let kind = if station.has_roles { "connection.kind_line" } else { "connection.kind_wats" };
                card::fact(ui, theme, scene.text("connection.kind"), scene.text(kind));
            }
            if session.keyring_missing {
                ui.add(Label::new(theme.label(scene.text("connection.no_keyring"))).wrap());
            }
            ui.add_space(space::S);
            let stuck = matches!(scene.model.connection.state, State::Offline(trouble) if trouble.needs_person());
            // Without a station a kiosk is nobody's, and may be left.
            let kiosk_holds =
                scene.kiosk && session.station.as_ref().is_some_and(|station| station.has_roles) && !scene.may_act(Permission::LeaveKiosk);
            let may = !scene.model.is_guarded() && !kiosk_holds && (stuck || scene.may_act(Permission::EnrollStations));
            if button::secondary(ui, theme, scene.text("connection.sign_out"), may).clicked() {
                self.leaving = true;
            }
            let note = if kiosk_holds { "connection.sign_out_kiosk" } else { "connection.sign_out_note" };
            ui.add(Label::new(theme.hint(scene.text(note))).wrap());
        });
    }

    fn ask_to_leave(&mut self, ui: &Ui, scene: &Scene<'_>) {
        if !self.leaving {
            return;
        }
        let waiting = scene.model.queue.pending();
        let body = if waiting == 0 { scene.text("connection.leave_empty").to_owned() } else { scene.count("connection.leave", waiting) };
        let question = Question {
            title: scene.text("connection.leave_title"),
            body: &body,
            yes: scene.text("connection.sign_out"),
            no: scene.text("shell.cancel"),
            destroys: false,
        };
        if let Some(answer) = dialog::ask(ui.ctx(), scene.theme, "sign out", &question) {
            self.leaving = false;
            if answer {
                scene.run(Command::Session(SessionCommand::SignOut));
            }
        }
    }

    /// Who may come in while the server is gone, where it knows persons at all.
    fn persons(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        if !scene.model.session.station.as_ref().is_some_and(|station| station.has_roles) {
            return;
        }
        card::card(ui, theme, scene.text("connection.persons"), |ui| {
            ui.add(Label::new(theme.label(scene.text("connection.persons_note"))).wrap());
            ui.add_space(space::XS);
            if button::secondary(ui, theme, scene.text("connection.forget_persons"), may_forget(scene)).clicked() {
                self.forgetting = true;
            }
        });
    }

    fn ask_to_forget(&mut self, ui: &Ui, scene: &Scene<'_>) {
        // Who may not any more is not asked any more.
        self.forgetting &= may_forget(scene);
        if !self.forgetting {
            return;
        }
        let question = Question {
            title: scene.text("connection.forget_title"),
            body: scene.text("connection.forget_body"),
            yes: scene.text("connection.forget_persons"),
            no: scene.text("shell.cancel"),
            destroys: true,
        };
        if let Some(answer) = dialog::ask(ui.ctx(), scene.theme, "forget people", &question) {
            self.forgetting = false;
            if answer {
                scene.run(Command::Session(SessionCommand::ForgetPersons));
            }
        }
    }
}

fn may_forget(scene: &Scene<'_>) -> bool {
    scene.may_act(Permission::ManageInstances)
}

fn state_card(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    let connection = &scene.model.connection;
    card::card(ui, theme, scene.text("connection.state"), |ui| {
        let look = words::connection_look(scene);
        ui.horizontal(|ui| {
            sign::show(ui, theme, look.sign, theme.sizes.title);
            ui.label(theme.words(look.words.as_str(), Text::Title, Weight::SemiBold, theme.color.text1));
            if let Some(since) = connection.since {
                let since = scene.fill("shell.since", &[("time", &scene.zone.moment(since, scene.now))]);
                ui.label(theme.label(since));
            }
        });
        trouble(ui, scene);
        if let Some(words) = words::clock_warning(scene) {
            warning(ui, scene, &words, scene.text("connection.clock_remedy"));
        }
        if connection.plain_http {
            warning(ui, scene, scene.text("connection.plain_http"), scene.text("connection.plain_http_remedy"));
        }
        let none = format::NOTHING;
        card::fact(ui, theme, scene.text("connection.server"), or(&scene.model.session.server_url, none));
        let contact =
            connection.last_contact.map_or_else(|| none.to_owned(), |at| format!("{} ({})", scene.moment(Some(at)), scene.ago(Some(at))));
        card::fact(ui, theme, scene.text("connection.last_contact"), &contact);
        let latency =
            connection.latency_ms.map_or_else(|| none.to_owned(), |ms| scene.fill("shell.milliseconds", &[("n", &ms.to_string())]));
        card::fact(ui, theme, scene.text("connection.latency"), &latency);
        let offset = connection
            .clock_offset_ms
            .map_or_else(|| none.to_owned(), |ms| scene.fill("connection.offset", &[("n", &format::signed(ms as f64 / 1000.0))]));
        card::fact(ui, theme, scene.text("connection.clock"), &offset);
        card::fact(ui, theme, scene.text("connection.version"), or(&connection.server_version, none));
        card::fact(ui, theme, scene.text("connection.server_id"), or(&connection.server_id, none));
        ui.add_space(space::S);
        let key = if connection.state == State::Connected { "connection.check_now" } else { "connection.reconnect" };
        if button::primary(ui, theme, scene.text(key), connection.state.has_token()).clicked() {
            scene.run(Command::Connection(ConnectionCommand::CheckNow));
        }
    });
}

/// What it takes to change a setting, for whoever may not.
fn settings_need(scene: &Scene<'_>) -> &'static str {
    if scene.model.is_guarded() { "connection.settings_need_pin" } else { "connection.settings_need" }
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

fn trouble(ui: &mut Ui, scene: &Scene<'_>) {
    let connection = &scene.model.connection;
    if let Some(trouble) = &connection.trouble {
        warning(ui, scene, &scene.what(trouble), &scene.remedy(trouble));
        if !trouble.detail.is_empty() {
            ui.add(Label::new(scene.theme.hint(trouble.detail.as_str())).wrap());
        }
    }
    let next = match (connection.state, connection.next_attempt) {
        (State::Offline(_), Some(next)) => {
            let values = [("n", format::count(u64::from(connection.attempt))), ("time", format::countdown(next - scene.now))];
            scene.fill("connection.next_try", &[(values[0].0, &values[0].1), (values[1].0, &values[1].1)])
        }
        (State::Offline(_), None) if !connection.auto_reconnect => scene.text("connection.waits_for_you").to_owned(),
        _ => return,
    };
    ui.add(Label::new(scene.theme.label(next)).wrap());
}

fn warning(ui: &mut Ui, scene: &Scene<'_>, what: &str, remedy: &str) {
    let theme = scene.theme;
    card::frame(theme).fill(theme.color.bg2).stroke(Stroke::new(1.0, theme.color.line)).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal_top(|ui| {
            sign::show(ui, theme, Sign::Warning, theme.sizes.body * 1.3);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.add(Label::new(theme.words(what, Text::Body, Weight::SemiBold, theme.color.text1)).wrap());
                ui.add(Label::new(theme.label(remedy)).wrap());
            });
        });
    });
}
