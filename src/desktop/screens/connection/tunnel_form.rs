//! What a tunnel needs, field by field. Nothing is sent before every field can be used.

use eframe::egui::{Align, Checkbox, Label, Layout, ScrollArea, Ui};

use crate::client::{Command, TunnelCommand};
use crate::desktop::Scene;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::password::{PasswordBuffer, password_field};
use crate::desktop::widgets::{button, dialog, field};
use crate::domain::tunnel::{Field, TunnelSettings};
use crate::support::secret::Secret;

/// What a person did with the form.
enum Act {
    None,
    Close,
    Save(TunnelSettings, Option<Secret>),
    Test(TunnelSettings, Option<Secret>),
}

pub struct Form {
    enabled: bool,
    host: String,
    port: String,
    user: String,
    key_file: String,
    passphrase: PasswordBuffer,
    local_port: String,
    remote_host: String,
    remote_port: String,
    /// What was wrong when somebody last tried.
    wrong: Option<Field>,
    /// What was tested last: what came of it says nothing about anything else.
    asked: Option<(TunnelSettings, Secret)>,
    /// Frames drawn so far, up to [`SETTLED`].
    frames: u8,
}

/// A dialog that scrolls knows its size and its place only after so many frames.
const SETTLED: u8 = 4;

/// What a dialog needs around the form, in points.
const FRAME: f32 = 110.0;

/// Draws the form above all else while it is open, and asks for what it says.
pub fn dialog(open: &mut Option<Form>, ui: &Ui, scene: &Scene<'_>) {
    let Some(form) = open else { return };
    if form.frames < SETTLED {
        form.frames += 1;
        ui.ctx().request_repaint();
    }
    let mut act = Act::None;
    let left = dialog::form(ui.ctx(), scene.theme, "tunnel", scene.text("tunnel.title"), |ui| act = form.ui(ui, scene));
    if left || matches!(act, Act::Close | Act::Save(..)) {
        *open = None;
    }
    let command = match act {
        Act::None | Act::Close => return,
        Act::Save(settings, passphrase) => TunnelCommand::Save { settings, passphrase },
        Act::Test(settings, passphrase) => TunnelCommand::Test { settings, passphrase },
    };
    scene.run(Command::Tunnel(command));
}

impl Form {
    pub fn of(settings: &TunnelSettings) -> Form {
        Form {
            // Whoever opens it for the first time wants it on.
            enabled: settings.enabled || settings.host.is_empty(),
            host: settings.host.clone(),
            port: settings.port.to_string(),
            user: settings.user.clone(),
            key_file: settings.key_file.display().to_string(),
            passphrase: PasswordBuffer::default(),
            local_port: settings.local_port.to_string(),
            remote_host: settings.remote_host.clone(),
            remote_port: settings.remote_port.to_string(),
            wrong: None,
            asked: None,
            frames: 0,
        }
    }

    fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> Act {
        let mut entered = false;
        // What the form ends with is always in sight, on a panel too.
        let height = ui.ctx().content_rect().height() - scene.theme.sizes.touch - scene.theme.sizes.title - FRAME;
        ScrollArea::vertical().max_height(height).show(ui, |ui| {
            entered = self.fields(ui, scene);
            self.note(ui, scene);
        });
        ui.add_space(space::S);
        self.buttons(ui, scene, entered)
    }

