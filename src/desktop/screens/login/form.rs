//! What the login asks for, what of it is missing, and the command it becomes. No drawing.

use chrono::TimeDelta;
use eframe::egui::{Context, Id, Response};

use crate::client::{BadServerUrl, Command, LineCommand, LineState, Model, ServerUrl, SignIn};
use crate::desktop::Scene;
use crate::desktop::widgets::field;
use crate::desktop::widgets::keyboard::Touched;
use crate::desktop::widgets::password::PasswordBuffer;
use crate::domain::credentials::{check_password, check_user_name};
use crate::domain::instance::{Application, InstanceId};

/// Which server is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Address,
    /// The line server built into this program.
    ThisPc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Server,
    User,
    Password,
    Again,
    /// Something that takes no letters.
    Other,
}

#[derive(Default)]
pub struct Form {
    pub place: Place,
    pub server: String,
    pub user: String,
    pub password: PasswordBuffer,
    /// The same once more, for a new account.
    pub again: PasswordBuffer,
    /// Off until somebody wants it.
    pub remember: bool,
    pub application: Option<Application>,
    pub allow_plain_http: bool,
    /// Where the keyboard shall be, until it is there.
    wanted: Option<Field>,
    /// Where the letters go, also those of a keyboard on the screen.
    pub focused: Option<(Field, Id)>,
    /// Enter was pressed in a field. On a button, a choice or a link it means that one.
    pub entered: bool,
    /// The server and user that the services offered last, and the station they were offered for.
    offered: (String, String),
    station: Option<InstanceId>,
    /// The address was left once, or Connect was tried: its error may show.
    judged: bool,
    /// Connect was pressed too early.
    pub tried: bool,
    welcomed: bool,
}

impl Form {
    /// Takes over what the services know, where nobody has typed anything else.
    pub fn offer(&mut self, model: &Model) {
        let new = (model.session.server_url.clone(), model.session.last_user.clone());
        if new.0 != self.offered.0 || model.instances.current != self.station {
            // What was ticked for another station or server is not this one's.
            (self.allow_plain_http, self.remember, self.application) = (false, false, None);
            self.station.clone_from(&model.instances.current);
        }
        if new != self.offered {
            if self.server == self.offered.0 {
                self.server.clone_from(&new.0);
            }
            if self.user == self.offered.1 {
                self.user.clone_from(&new.1);
            }
            self.offered = new;
        }
        let nothing_known = self.server.is_empty() && model.line.is_set_up;
        if !self.welcomed && nothing_known && matches!(model.line.state, LineState::Running(_)) {
            self.place = Place::ThisPc;
        }
        self.welcomed = true;
    }

    /// Empty for whoever changes over from another; with the name of whoever comes back.
    pub fn welcome_person(&mut self, model: &Model) {
        self.offer(model);
        let session = &model.session;
        let comes_back = session.person.is_none() || session.is_offline();
        self.user = if comes_back { session.last_user.clone() } else { String::new() };
        self.wanted = Some(if self.user.is_empty() { Field::User } else { Field::Password });
        (self.focused, self.tried) = (None, false);
        self.wipe();
    }

    pub fn choose(&mut self, place: Place, scene: &Scene<'_>) {
        self.place = place;
        if place == Place::ThisPc && matches!(scene.model.line.state, LineState::Stopped | LineState::Failed(_)) {
            scene.run(Command::Line(LineCommand::Start));
        }
    }

    /// Remembers where the keyboard is.
    pub fn watch(&mut self, field: Field, response: &Response) {
        if self.wanted == Some(field) {
            response.request_focus();
            self.wanted = None;
        }
        if response.has_focus() {
            self.focused = Some((field, response.id));
        }
        self.entered |= field != Field::Other && field::enters(response);
    }

    /// An address is judged once it is left, not while it is typed.
    pub fn watch_server(&mut self, response: &Response) {
        self.watch(Field::Server, response);
        if response.changed() {
            // It was given for another server.
            self.allow_plain_http = false;
        }
        if response.lost_focus() {
            self.judged = !self.server.trim().is_empty();
        } else if response.changed() {
            self.judged = false;
        }
    }

    /// Hands a touched key to the field that has the keyboard.
    pub fn touch(&mut self, ctx: &Context, touched: Touched) {
        let Some((field, id)) = self.focused else { return };
        ctx.memory_mut(|memory| memory.request_focus(id));
        let text = match field {
            Field::Server => &mut self.server,
            Field::User => &mut self.user,
            Field::Password => return touch_password(&mut self.password, touched),
            Field::Again => return touch_password(&mut self.again, touched),
            Field::Other => return,
        };
        match touched {
            Touched::Letter(c) => text.push(c),
            Touched::Backspace => {
                text.pop();
            }
            Touched::Enter => {}
        }
    }

