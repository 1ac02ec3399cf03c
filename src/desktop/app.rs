//! The window's life: the newest model in, one frame drawn, what was asked for sent on. Nothing here waits.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use eframe::egui::{self, CentralPanel, Context, Event, Frame, Ui, ViewportCommand};

use super::action::Action;
use super::format::Zone;
use super::route::Route;
use super::scene::{Scene, Surroundings};
use super::screens::{Screens, opening};
use super::shell;
use super::shortcuts;
use super::theme::{Display, Theme, Tone};
use super::widgets::toast::{Toast, Toasts};
use crate::client::{Bridge, Command, Explanation, Model, Notice, Person, SessionCommand, YieldsCommand};
use crate::domain::access::Permission;
use crate::domain::instance::{Application, InstanceId};
use crate::support::clock::Clock;
use crate::support::language::Language;

/// What the command line chose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Overrules the instance's own application.
    pub application: Option<Application>,
    /// Where to open; the application's first screen where nobody chose.
    pub route: Option<Route>,
    pub kiosk: bool,
    /// Set once the system has asked the program to end: a kiosk closes too then.
    pub ending: Arc<AtomicBool>,
    /// `None` follows the system.
    pub tone: Option<Tone>,
    pub language: Language,
    /// The renderer in use, for About.
    pub renderer: String,
    pub clock: Clock,
    pub zone: Zone,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            application: None,
            route: None,
            kiosk: false,
            ending: Arc::default(),
            tone: Some(Tone::Dark),
            language: Language::english(),
            renderer: String::new(),
            clock: Clock::system(),
            zone: Zone::Local,
        }
    }
}

/// The desktop app.
pub struct Andon {
    bridge: Bridge,
    model: Model,
    options: Options,
    theme: Option<Theme>,
    shell: shell::State,
    screens: Screens,
    toasts: Toasts,
    actions: RefCell<Vec<Action>>,
    /// When a person last touched anything: his session locks after the role's limit.
    last_input: DateTime<Utc>,
    fullscreen: bool,
    /// The instance whose yield was asked for: nobody fetches what nobody looks at.
    watched: Option<InstanceId>,
}

impl Andon {
    pub fn new(bridge: Bridge, options: Options) -> Andon {
        let now = options.clock.now();
        let shell = shell::State::new(options.route);
        let fullscreen = options.kiosk;
        Andon {
            bridge,
            model: Model::default(),
            options,
            theme: None,
            shell,
            screens: Screens::default(),
            toasts: Toasts::default(),
            actions: RefCell::default(),
            last_input: now,
            fullscreen,
            watched: None,
        }
    }

    /// Where the window is, or would be once a station is signed in.
    pub fn route(&self) -> Option<Route> {
        self.shell.route()
    }

    fn application(&self) -> Application {
        let chosen = self.options.application;
        let station = self.model.session.station.as_ref().map(|station| station.application);
        chosen.or(station).unwrap_or_default()
    }

    fn take_news(&mut self) {
        let before = std::mem::replace(&mut self.model, self.bridge.model()).session;
        let now = self.options.clock.now();
        self.settle_person(before.person.as_ref(), now);
        while let Some(notice) = self.bridge.next_notice() {
            let toast = match &notice {
                Notice::Done { key, values } => {
                    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    Toast {
                        what: self.options.language.fill(&format!("notice.{key}"), &values),
                        remedy: String::new(),
                        failed: false,
                        at: now,
                    }
                }
                Notice::Failed(explanation) => self.failure(explanation, now),
            };
            self.toasts.push(toast);
        }
        let visible = Route::visible(self.application(), &self.model.session);
        self.shell.settle(&visible, &self.model.session);
    }

    /// A person who came has his whole idle limit before him, and one who left leaves nothing open.
    fn settle_person(&mut self, before: Option<&Person>, now: DateTime<Utc>) {
        let same = |one: &Person, other: &Person| one.name == other.name && one.since == other.since;
        let person = self.model.session.person.as_ref();
        if before.zip(person).is_some_and(|(one, other)| same(one, other)) {
            return;
        }
        if person.is_some() {
            self.last_input = now;
        }
        if before.is_some() {
            self.screens.forget_person();
        }
    }

    fn failure(&self, explanation: &Explanation, at: DateTime<Utc>) -> Toast {
        let language = &self.options.language;
        Toast { what: explanation.what(language), remedy: explanation.remedy(language), failed: true, at }
    }

    fn settle_theme(&mut self, ctx: &Context) -> Theme {
        let system = match ctx.system_theme() {
            Some(egui::Theme::Light) => Tone::Light,
            _ => Tone::Dark,
        };
        let display = Display::guess(ctx.content_rect().size(), self.application());
        let theme = Theme::new(self.options.tone.unwrap_or(system), display);
        if self.theme != Some(theme) {
            theme.apply(ctx);
            self.theme = Some(theme);
        }
        theme
    }

    /// Locks a person's actions after his role's idle limit; says how many seconds are left in the last minute.
    fn watch_idleness(&mut self, ctx: &Context) -> Option<i64> {
        let now = self.options.clock.now();
        let active = |event: &Event| {
            matches!(event, Event::Key { .. } | Event::Text(_) | Event::PointerMoved(_) | Event::PointerButton { .. } | Event::Touch { .. })
        };
        let touched = ctx.input(|input| input.events.iter().any(active));
        let limit = self.model.session.person.as_ref().and_then(|person| person.role.idle_limit_secs());
        let left = limit.map(|limit| i64::from(limit) - (now - self.last_input).num_seconds());
        // Before the touch counts: the one that wakes a PC from two hours of sleep came too late.
        if left.is_some_and(|left| left <= 0) {
            if self.bridge.send(Command::Session(SessionCommand::PersonSignOut)).is_ok() {
                self.last_input = now;
            }
            return None;
        }
        if touched || self.last_input > now {
            self.last_input = now;
        }
        left.filter(|left| !touched && (1..=60).contains(left))
    }

