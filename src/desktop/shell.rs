//! What stands around every screen: rail, header, and the strip that says why nothing can be pressed.

use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{
    self, Align, Color32, CornerRadius, Frame, Label, Layout, Margin, Panel, Popup, PopupCloseBehavior, Rect, RectAlign, Response, Sense,
    Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::action::Action;
use super::route::Route;
use super::scene::Scene;
use super::theme::{Sizes, Text, Theme, Tone, Weight, space};
use super::widgets::icon::{self, Icon};
use super::widgets::sign::{self, Sign};
use super::widgets::{badge, button, count};
use super::words;
use crate::client::{Command, Person, SessionCommand, SessionSlice};
use crate::domain::access::Role;
use crate::domain::connection::Connection;
use crate::domain::instance::Application;

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

    /// Draws rail, header and strip around the page.
    pub fn ui(&self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let Some(current) = self.route else { return };
        let quiet = scene.application == Application::YieldMonitor && current == Route::Yield && !self.rail;
        if !quiet {
            let frame = Frame::new().fill(theme.color.bg1);
            Panel::left("rail").exact_size(theme.sizes.rail).resizable(false).show_separator_line(false).frame(frame).show(ui, |ui| {
                rail(ui, scene, current);
            });
        }
        let frame = Frame::new().fill(theme.color.bg1).inner_margin(Margin::symmetric(theme.sizes.gap.max(8.0) as i8, 0));
        Panel::top("header").exact_size(theme.sizes.header).resizable(false).show_separator_line(false).frame(frame).show(ui, |ui| {
            header(ui, scene);
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

/// How many places fit; the rest stand behind "More".
fn places(height: f32, item: f32, n: usize) -> usize {
    let fit = (height / item).floor().max(2.0) as usize;
    if n <= fit { n } else { fit - 1 }
}

/// Places move closer together, as far as a finger can tell them apart, before some of them hide behind "More".
fn item_height(height: f32, sizes: &Sizes, n: usize) -> f32 {
    (height / n.max(1) as f32).floor().clamp((sizes.touch * 1.5).min(sizes.rail_item), sizes.rail_item)
}

fn rail(ui: &mut Ui, scene: &Scene<'_>, current: Route) {
    let visible = Route::visible(scene.application, &scene.model.session);
    let item = item_height(ui.available_height(), scene.theme.sizes, visible.len());
    let shown = places(ui.available_height(), item, visible.len());
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    for route in &visible[..shown] {
        let look = (scene.text(route.rail_key()), route.icon(), news(scene, &[*route]));
        if rail_item(ui, scene, look, item, *route == current).clicked() {
            scene.ask(Action::Go(*route));
        }
    }
    if shown < visible.len() {
        let more = &visible[shown..];
        let look = (scene.text("shell.more"), Icon::More, news(scene, more));
        let response = rail_item(ui, scene, look, item, more.contains(&current));
        let popup = Popup::menu(&response).align(RectAlign::RIGHT_END).close_behavior(PopupCloseBehavior::CloseOnClick);
        popup.show(|ui| {
            for route in more {
                let label = with_news(scene, scene.text(route.rail_key()), news(scene, &[*route]));
                if menu_item(ui, scene.theme, &label, *route == current) {
                    scene.ask(Action::Go(*route));
                }
            }
        });
    }
}

/// Unread messages behind some of the places.
fn news(scene: &Scene<'_>, routes: &[Route]) -> u64 {
    if routes.contains(&Route::Chat) { scene.model.chat.unread() } else { 0 }
}

/// The name of a place, and how much there is unread.
fn with_news(scene: &Scene<'_>, label: &str, news: u64) -> String {
    if news == 0 { label.to_owned() } else { scene.fill("shell.unread", &[("place", label), ("n", &super::format::count(news))]) }
}

fn rail_item(ui: &mut Ui, scene: &Scene<'_>, (label, icon, news): (&str, Icon, u64), height: f32, selected: bool) -> Response {
    let theme = scene.theme;
    let size = vec2(ui.available_width(), height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = with_news(scene, label, news);
    response.widget_info(|| WidgetInfo::selected(Handle::Tab, true, selected, &name));
    let c = theme.color;
    let ink = if selected { c.text1 } else { c.text2 };
    if selected || response.hovered() {
        ui.painter().rect_filled(rect, 0.0, c.bg2);
    }
    if selected {
        ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(4.0, rect.height())), 0.0, c.accent);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect.shrink(2.0), CornerRadius::same(4), Stroke::new(2.0, c.text1), StrokeKind::Inside);
    }
    let side = height * 0.36;
    let middle = rect.top() + height * 0.38;
    icon::paint(ui.painter(), Rect::from_center_size(pos2(rect.center().x, middle), vec2(side, side)), icon, ink);
    if news > 0 {
        count::paint(ui, theme, pos2(rect.right() - 6.0, rect.top() + height * 0.22), news);
    }
    let text = fitting(ui, theme, label, rect.width() - 8.0, ink);
    ui.painter().galley(pos2(rect.center().x - text.size().x / 2.0, rect.bottom() - rect.height() * 0.17 - text.size().y / 2.0), text, ink);
    response
}

/// A rail's word in the theme's small size, or a little smaller where it would not fit.
fn fitting(ui: &Ui, theme: &Theme, text: &str, width: f32, ink: Color32) -> std::sync::Arc<egui::Galley> {
    let weight = Weight::Medium;
    let full = super::theme::font(theme.sizes.small, weight);
    let galley = ui.painter().layout_no_wrap(text.to_owned(), full, ink);
    let scale = width / galley.size().x;
    if scale >= 1.0 {
        galley
    } else {
        ui.painter().layout_no_wrap(text.to_owned(), super::theme::font((theme.sizes.small * scale).floor(), weight), ink)
    }
}

fn menu_item(ui: &mut Ui, theme: &Theme, label: &str, selected: bool) -> bool {
    let words = theme.words(label, Text::Body, Weight::Medium, theme.color.text1);
    let fill = if selected { theme.color.bg2 } else { Color32::TRANSPARENT };
    let item = egui::Button::new(words).fill(fill).min_size(vec2(theme.sizes.touch * 3.5, theme.sizes.touch)).frame_when_inactive(selected);
    let response = ui.add(item);
    response.widget_info(|| WidgetInfo::selected(Handle::MenuItem, true, selected, label));
    response.clicked()
}

fn header(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            clock(ui, scene);
            person(ui, scene);
            connection(ui, scene);
            quarantine(ui, scene);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                if scene.application == Application::YieldMonitor && burger(ui, scene).clicked() {
                    scene.ask(Action::ToggleRail);
                }
                let name = station_name(scene).unwrap_or(scene.text("app.name"));
                let text = if theme.display == super::theme::Display::Wall { Text::Title } else { Text::Table };
                ui.add(Label::new(theme.words(name, text, Weight::SemiBold, theme.color.text1)).truncate());
                if scene.model.line.simulated {
                    simulated(ui, scene);
                }
            });
        });
    });
}

