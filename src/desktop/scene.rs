//! Everything a screen may see, and the one thing it may do: ask.

use std::cell::RefCell;

use chrono::{DateTime, Utc};

use super::action::Action;
use super::format::{self, Zone};
use super::theme::{Display, Theme, Tone};
use crate::client::{Command, Explanation, Model};
use crate::domain::access::{Permission, Role};
use crate::domain::instance::Application;
use crate::support::language::Language;

/// One frame's view of the world.
pub struct Scene<'a> {
    pub model: &'a Model,
    pub theme: &'a Theme,
    pub language: &'a Language,
    pub now: DateTime<Utc>,
    pub zone: Zone,
    /// Full screen, and not to be left by accident.
    pub kiosk: bool,
    /// The tone a person chose; `None` follows the system.
    pub tone: Option<Tone>,
    /// The application that is open.
    pub application: Application,
    /// The renderer in use, as About names it.
    pub renderer: &'a str,
    /// Seconds until an idle person is signed out, in the last minute before.
    pub signing_out_in: Option<i64>,
    actions: &'a RefCell<Vec<Action>>,
}

/// What a scene is made of besides the model: it changes seldom.
pub struct Surroundings<'a> {
    pub theme: &'a Theme,
    pub language: &'a Language,
    pub now: DateTime<Utc>,
    pub zone: Zone,
    pub kiosk: bool,
    pub tone: Option<Tone>,
    pub application: Application,
    pub renderer: &'a str,
    pub signing_out_in: Option<i64>,
}

impl<'a> Scene<'a> {
    pub fn new(model: &'a Model, around: Surroundings<'a>, actions: &'a RefCell<Vec<Action>>) -> Scene<'a> {
        let Surroundings { theme, language, now, zone, kiosk, tone, application, renderer, signing_out_in } = around;
        Scene { model, theme, language, now, zone, kiosk, tone, application, renderer, signing_out_in, actions }
    }

    /// Whether this is the small touched display: finger sizes, fewer columns.
    pub fn is_panel(&self) -> bool {
        self.theme.display == Display::Panel
    }

    /// Asks the app for something; it happens after this frame is drawn.
    pub fn ask(&self, action: Action) {
        self.actions.borrow_mut().push(action);
    }

    /// Asks the station's services for something.
    pub fn run(&self, command: Command) {
        self.ask(Action::Run(command));
    }

    /// The words for `key`.
    pub fn text(&self, key: &'a str) -> &'a str {
        self.language.text(key)
    }

    /// The words for `key`, with `{name}` replaced.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.language.fill(key, values)
    }

    /// The words for `n` things.
    pub fn count(&self, key: &str, n: u64) -> String {
        self.language.fill(&format!("{key}.{}", if n == 1 { "one" } else { "many" }), &[("n", &format::count(n))])
    }

    pub fn what(&self, explanation: &Explanation) -> String {
        explanation.what(self.language)
    }

    pub fn remedy(&self, explanation: &Explanation) -> String {
        explanation.remedy(self.language)
    }

    pub fn role(&self) -> Option<Role> {
        self.model.session.role()
    }

    /// Whether the role at hand may do this. A station alone only looks: a person has to sign in to act.
    /// Without the station's PIN, where one guards, nobody may do more than an operator.
    pub fn may_act(&self, permission: Permission) -> bool {
        self.model.session.may_act(permission) && (!self.model.is_guarded() || Role::Operator.may(permission))
    }

    /// `3 min ago`, or a dash.
    pub fn ago(&self, at: Option<DateTime<Utc>>) -> String {
        match at {
            Some(at) => self.fill("shell.ago", &[("age", &format::age(at, self.now, self.language))]),
            None => format::NOTHING.to_owned(),
        }
    }

    /// `14:02:37` today, else with the day; a dash where there is none.
    pub fn moment(&self, at: Option<DateTime<Utc>>) -> String {
        at.map_or_else(|| format::NOTHING.to_owned(), |at| self.zone.moment(at, self.now))
    }
}
