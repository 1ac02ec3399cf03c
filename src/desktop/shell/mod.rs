//! What stands around every screen: rail, header, and the strip that says why nothing can be pressed.

mod header;
mod person;
mod rail;

use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{Button, Color32, Frame, Margin, Panel, Response, Ui, WidgetInfo, vec2};

use super::action::Action;
use super::route::Route;
use super::scene::Scene;
use super::theme::{Text, Theme, Weight};
use super::widgets::button;
use super::widgets::sign::{self, Sign};
use crate::client::{Person, SessionSlice};
use crate::domain::access::Role;
use crate::domain::connection::Connection;
use crate::domain::instance::Application;

pub use header::station_name;
pub use person::role_key;

/// Where the window is.
#[derive(Default)]
pub struct State {
    /// `None` until a station is signed in.
    route: Option<Route>,
    /// Asked for on the command line; honoured once.
    wanted: Option<Route>,
    /// The card for a person is shown on top of the page, with the person who was there before.
    login: Option<Option<Person>>,
    rail: bool,
    station: bool,
}

impl State {
    pub fn new(wanted: Option<Route>) -> State {
        State { wanted, ..State::default() }
    }

    pub fn route(&self) -> Option<Route> {
        self.route
    }

    /// The page to draw; `None` is the login.
    pub fn page(&self) -> Option<Route> {
        self.route.filter(|_| self.station)
    }

    /// Whether a person is signing in on top of the page.
    pub fn shows_login(&self) -> bool {
        self.login.is_some()
    }

    pub fn go(&mut self, route: Route) {
        self.route = Some(route);
        self.rail = false;
    }

    /// Shows the card on top of the page until somebody other than `before` came in.
    pub fn show_login(&mut self, before: Option<Person>) {
        self.login = Some(before);
    }

    pub fn hide_login(&mut self) {
        self.login = None;
    }

    pub fn toggle_rail(&mut self) {
        self.rail = !self.rail;
    }

    /// Keeps the place among those that may be seen, and leaves the card once somebody came in.
    pub fn settle(&mut self, visible: &[Route], session: &SessionSlice) {
        self.station = session.station.is_some();
        if !self.station {
            self.route = None;
            self.login = None;
            return;
        }
        if self.login.as_ref().is_some_and(|before| session.person.is_some() && *before != session.person) {
            self.login = None;
        }
        let wanted = self.wanted.filter(|route| visible.contains(route));
        if wanted.is_some() {
            self.wanted = None;
        }
        let stays = self.route.filter(|route| visible.contains(route));
        self.route = wanted.or(stays).or(visible.first().copied());
    }

    /// A television shows its one page as large as it can, until somebody asks for the others.
    pub fn shows_rail(&self, application: Application) -> bool {
        application != Application::YieldMonitor || self.route != Some(Route::Yield) || self.rail
    }

    /// Draws rail, header and strip around the page.
    pub fn ui(&self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let Some(current) = self.route else { return };
        if self.shows_rail(scene.application) {
            let frame = Frame::new().fill(theme.color.bg1);
            Panel::left("rail").exact_size(theme.sizes.rail).resizable(false).show_separator_line(false).frame(frame).show(ui, |ui| {
                rail::rail(ui, scene, current);
            });
        }
        let frame = Frame::new().fill(theme.color.bg1).inner_margin(Margin::symmetric(theme.sizes.gap.max(8.0) as i8, 0));
        Panel::top("header").exact_size(theme.sizes.header).resizable(false).show_separator_line(false).frame(frame).show(ui, |ui| {
            header::header(ui, scene);
        });
        let roomy = !scene.is_panel() && scene.application != Application::YieldMonitor;
        // A person who may do less than his role says is told why on every display.
        if scene.model.session.is_offline() || (looks_only(scene) && roomy) {
            let frame = Frame::new().fill(theme.color.bg2).inner_margin(Margin::symmetric(theme.sizes.gap as i8, 4));
            Panel::top("strip").resizable(false).show_separator_line(false).frame(frame).show(ui, |ui| strip(ui, scene));
        }
    }
}

fn looks_only(scene: &Scene<'_>) -> bool {
    scene.role() == Some(Role::Station)
}

/// Whether the server knows persons: otherwise nobody can sign in on top of the station.
fn has_persons(scene: &Scene<'_>) -> bool {
    scene.model.session.station.as_ref().is_some_and(|station| station.has_roles)
}

/// Corners of what is smaller than a button, in points.
const RADIUS_SMALL: f32 = 4.0;

fn menu_item(ui: &mut Ui, theme: &Theme, label: &str, selected: bool) -> bool {
    let words = theme.words(label, Text::Body, Weight::Medium, theme.color.text1);
    let fill = if selected { theme.color.bg2 } else { Color32::TRANSPARENT };
    let item = Button::new(words).fill(fill).min_size(vec2(theme.sizes.touch * 3.5, theme.sizes.touch)).frame_when_inactive(selected);
    let response = ui.add(item);
    response.widget_info(|| WidgetInfo::selected(Handle::MenuItem, true, selected, label));
    response.clicked()
}

fn link(ui: &mut Ui, theme: &Theme, label: &str) -> Response {
    let words = theme.words(label, Text::Body, Weight::SemiBold, theme.color.accent);
    // A header is lower than a finger's button: taller, it would be cut.
    let height = theme.sizes.touch.min(ui.available_height());
    let response = ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = height;
        ui.add(Button::new(words).frame(false))
    });
    button::focus_ring(ui, theme, &response.inner);
    response.inner
}

fn strip(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    let (is_offline, is_back) = (scene.model.session.is_offline(), scene.model.connection.state == Connection::Connected);
    if is_offline && !is_back && scene.is_panel() {
        // There is nothing to touch, and every line counts.
        ui.spacing_mut().interact_size.y = 0.0;
    }
    ui.horizontal(|ui| {
        if is_offline {
            sign::show(ui, theme, Sign::Warning, theme.sizes.body * 1.1);
        }
        let key = match (is_offline, is_back) {
            (false, _) => "shell.view_only",
            (true, false) => "shell.without_server",
            (true, true) => "shell.server_is_back",
        };
        let ink = if is_offline { theme.color.text1 } else { theme.color.text2 };
        ui.label(theme.words(scene.text(key), Text::Body, Weight::Regular, ink));
        if !has_persons(scene) || (is_offline && !is_back) {
            return;
        }
        ui.label(theme.words("·", Text::Body, Weight::Regular, theme.color.text2));
        let key = if is_offline { "shell.sign_in_again" } else { "shell.sign_in" };
        if link(ui, theme, scene.text(key)).clicked() {
            scene.ask(Action::ShowLogin);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_survives_what_it_can_and_falls_back_home() {
        let mut state = State::new(Some(Route::Queue));
        let mut session = SessionSlice::default();
        state.settle(&[Route::About], &session);
        assert_eq!(state.page(), None);
        session.station = Some(crate::client::Station {
            application: Application::Configurator,
            remembered: true,
            token_mask: String::new(),
            has_roles: true,
        });
        state.settle(&[Route::Overview, Route::Queue], &session);
        assert_eq!(state.page(), Some(Route::Queue));
        state.settle(&[Route::Overview], &session);
        assert_eq!(state.page(), Some(Route::Overview));
    }
}