/// What people call the station that is open.
pub fn station_name<'a>(scene: &Scene<'a>) -> Option<&'a str> {
    let instances = &scene.model.instances;
    let current = instances.current.as_ref()?;
    instances.list.iter().find(|instance| instance.id == *current).map(|instance| instance.name.as_str())
}

/// Framed, so that nobody takes the numbers for a real line's.
fn simulated(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    let c = theme.color;
    let galley = ui.painter().layout_no_wrap(scene.text("app.simulated").to_owned(), theme.font(Text::Small, Weight::Medium), c.text2);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(16.0, 4.0), Sense::empty());
    response.widget_info(|| WidgetInfo::labeled(Handle::Label, true, scene.text("app.simulated")));
    ui.painter().rect_stroke(rect, RADIUS_SMALL, Stroke::new(1.0, c.control), StrokeKind::Inside);
    ui.painter().galley(rect.min + vec2(8.0, 2.0), galley, c.text2);
}

fn burger(ui: &mut Ui, scene: &Scene<'_>) -> Response {
    let (rect, response) =
        ui.allocate_exact_size(vec2(scene.theme.sizes.touch, scene.theme.sizes.touch.min(ui.available_height())), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Handle::Button, true, scene.text("shell.screens")));
    icon::paint(ui.painter(), Rect::from_center_size(rect.center(), rect.size() * 0.5), Icon::Menu, scene.theme.color.text2);
    button::focus_ring(ui, scene.theme, &response);
    response
}

/// Ticks each second: a screen that stands still is seen to stand still.
fn clock(ui: &mut Ui, scene: &Scene<'_>) {
    let words = scene.zone.clock(scene.now);
    let text = if scene.theme.display == super::theme::Display::Wall { Text::Title } else { Text::Table };
    ui.label(scene.theme.words(words, text, Weight::SemiBold, scene.theme.color.text1));
}

fn connection(ui: &mut Ui, scene: &Scene<'_>) {
    let look = words::connection_look(scene);
    if badge::badge(ui, scene.theme, &look).clicked() {
        scene.ask(Action::Go(Route::Connection));
    }
}

/// Reports that need a person are said on every screen.
fn quarantine(ui: &mut Ui, scene: &Scene<'_>) {
    let queue = &scene.model.queue;
    let words = match (queue.quarantined, &queue.trouble) {
        (0, None) => return,
        (0, Some(_)) => scene.text("shell.queue_trouble").to_owned(),
        (n, _) => scene.count("shell.quarantined", n),
    };
    if badge::mark(ui, scene.theme, Sign::Warning, &words).clicked() {
        scene.ask(Action::Go(Route::Queue));
    }
}