    fn may_leave_kiosk(&self) -> bool {
        let Some(station) = &self.model.session.station else { return true };
        !station.has_roles || self.model.session.may_act(Permission::LeaveKiosk)
    }

    fn carry_out(&mut self, ctx: &Context) {
        let actions = self.actions.take();
        if !actions.is_empty() {
            ctx.request_repaint_after(Duration::from_millis(1));
        }
        for action in actions {
            match action {
                Action::Run(command) => self.send(command),
                Action::Go(route) => self.shell.go(route),
                Action::ShowLogin => {
                    self.screens.login.welcome_person(&self.model);
                    self.shell.show_login(self.model.session.person.clone());
                }
                Action::HideLogin => self.shell.hide_login(),
                Action::ToggleRail => self.shell.toggle_rail(),
                Action::SetTone(tone) => self.options.tone = tone,
                Action::Copy(text) => ctx.copy_text(text),
                Action::ToggleFullscreen => self.toggle_fullscreen(ctx),
                Action::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            }
        }
    }

    /// Asks for the yield once a screen that shows it is up.
    fn watch_yield(&mut self) {
        let shows = matches!(self.shell.page(), Some(Route::Overview | Route::Yield));
        if shows && self.watched != self.model.instances.current {
            self.watched.clone_from(&self.model.instances.current);
            let query = self.model.yields.query.clone();
            self.actions.borrow_mut().push(Action::Run(Command::Yields(YieldsCommand::Watch(query))));
        } else if self.model.session.station.is_none() {
            self.watched = None;
        }
    }

    fn send(&mut self, command: Command) {
        if let Command::Session(SessionCommand::SignIn(sign_in)) = &command
            && self.options.application.is_some()
        {
            self.options.application = sign_in.application.or(self.options.application);
        }
        if self.bridge.send(command).is_err() {
            self.say("busy");
        }
    }

    fn say(&mut self, key: &'static str) {
        let toast = self.failure(&Explanation::new(key), self.options.clock.now());
        self.toasts.push(toast);
    }

    fn toggle_fullscreen(&mut self, ctx: &Context) {
        if self.options.kiosk && !self.may_leave_kiosk() {
            return self.say("kiosk_locked");
        }
        self.options.kiosk = false;
        self.fullscreen = !self.fullscreen;
        ctx.send_viewport_cmd(ViewportCommand::Decorations(!self.fullscreen));
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(self.fullscreen));
    }

    fn guard_closing(&mut self, ctx: &Context) {
        let asked = ctx.input(|input| input.viewport().close_requested());
        let by_system = self.options.ending.load(Ordering::Relaxed);
        if asked && self.options.kiosk && !by_system && !self.may_leave_kiosk() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.say("kiosk_locked");
        }
    }

    /// The clock ticks each second as proof of life, but only where there is one and somebody can see it.
    /// The login has none: it ticks while something in it or behind it ends by itself.
    fn tick(&self, ctx: &Context) {
        let session = &self.model.session;
        let locked = session.locked_until.is_some_and(|until| until > self.options.clock.now());
        if self.shell.page().is_none() && !locked && session.person.is_none() && !self.toasts.leaves_something() {
            return;
        }
        let hidden = ctx.input(|input| input.viewport().minimized == Some(true) || input.viewport().occluded == Some(true));
        if !hidden {
            let into_second = u64::from(self.options.clock.now().timestamp_subsec_millis());
            ctx.request_repaint_after(Duration::from_millis(1_005 - into_second.min(1_000)));
        }
    }

    /// Draws one frame. Apart from `eframe::App::ui` only in that it needs no window: pictures are made with it.
    pub fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.take_news();
        self.watch_yield();
        let theme = self.settle_theme(&ctx);
        let signing_out_in = self.watch_idleness(&ctx);
        let now = self.options.clock.now();
        self.toasts.expire(now);
        let around = Surroundings {
            theme: &theme,
            language: &self.options.language,
            now,
            zone: self.options.zone,
            kiosk: self.options.kiosk,
            tone: self.options.tone,
            application: self.application(),
            renderer: &self.options.renderer,
            signing_out_in,
        };
        let scene = Scene::new(&self.model, around, &self.actions);
        let frame = Frame::new().fill(theme.color.bg0);
        if let Some(route) = self.shell.page() {
            if self.shell.shows_login() {
                // First, for Escape is meant for what lies on top.
                self.screens.login.above(&ctx, &scene);
            } else {
                shortcuts::listen(&ctx, &scene, &Route::visible(scene.application, &scene.model.session));
            }
            self.shell.ui(ui, &scene);
            let page = frame.inner_margin(egui::Margin::same(theme.sizes.gap as i8));
            CentralPanel::default().frame(page).show(ui, |ui| self.screens.ui(ui, &scene, route));
        } else if opening::is_opening(&self.model) {
            CentralPanel::default().frame(frame).show(ui, |ui| opening::opening(ui, &scene));
        } else {
            CentralPanel::default().frame(frame).show(ui, |ui| self.screens.login.ui(ui, &scene));
        }
        self.toasts.ui(&ctx, &theme, self.options.language.text("shell.dismiss"));
        self.carry_out(&ctx);
        self.tick(&ctx);
    }
}

impl eframe::App for Andon {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.guard_closing(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn clear_color(&self, _: &egui::Visuals) -> [f32; 4] {
        self.theme.unwrap_or_default().color.bg0.to_normalized_gamma_f32()
    }
}
