//! The window's life: the newest model in, one frame drawn, what was asked for sent on. Nothing here waits.

mod asking;
mod idleness;
mod kiosk;
mod options;

use std::cell::RefCell;

use chrono::{DateTime, Utc};
use eframe::egui::{self, CentralPanel, Context, Frame, Ui};

use super::action::Action;
use super::route::Route;
use super::scene::{Scene, Surroundings};
use super::screens::{Screens, opening, pin};
use super::shell;
use super::shortcuts;
use super::theme::{Display, Theme, Tone};
use super::widgets::toast::{Toast, Toasts};
use crate::client::{Bridge, Model, Notice};
use crate::domain::instance::{Application, InstanceId};

use kiosk::Asking;
pub use options::Options;

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
    /// What went idle and is being ended: until the services have done it, it is treated as gone.
    ended: idleness::Ended,
    fullscreen: bool,
    /// The instance whose yield was asked for: it is fetched from the first look on.
    watched: Option<InstanceId>,
    /// The PIN is being asked for.
    asking: Option<Asking>,
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
            ended: idleness::Ended::default(),
            fullscreen,
            watched: None,
            asking: None,
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
        let before = std::mem::replace(&mut self.model, self.bridge.model());
        let now = self.options.clock.now();
        self.end_idle(now);
        self.settle_person(before.session.person.as_ref(), now);
        self.settle_lock(before.pin.is_open);
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
        // First, for Escape is meant for what lies on top.
        let asked = self.asking.as_mut().map(|asking| asking.pad.ui(&ctx, &scene));
        if let Some(route) = self.shell.page() {
            if self.shell.shows_login() {
                self.screens.login.above(&ctx, &scene, self.shell.shows_rail(scene.application));
            } else if asked.is_none() {
                shortcuts::listen(&ctx, &scene, &Route::visible(scene.application, &scene.model.session));
            }
            self.shell.ui(ui, &scene);
            let page = frame.inner_margin(egui::Margin::same(theme.sizes.gap as i8));
            CentralPanel::default().frame(page).show(ui, |ui| self.screens.ui(ui, &scene, route));
        } else if opening::is_opening(&self.model) {
            CentralPanel::default().frame(frame).show(ui, |ui| opening::opening(ui, &scene));
        } else if self.model.is_guarded() {
            CentralPanel::default().frame(frame).show(ui, |ui| pin::door(ui, &scene));
        } else {
            CentralPanel::default().frame(frame).show(ui, |ui| self.screens.login.ui(ui, &scene));
        }
        self.toasts.ui(&ctx, &theme, self.options.language.text("shell.dismiss"));
        self.carry_out(&ctx);
        if let Some(done) = asked.flatten() {
            self.settle_pin(&ctx, done);
        }
        self.tick(&ctx);
    }
}

impl eframe::App for Andon {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        // Before anything that was pressed counts, and also while the window is hidden.
        self.take_news();
        self.watch_hidden(ctx);
        self.guard_closing(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn clear_color(&self, _: &egui::Visuals) -> [f32; 4] {
        self.theme.unwrap_or_default().color.bg0.to_normalized_gamma_f32()
    }
}
