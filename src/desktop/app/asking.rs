//! What screens ask for, carried out after drawing: handed to the services, or done to the window.

use std::time::Duration;

use chrono::{DateTime, Utc};
use eframe::egui::{Context, ViewportCommand};

use super::Andon;
use super::kiosk::Then;
use crate::client::{Command, Explanation, SessionCommand, YieldsCommand};
use crate::desktop::action::Action;
use crate::desktop::route::Route;
use crate::desktop::screens::pin::Task;
use crate::desktop::widgets::toast::Toast;

impl Andon {
    pub(super) fn carry_out(&mut self, ctx: &Context) {
        let actions = self.actions.take();
        if !actions.is_empty() {
            ctx.request_repaint_after(Duration::from_millis(1));
        }
        for action in actions {
            match action {
                Action::Run(command) => self.send(command),
                Action::Go(route) => {
                    self.shell.go(route);
                    if route == Route::Instances && self.model.is_guarded() {
                        self.ask_pin(Task::Enter, Then::Nothing);
                    }
                }
                Action::ShowLogin => {
                    self.screens.login.welcome_person(&self.model);
                    self.shell.show_login(self.model.session.person.clone());
                }
                Action::HideLogin => self.shell.hide_login(),
                Action::ToggleRail => self.shell.toggle_rail(),
                Action::SetTone(tone) => self.options.tone = tone,
                Action::Copy(text) => ctx.copy_text(text),
                Action::AskPin(task) => self.ask_pin(task, Then::Nothing),
                Action::ToggleFullscreen => self.toggle_fullscreen(ctx),
                Action::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            }
        }
    }

    /// Asks for the yield once a screen that shows it is up.
    pub(super) fn watch_yield(&mut self) {
        let shows = matches!(self.shell.page(), Some(Route::Overview | Route::Yield));
        if shows && self.watched != self.model.instances.current {
            let query = self.model.yields.query.clone();
            // Where it does not go through, the next frame asks again.
            if self.bridge.send(Command::Yields(YieldsCommand::Watch(query))).is_ok() {
                self.watched.clone_from(&self.model.instances.current);
            }
        } else if self.model.session.station.is_none() {
            self.watched = None;
        }
    }

    pub(super) fn send(&mut self, command: Command) {
        if let Command::Session(SessionCommand::SignIn(sign_in)) = &command
            && self.options.application.is_some()
        {
            self.options.application = sign_in.application.or(self.options.application);
        }
        if self.bridge.send(command).is_err() {
            self.say("busy");
        }
    }

    pub(super) fn say(&mut self, key: &'static str) {
        let toast = self.failure(&Explanation::new(key), self.options.clock.now());
        self.toasts.push(toast);
    }

    pub(super) fn failure(&self, explanation: &Explanation, at: DateTime<Utc>) -> Toast {
        let language = &self.options.language;
        Toast { what: explanation.what(language), remedy: explanation.remedy(language), failed: true, at }
    }
}