    /// What is wrong with the address, once it may be said.
    pub fn url_error(&self) -> Option<BadServerUrl> {
        if self.place == Place::ThisPc || !self.judged {
            return None;
        }
        ServerUrl::parse(&self.server).err()
    }

    pub fn needs_plain_http(&self) -> bool {
        self.place == Place::Address && ServerUrl::parse(&self.server).is_ok_and(|url| url.is_plain_http())
    }

    /// This PC was never a line server before: its administrator is made now.
    pub fn is_first_use(&self, model: &Model) -> bool {
        self.place == Place::ThisPc && model.session.station.is_none() && !model.line.is_set_up
    }

    /// What is wrong with the new password, once both were typed.
    pub fn password_trouble(&self, first_use: bool) -> Option<&'static str> {
        if !first_use || self.password.is_empty() {
            None
        } else if check_password(self.password.expose()).is_err() {
            Some("login.password_rule")
        } else if !self.again.is_empty() && !self.password.same_as(&self.again) {
            Some("login.password_differs")
        } else {
            None
        }
    }

    /// How long this account still has to wait.
    pub fn locked_for(&self, scene: &Scene<'_>) -> Option<TimeDelta> {
        let locked = scene.model.session.locked.as_ref()?;
        let left = locked.until - scene.now;
        (left > TimeDelta::zero() && locked.is(&self.address(scene.model).0, &self.user)).then_some(left)
    }

    /// The first thing that Connect still needs, as a key into the language file.
    pub fn missing(&self, model: &Model) -> Option<&'static str> {
        let no_user = self.user.trim().is_empty();
        if model.session.station.is_some() {
            return no_user.then_some("login.missing.user").or(self.password.is_empty().then_some("login.missing.password"));
        }
        let line_ready = matches!(model.line.state, LineState::Running(_));
        let wants = match self.place {
            Place::Address => [
                (ServerUrl::parse(&self.server).is_err(), "login.missing.server"),
                (self.password.is_empty(), "login.missing.password"),
                (self.needs_plain_http() && !self.allow_plain_http, "login.missing.plain_http"),
            ],
            Place::ThisPc if model.line.is_set_up => {
                [(no_user, "login.missing.user"), (self.password.is_empty(), "login.missing.password"), (!line_ready, "login.missing.line")]
            }
            Place::ThisPc => [
                (check_user_name(self.user.trim()).is_err(), "login.missing.administrator"),
                (check_password(self.password.expose()).is_err(), "login.password_rule"),
                (!self.password.same_as(&self.again), "login.password_differs"),
            ],
        };
        let last = (self.place == Place::ThisPc && !line_ready).then_some("login.missing.line");
        wants.into_iter().find_map(|(wanted, key)| wanted.then_some(key)).or(last)
    }

    /// Connect was tried: from now on it may be said what is missing.
    pub fn judge(&mut self) {
        self.tried = true;
        self.judged = true;
    }

    pub fn is_judged(&self) -> bool {
        self.tried
    }

    pub fn own_application(&self, model: &Model) -> Application {
        let instances = &model.instances;
        instances
            .list
            .iter()
            .find(|instance| instances.current.as_ref() == Some(&instance.id))
            .map_or_else(Application::default, |i| i.application)
    }

    /// The server that is meant, and whether plain http is allowed on the way there.
    pub fn address(&self, model: &Model) -> (String, bool) {
        let station = model.session.station.is_some();
        let address = match (&model.line.state, self.place) {
            _ if station => model.session.server_url.clone(),
            (LineState::Running(address), Place::ThisPc) => address.clone(),
            _ => self.server.trim().to_owned(),
        };
        let plain = if station { model.session.insecure_allowed } else { self.needs_plain_http() && self.allow_plain_http };
        (address, plain)
    }

    /// Whether that server may be asked already.
    pub fn is_reachable(&self, model: &Model) -> bool {
        let (address, plain) = self.address(model);
        ServerUrl::parse(&address).is_ok_and(|url| plain || !url.is_plain_http())
    }

    /// The command; the password leaves the form with it.
    pub fn sign_in(&mut self, model: &Model) -> SignIn {
        let (server_url, allow_plain_http) = self.address(model);
        SignIn {
            server_url,
            user: self.user.trim().to_owned(),
            password: self.password.take(),
            remember: self.remember,
            application: self.application,
            allow_plain_http,
        }
    }

    /// Forgets what is secret.
    pub fn wipe(&mut self) {
        self.password.clear();
        self.again.clear();
    }
}

fn touch_password(buffer: &mut PasswordBuffer, touched: Touched) {
    match touched {
        Touched::Letter(c) => buffer.push(c.encode_utf8(&mut [0; 4])),
        Touched::Backspace => buffer.backspace(),
        Touched::Enter => {}
    }
}