fn person(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    let Some(person) = &scene.model.session.person else {
        let wants = has_persons(scene) && scene.application != Application::YieldMonitor && scene.is_panel();
        if wants && link(ui, theme, scene.text("shell.sign_in")).clicked() {
            scene.ask(Action::ShowLogin);
        }
        return;
    };
    let role = scene.text(role_key(person.role));
    let words = match scene.signing_out_in {
        Some(left) => scene.fill("shell.signing_out", &[("n", &left.to_string())]),
        None => role.to_owned(),
    };
    let response = person_button(ui, theme, person, &words);
    let name = scene.fill("shell.person", &[("name", &person.name), ("role", role)]);
    response.widget_info(|| WidgetInfo::labeled(Handle::Button, true, &name));
    Popup::menu(&response).align(RectAlign::BOTTOM_END).show(|ui| person_menu(ui, scene));
}

/// Name and role beside a bar in the role's colour: never a fill, never text in that colour.
fn person_button(ui: &mut Ui, theme: &Theme, person: &Person, words: &str) -> Response {
    let c = theme.color;
    let one_line = theme.display == super::theme::Display::Panel;
    let name = ui.painter().layout_no_wrap(person.name.clone(), theme.font(Text::Body, Weight::Medium), c.text1);
    let below = if one_line { format!(" · {words}") } else { words.to_owned() };
    let role = ui.painter().layout_no_wrap(below, theme.font(Text::Small, Weight::Regular), c.text2);
    let (text_width, text_height) = if one_line {
        (name.size().x + role.size().x, name.size().y)
    } else {
        (name.size().x.max(role.size().x), name.size().y + role.size().y - 2.0)
    };
    let (rect, response) = ui.allocate_exact_size(vec2(text_width + 20.0, (text_height + 4.0).min(ui.available_height())), Sense::click());
    if response.hovered() {
        ui.painter().rect_filled(rect.expand(4.0), RADIUS_SMALL, c.bg2);
    }
    ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(6.0, rect.height())), 0.0, role_color(theme, person.role));
    let at = rect.min + vec2(16.0, 2.0);
    let beside = if one_line { vec2(name.size().x, 0.0) } else { vec2(0.0, name.size().y - 2.0) };
    ui.painter().galley(at, name, c.text1);
    ui.painter().galley(at + beside, role, c.text2);
    button::focus_ring(ui, theme, &response);
    response
}

const RADIUS_SMALL: f32 = 4.0;

fn role_color(theme: &Theme, role: Role) -> Color32 {
    let c = theme.color;
    match role {
        Role::Operator => c.role_operator,
        Role::Admin => c.role_admin,
        Role::Superuser => c.role_superuser,
        Role::Technician => c.role_technician,
        Role::Guest | Role::Station => c.control,
    }
}

/// The word for a role.
pub fn role_key(role: Role) -> &'static str {
    match role {
        Role::Guest => "shell.role.guest",
        Role::Station => "shell.role.station",
        Role::Operator => "shell.role.operator",
        Role::Admin => "shell.role.admin",
        Role::Technician => "shell.role.technician",
        Role::Superuser => "shell.role.superuser",
    }
}

fn person_menu(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    if !scene.model.session.is_offline() && menu_item(ui, theme, scene.text("shell.my_account"), false) {
        scene.ask(Action::Go(Route::Me));
    }
    if menu_item(ui, theme, scene.text("shell.sign_out"), false) {
        scene.run(Command::Session(SessionCommand::PersonSignOut));
    }
    if menu_item(ui, theme, scene.text("shell.sign_in_other"), false) {
        scene.ask(Action::ShowLogin);
    }
    ui.separator();
    for (key, tone) in [("shell.dark", Some(Tone::Dark)), ("shell.light", Some(Tone::Light)), ("shell.system_tone", None)] {
        if menu_item(ui, theme, scene.text(key), scene.tone == tone) {
            scene.ask(Action::SetTone(tone));
        }
    }
}

fn link(ui: &mut Ui, theme: &Theme, label: &str) -> Response {
    let words = theme.words(label, Text::Body, Weight::SemiBold, theme.color.accent);
    // A header is lower than a finger's button: taller, it would be cut.
    let height = theme.sizes.touch.min(ui.available_height());
    let response = ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = height;
        ui.add(egui::Button::new(words).frame(false))
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
    fn a_full_rail_moves_together_before_it_hides_anything() {
        let sizes = Sizes::of(crate::desktop::theme::Display::Desktop);
        assert_eq!(item_height(1080.0, sizes, 11), 80.0);
        assert_eq!(item_height(800.0, sizes, 11), 72.0);
        assert_eq!(item_height(500.0, sizes, 11), 60.0);
    }

    #[test]
    fn a_short_rail_keeps_a_place_for_more() {
        assert_eq!(places(400.0, 100.0, 7), 3);
        assert_eq!(places(400.0, 100.0, 4), 4);
        assert_eq!(places(800.0, 80.0, 7), 7);
    }

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