    /// Says whether Enter was pressed in one.
    fn fields(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> bool {
        let theme = scene.theme;
        ui.add(Checkbox::new(&mut self.enabled, theme.body(scene.text("tunnel.enabled"))));
        let mut entered = false;
        let wrong = self.wrong;
        let rows: [[(Field, &str, &mut String, &str); 2]; 3] = [
            [(Field::Host, "tunnel.host", &mut self.host, "gate.plant.example"), (Field::Port, "tunnel.port", &mut self.port, "22")],
            [
                (Field::User, "tunnel.user", &mut self.user, ""),
                (Field::KeyFile, "tunnel.key_file", &mut self.key_file, "~/.ssh/id_ed25519"),
            ],
            [
                (Field::RemoteHost, "tunnel.remote_host", &mut self.remote_host, "localhost"),
                (Field::RemotePort, "tunnel.remote_port", &mut self.remote_port, "8440"),
            ],
        ];
        for mut row in rows {
            field::columns(ui, theme, 2, |i, ui| {
                let (kind, name, text, hint) = &mut row[i];
                let response = field::text_field(ui, theme, scene.text(name), text, hint);
                entered |= field::enters(&response);
                field::note(ui, theme, (wrong == Some(*kind)).then(|| scene.text(words_for(*kind))));
            });
        }
        field::columns(ui, theme, 2, |i, ui| {
            if i == 0 {
                password_field(ui, theme, scene.text("tunnel.passphrase"), scene.text("tunnel.show"), &mut self.passphrase);
            } else {
                field::text_field(ui, theme, scene.text("tunnel.local_port"), &mut self.local_port, "0");
                let note = (wrong == Some(Field::LocalPort)).then(|| scene.text(words_for(Field::LocalPort)));
                field::note(ui, theme, note);
            }
        });
        entered
    }

    /// What the last test found; before one, what there is to know about the passphrase.
    fn note(&self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let tunnel = &scene.model.tunnel;
        let now = self.settings().ok().map(|settings| (settings, Secret::new(self.passphrase.expose())));
        match tunnel.tested.as_ref().filter(|_| now.is_some() && now == self.asked) {
            _ if tunnel.testing => {
                ui.add(Label::new(theme.label(scene.text("tunnel.testing"))).wrap());
            }
            Some(Ok(print)) => {
                let words = scene.fill("tunnel.test_good", &[("fingerprint", print)]);
                ui.add(Label::new(theme.words(words, Text::Body, Weight::Medium, theme.color.text1)).wrap());
            }
            Some(Err(told)) => super::warning(ui, scene, &scene.what(told), &scene.remedy(told)),
            None => {
                ui.add(Label::new(theme.hint(scene.text("tunnel.passphrase_note"))).wrap());
            }
        }
    }

    fn buttons(&mut self, ui: &mut Ui, scene: &Scene<'_>, entered: bool) -> Act {
        let theme = scene.theme;
        let mut act = Act::None;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            if button::primary(ui, theme, scene.text("tunnel.save"), true).clicked() || entered {
                act = self.act(Act::Save);
            }
            if button::secondary(ui, theme, scene.text("tunnel.test"), !scene.model.tunnel.testing).clicked() {
                act = self.act(Act::Test);
                self.asked = self.settings().ok().map(|settings| (settings, Secret::new(self.passphrase.expose())));
            }
            if button::secondary(ui, theme, scene.text("shell.cancel"), true).clicked() {
                self.passphrase.clear();
                act = Act::Close;
            }
        });
        act
    }

    fn act(&mut self, act: fn(TunnelSettings, Option<Secret>) -> Act) -> Act {
        match self.settings() {
            Ok(settings) => {
                self.wrong = None;
                let typed = Secret::new(self.passphrase.expose());
                act(settings, (!typed.is_empty()).then_some(typed))
            }
            Err(field) => {
                self.wrong = Some(field);
                Act::None
            }
        }
    }

    fn settings(&self) -> Result<TunnelSettings, Field> {
        let port = |text: &str, field| text.trim().parse::<u16>().map_err(|_| field);
        let settings = TunnelSettings {
            enabled: self.enabled,
            host: self.host.trim().to_owned(),
            port: port(&self.port, Field::Port)?,
            user: self.user.trim().to_owned(),
            key_file: self.key_file.trim().into(),
            local_port: port(&self.local_port, Field::LocalPort)?,
            remote_host: self.remote_host.trim().to_owned(),
            remote_port: port(&self.remote_port, Field::RemotePort)?,
        };
        // Who switches it off shall not have to fill in the rest first.
        if settings.enabled { settings.check().map(|()| settings) } else { Ok(settings) }
    }
}

fn words_for(field: Field) -> &'static str {
    match field {
        Field::Host | Field::RemoteHost => "tunnel.wrong.host",
        Field::Port | Field::RemotePort => "tunnel.wrong.port",
        Field::LocalPort => "tunnel.wrong.local_port",
        Field::User => "tunnel.wrong.user",
        Field::KeyFile => "tunnel.wrong.key_file",
    }
}
