//! One file a screen.

mod about;
mod account;
mod audit;
mod chat;
mod connection;
mod desk;
mod instances;
mod login;
mod me;
pub mod opening;
mod overview;
pub mod pin;
mod queue;
pub mod reports;
mod stations;
mod users;
pub mod yields;

use eframe::egui::Ui;

use super::route::Route;
use super::scene::Scene;
use crate::domain::instance::Application;
use crate::domain::report::Status;

/// Every screen with what it keeps between frames.
#[derive(Default)]
pub struct Screens {
    pub login: login::Login,
    overview: overview::Overview,
    yields: yields::Yields,
    reports: reports::Reports,
    queue: queue::Queue,
    connection: connection::Connection,
    instances: instances::Instances,
    users: users::Users,
    stations: stations::Stations,
    audit: audit::Audit,
    me: me::Me,
    chat: chat::Chat,
    about: about::About,
}

impl Screens {
    /// Forgets what a person began, for the next one shall neither see it nor answer for him: forms, questions, what was typed and chosen.
    /// What everybody may look at stays as it is.
    pub fn forget_person(&mut self) {
        let Screens { login, overview, yields, reports, about, .. } = std::mem::take(self);
        *self = Screens { login, overview, yields, reports, about, ..Screens::default() };
    }

    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, route: Route) {
        match route {
            Route::Overview => self.overview.ui(ui, scene),
            Route::Yield => self.yields.ui(ui, scene),
            Route::Reports => self.reports.ui(ui, scene),
            Route::Queue => self.queue.ui(ui, scene),
            Route::Chat => self.chat.ui(ui, scene),
            Route::Connection => self.connection.ui(ui, scene),
            Route::Instances if scene.model.is_guarded() => pin::door(ui, scene),
            Route::Instances => self.instances.ui(ui, scene),
            Route::Users => self.users.ui(ui, scene),
            Route::Stations => self.stations.ui(ui, scene),
            Route::Audit => self.audit.ui(ui, scene),
            Route::Me => self.me.ui(ui, scene),
            Route::About => self.about.ui(ui, scene),
        }
    }
}

/// The words for an outcome.
pub fn status_key(status: Status) -> &'static str {
    match status {
        Status::Passed => "reports.status.passed",
        Status::Failed => "reports.status.failed",
        Status::Done => "reports.status.done",
        Status::Error => "reports.status.error",
        Status::Terminated => "reports.status.terminated",
        Status::Skipped => "reports.status.skipped",
    }
}

/// The words for an application.
fn application_key(application: Application) -> &'static str {
    match application {
        Application::Configurator => "shell.application.configurator",
        Application::YieldMonitor => "shell.application.yield_monitor",
        Application::PressurePanel => "shell.application.pressure_panel",
    }
}
